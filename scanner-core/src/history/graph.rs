//! The commit graph, read from the objects themselves in the pass that scans their messages.

use super::NONE;
use crate::{
    model::{ObjectId, ScanIssue, SkipReason},
    source::{BlobView, BlobVisitor, ContentKind, WorkerFactory, git::ObjectStore},
};
use std::{
    collections::HashMap,
    ops::{ControlFlow, Range},
    sync::{Mutex, PoisonError},
};

/// One commit.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    /// Its object number.
    pub(crate) number: u32,
    /// Number of its tree, or [`NONE`] if that is not here.
    pub(crate) tree: u32,
    /// Committer's time, in seconds since 1970.
    pub(crate) time: i64,
    parents: Range<u32>,
}

/// All commits of a store, reachable or not.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) commits: Vec<Commit>,
    /// Indexes of commits; [`NONE`] for parents that are not here.
    parents: Vec<u32>,
    /// Index of the commit with each object number; [`NONE`] for other objects.
    by_number: Vec<u32>,
    /// Target's object number of each annotated tag that was read.
    pub(crate) tags: HashMap<u32, u32>,
    /// Commit (by index) and the id of a parent or tree of it that is not here.
    pub(crate) missing: Vec<(u32, ObjectId, ContentKind)>,
}

impl Graph {
    /// Index of the commit with an object number.
    pub(crate) fn find(&self, number: u32) -> Option<u32> {
        self.by_number
            .get(number as usize)
            .copied()
            .filter(|&c| c != NONE)
    }

    /// Indexes of a commit's parents that are here.
    pub(crate) fn parents(&self, commit: u32) -> impl Iterator<Item = u32> + '_ {
        let range = &self.commits[commit as usize].parents;
        let all = &self.parents[range.start as usize..range.end as usize];
        all.iter().copied().filter(|&p| p != NONE)
    }

    /// Follows tags from an object number to what they point at in the end.
    pub(crate) fn peel(&self, mut number: u32) -> u32 {
        // A chain of tags cannot be circular; the bound is for damaged stores.
        for _ in 0..64 {
            match self.tags.get(&number) {
                Some(&target) => number = target,
                None => break,
            }
        }
        number
    }

    /// Commits such that every commit comes before its parents.
    pub(crate) fn children_first(&self) -> Vec<u32> {
        let n = self.commits.len();
        let mut children = vec![0u32; n];
        for c in 0..n as u32 {
            for p in self.parents(c) {
                children[p as usize] += 1;
            }
        }
        let mut order: Vec<u32> = (0..n as u32)
            .filter(|&c| children[c as usize] == 0)
            .collect();
        let mut at = 0;
        while at < order.len() {
            for p in self.parents(order[at]) {
                children[p as usize] -= 1;
                if children[p as usize] == 0 {
                    order.push(p);
                }
            }
            at += 1;
        }
        order
    }
}

/// What an id that was read is the id of.
#[derive(Debug, Clone, Copy)]
enum Named {
    /// The tree of a commit of the part.
    Tree(u32),
    /// The parent with this position, of a commit of the part.
    Parent(u32, u32),
}

impl Named {
    /// The commit, and the kind of what it names.
    fn by(self) -> (u32, ContentKind) {
        match self {
            Self::Tree(commit) => (commit, ContentKind::Tree),
            Self::Parent(commit, _) => (commit, ContentKind::Commit),
        }
    }
}

/// Ids that are looked up together.
const AT_ONCE: usize = 256;

/// What one thread read.
#[derive(Debug, Default)]
struct Part {
    commits: Vec<Commit>,
    /// Object numbers; [`NONE`] for those not here.
    parents: Vec<u32>,
    tags: Vec<(u32, u32)>,
    missing: Vec<(u32, ObjectId, ContentKind)>,
    /// Ids not looked up yet, one after the other.
    ids: Vec<u8>,
    named: Vec<Named>,
}

