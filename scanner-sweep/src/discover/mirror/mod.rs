//! Copies of repositories on other machines, made and kept up to date by git.
//!
//! A directory of mirrors belongs to one process at a time, by a lock. So whatever it finds there
//! half done was left by a run that was killed, and is removed. Directories are named after keys,
//! with a hash: a key is whatever a server says, and may be long, differ from another by case only,
//! or try to lead elsewhere.

mod git;

pub use git::GitError;

use super::{Discovered, Remote, hex, shown_path};
use git::{Git, Run};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Duration,
};

/// Begins the names of clones that are being made.
const INCOMING: &str = ".incoming-";
/// Stands in a mirror while it is being updated.
const BUSY: &str = "gitsieve-updating";
/// Most characters of a key in the name of a directory.
const MAX_SHOWN: usize = 60;

/// Why there is no mirror, or none that is up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The directory of mirrors cannot be used.
    #[error("cannot keep mirrors in {path}: check that it is a directory to write to")]
    Directory {
        /// The directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another process uses it.
    #[error(
        "the mirrors in {path} are used by another process: wait for it, or name another directory"
    )]
    InUse {
        /// The directory.
        path: String,
    },
    /// A file of a mirror cannot be written or removed.
    #[error("{path}: cannot prepare this mirror")]
    Prepare {
        /// The mirror.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Git did not do it.
    #[error("{url}: {error}")]
    Git {
        /// The repository's address, without credentials.
        url: String,
        /// What happened.
        error: GitError,
    },
}

/// How to run git.
#[derive(Debug, Clone)]
pub struct MirrorOptions {
    /// The program.
    pub git: PathBuf,
    /// A PEM file with the certificates that servers' are checked against, instead of those that
    /// git uses otherwise.
    pub ca: Option<PathBuf>,
    /// How long git may clean up after itself, when its time is over, before it is killed.
    pub grace: Duration,
}

impl Default for MirrorOptions {
    /// `git` from `PATH`, its own certificates, two seconds.
    fn default() -> Self {
        Self {
            git: PathBuf::from("git"),
            ca: None,
            grace: Duration::from_secs(2),
        }
    }
}

/// A directory of mirrors, for this process alone until the value is dropped.
#[derive(Debug)]
pub struct Mirrors {
    dir: PathBuf,
    git: Git,
    /// Held, not used.
    _lock: File,
}

impl Mirrors {
    /// Makes the directory if need be, takes it for this process and removes what was left half
    /// done.
    ///
    /// # Errors
    /// When it cannot be written to, or another process uses it.
    pub fn open(dir: &Path, options: MirrorOptions) -> Result<Self, MirrorError> {
        let failed = |source| MirrorError::Directory {
            path: shown_path(dir),
            source,
        };
        fs::create_dir_all(dir).map_err(failed)?;
        let dir = dir.canonicalize().map_err(failed)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join(".lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(MirrorError::InUse {
                    path: shown_path(&dir),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(INCOMING.as_bytes())
            {
                fs::remove_dir_all(entry.path()).map_err(failed)?;
            }
        }
        Ok(Self {
            dir,
            git: Git::new(options),
            _lock: lock,
        })
    }

    /// Where the mirror of a repository is, or will be.
    pub fn path(&self, remote: &Remote) -> PathBuf {
        self.dir.join(directory(&remote.key))
    }

    /// The mirror as it was left by the last update that came to its end, if there is one: what can
    /// still be scanned when the server is not reached.
    pub fn last(&self, remote: &Remote) -> Option<Discovered> {
        let path = self.path(remote);
        path.is_dir().then(|| remote.mirrored_at(path))
    }

    /// Clones a repository, or brings its mirror up to date. Branches that are gone from the server
    /// go from the mirror too; their commits stay until git removes them as garbage. Which branch is
    /// the default one is taken over when cloning only.
    ///
    /// May be called from several threads at once, but not for one repository.
    ///
    /// # Errors
    /// When git fails, when `deadline` (from now on) passes, or when `interrupt` is set; git is then
    /// ended with all that it started. A mirror that was there stays as far as it came.
    pub fn update(
        &self,
        remote: &Remote,
        deadline: Duration,
        interrupt: &AtomicBool,
    ) -> Result<Discovered, MirrorError> {
        let path = self.path(remote);
        let run = Run {
            remote,
            deadline,
            interrupt,
        };
        let failed = |error| MirrorError::Git {
            url: remote.url.to_string(),
            error,
        };
        let prepare = |source| MirrorError::Prepare {
            path: shown_path(&path),
            source,
        };
        if path.is_dir() {
            let busy = path.join(BUSY);
            if busy.exists() {
                clean(&path).map_err(prepare)?;
            }
            File::create(&busy).map_err(prepare)?;
            self.git.fetch(&path, &run).map_err(failed)?;
            fs::remove_file(&busy).map_err(prepare)?;
        } else {
            let incoming = self
                .dir
                .join(format!("{INCOMING}{}", directory(&remote.key)));
            if incoming.exists() {
                fs::remove_dir_all(&incoming).map_err(prepare)?;
            }
            if let Err(error) = self.git.clone(&incoming, &run) {
                // What stays is removed by the next run.
                drop(fs::remove_dir_all(&incoming));
                return Err(failed(error));
            }
            fs::rename(&incoming, &path).map_err(prepare)?;
        }
        Ok(remote.mirrored_at(path))
    }
}

/// The name of a mirror's directory.
fn directory(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    let hash = hex(&hash[..8]);
    let plain = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    };
    let shown: String = key.chars().map(plain).take(MAX_SHOWN).collect();
    let shown = shown.trim_matches('-');
    format!("{shown}-{hash}.git")
        .trim_start_matches('-')
        .to_owned()
}

/// Removes what a git that was killed left: locks, that would stop every later one, and packs that
/// were being written.
fn clean(mirror: &Path) -> io::Result<()> {
    let is_lock = |name: &[u8]| name.ends_with(b".lock") || name == b"gc.pid";
    remove(mirror, is_lock)?;
    let mut waiting = vec![mirror.join("refs")];
    while let Some(dir) = waiting.pop() {
        waiting.extend(remove(&dir, is_lock)?);
    }
    let objects = mirror.join("objects");
    let unfinished = |name: &[u8]| name.starts_with(b"tmp_") || name.starts_with(b".tmp-");
    remove(&objects.join("pack"), unfinished)?;
    for dir in remove(&objects, |_| false)? {
        let name = dir.file_name().unwrap_or_default().as_encoded_bytes();
        if name.starts_with(b"incoming-") || name.starts_with(b"tmp_objdir-") {
            fs::remove_dir_all(dir)?;
        }
    }
    Ok(())
}

/// Removes files of a directory by name; gives the directories in it.
fn remove(dir: &Path, unwanted: impl Fn(&[u8]) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut dirs = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            dirs.push(entry.path());
        } else if unwanted(entry.file_name().as_encoded_bytes()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(dirs)
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
