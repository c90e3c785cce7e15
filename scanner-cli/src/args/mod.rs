//! What can be typed. Parsing has no side effects: nothing is read, opened or resolved here.

mod baseline;
mod diff;
mod dir;
mod explain;
mod format;
mod generate;
mod git;
mod hook;
mod migrate;
mod options;
mod remediate;
mod report;
#[cfg(feature = "review")]
mod review;
mod rules;
mod scope;
mod stdin;
mod sweep;
mod triage;
mod values;

pub(crate) use baseline::{BaselineArgs, BaselineCommand, DecisionArgs, OriginArgs};
pub(crate) use diff::DiffArgs;
pub(crate) use dir::DirArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use format::{Format, ReportArg};
pub(crate) use generate::{CompletionsArgs, ManArgs};
pub(crate) use git::GitArgs;
pub(crate) use hook::{
    CheckConfigArgs, HookArgs, HookCommand, HookSetup, InstallArgs, PostReceiveArgs, PrePushArgs,
    ReceiveArgs, UninstallArgs, WhichHooks,
};
pub(crate) use migrate::{MigrateArgs, MigrateFrom};
pub(crate) use options::{Colour, Engine, Options};
pub(crate) use remediate::RemediateArgs;
pub(crate) use report::ReportArgs;
#[cfg(feature = "review")]
pub(crate) use review::ReviewArgs;
pub(crate) use rules::{
    BenchArgs, CheckArgs, From, ImportArgs, ListArgs, RulesArgs, RulesCommand, RulesSubcommand,
    ShowArgs,
};
pub(crate) use scope::{command, parse};
pub(crate) use stdin::StdinArgs;
#[cfg(feature = "alerts")]
pub(crate) use sweep::{AlertsArgs, StateArg};
pub(crate) use sweep::{PlaceArgs, StoreArgs, SweepArgs, SweepCommand};
pub(crate) use values::{KeyArgs, ValuesArgs};

use clap::{Parser, Subcommand};
use std::path::PathBuf;

const EXIT_STATUS: &str = "\
Exit status:
  0  no secrets found, and everything was scanned
  1  secrets found (--exit-code changes the number, --fail-on which findings count)
  2  wrong usage or configuration, or something cannot be opened or written
  3  incomplete: something could not be scanned (damage, a limit, an interruption)
  4  internal error
Where findings and incompleteness meet, findings decide the status: both stop a gate, and the
report says that it is incomplete. What a shallow or partial clone does not hold counts as
incomplete for the status only with --require-complete.

--exit-profile SCANNER exits as another scanner does, for pipelines written for it:
              found  usage  other errors  incomplete, internal error
  gitleaks        1    126             1             1
  trufflehog      0      1             1             1    (183 for found with --fail)
  kingfisher    200      1             1             1    (never 205: nothing is validated)
Usage is what is wrong with the arguments alone. Findings win over incompleteness here too, but
where they do not count (trufflehog without --fail), incompleteness shows.";

const EXAMPLES: &str = "\
Examples:
  gitsieve                             the repository around the current directory: its whole
                                       history, index and working tree
  gitsieve /srv/git/app.git            a bare repository
  gitsieve -f json -o report.json      one JSON document, written whole or not at all
  gitsieve --report sarif=out.sarif    the report for people, and SARIF beside it
  gitsieve git --range main..topic     only what commits on topic brought
  gitsieve --fail-on high --quiet      in a pipeline: fail on high and critical only
  gitsieve dir src docs                plain files
  git diff --cached | gitsieve stdin   whatever comes on standard input

A directory that has the name of a command is written ./git.";

/// Finds secrets in Git history.
///
/// Scans every object of a repository once, reachable or not: branches, tags, stashes, notes,
/// commit messages, what a reflog keeps and what nothing refers to any more, and then what is
/// staged or changed in the working tree. Names for each secret the commit that brought it, and
/// whether it is still there. Secrets are never shown in full unless --show-secrets asks for it.
#[derive(Debug, Parser)]
#[command(
    name = "gitsieve",
    bin_name = "gitsieve",
    override_usage = "gitsieve [OPTIONS] [PATH]\n       gitsieve [OPTIONS] <COMMAND>",
    version,
    disable_help_subcommand = true,
    after_help = "Exit status: 0 clean, 1 findings, 2 usage, 3 incomplete, 4 internal. Examples: --help.",
    after_long_help = format!("{EXAMPLES}\n\n{EXIT_STATUS}"),
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// A clone, worktree, bare repository or object directory: history and working set. Any
    /// other directory or file: its files. Without PATH, the repository around the current
    /// directory, or else the files in it
    pub(crate) path: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Git(GitArgs),
    Dir(DirArgs),
    Stdin(StdinArgs),
    Rules(RulesArgs),
    Explain(ExplainArgs),
    Baseline(BaselineArgs),
    Diff(DiffArgs),
    Migrate(MigrateArgs),
    Remediate(RemediateArgs),
    Report(ReportArgs),
    Sweep(Box<SweepArgs>),
    #[cfg(feature = "review")]
    Review(ReviewArgs),
    Hook(HookArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_argument_table_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_argument_is_described() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let described = argument
                    .get_help()
                    .is_some_and(|h| !h.to_string().is_empty());
                assert!(described, "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn options_may_stand_before_and_after_a_command() {
        let before = Cli::try_parse_from(["gitsieve", "-f", "json", "git", "."]).unwrap();
        let after = Cli::try_parse_from(["gitsieve", "git", ".", "-f", "json"]).unwrap();
        assert_eq!(before.options.format(), Format::Json);
        assert_eq!(after.options.format(), Format::Json);
    }
}
