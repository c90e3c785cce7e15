//! The threads of a traversal: decoding along delta trees, and sharing what is left at the end.

mod large;

use super::{
    LOOSE_BAD, LooseKinds, Selection, kind_code, lock,
    plan::{Forest, Plan, Task},
    report_failure,
};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue},
    source::{
        BlobView, BlobVisitor, ContentKind, CopyRun, VisitContext,
        git::{
            delta,
            error::ReadError,
            inflate::Inflater,
            store::{EntryKind, NONE, ObjectStore},
        },
    },
};
use std::{
    ops::{ControlFlow, Range},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A child whose parent another thread decoded.
struct Given<S> {
    forest: usize,
    parent: Arc<Live<S>>,
    entry: u32,
    kind: ContentKind,
}

/// What a thread takes at once.
enum Work<S> {
    /// Tasks of the list.
    Listed(Range<usize>),
    /// A child that another thread gave away.
    Given(Given<S>),
}

/// Light tasks that a thread takes at once.
const LIGHT_TASKS: usize = 32;

/// A decoded object and what its visitor keeps of it. Boxed, because it goes from hand to hand for every
/// object.
#[derive(Default)]
struct Live<S> {
    bytes: Vec<u8>,
    state: S,
}

/// A live object, shared once children of it have been given away.
enum Holder<S> {
    Own(Box<Live<S>>),
    Shared(Arc<Live<S>>),
}

impl<S> Holder<S> {
    fn get(&self) -> &Live<S> {
        match self {
            Self::Own(live) => live,
            Self::Shared(live) => live,
        }
    }
}

/// A live object with children still to visit.
struct Frame<S> {
    holder: Holder<S>,
    /// The next of them, or [`NONE`].
    next: u32,
}

/// What all threads share.
pub(super) struct Shared<'s, S> {
    store: &'s ObjectStore,
    plan: Plan<'s>,
    selection: Selection<'s>,
    wanted: &'s [ContentKind],
    context: &'s VisitContext<'s>,
    loose_kinds: &'s LooseKinds,
    next_task: AtomicUsize,
    given: Mutex<Vec<Given<S>>>,
    wake: Condvar,
    hungry: AtomicUsize,
    active: AtomicUsize,
    stop: AtomicBool,
    /// Held while objects live that take a large part of the memory budget.
    big: Mutex<()>,
}

impl<'s, S> Shared<'s, S> {
    pub(super) fn new(
        store: &'s ObjectStore,
        wanted: &'s [ContentKind],
        selection: Selection<'s>,
        loose_kinds: &'s LooseKinds,
        context: &'s VisitContext<'s>,
        plan: Plan<'s>,
    ) -> Self {
        Self {
            store,
            plan,
            selection,
            wanted,
            context,
            loose_kinds,
            next_task: AtomicUsize::new(0),
            given: Mutex::new(Vec::new()),
            wake: Condvar::new(),
            hungry: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            big: Mutex::new(()),
        }
    }

    /// Whether an object is in scope and the canonical copy.
    fn reports(&self, number: u32) -> bool {
        number != NONE && self.selection.holds(number) && !self.store.is_duplicate(number)
    }

    /// Id of a numbered object; entries that no index lists have none.
    fn id(&self, number: u32) -> Option<ObjectId> {
        (number != NONE).then(|| self.store.id(number))
    }

    /// Largest object to decode, in bytes.
    fn limit(&self) -> u64 {
        self.context
            .max_blob_bytes
            .min(self.context.max_memory_bytes)
            .min(u64::from(u32::MAX) - 1)
    }

    fn frame(&self, forest: usize, entry: u32, live: Box<Live<S>>) -> Frame<S> {
        Frame {
            holder: Holder::Own(live),
            next: self.plan.forests[forest].first_child(entry),
        }
    }

