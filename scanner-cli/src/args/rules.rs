//! `gitsieve rules`.

use super::{explain::ExplainArgs, options::severity};
use clap::{Args, Subcommand, ValueEnum};
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
    pub(crate) command: RulesSubcommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesSubcommand {
    #[command(flatten)]
    Rules(RulesCommand),
    Explain(ExplainArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    List(ListArgs),
    Show(ShowArgs),
    Check(CheckArgs),
    Import(ImportArgs),
    Bench(BenchArgs),
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

/// Converts rules of other scanners into a rule file, and says what could not be carried.
///
/// What is said goes to standard error and, as comments, into the file; --output names it. Live
/// checks, dependencies between rules and look-around are not carried. Unbounded expressions get a
/// longest match. The result always loads.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Whose rules
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) from: From,

    /// Files to convert
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Formats of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// Nosey Parker: YAML
    Noseyparker,
    /// Kingfisher 1: YAML
    Kingfisher,
    /// Bitbucket Data Center: the JSON of its secret-scanning rules
    Bitbucket,
}

/// Measures what each rule costs on a corpus: hits of its literals, runs of its expression,
/// matches, time.
///
/// Every content is searched in full, so that rules compare with each other, not with a scan.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// A repository (its blobs), directory or file; without it, the repository around the current
    /// directory, or else the files in it
    pub(crate) path: Option<PathBuf>,

    /// Show every rule that met a candidate, not the ten most expensive alone
    #[arg(long)]
    pub(crate) all: bool,
}
