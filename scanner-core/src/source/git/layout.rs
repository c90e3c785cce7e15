//! Finds the parts of a repository on disk, and reads the small files that say where they are.

use super::{
    open::{RepositoryError, RepositoryKind},
    refs::parse_packed,
    settings::Settings,
};
use crate::{
    model::{IssueKind, ScanIssue},
    source::HashKind,
};
use bstr::ByteSlice;
use std::{
    collections::HashSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// Alternates of alternates are followed this far, as in Git.
const ALTERNATE_DEPTH: usize = 5;
/// No file that holds one ref or one path is larger, in bytes.
pub(super) const SMALL_FILE: u64 = 64 << 10;
/// Larger lists (packed refs, reflogs, configuration) are not believed, in bytes.
pub(super) const LIST_FILE: u64 = 1 << 30;

/// Where the parts of a repository are.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) path: PathBuf,
    pub(super) git_dir: Option<PathBuf>,
    pub(super) common_dir: Option<PathBuf>,
    pub(super) objects: PathBuf,
    /// The directory whose `.git` led here.
    pub(super) holder: Option<PathBuf>,
}

impl Layout {
    pub(super) fn find(path: &Path) -> Result<Self, RepositoryError> {
        let here = path
            .components()
            .all(|component| component == Component::CurDir);
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let unreadable = |source| RepositoryError::Unreadable {
            path: path.to_path_buf(),
            source,
        };
        fs::metadata(path).map_err(unreadable)?;
        if let Some(layout) = Self::at(path)? {
            return Ok(layout);
        }
        if here {
            let current = path.canonicalize().map_err(unreadable)?;
            if let Some(layout) = Self::around(&current)? {
                return Ok(layout);
            }
        }
        Err(RepositoryError::NotARepository {
            path: path.to_path_buf(),
        })
    }

    /// Looks at a directory and those above it.
    pub(super) fn around(dir: &Path) -> Result<Option<Self>, RepositoryError> {
        for dir in dir.ancestors() {
            if let Some(layout) = Self::at(dir)? {
                return Ok(Some(layout));
            }
        }
        Ok(None)
    }

    /// Looks at one path and its `.git`.
    pub(super) fn at(path: &Path) -> Result<Option<Self>, RepositoryError> {
        if path.is_file() {
            let Some(target) = read_git_file(path) else {
                return Ok(None);
            };
            let holder = path.parent().map(|dir| {
                if dir.as_os_str().is_empty() {
                    PathBuf::from(".")
                } else {
                    dir.to_path_buf()
                }
            });
            return match Self::git_dir(path, target.clone(), holder) {
                Some(layout) => Ok(Some(layout)),
                None => Err(RepositoryError::DanglingGitFile {
                    file: path.to_path_buf(),
                    target,
                }),
            };
        }
        let dot_git = path.join(".git");
        if dot_git.is_file() {
            if let Some(mut layout) = Self::at(&dot_git)? {
                layout.path = path.to_path_buf();
                layout.holder = Some(path.to_path_buf());
                return Ok(Some(layout));
            }
        } else if let Some(layout) = Self::git_dir(path, dot_git, Some(path.to_path_buf())) {
            return Ok(Some(layout));
        }
        if let Some(layout) = Self::git_dir(path, path.to_path_buf(), None) {
            return Ok(Some(layout));
        }
        Ok(is_object_store(path).then(|| Self {
            path: path.to_path_buf(),
            git_dir: None,
            common_dir: None,
            objects: path.to_path_buf(),
            holder: None,
        }))
    }

    /// Takes `git_dir` for a repository's directory if it looks like one. Git wants a valid
    /// `HEAD`; a scan is content with anything that is there beside `objects`.
    pub(super) fn git_dir(path: &Path, git_dir: PathBuf, holder: Option<PathBuf>) -> Option<Self> {
        let common_dir = match read_path(&git_dir.join("commondir")) {
            Some(common) => plain(&git_dir.join(common)),
            None => git_dir.clone(),
        };
        let objects = common_dir.join("objects");
        let known = fs::symlink_metadata(git_dir.join("HEAD")).is_ok()
            || common_dir.join("refs").is_dir()
            || common_dir.join("packed-refs").is_file();
        (objects.is_dir() && known).then(|| Self {
            path: path.to_path_buf(),
            git_dir: Some(git_dir),
            common_dir: Some(common_dir),
            objects,
            holder,
        })
    }

