//! What commits change: the blobs that a commit's tree holds and no parent's does at that path.
//!
//! Trees are compared in lockstep, and equal subtrees are not entered, so that the cost is that
//! of the directories that changed. An entry counts as unchanged only where it is the same byte
//! for byte in some parent: a tree whose entries are out of order can make more look changed,
//! never less.

use super::new_commits::MOST_BYTES;
use crate::{
    model::ObjectId,
    source::git::{IncomingReader, ReadError},
};
use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

/// Directories in each other that are entered.
const DEEPEST: usize = 2000;

/// Bytes of trees that are kept for the next commit: neighbours share most of theirs.
const KEPT_BYTES: usize = 16 << 20;

/// What is told of a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// Path in the commit's tree, or in that of a parent.
    pub(crate) path: &'a [u8],
    pub(crate) blob: ObjectId,
    pub(crate) side: Side,
}

/// Which side of a change a blob is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The commit's tree holds it, and no parent's does at that path.
    Added,
    /// A parent's tree holds it, and the commit's does not at that path.
    Replaced,
}

/// Compares trees, one commit after the other.
pub(crate) struct ChangeWalk<'w, 'r> {
    reader: &'w mut IncomingReader<'r>,
    /// Whether what was replaced is told as well.
    replaced: bool,
    id_len: usize,
    kept: HashMap<ObjectId, Rc<[u8]>>,
    kept_bytes: usize,
    /// Trees that could not be read, and why.
    pub(crate) lost: Vec<(ObjectId, ReadError)>,
}

impl<'w, 'r> ChangeWalk<'w, 'r> {
    /// A walk over trees whose ids have so many bytes.
    pub(crate) fn new(reader: &'w mut IncomingReader<'r>, id_len: usize, replaced: bool) -> Self {
        Self {
            reader,
            replaced,
            id_len,
            kept: HashMap::new(),
            kept_bytes: 0,
            lost: Vec::new(),
        }
    }

