//! From what was typed to what will be done: every check of arguments is here, so that a scan
//! begins only when nothing about the command line can fail any more.

mod baseline;
mod explain;
mod hook;
mod limits;
mod migrate;
mod remediate;
mod report;
mod reports;
#[cfg(feature = "review")]
mod review;
mod rules;
mod sweep;
mod triage;
mod values;

pub(crate) use baseline::{BaselineAction, BaselinePlan, DiffPlan, Origin, Show};
pub(crate) use explain::{Clue, ExplainPlan};
pub(crate) use hook::{HookPlan, PushPlan};
pub(crate) use limits::{Limits, threads};
pub(crate) use migrate::MigratePlan;
pub(crate) use remediate::{Folder, RemediatePlan};
pub(crate) use report::{ConvertPlan, ReportSource};
pub(crate) use reports::{ReportPlan, ReportsPlan};
#[cfg(feature = "review")]
pub(crate) use review::ReviewPlan;
pub(crate) use rules::RulesPlan;
#[cfg(feature = "alerts")]
pub(crate) use sweep::AlertsPlan;
pub(crate) use sweep::{Places, StorePlace, SweepPlan, SweepRun, TokenPlace, Wanted};
pub(crate) use triage::{BASELINE_NAME, TriagePlan};
pub(crate) use values::ValuesPlan;

use crate::{
    args::{
        Cli, Colour, Command, DirArgs, Engine, GitArgs, HookArgs, HookCommand, Options,
        PostReceiveArgs, ReceiveArgs, RulesArgs, RulesSubcommand, StdinArgs,
    },
    exit::{CliError, ExitPolicy, ExitProfile},
    output::{Destination, Style},
    repository::{self, Kind},
};
use scanner_core::{
    gate::policy::RuleSelection,
    model::{Confidence, Fingerprint},
    scan::{EngineKind, GitInput, HistoryScope, Input, PathsInput, StagedInput},
};
use std::{
    env,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

/// Names of a team's configuration at the root of a working tree, in order of preference.
pub(crate) const CONFIG_NAMES: [&str; 2] = [".gitsieve.toml", ".gitleaks.toml"];

/// What the process tells about its surroundings, read once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Environment {
    /// `NO_COLOR` is set and not empty (no-color.org).
    pub(crate) no_colour: bool,
    /// `TERM` is `dumb`.
    pub(crate) dumb_terminal: bool,
    /// Standard output is a terminal.
    pub(crate) stdout_is_terminal: bool,
    /// Standard input is a terminal.
    pub(crate) stdin_is_terminal: bool,
    /// Standard error is a terminal.
    pub(crate) stderr_is_terminal: bool,
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        Self {
            no_colour: env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            dumb_terminal: env::var_os("TERM").is_some_and(|value| value == "dumb"),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }
}

/// What will be done.
#[derive(Debug)]
pub(crate) enum Plan {
    Scan(Box<ScanPlan>),
    Rules(Box<RulesPlan>),
    Explain(Box<ExplainPlan>),
    Hook(Box<HookPlan>),
    Sweep(SweepPlan),
    Baseline(Box<BaselinePlan>),
    Diff(Box<DiffPlan>),
    Migrate(Box<MigratePlan>),
    Remediate(Box<RemediatePlan>),
    Report(Box<ConvertPlan>),
    #[cfg(feature = "review")]
    Review(Box<ReviewPlan>),
    PreReceive {
        args: ReceiveArgs,
        verbose: bool,
    },
    PostReceive {
        args: PostReceiveArgs,
        verbose: bool,
    },
    Courier,
    Completions {
        shell: clap_complete::Shell,
        to: Destination,
    },
    Man {
        command: Option<String>,
        to: Destination,
    },
}

