//! Which of the options that may stand anywhere mean something to which command.
//!
//! clap hands an option that may stand before or after a command's name to every command. One that
//! would do nothing must not look as if it did: it is left out of the command's help and refused.

use super::Cli;
use clap::{
    ArgMatches, Command, CommandFactory, FromArgMatches, Id,
    error::{Error, ErrorKind},
    parser::ValueSource,
};
use std::ffi::OsString;

/// Options that choose rules.
const CHOICE: &[&str] = &["rules", "config", "no_config", "rule", "exclude_rule"];

/// Options of how things look on a terminal.
const LOOKS: &[&str] = &["color", "no_color"];

/// Further options of commands about rules.
const RULES: &[&str] = &["format", "output", "quiet"];

/// Further options of commands that read content outside of a scan.
const BENCH: &[&str] = &["threads", "max_memory", "max_blob_size", "timeout"];

/// Further options of a hook that lets a developer's change pass or not.
const GATE: &[&str] = &["verbose", "quiet", "fail_on", "require_complete"];

/// Further options of the command that explains what a scan does.
const EXPLAIN: &[&str] = &[
    "min_confidence",
    "max_decode_depth",
    "max_archive_depth",
    "max_archive_size",
];

/// Options about which decisions of people count.
const TRIAGE: &[&str] = &[
    "no_inline_allow",
    "ignore_file",
    "no_ignore_file",
    "baseline",
    "no_baseline",
    "fingerprint_key_file",
];

/// Further options of commands that compare.
const COMPARE: &[&str] = &[
    "format",
    "output",
    "verbose",
    "quiet",
    "exit_code",
    "exit_profile",
    "fail",
    "fail_on",
];

/// Further options of commands that scan for a baseline.
const FOR_BASELINE: &[&str] = &[
    "quiet",
    "no_inline_allow",
    "ignore_file",
    "no_ignore_file",
    "baseline",
    "fingerprint_key_file",
];

/// Further options of the command that scans to find what foreign decisions are about.
const MIGRATE: &[&str] = &[
    "format",
    "output",
    "quiet",
    "baseline",
    "fingerprint_key_file",
];

/// Further options of the command that writes down what to do.
const REMEDIATE: &[&str] = &["output", "show_secrets", "no_baseline", "require_complete"];

/// Further options of commands that write reports in every format.
const REPORT: &[&str] = &[
    "format",
    "output",
    "report",
    "template",
    "show_suppressed",
    "repository_url",
    "verbose",
    "quiet",
];

/// Further options of the command that sweeps.
const SWEEP: &[&str] = &["exit_code", "fail_on", "require_complete", "engine"];

/// Options of the command that shows what a store holds sealed.
const VALUES: &[&str] = &["format", "output", "show_secrets", "fingerprint_key_file"];

/// The options that a command takes of those that scans take; `None` for all. `path` is its name
/// below `gitsieve`.
fn takes(path: &[&str]) -> Option<Vec<&'static str>> {
    let lists: &[&[&'static str]] = match path {
        ["rules", "import"] | ["hook", "install"] => &[&["output", "quiet"]],
        ["rules", "bench"] => &[CHOICE, LOOKS, RULES, BENCH],
        ["explain"] | ["rules", "explain"] => &[
            CHOICE,
            LOOKS,
            RULES,
            BENCH,
            EXPLAIN,
            &["fingerprint_key_file"],
        ],
        ["hook", "pre-commit" | "pre-push"] => &[CHOICE, LOOKS, GATE, BENCH, EXPLAIN, TRIAGE],
        ["migrate"] => &[CHOICE, MIGRATE, BENCH, EXPLAIN],
        ["diff"] => &[LOOKS, COMPARE],
        ["report"] | ["sweep", "report"] => &[LOOKS, REPORT],
        ["sweep"] => &[CHOICE, LOOKS, REPORT, BENCH, EXPLAIN, TRIAGE, SWEEP],
        ["sweep", "status" | "alerts"] => &[LOOKS, &["format", "output"]],
        ["sweep", "key"] => &[&["quiet"]],
        ["sweep", "values"] => &[VALUES],
        ["baseline", "diff"] => &[CHOICE, LOOKS, FOR_BASELINE, BENCH, EXPLAIN, COMPARE],
        ["remediate"] => &[CHOICE, FOR_BASELINE, BENCH, EXPLAIN, REMEDIATE],
        #[cfg(feature = "review")]
        ["review"] => &[CHOICE, LOOKS, FOR_BASELINE, BENCH, EXPLAIN],
        ["baseline", ..] => &[CHOICE, FOR_BASELINE, BENCH, EXPLAIN],
        ["hook", "pre-receive" | "post-receive"] => &[&["verbose"]],
        ["hook", "courier"] => &[],
        ["hook", "check-config"] => &[&["format", "output"]],
        ["hook", ..] => &[&["quiet"]],
        ["rules", ..] => &[CHOICE, LOOKS, RULES],
        ["completions" | "man"] => &[&["output"]],
        _ => return None,
    };
    Some(lists.concat())
}

