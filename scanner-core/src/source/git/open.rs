//! Finds out what a repository consists of.
//!
//! Layout, refs, reflogs and alternates are read here rather than through gix, because a scan
//! must get through what Git (and gix) rightly refuse to work with: bare repositories without a
//! configuration, a corrupt `HEAD`, a broken ref among thousands, an alternate that is gone,
//! directories owned by somebody else. What is wrong becomes an issue and the rest is used.
//! Reading never runs anything: only the repository's own configuration is looked at, without its
//! includes, and only for the few keys that say how objects are stored.

use super::{
    layout::{
        Config, LIST_FILE, Layout, guess_hash, has_promisor_pack, object_dirs, problem, read_file,
        unreadable,
    },
    refs::parse_id,
};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue},
    source::HashKind,
};
use bstr::ByteSlice;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What kind of repository a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RepositoryKind {
    /// A working tree with its repository: a clone, a linked worktree or a submodule.
    Clone,
    /// A repository without a working tree.
    Bare,
    /// A directory of objects alone, without refs.
    ObjectStore,
}

/// Why a repository cannot be used at all, or a revision of it cannot be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// Nothing at this path looks like a repository.
    #[error(
        "{} is not a Git repository: expected a clone, a bare repository or an object directory",
        path.display()
    )]
    NotARepository {
        /// The path as given.
        path: PathBuf,
    },
    /// The path cannot be looked at.
    #[error("cannot open {}: check that it exists and may be read", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A `.git` file names a directory that is not a repository.
    #[error(
        "{} names {}, which is not a Git repository: a worktree or submodule that was moved? Scan \
         its main repository instead",
        file.display(),
        target.display()
    )]
    DanglingGitFile {
        /// The `.git` file.
        file: PathBuf,
        /// What it names.
        target: PathBuf,
    },
    /// The repository names its objects by a hash that is not known.
    #[error("{} uses the object format {format:?}; only sha1 and sha256 can be read", path.display())]
    ObjectFormat {
        /// The repository.
        path: PathBuf,
        /// What its configuration says.
        format: String,
    },
    /// A working tree is wanted where there is none.
    #[error("{} has no working tree: it is bare", path.display())]
    NoWorkingTree {
        /// The repository.
        path: PathBuf,
    },
    /// A revision that the repository does not have.
    #[error("no revision {spec:?} in {}: {reason}", path.display())]
    Revision {
        /// The revision as given.
        spec: String,
        /// The repository.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A repository: where its parts are. Opening reads no refs and no objects.
#[derive(Debug)]
pub struct Repository {
    pub(super) kind: RepositoryKind,
    /// As given, or the directory found for `.`.
    pub(super) path: PathBuf,
    pub(super) git_dir: Option<PathBuf>,
    pub(super) common_dir: Option<PathBuf>,
    pub(super) worktree: Option<PathBuf>,
    pub(super) object_dirs: Vec<PathBuf>,
    pub(super) hash: HashKind,
    pub(super) shallow: Vec<ObjectId>,
    pub(super) promisor: bool,
    pub(super) reftable: bool,
    pub(super) push_options: bool,
    pub(super) issues: Vec<ScanIssue>,
}

/// Says what kind of repository a path is, `None` if it is none. Costs a few system calls.
///
/// `.` (and the empty path) stands for the repository around the current directory; any other
/// path must be a repository itself or hold a `.git`. A `.git` file that leads nowhere counts as
/// a clone, so that opening it says what is wrong rather than its files being scanned as plain
/// ones.
pub fn detect(path: &Path) -> Option<RepositoryKind> {
    match Layout::find(path) {
        Ok(layout) => {
            let config = Config::read(&layout, &mut Vec::new());
            Some(layout.kind(layout.worktree(&config).as_deref()))
        }
        Err(RepositoryError::DanglingGitFile { .. }) => Some(RepositoryKind::Clone),
        Err(_) => None,
    }
}

impl Repository {
    /// Opens the repository at `path`; see [`detect`] for what is understood.
    ///
    /// # Errors
    /// When there is no repository, or objects are named by an unknown hash.
    pub fn open(path: &Path) -> Result<Self, RepositoryError> {
        let layout = Layout::find(path)?;
        let mut issues = Vec::new();
        let config = Config::read(&layout, &mut issues);
        let hash = match config.object_format.as_deref() {
            Some("sha1") => HashKind::Sha1,
            Some("sha256") => HashKind::Sha256,
            Some(other) => {
                return Err(RepositoryError::ObjectFormat {
                    path: path.to_path_buf(),
                    format: other.to_owned(),
                });
            }
            None if config.found => HashKind::Sha1,
            None => guess_hash(&layout),
        };
        let worktree = layout.worktree(&config);
        let object_dirs = object_dirs(&layout.objects, &mut issues);
        let mut repository = Self {
            kind: layout.kind(worktree.as_deref()),
            path: layout.path,
            git_dir: layout.git_dir,
            common_dir: layout.common_dir,
            worktree,
            promisor: config.promisor || object_dirs.iter().any(|dir| has_promisor_pack(dir)),
            object_dirs,
            hash,
            shallow: Vec::new(),
            reftable: config.reftable,
            push_options: config.push_options,
            issues,
        };
        if let Some(common_dir) = repository.common_dir.clone() {
            repository.read_shallow(&common_dir.join("shallow"));
            let grafts = common_dir.join("info/grafts");
            if fs::metadata(&grafts).is_ok_and(|meta| meta.len() > 0) {
                repository.issues.push(problem(
                    IssueKind::Note,
                    &grafts,
                    "grafts are not applied: history is read as it is stored",
                ));
            }
        }
        Ok(repository)
    }

    /// What kind it is.
    pub fn kind(&self) -> RepositoryKind {
        self.kind
    }

    /// The path as it was given; for `.`, the directory that was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory with `HEAD` and `index`; `None` for an object store.
    pub fn git_dir(&self) -> Option<&Path> {
        self.git_dir.as_deref()
    }

    /// The directory with `refs` and `packed-refs`: differs from [`Self::git_dir`] for a linked
    /// worktree. `None` for an object store.
    pub fn common_dir(&self) -> Option<&Path> {
        self.common_dir.as_deref()
    }

    /// The repository's own directory of objects.
    pub fn objects_dir(&self) -> &Path {
        &self.object_dirs[0]
    }

    /// All directories of objects: the repository's own, then its alternates, each once.
    pub fn object_dirs(&self) -> &[PathBuf] {
        &self.object_dirs
    }

    /// The working tree's root; `None` for a bare repository and for an object store.
    ///
    /// A `core.worktree` setting is believed only if the directory it names holds a `.git` that
    /// leads back: else a pushed or copied repository could have any directory scanned.
    pub fn worktree(&self) -> Option<&Path> {
        self.worktree.as_deref()
    }

    /// Which hash names objects.
    pub fn hash(&self) -> HashKind {
        self.hash
    }

    /// Commits whose parents a shallow clone leaves out, sorted.
    pub fn shallow(&self) -> &[ObjectId] {
        &self.shallow
    }

    /// Whether objects may be absent because a remote promised them (a partial clone).
    pub fn is_promisor(&self) -> bool {
        self.promisor
    }

    /// Whether its own configuration says that clients may send push options. The system's is not
    /// read.
    pub fn advertises_push_options(&self) -> bool {
        self.push_options
    }

    /// Problems met when opening.
    pub fn issues(&self) -> &[ScanIssue] {
        &self.issues
    }

    /// Finds the object that a revision names (`main`, `v1.0`, `HEAD~3`, an abbreviated id):
    /// unpeeled, so a tag gives the tag object.
    ///
    /// Where the repository is too damaged or too bare for revision syntax, a full id or the name
    /// of a ref still works.
    ///
    /// # Errors
    /// [`RepositoryError::Revision`] when nothing has that name.
    pub fn resolve(&self, spec: &str) -> Result<ObjectId, RepositoryError> {
        let reason = match self.rev_parse(spec) {
            Ok(Ok(id)) => return Ok(id),
            Ok(Err(reason)) => reason,
            Err(reason) => {
                // Whether the object is there cannot be asked; who uses the id will find out.
                if let Some(id) = parse_id(spec.as_bytes(), self.hash) {
                    return Ok(id);
                }
                reason
            }
        };
        let valid = gix::validate::reference::name_partial(spec.into()).is_ok();
        ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"]
            .iter()
            .filter(|_| valid)
            .find_map(|prefix| self.lookup(format!("{prefix}{spec}").as_bytes().as_bstr()))
            .ok_or_else(|| RepositoryError::Revision {
                spec: spec.to_owned(),
                path: self.path.clone(),
                reason,
            })
    }

    /// Asks gix, which knows all of Git's syntax. Nothing but the repository itself is read: no
    /// user's configuration, no environment. The outer error says that gix cannot be asked.
    fn rev_parse(&self, spec: &str) -> Result<Result<ObjectId, String>, String> {
        let Some(git_dir) = &self.git_dir else {
            return Err("an object directory has no refs; give a full id".into());
        };
        let repository = gix::open::Options::isolated()
            .with(gix::sec::Trust::Full)
            .open_path_as_is(true)
            .strict_config(false)
            .open(git_dir)
            .map_err(|error| reason(&error))?
            .to_thread_local();
        Ok(match repository.rev_parse_single(spec) {
            Ok(id) => ObjectId::from_bytes(id.as_bytes()).ok_or("an id of unknown length".into()),
            Err(error) => Err(reason(&error)),
        })
    }

    fn read_shallow(&mut self, path: &Path) {
        let text = match read_file(path, LIST_FILE) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                let issue = unreadable(path, "list of shallow commits", &error);
                self.issues.push(issue);
                return;
            }
        };
        for (number, line) in text.lines().enumerate() {
            match parse_id(line.trim(), self.hash) {
                Some(id) => self.shallow.push(id),
                None => self.issues.push(problem(
                    IssueKind::Corrupt,
                    path,
                    &format!("line {} is not an object id", number + 1),
                )),
            }
        }
        self.shallow.sort_unstable();
        self.shallow.dedup();
    }
}

