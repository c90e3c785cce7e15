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
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
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
///
/// Versions of a directory have most of their subtrees in common, so an entry is stored once and
/// trees are lists of numbers of entries; a tree whose list is that of its delta parent shares it.
#[derive(Debug, Default)]
pub(crate) struct TreeIndex {
    places: Vec<Place>,
    /// Numbers of entries, by the thread that read them.
    parts: Vec<Vec<u32>>,
    /// Entries by number.
    entries: Vec<Kept>,
    /// Names by number.
    pub(crate) names: Vec<Box<[u8]>>,
    /// Ids from number [`FIRST_MISSING`] on, and whether each is a tree.
    pub(crate) missing: Vec<(ObjectId, bool)>,
}

impl TreeIndex {
    /// The kept entries of a tree; `None` when it was not read.
    pub(crate) fn get(&self, tree: u32) -> Option<impl Iterator<Item = Kept> + Clone> {
        let place = self.places.get(tree as usize).filter(|p| p.part != NONE)?;
        let start = place.start as usize;
        let list = &self.parts[place.part as usize][start..start + place.len as usize];
        Some(
            list.iter()
                .filter_map(|&entry| self.entries.get(entry as usize).copied()),
        )
    }

    /// Whether a tree was read.
    pub(crate) fn holds(&self, tree: u32) -> bool {
        self.get(tree).is_some()
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

/// Numbers of entries that a thread takes at once.
const BLOCK: usize = 1 << 12;

/// What one thread read.
#[derive(Debug, Default)]
struct Part {
    /// Number that the thread goes by.
    number: u32,
    /// Trees, and where their lists are.
    places: Vec<(u32, Place)>,
    /// Lists of numbers of entries, one after the other.
    lists: Vec<u32>,
    /// Entries of the blocks that the thread took, and the first number of each.
    blocks: Vec<(u32, Vec<Kept>)>,
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
    next_block: AtomicU32,
    next_part: AtomicU32,
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
            next_block: AtomicU32::new(0),
            next_part: AtomicU32::new(0),
            parts: Mutex::default(),
        }
    }

    /// Puts together what the threads read: the index, problems, and the number of trees.
    pub(crate) fn finish(self) -> (TreeIndex, Vec<ScanIssue>, u64) {
        let mut parts = self
            .parts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        parts.sort_unstable_by_key(|part| part.number);
        let blocks = self.next_block.into_inner() as usize;
        let mut index = TreeIndex {
            places: vec![NOWHERE; self.store.len() as usize],
            parts: Vec::new(),
            entries: vec![(0, NONE); blocks * BLOCK],
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
        for part in parts {
            for (tree, place) in part.places {
                index.places[tree as usize] = place;
            }
            for (first, block) in part.blocks {
                index.entries[first as usize..][..block.len()].copy_from_slice(&block);
            }
            index.parts.push(part.lists);
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
            part: Part {
                number: self.next_part.fetch_add(1, Ordering::Relaxed),
                ..Part::default()
            },
            names: HashMap::new(),
            recent: Recent::new(self.store.id_len()),
            untold: (0, 0),
        }
    }
}

/// One thread of a [`TreeReader`].
pub(crate) struct TreeVisitor<'a> {
    reader: &'a TreeReader<'a>,
    part: Part,
    names: HashMap<Box<[u8]>, u32>,
    recent: Recent,
    untold: (u64, u64),
}

/// Ids met lately and the numbers of their objects. Neighbouring trees name the same objects over
/// and over, and finding one in the store waits for memory two or three times.
struct Recent {
    id_len: usize,
    ids: Vec<u8>,
    /// Object of each id; [`NONE`] where there is none yet.
    objects: Vec<u32>,
    /// The last entry that was kept of each id, and its number.
    entries: Vec<(Kept, u32)>,
}

impl Recent {
    /// Places for ids; with more, the places themselves would be far away in memory.
    const PLACES: usize = 1 << 13;

    fn new(id_len: usize) -> Self {
        Self {
            id_len,
            ids: vec![0; id_len * Self::PLACES],
            objects: vec![NONE; Self::PLACES],
            entries: vec![((0, NONE), NONE); Self::PLACES],
        }
    }

    fn index(id: &[u8]) -> usize {
        usize::from(u16::from_be_bytes([id[0], id[1]])) % Self::PLACES
    }

    /// The last entry kept of an id whose object was asked for just before.
    fn entry(&mut self, id: &[u8]) -> &mut (Kept, u32) {
        &mut self.entries[Self::index(id)]
    }

