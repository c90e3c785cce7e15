//! Options that every scan takes. They may stand before or after a command's name.

use super::{
    format::{Format, ReportArg, report},
    triage::TriageOptions,
};
use crate::exit::ExitProfile;
use clap::{ArgAction, Args, ValueEnum, builder::TypedValueParser};
use scanner_core::{
    model::{ByteSize, Confidence, Severity, TimeSpan},
    scan::{DEFAULT_DECODE_DEPTH, MAX_DECODE_DEPTH},
};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Format of the report: human unless given
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    #[arg(global = true, help_heading = "Output")]
    pub(crate) format: Option<Format>,

    /// Write the report to FILE: whole, or not at all. `-` is standard output
    #[arg(
        short,
        long,
        value_name = "FILE",
        global = true,
        help_heading = "Output"
    )]
    pub(crate) output: Option<PathBuf>,

    /// Write a further report of the same scan to a file (repeatable), such as sarif=out.sarif
    #[arg(long, value_name = "FORMAT=FILE", value_parser = report, action = ArgAction::Append)]
    #[arg(global = true, help_heading = "Output")]
    pub(crate) report: Vec<ReportArg>,

    /// Template of the format `template` (Jinja), filled with what -f json writes
    #[arg(long, value_name = "FILE", global = true, help_heading = "Output")]
    pub(crate) template: Option<PathBuf>,

    /// Also show findings that a comment, an ignore file or a baseline says do not count
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) show_suppressed: bool,

    /// Address of the repository on its server, for reports that name it (sarif)
    #[arg(long, value_name = "URL", global = true, help_heading = "Output")]
    pub(crate) repository_url: Option<String>,

    /// Show secrets in full, everywhere in the report
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) show_secrets: bool,

    /// When to use colours; `auto`: on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    #[arg(global = true, help_heading = "Output")]
    pub(crate) color: Colour,

    /// Use no colours
    #[arg(long, conflicts_with = "color", global = true, help_heading = "Output")]
    pub(crate) no_color: bool,

    /// List every occurrence and every problem; may be repeated
    #[arg(short, long, action = clap::ArgAction::Count)]
    #[arg(global = true, help_heading = "Output")]
    pub(crate) verbose: u8,

    /// Print nothing but the report and errors
    #[arg(
        short,
        long,
        conflicts_with = "verbose",
        global = true,
        help_heading = "Output"
    )]
    pub(crate) quiet: bool,

    /// Exit status for findings, 0 to 255; with 0 they are reported and nothing more
    #[arg(long, value_name = "N", default_value_t = crate::exit::FINDINGS)]
    #[arg(global = true, help_heading = "Exit status")]
    pub(crate) exit_code: u8,

    /// Exit as another scanner does: gitleaks, trufflehog or kingfisher (--help has the numbers)
    #[arg(long, value_enum, value_name = "SCANNER", conflicts_with = "exit_code")]
    #[arg(global = true, help_heading = "Exit status")]
    pub(crate) exit_profile: Option<ExitProfile>,

    /// With --exit-profile trufflehog: exit with 183 where secrets are found
    #[arg(
        long,
        requires = "exit_profile",
        global = true,
        help_heading = "Exit status"
    )]
    pub(crate) fail: bool,

    /// Least severity of findings that decide the exit status; all are reported
    #[arg(long, value_name = "SEVERITY", value_parser = severity(), default_value = "low")]
    #[arg(global = true, help_heading = "Exit status")]
    pub(crate) fail_on: Severity,

    /// Least confidence of findings that are reported and decide the exit status
    #[arg(long, value_name = "CONFIDENCE", value_parser = confidence(), default_value = "medium")]
    #[arg(global = true, help_heading = "Rules")]
    pub(crate) min_confidence: Confidence,

    /// Exit with 3 also where a shallow or partial clone lacks content
    #[arg(long, global = true, help_heading = "Exit status")]
    pub(crate) require_complete: bool,

    /// Add rules from a file, or from each *.toml in a directory (repeatable); a rule with the
    /// id of a built-in one replaces it
    #[arg(long, value_name = "FILE|DIR", action = ArgAction::Append)]
    #[arg(global = true, help_heading = "Rules")]
    pub(crate) rules: Vec<PathBuf>,

    /// Configuration: rules and allowlists in gitleaks' format or ours. Without it, .gitsieve.toml
    /// or .gitleaks.toml at the root of the working tree is used (never one of a bare repository)
    #[arg(
        short,
        long,
        value_name = "FILE",
        global = true,
        help_heading = "Rules"
    )]
    pub(crate) config: Option<PathBuf>,

    /// Use no configuration from the working tree
    #[arg(long, conflicts_with = "config", global = true, help_heading = "Rules")]
    pub(crate) no_config: bool,

    /// Use this rule only (repeatable)
    #[arg(long, value_name = "ID", action = ArgAction::Append)]
    #[arg(global = true, help_heading = "Rules")]
    pub(crate) rule: Vec<String>,

    /// Leave out this rule (repeatable)
    #[arg(long, value_name = "ID", action = ArgAction::Append)]
    #[arg(global = true, help_heading = "Rules")]
    pub(crate) exclude_rule: Vec<String>,

    #[command(flatten)]
    pub(crate) triage: TriageOptions,

    /// Number of threads; 0 for one a core
    #[arg(long, value_name = "N", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u16).range(0..=1024))]
    #[arg(global = true, help_heading = "Limits")]
    pub(crate) threads: u16,

    /// Most memory for content at once, such as 512M or 2G; larger blobs and files are scanned part by
    /// part, and what cannot be so (deltas, input from a pipe) is skipped and said so
    #[arg(long, value_name = "SIZE", default_value = "1G", global = true)]
    #[arg(help_heading = "Limits")]
    pub(crate) max_memory: ByteSize,

    /// Skip (and report) content larger than this, such as 50M
    #[arg(long, value_name = "SIZE", global = true, help_heading = "Limits")]
    pub(crate) max_blob_size: Option<ByteSize>,

    /// See through so many levels of encoding (base64, hexadecimal, percent, backslash and HTML
    /// escapes, one inside the other); 0 decodes nothing
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DECODE_DEPTH)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_DECODE_DEPTH)))]
    #[arg(global = true, help_heading = "Limits")]
    pub(crate) max_decode_depth: u32,

    /// Open archives and other containers inside each other this deep; 0 opens none. What lies
    /// deeper is said
    #[arg(long, value_name = "N", default_value_t = 3, global = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=32))]
    #[arg(help_heading = "Limits")]
    pub(crate) max_archive_depth: u32,

    /// Most bytes that one archive may expand to; what goes beyond is not scanned and said so
    #[arg(long, value_name = "SIZE", default_value = "512M", global = true)]
    #[arg(help_heading = "Limits")]
    pub(crate) max_archive_size: ByteSize,

    /// Stop after this long, such as 30s or 5m, with a report of what was found so far
    #[arg(long, value_name = "TIME", global = true, help_heading = "Limits")]
    pub(crate) timeout: Option<TimeSpan>,

    /// How candidates are found; every engine gives the same findings
    #[arg(long, value_enum, default_value_t, value_name = "ENGINE")]
    #[arg(global = true, help_heading = "Limits")]
    pub(crate) engine: Engine,

    /// Search blobs stored as deltas in full, to check what the default finds against: slow
    #[arg(long, global = true, help_heading = "Limits")]
    pub(crate) no_delta: bool,
}

impl Options {
    /// The format of what goes to --output.
    pub(crate) fn format(&self) -> Format {
        self.format.unwrap_or_default()
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

/// How candidates are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Engine {
    /// Our own literal filter: the fastest.
    #[default]
    Literal,
    /// The aho-corasick automaton.
    AhoCorasick,
    /// Every rule over all content, the plainest code: slow, to check the others against.
    Reference,
    /// Vectorscan or Hyperscan; keeps compiled rules in $GITSIEVE_CACHE_DIR (empty: nowhere) or
    /// gitsieve below $XDG_CACHE_HOME or ~/.cache.
    #[cfg(feature = "hyperscan")]
    Hyperscan,
}

fn confidence() -> impl TypedValueParser<Value = Confidence> {
    clap::builder::PossibleValuesParser::new(["low", "medium", "high"])
        .try_map(|name| name.parse::<Confidence>())
}

pub(super) fn severity() -> impl TypedValueParser<Value = Severity> {
    clap::builder::PossibleValuesParser::new(["low", "medium", "high", "critical"])
        .try_map(|name| name.parse::<Severity>())
}
