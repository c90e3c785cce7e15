//! What will be done about hooks.

use super::{Environment, InputPlan, ScanPlan, SourcePlan, exists, usage};
use crate::{
    args::{
        CheckConfigArgs, Format, HookSetup, InstallArgs, Options, PrePushArgs, UninstallArgs,
        WhichHooks,
    },
    exit::CliError,
    hook::{
        install::{Hook, Script, Site, sites},
        policy::{self, PolicyText},
    },
    output::Destination,
    repository,
};
use scanner_core::{
    gate::policy::Policy,
    scan::{KnownRefs, StagedInput},
    source::git::{ObjectEnvironment, Repository, RepositoryKind},
};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// Something about getting hooks into place.
#[derive(Debug)]
pub(crate) enum HookPlan {
    /// Put these hooks there.
    Install {
        hooks: Vec<(Site, Script)>,
        quiet: bool,
    },
    /// Take away what is there of ours.
    Uninstall { sites: Vec<Site>, quiet: bool },
    /// Write the script for Bitbucket and say how to use it.
    Bitbucket {
        script: Script,
        to: Destination,
        quiet: bool,
    },
    /// Say how Bitbucket gets rid of it.
    BitbucketRemoval,
    /// Say what a policy comes to.
    CheckConfig {
        policy: PolicyText,
        repository: Option<String>,
        user: Option<String>,
        json: bool,
        to: Destination,
    },
}

impl HookPlan {
    pub(super) fn new(
        setup: HookSetup,
        options: &Options,
        to: Destination,
    ) -> Result<Self, CliError> {
        match setup {
            HookSetup::Install(args) => install(args, to, options.quiet),
            HookSetup::Uninstall(args) => uninstall(&args, options.quiet),
        }
    }
}

/// A check of a policy.
pub(super) fn check_config(
    args: CheckConfigArgs,
    format: Format,
    to: Destination,
) -> Result<HookPlan, CliError> {
    let json = match format {
        Format::Human => false,
        Format::Json => true,
        _ => {
            return Err(usage(
                "`gitsieve hook check-config` has the formats human and json".into(),
            ));
        }
    };
    to.check()?;
    Ok(HookPlan::CheckConfig {
        policy: policy::read(args.policy.file())?,
        repository: args.repository,
        user: args.user,
        json,
        to,
    })
}