    /// Tells what a tree holds that none of `parents`, the trees of a commit's parents, does.
    pub(crate) fn compare(
        &mut self,
        tree: ObjectId,
        parents: &[ObjectId],
        tell: &mut dyn FnMut(Change<'_>),
    ) {
        self.directory(Some(tree), parents, &mut Vec::new(), 0, tell);
    }

    fn directory(
        &mut self,
        tree: Option<ObjectId>,
        parents: &[ObjectId],
        path: &mut Vec<u8>,
        depth: usize,
        tell: &mut dyn FnMut(Change<'_>),
    ) {
        if depth > DEEPEST || tree.is_some_and(|tree| parents.contains(&tree)) {
            return;
        }
        let own = tree.map_or_else(|| Rc::from([]), |tree| self.tree(tree));
        let others: Vec<Rc<[u8]>> = parents.iter().map(|parent| self.tree(*parent)).collect();
        let mut cursors: Vec<Cursor<'_>> = others
            .iter()
            .map(|bytes| Cursor::new(bytes, self.id_len))
            .collect();
        let mut entries = Cursor::new(&own, self.id_len);
        let length = path.len();
        if let [other] = &mut cursors[..] {
            Cursor::skip_common(&mut entries, other);
        }
        loop {
            let entry = entries.at;
            let mut below = Vec::new();
            let mut unchanged = false;
            for cursor in &mut cursors {
                while let Some(other) = cursor.at {
                    match entry.map(|entry| other.sort_key().cmp(&entry.sort_key())) {
                        Some(std::cmp::Ordering::Greater) => break,
                        Some(std::cmp::Ordering::Equal) => {
                            let entry = entry.expect("was compared");
                            unchanged |= other.raw == entry.raw;
                            if other.is_tree() {
                                below.extend(other.id());
                            } else if other.raw != entry.raw {
                                self.tell_replaced(other, path, depth, tell);
                            }
                            cursor.advance();
                            break;
                        }
                        Some(std::cmp::Ordering::Less) | None => {
                            self.tell_replaced(other, path, depth, tell);
                            cursor.advance();
                        }
                    }
                }
            }
            let Some(entry) = entry else { break };
            if !unchanged && let Some(id) = entry.id() {
                extend(path, entry.name);
                if entry.is_tree() {
                    self.directory(Some(id), &below, path, depth + 1, tell);
                } else if entry.is_blob() || entry.is_odd() && self.reader.has(&id) {
                    let (blob, side) = (id, Side::Added);
                    tell(Change { path, blob, side });
                }
                path.truncate(length);
            }
            entries.advance();
            if !unchanged && let [other] = &mut cursors[..] {
                Cursor::skip_common(&mut entries, other);
            }
        }
        if let Some(tree) = tree
            && !entries.rest.is_empty()
        {
            let why = "its entries stop making sense before its end";
            self.lost.push((tree, ReadError::Corrupt(why.to_owned())));
        }
    }

    /// Tells an entry of a parent that is gone or another now.
    fn tell_replaced(
        &mut self,
        entry: RawEntry<'_>,
        path: &mut Vec<u8>,
        depth: usize,
        tell: &mut dyn FnMut(Change<'_>),
    ) {
        let Some(id) = entry.id().filter(|_| self.replaced) else {
            return;
        };
        let length = path.len();
        extend(path, entry.name);
        if entry.is_tree() {
            self.directory(None, &[id], path, depth + 1, tell);
        } else if entry.is_blob() {
            let (blob, side) = (id, Side::Replaced);
            tell(Change { path, blob, side });
        }
        path.truncate(length);
    }

    /// Reads a tree; one that cannot be read is noted and empty.
    fn tree(&mut self, id: ObjectId) -> Rc<[u8]> {
        if let Some(kept) = self.kept.get(&id) {
            return Rc::clone(kept);
        }
        let mut bytes = Vec::new();
        if let Err(error) = self.reader.tree(&id, MOST_BYTES, &mut bytes) {
            bytes.clear();
            self.lost.push((id, error));
        }
        if self.kept_bytes > KEPT_BYTES {
            self.kept.clear();
            self.kept_bytes = 0;
        }
        let tree: Rc<[u8]> = bytes.into();
        self.kept_bytes += tree.len() + size_of::<ObjectId>();
        self.kept.insert(id, Rc::clone(&tree));
        tree
    }
}

/// All blobs that trees hold, at any depth. Trees that cannot be read hold nothing.
pub(crate) fn closure(
    reader: &mut IncomingReader<'_>,
    roots: &[ObjectId],
    id_len: usize,
) -> HashSet<ObjectId> {
    let mut seen: HashSet<ObjectId> = roots.iter().copied().collect();
    let mut stack: Vec<ObjectId> = seen.iter().copied().collect();
    let mut blobs = HashSet::new();
    let mut bytes = Vec::new();
    while let Some(tree) = stack.pop() {
        if reader.tree(&tree, MOST_BYTES, &mut bytes).is_err() {
            continue;
        }
        let mut entries = Cursor::new(&bytes, id_len);
        while let Some(entry) = entries.at {
            if let Some(id) = entry.id() {
                if entry.is_tree() {
                    stack.extend(seen.insert(id).then_some(id));
                } else if entry.is_blob() {
                    blobs.insert(id);
                }
            }
            entries.advance();
        }
    }
    blobs
}

fn extend(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}

/// An entry of a tree: `<mode> <name>\0<id>`.
#[derive(Debug, Clone, Copy)]
struct RawEntry<'a> {
    raw: &'a [u8],
    mode: &'a [u8],
    name: &'a [u8],
    id: &'a [u8],
}

impl RawEntry<'_> {
    fn is_tree(&self) -> bool {
        // Leading zeros occur in trees of old and other tools.
        trimmed(self.mode) == b"40000"
    }

    /// Whether it is a file or a symbolic link, whose target is a blob too.
    fn is_blob(&self) -> bool {
        let mode = trimmed(self.mode);
        mode.len() == 6 && (mode.starts_with(b"100") || mode == b"120000")
    }

    /// Whether its mode is none that git writes. A server that does not check objects lets those
    /// in, and takes them for submodules: the object need not be there. Commits of submodules
    /// themselves are no objects of this repository.
    fn is_odd(&self) -> bool {
        !self.is_tree() && !self.is_blob() && trimmed(self.mode) != b"160000"
    }

    fn id(&self) -> Option<ObjectId> {
        ObjectId::from_bytes(self.id)
    }

    /// Entries are sorted by name, directories as if their names ended in a slash.
    fn sort_key(&self) -> SortKey<'_> {
        SortKey {
            name: self.name,
            end: if self.is_tree() { b'/' } else { 0 },
        }
    }
}

