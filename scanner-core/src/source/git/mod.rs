//! Git repositories: object databases, indexes and working trees. The only users of gix.

mod delta;
mod error;
mod incoming;
mod inflate;
mod layout;
mod lookup;
mod object;
mod open;
mod refs;
mod settings;
mod state;
pub(crate) mod store;
mod traverse;
mod worktree;

pub(crate) use error::ReadError;
pub use incoming::{BadEnvironment, ObjectEnvironment};
pub(crate) use incoming::{IncomingObjects, IncomingReader};
pub(crate) use inflate::Inflater;
pub use object::{ObjectError, ObjectReader};
pub use open::{Repository, RepositoryError, RepositoryKind, detect};
pub use refs::{Ref, Reflogs, Refs};
pub use settings::Settings;
pub use state::RepositoryState;
pub use store::ObjectStore;
pub use traverse::Decoded;
pub(crate) use traverse::{LooseKinds, Selection, report_failure};
pub use worktree::WorkingSet;

/// Real repositories, made by the `git` command away from any user's configuration.
#[cfg(test)]
pub(crate) mod testing {
    use crate::model::ObjectId;
    use std::{
        fs,
        path::{Path, PathBuf},
        process::Command,
    };
    use tempfile::TempDir;

    /// A directory to make repositories in.
    #[derive(Debug)]
    pub(crate) struct Lab(TempDir);

    impl Lab {
        pub(crate) fn new() -> Self {
            Self(TempDir::new().unwrap())
        }

        pub(crate) fn path(&self, below: &str) -> PathBuf {
            self.0.path().join(below)
        }

        pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
            let path = self.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }

        /// Runs `git` in a directory of the lab; returns what it prints, trimmed.
        pub(crate) fn git(&self, dir: &str, args: &[&str]) -> String {
            let output = git(&self.path(dir)).args(args).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "git {args:?}: {error}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        }

        /// Runs `git` in a directory of the lab with something on its standard input.
        pub(crate) fn git_with(&self, dir: &str, args: &[&str], input: &[u8]) {
            let mut child = git(&self.path(dir))
                .args(args)
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
            assert!(child.wait().unwrap().success(), "git {args:?}");
        }

        pub(crate) fn id(&self, dir: &str, revision: &str) -> ObjectId {
            ObjectId::from_hex(self.git(dir, &["rev-parse", revision]).as_bytes()).unwrap()
        }

        /// Makes a repository with one commit, of the file `a` with the content `one`.
        pub(crate) fn repository(&self, dir: &str) {
            self.git("", &["init", "-q", "-b", "main", dir]);
            self.write(&format!("{dir}/a"), "one");
            self.commit(dir);
        }

        /// Commits everything.
        pub(crate) fn commit(&self, dir: &str) {
            self.git(dir, &["add", "-A"]);
            self.git(dir, &["commit", "-q", "-m", "message"]);
        }
    }

    fn git(dir: &Path) -> Command {
        let mut command = Command::new("git");
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .current_dir(dir)
            .env_clear()
            .env("PATH", path)
            .env("HOME", dir)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C")
            .args(["-c", "protocol.file.allow=always"])
            .args(["-c", "core.autocrlf=false"]);
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "Name")
                .env(format!("GIT_{who}_EMAIL"), "name@example.com")
                .env(format!("GIT_{who}_DATE"), "2024-01-02T03:04:05+0000");
        }
        command
    }
}
