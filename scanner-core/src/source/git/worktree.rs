//! What a clone holds beyond its commits: staged content, changed and untracked files.
//!
//! Staged content is in the object database already and is read from there; files are read as
//! they are on disk, without Git's filters, because that is what leaks. Which files may have
//! changed is told by their metadata, as `git status` does it, and settled when they are visited:
//! a file whose hash is the one in the index is left out there. An index is a file like any
//! other and may name any path: none leads out of the working tree, over links or otherwise.

mod staged;

use super::{
    layout::{LIST_FILE, holds_repository, problem},
    lookup::{Lookup, LookupReader, Lost, ours, theirs},
    open::{Repository, RepositoryError},
};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue, SkipReason, Where},
    source::{
        BlobView, BlobVisitor, ContentKind, HashKind, VisitContext, WorkerFactory, blob_id,
        fs::{Buffer, LargeFile, Listing, Reader, Refusal, file_id, in_parallel, walker},
    },
};
use bstr::{BStr, BString, ByteSlice};
use gix::{
    hash::oid,
    index::{
        Entry, File,
        entry::{Flags, Mode, Stat, stat},
        extension::Tree,
    },
    objs::{CommitRefIter, Kind, TreeRef},
};
use std::{
    borrow::Cow,
    ffi::OsStr,
    io::ErrorKind,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Trees deeper than this are not compared with `HEAD` but taken as staged.
const TREE_DEPTH: usize = 1024;

/// Files in the index from which on the working tree is walked by several threads: fewer are walked
/// before the threads have told one another that they are done.
const WORTH_WALKERS: usize = 1_000;

/// What is compared to tell whether a file changed: everything, because a false alarm costs only
/// a hash.
const STAT: stat::Options = stat::Options {
    trust_ctime: true,
    check_stat: true,
    use_nsec: true,
    use_stdev: false,
};

/// Staged content, and files of a working tree that may differ from the index.
#[derive(Debug)]
pub struct WorkingSet {
    root: PathBuf,
    hash: HashKind,
    promisor: bool,
    objects: Lookup,
    items: Vec<Item>,
    issues: Vec<ScanIssue>,
}

/// One thing to visit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    place: Place,
    path: BString,
}

/// Where content is. Staged content comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// In the object database.
    Staged(ObjectId),
    /// A file; of no interest if its hash is this.
    File(Option<ObjectId>),
}

impl WorkingSet {
    /// Compares `HEAD`, index and working tree with at most `threads` threads. Reads no file of
    /// the working tree but its ignore files.
    ///
    /// Left out: what `.gitignore`, `.git/info/exclude` and the user's global excludes name
    /// unless it is tracked, submodules and other repositories inside, and symbolic links. An
    /// index that cannot be read is an issue; then every file counts as untracked.
    ///
    /// # Errors
    /// [`RepositoryError::NoWorkingTree`] for a bare repository.
    pub fn open(repository: &Repository, threads: usize) -> Result<Self, RepositoryError> {
        let (Some(root), Some(git_dir)) = (repository.worktree(), repository.git_dir()) else {
            return Err(RepositoryError::NoWorkingTree {
                path: repository.path().to_path_buf(),
            });
        };
        let mut set = Self {
            root: root.to_path_buf(),
            hash: repository.hash(),
            promisor: repository.is_promisor(),
            objects: Lookup::default(),
            items: Vec::new(),
            issues: Vec::new(),
        };
        set.objects = Lookup::open(repository.object_dirs(), repository.hash(), &mut set.issues);
        let index = set.read_index(
            &git_dir.join("index"),
            "every file counts as untracked and ignored files are left out",
        );
        if let Some(index) = &index {
            set.add_staged(index, repository.head());
            set.add_changed(index, threads);
        }
        set.add_untracked(index.as_ref(), threads);
        set.items.sort_by(|a, b| {
            let staged = |item: &Item| matches!(item.place, Place::File(_));
            (staged(a), &a.path, a.place).cmp(&(staged(b), &b.path, b.place))
        });
        set.items.dedup();
        set.issues.sort_unstable();
        set.issues.dedup();
        Ok(set)
    }

    /// Number of things to look at: some files among them may turn out unchanged.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Problems met when opening.
    pub fn issues(&self) -> &[ScanIssue] {
        &self.issues
    }

