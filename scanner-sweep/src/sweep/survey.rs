//! Looks at a repository without reading any object of it.

use super::Task;
use crate::{discover::Discovered, store::RepositoryId};
use scanner_core::source::git::{Repository, RepositoryState};
use std::{
    collections::HashMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// What a look at a repository tells.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) state: RepositoryState,
    /// Directories of objects, the repository's own first; canonical, so that two ways to one
    /// directory are the same.
    pub(super) objects: Vec<PathBuf>,
    /// When anything last changed in it, by its directories' times; in seconds since 1970.
    pub(super) changed: i64,
}

impl Survey {
    /// Looks at the repository at `path`; says why where there is none.
    pub(super) fn of(path: &Path) -> Result<Self, String> {
        let repository = Repository::open(path).map_err(|error| {
            let (mut text, mut cause) = (error.to_string(), error.source());
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            text
        })?;
        let canonical = |dir: &PathBuf| fs::canonicalize(dir).unwrap_or_else(|_| dir.clone());
        let objects: Vec<PathBuf> = repository.object_dirs().iter().map(canonical).collect();
        Ok(Self {
            changed: changed(&repository),
            state: repository.state(),
            objects,
        })
    }
}

/// The object directory of a repository, if there is one at `path`.
pub(super) fn objects_of(path: &Path) -> Option<PathBuf> {
    let repository = Repository::open(path).ok()?;
    let own = repository.objects_dir();
    own.is_dir()
        .then(|| fs::canonicalize(own).unwrap_or_else(|_| own.to_owned()))
}

fn changed(repository: &Repository) -> i64 {
    let common = repository.common_dir();
    let of_refs = common.into_iter().flat_map(|dir| {
        ["packed-refs", "refs/heads", "refs/tags", "HEAD"].map(|name| dir.join(name))
    });
    of_refs
        .chain([
            repository.objects_dir().join("pack"),
            repository.objects_dir().to_owned(),
        ])
        .filter_map(|path| fs::metadata(path).ok()?.modified().ok())
        .filter_map(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .map(|since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
        .max()
        .unwrap_or(0)
}

/// What a look at all repositories tells.
#[derive(Debug, Default)]
pub(super) struct Surveyed {
    /// Those that are to be scanned.
    pub(super) tasks: Vec<Task>,
    /// Those in which nothing changed.
    pub(super) unchanged: Vec<RepositoryId>,
    /// Those that cannot be opened, by name, and why.
    pub(super) failures: Vec<(String, RepositoryId, String)>,
    /// Keys by the directory of objects that is a repository's own.
    pub(super) pools: HashMap<PathBuf, String>,
}

/// Looks at every repository. `is_unchanged` says of one and its digest whether nothing is to be
/// done.
pub(super) fn all(
    found: &[Discovered],
    ids: &[RepositoryId],
    threads: usize,
    is_unchanged: &(dyn Fn(&Discovered, &str) -> bool + Sync),
    interrupt: &AtomicBool,
) -> Surveyed {
    let next = AtomicUsize::new(0);
    let out: Mutex<Surveyed> = Mutex::default();
    let work = || {
        let mut mine = Surveyed::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = found.get(index) else { break };
            if interrupt.load(Ordering::Relaxed) {
                break;
            }
            mine.add(one, ids[index], is_unchanged);
        }
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        out.tasks.append(&mut mine.tasks);
        out.unchanged.append(&mut mine.unchanged);
        out.failures.append(&mut mine.failures);
        out.pools.extend(mine.pools);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut out = out.into_inner().unwrap_or_else(PoisonError::into_inner);
    out.failures.sort();
    out
}

impl Surveyed {
    fn add(
        &mut self,
        found: &Discovered,
        id: RepositoryId,
        is_unchanged: &dyn Fn(&Discovered, &str) -> bool,
    ) {
        let survey = match Survey::of(&found.path) {
            Ok(survey) => survey,
            Err(message) => return self.failures.push((found.name.clone(), id, message)),
        };
        let own = survey.objects[0].clone();
        self.pools.insert(own, found.key.clone());
        if is_unchanged(found, &survey.state.digest) {
            self.unchanged.push(id);
        } else {
            let found = found.clone();
            self.tasks.push(Task { found, id, survey });
        }
    }
}
