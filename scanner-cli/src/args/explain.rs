//! `gitsieve explain`.

use clap::Args;
use std::path::PathBuf;

/// Tells why candidates were kept or dropped: each filter in turn, what it saw and what it asks for.
///
/// A candidate is a place where a literal of a rule stands. With FILE:LINE, only those on or around
/// that line are told of; with --repo, the place of a finding's fingerprint, reported or not, is
/// looked up in a repository's blobs and working tree. Secrets show redacted. Exits with 0 whatever
/// is found.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A file and perhaps a line of it, or with --repo a fingerprint as reports give it
    #[arg(value_name = "FILE[:LINE]|FINGERPRINT")]
    pub(crate) what: String,

    /// Repository in which to look a fingerprint up
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<PathBuf>,

    /// Path to take the file for, where allowlists and rules look at paths
    #[arg(long, value_name = "NAME", conflicts_with = "repo")]
    pub(crate) path: Option<String>,
}
