//! `gitsieve completions` and `gitsieve man`.

use clap::Args;

// Neither takes the options of a scan, so neither lists them.
const HELP: &str = "{about}\n\n{usage-heading} {usage}\n\n{positionals}\n";

/// Prints a completion script for a shell.
#[derive(Debug, Args)]
#[command(help_template = HELP, override_usage = "gitsieve completions <SHELL>")]
pub(crate) struct CompletionsArgs {
    /// Shell to complete for
    pub(crate) shell: clap_complete::Shell,
}

/// Prints a manual page (roff): of gitsieve itself, or of one of its commands.
#[derive(Debug, Args)]
#[command(help_template = HELP, override_usage = "gitsieve man [COMMAND]")]
pub(crate) struct ManArgs {
    /// Command to describe
    #[arg(value_parser = ["git", "dir", "stdin", "completions", "man"])]
    pub(crate) command: Option<String>,
}
