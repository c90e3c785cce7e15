//! `gitsieve sweep`.

use super::{KeyArgs, ValuesArgs};
use clap::{ArgAction, Args, Subcommand};
use scanner_core::model::{TimeSpan, day_of};
use scanner_sweep::discover::Shard;
use std::path::PathBuf;

/// Scans many repositories, only what is new in them, and remembers what was found.
///
/// Looks below each ROOT for repositories: plain directories, Bitbucket Data Center's, GitLab's and
/// Gitea's or Forgejo's storage. Nothing is ever written there. What was scanned and found is kept in
/// a store, in which secrets stand redacted; so the next sweep reads only what is new, whatever git
/// has repacked in the meantime, and reports only findings that no sweep had met before.
///
/// --format and --output are about those new findings; `gitsieve sweep report` shows all that the
/// store knows. A directory that has the name of a command is written ./report.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct SweepArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SweepCommand>,

    #[command(flatten)]
    pub(crate) places: PlaceArgs,

    #[command(flatten)]
    pub(crate) store: StoreArgs,

    #[command(flatten)]
    pub(crate) worker: WorkerArgs,

    /// Scan everything again, whatever the store remembers
    #[arg(long)]
    pub(crate) full: bool,

    /// Begin no repository after this long, and stop scanning; what is left comes first the next
    /// time, as those do that changed last. --timeout is for each repository
    #[arg(long, value_name = "TIME")]
    pub(crate) deadline: Option<TimeSpan>,

    /// How often to take down how far the scan of a large repository has come
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) checkpoint: TimeSpan,

    /// Let everything else on this machine go first (processor; and disk, where ionice is there)
    #[arg(long)]
    pub(crate) nice: bool,

    /// Tell people of new findings, by mail or in chats, as a file says; `gitsieve sweep alerts` lists
    /// what was sent
    #[cfg(feature = "alerts")]
    #[arg(long, value_name = "FILE")]
    pub(crate) alerts: Option<PathBuf>,

    /// Write numbers about store and sweep to a file, for Prometheus' textfile collector
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_file: Option<PathBuf>,

    /// File with a public key (`gitsieve sweep key`): keep the values of findings in the store,
    /// sealed, so that only `gitsieve sweep values` with the private key shows them
    #[arg(long, value_name = "FILE")]
    pub(crate) seal_values: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SweepCommand {
    /// Shows what the store knows, in numbers, and how the last sweeps went
    Status(StatusArgs),
    /// Reports all findings that the store knows, over all repositories, in any format of a scan
    ///
    /// Paths begin with the name of the repository. Exits with 0 whatever is reported.
    Report(StoredReportArgs),
    /// Lists alerts: what was sent, what waits to be, and what was given up
    #[cfg(feature = "alerts")]
    Alerts(AlertsArgs),
    /// Makes a pair of keys for --seal-values: a public one that seals, and a private one that opens
    Key(KeyArgs),
    /// Shows values that sweeps have sealed: SECRETS IN CLEAR
    ///
    /// Needs the private key of the public one that sealed them. Prints to a terminal only with
    /// --show-secrets; a file that -o names is readable by you alone. Exits with 3 where a value
    /// cannot be opened, and shows the others.
    Values(ValuesArgs),
}

#[cfg(feature = "alerts")]
#[derive(Debug, Args)]
pub(crate) struct AlertsArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// Only alerts in this state
    #[arg(long, value_name = "STATE", conflicts_with_all = ["retry", "test"])]
    pub(crate) state: Option<StateArg>,

    /// File that says whom to tell, as `gitsieve sweep --alerts` takes it
    #[arg(long, value_name = "FILE")]
    pub(crate) alerts: Option<PathBuf>,

    /// Put back what was given up, and send what waits; exits with 3 where that fails again
    #[arg(long, requires = "alerts")]
    pub(crate) retry: bool,

    /// Only alerts of this channel, of those that --retry puts back and sends
    #[arg(long, value_name = "NAME", requires = "retry")]
    pub(crate) channel: Option<String>,

    /// Send a test message on a channel
    #[arg(
        long,
        value_name = "CHANNEL",
        requires = "alerts",
        conflicts_with = "retry"
    )]
    pub(crate) test: Option<String>,
}

/// What became of an alert.
#[cfg(feature = "alerts")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StateArg {
    /// To be sent
    Queued,
    /// Sent
    Sent,
    /// Given up
    Dead,
    /// Not sent: its findings had been suppressed
    Withdrawn,
}

/// Where the store is.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// File in which sweeps remember, or postgres://USER@HOST/DATABASE; made where there is none.
    /// Without it, gitsieve/sweep.db below $XDG_STATE_HOME or ~/.local/state
    #[arg(
        long,
        value_name = "FILE|URL",
        env = "GITSIEVE_STORE",
        hide_env_values = true
    )]
    pub(crate) store: Option<PathBuf>,

    /// File with the password for the store's database; without it, the variable PGPASSWORD
    #[arg(long, value_name = "FILE", env = "GITSIEVE_STORE_PASSWORD_FILE")]
    pub(crate) store_password_file: Option<PathBuf>,
}