    /// Paths and blobs of what is staged and not in `HEAD` at that path, sorted by path.
    pub fn staged(&self) -> impl Iterator<Item = (&[u8], ObjectId)> {
        self.items.iter().filter_map(|item| match item.place {
            Place::Staged(id) => Some((item.path.as_slice(), id)),
            Place::File(_) => None,
        })
    }

    /// Returns the path, from the working tree's root, and the place of what had this number on
    /// its visit.
    ///
    /// # Panics
    /// When nothing has that number.
    pub fn provenance(&self, number: u32) -> (&[u8], Where) {
        let item = &self.items[number as usize];
        let place = match item.place {
            Place::Staged(_) => Where::Index,
            Place::File(_) => Where::Worktree,
        };
        (&item.path, place)
    }

    /// Visits staged content and changed files, once each, and tells [`Self::issues`]. Once
    /// stopped, from outside or by a visitor, what remains is skipped as interrupted.
    pub fn visit<F: WorkerFactory>(&self, ctx: &VisitContext<'_>, workers: &F) {
        if !self.issues.is_empty() {
            let mut worker = workers.worker();
            for issue in &self.issues {
                worker.issue(issue.clone());
            }
        }
        let reader = Reader::new(ctx);
        in_parallel(
            ctx,
            workers,
            self.items.len(),
            || (Scratch::new(&self.objects), Default::default()),
            |worker, (scratch, state), index| {
                let item = &self.items[index];
                let mut show = |worker: &mut F::Worker, id, bytes: &[u8]| {
                    let view = BlobView {
                        id,
                        number: index as u32,
                        kind: ContentKind::Blob,
                        bytes,
                        path: Some(&item.path),
                        parent: None,
                        report: true,
                    };
                    worker.blob(&view, state)
                };
                match item.place {
                    Place::Staged(id) => match scratch.staged(id, &reader) {
                        Ok((bytes, _grant)) => return show(worker, Some(id), bytes),
                        Err(lost) => self.tell_lost(item, id, lost, worker),
                    },
                    Place::File(known) => {
                        let path = self.root.join(item.path.to_path_lossy());
                        match reader.read(&path, &mut scratch.buffer) {
                            Ok(content) => {
                                let id = known.map(|_| blob_id(content.bytes, self.hash));
                                if id.is_none() || id != known {
                                    return show(worker, id, content.bytes);
                                }
                            }
                            Err(refusal) => {
                                let large = LargeFile {
                                    path: &path,
                                    shown: &item.path,
                                    number: index as u32,
                                    hash: self.hash,
                                };
                                let same = |known| known == file_id(&path, self.hash);
                                if !known.is_some_and(same) {
                                    return reader.visit_refused(refusal, &large, worker);
                                }
                            }
                        }
                    }
                }
                ControlFlow::Continue(())
            },
        );
    }

    fn tell_lost(&self, item: &Item, id: ObjectId, lost: Unread, worker: &mut impl BlobVisitor) {
        let (kind, reason, message) = match lost {
            Unread::Refused(refusal) => return refusal.tell(&item.path, worker),
            Unread::Lost(Lost::Absent) if self.promisor => (
                IssueKind::Missing,
                SkipReason::Missing,
                "staged content was not fetched (partial clone)".into(),
            ),
            Unread::Lost(Lost::Absent) => (
                IssueKind::Corrupt,
                SkipReason::Missing,
                "staged content is not in the object database".into(),
            ),
            Unread::Lost(Lost::Damaged(error)) => (
                IssueKind::Corrupt,
                SkipReason::Corrupt,
                format!("staged content cannot be decoded: {error}"),
            ),
        };
        worker.skipped(ContentKind::Blob, Some(id), reason);
        worker.issue(ScanIssue {
            kind,
            object: Some(id),
            path: Some(item.path.to_string()),
            message,
        });
    }

    /// Reads an index, `None` where there is none. One that cannot be read is an issue with this
    /// consequence.
    fn read_index(&mut self, path: &Path, consequence: &str) -> Option<File> {
        let meta = match std::fs::metadata(path) {
            Ok(meta) if meta.is_file() && meta.len() <= LIST_FILE => meta,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Ok(_) => {
                self.no_index(path, consequence, "it is not a file, or too large");
                return None;
            }
            Err(error) => {
                self.no_index(path, consequence, &error.to_string());
                return None;
            }
        };
        let options = gix::index::decode::Options {
            thread_limit: Some(1),
            // A false count of entries must not ask for more than its file could hold.
            alloc_limit_bytes: Some((meta.len() as usize).saturating_mul(32).max(1 << 26)),
            ..Default::default()
        };
        match File::at(path, self.hash.into(), false, options) {
            Ok(index) => Some(index),
            Err(error) => {
                self.no_index(path, consequence, &error.to_string());
                None
            }
        }
    }

