//! Which commits a push brings: reachable from its tips and from no ref that was there before.
//!
//! A commit that only came with the push is new, and none of its kind was reachable before. That
//! settles nearly every push without a look at the history: the walk from the tips stops at
//! commits that the repository held, and those are mostly where some ref pointed. Where they are
//! not, two colours are spread, newest commits first, from the refs and from the commits in doubt,
//! until none is in doubt or the refs' side is older than all that are. Refs are read in
//! groups, likely ones first, because a server may have a hundred thousand.
//!
//! Where dates lie (a clock that ran ahead), a commit may stay in doubt that an old ref does
//! reach. It then counts as new: that costs time and finds more, never less.

use super::graph::{HeadLine, head_lines, tag_target};
use crate::{
    model::ObjectId,
    source::{
        ContentKind, VisitContext,
        git::{IncomingReader, ReadError},
    },
};
use std::collections::{BinaryHeap, HashMap, HashSet};

/// Most bytes of a commit, tree or tag object: far more than any honest one.
pub(crate) const MOST_BYTES: u64 = 256 << 20;

/// Clocks of committers are trusted to this many seconds.
const SKEW_SECONDS: i64 = 7 * 24 * 3600;

/// Commits of the refs' side that are looked at beyond what the dates ask for.
const COMMITS_BEYOND: usize = 20_000;

/// Tags that point at tags are followed this far.
const MOST_NESTED_TAGS: usize = 64;

/// A commit that a push brings.
#[derive(Debug, Clone)]
pub(crate) struct NewCommit {
    pub(crate) id: ObjectId,
    /// `None` where the commit names none.
    pub(crate) tree: Option<ObjectId>,
    pub(crate) parents: Vec<ObjectId>,
    /// Committer's time in seconds since 1970.
    pub(crate) time: i64,
}

/// An object that a ref of a push ends at once tags are peeled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) id: ObjectId,
    pub(crate) kind: ContentKind,
}

/// What a push brings.
#[derive(Debug, Default)]
pub(crate) struct NewCommits {
    /// Children before their parents, otherwise the newest first.
    pub(crate) commits: Vec<NewCommit>,
    /// Position of each in `commits`.
    pub(crate) index: HashMap<ObjectId, u32>,
    /// Commits that are not new and that new ones have as parents, each once.
    pub(crate) boundary: Vec<ObjectId>,
    /// Annotated tags that no ref pointed at, each once.
    pub(crate) tags: Vec<ObjectId>,
    /// For each tip asked about, what it ends at; `None` where that cannot be read.
    pub(crate) tips: Vec<Option<Tip>>,
    /// What could not be read, and why.
    pub(crate) lost: Vec<(ObjectId, ReadError)>,
    /// Whether the walk was stopped before its end.
    pub(crate) stopped: bool,
}

/// What refs pointed at before a push.
pub(crate) struct KnownTips<'a> {
    /// Where the refs pointed that the push moves or deletes.
    pub(crate) moved: &'a [ObjectId],
    /// Says which of some objects refs point at, as far as that is told at a glance.
    pub(crate) at_a_glance: &'a mut dyn FnMut(&[ObjectId]) -> Vec<ObjectId>,
    /// Reads all others, in groups, likely ones first. Asked for only when it is needed.
    pub(crate) others: &'a mut dyn FnMut() -> Vec<Vec<ObjectId>>,
}

/// Finds out what `tips` bring.
pub(crate) fn find(
    reader: &mut IncomingReader<'_>,
    tips: &[ObjectId],
    known: &mut KnownTips<'_>,
    context: &VisitContext<'_>,
) -> NewCommits {
    let mut walk = Walk::new(reader, context);
    walk.run(tips, known);
    walk.finish()
}

/// Takes given commits for what `tips` bring.
pub(crate) fn these(
    reader: &mut IncomingReader<'_>,
    commits: &[ObjectId],
    tips: &[ObjectId],
    context: &VisitContext<'_>,
) -> NewCommits {
    let mut walk = Walk::new(reader, context);
    for &tip in tips {
        let end = walk.peel(tip);
        walk.out.tips.push(end);
    }
    walk.out.tags.clear();
    for &id in commits {
        if let Some(commit) = walk.read(id, Standing::New) {
            let node = Node {
                standing: Standing::New,
                commit,
                queued: false,
            };
            walk.nodes.insert(id, node);
        }
    }
    walk.finish()
}

/// Reads which tree a commit has.
pub(crate) fn tree_of(
    commit: ObjectId,
    reader: &mut IncomingReader<'_>,
) -> Result<Option<ObjectId>, ReadError> {
    let mut bytes = Vec::new();
    reader.read(&commit, MOST_BYTES, &mut bytes)?;
    let mut tree = None;
    head_lines(&bytes, |line| {
        if let HeadLine::Tree(hex) = line {
            tree = ObjectId::from_hex(hex).ok();
        }
    });
    Ok(tree)
}