/// The command as help, manual pages and completions describe it.
pub(crate) fn command() -> Command {
    let mut command = Cli::command();
    command.build();
    let options = scan_options(&command);
    hide(&mut command, &mut Vec::new(), &options);
    command
}

fn hide(command: &mut Command, path: &mut Vec<String>, options: &[Id]) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    if let Some(taken) = takes(&names) {
        let idle = |id: &str| options.iter().any(|o| o == id) && !taken.contains(&id);
        *command = std::mem::take(command).mut_args(|arg| {
            let hidden = idle(arg.get_id().as_str());
            arg.hide(hidden)
        });
    }
    for sub in command.get_subcommands_mut() {
        path.push(sub.get_name().to_owned());
        hide(sub, path, options);
        path.pop();
    }
}

/// Ids of the options that scans take.
fn scan_options(command: &Command) -> Vec<Id> {
    command
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .map(|arg| arg.get_id().clone())
        .collect()
}

/// Parses a command line.
///
/// # Errors
/// What to print: of a mistake, or help and version that were asked for.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut table = Cli::command();
    let matches = table.try_get_matches_from_mut(&args).map_err(|error| {
        let shows_help = matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        if shows_help {
            // The same again, from the table with what does not apply hidden: made only here,
            // because building it whole costs every start.
            command().try_get_matches_from(&args).err().unwrap_or(error)
        } else {
            error
        }
    })?;
    refuse_idle_options(&matches, &table)?;
    Cli::from_arg_matches(&matches)
}

fn refuse_idle_options(matches: &ArgMatches, table: &Command) -> Result<(), Error> {
    let mut path = Vec::new();
    let mut deepest = matches;
    while let Some((name, below)) = deepest.subcommand() {
        path.push(name);
        deepest = below;
    }
    let Some(taken) = takes(&path) else {
        return Ok(());
    };
    for id in scan_options(table).iter().map(Id::as_str) {
        if !taken.contains(&id) && deepest.value_source(id) == Some(ValueSource::CommandLine) {
            return Err(Cli::command().error(
                ErrorKind::ArgumentConflict,
                format!(
                    "`gitsieve {}` has no use for --{}",
                    path.join(" "),
                    id.replace('_', "-")
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &str) -> Result<Cli, String> {
        let args = words.split(' ').map(OsString::from);
        parse(args).map_err(|e| e.to_string())
    }

    #[test]
    fn an_option_that_would_do_nothing_is_refused_wherever_it_stands() {
        for words in [
            "gitsieve rules list --threads 2",
            "gitsieve --threads 2 rules list",
            "gitsieve rules --show-secrets show x",
            "gitsieve man --rule x",
            "gitsieve hook pre-commit -f json",
            "gitsieve hook install --rule x",
            "gitsieve hook uninstall -o x",
            "gitsieve sweep key x -o y",
        ] {
            let error = parse_words(words).unwrap_err();
            assert!(error.contains("has no use for --"), "{words}: {error}");
        }
        for words in [
            "gitsieve rules list --rule x",
            "gitsieve -f json rules list",
            "gitsieve git . --threads 2",
            "gitsieve hook pre-commit --fail-on high --config x",
        ] {
            assert!(parse_words(words).is_ok(), "{words}");
        }
    }

    #[test]
    fn help_shows_what_applies_and_names_in_the_lists_exist() {
        let help = parse_words("gitsieve rules list --help").unwrap_err();
        assert!(
            help.contains("--exclude-rule") && help.contains("--tag"),
            "{help}"
        );
        assert!(!help.contains("--threads"), "{help}");
        let scan = parse_words("gitsieve --help").unwrap_err();
        assert!(scan.contains("--threads"), "{scan}");
        let known = scan_options(&Cli::command());
        let lists = [
            CHOICE,
            LOOKS,
            RULES,
            BENCH,
            EXPLAIN,
            GATE,
            TRIAGE,
            COMPARE,
            FOR_BASELINE,
            MIGRATE,
            REMEDIATE,
            REPORT,
            VALUES,
        ];
        for id in lists.concat() {
            assert!(known.iter().any(|k| *k == id), "{id}");
        }
    }
}
