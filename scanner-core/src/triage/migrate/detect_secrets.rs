//! detect-secrets: `.secrets.baseline`. It names secrets by SHA-1, so that they are found wherever
//! they went. Its filters are configuration, not decisions about secrets: those that somebody
//! wrote are told.

use super::{Foreign, ForeignEntry, ForeignError, records};
use crate::model::TriageStatus;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    results: BTreeMap<String, Vec<Potential>>,
    #[serde(default)]
    filters_used: Vec<Filter>,
}

#[derive(Deserialize)]
struct Potential {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    hashed_secret: String,
    #[serde(default)]
    line_number: u64,
    /// What an audit said; absent before one.
    is_secret: Option<bool>,
    #[serde(default)]
    is_verified: bool,
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    path: String,
    /// Present for the filters that take expressions from the user.
    pattern: Option<Value>,
}

pub(super) fn read(content: &[u8]) -> Result<Foreign, ForeignError> {
    let file: File = records::document(content)?;
    let mut out = Foreign::default();
    for filter in file.filters_used.iter().filter(|f| f.pattern.is_some()) {
        let name = filter.path.rsplit('.').next().unwrap_or_default();
        out.notes.push((
            0,
            format!(
                "the expressions of filter {name}: write them as an allowlist of the \
                 configuration, or paths into .gitsieveignore"
            ),
        ));
    }
    let all = file
        .results
        .into_iter()
        .flat_map(|(path, found)| found.into_iter().map(move |one| (path.clone(), one)));
    for (number, (path, one)) in (1..).zip(all) {
        let (status, note) = match (one.is_secret, one.is_verified) {
            (Some(false), _) => (TriageStatus::FalsePositive, "an audit says: no secret"),
            (Some(true), _) => (TriageStatus::Accepted, "an audit says: a real secret"),
            (None, true) => (TriageStatus::Accepted, "not audited, verified as live"),
            (None, false) => (TriageStatus::Accepted, "not audited"),
        };
        out.entries.push(ForeignEntry {
            number,
            path,
            line: one.line_number,
            rule: one.kind,
            sha1: sha1(&one.hashed_secret),
            status: Some(status),
            note: note.to_owned(),
            ..ForeignEntry::default()
        });
    }
    Ok(out)
}

/// Twenty bytes of hexadecimal.
fn sha1(text: &str) -> Option<[u8; 20]> {
    let bytes = text.as_bytes();
    if bytes.len() != 40 {
        return None;
    }
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    let mut out = [0; 20];
    for (byte, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}
