//! What people decided about secrets, and what follows from it for a report.
//!
//! A decision is about a secret, by its fingerprint: it holds wherever the secret moves to, and
//! never covers another secret that later stands in the same place. Where a decision is about a
//! place (a comment beside the secret, a path of an ignore file), it is about single occurrences,
//! and a finding does not count only when all of its occurrences are let pass: a secret that also
//! stands elsewhere still counts, and is told with the occurrences that are let pass marked as
//! such.
//!
//! Files are read and written by the caller: text comes in, values and text go out. Everything is
//! looked up in maps, so the cost grows with the entries and the findings and not with their
//! product.

mod apply;
mod baseline;
mod diff;
mod ignore;
pub mod migrate;
#[cfg(test)]
mod testing;

pub use apply::{Entry, Outcome, Triage};
pub use baseline::{
    Added, Baseline, BaselineDiff, BaselineEntry, Decision, InvalidDay, Prune, Pruned,
};
pub use diff::{Change, Changed, ReportDiff};
pub use ignore::IgnoreFile;

use crate::model::Problem;

/// Everything wrong with a file, with file and line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct TriageFileError(pub Vec<Problem>);
