//! Finds where hooks belong.

use super::script::Hook;
use crate::exit::CliError;
use scanner_core::source::git::Repository;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where one hook goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) hook: Hook,
    pub(crate) file: PathBuf,
    /// What was at `file` before.
    pub(crate) earlier: PathBuf,
    /// Whether git runs this file itself, rather than a server that runs all files of a directory.
    pub(crate) alone: bool,
}

impl Site {
    /// Whether the hook from before may act by the name that it is called by, as hooks do that are
    /// one program for all.
    pub(crate) fn asks_for_its_name(&self) -> bool {
        fs::read(&self.earlier).is_ok_and(|text| {
            let has = |word: &str| text.windows(word.len()).any(|at| at == word.as_bytes());
            has("${0##*/}") || has("basename") && has("$0") || has("sys.argv[0]")
        })
    }
}

/// Finds the places of hooks. `confirmed` is the directory that was named for them.
///
/// # Errors
/// When hooks lie outside of the repository and nobody said that this is meant, or belong to a
/// tool that writes them anew.
pub(crate) fn sites(
    repository: &Repository,
    hooks: &[Hook],
    confirmed: Option<&Path>,
) -> Result<Vec<Site>, CliError> {
    let set = match confirmed {
        Some(_) => None,
        None => configured(repository)?,
    };
    hooks
        .iter()
        .map(|&hook| {
            let directory = match (confirmed, &set) {
                (Some(named), _) => absolute(named)?,
                (None, Some(set)) => {
                    let directory = base(repository, hook)?.join(set);
                    check(repository, &directory)?;
                    directory
                }
                (None, None) => {
                    let directory = default(repository, hook)?;
                    check(repository, &directory)?;
                    directory
                }
            };
            Ok(site(hook, &directory))
        })
        .collect()
}

fn site(hook: Hook, directory: &Path) -> Site {
    let name = hook.name();
    // Gitea and GitLab run every file of such a directory.
    let many = directory.join(format!("{name}.d"));
    if hook.is_of_server() && many.is_dir() {
        return Site {
            hook,
            file: many.join("gitsieve"),
            earlier: many.join("gitsieve.before-gitsieve"),
            alone: false,
        };
    }
    Site {
        hook,
        file: directory.join(name),
        earlier: directory.join(format!("{name}.before-gitsieve")),
        alone: true,
    }
}

/// The directory that git uses where it was not told of any.
fn default(repository: &Repository, hook: Hook) -> Result<PathBuf, CliError> {
    let common = repository
        .common_dir()
        .ok_or_else(|| no_repository(repository))?;
    // GitLab has hooks of its own in place of the repository's, which run these.
    let custom = common.join("custom_hooks");
    let directory = if hook.is_of_server() && custom.is_dir() {
        custom
    } else {
        common.join("hooks")
    };
    absolute(&directory)
}

/// Where git is when it runs a hook: relative directories count from there (githooks(5)).
fn base(repository: &Repository, hook: Hook) -> Result<PathBuf, CliError> {
    let directory = match repository.worktree() {
        Some(root) if !hook.is_of_server() => Some(root),
        _ => repository.git_dir(),
    };
    absolute(directory.ok_or_else(|| no_repository(repository))?)
}

/// What `core.hooksPath` says, wherever it is set.
///
/// gitsieve reads no user's configuration anywhere else: what a scan finds must not depend on it.
/// Here a developer prepares their own machine, and a hook that git does not look at would never
/// run. So git is asked, which knows its own files. Without git, hooks go where they go by default,
/// unless the repository's configuration says something about them.
fn configured(repository: &Repository) -> Result<Option<PathBuf>, CliError> {
    let git_dir = repository
        .git_dir()
        .ok_or_else(|| no_repository(repository))?;
    let mut command = Command::new("git");
    // A repository that is named is not checked for its owner: an administrator's may belong to
    // the server's user. And nothing inherited from a hook that this may run in.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_CONFIG"] {
        command.env_remove(variable);
    }
    let asked = command
        .arg("--git-dir")
        .arg(git_dir)
        .args(["config", "--type=path", "-z", "--get", "core.hooksPath"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match asked {
        Ok(answer) if answer.status.success() => {
            let path = answer.stdout.strip_suffix(b"\0").unwrap_or(&answer.stdout);
            Ok((!path.is_empty()).then(|| path_of(path)))
        }
        // What git answers where there is no such setting.
        Ok(answer) if answer.status.code() == Some(1) => Ok(None),
        _ => {
            let common = repository.common_dir().unwrap_or(git_dir);
            let told = [common.join("config"), git_dir.join("config.worktree")]
                .iter()
                .filter_map(|file| fs::read(file).ok())
                .any(|text| {
                    text.to_ascii_lowercase()
                        .windows(9)
                        .any(|w| w == b"hookspath")
                });
            if told {
                return Err(CliError::Usage(
                    "git could not be asked for core.hooksPath, which this repository sets: put \
                     git on PATH, or name the directory of the hooks with --hooks-path"
                        .to_owned(),
                ));
            }
            Ok(None)
        }
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Refuses a directory that is not this repository's alone, or not for people to write to.
fn check(repository: &Repository, directory: &Path) -> Result<(), CliError> {
    if directory.file_name() == Some(OsStr::new("_")) && directory.join("h").is_file() {
        return Err(CliError::Usage(format!(
            "{} belongs to husky, which writes it anew at every install: put the line `gitsieve \
             hook pre-commit` into .husky/pre-commit instead, and `gitsieve hook pre-push \"$@\"` \
             into .husky/pre-push",
            directory.display()
        )));
    }
    let real = |path: &Path| {
        path.ancestors()
            .find_map(|existing| {
                let rest = path.strip_prefix(existing).ok()?;
                Some(existing.canonicalize().ok()?.join(rest))
            })
            .unwrap_or_else(|| path.to_owned())
    };
    let target = real(directory);
    let own = [
        repository.worktree(),
        repository.common_dir(),
        repository.git_dir(),
    ];
    if own
        .into_iter()
        .flatten()
        .any(|own| target.starts_with(real(own)))
    {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "git runs the hooks in {0} here (core.hooksPath, or a link), which lies outside of this \
         repository, so that other repositories may share them. If that is meant, say so: \
         --hooks-path {0}",
        target.display()
    )))
}

fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path)
        .map_err(|error| CliError::Usage(format!("cannot open {}: {error}", path.display())))
}

fn no_repository(repository: &Repository) -> CliError {
    CliError::Usage(format!(
        "{} is a directory of objects: hooks need a repository",
        repository.path().display()
    ))
}
