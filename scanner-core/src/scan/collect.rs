//! Gathers what all threads find.

use crate::{
    confirm::Pending,
    extract::Form,
    model::{Encoding, Location, ObjectId, Proof, ScanIssue, Secret, SkipReason, Span},
    source::ContentKind,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A rule and a secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct FindingKey<'a> {
    pub(super) rule: u32,
    pub(super) secret: &'a [u8],
}

/// A secret found by a rule, once however often it stands somewhere.
#[derive(Debug)]
pub(super) struct RawFinding {
    pub(super) rule: u32,
    pub(super) secret: Secret,
    /// How it is written where it is encoded.
    pub(super) written: BTreeSet<Secret>,
    pub(super) proof: Proof,
}

/// Which source numbered the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The object database.
    #[cfg(feature = "git")]
    Objects,
    /// Index and working tree.
    #[cfg(feature = "git")]
    WorkingSet,
    /// Files, or memory.
    Plain,
}

/// A place where a secret stands, before anyone knows the paths.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(feature = "git"),
    expect(dead_code, reason = "read for repositories only")
)]
pub(super) struct RawOccurrence {
    pub(super) finding: u32,
    pub(super) origin: Origin,
    /// What path and commit may still decide.
    pub(super) pending: Pending,
    /// Evidence for the confidence, before the path is known.
    pub(super) points: i32,
    /// How the secret was given to its name, for a rule of assignments.
    pub(super) form: Option<Form>,
    /// The source's number of the content.
    pub(super) number: u32,
    pub(super) kind: ContentKind,
    pub(super) id: ObjectId,
    pub(super) encoding: Vec<Encoding>,
    /// Path of the member of the content, where it stands in one; `location` and `span` count
    /// there.
    pub(super) member: Option<Arc<[u8]>>,
    pub(super) location: Location,
    pub(super) span: Span,
    /// Whether a comment asks to let it pass.
    pub(super) allowed: bool,
}

/// Most issues kept in full; the rest are counted.
const MOST_ISSUES: usize = 2000;

/// What one thread, or all of them, brought.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) occurrences: Vec<RawOccurrence>,
    issues: Vec<ScanIssue>,
    /// Visited, by kind: blobs, trees, commits, tags.
    pub(super) visited: [u64; 4],
    pub(super) bytes: u64,
    /// Not visited, by kind and reason.
    pub(super) skipped: BTreeMap<(ContentKind, SkipReason), u64>,
}

impl Collected {
    pub(super) fn count(&mut self, kind: ContentKind, bytes: u64) {
        self.visited[kind as usize] += 1;
        self.bytes += bytes;
    }

    pub(super) fn skip(&mut self, kind: ContentKind, reason: SkipReason) {
        self.skip_many(kind, reason, 1);
    }

    pub(super) fn skip_many(&mut self, kind: ContentKind, reason: SkipReason, n: u64) {
        if n > 0 {
            *self.skipped.entry((kind, reason)).or_default() += n;
        }
    }

    /// How many of a kind were not visited, whatever the reason.
    #[cfg(feature = "git")]
    pub(super) fn skipped_of(&self, kind: ContentKind) -> u64 {
        self.skipped
            .iter()
            .filter(|((k, _), _)| *k == kind)
            .map(|(_, n)| n)
            .sum()
    }

    /// How many issues there are so far.
    #[cfg(feature = "git")]
    pub(super) fn issues(&self) -> usize {
        self.issues.len()
    }

    pub(super) fn issue(&mut self, issue: ScanIssue) {
        self.issues.push(issue);
    }

    /// Names the file in each issue about an object, where `path` knows it.
    #[cfg(feature = "git")]
    pub(super) fn name_files(&mut self, path: impl Fn(&ObjectId) -> Option<String>) {
        for issue in &mut self.issues {
            if let Some(path) = issue.object.as_ref().and_then(&path) {
                issue.path = Some(path);
            }
        }
    }

    /// Adds what another brought.
    pub(super) fn merge(&mut self, other: Self) {
        self.occurrences.extend(other.occurrences);
        self.issues.extend(other.issues);
        for (sum, more) in self.visited.iter_mut().zip(other.visited) {
            *sum += more;
        }
        self.bytes += other.bytes;
        for (key, n) in other.skipped {
            *self.skipped.entry(key).or_default() += n;
        }
    }

    /// The issues, sorted, each once, the number beyond the limit told in a last one.
    pub(super) fn take_issues(&mut self) -> Vec<ScanIssue> {
        let mut issues = std::mem::take(&mut self.issues);
        issues.sort_unstable();
        issues.dedup();
        if issues.len() > MOST_ISSUES {
            let more = issues.len() - MOST_ISSUES;
            // The gravest kind sorts first, so that the summary line never understates.
            let kind = issues[0].kind;
            issues.truncate(MOST_ISSUES);
            issues.push(ScanIssue {
                kind,
                object: None,
                path: None,
                message: format!("and {more} more issues that are not listed"),
            });
        }
        issues
    }
}

/// Where all threads bring what they find.
#[derive(Debug, Default)]
pub(super) struct Collector {
    collected: Mutex<Collected>,
    findings: Mutex<Findings>,
}

#[derive(Debug, Default)]
struct Findings {
    by_key: HashMap<(u32, Box<[u8]>), u32>,
    list: Vec<RawFinding>,
}

impl Collector {
    /// Returns the number of a finding, the same for the same rule and secret.
    pub(super) fn finding(&self, key: FindingKey<'_>, proof: Proof) -> u32 {
        let mut findings = lock(&self.findings);
        let next = findings.list.len() as u32;
        let number = *findings
            .by_key
            .entry((key.rule, key.secret.into()))
            .or_insert(next);
        if number == next {
            let secret = Secret::new(key.secret);
            findings.list.push(RawFinding {
                rule: key.rule,
                secret,
                written: BTreeSet::new(),
                proof,
            });
        }
        number
    }

    /// Notes that a finding's secret stands somewhere in these bytes, so that they can be redacted.
    pub(super) fn written(&self, finding: u32, bytes: &[u8]) {
        let mut findings = lock(&self.findings);
        findings.list[finding as usize]
            .written
            .insert(Secret::new(bytes));
    }

    /// Whether a finding's secret holds that of one of `others`, of the same rule, and more.
    #[cfg(feature = "containers")]
    pub(super) fn is_more_than_any(
        &self,
        finding: u32,
        mut others: impl Iterator<Item = u32>,
    ) -> bool {
        let findings = lock(&self.findings);
        let whole = &findings.list[finding as usize];
        others.any(|other| {
            let part = &findings.list[other as usize];
            other != finding
                && part.rule == whole.rule
                && memchr::memmem::find(whole.secret.reveal(), part.secret.reveal()).is_some()
        })
    }

    pub(super) fn absorb(&self, part: Collected) {
        lock(&self.collected).merge(part);
    }

    /// Ids of all content in which something was found so far, or of which something is to be
    /// said.
    #[cfg(feature = "git")]
    pub(super) fn content_ids(&self) -> std::collections::HashSet<ObjectId> {
        let collected = lock(&self.collected);
        let found = collected.occurrences.iter().map(|o| o.id);
        let said = collected.issues.iter().filter_map(|issue| issue.object);
        found.chain(said).collect()
    }

    pub(super) fn finish(self) -> (Collected, Vec<RawFinding>) {
        let collected = self
            .collected
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let findings = self
            .findings
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        (collected, findings.list)
    }
}

/// Locks; a panic of another thread leaves nothing here half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
