//! Tells secrets that a push brings from those that stood in what it changes.
//!
//! A commit that edits a file adds a whole new blob, with every secret that the file held before.
//! So what the commits with hits replaced or removed is searched too: a secret that stood there is
//! an old one, also where the commit moved it to another file. Where the replaced blob is one of
//! the push itself, what was said of the secret in that blob holds for the next.

use super::{ParentTrees, PushScan, places::Place};
use crate::{
    history::changes::{ChangeWalk, Side},
    model::{Novelty, ObjectId},
    scan::{
        collect::{Collector, RawFinding, RawOccurrence},
        worker::{BlobState, Visitors},
    },
    source::{BlobView, BlobVisitor, ContentKind, WorkerFactory},
};
use std::collections::{HashMap, HashSet};

/// Commits whose changes are looked at; secrets of further ones count as introduced.
const MOST_COMMITS: usize = 500;

/// Largest replaced blob that is searched, in bytes; one that is larger holds nothing.
const MOST_BYTES: u64 = 256 << 20;

/// A rule and a secret.
type Key = (u32, Box<[u8]>);

impl PushScan<'_> {
    /// For each place, whether the push brings the secret there; `None` where the whole blob stood
    /// before, under another name.
    pub(super) fn novelty(
        &mut self,
        occurrences: &[RawOccurrence],
        findings: &[RawFinding],
        places: &[Place],
    ) -> Vec<Option<Novelty>> {
        let mut novelty = vec![Some(Novelty::Introduced); places.len()];
        let mut commits: Vec<u32> = places.iter().filter_map(|place| place.commit).collect();
        commits.sort_unstable();
        commits.dedup();
        commits.truncate(MOST_COMMITS);
        if commits.is_empty() {
            return novelty;
        }
        // A blob that did not come with the push may be a file under a new name.
        let borrowed = places.iter().any(|place| {
            let blob = occurrences[place.occurrence].id;
            place.commit.is_some() && !self.reader.came(&blob)
        });
        let stood = if borrowed {
            self.stood_before()
        } else {
            HashSet::new()
        };
        let replaced = self.replaced(&commits);
        let mut secrets: HashMap<ObjectId, HashSet<Key>> = HashMap::new();
        // What was said of a finding in a blob of the push, at all its places so far.
        let mut said: HashMap<(ObjectId, u32), bool> = HashMap::new();
        // Parents come after their children in the order of positions.
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|&at| std::cmp::Reverse(places[at].commit));
        for at in order {
            let place = &places[at];
            let occurrence = &occurrences[place.occurrence];
            let before = place.commit.and_then(|commit| replaced.get(&commit));
            let Some(before) = before else { continue };
            let finding = &findings[occurrence.finding as usize];
            let key: Key = (finding.rule, finding.secret.reveal().into());
            if stood.contains(&occurrence.id) {
                novelty[at] = None;
                continue;
            }
            let old = before.iter().any(|blob| {
                if self.changed.added.contains(blob) && !stood.contains(blob) {
                    return said.get(&(*blob, occurrence.finding)) == Some(&true);
                }
                let held = secrets
                    .entry(*blob)
                    .or_insert_with(|| self.secrets_of(*blob));
                held.contains(&key)
            });
            if old {
                novelty[at] = Some(Novelty::Old);
            }
            let all = said
                .entry((occurrence.id, occurrence.finding))
                .or_insert(true);
            *all &= old;
        }
        novelty
    }

    /// The blobs that commits replaced or removed.
    fn replaced(&mut self, commits: &[u32]) -> HashMap<u32, Vec<ObjectId>> {
        let mut trees = ParentTrees::default();
        let mut out = HashMap::new();
        let id_len = self.repository.hash().id_len();
        for &at in commits {
            let parents = trees.of_parents(at as usize, &self.new, &mut self.reader);
            let Some(tree) = self.new.commits[at as usize].tree else {
                continue;
            };
            let mut before = Vec::new();
            let mut walk = ChangeWalk::new(&mut self.reader, id_len, true);
            walk.compare(tree, &parents, &mut |change| {
                if change.side == Side::Replaced {
                    before.push(change.blob);
                }
            });
            before.sort_unstable();
            before.dedup();
            out.insert(at, before);
        }
        out
    }

    /// Searches one blob; what cannot be read or is too large holds nothing.
    fn secrets_of(&mut self, blob: ObjectId) -> HashSet<Key> {
        let limit = self.run.context.max_blob_bytes.min(MOST_BYTES);
        let mut bytes = Vec::new();
        if !matches!(
            self.reader.read(&blob, limit, &mut bytes),
            Ok(ContentKind::Blob)
        ) {
            return HashSet::new();
        }
        let collector = Collector::default();
        let visitors = Visitors {
            collector: &collector,
            ..self.visitors()
        };
        let mut worker = visitors.worker();
        let view = BlobView {
            id: Some(blob),
            number: 0,
            kind: ContentKind::Blob,
            bytes: &bytes,
            path: None,
            parent: None,
            report: true,
        };
        let _ = worker.blob(&view, &mut BlobState::default());
        drop(worker);
        let (_, findings) = collector.finish();
        findings
            .into_iter()
            .map(|finding| (finding.rule, finding.secret.reveal().into()))
            .collect()
    }
}