/// What is known of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It only came with the push.
    New,
    /// The repository held it: new, unless a ref reaches it.
    Doubtful,
    /// A ref reaches it.
    Known,
}

struct Node {
    standing: Standing,
    commit: NewCommit,
    queued: bool,
}

struct Walk<'w, 'r> {
    reader: &'w mut IncomingReader<'r>,
    context: &'w VisitContext<'w>,
    nodes: HashMap<ObjectId, Node>,
    /// Commits whose parents are to be looked at, by time.
    queue: BinaryHeap<(i64, ObjectId)>,
    buffer: Vec<u8>,
    /// How many commits are in doubt.
    doubtful: usize,
    /// The time of the oldest of them, or an earlier one.
    oldest: i64,
    out: NewCommits,
}

impl<'w, 'r> Walk<'w, 'r> {
    fn new(reader: &'w mut IncomingReader<'r>, context: &'w VisitContext<'w>) -> Self {
        Self {
            reader,
            context,
            nodes: HashMap::new(),
            queue: BinaryHeap::new(),
            buffer: Vec::new(),
            doubtful: 0,
            oldest: i64::MAX,
            out: NewCommits::default(),
        }
    }

    fn run(&mut self, tips: &[ObjectId], known: &mut KnownTips<'_>) {
        let mut targets: HashSet<ObjectId> = known.moved.iter().copied().collect();
        for &tip in tips {
            let end = self.peel(tip);
            self.out.tips.push(end);
        }
        let mut edge = self.walk_what_came();
        edge.retain(|id| !targets.contains(id));
        self.out.tags.retain(|id| !targets.contains(id));
        if edge.is_empty() && self.out.tags.is_empty() {
            return;
        }
        let mut asked = edge.clone();
        asked.extend(&self.out.tags);
        targets.extend((known.at_a_glance)(&asked));
        edge.retain(|id| !targets.contains(id));
        if edge.is_empty() && self.out.tags.iter().all(|tag| self.reader.came(tag)) {
            self.out.tags.retain(|id| !targets.contains(id));
            return;
        }
        let groups = (known.others)();
        targets.extend(groups.iter().flatten());
        // A ref that points right there needs no walk.
        edge.retain(|id| !targets.contains(id));
        self.out.tags.retain(|id| !targets.contains(id));
        if edge.is_empty() {
            return;
        }
        for &id in &edge {
            self.enter(id, Standing::Doubtful);
        }
        for &id in known.moved {
            self.enter_ref(id);
        }
        for group in groups {
            for id in group {
                self.enter_ref(id);
            }
            self.spread(0);
            if self.doubtful == 0 || self.stopped() {
                return;
            }
        }
        self.spread(COMMITS_BEYOND);
    }

    /// Takes the commits that only came with the push for new. Returns the commits and other
    /// objects where that ends.
    fn walk_what_came(&mut self) -> Vec<ObjectId> {
        let mut stack: Vec<ObjectId> = self.out.tips.iter().flatten().map(|t| t.id).collect();
        let mut edge = HashSet::new();
        while let Some(id) = stack.pop() {
            if self.nodes.contains_key(&id) || edge.contains(&id) || self.stopped() {
                continue;
            }
            if !self.reader.came(&id) || self.reader.was_there(&id) {
                edge.insert(id);
            } else if let Some(commit) = self.read(id, Standing::New) {
                stack.extend(&commit.parents);
                let node = Node {
                    standing: Standing::New,
                    commit,
                    queued: false,
                };
                self.nodes.insert(id, node);
            }
        }
        let mut edge: Vec<ObjectId> = edge.into_iter().collect();
        edge.sort_unstable();
        edge
    }

    /// Follows a tip's tags, noting them.
    fn peel(&mut self, tip: ObjectId) -> Option<Tip> {
        let mut id = tip;
        for _ in 0..MOST_NESTED_TAGS {
            let kind = match self.reader.read(&id, MOST_BYTES, &mut self.buffer) {
                Ok(kind) => kind,
                // A blob of any size may be a tip.
                Err(ReadError::TooLarge(_)) => ContentKind::Blob,
                Err(error) => {
                    self.out.lost.push((id, error));
                    return None;
                }
            };
            if kind != ContentKind::Tag {
                return Some(Tip { id, kind });
            }
            if !self.out.tags.contains(&id) {
                self.out.tags.push(id);
            }
            id = tag_target(&self.buffer)?;
        }
        None
    }

    fn stopped(&mut self) -> bool {
        let stopped = self.context.stopped();
        self.out.stopped |= stopped;
        stopped
    }

