//! Looks single objects up, wherever they are stored, without reading what else is there.
//!
//! [`ObjectStore`](super::ObjectStore) knows every object of a repository, which is right for a
//! scan of all of it; whoever needs a few asks here, and the cost does not grow with the
//! repository.

use super::layout::problem;
use crate::{
    model::{IssueKind, ObjectId, ScanIssue},
    source::{ContentKind, HashKind},
};
use gix::{
    hash::oid,
    objs::{Exists, Find, FindHeader, Kind},
    odb::{
        Store,
        store::{Handle, init::Slots},
    },
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Object directories, opened as far as look-ups need it.
#[derive(Default)]
pub(crate) struct Lookup {
    stores: Vec<Arc<Store>>,
    dirs: Vec<PathBuf>,
    hash: HashKind,
}

/// Packs that may come while a store is open: a server takes pushes at the same time, and gix
/// refuses to look at more packs than it made room for.
const ROOM: Slots = Slots::AsNeededByDiskState {
    multiplier: 2.0,
    minimum: 1024,
};

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup")
            .field("stores", &self.stores.len())
            .finish_non_exhaustive()
    }
}

impl Lookup {
    /// Opens object directories. Each brings its alternates; should gix not like those (a cycle,
    /// one that is gone), then each directory in the list is there by itself too.
    pub(crate) fn open(dirs: &[PathBuf], hash: HashKind, issues: &mut Vec<ScanIssue>) -> Self {
        let mut stores = Vec::new();
        for dir in dirs {
            match open(dir, hash) {
                Ok(store) => stores.push(store),
                Err(error) => issues.push(problem(
                    IssueKind::Unreadable,
                    dir,
                    &format!("objects cannot be looked up here: {error}"),
                )),
            }
        }
        Self {
            stores,
            dirs: dirs.to_vec(),
            hash,
        }
    }

    /// A reader for one thread.
    pub(crate) fn reader(&self) -> LookupReader {
        let handles = self.stores.iter().map(|store| {
            let mut handle = store.to_handle_arc();
            handle.refresh_never();
            handle
        });
        LookupReader {
            handles: handles.collect(),
            dirs: self.dirs.clone(),
            hash: self.hash,
            refreshed: false,
        }
    }
}

fn open(dir: &Path, hash: HashKind) -> Result<Arc<Store>, std::io::Error> {
    let options = gix::odb::store::init::Options {
        slots: ROOM,
        alloc_limit_bytes: Some(u32::MAX as usize),
        ..Default::default()
    };
    let none = &mut std::iter::empty();
    Store::at_opts(dir.to_path_buf(), hash.into(), none, options).map(Arc::new)
}

/// Looks objects up, for one thread.
pub(crate) struct LookupReader {
    handles: Vec<Handle<Arc<Store>>>,
    dirs: Vec<PathBuf>,
    hash: HashKind,
    refreshed: bool,
}

/// Why an object cannot be had.
#[derive(Debug)]
pub(crate) enum Lost {
    Absent,
    Damaged(String),
}

impl LookupReader {
    /// The size of an object of a kind.
    pub(crate) fn size(&self, id: &oid, kind: Kind) -> Result<u64, Lost> {
        match self.header(id)? {
            (found, size) if found == kind => Ok(size),
            _ => Err(Lost::Damaged(format!("it is not a {kind}"))),
        }
    }

    /// Kind and size of an object.
    pub(crate) fn header(&self, id: &oid) -> Result<(Kind, u64), Lost> {
        let mut lost = Lost::Absent;
        for handle in &self.handles {
            match handle.try_header(id) {
                Ok(Some(header)) => return Ok((header.kind, header.size)),
                Ok(None) => {}
                Err(error) => lost = damaged(&error),
            }
        }
        Err(lost)
    }

    /// Reads an object of a kind into a buffer.
    pub(crate) fn read(&self, id: &oid, kind: Kind, buffer: &mut Vec<u8>) -> Result<(), Lost> {
        match self.read_any(id, buffer)? {
            found if found == kind => Ok(()),
            _ => Err(Lost::Damaged(format!("it is not a {kind}"))),
        }
    }

    /// Reads an object into a buffer.
    pub(crate) fn read_any(&self, id: &oid, buffer: &mut Vec<u8>) -> Result<Kind, Lost> {
        let mut lost = Lost::Absent;
        for handle in &self.handles {
            match Find::try_find(handle, id, buffer).map(|found| found.map(|data| data.kind)) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(error) => lost = damaged(&error),
            }
        }
        Err(lost)
    }

    /// Whether an object is there.
    pub(crate) fn has(&self, id: &oid) -> bool {
        self.handles.iter().any(|handle| handle.exists(id))
    }

    /// Looks at the disk again, once: another process may have repacked meanwhile, so that what
    /// was in one pack is in another now. Returns whether that can change anything.
    pub(crate) fn refresh(&mut self) -> bool {
        if std::mem::replace(&mut self.refreshed, true) {
            return false;
        }
        let stores = self.dirs.iter().filter_map(|dir| open(dir, self.hash).ok());
        self.handles = stores.map(|store| store.to_handle_arc()).collect();
        true
    }
}

fn damaged(error: &gix::Error) -> Lost {
    Lost::Damaged(error.to_string().lines().next().unwrap_or_default().into())
}

/// A gix id in our own type.
pub(super) fn ours(id: &oid) -> ObjectId {
    ObjectId::from_bytes(id.as_bytes()).expect("ids of gix have 20 or 32 bytes")
}

/// One of our ids as gix has them.
pub(crate) fn theirs(id: &ObjectId) -> gix::ObjectId {
    gix::ObjectId::try_from(id.as_bytes()).expect("ids have 20 or 32 bytes")
}

/// A kind of gix in our own type.
pub(crate) fn kind_of(kind: Kind) -> ContentKind {
    match kind {
        Kind::Blob => ContentKind::Blob,
        Kind::Tree => ContentKind::Tree,
        Kind::Commit => ContentKind::Commit,
        Kind::Tag => ContentKind::Tag,
    }
}
