//! `gitsieve baseline`.

use clap::{Args, Subcommand, builder::TypedValueParser};
use scanner_core::model::TriageStatus;
use std::path::PathBuf;

/// The baseline: secrets that were looked at, what was decided, by whom and until when.
///
/// An entry is about one secret by its fingerprint: it holds wherever the secret moves to, and
/// never for another one in its place. The file is .gitsieve-baseline.jsonl at the root of the
/// working tree, or the one that --baseline names. No entry holds a secret.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Writes a new baseline with all that a scan, or a report, finds
    Create(CreateArgs),
    /// Adds what has no entry yet, and changes none that is there
    Update(UpdateArgs),
    /// Takes out entries about secrets that are not found any more
    ///
    /// A secret that is still somewhere in the history is found there. What comments or the ignore
    /// file let pass is found, too.
    Prune(PruneArgs),
    /// Compares the baseline with a scan, or a report: secrets without an entry, entries without a
    /// secret, and entries that ended
    ///
    /// Exits as for findings where a secret has no entry or one that ended.
    Diff(OriginArgs),
}

/// Where findings come from.
#[derive(Debug, Args)]
pub(crate) struct OriginArgs {
    /// What to scan, as `gitsieve PATH` would
    pub(crate) path: Option<PathBuf>,

    /// Take the findings of a report instead, that -f json or -f jsonl wrote (`-`: on standard input)
    #[arg(long, value_name = "REPORT", conflicts_with = "path")]
    pub(crate) from: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    pub(crate) origin: OriginArgs,

    #[command(flatten)]
    pub(crate) decision: DecisionArgs,

    /// Write over a baseline that is there already
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    pub(crate) origin: OriginArgs,

    #[command(flatten)]
    pub(crate) decision: DecisionArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    pub(crate) origin: OriginArgs,

    /// Take out entries that ended, too
    #[arg(long)]
    pub(crate) expired: bool,
}

/// What new entries say.
#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    /// What the secrets are
    #[arg(long, value_name = "STATUS", value_parser = status(), default_value = "accepted")]
    pub(crate) status: TriageStatus,

    /// Why they do not count
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,

    /// Who answers for it
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) owner: String,

    /// The last day on which it holds, UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) expires: Option<String>,
}

fn status() -> impl TypedValueParser<Value = TriageStatus> {
    let names = ["accepted", "false-positive", "revoked", "test"];
    clap::builder::PossibleValuesParser::new(names).try_map(|name| name.parse::<TriageStatus>())
}
