//! What will be explained.

use super::{Environment, Limits, RulePlan, exists, rule_plan, style, usage};
use crate::{
    args::{ExplainArgs, Format, Options},
    exit::CliError,
    output::{Destination, Style},
    repository::{self, Kind},
};
use scanner_core::model::Confidence;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// What to explain.
#[derive(Debug)]
pub(crate) struct ExplainPlan {
    pub(crate) clue: Clue,
    /// Worth saying first; empty when quiet.
    pub(crate) notices: Vec<String>,
    pub(crate) rules: RulePlan,
    pub(crate) min_confidence: Confidence,
    /// Where the key of fingerprints is.
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) json: bool,
    pub(crate) to: Destination,
    pub(crate) style: Style,
    pub(crate) quiet: bool,
    pub(crate) limits: Limits,
    pub(crate) max_decode_depth: u32,
    pub(crate) max_archive_depth: u32,
    pub(crate) max_archive_bytes: u64,
}

/// Where to look.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Clue {
    /// A file, the path to take it for, and a member and a line of it.
    File {
        file: PathBuf,
        path: OsString,
        member: Option<String>,
        line: Option<u64>,
    },
    /// A fingerprint, in a repository.
    Fingerprint { repository: PathBuf, text: String },
}

impl ExplainPlan {
    pub(super) fn new(
        args: ExplainArgs,
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        to.check()?;
        if !matches!(options.format(), Format::Human | Format::Json) {
            return Err(usage(
                "`gitsieve explain` has the formats human and json alone".into(),
            ));
        }
        let clue = match args.repo {
            Some(repository) => {
                if repository::kind(&repository) == Kind::Plain {
                    return Err(usage(format!(
                        "--repo {}: not a Git repository",
                        repository.display()
                    )));
                }
                Clue::Fingerprint {
                    repository,
                    text: args.what,
                }
            }
            None => file_clue(args.what, args.path)?,
        };
        let root = match &clue {
            Clue::Fingerprint { repository, .. } => {
                (repository::kind(repository) == Kind::WorkingTree).then(|| repository.clone())
            }
            Clue::File { .. } => repository::around(Path::new(".")),
        };
        let mut notices = Vec::new();
        let rules = rule_plan(options, root.as_deref(), &mut notices)?;
        if options.quiet {
            notices.clear();
        }
        Ok(Self {
            clue,
            notices,
            rules,
            min_confidence: options.min_confidence,
            key_file: options.triage.fingerprint_key_file.clone(),
            json: options.format() == Format::Json,
            style: style(options.color, options.no_color, &to, surroundings),
            to,
            quiet: options.quiet,
            limits: Limits::of(options),
            max_decode_depth: options.max_decode_depth,
            max_archive_depth: options.max_archive_depth,
            max_archive_bytes: options.max_archive_size.0,
        })
    }
}

/// Reads `FILE[!/MEMBER][:LINE]`, as reports write it. A file whose name looks like more than that is
/// taken for itself.
fn file_clue(what: String, path: Option<String>) -> Result<Clue, CliError> {
    let (name, line) = match what.rsplit_once(':') {
        Some((name, digits)) if !Path::new(&what).exists() => match digits.parse() {
            Ok(line) if line > 0 => (name.to_owned(), Some(line)),
            _ => (what, None),
        },
        _ => (what, None),
    };
    if name.starts_with("v1") && !Path::new(&name).exists() {
        return Err(usage(format!(
            "{name}: to explain a fingerprint, say with --repo where to look for it"
        )));
    }
    let (name, member) = match name.split_once("!/") {
        Some((file, member)) if !Path::new(&name).exists() => {
            (file.to_owned(), Some(member.to_owned()))
        }
        _ => (name, None),
    };
    let file = PathBuf::from(&name);
    exists(&file)?;
    if file.is_dir() {
        return Err(usage(format!("{name} is a directory; name a file")));
    }
    let plain = name.strip_prefix("./").unwrap_or(&name).to_owned();
    Ok(Clue::File {
        path: path.unwrap_or(plain).into(),
        file,
        member,
        line,
    })
}
