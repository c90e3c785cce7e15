//! What will be swept, or shown of sweeps.

use super::{
    Environment, InputPlan, Options, ReportsPlan, ScanPlan, SourcePlan, ValuesPlan, exists, style,
    usage,
};
#[cfg(feature = "alerts")]
use crate::args::{AlertsArgs, StateArg};
use crate::{
    args::{Format, PlaceArgs, StoreArgs, SweepArgs, SweepCommand},
    exit::CliError,
    output::{Destination, Style},
};
use scanner_core::scan::{GitInput, Input};
use scanner_sweep::discover::{Select, Shard};
#[cfg(feature = "alerts")]
use scanner_sweep::store::AlertState;
use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

/// Something about sweeps.
#[derive(Debug)]
pub(crate) enum SweepPlan {
    Run(Box<SweepRun>),
    Status {
        store: StorePlace,
        weeks: u32,
        json: bool,
        to: Destination,
        style: Style,
    },
    Key {
        file: PathBuf,
        quiet: bool,
    },
    Values(ValuesPlan),
    Report {
        store: StorePlace,
        which: Wanted,
        select: Select,
        reports: ReportsPlan,
    },
    #[cfg(feature = "alerts")]
    Alerts(AlertsPlan),
}

/// Something about alerts.
#[cfg(feature = "alerts")]
#[derive(Debug)]
pub(crate) enum AlertsPlan {
    List {
        store: StorePlace,
        state: Option<AlertState>,
        json: bool,
        to: Destination,
        style: Style,
    },
    Retry {
        store: StorePlace,
        alerts: PathBuf,
        /// All of the file's without it.
        channel: Option<String>,
    },
    Test {
        alerts: PathBuf,
        channel: String,
    },
}

/// One sweep.
#[derive(Debug)]
pub(crate) struct SweepRun {
    pub(crate) places: Places,
    pub(crate) store: StorePlace,
    /// How long to wait for the store's database.
    pub(crate) store_wait: Duration,
    pub(crate) lease: Duration,
    pub(crate) host: Option<String>,
    pub(crate) full: bool,
    pub(crate) deadline: Option<Duration>,
    pub(crate) checkpoint: Duration,
    pub(crate) nice: bool,
    #[cfg(feature = "alerts")]
    pub(crate) alerts: Option<PathBuf>,
    pub(crate) metrics: Option<PathBuf>,
    /// File with the key that values are sealed with.
    pub(crate) seal_values: Option<PathBuf>,
    /// How to scan, and to report what is new.
    pub(crate) scan: ScanPlan,
}

/// Which findings of a store.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    Present,
    /// Also those that are gone.
    All,
    /// Those of the last round of sweeps.
    New,
    /// Those that were met first at this second since 1970, or later.
    Since(i64),
}

/// Where a store is.
#[derive(Debug)]
pub(crate) enum StorePlace {
    File(PathBuf),
    #[cfg(feature = "postgres")]
    Server(Box<scanner_sweep::store::Address>),
}

/// Where repositories are.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) lists: Vec<PathBuf>,
    pub(crate) nul: bool,
    pub(crate) homes: Vec<PathBuf>,
    pub(crate) data_center: Option<String>,
    pub(crate) projects: Vec<String>,
    pub(crate) workspaces: Vec<String>,
    pub(crate) token: TokenPlace,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) mirrors: Option<PathBuf>,
    pub(crate) fetch_timeout: Duration,
    pub(crate) select: Select,
    pub(crate) shard: Option<Shard>,
}

/// Where the access token is.
#[derive(Debug)]
pub(crate) enum TokenPlace {
    None,
    File(PathBuf),
    Variable(String),
}

