//! `gitsieve migrate`.

use clap::{Args, ValueEnum};
use scanner_core::triage::migrate::ForeignKind;
use std::path::PathBuf;

const RESULT: &str = "\
Exit status: 0 where all was carried, 1 where something was not, 2 for wrong usage or a file that
cannot be read, 3 where all was carried but not everything could be scanned.";

/// Carries what was decided with other scanners into a baseline, and says what could not be.
///
/// Theirs are decisions about places or hashes of their own, ours about secrets. So the repository
/// is scanned, and each entry is looked up among what is found: by the secret or its SHA-1 where the
/// entry has it, else by path, line, commit and kind. Whatever finds nothing, or more than one
/// secret, is listed with the reason and not carried. Entries that the baseline has already stay as
/// they are. -f json writes a summary to standard output.
#[derive(Debug, Args)]
#[command(after_help = RESULT)]
pub(crate) struct MigrateArgs {
    /// Files of other scanners
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// What the files are; without it, told from their names and contents
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) from: Option<MigrateFrom>,

    /// The repository that the files are about; without it, the one around the current directory
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<PathBuf>,
}

/// Files of other scanners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MigrateFrom {
    /// .gitleaks.toml, which loads as it is
    GitleaksConfig,
    /// .gitleaksignore
    Gitleaksignore,
    /// A JSON report of gitleaks, as its --baseline-path takes
    Gitleaks,
    /// .secrets.baseline
    DetectSecrets,
    /// JSON lines of trufflehog
    Trufflehog,
    /// JSON or JSON Lines report of Nosey Parker
    Noseyparker,
    /// YAML baseline of Kingfisher
    Kingfisher,
}

impl MigrateFrom {
    /// The kind of decisions; `None` for a configuration.
    pub(crate) fn decisions(self) -> Option<ForeignKind> {
        Some(match self {
            Self::GitleaksConfig => return None,
            Self::Gitleaksignore => ForeignKind::GitleaksIgnore,
            Self::Gitleaks => ForeignKind::GitleaksReport,
            Self::DetectSecrets => ForeignKind::DetectSecrets,
            Self::Trufflehog => ForeignKind::Trufflehog,
            Self::Noseyparker => ForeignKind::NoseyParker,
            Self::Kingfisher => ForeignKind::Kingfisher,
        })
    }
}
