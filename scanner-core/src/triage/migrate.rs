//! Decisions that were made with other scanners, carried into a baseline.
//!
//! Theirs name places, or hashes of their own; ours name secrets. So a foreign entry is looked up
//! among what a scan found: by the secret itself where the entry has it, by its SHA-1, or by path
//! and line. A place is weak evidence, because something else may stand there by now: it is taken
//! only where it leaves one secret to choose, and never against what the entry says of the secret
//! or its kind. What cannot be carried is told, entry by entry; nothing is carried by a guess.
//!
//! One file for each format: bytes in, [`Foreign`] out.

mod detect_secrets;
mod gitleaks;
mod kind;
#[cfg(feature = "import")]
mod kingfisher;
mod lookup;
mod noseyparker;
mod records;
mod trufflehog;

pub use kind::ForeignKind;

use super::{Added, Baseline, Decision};
use crate::{
    model::{Finding, Problem, Report, Secret, TriageStatus},
    report::{Redactor, printable},
};
use lookup::Lookup;
use std::collections::BTreeMap;

/// Longest remark that is carried, in characters.
const MAX_NOTE_CHARS: usize = 500;

/// What a file of another scanner holds.
#[derive(Debug, Clone, Default)]
pub struct Foreign {
    /// Its decisions.
    pub entries: Vec<ForeignEntry>,
    /// What is in it besides and has no counterpart: line (1-based; 0 where the format tells
    /// none), and what it is.
    pub notes: Vec<(u32, String)>,
}

/// One decision of another scanner's user.
#[derive(Debug, Clone, Default)]
pub struct ForeignEntry {
    /// Where it stands in its file: line, or number of the entry, both from 1.
    pub number: u32,
    /// Path of the secret; empty where unknown.
    pub path: String,
    /// Its line, from 1; 0 where unknown.
    pub line: u64,
    /// Id of the commit that brought it, in hexadecimal.
    pub commit: Option<String>,
    /// Name of the rule; empty where unknown.
    pub rule: String,
    /// The secret, in every form in which the file has it.
    pub secrets: Vec<Secret>,
    /// SHA-1 of the secret.
    pub sha1: Option<[u8; 20]>,
    /// What was decided. `None` where nothing was, or that the secret is to count.
    pub status: Option<TriageStatus>,
    /// What somebody remarked, or why there is no status; may be empty.
    pub note: String,
}

/// Why a file cannot be read. Holds none of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if *.line > 0 { format!("line {}: ", .line) } else { String::new() })]
pub struct ForeignError {
    /// The line, 1-based; 0 when the file as a whole is meant.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// Carries foreign decisions over to what a scan found.
#[derive(Debug)]
pub struct Migration<'a> {
    report: &'a Report,
    lookup: Lookup<'a>,
    redactor: Redactor,
    /// By number of the finding.
    carried: BTreeMap<usize, Decided>,
    entries: usize,
    left: Vec<Problem>,
}

#[derive(Debug)]
struct Decided {
    status: TriageStatus,
    reason: String,
}

/// What a migration did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrated {
    /// Foreign entries that were carried.
    pub carried: usize,
    /// Entries of the baseline that were added; one may stand for many foreign ones.
    pub added: usize,
    /// Entries that were there already and stay as people wrote them.
    pub kept: usize,
    /// Of those, entries that ended although their secret is still there.
    pub ended: usize,
    /// What could not be carried, by file and line (0 where the format has entries without
    /// lines): printable, and with no secret in it.
    pub left: Vec<Problem>,
}

impl<'a> Migration<'a> {
    /// Begins with what a scan found, suppressed findings included. `roots` are the directories
    /// that foreign paths may start with instead of being relative to the repository.
    pub fn new(report: &'a Report, roots: Vec<String>) -> Self {
        Self {
            report,
            lookup: Lookup::new(report, roots),
            redactor: Redactor::of_report(report),
            carried: BTreeMap::new(),
            entries: 0,
            left: Vec::new(),
        }
    }

    /// Carries what a file holds; `file` is what messages call it. Of contradicting decisions the
    /// first one stays.
    pub fn add(&mut self, file: &str, kind: ForeignKind, foreign: &Foreign) {
        let own = foreign.entries.iter().flat_map(|e| e.secrets.iter());
        let own = Redactor::new(own.cloned());
        let clean = |text: &str| {
            let text = own.redact_str(text).into_owned();
            printable(self.redactor.redact_str(&text).as_bytes())
        };
        let problem = |line: u32, message: String| Problem {
            file: file.to_owned(),
            line,
            message: clean(&message),
        };
        let mut left = Vec::new();
        for (line, note) in &foreign.notes {
            left.push(problem(*line, note.clone()));
        }
        for entry in &foreign.entries {
            let place = |why: &str| {
                let line = if kind.has_lines() { entry.number } else { 0 };
                let number = entry.number;
                let told = if kind.has_lines() {
                    format!("{}: {why}", entry.about())
                } else {
                    format!("entry {number}, {}: {why}", entry.about())
                };
                problem(line, told)
            };
            let Some(status) = entry.status else {
                left.push(place(&entry.note));
                continue;
            };
            let found = match self.lookup.find(entry) {
                Ok(found) => found,
                Err(why) => {
                    left.push(place(&why.to_string()));
                    continue;
                }
            };
            let contradicts = |at: &usize| {
                let decided = self.carried.get(at);
                decided.filter(|decided| decided.status != status)
            };
            if let Some(decided) = found.iter().find_map(contradicts) {
                let other = decided.status;
                left.push(place(&format!(
                    "says {status}, and an entry before it says {other} of the same secret: the \
                     first one stays"
                )));
                continue;
            }
            let mut reason = format!("migrated from {}", kind.tool());
            if !entry.note.is_empty() {
                let note: String = entry.note.chars().take(MAX_NOTE_CHARS).collect();
                reason = format!("{reason}: {}", clean(&note));
            }
            for at in found {
                self.carried.entry(at).or_insert_with(|| Decided {
                    status,
                    reason: reason.clone(),
                });
            }
            self.entries += 1;
        }
        self.left.append(&mut left);
    }

    /// Adds what was carried to a baseline. Entries that are there stay as people wrote them.
    pub fn finish(self, baseline: &mut Baseline, now_seconds: Option<i64>) -> Migrated {
        let decided: Vec<(&Finding, Decision)> = self
            .carried
            .into_iter()
            .map(|(at, d)| {
                let decision = Decision::without_end(d.status, d.reason, String::new());
                (&self.report.findings[at], decision)
            })
            .collect();
        let all = decided.len();
        let Added { added, ended } = baseline.add(
            decided
                .iter()
                .map(|(finding, decision)| (*finding, decision)),
            &self.redactor,
            now_seconds,
        );
        Migrated {
            carried: self.entries,
            added,
            kept: all - added,
            ended,
            left: self.left,
        }
    }
}

impl ForeignEntry {
    /// What it is about, as untrusted as its file.
    fn about(&self) -> String {
        let mut about = String::new();
        if let Some(commit) = &self.commit {
            about.extend(commit.chars().take(12));
            about.push(':');
        }
        about.push_str(&self.path);
        if self.line > 0 {
            about = format!("{about}:{}", self.line);
        }
        if !self.rule.is_empty() {
            about = format!("{about} [{}]", self.rule);
        }
        about.trim_start().to_owned()
    }
}

#[cfg(test)]
mod tests;
