//! Trees reduced to the part that holds wanted blobs, equal parts having equal numbers.
//!
//! Every tree that a commit leads to is met once, by several threads: all trees' numbers stand in
//! one table, and a tree that two threads come to at the same time is reduced by both, to the
//! same number. On the way it is noted which missing objects are led to.

use super::{
    NONE, NumberSet,
    trees::{FIRST_MISSING, TreeIndex},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
};

/// Marks an entry of a pruned tree as a blob; the rest is its object number.
const BLOB: u32 = 1 << 31;

/// The pruned tree without entries.
pub(crate) const EMPTY: u32 = 0;

/// Most directories in each other that paths are told for.
const DEEPEST: usize = 2000;

/// Threads that reduce trees lock one of so many parts of the table of pruned trees.
const SHARDS: usize = 16;

/// Trees that a thread takes at once.
const AT_ONCE: usize = 64;

/// Entries of a pruned tree: name, and pruned tree or blob.
type Node = Arc<[(u32, u32)]>;

#[derive(Default)]
struct Shard {
    nodes: Vec<Node>,
    by_node: HashMap<Node, u32>,
}

/// All pruned trees of a store.
pub(crate) struct Pruned<'a> {
    index: &'a TreeIndex,
    wanted: &'a NumberSet,
    /// Pruned tree of each list of entries; [`NONE`] when not made yet.
    made: Vec<AtomicU32>,
    /// What each entry comes to in a pruned tree: a blob, a pruned tree, or [`EMPTY`]; [`NONE`]
    /// when that is not known yet. The same entries stand in very many lists, and this is one
    /// look at memory where finding it out is three.
    outcome: Vec<AtomicU32>,
    shards: [Mutex<Shard>; SHARDS],
    /// Whether each missing object was led to.
    gone: Vec<AtomicBool>,
}

impl<'a> Pruned<'a> {
    /// Prunes the trees of `index`, in which the `wanted` objects are blobs and all others trees.
    pub(crate) fn new(index: &'a TreeIndex, wanted: &'a NumberSet) -> Self {
        Self {
            index,
            wanted,
            made: unknown(index.lists()),
            outcome: unknown(index.entries()),
            shards: Default::default(),
            gone: index
                .missing
                .iter()
                .map(|_| AtomicBool::new(false))
                .collect(),
        }
    }