impl Part {
    /// Notes what an id stands for, if it is one, to look it up later.
    fn name(&mut self, hex: &[u8], id_len: usize, named: Named) {
        let Ok(id) = ObjectId::from_hex(hex) else {
            return;
        };
        if id.as_bytes().len() == id_len {
            self.ids.extend_from_slice(id.as_bytes());
            self.named.push(named);
        } else {
            // The other hash's ids name nothing here.
            let (commit, kind) = named.by();
            self.missing.push((commit, id, kind));
        }
    }

    /// Looks up what was noted.
    fn resolve(&mut self, store: &ObjectStore) {
        let mut named = self.named.iter().zip(self.ids.chunks_exact(store.id_len()));
        store.find_all(&self.ids, |number| {
            let Some((&named, id)) = named.next() else {
                return;
            };
            match named {
                Named::Tree(commit) => self.commits[commit as usize].tree = number,
                Named::Parent(_, position) => self.parents[position as usize] = number,
            }
            if number == NONE
                && let Some(id) = ObjectId::from_bytes(id)
            {
                let (commit, kind) = named.by();
                self.missing.push((commit, id, kind));
            }
        });
        self.ids.clear();
        self.named.clear();
    }
}

/// Reads commits and tags while another visitor scans them.
#[derive(Debug)]
pub(crate) struct GraphReader<'a, F> {
    store: &'a ObjectStore,
    inner: &'a F,
    parts: Mutex<Vec<Part>>,
}

impl<'a, F: WorkerFactory> GraphReader<'a, F> {
    /// Reads for `store`, handing everything on to `inner`'s visitors.
    pub(crate) fn new(store: &'a ObjectStore, inner: &'a F) -> Self {
        Self {
            store,
            inner,
            parts: Mutex::new(Vec::new()),
        }
    }

    /// Puts together what the threads read.
    pub(crate) fn finish(self) -> Graph {
        let parts = self
            .parts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut graph = Graph::default();
        for mut part in parts {
            let (commits, parents) = (graph.commits.len() as u32, graph.parents.len() as u32);
            for c in &mut part.commits {
                c.parents = c.parents.start + parents..c.parents.end + parents;
            }
            graph.commits.append(&mut part.commits);
            graph.parents.append(&mut part.parents);
            graph.tags.extend(part.tags);
            graph.missing.extend(
                part.missing
                    .into_iter()
                    .map(|(c, id, k)| (c + commits, id, k)),
            );
        }
        graph.by_number = vec![NONE; self.store.len() as usize];
        for (index, commit) in graph.commits.iter().enumerate() {
            graph.by_number[commit.number as usize] = index as u32;
        }
        for p in &mut graph.parents {
            *p = graph.by_number.get(*p as usize).copied().unwrap_or(NONE);
        }
        graph
    }
}

impl<'a, F: WorkerFactory> WorkerFactory for &'a GraphReader<'a, F> {
    type Worker = GraphVisitor<'a, F::Worker>;
    fn worker(&self) -> Self::Worker {
        GraphVisitor {
            store: self.store,
            inner: self.inner.worker(),
            part: Part::default(),
            parts: &self.parts,
        }
    }
}

/// One thread of a [`GraphReader`].
pub(crate) struct GraphVisitor<'a, V> {
    store: &'a ObjectStore,
    inner: V,
    part: Part,
    parts: &'a Mutex<Vec<Part>>,
}

impl<V> Drop for GraphVisitor<'_, V> {
    fn drop(&mut self) {
        self.part.resolve(self.store);
        let part = std::mem::take(&mut self.part);
        self.parts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(part);
    }
}