/// One scan.
#[derive(Debug)]
pub(crate) struct ScanPlan {
    pub(crate) input: InputPlan,
    /// What is scanned, for people.
    pub(crate) subject: String,
    /// What one piece of content is called.
    pub(crate) unit: &'static str,
    /// Worth saying before the scan begins; empty when quiet.
    pub(crate) notices: Vec<String>,
    pub(crate) rules: RulePlan,
    pub(crate) triage: TriagePlan,
    pub(crate) engine: EngineKind,
    /// Whether deltas are searched only for what they change.
    pub(crate) delta_aware: bool,
    pub(crate) max_decode_depth: u32,
    /// 0 for one a core.
    pub(crate) threads: usize,
    pub(crate) max_memory_bytes: u64,
    pub(crate) max_blob_bytes: Option<u64>,
    pub(crate) max_archive_depth: u32,
    pub(crate) max_archive_bytes: u64,
    pub(crate) timeout: Option<Duration>,
    pub(crate) min_confidence: Confidence,
    pub(crate) reports: ReportsPlan,
    pub(crate) style: Style,
    pub(crate) verbose: bool,
    pub(crate) quiet: bool,
    /// Whether to draw progress on standard error.
    pub(crate) progress: bool,
    pub(crate) exit: ExitPolicy,
}

/// What is scanned.
#[derive(Debug)]
pub(crate) enum InputPlan {
    /// Something that the library reads.
    Library(Input),
    /// Standard input, under this path.
    Stdin { path: Vec<u8> },
    /// What is about to be committed.
    Staged(StagedInput),
    /// What is about to be pushed from a clone.
    Push(PushPlan),
}

/// Which rules.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RulePlan {
    /// A team's configuration.
    pub(crate) config: Option<PathBuf>,
    /// Files and directories of more rules.
    pub(crate) files: Vec<PathBuf>,
    /// Ids of the rules to use; all when empty.
    pub(crate) only: Vec<String>,
    /// Ids of the rules to leave out.
    pub(crate) exclude: Vec<String>,
}

impl From<&RuleSelection> for RulePlan {
    fn from(selection: &RuleSelection) -> Self {
        let RuleSelection {
            config,
            files,
            only,
            exclude,
        } = selection.clone();
        Self {
            config,
            files,
            only,
            exclude,
        }
    }
}

impl Plan {
    pub(crate) fn new(cli: Cli, surroundings: Environment) -> Result<Self, CliError> {
        let Cli {
            command,
            path,
            options,
        } = cli;
        if let (Some(path), Some(_)) = (&path, &command) {
            return Err(usage(format!(
                "{} stands before a command; paths stand after it (a directory that has the name \
                 of a command is written ./NAME)",
                path.display()
            )));
        }
        let to = Destination::new(options.output.as_deref());
        let (source, options) = match command {
            Some(Command::Completions(args)) => {
                return Ok(Self::Completions {
                    shell: args.shell,
                    to,
                });
            }
            Some(Command::Man(args)) => {
                return Ok(Self::Man {
                    command: args.command,
                    to,
                });
            }
            Some(
                Command::Explain(args)
                | Command::Rules(RulesArgs {
                    command: RulesSubcommand::Explain(args),
                }),
            ) => {
                let plan = ExplainPlan::new(args, &options, to, surroundings)?;
                return Ok(Self::Explain(Box::new(plan)));
            }
            Some(Command::Rules(RulesArgs {
                command: RulesSubcommand::Rules(command),
            })) => {
                let plan = RulesPlan::new(command, &options, to, surroundings)?;
                return Ok(Self::Rules(Box::new(plan)));
            }
            Some(Command::Hook(HookArgs { command })) => {
                return Ok(match command {
                    HookCommand::PreReceive(args) => Self::PreReceive {
                        args,
                        verbose: options.verbose > 0,
                    },
                    HookCommand::PostReceive(args) => Self::PostReceive {
                        args,
                        verbose: options.verbose > 0,
                    },
                    HookCommand::Courier => Self::Courier,
                    HookCommand::PrePush(args) => {
                        Self::Scan(Box::new(hook::pre_push(&args, &options, surroundings)?))
                    }
                    HookCommand::PreCommit => {
                        Self::Scan(Box::new(hook::pre_commit(&options, surroundings)?))
                    }
                    HookCommand::CheckConfig(args) => {
                        Self::Hook(Box::new(hook::check_config(args, options.format(), to)?))
                    }
                    HookCommand::Setup(setup) => {
                        Self::Hook(Box::new(HookPlan::new(setup, &options, to)?))
                    }
                });
            }
            Some(Command::Baseline(args)) => {
                let plan = BaselinePlan::new(args.command, options, to, surroundings)?;
                return Ok(Self::Baseline(Box::new(plan)));
            }
            Some(Command::Diff(args)) => {
                let plan = DiffPlan::new(args, &options, to, surroundings)?;
                return Ok(Self::Diff(Box::new(plan)));
            }
            Some(Command::Migrate(args)) => {
                let plan = MigratePlan::new(args, options, surroundings)?;
                return Ok(Self::Migrate(Box::new(plan)));
            }
            Some(Command::Remediate(args)) => {
                let plan = RemediatePlan::new(args, &options, surroundings)?;
                return Ok(Self::Remediate(Box::new(plan)));
            }
            Some(Command::Report(args)) => {
                let plan = ConvertPlan::new(args, &options, to, surroundings)?;
                return Ok(Self::Report(Box::new(plan)));
            }
            Some(Command::Sweep(args)) => {
                return SweepPlan::new(*args, &options, to, surroundings).map(Self::Sweep);
            }
            #[cfg(feature = "review")]
            Some(Command::Review(args)) => {
                let plan = ReviewPlan::new(args, options, surroundings)?;
                return Ok(Self::Review(Box::new(plan)));
            }
            Some(Command::Git(args)) => (git(&args)?, options),
            Some(Command::Dir(args)) => (dir(args)?, options),
            Some(Command::Stdin(args)) => (stdin(args, surroundings)?, options),
            None => (whatever_is_there(path.as_deref())?, options),
        };
        ScanPlan::new(source, &options, to, surroundings).map(|plan| Self::Scan(Box::new(plan)))
    }
}

