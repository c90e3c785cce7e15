//! Reads a baseline.

use super::{Baseline, BaselineEntry, KEY_ID, MAGIC, VERSION, entry};
use crate::{
    model::{Fingerprint, Problem},
    triage::TriageFileError,
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Most problems that are told of one file.
const MOST_PROBLEMS: usize = 100;

impl Baseline {
    /// Reads a file; `name` is what messages call it. Entries may come in any order.
    ///
    /// # Errors
    /// Every line that is no entry, with its number and none of its text.
    pub fn parse(content: &[u8], name: &str) -> Result<Self, TriageFileError> {
        let mut problems = Vec::new();
        let mut wrong = |line: u32, message: String| {
            let file = name.to_owned();
            problems.push(Problem {
                file,
                line,
                message,
            });
            problems.len() < MOST_PROBLEMS
        };
        let mut header = None;
        let mut entries: Vec<BaselineEntry> = Vec::new();
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        for (number, line) in (1..).zip(content.split(|b| *b == b'\n')) {
            let Ok(line) = std::str::from_utf8(line) else {
                if wrong(number, "not UTF-8".to_owned()) {
                    continue;
                }
                break;
            };
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let read = if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
                .iter()
                .any(|mark| line.starts_with(mark))
            {
                Err(
                    "a merge that is not finished: keep the entries of both sides, and take the \
                     marks out"
                        .to_owned(),
                )
            } else if header.is_none() {
                first(line).map(|read| header = Some(read))
            } else if line.contains(MAGIC) && first(line).is_ok() {
                // A merge of two new files may leave two.
                Ok(())
            } else {
                entry::read(line, number).map(|entry| entries.push(entry))
            };
            if let Err(message) = read {
                // Without the first line nothing else can be understood.
                if !wrong(number, message) || header.is_none() {
                    break;
                }
            }
        }
        if problems.is_empty() && header.is_none() {
            let message = format!("empty: a baseline starts with {{\"{MAGIC}\":{VERSION}}}");
            problems.push(Problem {
                file: name.to_owned(),
                line: 0,
                message,
            });
        }
        let Some(header) = header.filter(|_| problems.is_empty()) else {
            return Err(TriageFileError(problems));
        };
        let mut baseline = Self::new(name, None);
        baseline.header = header;
        baseline.keep_last(entries);
        Ok(baseline)
    }

    /// Keeps the last entry about each secret.
    fn keep_last(&mut self, entries: Vec<BaselineEntry>) {
        let mut last: HashMap<Fingerprint, BaselineEntry> = HashMap::with_capacity(entries.len());
        for entry in entries {
            let line = entry.line;
            let Some(old) = last.insert(entry.fingerprint.clone(), entry.clone()) else {
                continue;
            };
            if (BaselineEntry {
                line,
                ..old.clone()
            }) != entry
            {
                self.repeated.push(Problem {
                    file: self.name.clone(),
                    line,
                    message: format!(
                        "a second entry about {}, which counts in place of that in line {}: keep \
                         one of them",
                        entry.fingerprint, old.line
                    ),
                });
            }
        }
        self.put(last.into_values().collect());
    }
}

/// Reads the first line.
fn first(line: &str) -> Result<Map<String, Value>, String> {
    let missing = || format!("not a baseline: its first line is {{\"{MAGIC}\":{VERSION}}}");
    let header: Map<String, Value> = serde_json::from_str(line).map_err(|_| missing())?;
    let version = header.get(MAGIC).ok_or_else(missing)?;
    if version.as_u64() != Some(VERSION) {
        return Err(format!(
            "a baseline of another version: this gitsieve reads version {VERSION}"
        ));
    }
    if header.get(KEY_ID).is_some_and(|id| !id.is_string()) {
        return Err(format!("`{KEY_ID}` is no text"));
    }
    Ok(header)
}
