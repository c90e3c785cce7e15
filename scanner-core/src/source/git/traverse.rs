//! Decodes every object of some kinds exactly once, driven by the packs' delta trees.
//!
//! Each base is inflated once and each delta applied to its parent's buffer while that is still
//! in cache; the visitor sees every object with the ranges it copies from its parent. Within a
//! delta tree the child with the heaviest subtree is visited last and then takes over from its
//! parent, whose buffer is freed first: so at most a logarithmic number of buffers live at once,
//! however long the chains. Threads take roots from one list, heaviest first, and when that is
//! empty they take over children from a thread that still has some.

use super::{
    delta,
    error::ReadError,
    inflate::Inflater,
    store::{EntryKind, NONE, ObjectStore, Pack},
};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue, SkipReason},
    source::{BlobView, BlobVisitor, ContentKind, CopyRun, VisitContext, WorkerFactory},
};
use std::{
    ops::{ControlFlow, Range},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

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

/// The delta forest of one pack for one traversal.
struct Forest<'s> {
    pack: &'s Pack,
    /// Heaviest child of each entry; visited last.
    heavy: Vec<u32>,
    /// First child other than the heaviest.
    first_light: Vec<u32>,
    /// Next sibling, the heaviest left out.
    next_light: Vec<u32>,
}

/// One unit of work.
#[derive(Clone, Copy)]
enum Task {
    /// A root of a pack's delta forest.
    Root { forest: usize, entry: u32 },
    /// A loose object.
    Loose(u32),
}

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

/// A decoded object and what its visitor keeps of it.
struct Live<S> {
    bytes: Vec<u8>,
    state: S,
}

/// A live object, shared once children of it have been given away.
enum Holder<S> {
    Own(Live<S>),
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
    light: u32,
    heavy: u32,
}

/// What all threads share.
struct Shared<'s, S> {
    store: &'s ObjectStore,
    forests: Vec<Forest<'s>>,
    selection: Selection<'s>,
    wanted: &'s [ContentKind],
    context: &'s VisitContext<'s>,
    loose_kinds: &'s [AtomicU8],
    /// Roots whose subtrees are heavy, the heaviest first; then the others in the order of the
    /// pack, because reading that in order is what the machine does best; then loose objects.
    tasks: Vec<Task>,
    heavy_tasks: usize,
    next_task: AtomicUsize,
    given: Mutex<Vec<Given<S>>>,
    wake: Condvar,
    hungry: AtomicUsize,
    active: AtomicUsize,
    stop: AtomicBool,
    /// Held while objects live that take a large part of the memory budget.
    big: Mutex<()>,
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
        let shared = Shared::new(self, wanted, selection, &loose_kinds.0, context);
        if context.threads <= 1 || shared.tasks.len() <= 1 {
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

    /// Counts packed canonical objects of a kind.
    pub(crate) fn count(&self, kind: ContentKind) -> u64 {
        self.packs
            .iter()
            .map(|p| {
                (0..p.entries.len() as u32)
                    .filter(|&e| p.entries[e as usize].kind == EntryKind::Content(kind))
                    .filter(|&e| p.number(e) != NONE && !self.is_duplicate(p.number(e)))
                    .count() as u64
            })
            .sum()
    }
}

