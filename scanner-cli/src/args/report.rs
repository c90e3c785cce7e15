//! `gitsieve report`.

use clap::Args;
use std::path::PathBuf;

/// Writes an earlier report in other formats, as the scan would have.
///
/// Reads what -f json and -f jsonl write. A scan with --show-suppressed holds what does not count,
/// too, which sarif and html show. What was read tells nothing of secrets but their redacted forms,
/// of the path scanned, and of the time: the report for people and gitlab's differ in that. Exits
/// with 0 whatever was found: nothing is scanned here.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The report, or `-` for standard input
    #[arg(value_name = "REPORT")]
    pub(crate) input: PathBuf,
}