fn trimmed(mode: &[u8]) -> &[u8] {
    let zeros = mode.iter().take_while(|b| **b == b'0').count();
    &mode[zeros..]
}

#[derive(PartialEq, Eq)]
struct SortKey<'a> {
    name: &'a [u8],
    end: u8,
}

impl SortKey<'_> {
    fn cmp(&self, other: &SortKey<'_>) -> std::cmp::Ordering {
        let common = self.name.len().min(other.name.len());
        let byte = |key: &SortKey<'_>| key.name.get(common).copied().unwrap_or(key.end);
        self.name[..common]
            .cmp(&other.name[..common])
            .then_with(|| byte(self).cmp(&byte(other)))
    }
}

/// Goes through the entries of a tree; ends where they stop making sense.
struct Cursor<'a> {
    /// From the entry at the cursor on.
    tail: &'a [u8],
    /// After it.
    rest: &'a [u8],
    id_len: usize,
    at: Option<RawEntry<'a>>,
}

impl<'a> Cursor<'a> {
    fn new(tree: &'a [u8], id_len: usize) -> Self {
        let mut cursor = Self {
            tail: tree,
            rest: tree,
            id_len,
            at: None,
        };
        cursor.advance();
        cursor
    }

    fn advance(&mut self) {
        self.tail = self.rest;
        self.at = self.parse();
    }

    /// Takes two cursors over the entries that both have next. Versions of a directory differ in
    /// few entries, and comparing bytes is many times faster than comparing entries.
    fn skip_common(one: &mut Self, other: &mut Self) {
        let common = common_prefix(one.tail, other.tail);
        if common == one.tail.len() && common == other.tail.len() {
            one.rest = &one.tail[common..];
            other.rest = &other.tail[common..];
        } else {
            let mut skipped = 0;
            let mut ahead = Self {
                tail: one.tail,
                rest: one.tail,
                id_len: one.id_len,
                at: None,
            };
            while ahead.parse().is_some() {
                let end = one.tail.len() - ahead.rest.len();
                if end > common {
                    break;
                }
                skipped = end;
            }
            one.rest = &one.tail[skipped..];
            other.rest = &other.tail[skipped..];
        }
        one.advance();
        other.advance();
    }

    fn parse(&mut self) -> Option<RawEntry<'a>> {
        let tree = self.rest;
        let space = memchr::memchr(b' ', &tree[..tree.len().min(16)])?;
        let nul = space + 1 + memchr::memchr(0, &tree[space + 1..])?;
        let end = nul + 1 + self.id_len;
        let id = tree.get(nul + 1..end)?;
        self.rest = &tree[end..];
        Some(RawEntry {
            raw: &tree[..end],
            mode: &tree[..space],
            name: &tree[space + 1..nul],
            id,
        })
    }
}

/// How many bytes two texts have in common at their start.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    const CHUNK: usize = 256;
    let chunks = a.chunks_exact(CHUNK).zip(b.chunks_exact(CHUNK));
    let whole = chunks.take_while(|(a, b)| a == b).count() * CHUNK;
    let rest = a[whole..].iter().zip(&b[whole..]);
    whole + rest.take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::common_prefix;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_common_prefix_is_as_long_as_it_can_be(
            start in proptest::collection::vec(any::<u8>(), 0..700),
            a in proptest::collection::vec(0u8..3, 0..5),
            b in proptest::collection::vec(0u8..3, 0..5),
        ) {
            let (a, b) = ([&start[..], &a].concat(), [&start[..], &b].concat());
            let n = common_prefix(&a, &b);
            prop_assert_eq!(&a[..n], &b[..n]);
            prop_assert!(n == a.len() || n == b.len() || a[n] != b[n]);
        }
    }
}
