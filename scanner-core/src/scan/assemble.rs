//! Puts findings, places and counts together into a report.

use super::{
    collect::{Collected, RawFinding, RawOccurrence},
    compose::compose,
    scanner::Scanner,
};
use crate::{
    filter::{note::notes, score, without::Filter},
    model::{
        BlobCounts, CommitId, CommitInfo, Finding, IssueKind, ObjectId, Occurrence, Proof, Receipt,
        Report, SuppressedBy, TriageCounts, Where,
    },
    source::ContentKind,
};
use bstr::BString;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A place, and what is known of how the content came there.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) path: BString,
    pub(super) place: Where,
    pub(super) introduced: Option<Arc<CommitInfo>>,
    pub(super) also_introduced_in: Vec<CommitId>,
    pub(super) last_seen: Option<CommitId>,
    pub(super) last_seen_seconds: Option<i64>,
    pub(super) refs: Vec<String>,
}

impl Located {
    /// A place outside history.
    pub(super) fn at(path: BString, place: Where) -> Self {
        Self {
            path,
            place,
            introduced: None,
            also_introduced_in: Vec::new(),
            last_seen: None,
            last_seen_seconds: None,
            refs: Vec::new(),
        }
    }
}

/// A report in the making.
pub(super) struct Assembly<'a> {
    scanner: &'a Scanner,
    findings: Vec<(RawFinding, Vec<Occurrence>, i32)>,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(scanner: &'a Scanner, findings: Vec<RawFinding>) -> Self {
        Self {
            scanner,
            findings: findings.into_iter().map(|f| (f, Vec::new(), 0)).collect(),
        }
    }

    /// A finding as it was collected.
    #[cfg(feature = "git")]
    pub(super) fn finding(&self, number: u32) -> &RawFinding {
        &self.findings[number as usize].0
    }

    /// Adds an occurrence at a place, unless the rule's path or an allowlist speaks against it.
    pub(super) fn add(&mut self, raw: &RawOccurrence, located: Located) {
        let (finding, occurrences, points) = &mut self.findings[raw.finding as usize];
        let commit = located.introduced.as_ref().map(|c| c.commit);
        let confirmer = self.scanner.confirmer();
        let member = raw.member.as_deref();
        let (path, pending) = (located.path.as_slice(), &raw.pending);
        if !confirmer.admits(finding.rule, pending, path, member, commit.as_ref()) {
            return;
        }
        // A finding is as sure as its surest place. What proves itself does so anywhere.
        let left_out = confirmer.left_out() == Some(Filter::Path);
        let here = if finding.proof == Proof::Proven || left_out {
            raw.points
        } else {
            score::at_path(raw.points, &score::full_path(path, member), raw.form)
        };
        *points = (*points).max(here);
        occurrences.push(Occurrence {
            path: located.path,
            member: member.map(BString::from),
            location: raw.location,
            span: raw.span,
            encoding: raw.encoding.clone(),
            blob: raw.id,
            place: located.place,
            introduced: located.introduced,
            also_introduced_in: located.also_introduced_in,
            last_seen: located.last_seen,
            last_seen_seconds: located.last_seen_seconds,
            refs: located.refs,
            parts: Vec::new(),
            allowed_by: raw.allowed.then_some(SuppressedBy::Comment),
        });
    }

    /// Makes the report.
    pub(super) fn finish(
        mut self,
        mut collected: Collected,
        tips: BTreeMap<String, ObjectId>,
    ) -> Report {
        let scanner = self.scanner;
        for (_, occurrences, _) in &mut self.findings {
            occurrences.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
            occurrences.dedup();
        }
        compose(scanner.confirmer(), &mut self.findings);
        let mut findings: Vec<Finding> = self
            .findings
            .into_iter()
            .filter(|(_, occurrences, _)| !occurrences.is_empty())
            .map(|(raw, occurrences, mut points)| {
                let rule = scanner.confirmer().rule(raw.rule);
                let own = notes(&rule.validate, raw.secret.reveal(), scanner.now());
                let rule = Arc::clone(&rule.info);
                if own.expired {
                    points += score::EXPIRED_POINTS;
                }
                if occurrences.iter().any(|o| !o.parts.is_empty()) {
                    points += score::COMPANION_POINTS;
                }
                let mut texts = own.texts;
                texts.extend(part_notes(scanner, &occurrences));
                texts.dedup();
                Finding {
                    confidence: score::confidence(points),
                    fingerprint: scanner.fingerprint(&rule.id, &raw.secret),
                    rule,
                    secret: raw.secret,
                    written: raw.written.into_iter().collect(),
                    proof: raw.proof,
                    notes: texts,
                    occurrences,
                    suppression: None,
                }
            })
            .collect();
        let least = scanner.min_confidence();
        let found = findings.len();
        findings.retain(|finding| finding.confidence >= least);
        let below_confidence = (found - findings.len()) as u64;
        findings.sort_unstable_by(|a, b| {
            (b.rule.severity, b.confidence)
                .cmp(&(a.rule.severity, a.confidence))
                .then_with(|| a.rule.id.cmp(&b.rule.id))
                .then_with(|| order(&a.occurrences[0]).cmp(&order(&b.occurrences[0])))
                .then_with(|| a.fingerprint.cmp(&b.fingerprint))
        });
        let issues = collected.take_issues();
        let [scanned, trees, commits, tags] = collected.visited;
        let skipped_by_reason: BTreeMap<_, _> = collected
            .skipped
            .iter()
            .filter(|((kind, _), _)| *kind == ContentKind::Blob)
            .map(|((_, reason), n)| (*reason, *n))
            .collect();
        let skipped = skipped_by_reason.values().sum();
        Report {
            receipt: Receipt {
                blobs: BlobCounts {
                    seen: scanned + skipped,
                    scanned,
                    skipped,
                    skipped_by_reason,
                },
                commits,
                trees,
                tags,
                bytes: collected.bytes,
                tips,
                ruleset_hash: scanner.ruleset_hash().to_owned(),
                below_confidence,
                max_decode_depth: scanner.max_decode_depth(),
                fingerprint_key: scanner.fingerprint_key().id(),
                triage: TriageCounts::default(),
                complete: issues.iter().all(|i| i.kind == IssueKind::Note),
                issues,
            },
            findings,
        }
    }
}

/// Most notes about the other halves of a credential.
const MOST_PART_NOTES: usize = 8;

/// What is known of the other halves: a key id tells the account.
fn part_notes(scanner: &Scanner, occurrences: &[Occurrence]) -> BTreeSet<String> {
    let parts: BTreeSet<(&str, &[u8])> = occurrences
        .iter()
        .flat_map(|o| &o.parts)
        .map(|part| (part.rule.id.as_str(), part.secret.reveal()))
        .collect();
    let mut texts = BTreeSet::new();
    for (id, secret) in parts {
        if let Some(rule) = scanner.confirmer().rule_of(id) {
            texts.extend(notes(&rule.validate, secret, scanner.now()).texts);
        }
        if texts.len() >= MOST_PART_NOTES {
            break;
        }
    }
    texts
}

/// How occurrences are sorted.
fn order(o: &Occurrence) -> impl Ord + '_ {
    (o.place, &o.path, &o.member, o.span, o.blob, &o.encoding)
}
