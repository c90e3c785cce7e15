//! Scans what is new in a repository since it was last scanned, with the result of a full scan.
//!
//! Whether anything is found in an object depends on its bytes and the rules alone, so an object
//! in which nothing was found, and of which nothing had to be said, need never be read again under
//! the same rules. The few others are scanned again each time: no secret has to be kept in between,
//! and where it stands now (in which commits, still in `HEAD`) is worked out anew from the history
//! as it is now. So the report is what a full scan gives, but for the number of bytes.

use super::{
    Phase,
    assemble::Assembly,
    collect::{Collector, Origin},
    git::{MESSAGES, Opened},
    scanner::{GitInput, Run, ScanError},
    worker::Visitors,
};
use crate::{
    history::{NONE, NumberSet},
    model::{IdSet, ObjectId, Report, ScanIssue},
    source::{
        ContentKind,
        git::{ObjectStore, Selection},
    },
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Objects that were scanned before under the same rules, nothing being found in them and nothing
/// to be said of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanObjects {
    /// Blobs.
    pub blobs: IdSet,
    /// Commits and annotated tags, whose messages were scanned.
    pub messages: IdSet,
}

impl CleanObjects {
    /// Adds all objects of another one.
    pub fn merge(&mut self, other: Self) {
        self.blobs.merge(other.blobs);
        self.messages.merge(other.messages);
    }

    /// Takes away these objects, of either kind.
    pub fn remove(&mut self, ids: &IdSet) {
        self.blobs.remove(ids);
        self.messages.remove(ids);
    }
}

/// What a scan has finished since it last said so, of one directory of objects.
#[derive(Debug, Clone)]
pub struct ScannedObjects {
    /// The directory that holds them: the repository's own, or an alternate.
    pub directory: PathBuf,
    /// Those in which nothing was found.
    pub clean: CleanObjects,
    /// Those in which something was found or of which something is to be said, of either kind. They
    /// must be scanned again whenever a report is wanted.
    pub marked: IdSet,
}

/// Takes note of how far a scan has come, so that another one can go on from there.
pub trait Checkpoint: Sync {
    /// How often it wants to know. At the end it is told the rest in any case.
    fn every(&self) -> Duration;

    /// Told of what was finished since the last time, one directory at a time. Called by one thread
    /// at a time, while others go on scanning; and not at all when nothing was finished.
    fn scanned(&self, objects: ScannedObjects);
}

/// What is known of the objects of one store, and what becomes known.
#[derive(Debug)]
pub(super) struct Ledger {
    clean: NumberSet,
    clean_blobs: u64,
    /// Whether what is clean is to be passed by where it is met all the same.
    passes_by: bool,
    done: Bits,
    marked: Bits,
    messages: Bits,
}

/// A set of object numbers that several threads add to.
#[derive(Debug)]
struct Bits(Box<[AtomicU64]>);

impl Bits {
    fn new(len: u32) -> Self {
        Self((0..=len / 64).map(|_| AtomicU64::new(0)).collect())
    }

    /// What happened before a number was set is seen by whoever sees it set.
    fn set(&self, number: u32) {
        self.0[number as usize / 64].fetch_or(1 << (number % 64), Ordering::Release);
    }

    fn word(&self, index: usize) -> u64 {
        self.0[index].load(Ordering::Acquire)
    }
}

impl Ledger {
    fn new(store: &ObjectStore, clean: &CleanObjects, passes_by: bool) -> Self {
        let len = store.len();
        let mut known = NumberSet::new(len);
        let mut add = |ids: &IdSet| {
            let mut added = 0;
            if ids.id_len() == store.id_len() {
                store.find_all(ids.as_bytes(), |number| {
                    added += u64::from(number != NONE && known.insert(number));
                });
            }
            added
        };
        let clean_blobs = add(&clean.blobs);
        add(&clean.messages);
        Self {
            clean: known,
            clean_blobs,
            passes_by,
            done: Bits::new(len),
            marked: Bits::new(len),
            messages: Bits::new(len),
        }
    }

    /// Whether an object is clean from an earlier scan and need not be scanned again.
    pub(super) fn passes_by(&self, number: u32) -> bool {
        self.passes_by && self.clean.contains(number)
    }

    /// How many blobs of the store are.
    pub(super) fn clean_blobs(&self) -> u64 {
        self.clean_blobs
    }

    /// All other objects, as words of 64 bits.
    pub(super) fn others(&self) -> Vec<u64> {
        self.clean.words().iter().map(|word| !word).collect()
    }

    /// Something was found in an object, or is to be said of it.
    pub(super) fn mark(&self, number: u32) {
        self.marked.set(number);
    }