    /// Prunes trees with so many threads. Returns which of the index's missing objects they, and
    /// no trees pruned before, lead to.
    pub(crate) fn prune(&self, trees: &[u32], threads: usize) -> Vec<bool> {
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let start = next.fetch_add(AT_ONCE, Ordering::Relaxed);
                let Some(rest) = trees.get(start..) else {
                    break;
                };
                for &tree in rest.iter().take(AT_ONCE) {
                    self.of(tree);
                }
            }
        };
        if threads <= 1 || trees.len() <= AT_ONCE {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(work);
                }
            });
        }
        let gone = self.gone.iter().map(|g| g.swap(false, Ordering::Relaxed));
        gone.collect()
    }

    /// Returns the pruned tree of a tree.
    pub(crate) fn of(&self, tree: u32) -> u32 {
        if tree >= FIRST_MISSING {
            self.note_missing(tree);
            return EMPTY;
        }
        let Some(list) = self.index.list_of(tree) else {
            return EMPTY;
        };
        // Deep directories must not use up the machine's stack.
        let mut stack = vec![list];
        let mut node = Vec::new();
        while let Some(&at) = stack.last() {
            if self.made(at) != NONE {
                stack.pop();
                continue;
            }
            let before = stack.len();
            node.clear();
            for &entry in self.index.list(at) {
                let outcome = &self.outcome[entry as usize];
                match outcome.load(Ordering::Relaxed) {
                    EMPTY => continue,
                    NONE => {}
                    known => {
                        node.push((self.index.entry(entry).0, known));
                        continue;
                    }
                }
                let (name, object) = self.index.entry(entry);
                let found = if object >= FIRST_MISSING {
                    self.note_missing(object);
                    EMPTY
                } else if let Some(below) = self.index.list_of(object) {
                    match self.made(below) {
                        // Should a damaged store make a tree its own ancestor, cut the circle
                        // here.
                        NONE if stack.len() > 100_000 => {
                            self.made[below as usize].store(EMPTY, Ordering::Relaxed);
                            EMPTY
                        }
                        NONE => {
                            stack.push(below);
                            continue;
                        }
                        made => made,
                    }
                } else if self.wanted.contains(object) {
                    BLOB | object
                } else {
                    EMPTY
                };
                outcome.store(found, Ordering::Relaxed);
                if found != EMPTY {
                    node.push((name, found));
                }
            }
            if stack.len() == before {
                let made = self.intern(&node);
                self.made[at as usize].store(made, Ordering::Relaxed);
                stack.pop();
            }
        }
        self.made(list)
    }

    fn made(&self, list: u32) -> u32 {
        self.made[list as usize].load(Ordering::Relaxed)
    }

    fn note_missing(&self, object: u32) {
        if let Some(gone) = self.gone.get((object - FIRST_MISSING) as usize)
            // Most are noted already, and looking is cheaper than writing.
            && !gone.load(Ordering::Relaxed)
        {
            gone.store(true, Ordering::Relaxed);
        }
    }

    fn intern(&self, node: &[(u32, u32)]) -> u32 {
        if node.is_empty() {
            return EMPTY;
        }
        // Which part of the table, in which the hash proper then is asked: this one spreads well
        // enough for that.
        let mixed = node.iter().fold(0u32, |mixed, &(name, object)| {
            (mixed.rotate_left(5) ^ name ^ object).wrapping_mul(0x9E37_79B1)
        });
        let number = (mixed >> 16) as usize % SHARDS;
        let mut shard = lock(&self.shards[number]);
        if let Some(&known) = shard.by_node.get(node) {
            return known;
        }
        // Number 0 is the tree without entries.
        let next = (shard.nodes.len() * SHARDS + number + 1) as u32;
        let node: Node = node.into();
        shard.nodes.push(Arc::clone(&node));
        shard.by_node.insert(node, next);
        next
    }

    /// Entries of a pruned tree.
    fn node(&self, number: u32) -> Option<Node> {
        let at = (number as usize).checked_sub(1)?;
        let shard = lock(&self.shards[at % SHARDS]);
        shard.nodes.get(at / SHARDS).map(Arc::clone)
    }

    /// Tells every blob, with its path, that `tree` holds and none of `others` holds at the same
    /// path. All are pruned trees. `path` is where they stand; it is left as it was.
    ///
    /// Below [`DEEPEST`] directories nothing is told, so that a hostile tree cannot use up the
    /// machine's stack; blobs there are reported without a path.
    pub(crate) fn difference(
        &self,
        tree: u32,
        others: &[u32],
        path: &mut Vec<u8>,
        tell: &mut dyn FnMut(&[u8], u32),
    ) {
        if others.contains(&tree) || memchr::memchr_iter(b'/', path).count() > DEEPEST {
            return;
        }
        let Some(node) = self.node(tree) else { return };
        let others: Vec<Node> = others.iter().filter_map(|o| self.node(*o)).collect();
        for &(name, object) in &*node {
            let in_others = |other: &Node| other.iter().find(|e| e.0 == name).map(|e| e.1);
            let length = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&self.index.names[name as usize]);
            if object & BLOB != 0 {
                if !others.iter().any(|o| in_others(o) == Some(object)) {
                    tell(path, object & !BLOB);
                }
            } else {
                let below: Vec<u32> = others
                    .iter()
                    .filter_map(in_others)
                    .filter(|o| o & BLOB == 0)
                    .collect();
                self.difference(object, &below, path, tell);
            }
            path.truncate(length);
        }
    }
}

fn unknown(count: u32) -> Vec<AtomicU32> {
    (0..count).map(|_| AtomicU32::new(NONE)).collect()
}

/// Locks; a panic of another thread leaves nothing here half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
