//! Real repositories, made by the `git` command away from any user's configuration.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A directory to make repositories in.
#[derive(Debug)]
pub(super) struct Lab(TempDir);

impl Lab {
    pub(super) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A path below the directory, canonical as far as it exists.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(below)
    }

    pub(super) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Runs `git` in the directory; returns what it prints, trimmed.
    pub(super) fn git(&self, args: &[&str]) -> String {
        git(&self.path(""), args)
    }

    /// Makes an empty bare repository.
    pub(super) fn bare(&self, path: &str) {
        self.git(&["init", "-q", "--bare", "-b", "main", path]);
    }

    /// Makes a clone with one commit.
    pub(super) fn clone_with_commit(&self, path: &str) {
        self.git(&["init", "-q", "-b", "main", path]);
        self.commit(path, "one");
    }

    /// Commits a file of this content; returns the commit.
    pub(super) fn commit(&self, repository: &str, content: &str) -> String {
        self.write(&format!("{repository}/file"), content);
        self.git(&["-C", repository, "add", "-A"]);
        self.git(&["-C", repository, "commit", "-q", "-m", "message"]);
        self.git(&["-C", repository, "rev-parse", "HEAD"])
    }
}

pub(super) fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=Name", "-c", "user.email=name@example.com"])
        .args(args)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