    pub(super) fn kind(&self, worktree: Option<&Path>) -> RepositoryKind {
        match (&self.git_dir, worktree) {
            (None, _) => RepositoryKind::ObjectStore,
            (Some(_), Some(_)) => RepositoryKind::Clone,
            (Some(_), None) => RepositoryKind::Bare,
        }
    }

    pub(super) fn worktree(&self, config: &Config) -> Option<PathBuf> {
        let (git_dir, common_dir) = (self.git_dir.as_ref()?, self.common_dir.as_ref()?);
        let linked = git_dir != common_dir;
        // A linked worktree is one whatever the main repository's `core.bare` says.
        if config.bare == Some(true) && !linked {
            return None;
        }
        if let Some(holder) = &self.holder {
            return Some(holder.clone());
        }
        let claimed = if linked {
            let dot_git = plain(&git_dir.join(read_path(&git_dir.join("gitdir"))?));
            dot_git.parent()?.to_path_buf()
        } else if let Some(worktree) = &config.worktree {
            plain(&git_dir.join(worktree))
        } else {
            // A directory named `.git` lies in its working tree.
            let absolute = git_dir.canonicalize().ok()?;
            if absolute.file_name()? != ".git" {
                return None;
            }
            return Some(match git_dir.parent() {
                Some(dir) if git_dir.ends_with(".git") && dir.as_os_str().is_empty() => ".".into(),
                Some(dir) if git_dir.ends_with(".git") => dir.to_path_buf(),
                _ => absolute.parent()?.to_path_buf(),
            });
        };
        let back = claimed.join(".git");
        let back = read_git_file(&back).unwrap_or(back);
        same_place(&back, git_dir).then_some(claimed)
    }
}

/// Whether a directory holds a `.git` that is a repository, or a file that names one.
pub(super) fn holds_repository(dir: &Path) -> bool {
    let dot_git = dir.join(".git");
    match fs::symlink_metadata(&dot_git) {
        Err(_) => false,
        Ok(meta) if meta.is_file() => read_git_file(&dot_git).is_some(),
        Ok(_) => Layout::git_dir(dir, dot_git, None).is_some(),
    }
}

/// The few settings that say how a repository is laid out.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) found: bool,
    pub(super) bare: Option<bool>,
    pub(super) worktree: Option<PathBuf>,
    pub(super) object_format: Option<String>,
    pub(super) promisor: bool,
    pub(super) reftable: bool,
    pub(super) push_options: bool,
}

impl Config {
    /// Reads the repository's configuration, and a worktree's own on top.
    pub(super) fn read(layout: &Layout, issues: &mut Vec<ScanIssue>) -> Self {
        let mut config = Self::default();
        match (&layout.git_dir, &layout.common_dir) {
            (Some(git_dir), Some(common_dir)) => {
                config.add(&common_dir.join("config"), issues);
                config.add(&git_dir.join("config.worktree"), issues);
            }
            // An object store may lie in a repository, whose hash is then its own.
            _ => {
                if let Ok(objects) = layout.objects.canonicalize()
                    && let Some(parent) = objects.parent()
                    && parent.join("HEAD").exists()
                {
                    config.add(&parent.join("config"), issues);
                }
            }
        }
        config
    }

