//! What reports show of a rule.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How bad it is when the secret is real. Ordered: `Low < Medium < High < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Public by design, or of little use to an attacker.
    Low,
    /// Limited access.
    Medium,
    /// Access to data or services.
    High,
    /// Control over accounts, code or money.
    Critical,
}

/// How sure it is that the secret is real. Ordered: `Low < Medium < High`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess from weak signs.
    Low,
    /// Likely.
    Medium,
    /// The format is distinctive or proves itself.
    High,
}

/// A level's name that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown level {0:?}: expected one of {1}")]
pub struct UnknownLevel(String, &'static str);

macro_rules! level_names {
    ($type:ident, $all:literal, $($variant:ident $name:literal),+) => {
        impl $type {
            /// Returns the lower-case name used in rule files and reports.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) }
        }
        impl FromStr for $type {
            type Err = UnknownLevel;
            fn from_str(s: &str) -> Result<Self, UnknownLevel> {
                match s { $($name => Ok(Self::$variant),)+ _ => Err(UnknownLevel(s.to_owned(), $all)) }
            }
        }
    };
}
level_names!(Severity, "low, medium, high, critical", Low "low", Medium "medium", High "high", Critical "critical");
level_names!(Confidence, "low, medium, high", Low "low", Medium "medium", High "high");

/// The part of a rule that reports show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleInfo {
    /// Unique id, lower case with dashes: `github-pat`.
    pub id: String,
    /// One sentence for people.
    pub description: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure the rule is before anything proves or refutes the secret.
    pub confidence: Confidence,
    /// Where and how to revoke, in one line; empty when unknown.
    pub remediation: String,
    /// Pages about the format.
    pub references: Vec<String>,
    /// Free labels.
    pub tags: Vec<String>,
}