    /// Reads a commit; other objects are none. What a ref reached and cannot be read is no matter
    /// of the push.
    fn read(&mut self, id: ObjectId, standing: Standing) -> Option<NewCommit> {
        match self.reader.read(&id, MOST_BYTES, &mut self.buffer) {
            Ok(ContentKind::Commit) => {}
            Ok(_) => return None,
            Err(error) => {
                if standing != Standing::Known {
                    self.out.lost.push((id, error));
                }
                return None;
            }
        }
        let mut commit = NewCommit {
            id,
            tree: None,
            parents: Vec::new(),
            time: 0,
        };
        head_lines(&self.buffer, |line| match line {
            HeadLine::Tree(hex) => commit.tree = ObjectId::from_hex(hex).ok(),
            HeadLine::Parent(hex) => commit.parents.extend(ObjectId::from_hex(hex)),
            HeadLine::Time(seconds) => commit.time = seconds,
        });
        Some(commit)
    }

    /// Colours a commit and queues it if that is news.
    fn enter(&mut self, id: ObjectId, standing: Standing) {
        if !self.nodes.contains_key(&id) {
            let Some(commit) = self.read(id, standing) else {
                return;
            };
            if standing == Standing::Doubtful {
                self.doubtful += 1;
                self.oldest = self.oldest.min(commit.time);
            }
            self.queue.push((commit.time, id));
            let node = Node {
                standing,
                commit,
                queued: true,
            };
            self.nodes.insert(id, node);
            return;
        }
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        if standing == Standing::Known && node.standing != Standing::Known {
            self.doubtful -= usize::from(node.standing == Standing::Doubtful);
            node.standing = standing;
            if !std::mem::replace(&mut node.queued, true) {
                self.queue.push((node.commit.time, id));
            }
        }
    }

    /// Starts from what a ref points at, through tags.
    fn enter_ref(&mut self, mut id: ObjectId) {
        for _ in 0..MOST_NESTED_TAGS {
            if self.nodes.contains_key(&id) {
                break;
            }
            match self.reader.read(&id, MOST_BYTES, &mut self.buffer) {
                Ok(ContentKind::Tag) => match tag_target(&self.buffer) {
                    Some(target) => id = target,
                    None => return,
                },
                Ok(ContentKind::Commit) => break,
                // What a broken ref reached does not count as known.
                Ok(_) | Err(_) => return,
            }
        }
        self.enter(id, Standing::Known);
    }

    /// Spreads the colours until nothing is in doubt, or the side of the refs is older than all
    /// that is, by what clocks may be wrong and `beyond` commits.
    fn spread(&mut self, mut beyond: usize) {
        self.oldest = self.oldest_in_doubt();
        let mut left_over = Vec::new();
        while self.doubtful > 0 && !self.stopped() {
            let Some((time, id)) = self.queue.pop() else {
                break;
            };
            let Some(node) = self.nodes.get_mut(&id) else {
                continue;
            };
            let standing = node.standing;
            if standing == Standing::Known && time < self.oldest.saturating_sub(SKEW_SECONDS) {
                if beyond == 0 {
                    left_over.push((time, id));
                    break;
                }
                beyond -= 1;
            }
            node.queued = false;
            let parents = node.commit.parents.clone();
            for parent in parents {
                if let Some(known) = self.nodes.get(&parent)
                    && (known.standing == Standing::Known || known.standing == standing)
                {
                    continue;
                }
                self.enter(parent, standing);
            }
        }
        self.queue.extend(left_over);
    }

    fn oldest_in_doubt(&self) -> i64 {
        let nodes = self.nodes.values();
        nodes
            .filter(|node| node.standing == Standing::Doubtful)
            .map(|node| node.commit.time)
            .min()
            .unwrap_or(i64::MAX)
    }

    /// Puts the new commits in order.
    fn finish(mut self) -> NewCommits {
        let mut new: HashMap<ObjectId, NewCommit> = HashMap::new();
        for (id, node) in self.nodes {
            if node.standing != Standing::Known {
                new.insert(id, node.commit);
            }
        }
        let mut children: HashMap<ObjectId, u32> = HashMap::new();
        let mut boundary = HashSet::new();
        for parent in new.values().flat_map(|commit| &commit.parents) {
            if new.contains_key(parent) {
                *children.entry(*parent).or_default() += 1;
            } else {
                boundary.insert(*parent);
            }
        }
        let mut ready: BinaryHeap<(i64, ObjectId)> = new
            .values()
            .filter(|commit| !children.contains_key(&commit.id))
            .map(|commit| (commit.time, commit.id))
            .collect();
        while let Some((_, id)) = ready.pop() {
            let Some(commit) = new.remove(&id) else {
                continue;
            };
            for parent in &commit.parents {
                if let Some(left) = children.get_mut(parent) {
                    *left -= 1;
                    if *left == 0
                        && let Some(next) = new.get(parent)
                    {
                        ready.push((next.time, next.id));
                    }
                }
            }
            self.out.index.insert(id, self.out.commits.len() as u32);
            self.out.commits.push(commit);
        }
        self.out.boundary = boundary.into_iter().collect();
        self.out.boundary.sort_unstable();
        self.out
    }
}
