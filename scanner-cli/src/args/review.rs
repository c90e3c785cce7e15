//! `gitsieve review`.

use clap::Args;
use std::path::PathBuf;

/// Goes through findings on a terminal, one by one, and decides about them.
///
/// Shows each finding with its places and the lines around them; the secret is redacted unless asked
/// for. What is decided (accepted, false positive, revoked, test) goes into the baseline,
/// .gitsieve-baseline.jsonl at the root of the working tree or the file that --baseline names, when
/// it is written (w). Entries that are there stay. The key ? shows all keys.
#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// A report that -f json or -f jsonl wrote (`-`: on standard input), or a directory to scan as
    /// `gitsieve PATH` would. Without it, the repository around the current directory is scanned
    #[arg(value_name = "REPORT|PATH")]
    pub(crate) what: Option<PathBuf>,

    /// The repository, or the directory of files, that a report is about: the one around the current
    /// directory unless given
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<PathBuf>,
}
