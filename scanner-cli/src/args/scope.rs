//! Which of the options that may stand anywhere mean something to which command.
//!
//! clap hands an option that may stand before or after a command's name to every command. One that
//! would do nothing must not look as if it did: it is left out of the command's help and refused.

use super::Cli;
use clap::{
    ArgMatches, Command, CommandFactory, FromArgMatches,
    error::{Error, ErrorKind},
    parser::ValueSource,
};
use std::ffi::OsString;

/// Options of commands about rules.
const RULES: &[&str] = &[
    "format",
    "output",
    "color",
    "no_color",
    "quiet",
    "rules",
    "config",
    "no_config",
    "rule",
    "exclude_rule",
];

/// Further options of commands that read content outside of a scan.
const BENCH: &[&str] = &["threads", "max_memory", "max_blob_size", "timeout"];

/// Options of a hook that lets a developer's change pass or not.
const GATE: &[&str] = &[
    "color",
    "no_color",
    "verbose",
    "quiet",
    "rules",
    "config",
    "no_config",
    "rule",
    "exclude_rule",
    "fail_on",
    "require_complete",
];

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

/// Options of commands that compare.
const COMPARE: &[&str] = &[
    "format",
    "output",
    "color",
    "no_color",
    "verbose",
    "quiet",
    "exit_code",
    "exit_profile",
    "fail",
    "fail_on",
];

/// Options of commands that scan for a baseline.
const FOR_BASELINE: &[&str] = &[
    "quiet",
    "rules",
    "config",
    "no_config",
    "rule",
    "exclude_rule",
    "no_inline_allow",
    "ignore_file",
    "no_ignore_file",
    "baseline",
    "fingerprint_key_file",
];

/// Options of the command that scans to find what foreign decisions are about.
const MIGRATE: &[&str] = &[
    "format",
    "output",
    "quiet",
    "rules",
    "config",
    "no_config",
    "rule",
    "exclude_rule",
    "baseline",
    "fingerprint_key_file",
];
/// Options of the command that writes down what to do.
const REMEDIATE: &[&str] = &["output", "show_secrets", "no_baseline", "require_complete"];

/// The options that a command takes of those that scans take; `None` for all. `path` is its name
/// below `gitsieve`.
fn takes(path: &[&str]) -> Option<Vec<&'static str>> {
    match path {
        ["rules", "import"] | ["hook", "install"] => Some(vec!["output", "quiet"]),
        ["rules", "bench"] => Some([RULES, BENCH].concat()),
        ["explain"] | ["rules", "explain"] => {
            Some([RULES, BENCH, EXPLAIN, &["fingerprint_key_file"]].concat())
        }
        ["hook", "pre-commit" | "pre-push"] => Some([GATE, BENCH, EXPLAIN, TRIAGE].concat()),
        ["migrate"] => Some([MIGRATE, BENCH, EXPLAIN].concat()),
        ["diff"] => Some(COMPARE.to_vec()),
        ["baseline", "diff"] => Some([FOR_BASELINE, BENCH, EXPLAIN, COMPARE].concat()),
        ["remediate"] => Some([FOR_BASELINE, BENCH, EXPLAIN, REMEDIATE].concat()),
        ["baseline", ..] => Some([FOR_BASELINE, BENCH, EXPLAIN].concat()),
        ["hook", "pre-receive" | "post-receive"] => Some(vec!["verbose"]),
        ["hook", "courier"] => Some(vec![]),
        ["hook", "check-config"] => Some(vec!["format", "output"]),
        ["hook", ..] => Some(vec!["quiet"]),
        ["rules", ..] => Some(RULES.to_vec()),
        ["completions" | "man"] => Some(vec!["output"]),
        _ => None,
    }
}

/// The command as help, manual pages and completions describe it.
pub(crate) fn command() -> Command {
    let mut command = Cli::command();
    command.build();
    let mut path = Vec::new();
    hide(&mut command, &mut path);
    command
}

fn hide(command: &mut Command, path: &mut Vec<String>) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    if let Some(taken) = takes(&names) {
        let scan_options = scan_options();
        let idle = |id: &str| scan_options.iter().any(|o| o == id) && !taken.contains(&id);
        *command = std::mem::take(command).mut_args(|arg| {
            let hidden = idle(arg.get_id().as_str());
            arg.hide(hidden)
        });
    }
    for sub in command.get_subcommands_mut() {
        path.push(sub.get_name().to_owned());
        hide(sub, path);
        path.pop();
    }
}

/// Ids of the options that scans take.
fn scan_options() -> Vec<String> {
    Cli::command()
        .get_arguments()
        .filter(|arg| arg.is_global_set())
        .map(|arg| arg.get_id().to_string())
        .collect()
}

/// Parses a command line.
///
/// # Errors
/// What to print: of a mistake, or help and version that were asked for.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let matches = Cli::command()
        .try_get_matches_from(&args)
        .map_err(|error| {
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
    refuse_idle_options(&matches)?;
    Cli::from_arg_matches(&matches)
}

fn refuse_idle_options(matches: &ArgMatches) -> Result<(), Error> {
    let mut path = Vec::new();
    let mut deepest = matches;
    while let Some((name, below)) = deepest.subcommand() {
        path.push(name);
        deepest = below;
    }
    let Some(taken) = takes(&path) else {
        return Ok(());
    };
    for id in scan_options() {
        if !taken.contains(&id.as_str())
            && deepest.value_source(&id) == Some(ValueSource::CommandLine)
        {
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
        let known = scan_options();
        let lists = [
            RULES,
            BENCH,
            EXPLAIN,
            GATE,
            TRIAGE,
            COMPARE,
            FOR_BASELINE,
            REMEDIATE,
        ];
        for id in lists.concat() {
            assert!(known.iter().any(|k| *k == id), "{id}");
        }
    }
}
