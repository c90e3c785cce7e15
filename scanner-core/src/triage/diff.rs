//! How two reports differ.

use crate::model::{BlobId, Finding, Fingerprint, Occurrence, Report, Where};
use std::collections::{HashMap, HashSet};

/// What became of a finding from one report to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Only the new report has it.
    New,
    /// Only the old report has it.
    Gone,
    /// Both have it, at other places.
    Moved,
    /// Both have it at the same places.
    Unchanged,
}

impl Change {
    /// Returns the name used in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Moved => "moved",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A finding and what became of it.
#[derive(Debug, Clone)]
pub struct Changed<'a> {
    /// What became of it.
    pub change: Change,
    /// The finding, as the newer report that has it tells of it.
    pub finding: &'a Finding,
    /// Places of the new report that the old one does not have. All for a new finding.
    pub came: Vec<&'a Occurrence>,
    /// Places of the old report that the new one does not have. All for one that is gone.
    pub left: Vec<&'a Occurrence>,
}

/// How two reports differ in the findings that count.
#[derive(Debug, Clone, Default)]
pub struct ReportDiff<'a> {
    /// The findings of the new report in its order, then those that are gone in the old one's.
    pub all: Vec<Changed<'a>>,
}

/// What makes a place the same in both reports. The position counts only within its content, which
/// a blob's id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place<'a> {
    of: Where,
    path: &'a [u8],
    member: Option<&'a [u8]>,
    blob: BlobId,
    line: u64,
    column: u64,
}

impl<'a> Place<'a> {
    fn of(occurrence: &'a Occurrence) -> Self {
        Self {
            of: occurrence.place,
            path: &occurrence.path,
            member: occurrence.member.as_ref().map(|m| &m[..]),
            blob: occurrence.blob,
            line: occurrence.location.start_line,
            column: occurrence.location.start_column,
        }
    }
}

impl<'a> ReportDiff<'a> {
    /// Compares two reports, in time that grows with their places. Only findings that count take
    /// part: one that is suppressed in the new report is gone, one that no longer is, is new.
    pub fn new(old: &'a Report, new: &'a Report) -> Self {
        let before: HashMap<&Fingerprint, &Finding> =
            old.open().map(|f| (&f.fingerprint, f)).collect();
        let after: HashSet<&Fingerprint> = new.open().map(|f| &f.fingerprint).collect();
        let mut all: Vec<Changed<'a>> = new
            .open()
            .map(|finding| match before.get(&finding.fingerprint) {
                None => Changed {
                    change: Change::New,
                    finding,
                    came: finding.occurrences.iter().collect(),
                    left: Vec::new(),
                },
                Some(old) => {
                    let came = missing(&finding.occurrences, &old.occurrences);
                    let left = missing(&old.occurrences, &finding.occurrences);
                    let same = came.is_empty() && left.is_empty();
                    let change = if same {
                        Change::Unchanged
                    } else {
                        Change::Moved
                    };
                    Changed {
                        change,
                        finding,
                        came,
                        left,
                    }
                }
            })
            .collect();
        let gone = old.open().filter(|f| !after.contains(&f.fingerprint));
        all.extend(gone.map(|finding| Changed {
            change: Change::Gone,
            finding,
            came: Vec::new(),
            left: finding.occurrences.iter().collect(),
        }));
        Self { all }
    }

    /// How many findings there are of a kind.
    pub fn count(&self, change: Change) -> usize {
        self.all.iter().filter(|c| c.change == change).count()
    }
}

/// The places of `these` that `others` do not have.
fn missing<'a>(these: &'a [Occurrence], others: &[Occurrence]) -> Vec<&'a Occurrence> {
    let known: HashSet<Place<'_>> = others.iter().map(Place::of).collect();
    let unknown = |o: &&Occurrence| !known.contains(&Place::of(o));
    these.iter().filter(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::testing::finding;

    #[test]
    fn findings_are_new_gone_moved_or_as_they_were() {
        let of = |findings| Report {
            findings,
            ..Report::default()
        };
        let old = of(vec![
            finding("same", &["a", "b"]),
            finding("moved", &["a", "b"]),
            finding("gone", &["a"]),
        ]);
        let mut hidden = finding("hidden", &["!a"]);
        let mut new = of(vec![
            finding("moved", &["b", "c"]),
            finding("new", &["a"]),
            finding("same", &["a", "b"]),
        ]);
        hidden.suppression = Some(crate::model::Suppression {
            by: crate::model::SuppressedBy::Comment,
            status: crate::model::TriageStatus::Accepted,
            reason: String::new(),
            owner: String::new(),
            expires: None,
        });
        new.findings.push(hidden);
        let diff = ReportDiff::new(&old, &new);
        let told: Vec<_> = diff
            .all
            .iter()
            .map(|c| {
                let paths = |list: &[&Occurrence]| -> Vec<String> {
                    list.iter().map(|o| o.path.to_string()).collect()
                };
                (
                    c.change.as_str(),
                    paths(&c.came).join(" "),
                    paths(&c.left).join(" "),
                )
            })
            .collect();
        let told: Vec<_> = told.iter().map(|(c, a, b)| (*c, &**a, &**b)).collect();
        let wanted = [
            ("moved", "c", "a"),
            ("new", "a", ""),
            ("unchanged", "", ""),
            ("gone", "", "a"),
        ];
        assert_eq!(told, wanted);
        assert_eq!(diff.count(Change::New), 1);
        // A line further down in another version of the file is another place.
        let mut shifted = old.clone();
        shifted.findings[0].occurrences[0].location.start_line = 2;
        assert_eq!(ReportDiff::new(&old, &shifted).count(Change::Moved), 1);
    }
}