    fn no_index(&mut self, path: &Path, consequence: &str, reason: &str) {
        self.issues.push(problem(
            IssueKind::Corrupt,
            path,
            &format!(
                "the index cannot be read, so {consequence}: {}",
                reason.lines().next().unwrap_or_default()
            ),
        ));
    }

    /// Adds entries whose blob `HEAD` does not have at their path.
    fn add_staged(&mut self, index: &File, head: Option<ObjectId>) {
        let mut compare = self.compare(index);
        let tree = head.and_then(|head| compare.tree_of(head));
        compare.directory(index.entries(), 0, tree, index.tree(), 0);
    }

    fn compare<'a>(&'a mut self, index: &'a File) -> Compare<'a> {
        Compare {
            index,
            objects: self.objects.reader(),
            hash: self.hash.into(),
            promisor: self.promisor,
            items: &mut self.items,
            issues: &mut self.issues,
        }
    }

    /// Adds tracked files whose metadata is not that in the index.
    fn add_changed(&mut self, index: &File, threads: usize) {
        let entries = index.entries();
        let share = entries.len().div_ceil(threads.max(1)).max(1024);
        let root = &self.root;
        let parts: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = entries
                .chunks(share)
                .map(|chunk| scope.spawn(move || changed(root, index, chunk)))
                .collect();
            running
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect()
        });
        for part in parts {
            match part {
                Ok((mut items, mut issues)) => {
                    self.items.append(&mut items);
                    self.issues.append(&mut issues);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    }

    /// Adds files that are neither in the index nor ignored.
    fn add_untracked(&mut self, index: Option<&File>, threads: usize) {
        let nested = Arc::new(Mutex::new(Vec::new()));
        let found = Arc::clone(&nested);
        let files = index.map_or(0, |index| index.entries().len());
        let threads = if files < WORTH_WALKERS { 1 } else { threads };
        let mut walk = walker(&self.root, threads);
        walk.ignore(false)
            .parents(false)
            .filter_entry(move |entry| {
                if entry.depth() == 0 {
                    return true;
                }
                if entry.file_name() == OsStr::new(".git") {
                    return false;
                }
                let inside = entry.file_type().is_some_and(|kind| kind.is_dir())
                    && holds_repository(entry.path());
                if inside {
                    found
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(entry.path().to_path_buf());
                }
                !inside
            });
        let mut listing = Listing::default();
        let root = &self.root;
        listing.walk(&walk, threads, |path| {
            let below = path.strip_prefix(root).ok()?;
            let name = shown(below);
            (!index.is_some_and(|index| is_tracked(index, name.as_ref())))
                .then(|| below.to_path_buf())
        });
        self.issues.append(&mut listing.issues);
        self.items.extend(listing.paths.into_iter().map(|path| {
            let name = shown(&path);
            Item {
                place: Place::File(None),
                path: name.into_owned(),
            }
        }));
        let nested = std::mem::take(&mut *nested.lock().unwrap_or_else(PoisonError::into_inner));
        self.issues.extend(nested.into_iter().map(|path| {
            problem(
                IssueKind::Note,
                &path,
                "a repository of its own (a submodule, say), not entered: scan it by its path",
            )
        }));
    }
}

/// A path as Git writes it.
fn shown(path: &Path) -> Cow<'_, BStr> {
    let bytes = path.as_os_str().as_encoded_bytes();
    gix::path::to_unix_separators_on_windows(bytes.as_bstr())
}

/// Whether the index has an entry of this path, in any stage.
fn is_tracked(index: &File, path: &BStr) -> bool {
    index
        .entries()
        .binary_search_by(|entry| entry.path(index).cmp(path))
        .is_ok()
}

