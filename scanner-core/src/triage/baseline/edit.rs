//! Changes of a baseline, and how it compares with what a scan found.

use super::{
    Baseline, BaselineEntry, InvalidDay,
    entry::{day, day_at},
};
use crate::{
    model::{Finding, Fingerprint, Report, TriageStatus},
    report::{Redactor, printable},
};
use serde_json::Map;
use std::collections::HashSet;

/// What new entries say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    status: TriageStatus,
    reason: String,
    owner: String,
    expires: Option<String>,
}

impl Decision {
    /// Makes one. `expires` is its last day, `YYYY-MM-DD`, UTC.
    ///
    /// # Errors
    /// [`InvalidDay`] where `expires` is none.
    pub fn new(
        status: TriageStatus,
        reason: String,
        owner: String,
        expires: Option<String>,
    ) -> Result<Self, InvalidDay> {
        Ok(Self {
            status,
            reason,
            owner,
            expires: expires.map(day).transpose()?,
        })
    }

    /// Makes one that holds until somebody changes it.
    pub fn without_end(status: TriageStatus, reason: String, owner: String) -> Self {
        Self {
            status,
            reason,
            owner,
            expires: None,
        }
    }
}

/// What an update did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Entries that were added.
    pub added: usize,
    /// Entries that ended and stay as they are, although their secret is still there.
    pub ended: usize,
}

/// What to take out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// Entries that are about nothing found.
    Unused,
    /// Those, and entries that ended.
    UnusedAndEnded,
}

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Entries about nothing found.
    pub unused: usize,
    /// Further entries that ended.
    pub ended: usize,
}

/// How a baseline and a report differ.
#[derive(Debug, Clone, Default)]
pub struct BaselineDiff<'a> {
    /// Findings that count and have no entry, in the report's order.
    pub added: Vec<&'a Finding>,
    /// Entries about nothing found, by fingerprint.
    pub removed: Vec<&'a BaselineEntry>,
    /// Entries that ended although their secret is still there, by fingerprint.
    pub ended: Vec<&'a BaselineEntry>,
}

impl Baseline {
    /// Adds an entry for each finding that counts and has none. Entries that are there stay as
    /// people wrote them, also those that ended: to go on bearing a risk is decided anew, by
    /// somebody. The report must not have been triaged with this baseline.
    pub fn update(
        &mut self,
        report: &Report,
        decision: &Decision,
        now_seconds: Option<i64>,
    ) -> Added {
        let redactor = Redactor::of_report(report);
        let open = report.open().map(|finding| (finding, decision));
        self.add(open, &redactor, now_seconds)
    }

    /// Adds an entry for each of these findings that has none, and keeps those that are there.
    /// The redactor knows the secrets of the whole report.
    pub(in super::super) fn add<'a>(
        &mut self,
        decided: impl IntoIterator<Item = (&'a Finding, &'a Decision)>,
        redactor: &Redactor,
        now_seconds: Option<i64>,
    ) -> Added {
        let mut done = Added::default();
        let mut entries = std::mem::take(&mut self.entries);
        for (finding, decision) in decided {
            if let Some(&at) = self.by_fingerprint.get(&finding.fingerprint) {
                done.ended += usize::from(entries[at].has_ended(now_seconds));
                continue;
            }
            // A report that somebody wrote may tell of a secret twice.
            let at = entries.len();
            self.by_fingerprint.insert(finding.fingerprint.clone(), at);
            entries.push(BaselineEntry {
                fingerprint: finding.fingerprint.clone(),
                rule_id: finding.rule.id.clone(),
                status: decision.status,
                reason: decision.reason.clone(),
                owner: decision.owner.clone(),
                expires: decision.expires.clone(),
                added: now_seconds.and_then(day_at),
                redacted: finding.secret.redacted(),
                path: path(finding, redactor),
                line: 0,
                more: Map::new(),
            });
            done.added += 1;
        }
        self.put(entries);
        done
    }

    /// Writes down what was decided anew about findings: in place of what their entries said, or, for
    /// `None`, nothing, so that they count again. What an entry says besides its decision stays, and
    /// so do all other entries. The redactor knows the secrets of the whole report.
    pub fn revise<'a>(
        &mut self,
        decided: impl IntoIterator<Item = (&'a Finding, Option<&'a Decision>)>,
        redactor: &Redactor,
        now_seconds: Option<i64>,
    ) {
        let mut fresh = Vec::new();
        let mut gone = HashSet::new();
        for (finding, decision) in decided {
            let at = self.by_fingerprint.get(&finding.fingerprint).copied();
            match (at, decision) {
                (Some(at), Some(decision)) => {
                    let entry = &mut self.entries[at];
                    entry.status = decision.status;
                    entry.reason.clone_from(&decision.reason);
                    entry.owner.clone_from(&decision.owner);
                    entry.expires.clone_from(&decision.expires);
                }
                (Some(_), None) => {
                    gone.insert(finding.fingerprint.clone());
                }
                (None, Some(decision)) => fresh.push((finding, decision)),
                (None, None) => {}
            }
        }
        let mut entries = std::mem::take(&mut self.entries);
        entries.retain(|entry| !gone.contains(&entry.fingerprint));
        self.put(entries);
        self.add(fresh, redactor, now_seconds);
    }

    /// Takes out entries that are not needed. What the report found and does not count, for
    /// whatever reason, is still there, and so are the entries about it.
    pub fn prune(&mut self, report: &Report, what: Prune, now_seconds: Option<i64>) -> Pruned {
        let found = fingerprints(report);
        let mut done = Pruned::default();
        let mut entries = std::mem::take(&mut self.entries);
        entries.retain(|entry| {
            let unused = !found.contains(&entry.fingerprint);
            let ended = what == Prune::UnusedAndEnded && entry.has_ended(now_seconds);
            done.unused += usize::from(unused);
            done.ended += usize::from(ended && !unused);
            !unused && !ended
        });
        self.put(entries);
        done
    }

    /// Compares with a report, which must not have been triaged with this baseline.
    pub fn diff<'a>(&'a self, report: &'a Report, now_seconds: Option<i64>) -> BaselineDiff<'a> {
        let found = fingerprints(report);
        let is_found = |entry: &&BaselineEntry| found.contains(&entry.fingerprint);
        BaselineDiff {
            added: report
                .open()
                .filter(|finding| self.get(&finding.fingerprint).is_none())
                .collect(),
            removed: self.entries.iter().filter(|e| !is_found(e)).collect(),
            ended: self
                .entries
                .iter()
                .filter(|entry| entry.has_ended(now_seconds) && is_found(entry))
                .collect(),
        }
    }
}

fn fingerprints(report: &Report) -> HashSet<&Fingerprint> {
    report.findings.iter().map(|f| &f.fingerprint).collect()
}

/// One path of a finding, with no secret of the report in it.
fn path(finding: &Finding, redactor: &Redactor) -> String {
    let named = finding.occurrences.iter().find(|o| !o.path.is_empty());
    let text = |bytes: &[u8]| printable(&redactor.redact(bytes));
    named.map_or_else(String::new, |o| match &o.member {
        Some(member) => format!("{}!/{}", text(&o.path), text(member)),
        None => text(&o.path),
    })
}
