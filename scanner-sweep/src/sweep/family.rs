//! Groups repositories that share objects.

use super::Task;
use std::{cmp::Reverse, collections::HashMap, path::PathBuf};

/// Repositories that share objects, in the order in which to scan them.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) tasks: Vec<Task>,
    /// Bytes of packs in all of them together.
    pub(super) bytes: u64,
    /// When one of them last changed.
    changed: i64,
}

/// Groups by shared directories of objects, and by what the layout calls a family. The largest
/// family comes first; with `newest_first` the one that changed last.
pub(super) fn group(tasks: Vec<Task>, newest_first: bool) -> Vec<Family> {
    let mut sets = Sets::default();
    for (index, task) in tasks.iter().enumerate() {
        let family = task.found.family.clone().map(Token::Family);
        let pools = task.survey.objects.iter().cloned().map(Token::Pool);
        for token in pools.chain(family) {
            sets.join(index, token);
        }
    }
    let mut families: HashMap<usize, Family> = HashMap::new();
    for (index, task) in tasks.into_iter().enumerate() {
        let family = families.entry(sets.root(index)).or_insert_with(|| Family {
            tasks: Vec::new(),
            bytes: 0,
            changed: 0,
        });
        family.bytes += task.survey.state.pack_bytes;
        family.changed = family.changed.max(task.survey.changed);
        family.tasks.push(task);
    }
    let mut families: Vec<Family> = families.into_values().collect();
    for family in &mut families {
        // What has fewer alternates may be one itself.
        family.tasks.sort_by(|a, b| {
            let key = |t: &Task| t.survey.objects.len();
            key(a)
                .cmp(&key(b))
                .then_with(|| a.found.key.cmp(&b.found.key))
        });
    }
    families.sort_by(|a, b| {
        let key = |f: &Family| {
            Reverse(if newest_first {
                f.changed.max(0).unsigned_abs()
            } else {
                f.bytes
            })
        };
        key(a)
            .cmp(&key(b))
            .then_with(|| a.tasks[0].found.key.cmp(&b.tasks[0].found.key))
    });
    families
}

/// What repositories of a family have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Token {
    Pool(PathBuf),
    Family(String),
}

/// Disjoint sets of numbers.
#[derive(Debug, Default)]
struct Sets {
    parent: HashMap<usize, usize>,
    by_token: HashMap<Token, usize>,
}

impl Sets {
    fn root(&mut self, mut index: usize) -> usize {
        while let Some(&up) = self.parent.get(&index) {
            // Halves the way for whoever comes next.
            if let Some(&further) = self.parent.get(&up) {
                self.parent.insert(index, further);
            }
            index = up;
        }
        index
    }

    fn join(&mut self, index: usize, token: Token) {
        let other = *self.by_token.entry(token).or_insert(index);
        let (a, b) = (self.root(index), self.root(other));
        if a != b {
            self.parent.insert(a.max(b), a.min(b));
        }
    }
}