/// The files among `entries` whose metadata is not that in the index.
fn changed(root: &Path, index: &File, entries: &[Entry]) -> (Vec<Item>, Vec<ScanIssue>) {
    let (mut items, mut issues) = (Vec::new(), Vec::new());
    let mut parents = Parents::default();
    for entry in entries {
        if !matches!(
            entry.mode,
            Mode::FILE | Mode::FILE_EXECUTABLE | Mode::SYMLINK
        ) {
            continue;
        }
        let name = entry.path(index);
        if !is_below(name) {
            issues.push(ScanIssue {
                kind: IssueKind::Corrupt,
                object: None,
                path: Some(name.to_string()),
                message: "a path in the index leads out of the working tree; not read".into(),
            });
            continue;
        }
        let Ok(below) = name.to_path() else {
            continue;
        };
        let path = root.join(below);
        match gix::index::fs::Metadata::from_path_no_follow(&path) {
            Ok(meta) => {
                let settled = entry.stage_raw() == 0 && !entry.flags.contains(Flags::INTENT_TO_ADD);
                let same = Stat::from_fs(&meta).is_ok_and(|now| entry.stat.matches(&now, STAT))
                    && !entry.stat.is_racy(index.timestamp(), STAT);
                if !meta.is_file() || (settled && same) {
                    continue;
                }
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                continue;
            }
            // Kept: reading it will say why.
            Err(_) => {}
        }
        if !parents.are_plain(root, below) {
            continue;
        }
        let known = (entry.stage_raw() == 0).then(|| ours(&entry.id));
        items.push(Item {
            place: Place::File(known),
            path: name.to_owned(),
        });
    }
    // A conflict has up to three entries for one file.
    items.dedup_by(|a, b| a.path == b.path);
    (items, issues)
}

/// Whether a path stays below where it starts, and out of `.git`.
fn is_below(path: &BStr) -> bool {
    let git = |part: &[u8]| part.eq_ignore_ascii_case(b".git");
    let windows = cfg!(windows) && path.contains_str(b":");
    let parts = || path.split(|&byte| byte == b'/' || (cfg!(windows) && byte == b'\\'));
    !windows && !parts().any(|part| matches!(part, b"" | b"." | b"..") || git(part))
}

/// Remembers which directories were seen to be directories rather than links.
#[derive(Debug, Default)]
struct Parents {
    last: PathBuf,
    plain: bool,
}

impl Parents {
    fn are_plain(&mut self, root: &Path, below: &Path) -> bool {
        let Some(parent) = below.parent() else {
            return true;
        };
        if parent != self.last || parent.as_os_str().is_empty() {
            parent.clone_into(&mut self.last);
            self.plain = parent
                .ancestors()
                .take_while(|dir| !dir.as_os_str().is_empty())
                .all(|dir| std::fs::symlink_metadata(root.join(dir)).is_ok_and(|m| m.is_dir()));
        }
        self.plain
    }
}

/// Compares the index with the tree of `HEAD`.
struct Compare<'a> {
    index: &'a File,
    objects: LookupReader,
    hash: gix::hash::Kind,
    promisor: bool,
    items: &'a mut Vec<Item>,
    issues: &'a mut Vec<ScanIssue>,
}

