//! The objects of a push, before and after git lets them in.
//!
//! While a pre-receive hook runs, what was pushed lies in a *quarantine*: an object directory of
//! its own that the environment names, with the repository's as its alternate (git-receive-pack(1)).
//! What lies there is read as a whole, delta-aware; what the repository held before is only
//! looked up, so that the cost of a push is that of the push and not of the repository. Nothing is
//! ever written: a file in the quarantine would move into the repository with the rest.

use super::{
    error::ReadError,
    inflate::Inflater,
    layout::same_place,
    lookup::{Lookup, LookupReader, Lost, kind_of, theirs},
    open::Repository,
    store::{Kept, ObjectStore},
};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue},
    source::ContentKind,
};
use bstr::{BStr, ByteSlice};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// What git's environment says of where objects are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectEnvironment {
    /// `GIT_OBJECT_DIRECTORY`: the quarantine, where there is one.
    pub object_dir: Option<PathBuf>,
    /// The entries of `GIT_ALTERNATE_OBJECT_DIRECTORIES`.
    pub alternates: Vec<PathBuf>,
}

/// An environment that git would not have made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("GIT_ALTERNATE_OBJECT_DIRECTORIES has a quoted path that does not end")]
pub struct BadEnvironment;

/// Separates the entries of a list of paths.
const SEPARATOR: u8 = if cfg!(windows) { b';' } else { b':' };

impl ObjectEnvironment {
    /// Takes the values of `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES`. Entries
    /// of the latter are separated by `:` (`;` on Windows); one that begins with a double quote is
    /// quoted as in C (git(1)).
    ///
    /// # Errors
    /// When a quote is not closed.
    pub fn parse(
        object_dir: Option<&OsStr>,
        alternates: Option<&OsStr>,
    ) -> Result<Self, BadEnvironment> {
        let mut rest = alternates
            .map(OsStr::as_encoded_bytes)
            .unwrap_or_default()
            .as_bstr();
        let mut list = Vec::new();
        while !rest.is_empty() {
            let (entry, used) = if rest.starts_with(b"\"") {
                gix::quote::ansi_c::undo(rest).map_err(|_| BadEnvironment)?
            } else {
                let end = rest.find_byte(SEPARATOR).unwrap_or(rest.len());
                (rest[..end].as_bstr().into(), end)
            };
            if let Ok(path) = entry.to_path()
                && !entry.is_empty()
            {
                list.push(path.to_path_buf());
            }
            rest = BStr::new(rest[used..].strip_prefix(&[SEPARATOR]).unwrap_or_default());
        }
        Ok(Self {
            object_dir: object_dir.filter(|dir| !dir.is_empty()).map(PathBuf::from),
            alternates: list,
        })
    }
}

/// The objects of a repository during a push.
#[derive(Debug)]
pub(crate) struct IncomingObjects {
    /// What lies in quarantine.
    pub(crate) quarantine: Option<ObjectStore>,
    /// What the repository and its alternates hold.
    known: Lookup,
}

impl IncomingObjects {
    /// Opens both sides. Problems become issues.
    pub(crate) fn open(
        repository: &Repository,
        environment: &ObjectEnvironment,
        issues: &mut Vec<ScanIssue>,
    ) -> Self {
        let mut dirs = repository.object_dirs().to_vec();
        for dir in &environment.alternates {
            if dirs.iter().any(|known| same_place(known, dir)) {
                continue;
            }
            if dir.is_dir() {
                dirs.push(dir.clone());
            } else {
                issues.push(lost_alternate(dir));
            }
        }
        let apart = environment
            .object_dir
            .as_deref()
            .filter(|dir| !dirs.iter().any(|known| same_place(known, dir)));
        let quarantine = apart.map(|dir| {
            let mut store = ObjectStore::open(
                std::slice::from_ref(&dir.to_path_buf()),
                repository.hash().into(),
            );
            issues.append(&mut store.issues);
            store
        });
        if let Some(dir) = apart
            && !dir.is_dir()
        {
            issues.push(lost_alternate(dir));
        }
        Self {
            quarantine,
            known: Lookup::open(&dirs, repository.hash(), issues),
        }
    }

    /// A reader for one thread.
    pub(crate) fn reader(&self) -> IncomingReader<'_> {
        IncomingReader {
            quarantine: self.quarantine.as_ref(),
            known: self.known.reader(),
            inflater: Inflater::default(),
            kept: Kept::default(),
        }
    }

    /// Bytes that the files of the quarantine take; 0 where there is none.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.quarantine
            .as_ref()
            .map_or(0, ObjectStore::stored_bytes)
    }
}