/// What gix says is wrong: its own message names the step that failed, its cause what a person
/// can use.
fn reason(error: &gix::Error) -> String {
    let text =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::git::testing::Lab;

    fn open(lab: &Lab, path: &str) -> Repository {
        Repository::open(&lab.path(path)).unwrap()
    }

    #[test]
    fn every_kind_of_repository_is_recognised() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.git("", &["clone", "-q", "--bare", "clone", "bare.git"]);
        lab.git("clone", &["worktree", "add", "-q", "../linked"]);
        lab.git("", &["init", "-q", "super"]);
        lab.git("super", &["submodule", "--quiet", "add", "../clone", "sub"]);
        lab.write("plain/objects/README", "pack and info are not here");
        lab.write("clone/sub/file", "");
        for (path, kind, worktree) in [
            ("clone", RepositoryKind::Clone, Some("clone")),
            ("clone/.git", RepositoryKind::Clone, Some("clone")),
            ("bare.git", RepositoryKind::Bare, None),
            ("linked", RepositoryKind::Clone, Some("linked")),
            ("linked/.git", RepositoryKind::Clone, Some("linked")),
            (
                "clone/.git/worktrees/linked",
                RepositoryKind::Clone,
                Some("linked"),
            ),
            ("super/sub", RepositoryKind::Clone, Some("super/sub")),
            (
                "super/.git/modules/sub",
                RepositoryKind::Clone,
                Some("super/sub"),
            ),
            ("clone/.git/objects", RepositoryKind::ObjectStore, None),
            ("bare.git/objects", RepositoryKind::ObjectStore, None),
        ] {
            assert_eq!(detect(&lab.path(path)), Some(kind), "{path}");
            let repository = open(&lab, path);
            assert_eq!(repository.kind(), kind, "{path}");
            let worktree = worktree.map(|path| lab.path(path));
            assert_eq!(repository.worktree(), worktree.as_deref(), "{path}");
            assert_eq!(repository.issues(), [], "{path}");
            let head = (kind != RepositoryKind::ObjectStore).then(|| lab.id("clone", "HEAD"));
            assert_eq!(repository.head(), head, "{path}");
        }
        for path in ["plain", "clone/sub", "clone/a", "plain/objects"] {
            assert_eq!(detect(&lab.path(path)), None, "{path}");
            let error = Repository::open(&lab.path(path)).unwrap_err();
            assert!(matches!(error, RepositoryError::NotARepository { .. }));
        }
        let error = Repository::open(&lab.path("nothing")).unwrap_err();
        assert!(matches!(error, RepositoryError::Unreadable { .. }));
        let linked = open(&lab, "linked");
        assert_eq!(linked.objects_dir(), lab.path("clone/.git/objects"));
        assert_eq!(linked.common_dir(), Some(&*lab.path("clone/.git")));
    }

    #[test]
    fn a_repository_without_configuration_or_with_a_broken_head_is_read() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.git("clone", &["pack-refs", "--all"]);
        let main = lab.id("clone", "main");
        lab.git("", &["clone", "-q", "--bare", "clone", "bare"]);
        fs::remove_file(lab.path("bare/config")).unwrap();
        fs::remove_dir_all(lab.path("bare/info")).unwrap();
        let repository = open(&lab, "bare");
        assert_eq!(repository.kind(), RepositoryKind::Bare);
        assert_eq!(repository.resolve("main").unwrap(), main);
        assert_eq!(repository.resolve("HEAD").unwrap(), main);

        for head in [&b""[..], b"garbage", b"ref: ", b"ref: ../../x", b"\xff\0"] {
            lab.write("bare/HEAD", head);
            let repository = open(&lab, "bare");
            assert_eq!(repository.head(), None);
            assert_eq!(repository.resolve("refs/heads/main").unwrap(), main);
            assert_eq!(repository.resolve("main").unwrap(), main);
            let refs = repository.read_refs();
            assert_eq!(refs.refs.len(), 1, "{refs:?}");
            assert_eq!(
                refs.issues.len(),
                usize::from(!head.starts_with(b"ref: ../"))
            );
        }
        fs::remove_file(lab.path("bare/HEAD")).unwrap();
        let repository = open(&lab, "bare");
        assert_eq!(repository.read_refs().issues.len(), 1);
        assert_eq!(repository.resolve("main").unwrap(), main);
    }

    #[test]
    fn the_hash_is_told_by_the_configuration_or_by_the_names_of_objects() {
        let lab = Lab::new();
        lab.git(
            "",
            &[
                "init",
                "-q",
                "-b",
                "main",
                "--object-format=sha256",
                "clone",
            ],
        );
        lab.write("clone/a", "one");
        lab.commit("clone");
        let main = lab.id("clone", "main");
        assert_eq!(open(&lab, "clone").hash(), HashKind::Sha256);
        assert_eq!(open(&lab, "clone").resolve("main").unwrap(), main);
        assert_eq!(open(&lab, "clone/.git/objects").hash(), HashKind::Sha256);
        fs::remove_file(lab.path("clone/.git/config")).unwrap();
        let repository = open(&lab, "clone");
        assert_eq!(repository.hash(), HashKind::Sha256);
        assert_eq!(repository.head(), Some(main));
        assert_eq!(repository.resolve("main").unwrap(), main);
        lab.write(
            "clone/.git/config",
            "[extensions]\n\tobjectFormat = sha257\n",
        );
        let error = Repository::open(&lab.path("clone")).unwrap_err();
        assert!(matches!(error, RepositoryError::ObjectFormat { .. }));
    }

    #[test]
    fn revisions_are_resolved_and_unknown_ones_say_why() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/a", "two");
        lab.commit("clone");
        lab.git("clone", &["tag", "-a", "-m", "x", "v1"]);
        let repository = open(&lab, "clone");
        for spec in [
            "HEAD",
            "HEAD~1",
            "main",
            "v1",
            "v1^{}",
            "refs/tags/v1",
            "HEAD:a",
            "@",
        ] {
            assert_eq!(
                repository.resolve(spec).unwrap(),
                lab.id("clone", spec),
                "{spec}"
            );
        }
        let id = lab.id("clone", "HEAD");
        assert_eq!(repository.resolve(&id.to_string()).unwrap(), id);
        assert_eq!(repository.resolve(&id.to_string()[..8]).unwrap(), id);
        for spec in [
            "nothing",
            "HEAD~7",
            "",
            "main:b",
            "../main",
            "/etc/passwd",
            "--all",
        ] {
            let error = repository.resolve(spec).unwrap_err().to_string();
            assert!(error.contains(spec) && error.len() < 400, "{error}");
            assert!(!error.contains("delegate"), "{error}");
        }
        let objects = open(&lab, "clone/.git/objects");
        assert_eq!(objects.resolve(&id.to_string()).unwrap(), id);
        assert!(objects.resolve("main").is_err());
    }

    #[test]
    fn the_repository_around_a_directory_is_found() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/deep/er/x", "");
        let layout = Layout::around(&lab.path("clone/deep/er")).unwrap().unwrap();
        assert_eq!(layout.path, lab.path("clone"));
        let layout = Layout::around(&lab.path("clone/.git/refs/heads"))
            .unwrap()
            .unwrap();
        let worktree = layout.worktree(&Config::default());
        assert_eq!(worktree, Some(lab.path("clone")));
    }

    #[test]
    fn alternates_are_followed_once_and_lost_ones_are_told() {
        let lab = Lab::new();
        lab.repository("one");
        lab.git("", &["clone", "-q", "--bare", "--shared", "one", "two"]);
        lab.git("", &["clone", "-q", "--bare", "--shared", "two", "three"]);
        // Relative, from the directory that lists it; a cycle; a comment; a lost one.
        lab.write("two/objects/info/alternates", "../../one/.git/objects\n");
        lab.write(
            "one/.git/objects/info/alternates",
            "../../../three/objects\n",
        );
        let two = lab.path("two/objects").display().to_string();
        lab.write(
            "three/objects/info/alternates",
            format!("# comment\n{two}\n\n{two}\n/nothing/here\n"),
        );
        let repository = open(&lab, "three");
        assert_eq!(
            repository.object_dirs(),
            [
                lab.path("three/objects"),
                lab.path("two/objects"),
                lab.path("one/.git/objects")
            ]
        );
        assert_eq!(repository.issues().len(), 1, "{:?}", repository.issues());
        assert_eq!(
            repository.issues()[0].path.as_deref(),
            Some("/nothing/here")
        );
        assert_eq!(repository.resolve("main").unwrap(), lab.id("one", "main"));
    }

    #[test]
    fn long_chains_of_alternates_end() {
        let lab = Lab::new();
        lab.repository("clone");
        for n in 0..9 {
            let next = lab.path(&format!("{}", n + 1)).display().to_string();
            lab.write(&format!("{n}/info/alternates"), next);
        }
        lab.write("9/x", "");
        let first = lab.path("0").display().to_string();
        lab.write("clone/.git/objects/info/alternates", first);
        let repository = open(&lab, "clone");
        assert_eq!(repository.object_dirs().len(), 6);
        assert_eq!(repository.issues()[0].kind, IssueKind::Limit);
    }

    #[test]
    fn shallow_and_partial_clones_are_known() {
        let lab = Lab::new();
        lab.repository("origin");
        lab.write("origin/a", "two");
        lab.commit("origin");
        lab.git("origin", &["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", lab.path("origin").display());
        lab.git("", &["clone", "-q", "--depth=1", &url, "shallow"]);
        lab.git(
            "",
            &[
                "clone",
                "-q",
                "--bare",
                "--filter=blob:none",
                &url,
                "partial",
            ],
        );
        let shallow = open(&lab, "shallow");
        assert_eq!(shallow.shallow(), [lab.id("origin", "HEAD")]);
        assert!(!shallow.is_promisor());
        assert!(open(&lab, "partial").is_promisor());
        fs::remove_file(lab.path("partial/config")).unwrap();
        assert!(open(&lab, "partial").is_promisor());
        lab.write("shallow/.git/shallow", "x\n");
        assert_eq!(open(&lab, "shallow").issues()[0].kind, IssueKind::Corrupt);
    }

    #[test]
    fn a_worktree_setting_is_believed_only_if_that_directory_leads_back() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.git("", &["clone", "-q", "--bare", "clone", "bare"]);
        lab.write("home/private", "x");
        lab.git("bare", &["config", "core.bare", "false"]);
        lab.git("bare", &["config", "core.worktree", "../home"]);
        assert_eq!(open(&lab, "bare").worktree(), None);
        lab.write("home/.git", "gitdir: ../bare\n");
        assert_eq!(open(&lab, "bare").worktree(), Some(&*lab.path("home")));
    }

    #[test]
    fn a_git_file_that_leads_nowhere_is_told() {
        let lab = Lab::new();
        lab.write("moved/.git", "gitdir: ../gone\n");
        assert_eq!(detect(&lab.path("moved")), Some(RepositoryKind::Clone));
        let error = Repository::open(&lab.path("moved")).unwrap_err();
        assert!(matches!(error, RepositoryError::DanglingGitFile { .. }));
    }

    #[test]
    fn configuration_is_data_only() {
        let lab = Lab::new();
        lab.repository("clone");
        let trap = lab.path("trap").display().to_string();
        lab.write(
            "clone/.git/config",
            format!(
                "[core]\n\tfsmonitor = touch {trap}\n\tpager = touch {trap}\n\tbare = false\n\
                 \talternateRefsCommand = touch {trap}\n[include]\n\tpath = /dev/zero\n\
                 [diff]\n\texternal = touch {trap}\n"
            ),
        );
        let repository = open(&lab, "clone");
        assert!(repository.resolve("HEAD~0").is_ok());
        assert!(!lab.path("trap").exists());
        lab.write("clone/.git/config", "[core\n= broken");
        let repository = open(&lab, "clone");
        assert_eq!(repository.issues()[0].kind, IssueKind::Note);
        assert!(repository.resolve("main").is_ok());
    }
}
