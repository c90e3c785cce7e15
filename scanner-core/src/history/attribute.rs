//! Which commits brought the wanted blobs, and where the blobs still stand.

use super::{
    NONE, NumberSet,
    graph::{Graph, seconds_and_offset},
    pruned::{EMPTY, Pruned},
    trees::{FIRST_MISSING, TreeIndex},
};
use crate::{
    model::{CommitId, CommitInfo, ObjectId, Where},
    source::{
        ContentKind,
        git::{Inflater, ObjectStore},
        message,
    },
};
use bstr::BString;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// What names commits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tips {
    /// Ref names and what they point at, unpeeled; `HEAD` only where it is detached.
    pub(crate) refs: Vec<(String, ObjectId)>,
    /// What `HEAD` points at.
    pub(crate) head: Option<ObjectId>,
    /// Ref names and the ids their logs hold.
    pub(crate) logs: Vec<(String, ObjectId)>,
}

/// One blob at one path.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    pub(crate) path: BString,
    pub(crate) place: Where,
    /// Indexes of the commits that introduced it, the best first.
    pub(crate) introduced: Vec<u32>,
    pub(crate) last_seen: Option<u32>,
    /// Number of its list of refs.
    pub(crate) refs: u32,
}

/// What is known of commits: which refs hold them, and how they are shown.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    store: &'a ObjectStore,
    graph: &'a Graph,
    /// Ref names by rank, the most important first.
    names: Vec<String>,
    /// Ranks from here on are logs, which keep objects alive but are no refs.
    first_log: u32,
    /// Ranks from here on, up to the logs, are notes.
    first_note: u32,
    /// Lists of ranks, sorted; list 0 is empty.
    lists: Vec<Box<[u32]>>,
    /// List of each commit.
    of_commit: Vec<u32>,
    /// What refs point at, where that is no commit: number and rank.
    direct: Vec<(u32, u32)>,
    head: Option<u32>,
    infos: HashMap<u32, Arc<CommitInfo>>,
    inflater: Inflater,
}

/// Most refs named for one commit.
pub(crate) const MOST_REFS: usize = 16;

/// Sorts refs by how much they matter to a person.
fn importance(name: &str) -> u32 {
    match name {
        "HEAD" => 0,
        "refs/heads/main" | "refs/heads/master" => 1,
        _ if name.starts_with("refs/heads/") => 2,
        _ if name.starts_with("refs/remotes/") => 3,
        _ if name.starts_with("refs/tags/") => 4,
        "refs/stash" => 5,
        _ if name.starts_with("refs/notes/") => 7,
        _ => 6,
    }
}

impl<'a> Standing<'a> {
    /// Works out which refs hold which commits.
    pub(crate) fn new(store: &'a ObjectStore, graph: &'a Graph, tips: &Tips) -> Self {
        let mut refs: Vec<(u32, &str, ObjectId)> = tips
            .refs
            .iter()
            .map(|(n, id)| (importance(n), n.as_str(), *id))
            .collect();
        refs.sort_unstable();
        let first_note = refs.partition_point(|r| r.0 < 7) as u32;
        let mut logs: Vec<&(String, ObjectId)> = tips.logs.iter().collect();
        logs.sort_unstable();
        let mut names: Vec<String> = refs.iter().map(|r| r.1.to_owned()).collect();
        let first_log = names.len() as u32;
        let mut targets: Vec<(u32, ObjectId)> = refs
            .iter()
            .enumerate()
            .map(|(rank, r)| (rank as u32, r.2))
            .collect();
        for (name, id) in logs {
            let shown = format!("{name}@{{reflog}}");
            if names.len() as u32 == first_log || names.last() != Some(&shown) {
                names.push(shown);
            }
            targets.push((names.len() as u32 - 1, *id));
        }
        let mut standing = Self {
            store,
            graph,
            names,
            first_log,
            first_note,
            lists: vec![Box::default()],
            of_commit: vec![0; graph.commits.len()],
            direct: Vec::new(),
            head: tips.head.and_then(|id| standing_commit(store, graph, id)),
            infos: HashMap::new(),
            inflater: Inflater::default(),
        };
        standing.spread(&targets);
        standing
    }