    /// Reports an entry that cannot be decoded.
    fn fail<V: BlobVisitor>(
        &self,
        visitor: &mut V,
        forest: &Forest<'_>,
        entry: u32,
        kind: Option<ContentKind>,
        error: &ReadError,
    ) {
        let number = forest.pack.number(entry);
        let path = Some(forest.pack.path().display().to_string());
        report_failure(visitor, self.store.id(number), path, kind, error);
    }
}

/// One thread.
pub(super) struct Worker<'a, 's, V: BlobVisitor> {
    shared: &'a Shared<'s, V::State>,
    visitor: V,
    inflater: Inflater,
    delta: Vec<u8>,
    runs: Vec<CopyRun>,
    pool: Vec<Box<Live<V::State>>>,
    visited: u32,
}

/// Buffers above this are not kept for reuse.
const POOLED_BYTES: usize = 1 << 20;
/// Buffers kept for reuse at most.
const POOLED: usize = 32;

impl<'a, 's, V: BlobVisitor> Worker<'a, 's, V> {
    pub(super) fn new(shared: &'a Shared<'s, V::State>, visitor: V) -> Self {
        Self {
            shared,
            visitor,
            inflater: Inflater::default(),
            delta: Vec::new(),
            runs: Vec::new(),
            pool: Vec::new(),
            visited: 0,
        }
    }

    pub(super) fn run(mut self) {
        while let Some(work) = self.next() {
            let flow = self.work(work);
            // Whoever waits for work must hear that there is no more to come.
            self.shared.active.fetch_sub(1, Ordering::AcqRel);
            if flow.is_break() || self.shared.context.stopped() {
                self.shared.stop.store(true, Ordering::Release);
            }
            if self.shared.hungry.load(Ordering::Acquire) > 0 {
                let _guard = lock(&self.shared.given);
                self.shared.wake.notify_all();
            }
        }
    }

    fn work(&mut self, work: Work<V::State>) -> ControlFlow<()> {
        let shared = self.shared;
        match work {
            Work::Listed(range) => {
                shared.plan.tasks[range]
                    .iter()
                    .try_for_each(|task| match *task {
                        Task::Loose(number) => self.loose(number),
                        Task::Root { forest, entry } => self.root(forest as usize, entry),
                    })
            }
            Work::Given(Given {
                forest,
                parent,
                entry,
                kind,
            }) => {
                let frame = self.child(forest, &parent, entry, kind)?;
                drop(parent);
                frame.map_or(ControlFlow::Continue(()), |f| self.descend(forest, f, kind))
            }
        }
    }

