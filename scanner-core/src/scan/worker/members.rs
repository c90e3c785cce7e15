//! Scans what containers hold.
//!
//! A container's bytes are searched like any content's, its members are searched in full, and
//! nothing of a member is inherited between versions of its container: each is opened from its own
//! bytes. Some members' bytes have then been seen twice, and one secret in one place must be told
//! once:
//! - Where a member is stored as it is (tar, ar, uncompressed in zip), the same match at the same
//!   bytes is told with the member's path and line. Anything else that the container's own search
//!   found (in a header, or over a member's end) stays.
//! - Where a member was decoded, or its text extracted from a binary format, a secret that both
//!   found is told in the member alone: compressed data has runs of bytes as they are, and a
//!   table's or object's name says more than an offset among bytes. So is one that the container
//!   shows with more of its bytes around it, because there nothing tells where a value ends.
//! - Where pieces of a text file were put together (notebooks), it is told where it stands in the
//!   file, and only what is in no single piece is told with the member.

use super::{BlobState, ScanWorker};
use crate::{
    container::{self, Member, Relation, Visitor},
    model::{ObjectId, Span},
    source::BlobView,
};
use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What all threads share for opening containers.
#[derive(Debug)]
pub(in crate::scan) struct Opening {
    pub(in crate::scan) limits: container::Limits,
    /// Held by the one thread that has much decoded content in memory.
    pub(in crate::scan) large: Mutex<()>,
}

/// Findings inside of a container that each of its own is compared with; none where there are
/// more.
const MOST_COMPARED: usize = 1000;

/// A member in which something was found.
struct Found {
    number: u32,
    parent: u32,
    relation: Relation,
    /// Of the thread's occurrences.
    occurrences: Range<usize>,
}

/// Searches members as they come.
struct Search<'s, 'w> {
    worker: &'s mut ScanWorker<'w>,
    view: &'s BlobView<'s, BlobState>,
    /// The container's id, once it is needed.
    id: Option<ObjectId>,
    found: Vec<Found>,
    state: BlobState,
    large: Option<MutexGuard<'w, ()>>,
    /// What every thread may take without asking, in bytes.
    small_bytes: u64,
}

impl Visitor for Search<'_, '_> {
    fn member(&mut self, member: &Member<'_>) {
        let worker = &mut *self.worker;
        let before = worker.out.occurrences.len();
        worker.member = Some(member.path.into());
        worker.examine(member.bytes, None, worker.depth, &mut self.state);
        let view = self.view;
        let view = BlobView {
            id: self.id,
            number: view.number,
            kind: view.kind,
            bytes: view.bytes,
            path: view.path,
            parent: None,
            report: view.report,
        };
        worker.tell(&view, member.bytes, &self.state);
        worker.member = None;
        let after = worker.out.occurrences.len();
        if after > before {
            self.id = Some(worker.out.occurrences[before].id);
            self.found.push(Found {
                number: member.number,
                parent: member.parent,
                relation: member.relation,
                occurrences: before..after,
            });
        }
    }

    fn stopped(&self) -> bool {
        self.worker.context.stopped()
    }

    fn memory(&mut self, bytes: u64) {
        if bytes > self.small_bytes && self.large.is_none() {
            let large = &self.worker.opening.large;
            // Nothing is guarded but the turn.
            self.large = Some(large.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl ScanWorker<'_> {
    /// Opens content if it is a container and scans its members. `first` is where the content's
    /// own occurrences begin.
    pub(super) fn members(&mut self, view: &BlobView<'_, BlobState>, first: usize) {
        if container::detect(view.bytes).is_none() {
            return;
        }
        let limits = self.opening.limits;
        let mut search = Search {
            id: view.id,
            view,
            found: Vec::new(),
            state: BlobState::default(),
            large: None,
            small_bytes: limits.max_memory_bytes / self.context.threads.max(1) as u64,
            worker: self,
        };
        let issues = container::expand(view.bytes, &limits, &mut search);
        let found = search.found;
        for mut issue in issues {
            issue.object = view.id;
            issue.path = view.path.map(|p| String::from_utf8_lossy(p).into_owned());
            self.out.issue(issue);
        }
        self.tell_once(first, &found);
    }

    /// Removes what is told twice among the occurrences from `first` on.
    fn tell_once(&mut self, first: usize, found: &[Found]) {
        if found.is_empty() {
            return;
        }
        let all = &self.out.occurrences[first..];
        // Which content each occurrence stands in: the container itself where no member says so.
        let mut owners: Vec<Option<&Found>> = vec![None; all.len()];
        for member in found {
            let range = &member.occurrences;
            owners[range.start - first..range.end - first].fill(Some(member));
        }
        let number = |owner: Option<&Found>| owner.map_or(0, |member| member.number);
        let told: HashSet<(u32, u32)> = all
            .iter()
            .zip(&owners)
            .map(|(o, owner)| (number(*owner), o.finding))
            .collect();
        let mut stored: HashSet<(u32, u32, Span)> = HashSet::new();
        let mut clearer: BTreeSet<(u32, u32)> = BTreeSet::new();
        for (o, member) in all.iter().zip(owners.iter().copied()) {
            let Some(member) = member else { continue };
            match member.relation {
                Relation::Stored { at } => {
                    let at = at as u64;
                    let span = Span::new(o.span.start + at, o.span.end + at);
                    stored.insert((member.parent, o.finding, span));
                }
                Relation::Decoded | Relation::Extracted => {
                    clearer.insert((member.parent, o.finding));
                }
                Relation::Rejoined => {}
            }
        }
        let is_clearer_inside = |here: u32, finding: u32| {
            clearer.contains(&(here, finding)) || {
                // All or none: their order is that of threads.
                let inside = clearer.range((here, 0)..=(here, u32::MAX));
                inside.clone().count() <= MOST_COMPARED
                    && self
                        .collector
                        .is_more_than_any(finding, inside.map(|c| c.1))
            }
        };
        let keep: Vec<bool> = all
            .iter()
            .zip(&owners)
            .map(|(o, owner)| {
                let here = number(*owner);
                let repeats = owner.is_some_and(|member| {
                    member.relation == Relation::Rejoined
                        && told.contains(&(member.parent, o.finding))
                });
                !(repeats
                    || stored.contains(&(here, o.finding, o.span))
                    || is_clearer_inside(here, o.finding))
            })
            .collect();
        let mut index = 0;
        self.out.occurrences.retain(|_| {
            let keep = index < first || keep[index - first];
            index += 1;
            keep
        });
    }
}
