//! One pass over tree objects, that keeps of each only the entries that matter.
//!
//! A tree that is a delta takes over its parent's entries where a shared range holds them whole,
//! so only entries that the delta brings are parsed and looked up.

use super::NONE;
use crate::{
    model::{IssueKind, ObjectId, ScanIssue, SkipReason},
    source::{BlobView, BlobVisitor, ContentKind, CopyRun, WorkerFactory, git::ObjectStore},
};
use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Object numbers from here on stand for objects that are not in the store.
pub(crate) const FIRST_MISSING: u32 = 0xC000_0000;

/// An entry that was kept: number of its name, and of its object.
pub(crate) type Kept = (u32, u32);

/// Which entries to keep.
#[derive(Clone, Copy)]
pub(crate) enum Keep<'a> {
    /// Subtrees, what is missing, and blobs for which the function holds.
    Leading(&'a (dyn Fn(u32) -> bool + Sync)),
    /// All blobs; told to the function with the tree's number.
    Blobs(&'a (dyn Fn(u32, &mut dyn Iterator<Item = u32>) + Sync)),
}

/// Where a tree's kept entries are.
#[derive(Debug, Clone, Copy)]
struct Place {
    part: u32,
    start: u32,
    len: u32,
}

const NOWHERE: Place = Place {
    part: NONE,
    start: 0,
    len: 0,
};

/// The kept entries of all trees.
#[derive(Debug, Default)]
pub(crate) struct TreeIndex {
    places: Vec<Place>,
    parts: Vec<Vec<Kept>>,
    /// Names by number.
    pub(crate) names: Vec<Box<[u8]>>,
    /// Ids from number [`FIRST_MISSING`] on, and whether each is a tree.
    pub(crate) missing: Vec<(ObjectId, bool)>,
}

impl TreeIndex {
    /// The kept entries of a tree; `None` when it was not read.
    pub(crate) fn get(&self, tree: u32) -> Option<&[Kept]> {
        let place = self.places.get(tree as usize).filter(|p| p.part != NONE)?;
        let start = place.start as usize;
        Some(&self.parts[place.part as usize][start..start + place.len as usize])
    }

    /// Numbers of all trees that were read.
    pub(crate) fn trees(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.places.len() as u32).filter(|&t| self.places[t as usize].part != NONE)
    }
}

#[derive(Debug, Default)]
struct Names {
    by_name: HashMap<Box<[u8]>, u32>,
    list: Vec<Box<[u8]>>,
}

#[derive(Debug, Default)]
struct Missing {
    by_id: HashMap<ObjectId, u32>,
    list: Vec<(ObjectId, bool)>,
}

#[derive(Debug, Default)]
struct Part {
    places: Vec<(u32, u32, u32)>,
    kept: Vec<Kept>,
    issues: Vec<ScanIssue>,
    read: u64,
}

/// Reads trees.
pub(crate) struct TreeReader<'a> {
    store: &'a ObjectStore,
    keep: Keep<'a>,
    progress: &'a (dyn Fn(u64, u64) + Sync),
    names: Mutex<Names>,
    missing: Mutex<Missing>,
    parts: Mutex<Vec<Part>>,
}

impl<'a> TreeReader<'a> {
    /// Reads trees of `store`; `progress` is told objects and bytes.
    pub(crate) fn new(
        store: &'a ObjectStore,
        keep: Keep<'a>,
        progress: &'a (dyn Fn(u64, u64) + Sync),
    ) -> Self {
        Self {
            store,
            keep,
            progress,
            names: Mutex::default(),
            missing: Mutex::default(),
            parts: Mutex::default(),
        }
    }

    /// Puts together what the threads read: the index, problems, and the number of trees.
    pub(crate) fn finish(self) -> (TreeIndex, Vec<ScanIssue>, u64) {
        let parts = self
            .parts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut index = TreeIndex {
            places: vec![NOWHERE; self.store.len() as usize],
            parts: Vec::new(),
            names: self
                .names
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .list,
            missing: self
                .missing
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .list,
        };
        let (mut issues, mut read) = (Vec::new(), 0);
        for (i, part) in parts.into_iter().enumerate() {
            for (tree, start, len) in part.places {
                index.places[tree as usize] = Place {
                    part: i as u32,
                    start,
                    len,
                };
            }
            index.parts.push(part.kept);
            issues.extend(part.issues);
            read += part.read;
        }
        (index, issues, read)
    }
}

impl<'a> WorkerFactory for &'a TreeReader<'a> {
    type Worker = TreeVisitor<'a>;
    fn worker(&self) -> TreeVisitor<'a> {
        TreeVisitor {
            reader: self,
            part: Part::default(),
            names: HashMap::new(),
            untold: (0, 0),
        }
    }
}

/// One thread of a [`TreeReader`].
pub(crate) struct TreeVisitor<'a> {
    reader: &'a TreeReader<'a>,
    part: Part,
    names: HashMap<Box<[u8]>, u32>,
    untold: (u64, u64),
}

/// What is kept of a live tree for its delta children.
#[derive(Debug, Default)]
pub(crate) struct TreeState {
    /// End of each entry.
    ends: Vec<u32>,
    /// Kept entries: start, name, object.
    items: Vec<(u32, u32, u32)>,
}