/// How several workers share a store in a database.
#[derive(Debug, Args)]
#[command(next_help_heading = "Several machines")]
pub(crate) struct WorkerArgs {
    /// How long to wait for the store's database when it does not answer
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(crate) store_wait: TimeSpan,

    /// After how long without a sign of life others take over what a worker was scanning
    #[arg(long, value_name = "TIME", default_value = "2m")]
    pub(crate) lease: TimeSpan,

    /// Name of this machine in the log; machines that see the same directories need the same name
    /// [default: the host's]
    #[arg(long, value_name = "NAME", env = "GITSIEVE_HOST")]
    pub(crate) host: Option<String>,

    /// Sweep only a part of the repositories, such as 0/3, 1/3 and 2/3 on three machines that do not
    /// share their mirrors; forks stay together
    #[arg(long, value_name = "N/OF", env = "GITSIEVE_SHARD")]
    pub(crate) shard: Option<Shard>,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// Weeks of the trend
    #[arg(long, value_name = "N", default_value_t = 8)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=1_000))]
    pub(crate) weeks: u32,
}

#[derive(Debug, Args)]
pub(crate) struct StoredReportArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// Only what the last sweep met first, or those that ran together with it
    #[arg(long)]
    pub(crate) new: bool,

    /// Only what sweeps have met first since the beginning of a day (UTC)
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["new", "gone"])]
    #[arg(value_parser = day)]
    pub(crate) since: Option<i64>,

    /// Also what is in its repository no more
    #[arg(long, conflicts_with = "new")]
    pub(crate) gone: bool,

    /// Only repositories whose name matches a glob (repeatable)
    #[arg(long, value_name = "GLOB", action = ArgAction::Append)]
    pub(crate) include: Vec<String>,

    /// No repository whose name matches a glob (repeatable)
    #[arg(long, value_name = "GLOB", action = ArgAction::Append)]
    pub(crate) exclude: Vec<String>,
}

/// Reads a day as the second since 1970 in which it begins.
fn day(text: &str) -> Result<i64, String> {
    let days = day_of(text).ok_or("expected a day, such as 2026-11-30")?;
    Ok(days * 86_400)
}

/// Where repositories are.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// Directories to search for repositories
    #[arg(value_name = "ROOT")]
    pub(crate) roots: Vec<PathBuf>,

    /// Repositories from a file, a path or address a line, and after a tab a name to call it by;
    /// `-` is standard input (repeatable)
    #[arg(long, value_name = "FILE", action = ArgAction::Append)]
    #[arg(help_heading = "Repositories")]
    pub(crate) list: Vec<PathBuf>,

    /// Lists hold paths and addresses with a NUL after each, and nothing else
    #[arg(long, requires = "list", help_heading = "Repositories")]
    pub(crate) nul: bool,

    /// Home directory of Bitbucket Data Center, or the directory of its repositories (repeatable)
    #[arg(long, value_name = "DIR", action = ArgAction::Append)]
    #[arg(help_heading = "Repositories")]
    pub(crate) bitbucket_home: Vec<PathBuf>,

    /// Address of Bitbucket Data Center: with --bitbucket-home for links in reports, without it to
    /// list and mirror its repositories
    #[arg(long, value_name = "URL", help_heading = "Repositories")]
    pub(crate) bitbucket_url: Option<String>,

    /// Only this project of --bitbucket-url (repeatable)
    #[arg(long, value_name = "KEY", action = ArgAction::Append, requires = "bitbucket_url")]
    #[arg(conflicts_with = "bitbucket_home", help_heading = "Repositories")]
    pub(crate) project: Vec<String>,

    /// Mirror all repositories of a workspace of Bitbucket Cloud (repeatable)
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    #[arg(help_heading = "Repositories")]
    pub(crate) bitbucket_workspace: Vec<String>,

    /// File with the access token for the server, or with user:token
    #[arg(long, value_name = "FILE", help_heading = "Repositories")]
    #[arg(conflicts_with = "token_env")]
    pub(crate) token_file: Option<PathBuf>,

    /// Environment variable with the access token
    #[arg(long, value_name = "NAME", help_heading = "Repositories")]
    pub(crate) token_env: Option<String>,

    /// PEM file with the certificates that servers' are checked against
    #[arg(long, value_name = "FILE", help_heading = "Repositories")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Directory of the mirrors of repositories that are on other machines
    #[arg(long, value_name = "DIR", help_heading = "Repositories")]
    pub(crate) mirrors: Option<PathBuf>,

    /// Longest time for cloning or fetching one repository
    #[arg(
        long,
        value_name = "TIME",
        default_value = "30m",
        help_heading = "Repositories"
    )]
    pub(crate) fetch_timeout: TimeSpan,

    /// Only repositories whose name matches a glob, such as 'PAY/*' (repeatable)
    #[arg(long, value_name = "GLOB", action = ArgAction::Append)]
    #[arg(help_heading = "Repositories")]
    pub(crate) include: Vec<String>,

    /// No repository whose name matches a glob (repeatable)
    #[arg(long, value_name = "GLOB", action = ArgAction::Append)]
    #[arg(help_heading = "Repositories")]
    pub(crate) exclude: Vec<String>,
}
