//! Scans the content of a push: in one go as it is stored, or commit by commit.

use super::{KnownRefs, PushScan, known_groups};
use crate::{
    history::{
        NumberSet,
        changes::closure,
        new_commits::{MOST_BYTES, tree_of},
    },
    model::ObjectId,
    scan::{Phase, worker::Visitors},
    source::{
        BlobView, BlobVisitor, ContentKind, VisitContext, WorkerFactory,
        git::{IncomingObjects, IncomingReader, ObjectStore, Selection, report_failure},
    },
};
use std::collections::HashSet;

/// Blobs that did not come with the push from which on it pays to find out first which of them
/// stood in the parents' trees, under another name.
const MANY_BORROWED: usize = 256;

/// Branches whose trees count as known; those of a server with more are mostly the same.
const MOST_TIPS: usize = 1000;

/// Objects from which on threads share the reading of what is not in quarantine.
const WORTH_THREADS: usize = 64;

/// A push of fewer objects and bytes, compressed, than these is scanned by one thread.
const SMALL_OBJECTS: u32 = 500;
const SMALL_BYTES: u64 = 1 << 20;

const ALL: [ContentKind; 3] = [ContentKind::Blob, ContentKind::Commit, ContentKind::Tag];

impl PushScan<'_> {
    /// Scans all that lies in quarantine.
    pub(super) fn scan_quarantine(&mut self) {
        self.traverse(Selection::All);
        self.hits = self.collector.content_ids();
    }

    /// Scans what the push uses and did not bring along.
    pub(super) fn scan_borrowed(&mut self) {
        let mut borrowed = std::mem::take(&mut self.changed.borrowed);
        if borrowed.len() > MANY_BORROWED {
            let stood = self.stood_before();
            borrowed.retain(|blob| !stood.contains(blob));
        }
        let commits = self.new.commits.iter().map(|commit| commit.id);
        let messages = commits.chain(self.new.tags.iter().copied());
        borrowed.extend(messages.filter(|id| !self.reader.came(id)));
        self.read_and_scan(&borrowed);
    }

    /// Scans commit by commit, the newest first, in rounds that grow.
    pub(super) fn scan_newest_first(&mut self) {
        let stood = if self.changed.borrowed.len() > MANY_BORROWED {
            self.stood_before()
        } else {
            HashSet::new()
        };
        let total = self.new.commits.len();
        let of_commit = std::mem::take(&mut self.changed.of_commit);
        let tips_own = self.changed.of_no_commit.clone();
        let mut scanned = NumberSet::new(self.quarantined());
        // Tags, and refs that end at no commit, are few, and no later scan of commits has them.
        let mut first = self.new.tags.clone();
        first.extend(tips_own);
        self.scan_some(&first, &mut scanned);
        let (mut done, mut round) = (0, 1);
        while done < total && !self.run.context.stopped() {
            let commits = done..total.min(done + round);
            let mut wanted: Vec<ObjectId> = of_commit[commits.clone()]
                .iter()
                .flatten()
                .copied()
                .collect();
            wanted.retain(|blob| !stood.contains(blob));
            let ids = self.new.commits[commits.clone()].iter().map(|c| c.id);
            wanted.extend(ids);
            self.scan_some(&wanted, &mut scanned);
            if self.run.context.stopped() {
                break;
            }
            done = commits.end;
            round *= 4;
        }
        if done < total || self.run.context.stopped() {
            let left = self.new.commits[done..].iter();
            self.unscanned = left.map(|commit| commit.id).collect();
        }
        // What came and nothing that was looked at refers to.
        let words = scanned.words().iter().map(|word| !word).collect();
        let others = NumberSet::from_words(words);
        self.traverse(Selection::Numbers(others.words()));
    }

    /// Scans some objects, wherever they are.
    fn scan_some(&mut self, wanted: &[ObjectId], scanned: &mut NumberSet) {
        let mut now = NumberSet::new(self.quarantined());
        let mut elsewhere = Vec::new();
        for id in wanted {
            let store = self.incoming.quarantine.as_ref();
            match store.and_then(|store| store.find(id.as_bytes())) {
                Some(number) if scanned.insert(number) => {
                    now.insert(number);
                }
                Some(_) => {}
                None => elsewhere.push(*id),
            }
        }
        if now.len() > 0 {
            self.traverse(Selection::Numbers(now.words()));
        }
        self.read_and_scan(&elsewhere);
    }

    /// Number of objects in quarantine.
    fn quarantined(&self) -> u32 {
        self.incoming
            .quarantine
            .as_ref()
            .map_or(0, ObjectStore::len)
    }

    fn traverse(&mut self, selection: Selection<'_>) {
        let (Some(store), Some(loose)) = (&self.incoming.quarantine, &self.loose) else {
            return;
        };
        self.run
            .observer
            .phase(Phase::Blobs, store.count(ContentKind::Blob), 0);
        // Starting threads, each with its tables, takes longer than most pushes.
        let small = store.len() < SMALL_OBJECTS && self.stored_bytes < SMALL_BYTES;
        let context = VisitContext {
            threads: if small { 1 } else { self.run.context.threads },
            ..*self.run.context
        };
        store.traverse(&ALL, selection, loose, &context, &self.visitors());
    }

    /// Reads objects one by one and scans them.
    fn read_and_scan(&mut self, ids: &[ObjectId]) {
        let fresh: Vec<ObjectId> = ids
            .iter()
            .copied()
            .filter(|id| self.visited.insert(*id))
            .collect();
        let first = self.quarantined().saturating_add(self.visited.len() as u32);
        let visitors = self.visitors();
        let context = self.run.context;
        if context.threads <= 1 || fresh.len() < WORTH_THREADS {
            let mut reader = self.incoming.reader();
            visit(&mut reader, &fresh, first, context, visitors.worker());
            return;
        }
        let share = fresh.len().div_ceil(context.threads);
        let incoming: &IncomingObjects = self.incoming;
        std::thread::scope(|scope| {
            for (at, part) in fresh.chunks(share).enumerate() {
                let first = first.saturating_add((at * share) as u32);
                let visitors: &Visitors<'_> = &visitors;
                scope.spawn(move || {
                    let mut reader = incoming.reader();
                    visit(&mut reader, part, first, context, visitors.worker());
                });
            }
        });
    }

    /// All blobs in the trees of the commits that the new ones build on, and in those of branches:
    /// what a push takes from there was known before.
    pub(super) fn stood_before(&mut self) -> HashSet<ObjectId> {
        let mut commits = self.new.boundary.clone();
        commits.extend(self.moved.iter().take(MOST_TIPS));
        // A new ref to a known commit brings nothing; but where some commits alone are looked at, the
        // tip is one of those that were looked at before.
        if !matches!(self.known, KnownRefs::AllBut(_)) {
            let ends = self.new.tips.iter().flatten().map(|tip| tip.id);
            commits.extend(ends.filter(|id| !self.new.index.contains_key(id)));
        }
        let groups = known_groups(self.repository, self.known, self.updates, &mut Vec::new());
        // The groups after `HEAD` and the branches are tags and what servers keep for themselves.
        commits.extend(groups.iter().take(2).flatten().take(MOST_TIPS));
        commits.sort_unstable();
        commits.dedup();
        let mut roots = Vec::new();
        for commit in commits {
            // One that cannot be read was told of with the changes.
            roots.extend(tree_of(commit, &mut self.reader).ok().flatten());
        }
        let id_len = self.repository.hash().id_len();
        closure(&mut self.reader, &roots, id_len)
    }
}

/// Hands objects to a visitor.
fn visit<V: BlobVisitor>(
    reader: &mut IncomingReader<'_>,
    ids: &[ObjectId],
    first: u32,
    context: &VisitContext<'_>,
    mut visitor: V,
) {
    let limit = context.max_blob_bytes.min(context.max_memory_bytes);
    let mut state = V::State::default();
    let mut bytes = Vec::new();
    for (id, number) in ids.iter().zip(first..) {
        if context.stopped() {
            return;
        }
        let kind = match reader.read(id, limit.min(MOST_BYTES), &mut bytes) {
            Ok(kind) => kind,
            Err(error) => {
                report_failure(&mut visitor, *id, None, None, &error);
                continue;
            }
        };
        if !ALL.contains(&kind) {
            continue;
        }
        let view = BlobView {
            id: Some(*id),
            number,
            kind,
            bytes: &bytes,
            path: None,
            parent: None,
            report: true,
        };
        if visitor.blob(&view, &mut state).is_break() {
            return;
        }
    }
}