/// An input, and what it brings along.
struct SourcePlan {
    input: InputPlan,
    subject: String,
    unit: &'static str,
    /// Root of the working tree of one's own clone.
    root: Option<PathBuf>,
    notice: Option<String>,
}

impl ScanPlan {
    fn new(
        source: SourcePlan,
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        let reports = ReportsPlan::new(options, to, surroundings)?;
        let mut notices: Vec<String> = source.notice.into_iter().collect();
        let root = source.root.as_deref();
        let rules = rule_plan(options, root, &mut notices)?;
        let triage = TriagePlan::new(options, root, &source.input, &mut notices)?;
        if options.quiet {
            notices.clear();
        }
        Ok(Self {
            input: source.input,
            subject: source.subject,
            unit: source.unit,
            notices,
            rules,
            triage,
            engine: engine(options.engine),
            delta_aware: !options.no_delta,
            max_decode_depth: options.max_decode_depth,
            threads: usize::from(options.threads),
            max_memory_bytes: options.max_memory.0,
            max_blob_bytes: options.max_blob_size.map(|size| size.0),
            max_archive_depth: options.max_archive_depth,
            max_archive_bytes: options.max_archive_size.0,
            timeout: options.timeout.map(|duration| duration.0),
            min_confidence: options.min_confidence,
            style: reports.first.style,
            reports,
            verbose: options.verbose > 0,
            quiet: options.quiet,
            progress: !options.quiet
                && surroundings.stderr_is_terminal
                && !surroundings.dumb_terminal,
            exit: exit_policy(options)?,
        })
    }
}

/// What the exit status depends on.
fn exit_policy(options: &Options) -> Result<ExitPolicy, CliError> {
    let profile = options.exit_profile;
    if options.fail && profile != Some(ExitProfile::Trufflehog) {
        return Err(usage(
            "--fail is of --exit-profile trufflehog: elsewhere findings fail without it".into(),
        ));
    }
    Ok(ExitPolicy {
        findings_code: profile.map_or(options.exit_code, |of| of.findings(options.fail)),
        fail_on: options.fail_on,
        require_complete: options.require_complete,
    })
}

