//! One pass over tree objects, that keeps of each only the entries that matter.
//!
//! A tree that is a delta takes over its parent's entries where a shared range holds them whole,
//! so only entries that the delta brings are parsed and looked up.

use super::NONE;
use crate::{
    model::{IssueKind, ObjectId, ScanIssue, SkipReason},
    source::{
        BlobView, BlobVisitor, ContentKind, CopyRun, WorkerFactory,
        git::{ObjectStore, store::same_id},
    },
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

/// The list without entries, which most trees have.
const NO_ENTRIES: u32 = NONE - 1;

/// The kept entries of all trees.
///
/// Versions of a directory have most of their subtrees in common, so an entry is stored once and
/// trees are lists of numbers of entries; a tree whose list is that of its delta parent shares it.
#[derive(Debug, Default)]
pub(crate) struct TreeIndex {
    /// List of each tree; [`NONE`] for other objects.
    list_of: Vec<u32>,
    /// Lists by number, [`LISTS`] in each block.
    lists: Vec<Lists>,
    /// Entries by number, [`ENTRIES`] in each block.
    entries: Vec<Vec<Kept>>,
    /// Names by number.
    pub(crate) names: Vec<Box<[u8]>>,
    /// Ids from number [`FIRST_MISSING`] on, and whether each is a tree.
    pub(crate) missing: Vec<(ObjectId, bool)>,
}

impl TreeIndex {
    /// The kept entries of a tree; none when it was not read.
    pub(crate) fn get(&self, tree: u32) -> impl Iterator<Item = Kept> + Clone {
        let list = self.list(self.list_of(tree).unwrap_or(NO_ENTRIES));
        list.iter().map(|&number| self.entry(number))
    }

    /// Whether a tree was read.
    pub(crate) fn holds(&self, tree: u32) -> bool {
        let list = self.list_of.get(tree as usize);
        list.is_some_and(|&list| list != NONE)
    }

    /// The list of a tree's kept entries; `None` if it has none. Trees with the same list have
    /// the same entries.
    pub(crate) fn list_of(&self, tree: u32) -> Option<u32> {
        let list = self.list_of.get(tree as usize);
        list.copied().filter(|&list| list < NO_ENTRIES)
    }

    /// All lists' numbers are below this.
    pub(crate) fn lists(&self) -> u32 {
        (self.lists.len() * LISTS) as u32
    }

    /// Numbers of a list's entries.
    pub(crate) fn list(&self, list: u32) -> &[u32] {
        let block = self.lists.get(list as usize / LISTS);
        block.map_or(&[], |block| block.get(list as usize % LISTS))
    }

    /// All entries' numbers are below this.
    pub(crate) fn entries(&self) -> u32 {
        (self.entries.len() * ENTRIES) as u32
    }

    /// The entry with a number.
    pub(crate) fn entry(&self, number: u32) -> Kept {
        self.entries[number as usize / ENTRIES][number as usize % ENTRIES]
    }

    /// Numbers of all trees that were read.
    pub(crate) fn trees(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.list_of.len() as u32).filter(|&t| self.holds(t))
    }
}

/// Numbers of lists, and of entries, that a thread takes at once: what it fills them with needs no
/// moving when all is put together.
const LISTS: usize = 1 << 10;
const ENTRIES: usize = 1 << 12;

/// A block of lists of numbers of entries.
#[derive(Debug, Default)]
struct Lists {
    /// All of them, one after the other.
    numbers: Vec<u32>,
    /// End of each.
    ends: Vec<u32>,
}

impl Lists {
    fn get(&self, list: usize) -> &[u32] {
        let Some(&end) = self.ends.get(list) else {
            return &[];
        };
        let before = list.checked_sub(1).and_then(|last| self.ends.get(last));
        let start = before.copied().unwrap_or(0);
        &self.numbers[start as usize..end as usize]
    }
}

/// Blocks that one thread fills, each with its number.
type Blocks<B> = Vec<(u32, B)>;

