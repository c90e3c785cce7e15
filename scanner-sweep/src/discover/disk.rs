//! Finds repositories below directories. Only reads, runs no program, and does not mind who owns
//! what.

use super::{Discovered, Found, layout::identify, merge, shown_path};
use scanner_core::{
    model::IssueKind,
    source::git::{RepositoryKind, detect},
};
use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// Directories are searched this far down: no server nests deeper, but directories that are mounted
/// in themselves do.
const MAX_DEPTH: usize = 64;

/// Where Bitbucket Data Center keeps its repositories: below its home, or below the shared one.
const BITBUCKET_REPOSITORIES: [&str; 2] = ["shared/data/repositories", "data/repositories"];

/// What is known of the directories beforehand.
#[derive(Debug, Clone, Default)]
pub struct DiskOptions {
    /// Homes of Bitbucket Data Center, or the directories of their repositories; searched first.
    pub bitbucket_homes: Vec<PathBuf>,
    /// The address of the web pages of Bitbucket Data Center, for links.
    pub bitbucket_url: Option<String>,
}

/// Searches directories for repositories, bare ones and clones, in the order of the roots and of
/// names below each.
///
/// Repositories are not searched for others within them, such as those of their submodules. Work
/// trees whose `.git` is a file belong to a repository elsewhere and are none of their own, unless
/// they are named as roots. Symbolic links below a root are not followed: what they lead to is
/// found where it lies, if that is below a root, and is named in a note if not. A directory that
/// cannot be read is an issue, and so is a root that holds no repository.
///
/// `interrupt` ends the search early; that is an issue too.
pub fn disk(roots: &[PathBuf], options: &DiskOptions, interrupt: &AtomicBool) -> Found {
    let mut found = Found::default();
    let mut places = Vec::new();
    for home in &options.bitbucket_homes {
        let below = BITBUCKET_REPOSITORIES.iter().map(|below| home.join(below));
        let place = below.into_iter().find(|place| place.is_dir());
        places.push(place.unwrap_or_else(|| home.clone()));
    }
    places.extend(roots.iter().cloned());
    let mut walk = Walk {
        roots: Vec::new(),
        options,
        found: &mut found,
    };
    for place in places {
        match place.canonicalize() {
            Ok(root) => walk.roots.push(root),
            Err(error) => walk.unreadable(&place, "directory", &error),
        }
    }
    for root in walk.roots.clone() {
        let before = walk.found.repositories.len();
        walk.search(&root, interrupt);
        if interrupt.load(Ordering::Relaxed) {
            let message = "the search for repositories was stopped before its end";
            walk.found
                .issue(IssueKind::Limit, shown_path(&root), message);
            break;
        }
        if walk.found.repositories.len() == before {
            let message =
                "no repository was found here: expected one, or a directory that holds some";
            walk.found
                .issue(IssueKind::Unreadable, shown_path(&root), message);
        }
    }
    merge([found])
}

/// Takes one path for a repository; `None` where it is none.
///
/// # Errors
/// When it cannot be looked at.
pub fn at(path: &Path, options: &DiskOptions, found: &mut Found) -> io::Result<Option<Discovered>> {
    let path = path.canonicalize()?;
    Ok(match detect(&path) {
        None | Some(RepositoryKind::ObjectStore) => None,
        Some(kind) => Some(identify(place(&path, kind), None, options, found)),
    })
}

/// The path to know a repository by: a clone has one, however it was come upon.
fn place(dir: &Path, kind: RepositoryKind) -> &Path {
    match dir.parent() {
        Some(parent)
            if kind == RepositoryKind::Clone && dir.file_name() == Some(OsStr::new(".git")) =>
        {
            parent
        }
        _ => dir,
    }
}

struct Walk<'a> {
    /// All roots, canonical.
    roots: Vec<PathBuf>,
    options: &'a DiskOptions,
    found: &'a mut Found,
}

impl Walk<'_> {
    fn search(&mut self, root: &Path, interrupt: &AtomicBool) {
        let mut waiting = vec![(root.to_owned(), 0)];
        while let Some((dir, depth)) = waiting.pop() {
            if interrupt.load(Ordering::Relaxed) {
                return;
            }
            match detect(&dir) {
                Some(RepositoryKind::Clone) if depth > 0 && has_git_file(&dir) => {
                    let message = "a work tree or submodule: its repository is scanned where it \
                                   lies";
                    self.note(&dir, message);
                }
                Some(RepositoryKind::ObjectStore) => {
                    let message = "objects without a repository: scanned only where a repository \
                                   borrows them";
                    self.note(&dir, message);
                }
                Some(kind @ (RepositoryKind::Clone | RepositoryKind::Bare)) => {
                    let it = identify(place(&dir, kind), Some(root), self.options, self.found);
                    self.found.repositories.push(it);
                }
                None if depth == MAX_DEPTH => {
                    let message =
                        format!("directories more than {MAX_DEPTH} deep are not searched");
                    self.found
                        .issue(IssueKind::Limit, shown_path(&dir), message);
                }
                None => {
                    // The last is taken first.
                    let below = self.below(&dir).into_iter().rev();
                    waiting.extend(below.map(|below| (below, depth + 1)));
                }
            }
        }
    }

    /// The directories in a directory that are to be searched, by name.
    fn below(&mut self, dir: &Path) -> Vec<PathBuf> {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            // Where file systems put what was saved from damage, for root alone to see.
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied
                    && dir.file_name() == Some(OsStr::new("lost+found")) =>
            {
                self.note(dir, "not searched: it may not be read");
                return Vec::new();
            }
            Err(error) => {
                self.unreadable(dir, "directory", &error);
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for entry in entries {
            let kind = entry.and_then(|entry| Ok((entry.file_type()?, entry)));
            match kind {
                Ok((kind, entry)) if kind.is_dir() => {
                    // What GitLab is still writing, or throws away.
                    if entry.file_name() == "+gitaly" {
                        self.note(&entry.path(), "not searched: GitLab's temporary files");
                    } else {
                        found.push(entry.path());
                    }
                }
                Ok((kind, entry)) if kind.is_symlink() => self.link(&entry.path()),
                Ok(_) => {}
                Err(error) => self.unreadable(dir, "entry of this directory", &error),
            }
        }
        found.sort_unstable();
        found
    }

    fn link(&mut self, link: &Path) {
        let Ok(target) = link.canonicalize() else {
            return;
        };
        if target.is_dir() && !self.roots.iter().any(|root| target.starts_with(root)) {
            let message = format!(
                "this link leads out of what is searched and is not followed: name {} to have it \
                 searched",
                shown_path(&target)
            );
            self.note(link, &message);
        }
    }

    fn note(&mut self, path: &Path, message: &str) {
        self.found.issue(IssueKind::Note, shown_path(path), message);
    }

    fn unreadable(&mut self, path: &Path, what: &str, error: &io::Error) {
        let message = format!(
            "this {what} cannot be read, so repositories may be missing: {error}; check that it \
             exists and who may read it"
        );
        self.found
            .issue(IssueKind::Unreadable, shown_path(path), message);
    }
}

/// Whether `.git` is a file, which leads to a repository elsewhere.
fn has_git_file(dir: &Path) -> bool {
    fs::symlink_metadata(dir.join(".git")).is_ok_and(|meta| meta.is_file())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