    /// Takes the next work and counts this thread active, or returns `None` when all is done.
    fn next(&mut self) -> Option<Work<V::State>> {
        let shared = self.shared;
        if shared.stop.load(Ordering::Acquire) {
            return None;
        }
        shared.active.fetch_add(1, Ordering::AcqRel);
        let step = |i: usize| {
            if i < shared.plan.heavy_tasks {
                1
            } else {
                LIGHT_TASKS
            }
        };
        let taken = shared
            .next_task
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |i| {
                (i < shared.plan.tasks.len()).then(|| i + step(i))
            });
        if let Ok(i) = taken {
            return Some(Work::Listed(i..(i + step(i)).min(shared.plan.tasks.len())));
        }
        shared.active.fetch_sub(1, Ordering::AcqRel);
        let mut given = lock(&shared.given);
        loop {
            if let Some(child) = given.pop() {
                shared.active.fetch_add(1, Ordering::AcqRel);
                return Some(Work::Given(child));
            }
            if shared.stop.load(Ordering::Acquire) || shared.active.load(Ordering::Acquire) == 0 {
                shared.wake.notify_all();
                return None;
            }
            shared.hungry.fetch_add(1, Ordering::AcqRel);
            let wait = shared.wake.wait_timeout(given, Duration::from_millis(1));
            given = wait.unwrap_or_else(PoisonError::into_inner).0;
            shared.hungry.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn loose(&mut self, number: u32) -> ControlFlow<()> {
        let shared = self.shared;
        let code = &shared.loose_kinds.0[(number - shared.store.first_loose) as usize];
        let mut live = self.buffer();
        let limit = shared.limit();
        let wanted = |kind| shared.wanted.contains(&kind);
        let result =
            shared
                .store
                .read_loose_of(number, wanted, limit, &mut self.inflater, &mut live.bytes);
        let id = shared.store.id(number);
        match result {
            Ok(kind) => {
                code.store(kind_code(kind), Ordering::Relaxed);
                if shared.wanted.contains(&kind) {
                    let view = BlobView {
                        id: Some(id),
                        number,
                        kind,
                        bytes: &live.bytes,
                        path: None,
                        parent: None,
                        report: true,
                    };
                    self.visitor.blob(&view, &mut live.state)?;
                }
            }
            Err(error) => {
                if matches!(error, ReadError::TooLarge(_)) && self.loose_in_windows(number)? {
                    code.store(kind_code(ContentKind::Blob), Ordering::Relaxed);
                    self.recycle(live);
                    return ControlFlow::Continue(());
                }
                if self.rescue(number) {
                    self.recycle(live);
                    return ControlFlow::Continue(());
                }
                code.store(LOOSE_BAD, Ordering::Relaxed);
                let path = shared.store.loose_path(number).display().to_string();
                report_failure(&mut self.visitor, id, Some(path), None, &error);
            }
        }
        self.recycle(live);
        ControlFlow::Continue(())
    }

    fn root(&mut self, forest: usize, entry: u32) -> ControlFlow<()> {
        let shared = self.shared;
        let f = &shared.plan.forests[forest];
        let pack = f.pack;
        let e = pack.entry(entry);
        let limit = shared.limit();
        if e.kind() == EntryKind::Content(ContentKind::Blob)
            && pack.size(entry) > limit
            && self.entry_in_windows(f, entry)?
        {
            let kind = Some(ContentKind::Blob);
            self.fail_below(forest, entry, kind, &ReadError::too_large(pack.size(entry)));
            return ControlFlow::Continue(());
        }
        let many = shared.context.threads as u64 * 8;
        let _big: Option<MutexGuard<'_, ()>> =
            (pack.size(entry) > shared.context.max_memory_bytes / many).then(|| lock(&shared.big));
        let mut live = self.buffer();
        let (kind, result) = match e.kind() {
            EntryKind::External => {
                let number = pack.number(entry);
                match shared
                    .store
                    .read(number, limit, &mut self.inflater, &mut live.bytes)
                {
                    Ok(kind) => (Some(kind), Ok(())),
                    Err(error) => (None, Err(error)),
                }
            }
            EntryKind::Content(kind) => (
                Some(kind),
                pack.inflate(entry, limit, &mut self.inflater, &mut live.bytes),
            ),
            EntryKind::Broken => {
                self.fail(f, entry, None, &ReadError::broken());
                return ControlFlow::Continue(());
            }
        };
        if let Err(error) = result {
            self.fail_subtree(forest, entry, kind, &error);
            return ControlFlow::Continue(());
        }
        let Some(kind) = kind.filter(|k| shared.wanted.contains(k)) else {
            self.recycle(live);
            return ControlFlow::Continue(());
        };
        // A whole blob is guarded by zlib's own checksum; where its header's kind is damaged it
        // poses as something else, and is checked as that. A delta's header names its base.
        if kind != ContentKind::Blob {
            self.check(f, entry);
        }
        let number = pack.number(entry);
        let report = shared.reports(number);
        let Live { bytes, state } = &mut *live;
        let view = BlobView {
            id: shared.id(number),
            number,
            kind,
            bytes,
            path: None,
            parent: None,
            report,
        };
        if report || !f.is_leaf(entry) {
            self.visitor.blob(&view, state)?;
        }
        self.descend(forest, self.shared.frame(forest, entry, live), kind)
    }

    /// Visits everything below a frame.
    fn descend(
        &mut self,
        forest: usize,
        frame: Frame<V::State>,
        kind: ContentKind,
    ) -> ControlFlow<()> {
        let mut stack = vec![frame];
        while let Some(frame) = stack.last_mut() {
            let f = &self.shared.plan.forests[forest];
            let entry = frame.next;
            if entry == NONE {
                self.drop_frame(stack.pop());
                continue;
            }
            frame.next = f.next_sibling(entry);
            if frame.next == NONE {
                // The heaviest child comes last: its parent is not needed after it.
                let frame = stack.pop();
                let child = match &frame {
                    Some(frame) => self.child(forest, frame.holder.get(), entry, kind)?,
                    None => None,
                };
                self.drop_frame(frame);
                stack.extend(child);
            } else {
                let child = self.child(forest, frame.holder.get(), entry, kind)?;
                stack.extend(child);
            }
            if self.shared.hungry.load(Ordering::Relaxed) > 0 {
                self.give_away(forest, &mut stack, kind);
            }
        }
        ControlFlow::Continue(())
    }

    fn drop_frame(&mut self, frame: Option<Frame<V::State>>) {
        if let Some(Frame {
            holder: Holder::Own(live),
            ..
        }) = frame
        {
            self.recycle(live);
        }
    }

    /// Hands the children of the lowest frame that still has some to threads without work.
    fn give_away(&mut self, forest: usize, stack: &mut [Frame<V::State>], kind: ContentKind) {
        // The topmost frame goes on here, so that nobody gives away all it has.
        let Some((_, lower)) = stack.split_last_mut() else {
            return;
        };
        let Some(frame) = lower.iter_mut().find(|f| f.next != NONE) else {
            return;
        };
        let owned = std::mem::replace(&mut frame.holder, Holder::Own(Box::default()));
        let parent = match owned {
            Holder::Own(live) => Arc::new(*live),
            Holder::Shared(live) => live,
        };
        let f = &self.shared.plan.forests[forest];
        let mut given = lock(&self.shared.given);
        while frame.next != NONE {
            given.push(Given {
                forest,
                parent: Arc::clone(&parent),
                entry: frame.next,
                kind,
            });
            frame.next = f.next_sibling(frame.next);
        }
        frame.holder = Holder::Shared(parent);
        self.shared.wake.notify_all();
    }

    /// Decodes and visits one delta child; returns its frame if it has children of its own.
    fn child(
        &mut self,
        forest: usize,
        parent: &Live<V::State>,
        entry: u32,
        kind: ContentKind,
    ) -> ControlFlow<(), Option<Frame<V::State>>> {
        let shared = self.shared;
        self.visited = self.visited.wrapping_add(1);
        // Reading the clock is not free, so only now and then.
        if shared.stop.load(Ordering::Relaxed)
            || (self.visited.is_multiple_of(64) && shared.context.stopped())
        {
            return ControlFlow::Break(());
        }
        let f = &shared.plan.forests[forest];
        let limit = shared.limit();
        let mut live = self.buffer();
        let result = f
            .pack
            .inflate(entry, limit, &mut self.inflater, &mut self.delta)
            .and_then(|()| {
                delta::apply(
                    &parent.bytes,
                    &self.delta,
                    limit,
                    &mut live.bytes,
                    &mut self.runs,
                )
                .map_err(ReadError::from)
            });
        if let Err(error) = result {
            self.fail_subtree(forest, entry, Some(kind), &error);
            return ControlFlow::Continue(None);
        }
        self.check(f, entry);
        let number = f.pack.number(entry);
        let report = shared.reports(number);
        let leaf = f.is_leaf(entry);
        let Live { bytes, state } = &mut *live;
        let view = BlobView {
            id: shared.id(number),
            number,
            kind,
            bytes,
            path: None,
            parent: Some((&parent.state, &self.runs)),
            report,
        };
        if report || !leaf {
            self.visitor.blob(&view, state)?;
        }
        if leaf {
            self.recycle(live);
            return ControlFlow::Continue(None);
        }
        ControlFlow::Continue(Some(shared.frame(forest, entry, live)))
    }

    /// Reports an entry whose recorded checksum does not hold although it could be decoded.
    fn check(&mut self, forest: &Forest<'_>, entry: u32) {
        if !forest.pack.checksum_holds(entry) {
            let number = forest.pack.number(entry);
            self.visitor.issue(ScanIssue {
                kind: IssueKind::Corrupt,
                object: self.shared.id(number),
                path: Some(forest.pack.path().display().to_string()),
                message:
                    "the checksum that the pack index holds for this object is not the one of \
                          its bytes in the pack; what could be decoded was scanned"
                        .to_owned(),
            });
        }
    }

    /// Visits another copy of the object of an entry that cannot be decoded, or reports it.
    fn fail(
        &mut self,
        forest: &Forest<'_>,
        entry: u32,
        kind: Option<ContentKind>,
        error: &ReadError,
    ) {
        let number = forest.pack.number(entry);
        // What nobody knows the kind of is reported once, with the blobs.
        let due = kind.is_some() || self.shared.wanted.contains(&ContentKind::Blob);
        if self.shared.reports(number) && !self.rescue(number) && due {
            self.shared
                .fail(&mut self.visitor, forest, entry, kind, error);
        }
    }

    /// Visits an object from another copy of it than the one that should have been. Returns
    /// whether there is a readable one.
    fn rescue(&mut self, number: u32) -> bool {
        let shared = self.shared;
        let mut live = self.buffer();
        let kind = shared.store.copies(number).find_map(|copy| {
            shared
                .store
                .read(copy, shared.limit(), &mut self.inflater, &mut live.bytes)
                .ok()
        });
        let Some(kind) = kind else { return false };
        if shared.wanted.contains(&kind) {
            let view = BlobView {
                id: shared.id(number),
                number,
                kind,
                bytes: &live.bytes,
                path: None,
                parent: None,
                report: true,
            };
            // A visitor that wants to stop is heard at the next object.
            let _ = self.visitor.blob(&view, &mut live.state);
        }
        self.recycle(live);
        true
    }

    /// Reports an entry that cannot be decoded and all that depend on it.
    fn fail_subtree(
        &mut self,
        forest: usize,
        entry: u32,
        kind: Option<ContentKind>,
        error: &ReadError,
    ) {
        self.fail(&self.shared.plan.forests[forest], entry, kind, error);
        self.fail_below(forest, entry, kind, error);
    }

    /// Reports all entries that depend on one that cannot be decoded.
    fn fail_below(
        &mut self,
        forest: usize,
        entry: u32,
        kind: Option<ContentKind>,
        error: &ReadError,
    ) {
        let f = &self.shared.plan.forests[forest];
        let below = match error {
            ReadError::TooLarge(_) => {
                ReadError::TooLarge("its delta base is larger than the limit".to_owned())
            }
            _ => ReadError::Corrupt("the base of its delta cannot be decoded".to_owned()),
        };
        let mut stack = vec![entry];
        while let Some(at) = stack.pop() {
            let mut child = f.first_child(at);
            while child != NONE {
                stack.push(child);
                child = f.next_sibling(child);
            }
            if at != entry {
                self.fail(f, at, kind, &below);
            }
        }
    }

    #[expect(
        clippy::unnecessary_box_returns,
        reason = "what the pool gives and takes is boxed"
    )]
    fn buffer(&mut self) -> Box<Live<V::State>> {
        self.pool.pop().unwrap_or_default()
    }

    fn recycle(&mut self, live: Box<Live<V::State>>) {
        if live.bytes.capacity() <= POOLED_BYTES && self.pool.len() < POOLED {
            self.pool.push(live);
        }
    }
}
