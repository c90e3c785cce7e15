//! Where in a push a secret stands: path, commit and ref.

use crate::{
    history::{
        attribute::{MOST_REFS, commit_info},
        new_commits::{MOST_BYTES, NewCommits},
    },
    model::{CommitInfo, ObjectId, RefUpdate, Where},
    scan::{assemble::Located, collect::RawOccurrence},
    source::{ContentKind, git::IncomingReader},
};
use bstr::BString;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// Commits for which it is found out which refs of the push hold them.
const MOST_TRACED: usize = 64;

/// A place of an occurrence.
#[derive(Debug)]
pub(super) struct Place {
    /// Index of the occurrence.
    pub(super) occurrence: usize,
    pub(super) located: Located,
    /// Position of the commit that brought it there, for a blob.
    pub(super) commit: Option<u32>,
}

/// Finds places.
pub(super) struct Places<'a> {
    new: &'a NewCommits,
    /// Path and commit of the blobs that hit.
    of_blob: &'a HashMap<ObjectId, Vec<(Option<u32>, BString)>>,
    /// Names of the refs that end at each object, tags peeled.
    ends: HashMap<ObjectId, Vec<String>>,
    /// Positions of the children of each new commit, made when first needed.
    children: Option<Vec<Vec<u32>>>,
    refs: HashMap<ObjectId, Vec<String>>,
    infos: HashMap<ObjectId, Option<Arc<CommitInfo>>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(
        new: &'a NewCommits,
        updates: &[RefUpdate],
        of_blob: &'a HashMap<ObjectId, Vec<(Option<u32>, BString)>>,
    ) -> Self {
        let mut ends: HashMap<ObjectId, Vec<String>> = HashMap::new();
        let pushed = updates.iter().filter_map(|u| Some((u, u.new?)));
        for ((update, id), tip) in pushed.zip(&new.tips) {
            let name = update.name.to_string();
            if let Some(tip) = tip
                && tip.id != id
            {
                ends.entry(tip.id).or_default().push(name.clone());
            }
            ends.entry(id).or_default().push(name);
        }
        Self {
            new,
            of_blob,
            ends,
            children: None,
            refs: HashMap::new(),
            infos: HashMap::new(),
        }
    }

    /// Finds every place of every occurrence in what is new. What the repository held before and
    /// no new commit adds (a base that a delta needed) has none.
    pub(super) fn locate(
        &mut self,
        occurrences: &[RawOccurrence],
        reader: &mut IncomingReader<'_>,
    ) -> Vec<Place> {
        let mut out = Vec::new();
        for (at, o) in occurrences.iter().enumerate() {
            match o.kind {
                ContentKind::Tree => {}
                ContentKind::Commit | ContentKind::Tag => {
                    let place = if o.kind == ContentKind::Tag {
                        Where::TagMessage
                    } else {
                        Where::CommitMessage
                    };
                    let is_new =
                        self.new.index.contains_key(&o.id) || self.new.tags.contains(&o.id);
                    if !is_new && reader.was_there(&o.id) {
                        continue;
                    }
                    let located = Located {
                        introduced: self.info(o.id, reader),
                        refs: self.refs(o.id),
                        ..Located::at(BString::default(), place)
                    };
                    out.push(Place {
                        occurrence: at,
                        located,
                        commit: None,
                    });
                }
                ContentKind::Blob => self.locate_blob(at, o.id, reader, &mut out),
            }
        }
        out
    }

    fn locate_blob(
        &mut self,
        occurrence: usize,
        blob: ObjectId,
        reader: &mut IncomingReader<'_>,
        out: &mut Vec<Place>,
    ) {
        let Some(places) = self.of_blob.get(&blob) else {
            // It came along, and nothing new that could be followed refers to it.
            if !reader.was_there(&blob) {
                out.push(Place {
                    occurrence,
                    located: Located::at(BString::default(), Where::Unreachable),
                    commit: None,
                });
            }
            return;
        };
        let mut by_path: BTreeMap<&BString, Vec<Option<u32>>> = BTreeMap::new();
        for (commit, path) in places {
            by_path.entry(path).or_default().push(*commit);
        }
        for (path, commits) in by_path {
            let mut commits: Vec<u32> = commits.into_iter().flatten().collect();
            // Children come before parents, so the first to bring it has the highest position.
            commits.sort_unstable_by(|a, b| b.cmp(a));
            commits.dedup();
            let first = commits.first().copied();
            let id = |&at: &u32| self.new.commits[at as usize].id;
            let mut also: Vec<ObjectId> = commits.iter().skip(1).map(id).collect();
            also.sort_unstable();
            let (introduced, refs) = match first.as_ref().map(id) {
                Some(commit) => (self.info(commit, reader), self.refs(commit)),
                None => (None, self.ends.get(&blob).cloned().unwrap_or_default()),
            };
            out.push(Place {
                occurrence,
                located: Located {
                    introduced,
                    also_introduced_in: also,
                    refs,
                    ..Located::at(path.clone(), Where::Ref)
                },
                commit: first,
            });
        }
    }

    /// What is shown of a commit or tag.
    fn info(&mut self, id: ObjectId, reader: &mut IncomingReader<'_>) -> Option<Arc<CommitInfo>> {
        let make = || {
            let mut bytes = Vec::new();
            reader.read(&id, MOST_BYTES, &mut bytes).ok()?;
            Some(Arc::new(commit_info(id, &bytes)))
        };
        self.infos.entry(id).or_insert_with(make).clone()
    }

    /// Names of the refs of the push that hold a commit or tag, at most [`MOST_REFS`].
    fn refs(&mut self, id: ObjectId) -> Vec<String> {
        if let Some(refs) = self.refs.get(&id) {
            return refs.clone();
        }
        let mut found: Vec<String> = self.ends.get(&id).cloned().unwrap_or_default();
        if let Some(&start) = self.new.index.get(&id)
            && self.refs.len() < MOST_TRACED
        {
            let children = self.children.get_or_insert_with(|| children(self.new));
            let mut seen = HashSet::from([start]);
            let mut stack = vec![start];
            while let Some(at) = stack.pop() {
                if at != start
                    && let Some(names) = self.ends.get(&self.new.commits[at as usize].id)
                {
                    found.extend(names.iter().cloned());
                }
                let next = children[at as usize].iter().copied();
                stack.extend(next.filter(|&child| seen.insert(child)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(MOST_REFS);
        self.refs.insert(id, found.clone());
        found
    }
}

fn children(new: &NewCommits) -> Vec<Vec<u32>> {
    let mut children = vec![Vec::new(); new.commits.len()];
    for (at, commit) in new.commits.iter().enumerate() {
        for parent in &commit.parents {
            if let Some(&parent) = new.index.get(parent) {
                children[parent as usize].push(at as u32);
            }
        }
    }
    children
}