impl Compare<'_> {
    /// The tree of a commit.
    fn tree_of(&mut self, commit: ObjectId) -> Option<gix::ObjectId> {
        let id = gix::ObjectId::try_from(commit.as_bytes()).ok()?;
        let mut buffer = Vec::new();
        self.read(&id, Kind::Commit, &mut buffer)?;
        let tree = CommitRefIter::from_bytes(&buffer, self.hash).tree_id().ok();
        if tree.is_none() {
            self.lost(&id, IssueKind::Corrupt, "is damaged");
        }
        tree
    }

    /// Compares entries that share the first `prefix` bytes of their path, a directory, with the
    /// tree of that directory.
    fn directory(
        &mut self,
        mut entries: &[Entry],
        prefix: usize,
        tree: Option<gix::ObjectId>,
        cached: Option<&Tree>,
        depth: usize,
    ) {
        // The index knows the tree that it would be committed as, unless something changed.
        if cached.is_some_and(|cached| cached.num_entries.is_some() && Some(cached.id) == tree) {
            return;
        }
        let mut buffer = Vec::new();
        let head = tree
            .filter(|_| depth < TREE_DEPTH)
            .and_then(|id| self.tree(&id, &mut buffer));
        while let Some(first) = entries.first() {
            let path = first.path(self.index);
            let name = path.get(prefix..).unwrap_or_default();
            let Some(slash) = name.find_byte(b'/') else {
                let old = head
                    .as_ref()
                    .and_then(|tree| tree.bisect_entry(name.as_bstr(), false));
                if old.is_none_or(|old| old.oid != first.id) {
                    self.stage(first);
                }
                entries = &entries[1..];
                continue;
            };
            let directory = &name[..slash];
            let old = head
                .as_ref()
                .and_then(|tree| tree.bisect_entry(directory.as_bstr(), true));
            let old = old.map(|old| old.oid.to_owned());
            if first.mode == Mode::DIR {
                self.trees(path, old, first.id);
                entries = &entries[1..];
                continue;
            }
            let inside = &path[..=prefix + slash];
            let count = entries
                .iter()
                .take_while(|entry| entry.path(self.index).starts_with(inside))
                .count();
            let (group, rest) = entries.split_at(count.max(1));
            entries = rest;
            if old.is_some() {
                let cached = cached.and_then(|cached| {
                    let named = |child: &&Tree| child.name[..] == *directory;
                    cached.children.iter().find(named)
                });
                self.directory(group, inside.len(), old, cached, depth + 1);
            } else {
                for entry in group {
                    if entry.mode == Mode::DIR {
                        self.trees(entry.path(self.index), None, entry.id);
                    } else {
                        self.stage(entry);
                    }
                }
            }
        }
    }

    fn stage(&mut self, entry: &Entry) {
        if entry.mode == Mode::COMMIT || entry.flags.contains(Flags::INTENT_TO_ADD) {
            return;
        }
        self.items.push(Item {
            place: Place::Staged(ours(&entry.id)),
            path: entry.path(self.index).to_owned(),
        });
    }

    /// Adds the blobs of tree `new` that tree `old` does not have at their path: what a sparse
    /// index holds as one entry.
    fn trees(&mut self, path: &BStr, old: Option<gix::ObjectId>, new: gix::ObjectId) {
        let (mut old_buffer, mut new_buffer) = (Vec::new(), Vec::new());
        let mut path = path.to_owned();
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
        let mut open = vec![(path, old, new)];
        while let Some((path, old, new)) = open.pop() {
            if old == Some(new) || path.len() > usize::from(u16::MAX) {
                continue;
            }
            let old = old.and_then(|id| self.tree(&id, &mut old_buffer));
            let Some(new) = self.tree(&new, &mut new_buffer) else {
                continue;
            };
            for entry in &new.entries {
                let tree = entry.mode.is_tree();
                let known = old
                    .as_ref()
                    .and_then(|old| old.bisect_entry(entry.filename, tree))
                    .map(|known| known.oid.to_owned());
                if known.as_deref() == Some(entry.oid) || entry.mode.is_commit() {
                    continue;
                }
                let mut path = path.clone();
                path.extend_from_slice(entry.filename);
                if tree {
                    path.push(b'/');
                    open.push((path, known, entry.oid.to_owned()));
                } else {
                    self.items.push(Item {
                        place: Place::Staged(ours(entry.oid)),
                        path,
                    });
                }
            }
        }
    }

    fn tree<'b>(&mut self, id: &oid, buffer: &'b mut Vec<u8>) -> Option<TreeRef<'b>> {
        self.read(id, Kind::Tree, buffer)?;
        let tree = TreeRef::from_bytes(buffer, self.hash).ok();
        if tree.is_none() {
            self.lost(id, IssueKind::Corrupt, "is damaged");
        }
        tree
    }

    /// Reads an object; one that cannot be read is an issue, and what depends on it counts as
    /// staged.
    fn read(&mut self, id: &oid, kind: Kind, buffer: &mut Vec<u8>) -> Option<()> {
        match self.objects.read(id, kind, buffer) {
            Ok(()) => return Some(()),
            Err(Lost::Absent) if self.promisor => {
                self.lost(id, IssueKind::Missing, "was not fetched (partial clone)");
            }
            Err(Lost::Absent) => self.lost(id, IssueKind::Corrupt, "is absent"),
            Err(_) => self.lost(id, IssueKind::Corrupt, "cannot be decoded"),
        }
        None
    }

    fn lost(&mut self, id: &oid, kind: IssueKind, what: &str) {
        self.issues.push(ScanIssue {
            kind,
            object: ObjectId::from_bytes(id.as_bytes()),
            path: None,
            message: format!("part of HEAD {what}; what the index has there counts as staged"),
        });
    }
}

/// Why staged content cannot be had.
enum Unread {
    Lost(Lost),
    Refused(Refusal),
}

impl From<Lost> for Unread {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

/// What one thread reads into.
struct Scratch {
    objects: LookupReader,
    object: Vec<u8>,
    buffer: Buffer,
}

impl Scratch {
    fn new(objects: &Lookup) -> Self {
        Self {
            objects: objects.reader(),
            object: Vec::new(),
            buffer: Buffer::default(),
        }
    }