    fn spread(&mut self, targets: &[(u32, ObjectId)]) {
        let mut own: Vec<(u32, u32)> = Vec::new();
        let len = self.store.id_len();
        let ids = targets.iter().map(|target| target.1.as_bytes());
        let ids: Vec<u8> = ids
            .filter(|id| id.len() == len)
            .flatten()
            .copied()
            .collect();
        let mut numbers = Vec::with_capacity(targets.len());
        self.store.find_all(&ids, |number| numbers.push(number));
        let known = targets.iter().filter(|t| t.1.as_bytes().len() == len);
        for ((rank, _), number) in known.zip(numbers) {
            if number == NONE {
                continue;
            }
            let peeled = self.graph.peel(number);
            match self.graph.find(peeled) {
                Some(commit) => own.push((commit, *rank)),
                None => self.direct.push((peeled, *rank)),
            }
        }
        own.sort_unstable();
        own.dedup();
        let mut known: HashMap<Box<[u32]>, u32> = HashMap::from([(Box::default(), 0)]);
        let mut merged: HashMap<(u32, u32), u32> = HashMap::new();
        let mut at = 0;
        while at < own.len() {
            let commit = own[at].0;
            let end = at + own[at..].iter().take_while(|o| o.0 == commit).count();
            let ranks: Vec<u32> = own[at..end].iter().map(|o| o.1).take(MOST_REFS).collect();
            self.of_commit[commit as usize] = intern(&mut self.lists, &mut known, &ranks);
            at = end;
        }
        for commit in self.graph.children_first() {
            let mine = self.of_commit[commit as usize];
            for parent in self.graph.parents(commit) {
                let theirs = self.of_commit[parent as usize];
                if mine == theirs || mine == 0 {
                    continue;
                }
                let union = *merged.entry((mine, theirs)).or_insert_with(|| {
                    let mut both: Vec<u32> = self.lists[mine as usize]
                        .iter()
                        .chain(&*self.lists[theirs as usize])
                        .copied()
                        .collect();
                    both.sort_unstable();
                    both.dedup();
                    both.truncate(MOST_REFS);
                    intern(&mut self.lists, &mut known, &both)
                });
                self.of_commit[parent as usize] = union;
            }
        }
    }

    /// Whether some ref, and not only a log, holds a commit.
    pub(crate) fn reachable(&self, commit: u32) -> bool {
        self.lists[self.of_commit[commit as usize] as usize]
            .first()
            .is_some_and(|&rank| rank < self.first_log)
    }

    /// Names of a list's refs.
    pub(crate) fn ref_names(&self, list: u32) -> Vec<String> {
        self.lists[list as usize]
            .iter()
            .map(|&rank| self.names[rank as usize].clone())
            .collect()
    }

    /// The list of refs that hold a commit.
    pub(crate) fn refs_of(&self, commit: u32) -> u32 {
        self.of_commit[commit as usize]
    }

    /// What holds a commit that is not in `HEAD`'s tree.
    fn place_of(&self, commit: u32) -> Where {
        match self.lists[self.of_commit[commit as usize] as usize].first() {
            Some(&rank) if rank < self.first_note => Where::Ref,
            Some(&rank) if rank < self.first_log => Where::Note,
            _ => Where::Unreachable,
        }
    }

    /// Index of the commit with an object number.
    pub(crate) fn find(&self, number: u32) -> Option<u32> {
        self.graph.find(number)
    }

    /// Reads what is shown of a commit.
    pub(crate) fn commit_info(&mut self, commit: u32) -> Option<Arc<CommitInfo>> {
        self.info(self.graph.commits[commit as usize].number)
    }

    /// Id of a commit.
    pub(crate) fn commit_id(&self, commit: u32) -> CommitId {
        self.store.id(self.graph.commits[commit as usize].number)
    }

    /// When a commit was made, by its committer's clock, in seconds since 1970.
    pub(crate) fn commit_seconds(&self, commit: u32) -> i64 {
        self.graph.commits[commit as usize].time
    }

