//! Makes one report of what a store knows of many repositories, for the formats that scans have.
//!
//! A secret that several repositories hold is one finding there. Paths begin with the name of the
//! repository.

use crate::store::{LastReceipt, Store, StoreError, TrackedFinding};
use scanner_core::{
    model::{IssueKind, Receipt, Report, ScanIssue},
    report::{FORMAT_VERSION, read_report},
};
use std::collections::BTreeMap;

/// Reads findings back, each with the names of its repositories before its paths.
///
/// # Errors
/// [`StoreError::Content`] where one is not readable.
pub fn findings(tracked: &[TrackedFinding]) -> Result<Report, StoreError> {
    let mut lines = format!(
        "{{\"type\":\"meta\",\"tool\":\"gitsieve\",\"version\":\"{}\",\
         \"format_version\":{FORMAT_VERSION}}}\n",
        env!("CARGO_PKG_VERSION")
    );
    for one in tracked {
        lines.push_str(&one.document);
        lines.push('\n');
    }
    let read = read_report(lines.as_bytes())
        .map_err(|_| StoreError::Content("a finding in it is not readable"))?;
    drop(lines);
    let mut merged: BTreeMap<String, usize> = BTreeMap::new();
    let mut report = Report::default();
    for (mut finding, one) in read.report.findings.into_iter().zip(tracked) {
        for occurrence in &mut finding.occurrences {
            let within = std::mem::take(&mut occurrence.path);
            occurrence.path = one.repository.as_str().into();
            if !within.is_empty() {
                occurrence.path.push(b'/');
                occurrence.path.extend_from_slice(&within);
            }
        }
        let next = report.findings.len();
        let at = *merged
            .entry(one.tracked.fingerprint.clone())
            .or_insert(next);
        if at == next {
            report.findings.push(finding);
            continue;
        }
        let known = &mut report.findings[at];
        known.occurrences.append(&mut finding.occurrences);
        known.confidence = known.confidence.max(finding.confidence);
        if finding.suppression.is_none() {
            // Where it counts in one repository, it counts.
            known.suppression = None;
        }
    }
    for finding in &mut report.findings {
        finding.occurrences.sort_by(|a, b| {
            let key = |o: &scanner_core::model::Occurrence| (o.place, o.span, o.blob);
            (&a.path, key(a)).cmp(&(&b.path, key(b)))
        });
    }
    report.findings.sort_by(|a, b| {
        let key = |f: &scanner_core::model::Finding| (f.rule.severity, f.confidence);
        let place = |f: &scanner_core::model::Finding| f.occurrences[0].path.clone();
        key(b)
            .cmp(&key(a))
            .then_with(|| a.rule.id.cmp(&b.rule.id))
            .then_with(|| place(a).cmp(&place(b)))
            .then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
    Ok(report)
}

/// Sums up what the last scans of all repositories looked at that are `wanted`.
///
/// # Errors
/// When the store fails.
pub fn receipt(
    store: &Store,
    wanted: impl Fn(&LastReceipt) -> bool,
) -> Result<Receipt, StoreError> {
    let mut sum = Receipt {
        complete: true,
        ..Receipt::default()
    };
    for one in store.receipts()?.into_iter().filter(wanted) {
        if let Some(line) = &one.receipt {
            let receipt: Stored = serde_json::from_str(line)
                .map_err(|_| StoreError::Content("a receipt in it is not readable"))?;
            sum.blobs.seen += receipt.blobs.seen;
            sum.blobs.scanned += receipt.blobs.scanned;
            sum.blobs.skipped += receipt.blobs.skipped;
            for (reason, count) in receipt.blobs.skipped_by_reason {
                *sum.blobs.skipped_by_reason.entry(reason).or_default() += count;
            }
            sum.commits += receipt.commits;
            sum.trees += receipt.trees;
            sum.tags += receipt.tags;
            sum.bytes += receipt.bytes;
            sum.below_confidence += receipt.below_confidence;
            sum.max_decode_depth = sum.max_decode_depth.max(receipt.max_decode_depth);
            sum.ruleset_hash = receipt.ruleset_hash;
            sum.fingerprint_key = receipt.fingerprint_key;
        }
        if !one.complete {
            sum.complete = false;
            let message = one
                .error
                .unwrap_or_else(|| "it has not been scanned yet".to_owned());
            sum.issues.push(ScanIssue {
                kind: IssueKind::Unreadable,
                object: None,
                path: Some(one.name),
                message,
            });
        }
    }
    Ok(sum)
}

/// What is read of a receipt line.
#[derive(serde::Deserialize)]
struct Stored {
    blobs: scanner_core::model::BlobCounts,
    commits: u64,
    trees: u64,
    tags: u64,
    bytes: u64,
    ruleset_hash: String,
    below_confidence: u64,
    max_decode_depth: u32,
    fingerprint_key: Option<String>,
}
