//! Which objects a part of the history holds, as `git rev-list --objects` counts them.

use super::{
    NONE, NumberSet,
    graph::Graph,
    trees::{FIRST_MISSING, Keep, TreeIndex, TreeReader},
};
use crate::source::{
    ContentKind, VisitContext,
    git::{LooseKinds, ObjectStore, Selection},
};
use std::sync::atomic::{AtomicU64, Ordering};

/// A part of the history.
#[derive(Debug)]
pub(crate) struct Scope {
    /// Its commits, tags, trees and blobs, by object number.
    pub(crate) objects: NumberSet,
    /// Its commits alone.
    pub(crate) commits: NumberSet,
    /// How many trees it has.
    pub(crate) trees: u64,
}

/// What is asked for: object numbers of commits, tags, trees or blobs.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    /// Where to start.
    pub(crate) include: &'a [u32],
    /// What to leave out, with all it reaches.
    pub(crate) exclude: &'a [u32],
    /// Most commits to go back from a start.
    pub(crate) max_depth: Option<usize>,
}

/// Finds the objects that a wish covers. `index` must hold every tree's subtrees.
pub(crate) fn select(
    store: &ObjectStore,
    graph: &Graph,
    index: &TreeIndex,
    wish: &Wish<'_>,
    context: &VisitContext<'_>,
    loose: &LooseKinds,
) -> Scope {
    let &Wish {
        include,
        exclude,
        max_depth,
    } = wish;
    let mut objects = NumberSet::new(store.len());
    let mut commits = NumberSet::new(store.len());
    let excluded = reach(graph, exclude, None, &vec![false; graph.commits.len()]);
    let included = reach(graph, include, max_depth, &excluded);
    let (mut roots, mut left_out) = (Vec::new(), Vec::new());
    for commit in 0..graph.commits.len() as u32 {
        let c = &graph.commits[commit as usize];
        if !included[commit as usize] {
            continue;
        }
        objects.insert(c.number);
        commits.insert(c.number);
        roots.push(c.tree);
        let edge = graph.parents(commit).filter(|&p| excluded[p as usize]);
        left_out.extend(edge.map(|p| graph.commits[p as usize].tree));
    }
    let mut blobs = Vec::new();
    for &number in include {
        let mut at = number;
        while let Some(&target) = graph.tags.get(&at) {
            objects.insert(at);
            at = target;
        }
        if graph.find(at).is_none() {
            if index.holds(at) {
                roots.push(at);
            } else {
                blobs.push(at);
            }
        }
    }
    for &number in exclude {
        let at = graph.peel(number);
        match graph.find(at) {
            Some(commit) => left_out.push(graph.commits[commit as usize].tree),
            None => left_out.push(at),
        }
    }
    let mut uninteresting = NumberSet::new(store.len());
    close(index, left_out, &mut uninteresting);
    let mut trees = NumberSet::new(store.len());
    close(index, roots, &mut trees);
    let words = store.len() as usize / 64 + 1;
    let new = || -> Vec<AtomicU64> { (0..words).map(|_| AtomicU64::new(0)).collect() };
    let (inside, outside) = (new(), new());
    let mark = |set: &[AtomicU64], blobs: &mut dyn Iterator<Item = u32>| {
        for blob in blobs {
            let (word, bit) = (&set[blob as usize / 64], 1u64 << (blob % 64));
            // Most marks are there already, and looking is cheaper than writing.
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    };
    let tell = |tree: u32, blobs: &mut dyn Iterator<Item = u32>| {
        if uninteresting.contains(tree) {
            mark(&outside, blobs);
        } else {
            mark(&inside, blobs);
        }
    };
    let both: Vec<u64> = trees
        .words()
        .iter()
        .zip(uninteresting.words())
        .map(|(a, b)| a | b)
        .collect();
    let reader = TreeReader::new(store, Keep::Blobs(&tell), &|_, _| ());
    store.traverse(
        &[ContentKind::Tree],
        Selection::Numbers(&both),
        loose,
        context,
        &&reader,
    );
    let mut kept_trees = 0;
    let mut merged: Vec<u64> = objects.words().to_vec();
    for (i, word) in merged.iter_mut().enumerate() {
        let trees = trees.words()[i] & !uninteresting.words()[i];
        kept_trees += u64::from(trees.count_ones());
        let blobs = inside[i].load(Ordering::Relaxed) & !outside[i].load(Ordering::Relaxed);
        *word |= trees | blobs;
    }
    let mut objects = NumberSet::from_words(merged);
    for blob in blobs {
        objects.insert(blob);
    }
    Scope {
        objects,
        commits,
        trees: kept_trees,
    }
}

/// Commits that are reached from `from` without entering `barred`, at most `depth` deep.
fn reach(graph: &Graph, from: &[u32], depth: Option<usize>, barred: &[bool]) -> Vec<bool> {
    let mut reached = vec![false; graph.commits.len()];
    let mut level: Vec<u32> = from
        .iter()
        .filter_map(|&n| graph.find(graph.peel(n)))
        .filter(|&c| !barred[c as usize])
        .collect();
    let mut left = depth.unwrap_or(usize::MAX);
    while !level.is_empty() && left > 0 {
        let mut next = Vec::new();
        for commit in level {
            if !std::mem::replace(&mut reached[commit as usize], true) {
                next.extend(
                    graph
                        .parents(commit)
                        .filter(|&p| !barred[p as usize] && !reached[p as usize]),
                );
            }
        }
        level = next;
        left -= 1;
    }
    reached
}

/// Adds trees and all their subtrees.
fn close(index: &TreeIndex, mut stack: Vec<u32>, set: &mut NumberSet) {
    while let Some(tree) = stack.pop() {
        if tree != NONE && tree < FIRST_MISSING && set.insert(tree) {
            stack.extend(index.get(tree).map(|e| e.1));
        }
    }
}
