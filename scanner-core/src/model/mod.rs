//! Plain data shared by every stage: no input or output, no regular expressions.

mod date;
mod encoding;
mod finding;
mod fingerprint_key;
mod id;
mod id_set;
mod issue;
mod problem;
mod push;
mod quantity;
mod rule_info;
mod secret;
mod span;
mod staged;
#[cfg(test)]
pub(crate) mod testing;
mod triage;

pub use date::{day_of, rfc3339};
pub(crate) use date::{parse_rfc3339, seconds_since_1970};
pub use encoding::Encoding;
pub use finding::{CommitInfo, Finding, Fingerprint, Occurrence, Part, Proof, Report, Where};
pub use fingerprint_key::{FingerprintKey, FingerprintKeyError};
pub use id::{BlobId, CommitId, ObjectId, ParseIdError};
pub use id_set::{IdSet, NoIdSet};
pub use issue::{BlobCounts, IssueKind, Receipt, ScanIssue, SkipReason};
pub use problem::Problem;
pub(crate) use problem::suggestion;
pub use push::{Novelty, PushReport, PushedCommit, PushedTip, RefUpdate};
pub use quantity::{ByteSize, ParseQuantityError, TimeSpan};
pub use rule_info::{Confidence, RuleInfo, Severity, UnknownLevel};
pub use secret::Secret;
pub(crate) use span::characters;
pub use span::{Location, Span};
pub use staged::StagedReport;
pub use triage::{SuppressedBy, Suppression, TriageCounts, TriageStatus, UnknownStatus};