impl<V> GraphVisitor<'_, V> {
    fn commit(&mut self, number: u32, bytes: &[u8]) {
        let (part, id_len) = (&mut self.part, self.store.id_len());
        let index = part.commits.len() as u32;
        let first_parent = part.parents.len() as u32;
        let mut time = 0;
        head_lines(bytes, |line| match line {
            HeadLine::Tree(hex) => part.name(hex, id_len, Named::Tree(index)),
            HeadLine::Parent(hex) => {
                let position = part.parents.len() as u32;
                part.parents.push(NONE);
                part.name(hex, id_len, Named::Parent(index, position));
            }
            HeadLine::Time(seconds) => time = seconds,
        });
        part.commits.push(Commit {
            number,
            tree: NONE,
            time,
            parents: first_parent..part.parents.len() as u32,
        });
        if part.named.len() >= AT_ONCE {
            part.resolve(self.store);
        }
    }

    fn tag(&mut self, number: u32, bytes: &[u8]) {
        if let Some(target) = tag_target(bytes).and_then(|id| self.store.find(id.as_bytes())) {
            self.part.tags.push((number, target));
        }
    }
}

/// A line of a commit's head that says how commits hang together.
pub(crate) enum HeadLine<'a> {
    /// Hexadecimal digits of the tree.
    Tree(&'a [u8]),
    /// Hexadecimal digits of a parent.
    Parent(&'a [u8]),
    /// The committer's time, in seconds since 1970.
    Time(i64),
}

/// Tells the lines of a commit's head, however broken the rest of it is.
pub(crate) fn head_lines<'a>(bytes: &'a [u8], mut tell: impl FnMut(HeadLine<'a>)) {
    for line in bytes.split(|&b| b == b'\n') {
        if let Some(hex) = line.strip_prefix(b"tree ") {
            tell(HeadLine::Tree(hex));
        } else if let Some(hex) = line.strip_prefix(b"parent ") {
            tell(HeadLine::Parent(hex));
        } else if let Some(person) = line.strip_prefix(b"committer ") {
            tell(HeadLine::Time(seconds_and_offset(person).0));
            break;
        } else if line.is_empty() {
            break;
        }
    }
}

/// What an annotated tag points at.
pub(crate) fn tag_target(bytes: &[u8]) -> Option<ObjectId> {
    let first = bytes.split(|&b| b == b'\n').next()?;
    ObjectId::from_hex(first.strip_prefix(b"object ")?).ok()
}

/// Reads the end of a person line: seconds since 1970, and the clock's offset in minutes.
pub(crate) fn seconds_and_offset(person: &[u8]) -> (i64, i32) {
    let after = memchr::memrchr(b'>', person).map_or(&[][..], |p| &person[p + 1..]);
    let text = std::str::from_utf8(after).unwrap_or_default();
    let mut words = text.split_ascii_whitespace();
    let seconds = words.next().and_then(|s| s.parse().ok()).unwrap_or(0);
    let zone: i32 = words.next().and_then(|z| z.parse().ok()).unwrap_or(0);
    // Zones are written as hours and minutes in one number: +0530.
    (seconds, zone / 100 * 60 + zone % 100)
}

impl<V: BlobVisitor> BlobVisitor for GraphVisitor<'_, V> {
    type State = V::State;

    fn blob(&mut self, view: &BlobView<'_, V::State>, state: &mut V::State) -> ControlFlow<()> {
        if view.report {
            match view.kind {
                ContentKind::Commit => self.commit(view.number, view.bytes),
                ContentKind::Tag => self.tag(view.number, view.bytes),
                ContentKind::Blob | ContentKind::Tree => {}
            }
        }
        self.inner.blob(view, state)
    }

    fn skipped(&mut self, kind: ContentKind, id: Option<ObjectId>, reason: SkipReason) {
        self.inner.skipped(kind, id, reason);
    }

    fn issue(&mut self, issue: ScanIssue) {
        self.inner.issue(issue);
    }
}

#[cfg(test)]
mod tests {
    use super::seconds_and_offset;

    #[test]
    fn person_lines_end_in_seconds_and_zone() {
        assert_eq!(
            seconds_and_offset(b"A <a@b> 1700000000 +0530"),
            (1_700_000_000, 330)
        );
        assert_eq!(seconds_and_offset(b"A <a@b> 5 -0330"), (5, -210));
        assert_eq!(seconds_and_offset(b"A > <a@b> -5 +0000"), (-5, 0));
        assert_eq!(seconds_and_offset(b"nothing here"), (0, 0));
    }
}