/// Which rules the options choose, with the configuration found at the `root` of a working tree.
fn rule_plan(
    options: &Options,
    root: Option<&Path>,
    notices: &mut Vec<String>,
) -> Result<RulePlan, CliError> {
    let config = match &options.config {
        Some(path) => {
            if !path.is_file() {
                return Err(usage(format!(
                    "configuration {} is not a file that can be read",
                    path.display()
                )));
            }
            Some(path.clone())
        }
        None if options.no_config => None,
        None => root.and_then(|root| discover_config(root, notices)),
    };
    for path in &options.rules {
        if !path.exists() {
            return Err(usage(format!(
                "--rules {}: no such file or directory",
                path.display()
            )));
        }
    }
    if let Some(both) = options
        .rule
        .iter()
        .find(|id| options.exclude_rule.contains(id))
    {
        return Err(usage(format!(
            "--rule {both} and --exclude-rule {both} contradict each other"
        )));
    }
    Ok(RulePlan {
        config,
        files: options.rules.clone(),
        only: options.rule.clone(),
        exclude: options.exclude_rule.clone(),
    })
}

fn usage(message: String) -> CliError {
    CliError::Usage(message)
}

/// Takes what --fingerprint names.
fn fingerprints<C: FromIterator<Fingerprint>>(texts: &[String]) -> Result<C, CliError> {
    let parse = |text: &String| {
        Fingerprint::parse(text).ok_or_else(|| {
            usage("--fingerprint is not one: v1: and 32 hexadecimal digits, as reports show".into())
        })
    };
    texts.iter().map(parse).collect()
}

/// Without a path, the repository around the current directory, as Git's own commands take it;
/// a path that is given is taken for exactly what it is.
fn whatever_is_there(path: Option<&Path>) -> Result<SourcePlan, CliError> {
    let here = Path::new(".");
    let target = path.unwrap_or(here);
    exists(target)?;
    match repository::kind(target) {
        Kind::Plain => {}
        kind => return Ok(whole_repository(target, kind)),
    }
    if path.is_none()
        && let Some(root) = repository::around(here)
    {
        let mut source = whole_repository(&root, Kind::WorkingTree);
        source.notice = Some(format!("scanning the repository at {}", root.display()));
        return Ok(source);
    }
    Ok(plain(vec![target.to_owned()], true))
}

fn whole_repository(path: &Path, kind: Kind) -> SourcePlan {
    SourcePlan {
        input: InputPlan::Library(Input::Git(GitInput {
            path: path.to_owned(),
            history: HistoryScope::All,
            working_tree: true,
        })),
        subject: match kind {
            Kind::WorkingTree => format!("{} (history, index and working tree)", path.display()),
            _ => format!("{} (history)", path.display()),
        },
        unit: "blob",
        root: (kind == Kind::WorkingTree).then(|| path.to_owned()),
        notice: None,
    }
}

fn plain(roots: Vec<PathBuf>, honour_ignore_files: bool) -> SourcePlan {
    let names: Vec<String> = roots.iter().map(|p| p.display().to_string()).collect();
    SourcePlan {
        subject: names.join(", "),
        unit: "file",
        input: InputPlan::Library(Input::Paths(PathsInput {
            roots,
            honour_ignore_files,
        })),
        root: None,
        notice: None,
    }
}

