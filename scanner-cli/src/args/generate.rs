//! `gitsieve completions` and `gitsieve man`.

use clap::Args;

/// Prints a completion script for a shell.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to complete for
    pub(crate) shell: clap_complete::Shell,
}

/// Prints a manual page (roff): of gitsieve itself, or of one of its commands.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Command to describe
    #[arg(value_parser = ["git", "dir", "stdin", "rules", "explain", "remediate", "hook", "completions", "man"])]
    pub(crate) command: Option<String>,
}
