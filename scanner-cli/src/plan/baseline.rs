//! What will be done about a baseline, and with two reports.

use super::{
    BASELINE_NAME, Environment, ReportSource, ScanPlan, TriagePlan, exists, exit_policy, style,
    usage, whatever_is_there,
};
use crate::{
    args::{BaselineCommand, DecisionArgs, DiffArgs, Format, Options, OriginArgs},
    exit::{CliError, ExitPolicy},
    output::{Destination, Style},
    repository::{self, Kind},
};
use scanner_core::triage::{Decision, Prune};
use std::path::{Path, PathBuf};

/// Something about a baseline.
#[derive(Debug)]
pub(crate) struct BaselinePlan {
    pub(crate) file: PathBuf,
    pub(crate) action: BaselineAction,
    pub(crate) origin: Origin,
    pub(crate) show: Show,
}

#[derive(Debug)]
pub(crate) enum BaselineAction {
    Create(Decision),
    Update(Decision),
    Prune(Prune),
    Diff,
}

/// Where findings come from.
#[derive(Debug)]
pub(crate) enum Origin {
    Scan(Box<ScanPlan>),
    Report {
        from: ReportSource,
        triage: TriagePlan,
    },
}

/// How a comparison is told.
#[derive(Debug)]
pub(crate) struct Show {
    pub(crate) json: bool,
    pub(crate) to: Destination,
    pub(crate) style: Style,
    /// Also what did not change.
    pub(crate) verbose: bool,
    pub(crate) quiet: bool,
    pub(crate) exit: ExitPolicy,
}

/// A comparison of two reports.
#[derive(Debug)]
pub(crate) struct DiffPlan {
    pub(crate) old: PathBuf,
    pub(crate) new: PathBuf,
    pub(crate) show: Show,
}

impl Show {
    fn new(
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        to.check()?;
        if !matches!(options.format(), Format::Human | Format::Json) {
            return Err(usage("a comparison has the formats human and json".into()));
        }
        Ok(Self {
            json: options.format() == Format::Json,
            style: style(options.color, options.no_color, &to, surroundings),
            to,
            verbose: options.verbose > 0,
            quiet: options.quiet,
            exit: ExitPolicy {
                require_complete: false,
                ..exit_policy(options)?
            },
        })
    }
}

impl DiffPlan {
    pub(super) fn new(
        args: DiffArgs,
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        exists(&args.old)?;
        exists(&args.new)?;
        Ok(Self {
            old: args.old,
            new: args.new,
            show: Show::new(options, to, surroundings)?,
        })
    }
}

impl BaselinePlan {
    pub(super) fn new(
        command: BaselineCommand,
        mut options: Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        let (action, origin, fresh) = match command {
            BaselineCommand::Create(args) => {
                let decision = decision(args.decision)?;
                let fresh = !args.force;
                (BaselineAction::Create(decision), args.origin, fresh)
            }
            BaselineCommand::Update(args) => {
                let decision = decision(args.decision)?;
                (BaselineAction::Update(decision), args.origin, false)
            }
            BaselineCommand::Prune(args) => {
                let what = if args.expired {
                    Prune::UnusedAndEnded
                } else {
                    Prune::Unused
                };
                (BaselineAction::Prune(what), args.origin, false)
            }
            BaselineCommand::Diff(origin) => (BaselineAction::Diff, origin, false),
        };
        let file = file(&options, origin.path.as_deref())?;
        // What the baseline says is compared, not applied.
        options.triage.baseline.clear();
        options.triage.no_baseline = true;
        if fresh && file.symlink_metadata().is_ok() {
            return Err(usage(format!(
                "{} is there already: `gitsieve baseline update` adds to it, --force writes over it",
                file.display()
            )));
        }
        if !matches!(action, BaselineAction::Create(_)) {
            exists(&file)?;
        }
        Ok(Self {
            origin: Origin::new(origin, &options, surroundings)?,
            file,
            action,
            show: Show::new(&options, to, surroundings)?,
        })
    }
}

impl Origin {
    pub(super) fn new(
        args: OriginArgs,
        options: &Options,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        let source = whatever_is_there(args.path.as_deref())?;
        if let Some(file) = args.from {
            let from = ReportSource::new(file, surroundings)?;
            let mut notices = Vec::new();
            let root = source.root.as_deref();
            let triage = TriagePlan::new(options, root, &source.input, &mut notices)?;
            return Ok(Self::Report { from, triage });
        }
        let plan = ScanPlan::new(source, options, Destination::Stdout, surroundings)?;
        Ok(Self::Scan(Box::new(plan)))
    }
}

fn decision(args: DecisionArgs) -> Result<Decision, CliError> {
    Decision::new(args.status, args.reason, args.owner, args.expires)
        .map_err(|error| usage(format!("--expires is {error}")))
}

/// The baseline that is meant, of what is at a path.
pub(super) fn file(options: &Options, path: Option<&Path>) -> Result<PathBuf, CliError> {
    match &options.triage.baseline[..] {
        [file] => return Ok(file.clone()),
        [] => {}
        _ => {
            return Err(usage(
                "give --baseline once: one file is written or compared".into(),
            ));
        }
    }
    let here = Path::new(".");
    let root = match path {
        Some(path) if repository::kind(path) == Kind::WorkingTree => Some(path.to_owned()),
        Some(_) => None,
        None if repository::kind(here) == Kind::WorkingTree => Some(here.to_owned()),
        None => repository::around(here),
    };
    let root = root.ok_or_else(|| {
        usage(format!(
            "say with --baseline which file: only the working tree of a clone has one \
             ({BASELINE_NAME} at its root)"
        ))
    })?;
    Ok(root.join(BASELINE_NAME))
}
