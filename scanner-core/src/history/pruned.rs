//! Trees reduced to the part that holds wanted blobs, equal parts having equal numbers.

use super::{
    NONE, NumberSet,
    trees::{FIRST_MISSING, Kept, TreeIndex},
};
use std::collections::HashMap;

/// Marks an entry of a pruned tree as a blob; the rest is its object number.
const BLOB: u32 = 1 << 31;

/// The pruned tree without entries.
pub(crate) const EMPTY: u32 = 0;

/// Most directories in each other that paths are told for.
const DEEPEST: usize = 2000;

/// All pruned trees of a store.
pub(crate) struct Pruned<'a> {
    index: &'a TreeIndex,
    wanted: &'a NumberSet,
    /// Pruned tree of each tree; [`NONE`] when not made yet.
    made: Vec<u32>,
    /// Entries: name, and pruned tree or blob.
    nodes: Vec<Box<[(u32, u32)]>>,
    by_node: HashMap<Box<[(u32, u32)]>, u32>,
}

impl<'a> Pruned<'a> {
    /// Prunes the trees of `index`, in which the `wanted` objects are blobs and all others trees.
    pub(crate) fn new(index: &'a TreeIndex, objects: u32, wanted: &'a NumberSet) -> Self {
        Self {
            index,
            wanted,
            made: vec![NONE; objects as usize],
            nodes: vec![Box::default()],
            by_node: HashMap::new(),
        }
    }

    /// Returns the pruned tree of a tree.
    pub(crate) fn of(&mut self, tree: u32) -> u32 {
        if tree >= FIRST_MISSING {
            return EMPTY;
        }
        // Deep directories must not use up the machine's stack.
        let mut stack = vec![tree];
        while let Some(&at) = stack.last() {
            if self.made[at as usize] != NONE {
                stack.pop();
                continue;
            }
            let entries: &'a [Kept] = self.index.get(at).unwrap_or_default();
            let before = stack.len();
            for &(_, object) in entries {
                if object < FIRST_MISSING
                    && !self.wanted.contains(object)
                    && self.made[object as usize] == NONE
                {
                    // Should a damaged store make a tree its own ancestor, cut the circle here.
                    if stack.len() > 100_000 {
                        self.made[object as usize] = EMPTY;
                    } else {
                        stack.push(object);
                    }
                }
            }
            if stack.len() > before {
                continue;
            }
            let node: Vec<(u32, u32)> = entries
                .iter()
                .filter(|&&(_, object)| object < FIRST_MISSING)
                .filter_map(|&(name, object)| {
                    if self.wanted.contains(object) {
                        return Some((name, BLOB | object));
                    }
                    let made = self.made[object as usize];
                    (made != EMPTY).then_some((name, made))
                })
                .collect();
            self.made[at as usize] = self.intern(node);
            stack.pop();
        }
        self.made[tree as usize]
    }

    fn intern(&mut self, node: Vec<(u32, u32)>) -> u32 {
        if node.is_empty() {
            return EMPTY;
        }
        let next = self.nodes.len() as u32;
        *self
            .by_node
            .entry(node.into_boxed_slice())
            .or_insert_with_key(|node| {
                self.nodes.push(node.clone());
                next
            })
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
        for &(name, object) in &self.nodes[tree as usize] {
            let in_others = |other: &u32| {
                let entries = &self.nodes[*other as usize];
                entries.iter().find(|e| e.0 == name).map(|e| e.1)
            };
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
