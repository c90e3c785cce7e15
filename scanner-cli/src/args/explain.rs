//! `gitsieve explain`.

use clap::Args;
use std::path::PathBuf;

/// Tells why candidates were kept or dropped: each filter in turn, what it saw and what it asks for.
///
/// A candidate is a place where a literal of a rule stands: in the file, in what is encoded in it, and
/// in the members of an archive or document. With FILE:LINE, only those on or around that line are told
/// of (in a member, its lines count), with FILE!/MEMBER those of one member; with --repo, the place of a
/// finding's fingerprint, reported or not, is looked up in a repository's blobs and working tree. What is
/// said to be reported is what a scan of the file reports. Secrets show redacted. Exits with 0 whatever
/// is found.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A file and perhaps a member and a line of it, or with --repo a fingerprint, as reports give them
    #[arg(value_name = "FILE[!/MEMBER][:LINE]|FINGERPRINT")]
    pub(crate) what: String,

    /// Repository in which to look a fingerprint up
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<PathBuf>,

    /// Path to take the file for, where allowlists and rules look at paths
    #[arg(long, value_name = "NAME", conflicts_with = "repo")]
    pub(crate) path: Option<String>,
}
