//! `gitsieve dir`.

use clap::Args;
use std::path::PathBuf;

/// Scans files and directories as they are, without any history.
///
/// Leaves out what .gitignore and its kin name, unless --no-ignore is given.
#[derive(Debug, Args)]
pub(crate) struct DirArgs {
    /// Files, and directories to walk
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Scan ignored files too
    #[arg(long)]
    pub(crate) no_ignore: bool,
}