impl Repository {
    /// Reads a file at the root of the tree of `HEAD`; `None` where there is none, or it is no
    /// regular file of at most 1 MiB. During a push, that is the tree from before it.
    pub fn head_file(&self, name: &[u8]) -> Option<Vec<u8>> {
        let objects = IncomingObjects::open(self, &ObjectEnvironment::default(), &mut Vec::new());
        let mut reader = objects.reader();
        let mut bytes = Vec::new();
        let mut read = |id: ObjectId, kind: ContentKind, limit: u64| {
            let found = reader.read(&id, limit, &mut bytes).ok()?;
            (found == kind).then(|| std::mem::take(&mut bytes))
        };
        let commit = read(self.head()?, ContentKind::Commit, MOST_HEAD_BYTES)?;
        let tree = commit.strip_prefix(b"tree ")?.lines().next()?;
        let tree = read(
            ObjectId::from_hex(tree).ok()?,
            ContentKind::Tree,
            MOST_HEAD_BYTES,
        )?;
        let kind = self.hash().into();
        let entry = gix::objs::TreeRefIter::from_bytes(&tree, kind)
            .filter_map(Result::ok)
            .find(|entry| entry.filename == name && entry.mode.is_blob())?;
        let blob = ObjectId::from_bytes(entry.oid.as_bytes())?;
        read(blob, ContentKind::Blob, MOST_FILE_BYTES)
    }
}

/// Largest commit and tree that [`Repository::head_file`] looks at, in bytes.
const MOST_HEAD_BYTES: u64 = 64 << 20;
/// Largest file that it reads, in bytes.
const MOST_FILE_BYTES: u64 = 1 << 20;

fn lost_alternate(dir: &Path) -> ScanIssue {
    ScanIssue {
        kind: IssueKind::Unreadable,
        object: None,
        path: Some(dir.display().to_string()),
        message: "this object directory, which git's environment names, is not there".to_owned(),
    }
}

/// Reads objects of a push, for one thread.
pub(crate) struct IncomingReader<'a> {
    quarantine: Option<&'a ObjectStore>,
    known: LookupReader,
    inflater: Inflater,
    kept: Kept,
}

impl<'a> IncomingReader<'a> {
    /// Reads a tree of at most `limit` bytes into `out` (replaced). Trees are asked for by the
    /// thousand, one after another in the order of history, which is that of their deltas.
    pub(crate) fn tree(
        &mut self,
        id: &ObjectId,
        limit: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let kind = match self.quarantined(id) {
            Some((store, number)) => {
                store.read_with(&mut self.kept, number, limit, &mut self.inflater, out)?
            }
            None => self.read(id, limit, out)?,
        };
        match kind {
            ContentKind::Tree => Ok(()),
            _ => Err(ReadError::Corrupt("it is not a tree".to_owned())),
        }
    }

    /// Reads an object of at most `limit` bytes into `out` (replaced).
    pub(crate) fn read(
        &mut self,
        id: &ObjectId,
        limit: u64,
        out: &mut Vec<u8>,
    ) -> Result<ContentKind, ReadError> {
        if let Some((store, number)) = self.quarantined(id) {
            return store.read(number, limit, &mut self.inflater, out);
        }
        let id = theirs(id);
        loop {
            let lost = match self.known.header(&id) {
                Ok((_, size)) if size > limit => return Err(ReadError::too_large(size)),
                Ok(_) => {
                    out.clear();
                    match self.known.read_any(&id, out) {
                        Ok(kind) => return Ok(kind_of(kind)),
                        Err(lost) => lost,
                    }
                }
                Err(lost) => lost,
            };
            if !self.known.refresh() {
                return Err(match lost {
                    Lost::Absent => ReadError::Absent,
                    Lost::Damaged(why) => ReadError::Corrupt(why),
                });
            }
        }
    }

    /// Whether an object came with the push; it may have been there before all the same.
    pub(crate) fn came(&self, id: &ObjectId) -> bool {
        self.quarantined(id).is_some()
    }

    /// Whether an object is there at all.
    pub(crate) fn has(&self, id: &ObjectId) -> bool {
        self.came(id) || self.was_there(id)
    }

    /// Whether the repository or an alternate held an object before.
    pub(crate) fn was_there(&self, id: &ObjectId) -> bool {
        self.known.has(&theirs(id))
    }

    fn quarantined(&self, id: &ObjectId) -> Option<(&'a ObjectStore, u32)> {
        let store = self.quarantine?;
        Some((store, store.find(id.as_bytes())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(alternates: &str) -> Result<Vec<PathBuf>, BadEnvironment> {
        ObjectEnvironment::parse(None, Some(OsStr::new(alternates))).map(|e| e.alternates)
    }

    #[cfg(unix)]
    #[test]
    fn alternates_are_a_list_with_quotes_as_in_c() {
        let paths = |list: &[&str]| Ok(list.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(parse(""), paths(&[]));
        assert_eq!(parse("/a/./objects"), paths(&["/a/./objects"]));
        assert_eq!(parse("/a b:/c"), paths(&["/a b", "/c"]));
        assert_eq!(
            parse("\"/with:colon and \\\"quote\\\"\":/c:"),
            paths(&["/with:colon and \"quote\"", "/c"])
        );
        assert_eq!(parse(":/a::/b"), paths(&["/a", "/b"]));
        assert_eq!(parse("/a:\"/b"), Err(BadEnvironment));
    }

    #[test]
    fn an_empty_variable_is_none() {
        let none = ObjectEnvironment::parse(Some(OsStr::new("")), None);
        assert_eq!(none, Ok(ObjectEnvironment::default()));
    }
}