    /// An object was scanned to its end.
    pub(super) fn done(&self, number: u32, kind: ContentKind) {
        if kind != ContentKind::Blob {
            self.messages.set(number);
        }
        self.done.set(number);
    }

    /// Tells what was finished and is not in `told` yet.
    fn tell(&self, store: &ObjectStore, told: &mut [u64], checkpoint: &dyn Checkpoint) {
        #[derive(Default)]
        struct Part {
            blobs: Vec<ObjectId>,
            messages: Vec<ObjectId>,
            marked: Vec<ObjectId>,
        }
        let mut parts: BTreeMap<&Path, Part> = BTreeMap::new();
        for (index, told) in told.iter_mut().enumerate() {
            let mut fresh = self.done.word(index) & !*told;
            *told |= fresh;
            // Marks are set first, so that no object looks clean that is not.
            let (marked, messages) = (self.marked.word(index), self.messages.word(index));
            while fresh != 0 {
                let bit = fresh.trailing_zeros();
                fresh &= fresh - 1;
                let number = index as u32 * 64 + bit;
                let part = parts.entry(store.directory_of(number)).or_default();
                let list = if marked >> bit & 1 == 1 {
                    &mut part.marked
                } else if messages >> bit & 1 == 1 {
                    &mut part.messages
                } else {
                    &mut part.blobs
                };
                list.push(store.id(number));
            }
        }
        for (directory, part) in parts {
            checkpoint.scanned(ScannedObjects {
                directory: directory.to_owned(),
                clean: CleanObjects {
                    blobs: IdSet::new(part.blobs),
                    messages: IdSet::new(part.messages),
                },
                marked: IdSet::new(part.marked),
            });
        }
    }

    /// Does something that scans, telling how far it has come in the meantime and at its end.
    pub(super) fn told<T>(
        &self,
        store: &ObjectStore,
        checkpoint: &dyn Checkpoint,
        scan: impl FnOnce() -> T,
    ) -> T {
        let over = Over::default();
        let mut told = vec![0; self.done.0.len()];
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.wait(checkpoint.every()) {
                    self.tell(store, &mut told, checkpoint);
                }
            });
            let _over = SetOnDrop(&over);
            scan()
        });
        self.tell(store, &mut told, checkpoint);
        result
    }
}

/// Says that a scan is over.
#[derive(Debug, Default)]
struct Over {
    over: Mutex<bool>,
    changed: Condvar,
}

impl Over {
    /// Waits so long, or until it is over; says whether it is.
    fn wait(&self, most: Duration) -> bool {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(over, most, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Ends the wait however the scan ends, so that a panic does not hang.
struct SetOnDrop<'a>(&'a Over);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        *self.0.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}

/// Scans the whole history of a repository, leaving out what is clean.
pub(super) fn scan_new(
    run: &Run<'_>,
    path: &Path,
    clean: &CleanObjects,
    checkpoint: &dyn Checkpoint,
) -> Result<Report, ScanError> {
    let input = GitInput {
        path: path.to_owned(),
        ..GitInput::default()
    };
    let opened = Opened::new(run, path)?;
    let ledger = Ledger::new(&opened.store, clean, true);
    let opened = &opened;
    ledger.told(&opened.store, checkpoint, || {
        super::git::scan_opened(run, opened, &input, Some(&ledger))
    })
}

/// Searches what is clean once more, with other rules, to find out what is not clean under them.
/// The receipt says whether all of it was read.
pub(super) fn search_again(
    run: &Run<'_>,
    path: &Path,
    clean: &CleanObjects,
    checkpoint: &dyn Checkpoint,
) -> Result<Report, ScanError> {
    let Opened {
        repository,
        store,
        loose,
        issues,
    } = Opened::new(run, path)?;
    let ledger = Ledger::new(&store, clean, false);
    let collector = Collector::default();
    let visitors = Visitors {
        scanner: run.scanner,
        collector: &collector,
        observer: run.observer,
        context: run.context,
        origin: Origin::Objects,
        hash: repository.hash(),
        uncounted: None,
        ledger: Some(&ledger),
    };
    ledger.told(&store, checkpoint, || {
        for (phase, kinds) in [
            (Phase::Commits, &MESSAGES[..]),
            (Phase::Blobs, &[ContentKind::Blob]),
        ] {
            run.observer.phase(phase, 0, 0);
            let selection = Selection::Numbers(ledger.clean.words());
            store.traverse(kinds, selection, &loose, run.context, &visitors);
        }
    });
    let (mut collected, _) = collector.finish();
    for issue in issues {
        collected.issue(issue);
    }
    if run.context.stopped() {
        collected.issue(ScanIssue::interrupted());
    }
    Ok(Assembly::new(run.scanner, Vec::new()).finish(collected, BTreeMap::new()))
}

#[cfg(test)]
mod tests;
