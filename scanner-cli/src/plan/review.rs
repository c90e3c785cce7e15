//! Which findings will be reviewed, and where decisions go.

use super::{BASELINE_NAME, Environment, Origin, baseline, exists, style, usage};
use crate::{
    args::{Options, OriginArgs, ReviewArgs},
    exit::CliError,
    output::{Destination, Style},
    repository::{self, Kind},
};
use std::path::{Path, PathBuf};

/// A review.
#[derive(Debug)]
pub(crate) struct ReviewPlan {
    pub(crate) origin: Origin,
    /// Where content is read from.
    pub(crate) root: PathBuf,
    pub(crate) baseline: PathBuf,
    pub(crate) style: Style,
    pub(crate) quiet: bool,
}

impl ReviewPlan {
    pub(super) fn new(
        args: ReviewArgs,
        mut options: Options,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        let ReviewArgs { what, repo } = args;
        // Keys may be read from the terminal all the same where the report is on standard input.
        let from_stdin = what.as_deref() == Some(Path::new("-"));
        let keyboard = surroundings.stdin_is_terminal || from_stdin;
        if !surroundings.stdout_is_terminal || !keyboard || surroundings.dumb_terminal {
            return Err(usage(
                "`gitsieve review` needs a terminal to show and to ask: without one, `gitsieve \
                 report` writes findings down, and `gitsieve baseline` decisions"
                    .into(),
            ));
        }
        if let Some(path) = &repo {
            exists(path)?;
        }
        let is_report = from_stdin || what.as_ref().is_some_and(|path| path.is_file());
        let (path, from) = if is_report {
            (None, what)
        } else {
            (what, None)
        };
        if repo.is_some() && !is_report {
            return Err(usage(
                "--repo is for a report: what is scanned is read from where it is".into(),
            ));
        }
        let root = repo.or_else(|| path.clone()).unwrap_or_else(|| {
            let here = Path::new(".");
            match repository::kind(here) {
                Kind::Plain => repository::around(here).unwrap_or_else(|| here.to_owned()),
                _ => here.to_owned(),
            }
        });
        let no_tree = repository::kind(&root) != Kind::WorkingTree;
        let baseline = if options.triage.baseline.is_empty() && no_tree {
            PathBuf::from(BASELINE_NAME)
        } else {
            baseline::file(&options, Some(&root))?
        };
        // What the baseline says is shown, not applied.
        options.triage.baseline.clear();
        options.triage.no_baseline = true;
        let origin = OriginArgs { path, from };
        Ok(Self {
            origin: Origin::new(origin, &options, surroundings)?,
            root,
            baseline,
            style: style(
                options.color,
                options.no_color,
                &Destination::Stdout,
                surroundings,
            ),
            quiet: options.quiet,
        })
    }
}
