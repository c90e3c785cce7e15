//! `gitsieve git`.

use clap::Args;
use std::path::PathBuf;

/// Scans a Git repository: all of its history, or the part that is asked for.
///
/// Without options, every object is scanned, reachable or not, and then the index and the
/// working tree where there is one. --range, --since-commit and --branch name commits, so they
/// leave index and working tree out.
#[derive(Debug, Args)]
pub(crate) struct GitArgs {
    /// A clone, worktree, bare repository or object directory
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,

    /// Only what the commits in A..B brought: those that B reaches and A does not
    #[arg(long, value_name = "A..B", conflicts_with_all = ["since_commit", "branch"])]
    pub(crate) range: Option<String>,

    /// Only what commits outside the history of this commit brought
    #[arg(long, value_name = "COMMIT")]
    pub(crate) since_commit: Option<String>,

    /// Only the history of this branch (or tag, or any revision)
    #[arg(long, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,

    /// Only the newest N commits of each tip
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_depth: Option<u32>,

    /// Leave out the index and the working tree
    #[arg(long)]
    pub(crate) no_working_tree: bool,

    /// Leave out objects that no ref reaches (dangling, or held by a reflog alone)
    #[arg(long)]
    pub(crate) reachable_only: bool,
}
