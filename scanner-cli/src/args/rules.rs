//! `gitsieve rules`.

use super::options::severity;
use clap::{Args, Subcommand};
use scanner_core::model::Severity;
use std::path::PathBuf;

const WHICH: &str = "\
The rules are those that a scan started here would use: --config, --no-config, --rules, --rule and
--exclude-rule choose them as they do for a scan, and --format, --output, --color and --quiet act
on what is printed. Options of scans have no meaning here and are refused.";

/// Lists, shows, checks, measures and converts rules.
#[derive(Debug, Args)]
#[command(after_help = WHICH, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    List(ListArgs),
    Show(ShowArgs),
    Check(CheckArgs),
}

/// Lists rules: id, description, severity, confidence and the checks that prove a secret.
///
/// --format markdown makes the table of patterns/RULES.md.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only rules with this tag (repeatable: any of them)
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,

    /// Only rules of this severity (repeatable: any of them)
    #[arg(long, value_name = "SEVERITY", value_parser = severity())]
    pub(crate) severity: Vec<Severity>,
}

/// Shows all of a rule: what it looks for, how, and what it leaves out.
///
/// Examples show as templates; what looks like a secret in them is redacted.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Ids of rules; `*` stands for any text, as in `github-*`
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

/// Checks rule files: names every problem with its line, warns of what is slow or unbounded and
/// says what it costs, and tries each rule on its examples under every engine.
///
/// Exits with 2 if there is a problem; warnings alone do not count.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Rule files, configurations (.gitleaks.toml), or directories of rule files; without any, the
    /// built-in rules or what --config and --rules make of them
    #[arg(value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
}