    /// Sorts commits: held by a ref first, then the oldest.
    fn order(&self, commit: u32) -> (bool, i64, ObjectId) {
        let c = &self.graph.commits[commit as usize];
        (!self.reachable(commit), c.time, self.store.id(c.number))
    }

    /// Reads what is shown of a commit or tag object.
    pub(crate) fn info(&mut self, number: u32) -> Option<Arc<CommitInfo>> {
        if let Some(info) = self.infos.get(&number) {
            return Some(Arc::clone(info));
        }
        let mut bytes = Vec::new();
        self.store
            .read(number, u64::MAX, &mut self.inflater, &mut bytes)
            .ok()?;
        let info = Arc::new(commit_info(self.store.id(number), &bytes));
        self.infos.insert(number, Arc::clone(&info));
        Some(info)
    }
}

fn standing_commit(store: &ObjectStore, graph: &Graph, id: ObjectId) -> Option<u32> {
    graph.find(graph.peel(store.find(id.as_bytes())?))
}

fn intern(lists: &mut Vec<Box<[u32]>>, known: &mut HashMap<Box<[u32]>, u32>, ranks: &[u32]) -> u32 {
    *known.entry(ranks.into()).or_insert_with_key(|ranks| {
        lists.push(ranks.clone());
        lists.len() as u32 - 1
    })
}

/// Reads author, date and summary of a commit, or tagger of a tag.
pub(crate) fn commit_info(id: CommitId, bytes: &[u8]) -> CommitInfo {
    let header = &bytes[..bytes.len() - message(bytes).len()];
    let person = |key: &[u8]| {
        let mut lines = header.split(|&b| b == b'\n');
        lines.find_map(|line| line.strip_prefix(key))
    };
    let author = person(b"author ").or_else(|| person(b"tagger "));
    let author = author.unwrap_or_default();
    let (seconds, offset_minutes) = seconds_and_offset(author);
    let (name, email) = name_and_email(author);
    let (_, committer_email) = name_and_email(person(b"committer ").unwrap_or_default());
    let summary = message(bytes)
        .split(|&b| b == b'\n')
        .find(|l| !l.trim_ascii().is_empty())
        .unwrap_or_default();
    CommitInfo {
        commit: id,
        author: name.into(),
        email: email.into(),
        committer_email: committer_email.into(),
        seconds,
        offset_minutes,
        summary: summary.trim_ascii().into(),
    }
}

/// Name and mail address in a line about a person.
fn name_and_email(person: &[u8]) -> (&[u8], &[u8]) {
    let open = memchr::memchr(b'<', person).unwrap_or(person.len());
    let close = memchr::memrchr(b'>', person)
        .unwrap_or(person.len())
        .max(open);
    let email = person.get(open + 1..close).unwrap_or_default();
    (person[..open].trim_ascii(), email)
}

/// What is gathered about one blob at one path.
#[derive(Debug, Default)]
struct Gathered {
    introduced: Vec<u32>,
    last_seen: Option<u32>,
    in_head: bool,
}

