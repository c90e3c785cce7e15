//! Nosey Parker: the JSON or JSON Lines report. A finding is one content under one rule; people
//! set its status to `accept`, which there means that it is a real finding, or to `reject`. So
//! only what was rejected is a decision that a secret does not count.

use super::{Foreign, ForeignEntry, ForeignError, records};
use crate::model::{Secret, TriageStatus};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    rule_name: String,
    /// What the rule captured: as text or, in later versions, in base64.
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    statuses: Vec<String>,
    comment: Option<String>,
    #[serde(default)]
    matches: Vec<Match>,
}

#[derive(Deserialize)]
struct Match {
    #[serde(default)]
    provenance: Vec<Provenance>,
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Provenance {
    /// Of a plain file.
    path: Option<String>,
    first_commit: Option<FirstCommit>,
}

#[derive(Deserialize)]
struct FirstCommit {
    blob_path: Option<String>,
    commit_metadata: Option<CommitMetadata>,
}

#[derive(Deserialize)]
struct CommitMetadata {
    commit_id: Option<String>,
}

#[derive(Deserialize)]
struct Location {
    source_span: Option<SourceSpan>,
}

#[derive(Deserialize)]
struct SourceSpan {
    start: Option<Point>,
}

#[derive(Deserialize)]
struct Point {
    #[serde(default)]
    line: u64,
}

pub(super) fn read(content: &[u8]) -> Result<Foreign, ForeignError> {
    let mut out = Foreign::default();
    let all: Vec<Found> = records::read(content, &mut out)?;
    for (number, found) in (1..).zip(all) {
        let says = |word: &str| found.statuses.iter().any(|s| s == word);
        let (status, note) = match (says("accept"), says("reject")) {
            (false, true) => (
                Some(TriageStatus::FalsePositive),
                found.comment.clone().unwrap_or_default(),
            ),
            (true, false) => (
                None,
                "confirmed there as a real finding, so it stays open".into(),
            ),
            (true, true) => (None, "accepted and rejected there: decide anew".into()),
            (false, false) => (None, "nothing is decided there, so it stays open".into()),
        };
        let mut entry = place(&found.matches);
        entry.number = number;
        entry.secrets = secrets(&found.groups);
        entry.rule = found.rule_name;
        entry.status = status;
        entry.note = note;
        out.entries.push(entry);
    }
    Ok(out)
}

/// The first place that is told.
fn place(matches: &[Match]) -> ForeignEntry {
    let mut entry = ForeignEntry::default();
    for one in matches {
        let span = one.location.as_ref().and_then(|l| l.source_span.as_ref());
        entry.line = span.and_then(|s| s.start.as_ref()).map_or(0, |p| p.line);
        for from in &one.provenance {
            let first = from.first_commit.as_ref();
            let metadata = first.and_then(|c| c.commit_metadata.as_ref());
            entry.commit = metadata.and_then(|m| m.commit_id.clone());
            let path = first
                .and_then(|c| c.blob_path.as_ref())
                .or(from.path.as_ref());
            if let Some(path) = path {
                entry.path.clone_from(path);
                return entry;
            }
        }
    }
    entry
}

fn secrets(groups: &[String]) -> Vec<Secret> {
    let mut out = Vec::new();
    for group in groups.iter().filter(|g| !g.is_empty()) {
        out.push(Secret::new(group.as_bytes()));
        // Text that happens to be base64 gives bytes that no finding has.
        if let Ok(bytes) = BASE64_STANDARD.decode(group)
            && !bytes.is_empty()
        {
            out.push(Secret::new(&bytes));
        }
    }
    out
}