    pub(super) fn add(&mut self, path: &Path, issues: &mut Vec<ScanIssue>) {
        let settings = match Settings::read(path) {
            Ok(settings) => settings,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                issues.push(problem(
                    IssueKind::Note,
                    path,
                    "this configuration is not understood and not used",
                ));
                return;
            }
            Err(error) => {
                issues.push(unreadable(path, "configuration", &error));
                return;
            }
        };
        let file = settings.file();
        self.found = true;
        if let Ok(Some(bare)) = file.boolean("core.bare") {
            self.bare = Some(bare);
        }
        if let Ok(Some(advertised)) = file.boolean("receive.advertisePushOptions") {
            self.push_options = advertised;
        }
        if let Some(worktree) = file.string("core.worktree")
            && let Ok(worktree) = worktree.to_path()
        {
            self.worktree = Some(worktree.to_path_buf());
        }
        if let Some(format) = file.string("extensions.objectFormat") {
            self.object_format = Some(format.to_string().to_ascii_lowercase());
        }
        self.reftable |= file
            .string("extensions.refStorage")
            .is_some_and(|format| format.starts_with(b"reftable"));
        self.promisor |= file.string("extensions.partialClone").is_some()
            || file
                .sections_by_name("remote")
                .into_iter()
                .flatten()
                .any(|remote| {
                    remote
                        .value("promisor")
                        .is_some_and(|value| value.eq_ignore_ascii_case(b"true"))
                        || remote.value("partialclonefilter").is_some()
                });
    }
}

/// The repository's directory of objects and all its alternates, each once.
pub(super) fn object_dirs(objects: &Path, issues: &mut Vec<ScanIssue>) -> Vec<PathBuf> {
    let mut dirs = vec![(objects.to_path_buf(), 0)];
    let mut known: HashSet<PathBuf> = objects.canonicalize().into_iter().collect();
    let mut at = 0;
    while let Some((dir, depth)) = dirs.get(at).cloned() {
        at += 1;
        let list = dir.join("info/alternates");
        let text = match read_file(&list, LIST_FILE) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                issues.push(unreadable(&list, "list of alternates", &error));
                continue;
            }
        };
        let Ok(alternates) = gix::odb::alternate::parse(&text) else {
            issues.push(problem(
                IssueKind::Corrupt,
                &list,
                "this list of alternates is not understood",
            ));
            continue;
        };
        if depth == ALTERNATE_DEPTH && !alternates.is_empty() {
            issues.push(problem(
                IssueKind::Limit,
                &list,
                &format!("alternates are followed {ALTERNATE_DEPTH} levels deep, not further"),
            ));
            continue;
        }
        for alternate in alternates {
            // Git takes a relative path from the directory that lists it.
            let alternate = plain(&dir.join(alternate));
            match alternate.canonicalize() {
                Ok(place) if place.is_dir() => {
                    if known.insert(place) {
                        dirs.push((alternate, depth + 1));
                    }
                }
                Ok(_) => issues.push(lost_alternate(&alternate, &list, "it is not a directory")),
                Err(error) => {
                    issues.push(lost_alternate(&alternate, &list, &error.to_string()));
                }
            }
        }
    }
    dirs.into_iter().map(|(dir, _)| dir).collect()
}

pub(super) fn lost_alternate(alternate: &Path, list: &Path, reason: &str) -> ScanIssue {
    problem(
        IssueKind::Unreadable,
        alternate,
        &format!(
            "objects borrowed from here are not scanned, {reason}; named by {}",
            list.display()
        ),
    )
}

pub(super) fn has_promisor_pack(objects: &Path) -> bool {
    entries(&objects.join("pack"))
        .any(|entry| entry.file_name().as_encoded_bytes().ends_with(b".promisor"))
}

/// Whether a directory holds objects: packs, or loose ones in directories of two digits. An empty
/// store is known by its name and its two usual directories.
pub(super) fn is_object_store(path: &Path) -> bool {
    if path.file_name().is_some_and(|name| name == "objects")
        && path.join("pack").is_dir()
        && path.join("info").is_dir()
    {
        return true;
    }
    pack_names(path).next().is_some() || loose_names(path).next().is_some()
}

/// Names of packs and their indexes, without `pack-` and extension.
pub(super) fn pack_names(objects: &Path) -> impl Iterator<Item = Vec<u8>> {
    entries(&objects.join("pack")).filter_map(|entry| {
        let name = entry.file_name();
        let (stem, extension) = name.as_encoded_bytes().rsplit_once_str(".")?;
        let hex = stem.strip_prefix(b"pack-")?;
        (matches!(extension, b"pack" | b"idx") && is_hex(hex)).then(|| hex.to_vec())
    })
}