impl<'s, S: Default + Send + Sync> Shared<'s, S> {
    fn new(
        store: &'s ObjectStore,
        wanted: &'s [ContentKind],
        selection: Selection<'s>,
        loose_kinds: &'s [AtomicU8],
        context: &'s VisitContext<'s>,
    ) -> Self {
        let all = store.len();
        let everything =
            matches!(selection, Selection::All) && !(0..all).any(|n| store.is_duplicate(n));
        let mut roots: Vec<(u64, Task)> = Vec::new();
        let mut forests = Vec::new();
        for (index, pack) in store.packs.iter().enumerate() {
            let (forest, weights) = Forest::new(pack);
            let needed = (!everything).then(|| {
                let wanted = |e: u32| {
                    let number = pack.number(e);
                    number != NONE && selection.holds(number) && !store.is_duplicate(number)
                };
                forest.needed(wanted)
            });
            for entry in 0..pack.entries.len() as u32 {
                let e = &pack.entries[entry as usize];
                // Entries whose chain is broken are no one's children.
                let inner = e.base != NONE && e.kind != EntryKind::Broken;
                if inner || needed.as_ref().is_some_and(|n| !n[entry as usize]) {
                    continue;
                }
                let take = match e.kind {
                    EntryKind::Content(kind) => wanted.contains(&kind),
                    EntryKind::External | EntryKind::Broken => true,
                };
                if take {
                    roots.push((
                        weights[entry as usize],
                        Task::Root {
                            forest: index,
                            entry,
                        },
                    ));
                }
            }
            forests.push(forest.pruned(needed.as_deref()));
        }
        // What would keep one thread busy for a good part of its share must not come last.
        let total: u64 = roots.iter().map(|(weight, _)| weight).sum();
        let heavy = (total / (context.threads as u64 * 64)).max(1);
        let (mut first, rest): (Vec<_>, Vec<_>) = roots.into_iter().partition(|r| r.0 > heavy);
        first.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let heavy_tasks = first.len();
        let mut tasks: Vec<Task> = first
            .into_iter()
            .chain(rest)
            .map(|(_, task)| task)
            .collect();
        for i in 0..store.loose.len() as u32 {
            let number = store.first_loose + i;
            let known = loose_kinds[i as usize].load(Ordering::Relaxed);
            let maybe = known == 0 || wanted.iter().any(|&k| kind_code(k) == known);
            if maybe && selection.holds(number) && !store.is_duplicate(number) {
                tasks.push(Task::Loose(number));
            }
        }
        Self {
            store,
            forests,
            selection,
            wanted,
            context,
            loose_kinds,
            tasks,
            heavy_tasks,
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

impl<'s> Forest<'s> {
    /// Links children to parents. Returns the forest and each entry's subtree weight.
    fn new(pack: &'s Pack) -> (Self, Vec<u64>) {
        let n = pack.entries.len();
        // What an entry costs beside its bytes, in bytes' worth of time.
        let mut weights: Vec<u64> = pack
            .entries
            .iter()
            .map(|e| e.size.min(1 << 40) + 64)
            .collect();
        // Bases come before their offset deltas, so one pass from the end sums subtrees; chains of
        // reference deltas that run the other way only get a poorer order.
        for i in (0..n).rev() {
            let base = pack.entries[i].base;
            if base != NONE {
                weights[base as usize] = weights[base as usize].saturating_add(weights[i]);
            }
        }
        let mut heavy = vec![NONE; n];
        for i in 0..n {
            let base = pack.entries[i].base;
            if base != NONE {
                let best = &mut heavy[base as usize];
                if *best == NONE || weights[i] > weights[*best as usize] {
                    *best = i as u32;
                }
            }
        }
        let (mut first_light, mut next_light) = (vec![NONE; n], vec![NONE; n]);
        for i in (0..n).rev() {
            let base = pack.entries[i].base;
            if base != NONE && heavy[base as usize] != i as u32 {
                next_light[i] = first_light[base as usize];
                first_light[base as usize] = i as u32;
            }
        }
        (
            Self {
                pack,
                heavy,
                first_light,
                next_light,
            },
            weights,
        )
    }

    /// Marks wanted entries and all their ancestors.
    fn needed(&self, wanted: impl Fn(u32) -> bool) -> Vec<bool> {
        let n = self.pack.entries.len();
        let mut needed = vec![false; n];
        for start in 0..n as u32 {
            if !wanted(start) {
                continue;
            }
            let mut at = start;
            while at != NONE && !needed[at as usize] {
                needed[at as usize] = true;
                at = self.pack.entries[at as usize].base;
            }
        }
        needed
    }

    /// Unlinks entries that are not needed.
    fn pruned(mut self, needed: Option<&[bool]>) -> Self {
        let Some(needed) = needed else { return self };
        let n = self.pack.entries.len();
        let keep = |e: u32| e != NONE && needed[e as usize];
        for i in 0..n {
            let mut kept = NONE;
            let mut child = self.first_light[i];
            while child != NONE {
                let next = self.next_light[child as usize];
                if keep(child) {
                    self.next_light[child as usize] = kept;
                    kept = child;
                }
                child = next;
            }
            self.first_light[i] = kept;
            if !keep(self.heavy[i]) {
                self.heavy[i] = NONE;
            }
        }
        self
    }

    fn is_leaf(&self, entry: u32) -> bool {
        self.heavy[entry as usize] == NONE && self.first_light[entry as usize] == NONE
    }
}

/// One thread.
struct Worker<'a, 's, V: BlobVisitor> {
    shared: &'a Shared<'s, V::State>,
    visitor: V,
    inflater: Inflater,
    delta: Vec<u8>,
    runs: Vec<CopyRun>,
    pool: Vec<Live<V::State>>,
    visited: u32,
}

/// Buffers above this are not kept for reuse.
const POOLED_BYTES: usize = 1 << 20;
/// Buffers kept for reuse at most.
const POOLED: usize = 32;

impl<'a, 's, V: BlobVisitor> Worker<'a, 's, V> {
    fn new(shared: &'a Shared<'s, V::State>, visitor: V) -> Self {
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

    fn run(mut self) {
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
            Work::Listed(range) => shared.tasks[range].iter().try_for_each(|task| match *task {
                Task::Loose(number) => self.loose(number),
                Task::Root { forest, entry } => self.root(forest, entry),
            }),
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
            if i < shared.heavy_tasks {
                1
            } else {
                LIGHT_TASKS
            }
        };
        let taken = shared
            .next_task
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |i| {
                (i < shared.tasks.len()).then(|| i + step(i))
            });
        if let Ok(i) = taken {
            return Some(Work::Listed(i..(i + step(i)).min(shared.tasks.len())));
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
        let code = &shared.loose_kinds[(number - shared.store.first_loose) as usize];
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
        let f = &shared.forests[forest];
        let pack = f.pack;
        let e = &pack.entries[entry as usize];
        let limit = shared.limit();
        let many = shared.context.threads as u64 * 8;
        let _big: Option<MutexGuard<'_, ()>> =
            (e.size > shared.context.max_memory_bytes / many).then(|| lock(&shared.big));
        let mut live = self.buffer();
        let (kind, result) = match e.kind {
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
        let Live { bytes, state } = &mut live;
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
            let f = &self.shared.forests[forest];
            let entry = if frame.light == NONE {
                // The heaviest child comes last: its parent is not needed after it.
                let last = stack.pop().expect("the loop's condition saw a frame");
                if last.heavy == NONE {
                    if let Holder::Own(live) = last.holder {
                        self.recycle(live);
                    }
                    continue;
                }
                let child = self.child(forest, last.holder.get(), last.heavy, kind)?;
                if let Holder::Own(live) = last.holder {
                    self.recycle(live);
                }
                stack.extend(child);
                if self.shared.hungry.load(Ordering::Relaxed) > 0 {
                    self.give_away(forest, &mut stack, kind);
                }
                continue;
            } else {
                let entry = frame.light;
                frame.light = f.next_light[entry as usize];
                entry
            };
            let child = self.child(forest, frame.holder.get(), entry, kind)?;
            stack.extend(child);
            if self.shared.hungry.load(Ordering::Relaxed) > 0 {
                self.give_away(forest, &mut stack, kind);
            }
        }
        ControlFlow::Continue(())
    }

    /// Hands the children of the lowest frame that still has some to threads without work.
    fn give_away(&mut self, forest: usize, stack: &mut [Frame<V::State>], kind: ContentKind) {
        // The topmost frame goes on here, so that nobody gives away all it has.
        let Some((_, lower)) = stack.split_last_mut() else {
            return;
        };
        let Some(frame) = lower
            .iter_mut()
            .find(|f| f.light != NONE || f.heavy != NONE)
        else {
            return;
        };
        let owned = std::mem::replace(
            &mut frame.holder,
            Holder::Own(Live {
                bytes: Vec::new(),
                state: V::State::default(),
            }),
        );
        let parent = match owned {
            Holder::Own(live) => Arc::new(live),
            Holder::Shared(live) => live,
        };
        let f = &self.shared.forests[forest];
        let mut given = lock(&self.shared.given);
        let mut push = |entry| {
            given.push(Given {
                forest,
                parent: Arc::clone(&parent),
                entry,
                kind,
            });
        };
        while frame.light != NONE {
            push(frame.light);
            frame.light = f.next_light[frame.light as usize];
        }
        if frame.heavy != NONE {
            push(frame.heavy);
            frame.heavy = NONE;
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
        let f = &shared.forests[forest];
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
        let Live { bytes, state } = &mut live;
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
        let f = &self.shared.forests[forest];
        self.fail(f, entry, kind, error);
        let below = match error {
            ReadError::TooLarge(_) => {
                ReadError::TooLarge("its delta base is larger than the limit".to_owned())
            }
            _ => ReadError::Corrupt("the base of its delta cannot be decoded".to_owned()),
        };
        let mut stack = vec![entry];
        while let Some(at) = stack.pop() {
            let mut child = f.first_light[at as usize];
            while child != NONE {
                stack.push(child);
                child = f.next_light[child as usize];
            }
            if f.heavy[at as usize] != NONE {
                stack.push(f.heavy[at as usize]);
            }
            if at != entry {
                self.fail(f, at, kind, &below);
            }
        }
    }

    fn buffer(&mut self) -> Live<V::State> {
        self.pool.pop().unwrap_or_else(|| Live {
            bytes: Vec::new(),
            state: V::State::default(),
        })
    }

    fn recycle(&mut self, live: Live<V::State>) {
        if live.bytes.capacity() <= POOLED_BYTES && self.pool.len() < POOLED {
            self.pool.push(live);
        }
    }
}

impl<S> Shared<'_, S> {
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

    fn frame(&self, forest: usize, entry: u32, live: Live<S>) -> Frame<S> {
        let f = &self.forests[forest];
        Frame {
            holder: Holder::Own(live),
            light: f.first_light[entry as usize],
            heavy: f.heavy[entry as usize],
        }
    }
}

/// Locks; a panic of another thread leaves nothing here half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
