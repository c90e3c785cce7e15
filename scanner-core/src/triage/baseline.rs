//! The baseline: secrets that were looked at, with what was decided, by whom and until when.
//!
//! ```text
//! {"gitsieve_baseline":1}
//! {"fingerprint":"v1:212...","rule_id":"github-pat","status":"revoked","reason":"OPS-17",...}
//! ```
//! JSON Lines: a first line that says what this is, then one entry a line, sorted by fingerprint.
//! Entries do not depend on their neighbours, as those of a JSON array do by their commas, and
//! fingerprints are spread evenly, so that what two branches add merges in Git without a conflict
//! (always with `merge=union`, whose result reads the same). A diff shows one line for each
//! decision. Keys that this version does not know stay as they are.
//!
//! No entry holds a secret. The redacted form and one path help people to see what an entry is
//! about, and nothing else uses them.

mod edit;
mod entry;
mod parse;

pub use edit::{Added, BaselineDiff, Decision, Prune, Pruned};
pub use entry::{BaselineEntry, InvalidDay};

use super::apply::Entry;
use crate::{
    model::{Fingerprint, Problem},
    report::write_json,
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Version of the format: raised when a reader written for an older one would decide wrongly.
const VERSION: u64 = 1;
/// The key that says what the file is.
const MAGIC: &str = "gitsieve_baseline";
/// The key that says which key fingerprints were made under.
const KEY_ID: &str = "fingerprint_key";

/// A baseline.
#[derive(Debug, Clone)]
pub struct Baseline {
    name: String,
    /// The first line.
    header: Map<String, Value>,
    /// Sorted by fingerprint, one for each.
    entries: Vec<BaselineEntry>,
    by_fingerprint: HashMap<Fingerprint, usize>,
    repeated: Vec<Problem>,
}

impl Baseline {
    /// Makes an empty one, for fingerprints under a key ([`crate::model::FingerprintKey::id`]);
    /// `name` is what messages call it.
    pub fn new(name: &str, key_id: Option<&str>) -> Self {
        let mut header = Map::new();
        header.insert(MAGIC.to_owned(), VERSION.into());
        if let Some(id) = key_id {
            header.insert(KEY_ID.to_owned(), id.into());
        }
        Self {
            name: name.to_owned(),
            header,
            entries: Vec::new(),
            by_fingerprint: HashMap::new(),
            repeated: Vec::new(),
        }
    }

    /// Which key its fingerprints were made under; `None` for the default one. Under another key
    /// no entry is about anything.
    pub fn key_id(&self) -> Option<&str> {
        self.header.get(KEY_ID).and_then(Value::as_str)
    }

    /// The entries, sorted by fingerprint.
    pub fn entries(&self) -> &[BaselineEntry] {
        &self.entries
    }

    /// Secrets with entries that contradict each other, as a merge may leave them: the later line
    /// counts.
    pub fn repeated(&self) -> &[Problem] {
        &self.repeated
    }

    /// The entry about a secret.
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&BaselineEntry> {
        self.position(fingerprint).map(|at| &self.entries[at])
    }

    pub(super) fn position(&self, fingerprint: &Fingerprint) -> Option<usize> {
        self.by_fingerprint.get(fingerprint).copied()
    }

    /// How messages name an entry.
    pub(super) fn told(&self, entry: &BaselineEntry) -> Entry {
        let mut about = format!("{} [{}]", entry.fingerprint, entry.rule_id);
        if !entry.path.is_empty() {
            about = format!("{about} {}", entry.path);
        }
        if let Some(day) = &entry.expires {
            about = format!("{about}, until {day}");
        }
        Entry {
            file: self.name.clone(),
            line: entry.line,
            about,
        }
    }

    /// The text of the file.
    pub fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        line(&mut out, &self.header);
        for entry in &self.entries {
            line(&mut out, entry);
        }
        out
    }

    fn put(&mut self, mut entries: Vec<BaselineEntry>) {
        entries.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
        let numbered = entries.iter().enumerate();
        self.by_fingerprint = numbered.map(|(n, e)| (e.fingerprint.clone(), n)).collect();
        self.entries = entries;
    }
}

fn line(out: &mut Vec<u8>, value: &impl Serialize) {
    write_json(out, value).expect("maps with text as keys are JSON, and memory takes it");
    out.push(b'\n');
}

#[cfg(test)]
mod tests;
