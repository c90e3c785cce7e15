//! Decodes every object of some kinds exactly once, driven by the packs' delta trees.
//!
//! Each base is inflated once and each delta applied to its parent's buffer while that is still
//! in cache; the visitor sees every object with the ranges it copies from its parent. Within a
//! delta tree the child with the heaviest subtree is visited last and then takes over from its
//! parent, whose buffer is freed first: so at most a logarithmic number of buffers live at once,
//! however long the chains. Threads take roots from one list, heaviest first, and when that is
//! empty they take over children from a thread that still has some.

mod plan;
mod worker;

use super::{error::ReadError, store::ObjectStore};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue, SkipReason},
    source::{BlobView, BlobVisitor, ContentKind, VisitContext, WorkerFactory},
};
use plan::Plan;
use std::{
    ops::ControlFlow,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicU8},
};
use worker::{Shared, Worker};

/// Which objects a traversal reports.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Selection<'a> {
    /// Every canonical object.
    All,
    /// Canonical objects whose bit is set.
    Numbers(&'a [u64]),
}

impl Selection<'_> {
    fn holds(self, number: u32) -> bool {
        match self {
            Self::All => true,
            Self::Numbers(bits) => bits[number as usize / 64] >> (number % 64) & 1 == 1,
        }
    }
}

/// What is known of the kinds of loose objects: filled by the first traversal, so that later ones
/// need not read objects of other kinds again.
#[derive(Debug, Default)]
pub(crate) struct LooseKinds(Vec<AtomicU8>);

impl LooseKinds {
    /// Nothing known yet.
    pub(crate) fn new(store: &ObjectStore) -> Self {
        Self(store.loose.iter().map(|_| AtomicU8::new(0)).collect())
    }
}

fn kind_code(kind: ContentKind) -> u8 {
    match kind {
        ContentKind::Blob => 1,
        ContentKind::Tree => 2,
        ContentKind::Commit => 3,
        ContentKind::Tag => 4,
    }
}

/// Loose objects that turned out unreadable; reported once, by the traversal of blobs.
const LOOSE_BAD: u8 = 255;

impl ObjectStore {
    /// Visits every selected canonical object of the wanted kinds once. Objects that cannot be
    /// read are told to `skipped` and `issue`; those of unknown kind are reported when blobs are
    /// wanted.
    pub(crate) fn traverse<F: WorkerFactory>(
        &self,
        wanted: &[ContentKind],
        selection: Selection<'_>,
        loose_kinds: &LooseKinds,
        context: &VisitContext<'_>,
        factory: &F,
    ) {
        let plan = Plan::new(self, wanted, selection, loose_kinds, context.threads);
        let alone = context.threads <= 1 || plan.tasks.len() <= 1;
        let shared = Shared::new(self, wanted, selection, loose_kinds, context, plan);
        if alone {
            Worker::new(&shared, factory.worker()).run();
            return;
        }
        std::thread::scope(|scope| {
            for _ in 0..context.threads {
                scope.spawn(|| Worker::new(&shared, factory.worker()).run());
            }
        });
    }

    /// Decodes every object of one kind once and does nothing else: the floor under any scan.
    pub fn decode(&self, kind: ContentKind, context: &VisitContext<'_>) -> Decoded {
        let total = Mutex::new(Decoded::default());
        self.traverse(
            &[kind],
            Selection::All,
            &LooseKinds::new(self),
            context,
            &Counters(&total),
        );
        total.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`ObjectStore::decode`] decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Objects.
    pub objects: u64,
    /// Their expanded bytes.
    pub bytes: u64,
}

/// Counts and does nothing else.
struct Counter<'a>(&'a Mutex<Decoded>, Decoded);

impl BlobVisitor for Counter<'_> {
    type State = ();
    fn blob(&mut self, view: &BlobView<'_, ()>, (): &mut ()) -> ControlFlow<()> {
        self.1.objects += 1;
        self.1.bytes += view.bytes.len() as u64;
        ControlFlow::Continue(())
    }
    fn skipped(&mut self, _: ContentKind, _: Option<ObjectId>, _: SkipReason) {}
    fn issue(&mut self, _: ScanIssue) {}
}

impl Drop for Counter<'_> {
    fn drop(&mut self) {
        let mut total = lock(self.0);
        total.objects += self.1.objects;
        total.bytes += self.1.bytes;
    }
}

/// Makes counters.
struct Counters<'a>(&'a Mutex<Decoded>);

impl<'a> WorkerFactory for Counters<'a> {
    type Worker = Counter<'a>;
    fn worker(&self) -> Counter<'a> {
        Counter(self.0, Decoded::default())
    }
}

/// Tells a visitor of an object that cannot be read.
pub(crate) fn report_failure<V: BlobVisitor>(
    visitor: &mut V,
    id: ObjectId,
    path: Option<String>,
    kind: Option<ContentKind>,
    error: &ReadError,
) {
    let (issue_kind, reason) = match error {
        ReadError::Absent => (IssueKind::Corrupt, SkipReason::Missing),
        ReadError::Corrupt(_) => (IssueKind::Corrupt, SkipReason::Corrupt),
        ReadError::TooLarge(_) => (IssueKind::Limit, SkipReason::TooLarge),
        ReadError::Unreadable(_) => (IssueKind::Unreadable, SkipReason::Unreadable),
    };
    let noun = match kind {
        Some(ContentKind::Blob) => "blob",
        Some(ContentKind::Tree) => "tree",
        Some(ContentKind::Commit) => "commit",
        Some(ContentKind::Tag) => "tag",
        None => "object",
    };
    let cause = std::error::Error::source(error)
        .map(|s| format!(": {s}"))
        .unwrap_or_default();
    visitor.issue(ScanIssue {
        kind: issue_kind,
        object: Some(id),
        path,
        message: format!("{noun} not scanned: {error}{cause}"),
    });
    visitor.skipped(kind.unwrap_or(ContentKind::Blob), Some(id), reason);
}

/// Locks; a panic of another thread leaves nothing here half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
