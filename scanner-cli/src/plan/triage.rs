//! Which decisions of people count.

use super::{InputPlan, Options, usage};
use crate::exit::CliError;
use scanner_core::{
    model::Confidence,
    scan::{GitInput, HistoryScope, Input},
};
use std::path::{Path, PathBuf};

/// Name of an ignore file at the root of a working tree.
pub(crate) const IGNORE_NAME: &str = ".gitsieveignore";
/// Name of a baseline at the root of a working tree.
pub(crate) const BASELINE_NAME: &str = ".gitsieve-baseline.jsonl";

/// Which decisions of people count, and what is said of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TriagePlan {
    /// Whether comments beside secrets count.
    pub(crate) comments: bool,
    pub(crate) ignore_file: Option<PathBuf>,
    pub(crate) baselines: Vec<PathBuf>,
    pub(crate) fail_on_unused: bool,
    /// Whether an entry about nothing found is worth a word: a part of the history holds a part of
    /// the secrets.
    pub(crate) tell_unused: bool,
    /// Where the key of fingerprints is.
    pub(crate) key_file: Option<PathBuf>,
}

impl TriagePlan {
    /// What the options choose, with what stands at the `root` of a working tree.
    pub(super) fn new(
        options: &Options,
        root: Option<&Path>,
        input: &InputPlan,
        notices: &mut Vec<String>,
    ) -> Result<Self, CliError> {
        let own = &options.triage;
        let mut find = |name, what, option| discover(root?, name, what, option, notices);
        let ignore_file = match &own.ignore_file {
            Some(path) => Some(path.clone()),
            None if own.no_ignore_file => None,
            None => find(IGNORE_NAME, "ignore file", "ignore-file"),
        };
        let baselines = if own.baseline.is_empty() && !own.no_baseline {
            let found = find(BASELINE_NAME, "baseline", "baseline");
            found.into_iter().collect()
        } else {
            own.baseline.clone()
        };
        if own.fail_on_unused && ignore_file.is_none() && baselines.is_empty() {
            return Err(usage(
                "--fail-on-unused: there is neither an ignore file nor a baseline whose entries \
                 could be unused"
                    .into(),
            ));
        }
        let all_rules = options.rule.is_empty()
            && options.exclude_rule.is_empty()
            && options.min_confidence <= Confidence::Medium;
        Ok(Self {
            comments: !own.no_inline_allow,
            ignore_file,
            baselines,
            fail_on_unused: own.fail_on_unused,
            tell_unused: own.fail_on_unused || (all_rules && is_whole(input)),
            key_file: own.fingerprint_key_file.clone(),
        })
    }
}

/// Whether a whole repository is scanned.
fn is_whole(input: &InputPlan) -> bool {
    match input {
        InputPlan::Library(Input::Git(GitInput { history, .. })) => match history {
            HistoryScope::All => true,
            HistoryScope::Reachable {
                include,
                exclude,
                max_depth,
            } => include.is_empty() && exclude.is_empty() && max_depth.is_none(),
            HistoryScope::Nothing => false,
        },
        _ => false,
    }
}

/// Finds a team's file at the root of a working tree. A symbolic link is not followed: what it
/// names was not checked in.
pub(super) fn discover(
    root: &Path,
    name: &str,
    what: &str,
    option: &str,
    notices: &mut Vec<String>,
) -> Option<PathBuf> {
    let path = root.join(name);
    let metadata = path.symlink_metadata().ok()?;
    if metadata.is_file() {
        notices.push(format!(
            "using the {what} {} (--no-{option} refuses it)",
            path.display()
        ));
        return Some(path);
    }
    notices.push(format!(
        "not using {}: it is not a regular file (--{option} reads it all the same)",
        path.display()
    ));
    None
}