/// The directories of loose objects that there are, each with the two digits that ids in it begin
/// with, sorted. Links count, as for git.
pub(super) fn loose_directories(objects: &Path) -> Vec<(String, PathBuf)> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut found: Vec<_> = entries(objects)
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, _)| name.len() == 2 && name.bytes().all(is_digit))
        .collect();
    found.sort_unstable();
    found
}

/// Names of loose objects, without their first two digits.
pub(super) fn loose_names(objects: &Path) -> impl Iterator<Item = Vec<u8>> {
    entries(objects)
        .filter(|entry| {
            let name = entry.file_name();
            name.len() == 2 && is_hex(name.as_encoded_bytes())
        })
        .flat_map(|entry| entries(&entry.path()))
        .map(|entry| entry.file_name().as_encoded_bytes().to_vec())
        .filter(|name| matches!(name.len(), 38 | 62) && is_hex(name))
}

/// Tells the hash from the length of names, for repositories without a configuration.
pub(super) fn guess_hash(layout: &Layout) -> HashKind {
    let packed = || {
        let path = layout.common_dir.as_ref()?.join("packed-refs");
        let text = read_file(&path, LIST_FILE).ok()?;
        let long = text
            .lines()
            .any(|line| parse_packed(line, HashKind::Sha256).is_some());
        Some(long)
    };
    let long = loose_names(&layout.objects)
        .next()
        .map(|name| name.len() == 62);
    let long = long
        .or_else(|| {
            pack_names(&layout.objects)
                .next()
                .map(|name| name.len() == 64)
        })
        .or_else(packed);
    if long == Some(true) {
        HashKind::Sha256
    } else {
        HashKind::Sha1
    }
}

pub(super) fn is_hex(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit)
}

/// Entries of a directory; none if it cannot be read.
pub(super) fn entries(dir: &Path) -> impl Iterator<Item = fs::DirEntry> + use<> {
    fs::read_dir(dir).into_iter().flatten().flatten()
}

/// Directories in a directory, by name.
pub(super) fn subdirectories(dir: &Path) -> Vec<(String, PathBuf)> {
    let mut found: Vec<_> = entries(dir)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, entry.path())
        })
        .collect();
    found.sort_unstable();
    found
}

/// Reads a regular file of at most `most` bytes.
pub(super) fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if meta.len() > most {
        return Err(io::Error::other(format!(
            "{} bytes are more than such a file has",
            meta.len()
        )));
    }
    fs::read(path)
}

/// Reads a file that holds one path.
pub(super) fn read_path(path: &Path) -> Option<PathBuf> {
    let text = read_file(path, SMALL_FILE).ok()?;
    let line = text.trim_end_with(|c| matches!(c, '\n' | '\r'));
    if line.is_empty() {
        return None;
    }
    line.to_path().ok().map(Path::to_path_buf)
}

/// Reads a `.git` file: the directory that it names.
pub(super) fn read_git_file(path: &Path) -> Option<PathBuf> {
    let text = read_file(path, SMALL_FILE).ok()?;
    let line = text.strip_prefix(b"gitdir:")?.trim_start();
    let line = line.trim_end_with(|c| matches!(c, '\n' | '\r'));
    if line.is_empty() {
        return None;
    }
    let target = line.to_path().ok()?;
    Some(plain(&path.parent()?.join(target)))
}

/// Takes `..` and `.` out of a path, if that names the same place (it need not, with links).
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(short.components().next_back(), Some(Component::Normal(_))) =>
            {
                short.pop();
            }
            other => short.push(other),
        }
    }
    if !short.as_os_str().is_empty() && same_place(&short, path) {
        short
    } else {
        path.to_path_buf()
    }
}

pub(super) fn same_place(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

pub(super) fn problem(kind: IssueKind, path: &Path, message: &str) -> ScanIssue {
    ScanIssue {
        kind,
        object: None,
        path: Some(path.display().to_string()),
        message: message.to_owned(),
    }
}

pub(super) fn unreadable(path: &Path, what: &str, error: &io::Error) -> ScanIssue {
    problem(
        IssueKind::Unreadable,
        path,
        &format!("this {what} cannot be read: {error}"),
    )
}