impl SweepPlan {
    pub(super) fn new(
        args: SweepArgs,
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        match args.command {
            Some(SweepCommand::Status(args)) => {
                let json = is_json(options, "the status has")?;
                to.check()?;
                Ok(Self::Status {
                    weeks: args.weeks,
                    store: known_store(args.store)?,
                    json,
                    style: style(options.color, options.no_color, &to, surroundings),
                    to,
                })
            }
            Some(SweepCommand::Key(args)) => Ok(Self::Key {
                file: args.file,
                quiet: options.quiet,
            }),
            Some(SweepCommand::Values(args)) => {
                ValuesPlan::new(args, options, to, surroundings).map(Self::Values)
            }
            Some(SweepCommand::Report(args)) => Ok(Self::Report {
                store: known_store(args.store)?,
                which: match args.since {
                    Some(since) => Wanted::Since(since),
                    None if args.new => Wanted::New,
                    None if args.gone => Wanted::All,
                    None => Wanted::Present,
                },
                select: select(&args.include, &args.exclude)?,
                reports: ReportsPlan::new(options, to, surroundings)?,
            }),
            #[cfg(feature = "alerts")]
            Some(SweepCommand::Alerts(args)) => {
                AlertsPlan::new(args, options, to, surroundings).map(Self::Alerts)
            }
            None => {
                let source = SourcePlan {
                    // Each repository takes this one's place.
                    input: InputPlan::Library(Input::Git(GitInput::default())),
                    subject: "the repositories for what is new".into(),
                    unit: "blob",
                    root: None,
                    notice: None,
                };
                Ok(Self::Run(Box::new(SweepRun {
                    places: Places::new(args.places, args.worker.shard)?,
                    store: store(args.store)?,
                    store_wait: args.worker.store_wait.0,
                    lease: args.worker.lease.0,
                    host: args.worker.host,
                    full: args.full,
                    deadline: args.deadline.map(|time| time.0),
                    checkpoint: args.checkpoint.0,
                    nice: args.nice,
                    #[cfg(feature = "alerts")]
                    alerts: args.alerts,
                    metrics: args.metrics_file,
                    seal_values: args.seal_values,
                    scan: ScanPlan::new(source, options, to, surroundings)?,
                })))
            }
        }
    }
}

#[cfg(feature = "alerts")]
impl AlertsPlan {
    fn new(
        args: AlertsArgs,
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        let json = is_json(options, "the list of alerts has")?;
        match (args.alerts, args.test) {
            (Some(alerts), Some(channel)) => Ok(Self::Test { alerts, channel }),
            (Some(alerts), None) if args.retry => Ok(Self::Retry {
                store: known_store(args.store)?,
                alerts,
                channel: args.channel,
            }),
            (Some(_), None) => Err(usage(
                "--alerts is for --retry and --test CHANNEL: the list needs the store alone".into(),
            )),
            (None, _) => {
                to.check()?;
                Ok(Self::List {
                    store: known_store(args.store)?,
                    state: args.state.map(|state| match state {
                        StateArg::Queued => AlertState::Queued,
                        StateArg::Sent => AlertState::Sent,
                        StateArg::Dead => AlertState::Dead,
                        StateArg::Withdrawn => AlertState::Withdrawn,
                    }),
                    json,
                    style: style(options.color, options.no_color, &to, surroundings),
                    to,
                })
            }
        }
    }
}

/// Whether JSON is asked for, of what has no other form than that and one for people.
pub(super) fn is_json(options: &Options, what: &str) -> Result<bool, CliError> {
    match options.format() {
        Format::Human => Ok(false),
        Format::Json => Ok(true),
        _ => Err(usage(format!("{what} the formats human and json"))),
    }
}

