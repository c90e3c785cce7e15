//! Options about what people decided.

use clap::{ArgAction, Args};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct TriageOptions {
    /// Let no comment beside a secret (`gitsieve:allow` and its like) make it pass
    #[arg(long, global = true, help_heading = "Decisions")]
    pub(crate) no_inline_allow: bool,

    /// Secrets and paths that do not count, one a line. Without it, .gitsieveignore at the root of
    /// the working tree is used (never one of a bare repository)
    #[arg(long, value_name = "FILE", global = true)]
    #[arg(help_heading = "Decisions")]
    pub(crate) ignore_file: Option<PathBuf>,

    /// Use no ignore file from the working tree
    #[arg(long, conflicts_with = "ignore_file", global = true)]
    #[arg(help_heading = "Decisions")]
    pub(crate) no_ignore_file: bool,

    /// Baseline of secrets that were decided about (repeatable). Without it,
    /// .gitsieve-baseline.jsonl at the root of the working tree is used (never one of a bare
    /// repository)
    #[arg(long, value_name = "FILE", action = ArgAction::Append, global = true)]
    #[arg(help_heading = "Decisions")]
    pub(crate) baseline: Vec<PathBuf>,

    /// Use no baseline from the working tree
    #[arg(long, conflicts_with = "baseline", global = true)]
    #[arg(help_heading = "Decisions")]
    pub(crate) no_baseline: bool,

    /// Exit as for findings also where an entry of ignore file or baseline is about nothing found
    #[arg(long, global = true, help_heading = "Decisions")]
    pub(crate) fail_on_unused: bool,

    /// Make fingerprints under the key in FILE (32 bytes in hexadecimal or base64, or any bytes),
    /// so that nobody without it can test guesses of a secret on a baseline
    #[arg(long, value_name = "FILE", env = "GITSIEVE_FINGERPRINT_KEY_FILE")]
    #[arg(hide_env_values = true, global = true, help_heading = "Decisions")]
    pub(crate) fingerprint_key_file: Option<PathBuf>,
}