/// A scan of what is staged, in the surroundings that git gives its hooks: `GIT_DIR` where the
/// repository is not simply around the current directory, `GIT_WORK_TREE` likewise, and always
/// `GIT_INDEX_FILE`, which for `git commit FILE` is an index made for that commit.
pub(super) fn pre_commit(
    options: &Options,
    surroundings: Environment,
) -> Result<ScanPlan, CliError> {
    let (path, repository) = around_hook()?;
    let root = variable("GIT_WORK_TREE")
        .map(PathBuf::from)
        .or_else(|| repository.worktree().map(Path::to_owned));
    let index = variable("GIT_INDEX_FILE").map(|index| match &root {
        // It counts from where git runs hooks.
        Some(root) => root.join(index),
        None => index.into(),
    });
    let source = SourcePlan {
        input: InputPlan::Staged(StagedInput { path, index }),
        subject: "what is staged".into(),
        unit: "file",
        root,
        notice: None,
    };
    // All of it goes to standard error, as git shows what hooks say.
    let surroundings = Environment {
        stdout_is_terminal: surroundings.stderr_is_terminal,
        ..surroundings
    };
    let plan = ScanPlan::new(source, options, Destination::Stdout, surroundings)?;
    Ok(ScanPlan {
        progress: false,
        ..plan
    })
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The repository that git runs a hook for.
fn around_hook() -> Result<(PathBuf, Repository), CliError> {
    let path = variable("GIT_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let repository = Repository::open(&path).map_err(|error| usage(error.to_string()))?;
    Ok((path, repository))
}

/// What is pushed, and from where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PushPlan {
    pub(crate) path: PathBuf,
    pub(crate) objects: ObjectEnvironment,
    pub(crate) known: KnownRefs,
}

/// A scan of what is about to be pushed to a remote. What the remote has already is told by its
/// tracking refs, and by the ids that git gives of the refs that move.
pub(super) fn pre_push(
    args: &PrePushArgs,
    options: &Options,
    surroundings: Environment,
) -> Result<ScanPlan, CliError> {
    let (path, repository) = around_hook()?;
    let objects = ObjectEnvironment::parse(
        variable("GIT_OBJECT_DIRECTORY").as_deref(),
        variable("GIT_ALTERNATE_OBJECT_DIRECTORIES").as_deref(),
    )
    .map_err(|error| usage(error.to_string()))?;
    // Git gives the URL in place of a name where there is no remote of that URL.
    let prefix = match &args.remote {
        Some(remote) if args.url.as_ref() != Some(remote) => format!("refs/remotes/{remote}/"),
        _ => "refs/remotes/".to_owned(),
    };
    let source = SourcePlan {
        input: InputPlan::Push(PushPlan {
            path,
            objects,
            known: KnownRefs::Prefix(prefix.into()),
        }),
        subject: "what is about to be pushed".into(),
        unit: "blob",
        root: repository.worktree().map(Path::to_owned),
        notice: None,
    };
    let plan = ScanPlan::new(source, options, Destination::Stdout, surroundings)?;
    Ok(ScanPlan {
        progress: false,
        ..plan
    })
}

fn install(args: InstallArgs, to: Destination, quiet: bool) -> Result<HookPlan, CliError> {
    let binary = binary()?;
    if args.which.bitbucket {
        to.check()?;
        // The file is on the server, not here.
        if let Some(policy) = args.policy.as_ref().filter(|path| path.is_relative()) {
            return Err(usage(format!(
                "--policy {}: with --bitbucket, give the absolute path that it has on the server",
                policy.display()
            )));
        }
        let script = Script {
            hook: Hook::PreReceive,
            binary,
            policy: args.policy,
            alone: false,
        };
        return Ok(HookPlan::Bitbucket { script, to, quiet });
    }
    if to != Destination::Stdout {
        return Err(usage("--output goes with --bitbucket".into()));
    }
    let repository = open(args.which.path.as_deref())?;
    let bare = repository.kind() == RepositoryKind::Bare;
    let mut hooks = chosen(&args.which);
    if hooks.is_empty() {
        hooks = if bare {
            vec![Hook::PreReceive]
        } else {
            vec![Hook::PreCommit, Hook::PrePush]
        };
    }
    if bare && hooks.contains(&Hook::PreCommit) {
        return Err(usage(format!(
            "{} is bare: nothing is ever committed in it, so that pre-commit would never run",
            repository.path().display()
        )));
    }
    let policy = match args.policy {
        None => None,
        Some(_) if !hooks.contains(&Hook::PreReceive) => {
            return Err(usage("--policy is for --pre-receive".into()));
        }
        Some(path) => Some(policy(&path)?),
    };
    if policy
        .as_ref()
        .is_some_and(|(_, policy)| policy.has_spool())
    {
        hooks.push(Hook::PostReceive);
    }
    let policy = policy.map(|(path, _)| path);
    let sites = sites(&repository, &hooks, args.which.hooks_path.as_deref())?;
    let hooks = sites.into_iter().map(|site| {
        let script = Script {
            hook: site.hook,
            binary: binary.clone(),
            policy: policy.clone().filter(|_| site.hook.is_of_server()),
            alone: site.alone,
        };
        (site, script)
    });
    Ok(HookPlan::Install {
        hooks: hooks.collect(),
        quiet,
    })
}

fn uninstall(args: &UninstallArgs, quiet: bool) -> Result<HookPlan, CliError> {
    if args.which.bitbucket {
        return Ok(HookPlan::BitbucketRemoval);
    }
    let repository = open(args.which.path.as_deref())?;
    let mut hooks = chosen(&args.which);
    if hooks.is_empty() {
        hooks = Hook::ALL.to_vec();
    } else if hooks.contains(&Hook::PreReceive) {
        hooks.push(Hook::PostReceive);
    }
    let sites = sites(&repository, &hooks, args.which.hooks_path.as_deref())?;
    Ok(HookPlan::Uninstall { sites, quiet })
}

fn chosen(which: &WhichHooks) -> Vec<Hook> {
    [
        (which.pre_commit, Hook::PreCommit),
        (which.pre_push, Hook::PrePush),
        (which.pre_receive, Hook::PreReceive),
    ]
    .into_iter()
    .filter_map(|(given, hook)| given.then_some(hook))
    .collect()
}

/// The repository at or around a path.
fn open(path: Option<&Path>) -> Result<Repository, CliError> {
    let given = path.unwrap_or(Path::new("."));
    exists(given)?;
    let place = match repository::kind(given) {
        repository::Kind::Plain => repository::around(given).unwrap_or_else(|| given.to_owned()),
        _ => given.to_owned(),
    };
    let repository = Repository::open(&place).map_err(|error| usage(error.to_string()))?;
    if repository.kind() == RepositoryKind::ObjectStore {
        return Err(usage(format!(
            "{} is a directory of objects alone: hooks need a repository",
            given.display()
        )));
    }
    Ok(repository)
}

/// The path of this program that lasts longest: the one on PATH, where that is this program,
/// because it stays when a package manager moves to a new version.
fn binary() -> Result<PathBuf, CliError> {
    let own = env::current_exe()
        .map_err(|error| usage(format!("cannot tell where this program is: {error}")))?;
    let real = fs::canonicalize(&own).unwrap_or_else(|_| own.clone());
    let name = format!("gitsieve{}", env::consts::EXE_SUFFIX);
    let on_path = env::var_os("PATH")
        .into_iter()
        .flat_map(|path| env::split_paths(&path).collect::<Vec<_>>())
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&name))
        .find(|file| fs::canonicalize(file).is_ok_and(|file| file == real));
    Ok(on_path.unwrap_or(own))
}

/// A policy's absolute path, and what it says. A link stays one, so that it may come to lead
/// elsewhere. A policy that the hook could not use would stop every push, so it is refused here.
fn policy(path: &Path) -> Result<(PathBuf, Policy), CliError> {
    let read = policy::read(Some(path))?;
    let policy = Policy::parse(&read.text, &path.display().to_string())
        .map_err(|problems| usage(format!("the policy cannot be used:\n{problems}")))?;
    let refuse = |why: &str| usage(format!("--policy {}: {why}", path.display()));
    let name = path.file_name().ok_or_else(|| refuse("not a file"))?;
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let directory = fs::canonicalize(directory).map_err(|error| refuse(&error.to_string()))?;
    Ok((directory.join(name), policy))
}