fn git(args: &GitArgs) -> Result<SourcePlan, CliError> {
    exists(&args.path)?;
    let mut path = args.path.clone();
    let mut kind = repository::kind(&path);
    if kind == Kind::Plain {
        path = repository::around(&path).ok_or_else(|| {
            usage(format!(
                "{} is not a Git repository, nor is any directory above it; `gitsieve dir` scans \
                 plain files",
                args.path.display()
            ))
        })?;
        kind = Kind::WorkingTree;
    }
    let revision = |option: &str, text: &str| {
        if text.is_empty() || text.starts_with('-') || text.contains("..") {
            Err(usage(format!("{option} {text:?} is not a single revision")))
        } else {
            Ok(text.to_owned())
        }
    };
    let mut include = Vec::new();
    let mut exclude = Vec::new();
    if let Some(range) = &args.range {
        let (from, to) = split_range(range)?;
        exclude.push(revision("--range", from)?);
        include.push(revision("--range", to)?);
    }
    if let Some(commit) = &args.since_commit {
        exclude.push(revision("--since-commit", commit)?);
    }
    if let Some(branch) = &args.branch {
        include.push(revision("--branch", branch)?);
    }
    let names_commits = !include.is_empty() || !exclude.is_empty();
    let max_depth = args.max_depth.map(|depth| depth as usize);
    let history = if names_commits || max_depth.is_some() || args.reachable_only {
        HistoryScope::Reachable {
            include,
            exclude,
            max_depth,
        }
    } else {
        HistoryScope::All
    };
    let working_tree = !args.no_working_tree && !names_commits;
    let part = if history == HistoryScope::All {
        "history"
    } else {
        "part of the history"
    };
    let extent = if working_tree && kind == Kind::WorkingTree {
        ", index and working tree"
    } else {
        ""
    };
    Ok(SourcePlan {
        subject: format!("{} ({part}{extent})", path.display()),
        unit: "blob",
        root: (kind == Kind::WorkingTree).then(|| path.clone()),
        input: InputPlan::Library(Input::Git(GitInput {
            path,
            history,
            working_tree,
        })),
        notice: None,
    })
}

/// Splits `A..B`; a side left out is `HEAD`, as for Git.
fn split_range(range: &str) -> Result<(&str, &str), CliError> {
    if range.contains("...") {
        return Err(usage(format!(
            "--range {range:?}: a symmetric difference (three dots) is not a range of commits; \
             write A..B"
        )));
    }
    let (from, to) = range.split_once("..").ok_or_else(|| {
        usage(format!(
            "--range {range:?} is not of the form A..B; --branch takes a single revision"
        ))
    })?;
    let or_head = |side| if str::is_empty(side) { "HEAD" } else { side };
    if from.is_empty() && to.is_empty() {
        return Err(usage(
            "--range needs a revision on at least one side of ..".into(),
        ));
    }
    Ok((or_head(from), or_head(to)))
}

fn dir(args: DirArgs) -> Result<SourcePlan, CliError> {
    for path in &args.paths {
        exists(path)?;
    }
    Ok(plain(args.paths, !args.no_ignore))
}

fn stdin(args: StdinArgs, surroundings: Environment) -> Result<SourcePlan, CliError> {
    if surroundings.stdin_is_terminal {
        return Err(usage(
            "standard input is a terminal; pipe content into `gitsieve stdin`".into(),
        ));
    }
    let path = args.path.unwrap_or_default();
    Ok(SourcePlan {
        input: InputPlan::Stdin {
            path: path.into_encoded_bytes(),
        },
        subject: "standard input".into(),
        unit: "input",
        root: None,
        notice: None,
    })
}

fn exists(path: &Path) -> Result<(), CliError> {
    path.metadata()
        .map(drop)
        .map_err(|error| usage(format!("cannot open {}: {error}", path.display())))
}

/// Finds a team's configuration at the root of a working tree.
fn discover_config(root: &Path, notices: &mut Vec<String>) -> Option<PathBuf> {
    let mut names = CONFIG_NAMES.iter();
    names.find_map(|name| triage::discover(root, name, "configuration", "config", notices))
}

fn engine(engine: Engine) -> EngineKind {
    match engine {
        Engine::Literal => EngineKind::Literal,
        Engine::AhoCorasick => EngineKind::AhoCorasick,
        Engine::Reference => EngineKind::Reference,
        #[cfg(feature = "hyperscan")]
        Engine::Hyperscan => EngineKind::Hyperscan,
    }
}