/// Puts the blocks of all threads in order.
fn in_order<B: Default>(count: AtomicU32, blocks: impl Iterator<Item = (u32, B)>) -> Vec<B> {
    let mut all: Vec<B> = (0..count.into_inner()).map(|_| B::default()).collect();
    for (number, block) in blocks {
        all[number as usize] = block;
    }
    all
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

/// What one thread read.
#[derive(Debug, Default)]
struct Part {
    lists: Blocks<Lists>,
    entries: Blocks<Vec<Kept>>,
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
    /// List of each tree; [`NONE`] for what was not read.
    list_of: Vec<AtomicU32>,
    next_lists: AtomicU32,
    next_entries: AtomicU32,
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
            list_of: (0..store.len()).map(|_| AtomicU32::new(NONE)).collect(),
            next_lists: AtomicU32::new(0),
            next_entries: AtomicU32::new(0),
            parts: Mutex::default(),
        }
    }

    /// Puts together what the threads read: the index, problems, and the number of trees.
    pub(crate) fn finish(self) -> (TreeIndex, Vec<ScanIssue>, u64) {
        let parts = self
            .parts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let (mut lists, mut entries) = (Vec::new(), Vec::new());
        let (mut issues, mut read) = (Vec::new(), 0);
        for part in parts {
            lists.extend(part.lists);
            entries.extend(part.entries);
            issues.extend(part.issues);
            read += part.read;
        }
        let list_of = self.list_of.into_iter().map(AtomicU32::into_inner);
        let index = TreeIndex {
            list_of: list_of.collect(),
            lists: in_order(self.next_lists, lists.into_iter()),
            entries: in_order(self.next_entries, entries.into_iter()),
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
            recent: Recent::new(self.store.id_len()),
            new: Vec::new(),
            new_ids: Vec::new(),
            new_objects: Vec::new(),
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
    /// Entries of the tree at hand whose objects are to be looked up, their ids one after the
    /// other, and the objects.
    new: Vec<New>,
    new_ids: Vec<u8>,
    new_objects: Vec<u32>,
    untold: (u64, u64),
}

/// An entry that is parsed.
#[derive(Clone, Copy)]
struct New {
    start: u32,
    /// Start and end of its name in the tree.
    name: (usize, usize),
    /// Start of its id in the tree.
    id: usize,
    is_tree: bool,
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
        if same_id(known, id) && *object != NONE {
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
    /// The list of them, once it is written.
    list: Option<u32>,
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
        state.list = None;
        let mut runs = parent.map_or(&[][..], |(_, runs)| runs);
        let (mut at, mut near) = (0, 0);
        while at < bytes.len() {
            while let Some((first, rest)) = runs.split_first() {
                if first.child_start + first.len > at {
                    break;
                }
                runs = rest;
            }
            let run = runs.first().filter(|r| r.child_start <= at);
            if let (Some(run), Some((parent, _))) = (run, parent)
                && let Some(end) = take_over(parent, run, at, &mut near, state)
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
        let mode = &rest[..space];
        state.ends.push((at + end) as u32);
        let is_tree = matches!(mode, b"40000" | b"040000");
        if mode == b"160000" {
            return Some(at + end);
        }
        let new = New {
            start: at as u32,
            name: (at + space + 1, at + nul),
            id: at + nul + 1,
            is_tree,
        };
        if let (true, &mut object) = self.recent.place(id) {
            self.keep(bytes, new, object, state);
        } else {
            self.new.push(new);
            self.new_ids.extend_from_slice(id);
        }
        Some(at + end)
    }

    /// Looks up the ids that were not met lately, all of the tree's together.
    fn look_up(&mut self, bytes: &[u8], state: &mut TreeState) {
        if self.new.is_empty() {
            return;
        }
        let (new, ids) = (
            std::mem::take(&mut self.new),
            std::mem::take(&mut self.new_ids),
        );
        let mut objects = std::mem::take(&mut self.new_objects);
        self.reader
            .store
            .find_all(&ids, |object| objects.push(object));
        let before = state.items.len();
        for (&new, &found) in new.iter().zip(&objects) {
            let id = &bytes[new.id..][..self.recent.id_len];
            let object = match found {
                NONE => self.missing(id, new.is_tree),
                found => found,
            };
            *self.recent.place(id).1 = object;
            self.keep(bytes, new, object, state);
        }
        if state.items.len() > before {
            state.items.sort_unstable_by_key(|item| item.0);
        }
        (self.new, self.new_ids, self.new_objects) = (new, ids, objects);
        self.new.clear();
        self.new_ids.clear();
        self.new_objects.clear();
    }

    /// Keeps an entry if it is one of those to keep.
    fn keep(&mut self, bytes: &[u8], new: New, object: u32, state: &mut TreeState) {
        let here = object < FIRST_MISSING;
        let item = match self.reader.keep {
            Keep::Leading(wanted) if new.is_tree || !here || wanted(object) => {
                let id = &bytes[new.id..][..self.recent.id_len];
                self.entry(id, &bytes[new.name.0..new.name.1], object)
            }
            Keep::Blobs(_) if !new.is_tree && here => object,
            Keep::Leading(_) | Keep::Blobs(_) => return,
        };
        state.items.push((new.start, item));
    }

    /// Number of a kept entry.
    fn entry(&mut self, id: &[u8], name: &[u8], object: u32) -> u32 {
        let kept = (self.name(name), object);
        let (last, number) = *self.recent.entry(id);
        if last == kept {
            return number;
        }
        let blocks = &mut self.part.entries;
        if blocks
            .last()
            .is_none_or(|(_, block)| block.len() == ENTRIES)
        {
            let block = self.reader.next_entries.fetch_add(1, Ordering::Relaxed);
            blocks.push((block, Vec::with_capacity(ENTRIES)));
        }
        let (block, entries) = blocks.last_mut().expect("one is there, or was just added");
        let number = (*block as usize * ENTRIES + entries.len()) as u32;
        entries.push(kept);
        *self.recent.entry(id) = (kept, number);
        number
    }

    /// Writes the list of a tree's entries, unless it is empty or the one of its delta parent.
    /// Returns the list's number.
    fn list(&mut self, parent: Option<&TreeState>, state: &mut TreeState) -> u32 {
        if state.items.is_empty() {
            return NO_ENTRIES;
        }
        let same = |parent: &&TreeState| {
            let items = parent.items.iter().zip(&state.items);
            parent.items.len() == state.items.len() && { items }.all(|(a, b)| a.1 == b.1)
        };
        let list = match parent.filter(same).and_then(|parent| parent.list) {
            Some(list) => list,
            None => self.new_list(state),
        };
        state.list = Some(list);
        list
    }

    fn new_list(&mut self, state: &TreeState) -> u32 {
        let blocks = &mut self.part.lists;
        if blocks
            .last()
            .is_none_or(|(_, block)| block.ends.len() == LISTS)
        {
            let block = self.reader.next_lists.fetch_add(1, Ordering::Relaxed);
            blocks.push((block, Lists::default()));
        }
        let (block, lists) = blocks.last_mut().expect("one is there, or was just added");
        let number = (*block as usize * LISTS + lists.ends.len()) as u32;
        lists.numbers.extend(state.items.iter().map(|i| i.1));
        lists.ends.push(lists.numbers.len() as u32);
        if lists.ends.len() == LISTS {
            lists.numbers.shrink_to_fit();
        }
        number
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
/// in the child. `near` is about where it stands in the parent, and moves on. Returns the end of
/// the last, or `None` when no entry of the parent starts there.
fn take_over(
    parent: &TreeState,
    run: &CopyRun,
    at: usize,
    near: &mut usize,
    state: &mut TreeState,
) -> Option<usize> {
    let ends = &parent.ends;
    let total = *ends.last()?;
    let from = (at - run.child_start + run.parent_start) as u32;
    let first = first_above(ends, *near, from);
    *near = first;
    let starts_here = if first == 0 {
        from == 0
    } else {
        ends[first - 1] == from
    };
    if !starts_here {
        return None;
    }
    let run_end = (run.parent_start + run.len) as u32;
    let after = if run_end >= total {
        ends.len()
    } else {
        // As if all entries had the same length.
        let length = total as usize / ends.len() + 1;
        let guess = first + (run_end - from) as usize / length;
        first_above(ends, guess, run_end)
    };
    *near = after;
    if after <= first {
        return None;
    }
    let to = ends[after - 1];
    let shift = (at as u32).wrapping_sub(from);
    let taken = ends[first..after].iter();
    state.ends.extend(taken.map(|end| end.wrapping_add(shift)));
    let first_item = parent.items.partition_point(|i| i.0 < from);
    let items = &parent.items[first_item..];
    let items = &items[..items.partition_point(|i| i.0 < to)];
    let shifted = items.iter();
    state
        .items
        .extend(shifted.map(|&(start, item)| (start.wrapping_add(shift), item)));
    Some(to.wrapping_add(shift) as usize)
}

/// Position of the first number above `limit` in sorted ones, searched from about where it is:
/// what a delta copies from its parent, it copies mostly in order.
fn first_above(sorted: &[u32], near: usize, limit: u32) -> usize {
    let near = near.min(sorted.len());
    let (mut start, mut end, mut step) = (near, near, 1);
    while end < sorted.len() && sorted[end] <= limit {
        start = end + 1;
        end = (end + step).min(sorted.len());
        step *= 2;
    }
    step = 1;
    while start > 0 && sorted[start - 1] > limit {
        end = start - 1;
        start = start.saturating_sub(step);
        step *= 2;
    }
    start + sorted[start..end].partition_point(|&n| n <= limit)
}

impl BlobVisitor for TreeVisitor<'_> {
    type State = TreeState;

    fn blob(&mut self, view: &BlobView<'_, TreeState>, state: &mut TreeState) -> ControlFlow<()> {
        let whole = self.read(view.bytes, view.parent, state);
        self.look_up(view.bytes, state);
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
                let list = self.list(view.parent.map(|(parent, _)| parent), state);
                self.reader.list_of[view.number as usize].store(list, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::first_above;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn searching_from_anywhere_finds_the_same_place(
            mut sorted in proptest::collection::vec(0u32..60, 0..60),
            near in 0usize..80,
            limit in 0u32..70,
        ) {
            sorted.sort_unstable();
            let expected = sorted.partition_point(|&n| n <= limit);
            prop_assert_eq!(first_above(&sorted, near, limit), expected);
        }
    }
}
