//! What a traversal visits, and in what order.

use super::{LooseKinds, Selection, kind_code};
use crate::source::{
    ContentKind,
    git::store::{EntryKind, Links, NONE, ObjectStore, Pack},
};
use std::{borrow::Cow, sync::atomic::Ordering};

/// The delta forest of one pack, as far as a traversal needs it.
pub(super) struct Forest<'s> {
    pub(super) pack: &'s Pack,
    links: Cow<'s, Links>,
}

impl<'s> Forest<'s> {
    /// The forest of a pack, restricted to wanted entries and their ancestors where not all are.
    fn new(pack: &'s Pack, wanted: Option<&dyn Fn(u32) -> bool>) -> Self {
        let links = match wanted {
            None => Cow::Borrowed(&pack.links),
            Some(wanted) => Cow::Owned(pack.links.pruned(&needed(pack, wanted))),
        };
        Self { pack, links }
    }

    pub(super) fn first_child(&self, entry: u32) -> u32 {
        self.links.first_child[entry as usize]
    }

    /// The next child of the same base; the heaviest comes last.
    pub(super) fn next_sibling(&self, entry: u32) -> u32 {
        self.links.next_sibling[entry as usize]
    }

    pub(super) fn is_leaf(&self, entry: u32) -> bool {
        self.first_child(entry) == NONE
    }
}

/// Marks wanted entries and all their ancestors.
fn needed(pack: &Pack, wanted: &dyn Fn(u32) -> bool) -> Vec<bool> {
    let mut needed = vec![false; pack.len() as usize];
    for start in 0..pack.len() {
        if !wanted(start) {
            continue;
        }
        let mut at = start;
        while at != NONE && !needed[at as usize] {
            needed[at as usize] = true;
            at = pack.entry(at).base;
        }
    }
    needed
}

/// One unit of work.
#[derive(Clone, Copy)]
pub(super) enum Task {
    /// A root of a pack's delta forest.
    Root { forest: u32, entry: u32 },
    /// A loose object.
    Loose(u32),
}

/// Work for all threads together.
pub(super) struct Plan<'s> {
    /// One a pack.
    pub(super) forests: Vec<Forest<'s>>,
    /// Roots whose subtrees are heavy, the heaviest first; then the others in the order of the
    /// pack, because reading that in order is what the machine does best; then loose objects.
    pub(super) tasks: Vec<Task>,
    pub(super) heavy_tasks: usize,
}

impl<'s> Plan<'s> {
    pub(super) fn new(
        store: &'s ObjectStore,
        wanted: &[ContentKind],
        selection: Selection<'_>,
        loose_kinds: &LooseKinds,
        threads: usize,
    ) -> Self {
        let everything = matches!(selection, Selection::All) && !store.has_duplicates();
        let mut roots: Vec<(u32, Task)> = Vec::new();
        let mut forests = Vec::new();
        for (index, pack) in (0..).zip(&store.packs) {
            let selected = |e: u32| {
                let number = pack.number(e);
                number != NONE && selection.holds(number) && !store.is_duplicate(number)
            };
            let forest = Forest::new(pack, (!everything).then_some(&selected));
            for root in &forest.links.roots {
                let take = match pack.entry(root.entry).kind() {
                    EntryKind::Content(kind) => wanted.contains(&kind),
                    EntryKind::External | EntryKind::Broken => true,
                };
                if take {
                    let (forest, entry) = (index, root.entry);
                    roots.push((root.weight, Task::Root { forest, entry }));
                }
            }
            forests.push(forest);
        }
        // What would keep one thread busy for a good part of its share must not come last.
        let total: u64 = roots.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let limit = (total / (threads as u64 * 64)).max(1);
        let is_heavy = |root: &&(u32, Task)| u64::from(root.0) > limit;
        let mut heavy: Vec<(u32, Task)> = roots.iter().filter(is_heavy).copied().collect();
        heavy.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let heavy_tasks = heavy.len();
        let light = roots.iter().filter(|root| !is_heavy(root));
        let mut tasks: Vec<Task> = heavy.iter().chain(light).map(|(_, task)| *task).collect();
        for (number, known) in (store.first_loose..).zip(&loose_kinds.0) {
            let known = known.load(Ordering::Relaxed);
            let maybe = known == 0 || wanted.iter().any(|&k| kind_code(k) == known);
            if maybe && selection.holds(number) && !store.is_duplicate(number) {
                tasks.push(Task::Loose(number));
            }
        }
        Self {
            forests,
            tasks,
            heavy_tasks,
        }
    }
}
