//! How a pack's entries hang together: which are deltas of which.
//!
//! Made once when a pack is opened, because every traversal needs it.

use super::{
    NONE,
    entry::{Entry, EntryKind},
};

/// The delta forest of a pack.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    /// First child of each entry, or [`NONE`].
    pub(crate) first_child: Vec<u32>,
    /// Next child of the same base, or [`NONE`]; the child with the heaviest subtree is the last.
    pub(crate) next_sibling: Vec<u32>,
    /// Entries that are no one's child, or whose chain is broken.
    pub(crate) roots: Vec<Root>,
}

/// An entry to start at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Root {
    pub(crate) entry: u32,
    /// What it and all below it cost to decode, in units of 64 compressed bytes.
    pub(crate) weight: u32,
}

impl Links {
    /// Links children to parents.
    pub(super) fn new(entries: &[Entry]) -> Self {
        let n = entries.len();
        let (mut first_child, mut next_sibling) = (vec![NONE; n], vec![NONE; n]);
        // What an entry costs beside its bytes is one unit.
        let mut weights = vec![1u32; n];
        let mut heaviest = vec![NONE; n];
        let mut roots = Vec::new();
        // Bases come before their offset deltas, so that going backwards meets every entry after
        // all of its subtree; chains of deltas by id that run the other way only get a poorer
        // order.
        for (i, entry) in entries.iter().enumerate().rev() {
            let weight = weights[i].saturating_add(entry.size().unwrap_or(u32::MAX) / 64);
            weights[i] = weight;
            let child = i as u32;
            if entry.base == NONE || entry.kind() == EntryKind::Broken {
                roots.push(Root {
                    entry: child,
                    weight,
                });
            }
            if entry.base == NONE {
                continue;
            }
            let base = entry.base as usize;
            weights[base] = weights[base].saturating_add(weight);
            let last = heaviest[base];
            if last == NONE {
                first_child[base] = child;
                heaviest[base] = child;
            } else if weight > weights[last as usize] {
                next_sibling[last as usize] = child;
                heaviest[base] = child;
            } else {
                next_sibling[i] = first_child[base];
                first_child[base] = child;
            }
        }
        roots.reverse();
        roots.shrink_to_fit();
        Self {
            first_child,
            next_sibling,
            roots,
        }
    }

    /// Unlinks entries that are not needed, and forgets roots that are not.
    pub(crate) fn pruned(&self, needed: &[bool]) -> Self {
        let keep = |e: u32| needed[e as usize];
        let mut pruned = self.clone();
        pruned.roots.retain(|root| keep(root.entry));
        for first in &mut pruned.first_child {
            let mut last = NONE;
            let mut child = std::mem::replace(first, NONE);
            while child != NONE {
                let next = pruned.next_sibling[child as usize];
                if keep(child) {
                    match last {
                        NONE => *first = child,
                        last => pruned.next_sibling[last as usize] = child,
                    }
                    last = child;
                    pruned.next_sibling[child as usize] = NONE;
                }
                child = next;
            }
        }
        pruned
    }
}