/// Finds every path of every wanted blob, and the commits that brought it there. `pruned` are the
/// trees of `index` for those blobs.
///
/// `scope` restricts the commits that may be named as long as one of them fits.
pub(crate) fn attribute(
    standing: &Standing<'_>,
    index: &TreeIndex,
    wanted: &NumberSet,
    pruned: &Pruned<'_>,
    scope: Option<&NumberSet>,
    threads: usize,
) -> HashMap<u32, Vec<Placement>> {
    if wanted.len() == 0 {
        return HashMap::new();
    }
    let graph = standing.graph;
    let trees = graph.commits.iter().map(|c| c.tree);
    let trees: Vec<u32> = trees.filter(|&t| t != NONE).collect();
    pruned.prune(&trees, threads);
    let roots: Vec<u32> = graph
        .commits
        .iter()
        .map(|c| match c.tree {
            NONE => EMPTY,
            tree => pruned.of(tree),
        })
        .collect();

    let mut gathered: BTreeMap<(u32, Vec<u8>), Gathered> = BTreeMap::new();
    let mut path = Vec::new();
    let mut has_child = vec![false; roots.len()];
    let newer = |a: u32, b: u32| {
        let key = |c: u32| {
            (
                standing.reachable(c),
                graph.commits[c as usize].time,
                standing.commit_id(c),
            )
        };
        key(a) > key(b)
    };
    let see_last = |g: &mut Gathered, commit: u32| {
        if g.last_seen.is_none_or(|last| newer(commit, last)) {
            g.last_seen = Some(commit);
        }
    };
    let mut parents = Vec::new();
    for commit in 0..roots.len() as u32 {
        parents.clear();
        parents.extend(graph.parents(commit));
        for &p in &parents {
            has_child[p as usize] = true;
        }
        let root = roots[commit as usize];
        // Most commits change nothing that is looked for.
        if !parents.is_empty() && parents.iter().all(|&p| roots[p as usize] == root) {
            continue;
        }
        let parent_roots: Vec<u32> = parents.iter().map(|&p| roots[p as usize]).collect();
        pruned.difference(root, &parent_roots, &mut path, &mut |path, blob| {
            gathered
                .entry((blob, path.to_vec()))
                .or_default()
                .introduced
                .push(commit);
        });
        for (&parent, &parent_root) in parents.iter().zip(&parent_roots) {
            pruned.difference(parent_root, &[root], &mut path, &mut |path, blob| {
                see_last(gathered.entry((blob, path.to_vec())).or_default(), parent);
            });
        }
    }
    // Of tips with the same content only the newest can be the last to hold it.
    let mut newest: HashMap<u32, u32> = HashMap::new();
    for tip in (0..roots.len() as u32).filter(|&c| !has_child[c as usize]) {
        let best = newest.entry(roots[tip as usize]).or_insert(tip);
        if newer(tip, *best) {
            *best = tip;
        }
    }
    for (&root, &tip) in &newest {
        pruned.difference(root, &[], &mut path, &mut |path, blob| {
            see_last(gathered.entry((blob, path.to_vec())).or_default(), tip);
        });
    }
    if let Some(head) = standing.head {
        pruned.difference(roots[head as usize], &[], &mut path, &mut |path, blob| {
            gathered.entry((blob, path.to_vec())).or_default().in_head = true;
        });
    }

    let mut out: HashMap<u32, Vec<Placement>> = HashMap::new();
    for ((blob, path), mut g) in gathered {
        let in_scope = |c: u32| scope.is_none_or(|s| s.contains(graph.commits[c as usize].number));
        g.introduced
            .sort_by_cached_key(|&c| (!in_scope(c), standing.order(c)));
        // Commits that nothing holds say little beside one that a ref does.
        if g.introduced.first().is_some_and(|&c| standing.reachable(c)) {
            g.introduced.retain(|&c| standing.reachable(c));
        }
        let holder = g.introduced.first().copied().or(g.last_seen);
        let place = match holder {
            _ if g.in_head => Where::Head,
            Some(commit) => standing.place_of(commit),
            None => Where::Unreachable,
        };
        let last_seen = if g.in_head {
            standing.head
        } else {
            g.last_seen
        };
        out.entry(blob).or_default().push(Placement {
            path: path.into(),
            place,
            refs: holder.map_or(0, |c| standing.refs_of(c)),
            introduced: g.introduced,
            last_seen,
        });
    }
    place_without_commits(standing, index, wanted, pruned, &mut out);
    out
}

