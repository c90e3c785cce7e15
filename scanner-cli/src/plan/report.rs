//! Which report will be written anew, and how.

use super::{Environment, ReportsPlan, exists, usage};
use crate::{
    args::{Options, ReportArgs},
    exit::CliError,
    output::Destination,
};
use std::path::{Path, PathBuf};

/// A report that is read and written in other formats.
#[derive(Debug)]
pub(crate) struct ConvertPlan {
    pub(crate) from: ReportSource,
    pub(crate) reports: ReportsPlan,
    pub(crate) quiet: bool,
}

/// Where a report is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReportSource {
    Stdin,
    File(PathBuf),
}

impl ReportSource {
    /// Takes an argument: `-` is standard input.
    pub(super) fn new(path: PathBuf, surroundings: Environment) -> Result<Self, CliError> {
        if path != Path::new("-") {
            exists(&path)?;
            return Ok(Self::File(path));
        }
        if surroundings.stdin_is_terminal {
            return Err(usage(
                "standard input is a terminal; pipe a report into it, or name a file".into(),
            ));
        }
        Ok(Self::Stdin)
    }
}

impl ConvertPlan {
    pub(super) fn new(
        args: ReportArgs,
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        Ok(Self {
            from: ReportSource::new(args.input, surroundings)?,
            reports: ReportsPlan::new(options, to, surroundings)?,
            quiet: options.quiet,
        })
    }
}
