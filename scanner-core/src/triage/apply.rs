//! Decisions applied to a report.

use super::{Baseline, IgnoreFile};
use crate::model::{
    Finding, Occurrence, Report, SuppressedBy, Suppression, TriageCounts, TriageStatus,
};
use std::{collections::HashMap, fmt};

/// What was decided, and what counts of it.
#[derive(Debug, Clone)]
pub struct Triage {
    comments: bool,
    ignore_files: Vec<IgnoreFile>,
    baselines: Vec<Baseline>,
    now_seconds: Option<i64>,
}

/// A line of a file of decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file's name as given.
    pub file: String,
    /// The line, 1-based.
    pub line: u32,
    /// What it is about: a fingerprint with its rule and path, or a pattern. May hold anything, as
    /// paths may, but no secret that the file does not hold.
    pub about: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.about)
    }
}

/// What was found out about decisions, in the order of files and lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Those that are about nothing in the report.
    pub unused: Vec<Entry>,
    /// Those that ended although their secret is still there.
    pub expired: Vec<Entry>,
}

impl Triage {
    /// Starts with comments that count and no files. `now_seconds` is the time in seconds since
    /// 1970; without it no decision that ends can be trusted, so none of those counts.
    pub fn new(now_seconds: Option<i64>) -> Self {
        Self {
            comments: true,
            ignore_files: Vec::new(),
            baselines: Vec::new(),
            now_seconds,
        }
    }

    /// Lets comments beside secrets not count.
    #[must_use]
    pub fn without_comments(mut self) -> Self {
        self.comments = false;
        self
    }

    /// Adds an ignore file.
    #[must_use]
    pub fn ignore_file(mut self, file: IgnoreFile) -> Self {
        self.ignore_files.push(file);
        self
    }

    /// Adds a baseline. Of several that are about a secret, the first that holds counts.
    #[must_use]
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.baselines.push(baseline);
        self
    }

    /// Says of each finding whether it counts, of each occurrence whether it is let pass, and in
    /// the receipt what was decided. Applied again, to the same end, it gives the same.
    ///
    /// The first of these that holds is what a suppressed finding says: a baseline, the ignore
    /// file, comments. Only occurrences that a comment or a path lets pass are marked.
    pub fn apply(&self, report: &mut Report) -> Outcome {
        let mut used = Used::new(self);
        let mut counts = TriageCounts::default();
        for finding in &mut report.findings {
            finding.suppression = self.decide(finding, &mut used);
            if let Some(suppression) = &finding.suppression {
                *counts.suppressed.entry(suppression.by).or_default() += 1;
            }
        }
        let outcome = self.outcome(&used);
        counts.unused = outcome.unused.len() as u64;
        counts.expired = outcome.expired.len() as u64;
        report.receipt.triage = counts;
        outcome
    }

    fn decide(&self, finding: &mut Finding, used: &mut Used) -> Option<Suppression> {
        let fingerprint = &finding.fingerprint;
        let mut decided = None;
        for (baseline, used) in self.baselines.iter().zip(&mut used.baselines) {
            let Some(at) = baseline.position(fingerprint) else {
                continue;
            };
            let entry = &baseline.entries()[at];
            if entry.has_ended(self.now_seconds) {
                used[at] = Use::Ended;
            } else {
                used[at] = Use::Holds;
                decided.get_or_insert_with(|| entry.suppression());
            }
        }
        for (number, file) in self.ignore_files.iter().enumerate() {
            if let Some(at) = file.about(fingerprint) {
                used.ignore_files[number][at] = true;
                decided.get_or_insert_with(|| accepted(SuppressedBy::IgnoreFile));
            }
        }
        let rule_id = &finding.rule.id;
        for occurrence in &mut finding.occurrences {
            let by_comment = occurrence.allowed_by == Some(SuppressedBy::Comment);
            let by_path = self.by_path(rule_id, occurrence, used);
            occurrence.allowed_by = if by_comment && self.comments {
                Some(SuppressedBy::Comment)
            } else {
                by_path.then_some(SuppressedBy::IgnoreFile)
            };
        }
        let by = |o: &Occurrence| o.allowed_by;
        let weakest = finding
            .occurrences
            .iter()
            .map(by)
            .collect::<Option<Vec<_>>>();
        // A path covers what nobody looked at, so it is what is named where both are at work.
        let placed = weakest.and_then(|all| all.into_iter().max()).map(accepted);
        decided.or(placed)
    }

    /// Whether a path of an ignore file covers an occurrence.
    fn by_path(&self, rule_id: &str, occurrence: &Occurrence, used: &mut Used) -> bool {
        let mut covered = false;
        for (number, file) in self.ignore_files.iter().enumerate() {
            if !file.has_paths() || occurrence.path.is_empty() {
                continue;
            }
            let path = match &occurrence.member {
                Some(member) => [&occurrence.path[..], b"!/", member].concat(),
                None => occurrence.path.to_vec(),
            };
            let lines = used.paths[number].entry(path).or_insert_with_key(|path| {
                let mut lines = file.matching(path);
                if occurrence.member.is_some() {
                    lines.extend(file.matching(&occurrence.path));
                }
                lines
            });
            for &at in lines.iter().filter(|at| file.speaks_of(**at, rule_id)) {
                used.ignore_files[number][at] = true;
                covered = true;
            }
        }
        covered
    }

    fn outcome(&self, used: &Used) -> Outcome {
        let mut outcome = Outcome::default();
        for (file, used) in self.ignore_files.iter().zip(&used.ignore_files) {
            let idle = (0..file.len()).filter(|at| !used[*at]);
            outcome.unused.extend(idle.map(|at| {
                let (line, about) = file.told(at);
                Entry {
                    file: file.name().to_owned(),
                    line,
                    about: about.to_owned(),
                }
            }));
        }
        for (baseline, used) in self.baselines.iter().zip(&used.baselines) {
            for (entry, used) in baseline.entries().iter().zip(used) {
                let told = || baseline.told(entry);
                match used {
                    Use::None => outcome.unused.push(told()),
                    Use::Ended => outcome.expired.push(told()),
                    Use::Holds => {}
                }
            }
        }
        outcome
    }
}

fn accepted(by: SuppressedBy) -> Suppression {
    Suppression {
        by,
        status: TriageStatus::Accepted,
        reason: String::new(),
        owner: String::new(),
        expires: None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    None,
    Holds,
    Ended,
}

/// Which entries were about something.
struct Used {
    ignore_files: Vec<Vec<bool>>,
    /// By file: the lines about each path that was asked for. Many occurrences share one.
    paths: Vec<HashMap<Vec<u8>, Vec<usize>>>,
    baselines: Vec<Vec<Use>>,
}

impl Used {
    fn new(triage: &Triage) -> Self {
        let files = &triage.ignore_files;
        let baselines = &triage.baselines;
        Self {
            ignore_files: files.iter().map(|f| vec![false; f.len()]).collect(),
            paths: vec![HashMap::new(); files.len()],
            baselines: baselines
                .iter()
                .map(|b| vec![Use::None; b.entries().len()])
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
