//! `gitsieve stdin`.

use clap::Args;
use std::ffi::OsString;

/// Scans standard input.
#[derive(Debug, Args)]
pub(crate) struct StdinArgs {
    /// Path to show, and to try the rules' path expressions on
    #[arg(long, value_name = "NAME")]
    pub(crate) path: Option<OsString>,
}
