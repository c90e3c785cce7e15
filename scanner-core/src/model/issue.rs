//! What a scan looked at, and what it could not look at.

use super::{ObjectId, TriageCounts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why content was not scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Larger than `max_blob_bytes`, or than the memory budget allows and not to be had in parts.
    TooLarge,
    /// Damaged: could not be decoded.
    Corrupt,
    /// Named by a tree or commit but absent (shallow, partial or damaged repository).
    Missing,
    /// The deadline passed or the scan was cancelled.
    Interrupted,
    /// Could not be read (permissions, vanished while scanning).
    Unreadable,
}

/// What kind of problem an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueKind {
    /// Content is there but damaged. Always costs completeness and exit status 3.
    Corrupt,
    /// Content is there but could not be read. Always costs completeness and exit status 3.
    Unreadable,
    /// A limit (size, memory, time) cut something off. Always costs completeness and exit status 3.
    Limit,
    /// Content is absent by the repository's own declaration (shallow, partial, promisor).
    /// Costs completeness; exit status 3 only where completeness is required.
    Missing,
    /// Something worth knowing that costs nothing.
    Note,
}

impl IssueKind {
    /// Returns the name used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Unreadable => "unreadable",
            Self::Limit => "limit",
            Self::Missing => "missing",
            Self::Note => "note",
        }
    }
}

/// One problem met while scanning. Never holds content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ScanIssue {
    /// What kind of problem.
    pub kind: IssueKind,
    /// The object concerned, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectId>,
    /// The file concerned (pack, index, working file), where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What failed and what it means, for people.
    pub message: String,
}

impl ScanIssue {
    /// A scan that was stopped before its end.
    pub fn interrupted() -> Self {
        Self {
            kind: IssueKind::Limit,
            object: None,
            path: None,
            message: "the scan was stopped before its end, by its time limit or from outside"
                .to_owned(),
        }
    }
}

/// Counts of unique blobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobCounts {
    /// Blobs met: `scanned + skipped`.
    pub seen: u64,
    /// Blobs scanned in full.
    pub scanned: u64,
    /// Blobs met but not scanned.
    pub skipped: u64,
    /// `skipped`, by reason.
    pub skipped_by_reason: BTreeMap<SkipReason, u64>,
}

/// The coverage receipt: what was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Unique blobs, files and inputs.
    pub blobs: BlobCounts,
    /// Unique commits whose message was scanned.
    pub commits: u64,
    /// Unique trees in scope.
    pub trees: u64,
    /// Unique annotated tags whose message was scanned.
    pub tags: u64,
    /// Expanded bytes of scanned content (blobs, and messages with their headers).
    pub bytes: u64,
    /// Ref name to the id it pointed at when the scan began; `HEAD` included.
    pub tips: BTreeMap<String, ObjectId>,
    /// Hash of the rules used: 64 hexadecimal digits.
    pub ruleset_hash: String,
    /// Findings that are not told because their confidence is below the least one asked for.
    pub below_confidence: u64,
    /// Levels of encoding that were seen through; 0 where nothing was decoded.
    pub max_decode_depth: u32,
    /// Which key fingerprints are made under ([`super::FingerprintKey::id`]); `None` for the
    /// default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint_key: Option<String>,
    /// What people's decisions did. Set after a scan, by triage.
    pub triage: TriageCounts,
    /// Whether everything in scope was looked at.
    pub complete: bool,
    /// Problems met, sorted. At most a few thousand; the last then says how many more.
    pub issues: Vec<ScanIssue>,
}

impl Receipt {
    /// Whether all that was not looked at is content that the repository itself declares absent (a
    /// shallow or partial clone). A receipt that is incomplete for no stated reason is not excused.
    pub fn lacks_only_what_is_missing(&self) -> bool {
        let declared = |kind| matches!(kind, IssueKind::Missing | IssueKind::Note);
        let skipped = &self.blobs.skipped_by_reason;
        !self.complete
            && self.issues.iter().all(|issue| declared(issue.kind))
            && skipped
                .iter()
                .all(|(reason, count)| *reason == SkipReason::Missing || *count == 0)
            && (self.blobs.skipped > 0
                || self
                    .issues
                    .iter()
                    .any(|issue| issue.kind == IssueKind::Missing))
    }
}
