//! JSON that is a list of records: an array, or one record a line.
//!
//! serde_json bounds nesting itself, and its messages are not passed on: they quote content.

use super::{Foreign, ForeignError};
use serde::de::DeserializeOwned;

/// Lines that are no record and are named one by one.
const MOST_NOTES: usize = 50;

/// Reads all records, and notes lines that are none.
pub(super) fn read<T: DeserializeOwned>(
    content: &[u8],
    notes: &mut Foreign,
) -> Result<Vec<T>, ForeignError> {
    let start = content.iter().find(|b| !b.is_ascii_whitespace());
    if start == Some(&b'[') {
        return document(content);
    }
    let mut records = Vec::new();
    let mut wrong = 0;
    for (number, line) in (1..).zip(content.split(|b| *b == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Ok(record) = serde_json::from_slice(line) {
            records.push(record);
            continue;
        }
        wrong += 1;
        if wrong <= MOST_NOTES {
            let message = "not a record in JSON, as its neighbours are".to_owned();
            notes.notes.push((number, message));
        }
    }
    if records.is_empty() && wrong > 0 {
        return Err(ForeignError {
            line: 0,
            message: "holds no record in JSON".to_owned(),
        });
    }
    if wrong > MOST_NOTES {
        let more = wrong - MOST_NOTES;
        let message = format!("{more} more lines are not records in JSON");
        notes.notes.push((0, message));
    }
    Ok(records)
}

/// Reads one JSON document.
pub(super) fn document<T: DeserializeOwned>(content: &[u8]) -> Result<T, ForeignError> {
    serde_json::from_slice(content).map_err(|error| {
        let message = if error.is_data() {
            "not of the form that this kind of file has"
        } else {
            "not JSON"
        };
        ForeignError {
            line: error.line() as u32,
            message: message.to_owned(),
        }
    })
}