/// Places blobs that no commit holds: refs may point at them or at trees that hold them, and
/// dangling trees may name them.
fn place_without_commits(
    standing: &Standing<'_>,
    index: &TreeIndex,
    wanted: &NumberSet,
    pruned: &Pruned<'_>,
    out: &mut HashMap<u32, Vec<Placement>>,
) {
    let mut path = Vec::new();
    let held: HashSet<u32> = out.keys().copied().collect();
    let placement = |path: &[u8], place| Placement {
        path: path.into(),
        place,
        introduced: Vec::new(),
        last_seen: None,
        refs: 0,
    };
    for &(number, rank) in &standing.direct {
        let place = if rank < standing.first_log {
            Where::Ref
        } else {
            Where::Unreachable
        };
        if wanted.contains(number) {
            if !held.contains(&number) {
                out.entry(number).or_default().push(placement(b"", place));
            }
        } else if index.holds(number) {
            let root = pruned.of(number);
            pruned.difference(root, &[], &mut path, &mut |path, blob| {
                if !held.contains(&blob) {
                    out.entry(blob).or_default().push(placement(path, place));
                }
            });
        }
    }
    let held: HashSet<u32> = out.keys().copied().collect();
    if held.len() as u64 == wanted.len() {
        return;
    }
    let mut inner = NumberSet::new(standing.store.len());
    for tree in index.trees() {
        for (_, object) in index.get(tree) {
            if object < FIRST_MISSING {
                inner.insert(object);
            }
        }
    }
    for tree in index.trees().filter(|&t| !inner.contains(t)) {
        let root = pruned.of(tree);
        pruned.difference(root, &[], &mut path, &mut |path, blob| {
            if !held.contains(&blob) {
                let at = out.entry(blob).or_default();
                if !at.iter().any(|p| p.path == path) {
                    at.push(placement(path, Where::Unreachable));
                }
            }
        });
    }
}

/// Parents of reachable commits that are not here, each with a commit that names it; those of
/// commits in `excused` are left out.
pub(crate) fn missing_parents(
    standing: &Standing<'_>,
    excused: &BTreeSet<ObjectId>,
) -> BTreeMap<ObjectId, ObjectId> {
    let mut out = BTreeMap::new();
    for (commit, parent, kind) in &standing.graph.missing {
        if *kind == ContentKind::Commit && standing.reachable(*commit) {
            let by = standing.commit_id(*commit);
            if !excused.contains(&by) {
                let first = out.entry(*parent).or_insert(by);
                *first = by.min(*first);
            }
        }
    }
    out
}

/// Counts what reachable commits and trees name and the store does not have: ids, and whether
/// each is a tree. Nothing may be pruned yet, because pruning finds that out.
pub(crate) fn missing(
    standing: &Standing<'_>,
    index: &TreeIndex,
    pruned: &Pruned<'_>,
    threads: usize,
) -> Vec<(ObjectId, ContentKind)> {
    let graph = standing.graph;
    let mut out: Vec<(ObjectId, ContentKind)> = graph
        .missing
        .iter()
        .filter(|(c, _, kind)| *kind == ContentKind::Tree && standing.reachable(*c))
        .map(|(_, id, kind)| (*id, *kind))
        .collect();
    if !index.missing.is_empty() {
        let direct = standing
            .direct
            .iter()
            .filter(|d| d.1 < standing.first_log && index.holds(d.0))
            .map(|d| d.0);
        let trees: Vec<u32> = (0..graph.commits.len() as u32)
            .filter(|&c| standing.reachable(c))
            .map(|c| graph.commits[c as usize].tree)
            .filter(|&t| t != NONE)
            .chain(direct)
            .collect();
        let gone = pruned.prune(&trees, threads);
        let named = index.missing.iter().zip(gone).filter(|(_, gone)| *gone);
        out.extend(named.map(|((id, is_tree), _)| {
            (
                *id,
                if *is_tree {
                    ContentKind::Tree
                } else {
                    ContentKind::Blob
                },
            )
        }));
    }
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_read_as_a_commit_or_tag_names_them() {
        let id = CommitId::from_bytes(&[1; 20]).unwrap();
        let commit =
            b"tree 0\nauthor A <a@x> 7 +0100\ncommitter C. <c@x> 8 +0000\n\n\nauthor B <b@x>";
        let info = commit_info(id, commit);
        assert_eq!((info.author, info.email), ("A".into(), "a@x".into()));
        assert_eq!(info.committer_email, "c@x");
        assert_eq!((info.seconds, info.offset_minutes), (7, 60));
        assert_eq!(info.summary, "author B <b@x>");
        let tag = commit_info(id, b"object 0\ntagger T <t@x> 9 +0000\n\nmessage\n");
        assert_eq!((tag.email, tag.committer_email), ("t@x".into(), "".into()));
        let odd = commit_info(id, b"author none\ncommitter >x<\n\n");
        assert_eq!((odd.author, odd.email), ("none".into(), "".into()));
        assert_eq!(odd.committer_email, "");
    }
}
