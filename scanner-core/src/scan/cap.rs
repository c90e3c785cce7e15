//! A bound on what one rule may find in one content.
//!
//! A rule whose expression matches everywhere finds millions of secrets that are none. Only so many
//! are taken, the first ones, and the rest is said to be missing: the scan is incomplete, because
//! among the others there may be a real one. What is cut depends on the content alone, never on how
//! it is stored.

use super::encoded::Sighting;
use crate::{
    confirm::MOST_MATCHES,
    model::{IssueKind, ObjectId, ScanIssue},
};
use std::collections::BTreeMap;

/// Leaves the first [`MOST_MATCHES`] of each rule in `found`, which is sorted by position. Returns
/// the rules that had more.
pub(super) fn cut(found: &mut Vec<Sighting>) -> Vec<u32> {
    if found.len() <= MOST_MATCHES {
        return Vec::new();
    }
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    found.retain(|p| {
        let count = counts.entry(p.rule).or_default();
        *count += 1;
        *count <= MOST_MATCHES
    });
    let over = counts.into_iter().filter(|(_, n)| *n > MOST_MATCHES);
    over.map(|(rule, _)| rule).collect()
}

/// Says that a rule had more matches than are taken.
pub(super) fn issue(rule_id: &str, id: ObjectId, path: Option<&[u8]>) -> ScanIssue {
    ScanIssue {
        kind: IssueKind::Limit,
        object: Some(id),
        path: path.map(|path| String::from_utf8_lossy(path).into_owned()),
        message: format!(
            "rule {rule_id:?} matches more than {MOST_MATCHES} times here: only the first \
             {MOST_MATCHES} are reported; make the rule narrower, or leave it out with \
             --exclude-rule"
        ),
    }
}