impl TreeVisitor<'_> {
    /// Reads a tree's entries into `state`; `false` when it is malformed.
    fn read(
        &mut self,
        bytes: &[u8],
        parent: Option<(&TreeState, &[CopyRun])>,
        state: &mut TreeState,
    ) -> bool {
        state.ends.clear();
        state.items.clear();
        let mut runs = parent.map_or(&[][..], |(_, runs)| runs);
        let mut at = 0;
        while at < bytes.len() {
            while let Some((first, rest)) = runs.split_first() {
                if first.child_start + first.len > at {
                    break;
                }
                runs = rest;
            }
            let run = runs.first().filter(|r| r.child_start <= at);
            if let (Some(run), Some((parent, _))) = (run, parent)
                && let Some(end) = take_over(parent, run, at, state)
            {
                at = end;
                continue;
            }
            match self.parse(bytes, at, state) {
                Some(end) => at = end,
                None => return false,
            }
        }
        true
    }

    /// Parses the entry at `at`: mode in octal, space, name, NUL, id. Returns its end.
    fn parse(&mut self, bytes: &[u8], at: usize, state: &mut TreeState) -> Option<usize> {
        let rest = &bytes[at..];
        let space = memchr::memchr(b' ', &rest[..rest.len().min(8)])?;
        let nul = space + 1 + memchr::memchr(0, &rest[space + 1..])?;
        let end = nul + 1 + self.reader.store.id_len();
        let id = rest.get(nul + 1..end)?;
        let (mode, name) = (&rest[..space], &rest[space + 1..nul]);
        state.ends.push((at + end) as u32);
        let is_tree = matches!(mode, b"40000" | b"040000");
        if mode == b"160000" {
            return Some(at + end);
        }
        let object = self.reader.store.find(id);
        let keep = match self.reader.keep {
            Keep::Leading(wanted) => is_tree || object.is_none_or(wanted),
            Keep::Blobs(_) => !is_tree && object.is_some(),
        };
        if keep {
            let object = object.unwrap_or_else(|| self.missing(id, is_tree));
            let name = match self.reader.keep {
                Keep::Leading(_) => self.name(name),
                Keep::Blobs(_) => 0,
            };
            state.items.push((at as u32, name, object));
        }
        Some(at + end)
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        if let Some(&number) = self.names.get(name) {
            return number;
        }
        let number = {
            let mut names = lock(&self.reader.names);
            let next = names.list.len() as u32;
            let number = *names.by_name.entry(name.into()).or_insert(next);
            if number == next {
                names.list.push(name.into());
            }
            number
        };
        self.names.insert(name.into(), number);
        number
    }

    fn missing(&self, id: &[u8], is_tree: bool) -> u32 {
        let Some(id) = ObjectId::from_bytes(id) else {
            return NONE;
        };
        let mut missing = lock(&self.reader.missing);
        let next = missing.list.len() as u32;
        let number = *missing.by_id.entry(id).or_insert(next);
        if number == next {
            missing.list.push((id, is_tree));
        }
        FIRST_MISSING + number
    }
}

/// Takes over the parent's entries that lie whole inside `run`, from the one that stands at `at`
/// in the child. Returns the end of the last, or `None` when no entry of the parent starts there.
fn take_over(parent: &TreeState, run: &CopyRun, at: usize, state: &mut TreeState) -> Option<usize> {
    let from = (at - run.child_start + run.parent_start) as u32;
    let first = parent.ends.partition_point(|&e| e <= from);
    let starts_here = if first == 0 {
        from == 0
    } else {
        parent.ends[first - 1] == from
    };
    let run_end = (run.parent_start + run.len) as u32;
    let after = first + parent.ends[first..].partition_point(|&e| e <= run_end);
    if !starts_here || after == first {
        return None;
    }
    let to = parent.ends[after - 1];
    let shift = (at as u32).wrapping_sub(from);
    state.ends.extend(
        parent.ends[first..after]
            .iter()
            .map(|e| e.wrapping_add(shift)),
    );
    let first_item = parent.items.partition_point(|i| i.0 < from);
    let items = parent.items[first_item..].iter().take_while(|i| i.0 < to);
    state
        .items
        .extend(items.map(|&(start, name, object)| (start.wrapping_add(shift), name, object)));
    Some(to.wrapping_add(shift) as usize)
}

impl BlobVisitor for TreeVisitor<'_> {
    type State = TreeState;

    fn blob(&mut self, view: &BlobView<'_, TreeState>, state: &mut TreeState) -> ControlFlow<()> {
        let whole = self.read(view.bytes, view.parent, state);
        if !view.report {
            return ControlFlow::Continue(());
        }
        self.part.read += 1;
        self.untold.0 += 1;
        self.untold.1 += view.bytes.len() as u64;
        if self.untold.0 >= 1024 {
            (self.reader.progress)(self.untold.0, self.untold.1);
            self.untold = (0, 0);
        }
        if !whole {
            self.part.issues.push(ScanIssue {
                kind: IssueKind::Corrupt,
                object: view.id,
                path: None,
                message: "tree is malformed: paths below it may be unknown".to_owned(),
            });
        }
        match self.reader.keep {
            Keep::Leading(_) => {
                let start = self.part.kept.len() as u32;
                self.part
                    .kept
                    .extend(state.items.iter().map(|&(_, name, object)| (name, object)));
                self.part
                    .places
                    .push((view.number, start, state.items.len() as u32));
            }
            Keep::Blobs(tell) => tell(view.number, &mut state.items.iter().map(|i| i.2)),
        }
        ControlFlow::Continue(())
    }

    fn skipped(&mut self, _: ContentKind, _: Option<ObjectId>, _: SkipReason) {}

    fn issue(&mut self, issue: ScanIssue) {
        self.part.issues.push(issue);
    }
}

impl Drop for TreeVisitor<'_> {
    fn drop(&mut self) {
        (self.reader.progress)(self.untold.0, self.untold.1);
        lock(&self.reader.parts).push(std::mem::take(&mut self.part));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