impl Places {
    fn new(args: PlaceArgs, shard: Option<Shard>) -> Result<Self, CliError> {
        for path in args.roots.iter().chain(&args.bitbucket_home) {
            exists(path)?;
        }
        for path in args.list.iter().filter(|path| *path != Path::new("-")) {
            exists(path)?;
        }
        let lists_server = args.bitbucket_url.is_some() && args.bitbucket_home.is_empty();
        let remote = lists_server || !args.bitbucket_workspace.is_empty();
        if args.roots.is_empty()
            && args.list.is_empty()
            && args.bitbucket_home.is_empty()
            && !remote
        {
            return Err(usage(
                "nothing to sweep: name a directory to search, or --list, --bitbucket-home, \
                 --bitbucket-url or --bitbucket-workspace"
                    .into(),
            ));
        }
        if lists_server && !args.bitbucket_workspace.is_empty() {
            return Err(usage(
                "--bitbucket-url and --bitbucket-workspace take one token: sweep them one after the \
                 other, into the same store"
                    .into(),
            ));
        }
        if remote && args.mirrors.is_none() {
            return Err(usage(
                "repositories on a server are mirrored before they are scanned: --mirrors DIR says \
                 where"
                    .into(),
            ));
        }
        let token = match (args.token_file, args.token_env) {
            (Some(file), _) => TokenPlace::File(file),
            (None, Some(name)) => TokenPlace::Variable(name),
            (None, None) => TokenPlace::None,
        };
        Ok(Self {
            select: select(&args.include, &args.exclude)?,
            shard,
            roots: args.roots,
            lists: args.list,
            nul: args.nul,
            homes: args.bitbucket_home,
            data_center: args.bitbucket_url,
            projects: args.project,
            workspaces: args.bitbucket_workspace,
            token,
            ca: args.ca_file,
            mirrors: args.mirrors,
            fetch_timeout: args.fetch_timeout.0,
        })
    }
}

fn select(include: &[String], exclude: &[String]) -> Result<Select, CliError> {
    Select::new(include, exclude).map_err(|wrong| usage(wrong.join("\n")))
}

/// A store that must be there.
pub(super) fn known_store(args: StoreArgs) -> Result<StorePlace, CliError> {
    let place = store(args)?;
    match &place {
        StorePlace::File(path) if !path.is_file() => Err(usage(format!(
            "there is no store {}: the first `gitsieve sweep` makes it, and --store says where",
            path.display()
        ))),
        _ => Ok(place),
    }
}

/// The environment variable that may say where the store is.
const VARIABLE: &str = "GITSIEVE_STORE";

/// Where the store is, or is to be.
fn store(args: StoreArgs) -> Result<StorePlace, CliError> {
    if let Some(path) = args.store {
        return match path.to_str().filter(|text| text.contains("://")) {
            Some(uri) => server(uri, args.store_password_file.as_deref()),
            None => Ok(StorePlace::File(path)),
        };
    }
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let base = variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".local/state")));
    base.map(|base| StorePlace::File(base.join("gitsieve/sweep.db")))
        .ok_or_else(|| {
            usage(
                "neither XDG_STATE_HOME nor HOME is set: say with --store where the store is"
                    .into(),
            )
        })
}

/// A store in a database. The password may be in a file or in the environment; not among the
/// arguments, which every user of the machine can see.
#[cfg(feature = "postgres")]
fn server(uri: &str, password_file: Option<&Path>) -> Result<StorePlace, CliError> {
    let wrong = |what: String| usage(format!("--store: {what}"));
    let (scheme, rest) = uri.split_once("://").unwrap_or_default();
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(wrong(
            "a store is a file, or postgres://USER@HOST/DATABASE".into(),
        ));
    }
    let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
    let holds_password = user.contains(':') || rest.contains("password=");
    if holds_password && env::var_os(VARIABLE).is_none_or(|value| value != *uri) {
        return Err(wrong(format!(
            "other users can see the password: leave it out, and use --store-password-file, \
             PGPASSWORD or {VARIABLE}"
        )));
    }
    let password = match password_file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| usage(format!("cannot read {}: {error}", path.display())))?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None => env::var("PGPASSWORD").ok(),
    };
    scanner_sweep::store::Address::parse(uri, password.as_deref())
        .map(|address| StorePlace::Server(Box::new(address)))
        .map_err(wrong)
}

#[cfg(not(feature = "postgres"))]
fn server(_uri: &str, _password_file: Option<&Path>) -> Result<StorePlace, CliError> {
    let _ = VARIABLE;
    Err(usage(
        "--store: this program was built without the feature `postgres`: a store is a file".into(),
    ))
}
