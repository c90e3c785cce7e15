//! `gitsieve diff`.

use clap::Args;
use std::path::PathBuf;

/// Compares two reports: which secrets are new, gone, moved or as they were.
///
/// Reads what -f json and -f jsonl write. Secrets are compared by fingerprint. Exits as for findings
/// where the new report has some that the old one does not (--fail-on says which count).
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The older report
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,

    /// The newer report
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
}