    /// Where the number of an id stands, and whether it is that id's.
    fn place(&mut self, id: &[u8]) -> (bool, &mut u32) {
        let place = Self::index(id);
        let known = &mut self.ids[place * self.id_len..][..self.id_len];
        let object = &mut self.objects[place];
        if known == id && *object != NONE {
            return (true, object);
        }
        known.copy_from_slice(id);
        *object = NONE;
        self.entries[place] = ((0, NONE), NONE);
        (false, object)
    }
}

/// What is kept of a live tree for its delta children.
#[derive(Debug, Default)]
pub(crate) struct TreeState {
    /// End of each entry.
    ends: Vec<u32>,
    /// Kept entries: where each starts, and its number; the number of its object where blobs are
    /// kept.
    items: Vec<(u32, u32)>,
    /// Where the list of them was written.
    place: Option<Place>,
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
        state.place = None;
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
        // All modes that git writes have five or six digits.
        let space = match rest.get(..7)? {
            [_, _, _, _, _, _, b' '] => 6,
            [_, _, _, _, _, b' ', _] => 5,
            head => memchr::memchr(b' ', head)
                .or_else(|| rest.get(7).filter(|&&b| b == b' ').map(|_| 7))?,
        };
        let nul = space + 1 + memchr::memchr(0, &rest[space + 1..])?;
        let end = nul + 1 + self.reader.store.id_len();
        let id = rest.get(nul + 1..end)?;
        let (mode, name) = (&rest[..space], &rest[space + 1..nul]);
        state.ends.push((at + end) as u32);
        let is_tree = matches!(mode, b"40000" | b"040000");
        if mode == b"160000" {
            return Some(at + end);
        }
        let object = self.object(id, is_tree);
        let here = object < FIRST_MISSING;
        let keep = match self.reader.keep {
            Keep::Leading(wanted) => is_tree || !here || wanted(object),
            Keep::Blobs(_) => !is_tree && here,
        };
        if keep {
            let item = match self.reader.keep {
                Keep::Leading(_) => self.entry(id, name, object),
                Keep::Blobs(_) => object,
            };
            state.items.push((at as u32, item));
        }
        Some(at + end)
    }

    /// Number of a kept entry.
    fn entry(&mut self, id: &[u8], name: &[u8], object: u32) -> u32 {
        let kept = (self.name(name), object);
        let (last, number) = *self.recent.entry(id);
        if last == kept {
            return number;
        }
        if self.part.blocks.last().is_none_or(|b| b.1.len() == BLOCK) {
            let block = self.reader.next_block.fetch_add(1, Ordering::Relaxed);
            let first = block.saturating_mul(BLOCK as u32);
            self.part.blocks.push((first, Vec::with_capacity(BLOCK)));
        }
        let Some((first, block)) = self.part.blocks.last_mut() else {
            return NONE;
        };
        let number = *first + block.len() as u32;
        block.push(kept);
        *self.recent.entry(id) = (kept, number);
        number
    }

    /// Writes the list of a tree's entries, unless it is the one of its delta parent.
    fn place(&mut self, parent: Option<&TreeState>, state: &mut TreeState) -> Place {
        let same = |parent: &&TreeState| {
            let items = parent.items.iter().zip(&state.items);
            parent.items.len() == state.items.len() && { items }.all(|(a, b)| a.1 == b.1)
        };
        let place = parent.filter(same).and_then(|parent| parent.place);
        let place = place.unwrap_or_else(|| {
            let start = self.part.lists.len() as u32;
            self.part.lists.extend(state.items.iter().map(|i| i.1));
            Place {
                part: self.part.number,
                start,
                len: state.items.len() as u32,
            }
        });
        state.place = Some(place);
        place
    }

    /// Number of the object that an entry names.
    fn object(&mut self, id: &[u8], is_tree: bool) -> u32 {
        if let (true, object) = self.recent.place(id) {
            return *object;
        }
        let found = self.reader.store.find(id);
        let object = found.unwrap_or_else(|| self.missing(id, is_tree));
        *self.recent.place(id).1 = object;
        object
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
    let items = &parent.items[first_item..];
    let items = &items[..items.partition_point(|i| i.0 < to)];
    let shifted = items.iter();
    state
        .items
        .extend(shifted.map(|&(start, item)| (start.wrapping_add(shift), item)));
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
                let place = self.place(view.parent.map(|(parent, _)| parent), state);
                self.part.places.push((view.number, place));
            }
            Keep::Blobs(tell) => tell(view.number, &mut state.items.iter().map(|i| i.1)),
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
