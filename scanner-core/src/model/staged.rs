//! What a scan of staged content found.

use super::{Novelty, Report};

/// What a scan of staged content found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StagedReport {
    /// The findings in what is staged, and the receipt.
    pub report: Report,
    /// One for each finding of `report`, at the same index. [`Novelty::Old`] is what `HEAD` holds
    /// in a file that the commit changes, moves or removes.
    pub novelty: Vec<Novelty>,
}