fn style(when: Colour, never: bool, to: &Destination, surroundings: Environment) -> Style {
    let on = match when {
        Colour::Always => !never,
        Colour::Never => false,
        Colour::Auto => {
            !never
                && !surroundings.no_colour
                && !surroundings.dumb_terminal
                && surroundings.stdout_is_terminal
                && *to == Destination::Stdout
        }
    };
    if on { Style::Coloured } else { Style::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::fs;

    const TERMINAL: Environment = Environment {
        no_colour: false,
        dumb_terminal: false,
        stdout_is_terminal: true,
        stdin_is_terminal: false,
        stderr_is_terminal: true,
    };

    fn plan_in(surroundings: Environment, args: &[&str]) -> Result<ScanPlan, String> {
        let all = [&["gitsieve"], args].concat();
        let cli = Cli::try_parse_from(all).map_err(|e| e.to_string())?;
        match Plan::new(cli, surroundings) {
            Ok(Plan::Scan(plan)) => Ok(*plan),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn plan(args: &[&str]) -> Result<ScanPlan, String> {
        plan_in(TERMINAL, args)
    }

    fn clone() -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let path = dir.path().to_str().unwrap().to_owned();
        (dir, path)
    }

    fn git_input(plan: &ScanPlan) -> &GitInput {
        match &plan.input {
            InputPlan::Library(Input::Git(git)) => git,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_clone_is_scanned_whole_and_a_directory_as_files() {
        let (dir, path) = clone();
        let whole = plan(&[&path]).unwrap();
        assert_eq!(git_input(&whole).history, HistoryScope::All);
        assert!(git_input(&whole).working_tree);
        let sub = dir.path().join("sub");
        fs::create_dir(&sub).unwrap();
        let files = plan(&[sub.to_str().unwrap()]).unwrap();
        assert!(matches!(
            files.input,
            InputPlan::Library(Input::Paths(PathsInput {
                honour_ignore_files: true,
                ..
            }))
        ));
        // Said to be Git, the directory stands for the clone around it.
        assert!(git_input(&plan(&["git", sub.to_str().unwrap()]).unwrap()).working_tree);
    }

    #[test]
    fn a_range_names_commits_and_leaves_the_working_tree_out() {
        let (_dir, path) = clone();
        let scope = |args: &[&str]| {
            let plan = plan(&[&["git", &path], args].concat()).unwrap();
            let git = git_input(&plan);
            (git.history.clone(), git.working_tree)
        };
        let reachable = |include: &[&str], exclude: &[&str], max_depth| HistoryScope::Reachable {
            include: include.iter().map(ToString::to_string).collect(),
            exclude: exclude.iter().map(ToString::to_string).collect(),
            max_depth,
        };
        assert_eq!(
            scope(&["--range", "a..b"]),
            (reachable(&["b"], &["a"], None), false)
        );
        assert_eq!(
            scope(&["--range", "a.."]),
            (reachable(&["HEAD"], &["a"], None), false)
        );
        assert_eq!(
            scope(&["--range", "..b"]),
            (reachable(&["b"], &["HEAD"], None), false)
        );
        assert_eq!(
            scope(&["--since-commit", "a"]),
            (reachable(&[], &["a"], None), false)
        );
        assert_eq!(
            scope(&["--branch", "b", "--since-commit", "a", "--max-depth", "3"]),
            (reachable(&["b"], &["a"], Some(3)), false)
        );
        assert_eq!(
            scope(&["--reachable-only"]),
            (reachable(&[], &[], None), true)
        );
        assert_eq!(scope(&["--no-working-tree"]), (HistoryScope::All, false));
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        let (_dir, path) = clone();
        for (args, reason) in [
            (&["git", &path, "--range", "a...b"][..], "three dots"),
            (&["git", &path, "--range", "main"], "A..B"),
            (&["git", &path, "--range", ".."], "at least one side"),
            (
                &["git", &path, "--range", "a..--all"],
                "not a single revision",
            ),
            (&["git", &path, "--branch", "a..b"], "not a single revision"),
            (&["git", &path, "--branch", ""], "not a single revision"),
            (&["git", &path, "--max-depth", "0"], "max-depth"),
            (
                &["git", &path, "--range", "a..b", "--branch", "c"],
                "cannot be used with",
            ),
            (&[&path, "git"], "stands before a command"),
            (&["/nonexistent/path"], "cannot open /nonexistent/path"),
            (&["dir"], "required"),
            (&["-c", "/nonexistent/c.toml", &path], "configuration"),
            (&["--rules", "/nonexistent/r.toml", &path], "no such file"),
            (&["--rule", "a", "--exclude-rule", "a", &path], "contradict"),
            (&["--max-memory", "lots", &path], "expected a size"),
            (&["--timeout", "0", &path], "expected a length of time"),
            (&["--fail-on", "severe", &path], "possible values"),
            (&["--exit-code", "256", &path], "256"),
            (&["-q", "-v", &path], "cannot be used with"),
            (&["-o", "/nonexistent/dir/report", &path], "cannot write"),
        ] {
            let error = plan(args).unwrap_err();
            assert!(error.contains(reason), "{args:?}: {error}");
        }
        let typing = Environment {
            stdin_is_terminal: true,
            ..TERMINAL
        };
        assert!(
            plan_in(typing, &["stdin"])
                .unwrap_err()
                .contains("terminal")
        );
    }

    #[test]
    fn a_teams_configuration_is_found_at_the_root_of_a_clone_and_named() {
        let (dir, path) = clone();
        let config = |args: &[&str]| plan(&[args, &[&path]].concat()).unwrap();
        assert_eq!(config(&[]).rules.config, None);
        fs::write(dir.path().join(".gitleaks.toml"), "").unwrap();
        let found = config(&[]);
        assert_eq!(found.rules.config, Some(dir.path().join(".gitleaks.toml")));
        assert!(found.notices.iter().any(|n| n.contains(".gitleaks.toml")));
        fs::write(dir.path().join(".gitsieve.toml"), "").unwrap();
        assert_eq!(
            config(&[]).rules.config,
            Some(dir.path().join(".gitsieve.toml"))
        );
        assert_eq!(config(&["--no-config"]).rules.config, None);
        let quiet = config(&["-q"]);
        assert!(quiet.rules.config.is_some() && quiet.notices.is_empty());
    }

    #[test]
    fn configuration_is_never_taken_from_a_bare_repository_or_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["HEAD", ".gitsieve.toml", "packed-refs"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::create_dir(dir.path().join("objects")).unwrap();
        fs::create_dir(dir.path().join("refs")).unwrap();
        let bare = plan(&[dir.path().to_str().unwrap()]).unwrap();
        assert!(matches!(bare.input, InputPlan::Library(Input::Git(_))));
        assert_eq!(bare.rules.config, None);

        #[cfg(unix)]
        {
            let (clone, path) = clone();
            let link = clone.path().join(".gitsieve.toml");
            std::os::unix::fs::symlink(dir.path().join(".gitsieve.toml"), link).unwrap();
            let linked = plan(&[&path]).unwrap();
            assert_eq!(linked.rules.config, None);
            assert!(linked.notices[0].contains("not a regular file"));
        }
    }

    #[test]
    fn colour_is_for_terminals_unless_said_otherwise() {
        let (_dir, path) = clone();
        let style = |surroundings: Environment, args: &[&str]| {
            plan_in(surroundings, &[args, &[&path]].concat())
                .unwrap()
                .style
        };
        let no_colour = Environment {
            no_colour: true,
            ..TERMINAL
        };
        let piped = Environment {
            stdout_is_terminal: false,
            ..TERMINAL
        };
        assert_eq!(style(TERMINAL, &[]), Style::Coloured);
        assert_eq!(style(TERMINAL, &["--no-color"]), Style::Plain);
        assert_eq!(style(TERMINAL, &["-o", "/dev/null"]), Style::Plain);
        assert_eq!(style(no_colour, &[]), Style::Plain);
        assert_eq!(style(no_colour, &["--color", "always"]), Style::Coloured);
        assert_eq!(style(piped, &[]), Style::Plain);
        assert_eq!(style(piped, &["--color=always"]), Style::Coloured);
    }
}
