//! What will be done about files of other scanners.

use super::{BASELINE_NAME, Environment, ScanPlan, baseline, exists, usage, whatever_is_there};
use crate::{
    args::{Format, MigrateArgs, MigrateFrom, Options},
    exit::CliError,
    output::Destination,
};
use std::path::{Path, PathBuf};

/// A migration.
#[derive(Debug)]
pub(crate) struct MigratePlan {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) from: Option<MigrateFrom>,
    /// What is scanned to find what the entries are about.
    pub(crate) scan: Box<ScanPlan>,
    /// Where the repository is, as paths in the files may start.
    pub(crate) root: PathBuf,
    /// The baseline that is added to, where there is one.
    pub(crate) existing: Option<PathBuf>,
    pub(crate) to: Destination,
    /// Whether to write a summary to standard output.
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl MigratePlan {
    pub(super) fn new(
        args: MigrateArgs,
        mut options: Options,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        for file in &args.files {
            exists(file)?;
        }
        let json = match options.format() {
            Format::Human => false,
            Format::Json => true,
            _ => return Err(usage("a migration has the formats human and json".into())),
        };
        let repo = args.repo.as_deref();
        let file = |options: &Options| baseline::file(options, repo);
        let (existing, to) = match options.output.take() {
            None => {
                let file = file(&options)?;
                (file.clone(), Destination::File(file))
            }
            Some(path) if path == Path::new("-") => {
                if json {
                    return Err(usage(
                        "-f json writes a summary to standard output, so that the baseline needs \
                         a directory (-o DIR)"
                            .into(),
                    ));
                }
                // Beside no working tree there is none to add to.
                let existing = file(&options).unwrap_or_else(|_| PathBuf::from(BASELINE_NAME));
                (existing, Destination::Stdout)
            }
            Some(directory) => {
                if !options.triage.baseline.is_empty() {
                    return Err(usage(
                        "-o names a directory and --baseline a file: give one of them".into(),
                    ));
                }
                if !directory.is_dir() {
                    return Err(usage(format!(
                        "-o {}: not a directory ({BASELINE_NAME} is written into it)",
                        directory.display()
                    )));
                }
                let file = directory.join(BASELINE_NAME);
                (file.clone(), Destination::File(file))
            }
        };
        to.check()?;
        // Whatever is found can be what an entry is about.
        options.triage.baseline.clear();
        options.triage.no_baseline = true;
        options.triage.ignore_file = None;
        options.triage.no_ignore_file = true;
        options.triage.no_inline_allow = true;
        options.format = None;
        let source = whatever_is_there(repo)?;
        let root = source.root.clone();
        let root = root.or_else(|| repo.map(Path::to_owned));
        let scan = ScanPlan::new(source, &options, Destination::Stdout, surroundings)?;
        Ok(Self {
            files: args.files,
            from: args.from,
            scan: Box::new(scan),
            root: root.unwrap_or_else(|| PathBuf::from(".")),
            existing: existing.symlink_metadata().is_ok().then_some(existing),
            to,
            json,
            quiet: options.quiet,
        })
    }
}
