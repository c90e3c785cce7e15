//! What will be written down about secrets, and where.

use super::{Environment, Origin, fingerprints, usage};
use crate::{
    args::{Options, RemediateArgs},
    exit::{CliError, ExitPolicy},
    repository::{self, Kind},
};
use scanner_core::model::Fingerprint;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

/// Directory to write into unless one is named.
const DIRECTORY: &str = "gitsieve-remediation";

#[derive(Debug)]
pub(crate) struct RemediatePlan {
    pub(crate) origin: Origin,
    /// Only these, counting or not; all that count when empty.
    pub(crate) only: HashSet<Fingerprint>,
    pub(crate) replacements: bool,
    pub(crate) to: Folder,
    /// What paths of findings start from, where they can be read.
    pub(crate) root: Option<PathBuf>,
    pub(crate) quiet: bool,
    pub(crate) exit: ExitPolicy,
}

/// Where the files go.
#[derive(Debug)]
pub(crate) enum Folder {
    Directory(PathBuf),
    /// The rules alone, with secrets in clear, as they were asked for.
    Stdout,
}

impl RemediatePlan {
    pub(super) fn new(
        args: RemediateArgs,
        options: &Options,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        let RemediateArgs {
            origin,
            fingerprint,
            no_replacements,
        } = args;
        if origin.from.is_some() && !no_replacements {
            return Err(usage(
                "a report does not hold the secrets, so that no rules of replacement can be made of \
                 it: scan the repository instead (gitsieve remediate PATH), or take the checklist \
                 alone with --no-replacements"
                    .into(),
            ));
        }
        let to = match options.output.as_deref() {
            Some(path) if path == Path::new("-") => Folder::Stdout,
            Some(path) => Folder::Directory(path.to_owned()),
            None => Folder::Directory(DIRECTORY.into()),
        };
        match to {
            Folder::Stdout if !options.show_secrets || no_replacements => {
                return Err(usage(
                    "-o - prints the rules of replacement, which are secrets in clear: --show-secrets \
                     must ask for it, or -o names a directory"
                        .into(),
                ));
            }
            Folder::Directory(_) if options.show_secrets => {
                return Err(usage(
                    "--show-secrets is for -o - alone: what is written to a directory is redacted, \
                     but for the rules of replacement"
                        .into(),
                ));
            }
            _ => {}
        }
        let only = fingerprints(&fingerprint)?;
        let root = root(origin.path.as_deref());
        Ok(Self {
            origin: Origin::new(origin, options, surroundings)?,
            only,
            replacements: !no_replacements,
            to,
            root,
            quiet: options.quiet,
            exit: super::exit_policy(options)?,
        })
    }
}

fn root(path: Option<&Path>) -> Option<PathBuf> {
    let here = Path::new(".");
    match path {
        None if repository::kind(here) == Kind::Plain => repository::around(here),
        path => {
            let path = path.unwrap_or(here);
            (repository::kind(path) != Kind::Plain).then(|| path.to_owned())
        }
    }
}
