//! What people decided about findings.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// What someone decided about a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriageStatus {
    /// A real secret whose risk is borne, for now.
    Accepted,
    /// No secret.
    FalsePositive,
    /// A secret that opens nothing any more.
    Revoked,
    /// Made for tests: it opens nothing that matters.
    Test,
}

impl TriageStatus {
    /// Returns the name used in baselines and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::FalsePositive => "false-positive",
            Self::Revoked => "revoked",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for TriageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a decision is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SuppressedBy {
    /// In a comment on the line of every occurrence.
    Comment,
    /// In an ignore file.
    IgnoreFile,
    /// In a baseline.
    Baseline,
}

impl SuppressedBy {
    /// Returns the name used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::IgnoreFile => "ignore-file",
            Self::Baseline => "baseline",
        }
    }
}

/// Why a finding does not count: it costs no exit status, and only formats with a place for
/// such findings show it unasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Where the decision is written down.
    pub by: SuppressedBy,
    /// What was decided. A comment or an ignore file says no more than `Accepted`.
    pub status: TriageStatus,
    /// Why, in somebody's words; may be empty. May hold anything, as paths may.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Who answers for it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Last day on which it holds, `YYYY-MM-DD`, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// What decisions did in a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriageCounts {
    /// Findings that do not count, by where that was decided.
    pub suppressed: BTreeMap<SuppressedBy, u64>,
    /// Entries of baselines whose last day is over and whose secret is still there, so that it
    /// counts again.
    pub expired: u64,
    /// Entries of ignore files and baselines that are about nothing that the scan found.
    pub unused: u64,
}

impl fmt::Display for SuppressedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TriageStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        let all = [
            Self::Accepted,
            Self::FalsePositive,
            Self::Revoked,
            Self::Test,
        ];
        let known = all.into_iter().find(|status| status.as_str() == text);
        known.ok_or(UnknownStatus)
    }
}

/// A text that is no status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a status: expected accepted, false-positive, revoked or test")]
pub struct UnknownStatus;