    /// Reads a blob within the limits.
    fn staged<'a>(
        &'a mut self,
        id: ObjectId,
        reader: &'a Reader,
    ) -> Result<(&'a [u8], crate::source::fs::Grant<'a>), Unread> {
        let id = theirs(&id);
        let size = self.objects.size(&id, Kind::Blob)?;
        let grant = reader.admit(size).map_err(Unread::Refused)?;
        self.object.clear();
        self.objects.read(&id, Kind::Blob, &mut self.object)?;
        Ok((&self.object, grant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{
        git::testing::Lab,
        testing::{Collect, Seen, context},
    };
    use std::{
        fs,
        time::{Duration, SystemTime},
    };

    fn open(lab: &Lab, path: &str) -> WorkingSet {
        let repository = Repository::open(&lab.path(path)).unwrap();
        WorkingSet::open(&repository, 2).unwrap()
    }

    fn visit(set: &WorkingSet) -> Seen {
        let collect = Collect::default();
        set.visit(&context(2), &&collect);
        let seen = collect.into_seen();
        for (number, path, _) in &seen.blobs {
            assert_eq!(set.provenance(*number).0, path.as_bytes());
        }
        seen
    }

    /// `index:` or `worktree:`, path, `=`, content; in order.
    fn shown(lab: &Lab, path: &str) -> Vec<String> {
        let set = open(lab, path);
        let seen = visit(&set);
        assert_eq!((&seen.issues[..], &seen.skipped[..]), (&[][..], &[][..]));
        shown_of(&set, &seen)
    }

    fn shown_of(set: &WorkingSet, seen: &Seen) -> Vec<String> {
        seen.blobs
            .iter()
            .map(|(number, path, bytes)| {
                let place = set.provenance(*number).1.as_str();
                format!("{place}:{path}={}", String::from_utf8_lossy(bytes))
            })
            .collect()
    }

    /// Makes everything in a working tree look older than the index, so that nothing is racy.
    fn settle(lab: &Lab, clone: &str) {
        let old = SystemTime::now() - Duration::from_secs(100);
        for name in lab.git(clone, &["ls-files"]).lines() {
            let file = fs::File::options()
                .append(true)
                .open(lab.path(clone).join(name));
            file.unwrap().set_modified(old).unwrap();
        }
        lab.git(clone, &["update-index", "--refresh"]);
    }

    #[test]
    fn a_clean_clone_has_nothing_to_visit() {
        let lab = Lab::new();
        lab.repository("clone");
        assert_eq!(shown(&lab, "clone"), [""; 0]);
        settle(&lab, "clone");
        // Told by metadata alone, without reading.
        assert!(open(&lab, "clone").is_empty());
    }

    #[test]
    fn staged_changed_and_untracked_content_is_shown_once_each() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/dir/sub/b", "b");
        lab.write("clone/dir/c", "c");
        lab.write("clone/gone", "gone");
        lab.write("clone/.gitignore", "*.tmp\n");
        lab.commit("clone");
        lab.write("clone/a", "staged");
        lab.write("clone/dir/sub/new", "new");
        lab.write("clone/forced.tmp", "forced");
        lab.git("clone", &["add", "-A"]);
        lab.git("clone", &["add", "-f", "forced.tmp"]);
        lab.write("clone/a", "changed");
        lab.write("clone/dir/c", "C");
        lab.write("clone/forced.tmp", "forced, changed");
        lab.write("clone/ignored.tmp", "ignored");
        lab.write("clone/dir/other", "untracked");
        lab.write("clone/intended", "intended");
        lab.git("clone", &["add", "-N", "intended"]);
        fs::remove_file(lab.path("clone/gone")).unwrap();
        assert_eq!(
            shown(&lab, "clone"),
            [
                "index:a=staged",
                "index:dir/sub/new=new",
                "index:forced.tmp=forced",
                "worktree:a=changed",
                "worktree:dir/c=C",
                "worktree:dir/other=untracked",
                "worktree:forced.tmp=forced, changed",
                "worktree:intended=intended",
            ]
        );
    }

    #[test]
    fn staged_paths_are_those_of_git_diff_for_every_index_format() {
        let lab = Lab::new();
        lab.repository("clone");
        for n in 0..60 {
            lab.write(&format!("clone/d{}/e{}/f{n}", n % 3, n % 5), format!("{n}"));
        }
        lab.commit("clone");
        for n in (0..60).step_by(7) {
            lab.write(&format!("clone/d{}/e{}/f{n}", n % 3, n % 5), "changed");
            lab.write(&format!("clone/d{}.x", n % 4), "added");
        }
        lab.git("clone", &["add", "-A"]);
        lab.git("clone", &["mv", "d1/e1", "d1/moved"]);
        lab.git("clone", &["rm", "-q", "--cached", "d0/e0/f15"]);
        for arguments in [
            &["update-index", "--index-version", "2"][..],
            &["update-index", "--index-version", "4"],
            &["update-index", "--untracked-cache"],
            &["update-index", "--split-index"],
            &["write-tree"],
        ] {
            lab.git("clone", arguments);
            let expected = lab.git(
                "clone",
                &[
                    "diff",
                    "--cached",
                    "--name-only",
                    "--no-renames",
                    "--diff-filter=AM",
                    "HEAD",
                ],
            );
            let set = open(&lab, "clone");
            assert_eq!(set.issues(), []);
            let staged: Vec<_> = set.staged().map(|(path, _)| path.to_str_lossy()).collect();
            assert_eq!(
                staged,
                expected.lines().collect::<Vec<_>>(),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn a_changed_file_of_equal_size_and_time_is_noticed() {
        let lab = Lab::new();
        lab.repository("clone");
        let path = lab.path("clone/a");
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        // As fast as the clock of the file system allows: racy in Git's sense.
        lab.write("clone/a", "two");
        let file = fs::File::options().append(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
        assert_eq!(shown(&lab, "clone"), ["worktree:a=two"]);
    }

    #[test]
    fn before_the_first_commit_everything_is_staged_or_untracked() {
        let lab = Lab::new();
        lab.git("", &["init", "-q", "new"]);
        lab.write("new/a", "a");
        assert_eq!(shown(&lab, "new"), ["worktree:a=a"]);
        lab.git("new", &["add", "a"]);
        lab.write("new/b", "b");
        assert_eq!(shown(&lab, "new"), ["index:a=a", "worktree:b=b"]);
    }

    #[test]
    fn all_sides_of_a_conflict_are_shown() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.git("clone", &["checkout", "-q", "-b", "other"]);
        lab.write("clone/a", "theirs");
        lab.commit("clone");
        lab.git("clone", &["checkout", "-q", "main"]);
        lab.write("clone/a", "ours");
        lab.commit("clone");
        let merge = std::panic::catch_unwind(|| lab.git("clone", &["merge", "-q", "other"]));
        assert!(merge.is_err(), "the merge conflicts");
        let shown = shown(&lab, "clone");
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert!(shown.contains(&"index:a=one".into()));
        assert!(shown.contains(&"index:a=theirs".into()));
        assert!(shown[2].starts_with("worktree:a=<<<<<<<"));
    }

    #[test]
    fn line_endings_as_on_disk_count() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/.gitattributes", "*.txt eol=crlf\n");
        lab.write("clone/x.txt", "line\n");
        lab.commit("clone");
        fs::remove_file(lab.path("clone/x.txt")).unwrap();
        lab.git("clone", &["checkout", "-q", "x.txt"]);
        settle(&lab, "clone");
        assert_eq!(shown(&lab, "clone"), [""; 0]);
        lab.write("clone/x.txt", "line\r\n");
        assert_eq!(shown(&lab, "clone"), ["worktree:x.txt=line\r\n"]);
    }

    #[test]
    fn other_repositories_inside_are_not_entered() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.repository("other");
        lab.git("clone", &["submodule", "--quiet", "add", "../other", "sub"]);
        lab.commit("clone");
        lab.write("clone/sub/private", "x");
        lab.repository("clone/nested");
        lab.write("clone/not-nested/.git", "no repository");
        lab.write("clone/not-nested/x", "x");
        let set = open(&lab, "clone");
        let seen = visit(&set);
        assert_eq!(shown_of(&set, &seen), ["worktree:not-nested/x=x"]);
        assert_eq!(seen.issues.len(), 2);
        assert!(
            seen.issues
                .iter()
                .all(|issue| issue.kind == IssueKind::Note)
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere() {
        use std::os::unix::fs::symlink;
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/dir/file", "x");
        symlink("a", lab.path("clone/link")).unwrap();
        lab.commit("clone");
        lab.write("outside/file", "private");
        fs::remove_dir_all(lab.path("clone/dir")).unwrap();
        symlink("../outside", lab.path("clone/dir")).unwrap();
        symlink("../outside/file", lab.path("clone/b")).unwrap();
        assert_eq!(shown(&lab, "clone"), [""; 0]);
    }

    #[test]
    fn paths_that_leave_the_working_tree_are_refused() {
        for path in [
            "../x",
            "/etc/x",
            "a/../../x",
            "a//b",
            "",
            ".git/config",
            "a/.GIT/x",
            ".",
        ] {
            assert!(!is_below(path.into()), "{path}");
        }
        for path in ["a", ".gitignore", "a/..b", "a b/c"] {
            assert!(is_below(path.into()), "{path}");
        }
    }

    #[test]
    fn linked_worktrees_have_an_index_of_their_own() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.git("clone", &["worktree", "add", "-q", "../linked"]);
        lab.write("linked/a", "staged");
        lab.git("linked", &["add", "a"]);
        lab.write("clone/b", "b");
        assert_eq!(shown(&lab, "linked"), ["index:a=staged"]);
        assert_eq!(shown(&lab, "clone"), ["worktree:b=b"]);
    }

    #[test]
    fn a_sparse_index_is_understood() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/in/x", "x");
        lab.write("clone/out/y", "y");
        lab.write("clone/out/deep/z", "z");
        lab.commit("clone");
        lab.write("clone/out/deep/z", "Z");
        lab.commit("clone");
        lab.git(
            "clone",
            &["sparse-checkout", "set", "--cone", "--sparse-index", "in"],
        );
        assert_eq!(shown(&lab, "clone"), [""; 0]);
        lab.git("clone", &["reset", "-q", "--soft", "HEAD^"]);
        assert_eq!(shown(&lab, "clone"), ["index:out/deep/z=Z"]);
    }

    #[test]
    fn sha256_repositories_work() {
        let lab = Lab::new();
        lab.git("", &["init", "-q", "--object-format=sha256", "clone"]);
        lab.write("clone/a", "one");
        lab.commit("clone");
        assert_eq!(shown(&lab, "clone"), [""; 0]);
        lab.write("clone/a", "two");
        lab.git("clone", &["add", "a"]);
        assert_eq!(shown(&lab, "clone"), ["index:a=two"]);
    }

    #[test]
    fn a_damaged_index_is_an_issue_and_files_are_untracked() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/dir/b", "b");
        lab.commit("clone");
        let good = fs::read(lab.path("clone/.git/index")).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            lab.write("clone/.git/index", &bad);
            let set = open(&lab, "clone");
            assert_eq!(set.issues().len(), 1, "byte {at}");
            assert_eq!(set.issues()[0].kind, IssueKind::Corrupt);
            assert_eq!(set.len(), 2);
            lab.write("clone/.git/index", &good[..at]);
            assert_eq!(open(&lab, "clone").issues().len(), 1, "cut at {at}");
        }
        // Without a checksum (index.skipHash) nothing tells damage but the content.
        let end = good.len() - 20;
        for at in 0..end {
            let mut bad = good.clone();
            bad[end..].fill(0);
            bad[at] ^= 0xff;
            lab.write("clone/.git/index", &bad);
            visit(&open(&lab, "clone"));
        }
    }

    #[test]
    fn lost_and_damaged_staged_content_is_told() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/x", "x");
        lab.git("clone", &["add", "x"]);
        fs::remove_file(lab.path("clone/x")).unwrap();
        let id = lab.git("clone", &["rev-parse", ":x"]);
        let object = format!("clone/.git/objects/{}/{}", &id[..2], &id[2..]);
        let path = lab.path(&object);
        fs::remove_file(&path).unwrap();
        let seen = visit(&open(&lab, "clone"));
        assert_eq!(seen.skipped, [SkipReason::Missing]);
        assert_eq!(seen.issues[0].kind, IssueKind::Corrupt);
        lab.write(&object, "rubbish");
        let seen = visit(&open(&lab, "clone"));
        assert_eq!(seen.skipped, [SkipReason::Corrupt]);
    }

    #[test]
    fn a_bare_repository_has_no_working_set() {
        let lab = Lab::new();
        lab.git("", &["init", "-q", "--bare", "bare"]);
        let repository = Repository::open(&lab.path("bare")).unwrap();
        let error = WorkingSet::open(&repository, 1).unwrap_err();
        assert!(matches!(error, RepositoryError::NoWorkingTree { .. }));
    }
}
