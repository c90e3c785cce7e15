//! Git repositories in temporary directories, untouched by the machine's own configuration.

use super::{environment::clear_environment, plant, rng::Rng};
use std::{
    cell::{Cell, RefCell},
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// Which hash names objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectFormat {
    Sha1,
    Sha256,
}

/// A repository and a clock that ticks one minute with every call of git.
#[derive(Debug)]
pub struct Repo {
    holder: TempDir,
    path: PathBuf,
    clock: Cell<u64>,
    rng: RefCell<Rng>,
    planted: RefCell<Vec<String>>,
}

/// Seconds since 1970 of a repository's first commit.
const EPOCH: u64 = 1_700_000_000;

/// `git` with nothing of the machine's or the user's configuration.
pub fn hermetic_git(dir: &Path, clock: u64) -> Command {
    let mut command = Command::new("git");
    clear_environment(&mut command);
    command
        .current_dir(dir)
        .env("HOME", dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_EDITOR", "true")
        .env("GIT_AUTHOR_NAME", "A. Author")
        .env("GIT_AUTHOR_EMAIL", "author@example.org")
        .env("GIT_COMMITTER_NAME", "C. Committer")
        .env("GIT_COMMITTER_EMAIL", "committer@example.org")
        .env("GIT_AUTHOR_DATE", format!("{clock} +0200"))
        .env("GIT_COMMITTER_DATE", format!("{clock} +0200"));
    for setting in [
        "protocol.file.allow=always",
        "init.defaultBranch=main",
        "advice.detachedHead=false",
        "gc.auto=0",
        "maintenance.auto=false",
        "gc.reflogExpire=never",
        "gc.reflogExpireUnreachable=never",
        "core.fsync=none",
        "core.autocrlf=false",
        "pack.threads=1",
    ] {
        command.args(["-c", setting]);
    }
    command
}

impl Repo {
    /// An empty SHA-1 repository with a working tree, on branch `main`.
    pub fn init() -> Self {
        Self::init_as(ObjectFormat::Sha1)
    }

    /// An empty repository with a working tree, on branch `main`.
    pub fn init_as(format: ObjectFormat) -> Self {
        let repo = Self::in_new_dir("repo");
        fs::create_dir(repo.path()).expect("a new directory");
        let format = match format {
            ObjectFormat::Sha1 => "sha1",
            ObjectFormat::Sha256 => "sha256",
        };
        repo.git(&["init", "-q", &format!("--object-format={format}")]);
        repo
    }

    /// An empty bare repository at `name` in a new directory.
    pub fn init_bare(name: &str, format: ObjectFormat) -> Self {
        let repo = Self::in_new_dir(name);
        fs::create_dir_all(repo.path()).expect("a new directory");
        let format = match format {
            ObjectFormat::Sha1 => "sha1",
            ObjectFormat::Sha256 => "sha256",
        };
        repo.git(&["init", "-q", "--bare", &format!("--object-format={format}")]);
        repo
    }

    /// A clone of `source`, with the arguments of `git clone` given.
    pub fn clone_of(source: &Self, args: &[&str]) -> Self {
        let repo = Self::in_new_dir("clone");
        // An URL makes git copy as over a network; sharing objects needs a path.
        let shared = args.contains(&"--shared");
        let scheme = if shared { "" } else { "file://" };
        let url = format!("{scheme}{}", source.path().display());
        let mut all = vec!["clone", "-q"];
        all.extend(args);
        let target = repo.path().to_str().expect("temporary paths are UTF-8");
        all.extend([url.as_str(), target]);
        source.git(&all);
        repo.adopt_secrets(source);
        repo
    }

    fn in_new_dir(name: &str) -> Self {
        let holder = tempfile::Builder::new()
            .prefix("gitsieve-test-")
            .tempdir()
            .expect("a temporary directory");
        let path = holder.path().join(name);
        Self {
            holder,
            path,
            clock: Cell::new(EPOCH),
            rng: RefCell::new(Rng::new(name.len() as u64)),
            planted: RefCell::default(),
        }
    }

    /// The working tree, or the repository itself where it is bare.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path beside the repository, in the same temporary directory.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.holder.path().join(name)
    }

    /// The repository's directory: `.git`, or the repository itself where it is bare.
    pub fn git_dir(&self) -> PathBuf {
        let inner = self.path.join(".git");
        if inner.exists() {
            inner
        } else {
            self.path.clone()
        }
    }

    /// The object directory.
    pub fn objects(&self) -> PathBuf {
        self.git_dir().join("objects")
    }

    /// Makes a GitHub token, different from all others of this repository, whose appearance in
    /// any output is a failure of the test.
    pub fn plant(&self) -> String {
        let token = loop {
            let token = plant::github_token(&mut self.rng.borrow_mut());
            let tail = &token[token.len() - 4..];
            if !self.planted.borrow().iter().any(|t| t.ends_with(tail)) {
                break token;
            }
        };
        self.planted.borrow_mut().push(token.clone());
        token
    }

    /// The tokens planted so far.
    pub fn planted(&self) -> Vec<String> {
        self.planted.borrow().clone()
    }

    /// Takes over the secrets that another repository holds.
    pub fn adopt_secrets(&self, other: &Self) {
        self.planted.borrow_mut().extend(other.planted());
        *self.rng.borrow_mut() = other.rng.borrow().clone();
    }

    /// Runs git, which must succeed, and returns its output without the final newline.
    pub fn git<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        let out = self.git_with(args, b"");
        let text = String::from_utf8(out).expect("git's answer is UTF-8 here");
        text.trim_end_matches('\n').to_owned()
    }

    /// Runs git, which must succeed, with this standard input, and returns its output.
    pub fn git_with<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Vec<u8> {
        let out = self.try_git(args, input);
        assert!(
            out.status.success(),
            "git {:?}: {}",
            args.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            String::from_utf8_lossy(&out.stderr)
        );
        out.stdout
    }

    /// Runs git, whatever it answers.
    pub fn try_git<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Output {
        let now = self.clock.get() + 60;
        self.clock.set(now);
        let dir = if self.path.is_dir() {
            &self.path
        } else {
            self.holder.path()
        };
        let mut child = hermetic_git(dir, now)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git is installed");
        let mut stdin = child.stdin.take().expect("was piped");
        std::thread::scope(|scope| {
            // A git that does not read its input breaks the pipe; its status tells.
            scope.spawn(move || drop(stdin.write_all(input)));
            child.wait_with_output().expect("git ran")
        })
    }

    /// Writes a file of the working tree, and the directories above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.path.join(path);
        fs::create_dir_all(file.parent().expect("a file has a parent")).expect("directories");
        fs::write(file, content).expect("a writable temporary directory");
    }

    /// Removes a file of the working tree.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.path.join(path)).expect("the file was there");
    }

    /// Commits all of the working tree and returns the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.rev("HEAD")
    }

    /// Writes one file and commits everything.
    pub fn commit_file(&self, path: &str, content: impl AsRef<[u8]>, message: &str) -> String {
        self.write(path, content);
        self.commit(message)
    }

    /// The id that a revision names.
    pub fn rev(&self, revision: &str) -> String {
        self.git(&["rev-parse", "--verify", "-q", revision])
    }

    /// The id git gives content as a blob.
    pub fn blob_id(&self, content: impl AsRef<[u8]>) -> String {
        let out = self.git_with(&["hash-object", "--stdin"], content.as_ref());
        String::from_utf8(out).expect("an id").trim_end().to_owned()
    }

    /// Stores a blob that nothing refers to.
    pub fn dangling_blob(&self, content: impl AsRef<[u8]>) -> String {
        let out = self.git_with(&["hash-object", "-w", "--stdin"], content.as_ref());
        String::from_utf8(out).expect("an id").trim_end().to_owned()
    }

    /// Forgets all reflogs, so that what only they held is dangling.
    pub fn expire_reflogs(&self) {
        self.git(&[
            "-c",
            "gc.reflogExpire=now",
            "reflog",
            "expire",
            "--expire=now",
            "--expire-unreachable=now",
            "--all",
        ]);
    }

    /// Packs everything as tightly as git can, and keeps what nothing refers to.
    pub fn gc_aggressive(&self) {
        self.git(&["gc", "-q", "--aggressive", "--prune=never"]);
    }

    /// Puts every object, referred to or not, into one pack and removes the loose ones.
    pub fn pack_all(&self) {
        let ids = self.git(&[
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objectname)",
        ]);
        let base = self.objects().join("pack/pack");
        let old: Vec<PathBuf> = self.pack_files();
        let name = self.git_with(
            &[
                OsStr::new("pack-objects"),
                OsStr::new("-q"),
                base.as_os_str(),
            ],
            (ids + "\n").as_bytes(),
        );
        let name = String::from_utf8(name)
            .expect("a name")
            .trim_end()
            .to_owned();
        for file in old {
            let kept = file.file_stem().and_then(OsStr::to_str) == Some(&format!("pack-{name}"));
            if !kept {
                fs::remove_file(file).expect("an old pack file");
            }
        }
        self.git(&["prune-packed", "-q"]);
    }

    /// Turns every packed object into a loose one.
    pub fn unpack_to_loose(&self) {
        let aside = self.beside("packs-aside");
        fs::create_dir_all(&aside).expect("a directory");
        let mut packs = Vec::new();
        for file in self.pack_files() {
            let target = aside.join(file.file_name().expect("a name"));
            fs::rename(&file, &target).expect("same file system");
            if target.extension() == Some(OsStr::new("pack")) {
                packs.push(target);
            }
        }
        for pack in packs {
            let bytes = fs::read(pack).expect("the pack");
            self.git_with(&["unpack-objects", "-q"], &bytes);
        }
        fs::remove_dir_all(aside).expect("the directory");
    }

    /// Files in the pack directory: packs, indexes and what else git keeps there.
    pub fn pack_files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.objects().join("pack")) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        files
    }

    /// The only file of the pack directory with this extension.
    pub fn only_pack_file(&self, extension: &str) -> PathBuf {
        let mut files = self.pack_files();
        files.retain(|file| file.extension() == Some(OsStr::new(extension)));
        assert_eq!(files.len(), 1, "one .{extension} file expected: {files:?}");
        files.remove(0)
    }

    /// Where a loose object is stored.
    pub fn loose_file(&self, id: &str) -> PathBuf {
        self.objects().join(&id[..2]).join(&id[2..])
    }
}

/// Changes a file of a repository, which git made read-only.
pub fn rewrite(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).expect("the file");
    change(&mut bytes);
    fs::remove_file(file).expect("a writable directory");
    fs::write(file, bytes).expect("a writable directory");
}
