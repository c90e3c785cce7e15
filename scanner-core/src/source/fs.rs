//! Files and directories.
//!
//! The list of files is made first and sorted, so that a file's number does not depend on the
//! order in which the file system or the threads happen to answer; the files are then read in
//! parallel, each thread into one buffer that it keeps. Content is neither mapped (a file that
//! shrinks while mapped kills the process) nor hashed (only files with findings need an id).
//!
//! Symbolic links below a root are not followed: what they point at is either walked anyway or
//! outside of what was asked for. The text of a link's target is a name, not content, and is not
//! scanned. A root that is itself a link is followed, because somebody named it.

use super::{
    BlobHasher, BlobView, BlobVisitor, ContentKind, HashKind, MOST_BYTES, VisitContext,
    WorkerFactory,
    window::{self, Large, Layout, fill},
};
use crate::model::{IssueKind, ObjectId, ScanIssue, SkipReason};
use ignore::{DirEntry, WalkBuilder, WalkState};
use std::{
    cell::OnceCell,
    ffi::OsStr,
    fs::File,
    io::{self, Read, Seek},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
};

/// A thread keeps at most this much of its buffer for the next file, in bytes.
const KEPT_BUFFER: usize = 1 << 20;

/// Why a list of files could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// A path that was asked for is not there or cannot be looked at.
    #[error("cannot scan {}: check that it exists and may be read", path.display())]
    Root {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Files to scan, listed and numbered.
#[derive(Debug)]
pub struct Files {
    paths: Vec<PathBuf>,
    issues: Vec<ScanIssue>,
}

impl Files {
    /// Lists the files under `roots` (files, or directories that are walked) with at most
    /// `threads` threads.
    ///
    /// Hidden files are listed, directories named `.git` are never entered. With
    /// `honour_ignore_files`, what `.gitignore`, `.ignore`, `.git/info/exclude` and the user's
    /// global excludes name is left out; ignore files above a root count only inside a Git
    /// working tree, so that a stray one in a temporary or home directory hides nothing. A file
    /// named as a root is always listed.
    ///
    /// # Errors
    /// When a root cannot be looked at. Problems further down are issues, told on the visit.
    pub fn list(
        roots: &[PathBuf],
        honour_ignore_files: bool,
        threads: usize,
    ) -> Result<Self, FilesError> {
        let mut listing = Listing::default();
        for root in roots {
            let failed = |source| FilesError::Root {
                path: root.clone(),
                source,
            };
            let meta = std::fs::metadata(root).map_err(failed)?;
            if meta.is_dir() {
                let mut walk = walker(root, threads);
                if honour_ignore_files {
                    walk.parents(inside_git(root));
                } else {
                    walk.standard_filters(false);
                }
                walk.filter_entry(|entry| {
                    entry.depth() == 0
                        || entry.file_name() != OsStr::new(".git")
                        || !entry.file_type().is_some_and(|kind| kind.is_dir())
                });
                listing.walk(&walk, threads, |path| Some(tidy(path)));
            } else if meta.is_file() {
                listing.paths.push(tidy(root.clone()));
            } else {
                listing.issues.push(special(root));
            }
        }
        listing.paths.sort_unstable();
        listing.paths.dedup();
        Ok(Self {
            paths: listing.paths,
            issues: listing.issues,
        })
    }

    /// Number of files listed.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether no file is listed.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Returns the path of a file by the number that its visit had, below the root as given.
    ///
    /// # Panics
    /// When no file has that number.
    pub fn path(&self, number: u32) -> &[u8] {
        self.paths[number as usize].as_os_str().as_encoded_bytes()
    }

    /// Visits every file once. Once stopped, from outside or by a visitor, what remains is
    /// skipped as interrupted.
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
            self.paths.len(),
            || (Buffer::default(), Default::default()),
            |worker, (buffer, state), index| {
                let path = &self.paths[index];
                let shown = path.as_os_str().as_encoded_bytes();
                match reader.read(path, buffer) {
                    Ok(content) => worker.blob(
                        &BlobView {
                            id: None,
                            number: index as u32,
                            kind: ContentKind::Blob,
                            bytes: content.bytes,
                            path: Some(shown),
                            parent: None,
                            report: true,
                        },
                        state,
                    ),
                    Err(refusal) => {
                        let large = LargeFile {
                            path,
                            shown,
                            number: index as u32,
                            hash: HashKind::Sha1,
                        };
                        reader.visit_refused(refusal, &large, worker)
                    }
                }
            },
        );
    }
}

/// Returns a walker that shows hidden files and honours ignore files, Git's or not, whether or
/// not the directory belongs to a repository.
pub(crate) fn walker(root: &Path, threads: usize) -> WalkBuilder {
    // A root named `-` means standard input to the walker.
    let mut walk = if root == Path::new("-") {
        WalkBuilder::new("./-")
    } else {
        WalkBuilder::new(root)
    };
    walk.hidden(false)
        .require_git(false)
        .follow_links(false)
        .threads(threads.max(1));
    walk
}

/// Whether a directory lies in a Git working tree.
fn inside_git(dir: &Path) -> bool {
    dir.canonicalize()
        .is_ok_and(|dir| dir.ancestors().any(|dir| dir.join(".git").exists()))
}

/// A path as it is shown, opened and sorted: without `./` in front, with `/` between the parts.
fn tidy(path: PathBuf) -> PathBuf {
    let path = match path.strip_prefix(".") {
        Ok(rest) if !rest.as_os_str().is_empty() => rest.to_path_buf(),
        _ => path,
    };
    if cfg!(windows) {
        path.to_str()
            .map_or_else(|| path.clone(), |text| text.replace('\\', "/").into())
    } else {
        path
    }
}

/// Says that something is neither file, directory nor link.
fn special(path: &Path) -> ScanIssue {
    ScanIssue {
        kind: IssueKind::Note,
        object: None,
        path: Some(path.display().to_string()),
        message: "neither a file nor a directory (pipe, socket or device); not read".into(),
    }
}

/// Regular files met by walks, and what went wrong.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) issues: Vec<ScanIssue>,
}

impl Listing {
    /// Adds the regular files that `walk` shows and `keep` keeps, unsorted. With one thread, this one
    /// walks: at the end of a walk by several, they sleep for a millisecond to see whether there is
    /// more to do.
    pub(crate) fn walk(
        &mut self,
        walk: &WalkBuilder,
        threads: usize,
        keep: impl Fn(PathBuf) -> Option<PathBuf> + Sync,
    ) {
        if threads <= 1 {
            for entry in walk.build() {
                meet(entry, &keep, |met| self.add(met));
            }
            return;
        }
        let (to, from) = mpsc::channel();
        let keep = &keep;
        walk.build_parallel().run(|| {
            let to = to.clone();
            Box::new(move |entry| {
                // The receiver outlives the walk.
                meet(entry, keep, |met| drop(to.send(met)));
                WalkState::Continue
            })
        });
        drop(to);
        for met in from {
            self.add(met);
        }
    }

    fn add(&mut self, met: Result<PathBuf, ScanIssue>) {
        match met {
            Ok(path) => self.paths.push(path),
            Err(issue) => self.issues.push(issue),
        }
    }
}

/// Tells what a walk met: a file that is kept, or a problem.
fn meet(
    entry: Result<DirEntry, ignore::Error>,
    keep: impl Fn(PathBuf) -> Option<PathBuf>,
    mut tell: impl FnMut(Result<PathBuf, ScanIssue>),
) {
    let entry = match entry {
        Ok(entry) => entry,
        Err(error) => return tell(Err(unlisted(&error))),
    };
    if let Some(error) = entry.error() {
        tell(Err(bad_ignore_file(error)));
    }
    match entry.file_type() {
        Some(kind) if kind.is_file() => {
            if let Some(path) = keep(entry.into_path()) {
                tell(Ok(path));
            }
        }
        Some(kind) if kind.is_dir() || kind.is_symlink() => {}
        _ => tell(Err(special(entry.path()))),
    }
}

/// Says that a directory could not be listed.
fn unlisted(error: &ignore::Error) -> ScanIssue {
    ScanIssue {
        kind: IssueKind::Unreadable,
        object: None,
        path: path_of(error).map(|path| path.display().to_string()),
        message: match error.io_error() {
            Some(error) => format!("cannot be listed, its files are not scanned: {error}"),
            None => format!("cannot be listed, its files are not scanned: {error}"),
        },
    }
}

/// Says that a line of an ignore file has no effect.
fn bad_ignore_file(error: &ignore::Error) -> ScanIssue {
    ScanIssue {
        kind: IssueKind::Note,
        object: None,
        path: path_of(error).map(|path| path.display().to_string()),
        message: format!("an ignore file is not understood in full: {error}"),
    }
}

/// The path that a walker's error names.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        _ => None,
    }
}

/// Calls `each` once for every index below `count`, over at most `ctx.threads` threads, each
/// with a visitor and a scratch value of its own. Once stopped, the rest is skipped as
/// interrupted.
pub(crate) fn in_parallel<F: WorkerFactory, T>(
    ctx: &VisitContext<'_>,
    workers: &F,
    count: usize,
    scratch: impl Fn() -> T + Sync,
    each: impl Fn(&mut F::Worker, &mut T, usize) -> ControlFlow<()> + Sync,
) {
    if count == 0 {
        return;
    }
    let threads = ctx.threads.clamp(1, count);
    // Neighbours share directories, so threads take runs of them; short lists are dealt singly.
    let chunk = (count / (threads * 8)).clamp(1, 16);
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let work = || {
        let mut worker = workers.worker();
        let mut scratch = scratch();
        loop {
            let start = next.fetch_add(chunk, Ordering::Relaxed);
            if start >= count {
                break;
            }
            for index in start..count.min(start + chunk) {
                if stopped.load(Ordering::Relaxed) || ctx.stopped() {
                    stopped.store(true, Ordering::Relaxed);
                    worker.skipped(ContentKind::Blob, None, SkipReason::Interrupted);
                } else if each(&mut worker, &mut scratch, index).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

/// Bytes of content buffers that may live at once, shared by all threads.
#[derive(Debug)]
pub(crate) struct Budget {
    most: u64,
    used: Mutex<u64>,
    returned: Condvar,
}

/// A part of a [`Budget`], given back on drop. A thread holds one at a time, so nobody waits for
/// somebody who waits.
#[derive(Debug)]
pub(crate) struct Grant<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(most: u64) -> Self {
        Self {
            most,
            used: Mutex::new(0),
            returned: Condvar::new(),
        }
    }

    /// Waits until `bytes` are free; `None` when they never will be.
    pub(crate) fn take(&self, bytes: u64) -> Option<Grant<'_>> {
        if bytes > self.most {
            return None;
        }
        let used = self.lock();
        let mut used = self
            .returned
            .wait_while(used, |used| *used + bytes > self.most)
            .unwrap_or_else(PoisonError::into_inner);
        *used += bytes;
        Some(Grant {
            budget: self,
            bytes,
        })
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        *self.budget.lock() -= self.bytes;
        self.budget.returned.notify_all();
    }
}

/// Bytes that a thread reads files into. Its length only grows within its kept size, so that
/// nothing is zeroed twice.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Vec<u8>);

/// A file's content, for as long as its part of the budget is held.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) bytes: &'a [u8],
    _grant: Grant<'a>,
}

/// Why content is not there to be scanned.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Larger than a limit. `bytes` is 0 where the size is not known.
    TooLarge { bytes: u64, limit: u64 },
    /// The system refused.
    Failed(io::Error),
}

impl Refusal {
    /// Tells a visitor that the file at `path` is skipped and why.
    pub(crate) fn tell(self, path: &[u8], worker: &mut impl BlobVisitor) {
        let (reason, kind, message) = match self {
            Self::TooLarge { bytes, limit } => (
                SkipReason::TooLarge,
                IssueKind::Limit,
                format!("not scanned: {bytes} bytes are more than the limit of {limit} bytes"),
            ),
            Self::Failed(error) => (
                SkipReason::Unreadable,
                IssueKind::Unreadable,
                format!("not scanned: cannot be read: {error}"),
            ),
        };
        worker.skipped(ContentKind::Blob, None, reason);
        worker.issue(ScanIssue {
            kind,
            object: None,
            path: Some(String::from_utf8_lossy(path).into_owned()),
            message,
        });
    }
}

/// A file that may be too large for memory.
pub(crate) struct LargeFile<'a> {
    pub(crate) path: &'a Path,
    /// Its path as visitors are told it.
    pub(crate) shown: &'a [u8],
    pub(crate) number: u32,
    /// Hash that names it.
    pub(crate) hash: HashKind,
}

/// Reads files within the limits of a visit.
#[derive(Debug)]
pub(crate) struct Reader<'c> {
    /// Most bytes of one piece of content.
    pub(crate) limit: u64,
    pub(crate) budget: Budget,
    context: &'c VisitContext<'c>,
}

impl<'c> Reader<'c> {
    pub(crate) fn new(context: &'c VisitContext<'c>) -> Self {
        let (blob, memory) = (context.max_blob_bytes, context.max_memory_bytes);
        Self {
            limit: blob.min(memory).min(MOST_BYTES),
            budget: Budget::new(memory),
            context,
        }
    }

    /// Visits a file in windows if it was refused only because memory does not hold it; tells the
    /// visitor of it otherwise.
    pub(crate) fn visit_refused<V: BlobVisitor>(
        &self,
        refusal: Refusal,
        file: &LargeFile<'_>,
        worker: &mut V,
    ) -> ControlFlow<()> {
        let allowed = matches!(
            refusal, Refusal::TooLarge { bytes, .. } if bytes <= self.context.max_blob_bytes
        );
        let layout = Layout::of(worker, self.context).filter(|_| allowed);
        let granted = layout.and_then(|l| Some((l, self.budget.take(l.bytes() as u64)?)));
        let Some((layout, _grant)) = granted else {
            refusal.tell(file.shown, worker);
            return ControlFlow::Continue(());
        };
        let known = OnceCell::new();
        let id = || *known.get_or_init(|| file_id(file.path, file.hash));
        let content = Large {
            id: &id,
            number: file.number,
            path: Some(file.shown),
            bytes: None,
        };
        let visited = File::open(file.path)
            .and_then(|open| window::visit(worker, self.context, &content, layout, open));
        match visited {
            Ok(flow) => flow.map_continue(|_| ()),
            Err(error) => {
                Refusal::Failed(error).tell(file.shown, worker);
                ControlFlow::Continue(())
            }
        }
    }

    /// Takes part of the budget for content of so many bytes.
    pub(crate) fn admit(&self, bytes: u64) -> Result<Grant<'_>, Refusal> {
        let refusal = Refusal::TooLarge {
            bytes,
            limit: self.limit,
        };
        if bytes > self.limit {
            return Err(refusal);
        }
        self.budget.take(bytes).ok_or(refusal)
    }

    /// Reads a regular file in full.
    pub(crate) fn read<'a>(
        &'a self,
        path: &Path,
        Buffer(buffer): &'a mut Buffer,
    ) -> Result<Content<'a>, Refusal> {
        let mut file = File::open(path).map_err(Refusal::Failed)?;
        let meta = file.metadata().map_err(Refusal::Failed)?;
        if !meta.is_file() {
            return Err(Refusal::Failed(io::Error::other("no longer a file")));
        }
        if buffer.len() > KEPT_BUFFER {
            buffer.truncate(KEPT_BUFFER);
            buffer.shrink_to_fit();
        }
        // A file may grow while it is read, and some report no size at all: then once more with
        // more room, until it fits or is refused.
        let mut expected = meta.len();
        loop {
            let grant = self.admit(expected)?;
            // One byte more than expected, so that the end of the file can be told from a full
            // buffer.
            let room = expected as usize + 1;
            if buffer.len() < room {
                let missing = room - buffer.len();
                if buffer.try_reserve_exact(missing).is_err() {
                    return Err(Refusal::Failed(io::ErrorKind::OutOfMemory.into()));
                }
                buffer.resize(room, 0);
            }
            let filled = fill(&mut file, &mut buffer[..room]).map_err(Refusal::Failed)?;
            if filled < room {
                return Ok(Content {
                    bytes: &buffer[..filled],
                    _grant: grant,
                });
            }
            drop(grant);
            file.rewind().map_err(Refusal::Failed)?;
            expected = if expected < self.limit {
                (expected.max(32 << 10) * 2).min(self.limit)
            } else {
                expected + 1
            };
        }
    }
}

/// Names a file as [`super::blob_id`] names its bytes, without having them all at once; where it cannot be
/// read, all digits are 0.
pub(crate) fn file_id(path: &Path, kind: HashKind) -> ObjectId {
    let hash = || {
        let mut file = File::open(path)?;
        let mut hasher = BlobHasher::new(file.metadata()?.len(), kind);
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok::<_, io::Error>(hasher.finish()),
                n => hasher.update(&buffer[..n]),
            }
        }
    };
    let nothing = || ObjectId::from_bytes(&[0; 32][..kind.id_len()]).expect("as long as an id");
    hash().unwrap_or_else(|_| nothing())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::testing::{Collect, Seen, context};
    use std::fs;
    use tempfile::TempDir;

    fn write(dir: &TempDir, path: &str, content: &[u8]) {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn visit(files: &Files, ctx: &VisitContext<'_>) -> Seen {
        let collect = Collect::default();
        files.visit(ctx, &&collect);
        collect.into_seen()
    }

    /// Paths below the directory of what a visit shows, in order of their numbers.
    fn paths(dir: &TempDir, honour_ignore_files: bool) -> Vec<String> {
        let roots = [dir.path().to_path_buf()];
        let files = Files::list(&roots, honour_ignore_files, 2).unwrap();
        let seen = visit(&files, &context(2));
        let prefix = format!("{}/", dir.path().display());
        for (number, path, _) in &seen.blobs {
            assert_eq!(files.path(*number), path.as_bytes());
        }
        seen.blobs
            .into_iter()
            .map(|(_, path, _)| path.strip_prefix(&prefix).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn ignored_files_are_left_out_unless_asked_for_and_dot_git_always_is() {
        let dir = TempDir::new().unwrap();
        write(&dir, ".gitignore", b"*.log\n!keep.log\nbuild/\n");
        write(&dir, ".env", b"hidden");
        write(&dir, "a.log", b"ignored");
        write(&dir, "keep.log", b"kept");
        write(&dir, "build/out", b"ignored");
        write(&dir, "sub/.ignore", b"x\n");
        write(&dir, "sub/x", b"ignored");
        write(&dir, "sub/y", b"kept");
        write(&dir, ".git/config", b"never");
        write(&dir, "sub/.git/config", b"never");
        let kept = [".env", ".gitignore", "keep.log", "sub/.ignore", "sub/y"];
        assert_eq!(paths(&dir, true), kept);
        let all = [
            ".env",
            ".gitignore",
            "a.log",
            "build/out",
            "keep.log",
            "sub/.ignore",
            "sub/x",
            "sub/y",
        ];
        assert_eq!(paths(&dir, false), all);
    }

    #[test]
    fn ignore_files_above_a_root_count_inside_a_working_tree_only() {
        let dir = TempDir::new().unwrap();
        write(&dir, ".gitignore", b"secret\n");
        write(&dir, "sub/secret", b"x");
        let roots = [dir.path().join("sub")];
        assert_eq!(Files::list(&roots, true, 1).unwrap().len(), 1);
        write(&dir, ".git/HEAD", b"");
        assert_eq!(Files::list(&roots, true, 1).unwrap().len(), 0);
        // What is named is wanted.
        let named = [dir.path().join("sub/secret")];
        assert_eq!(Files::list(&named, true, 1).unwrap().len(), 1);
    }

    #[test]
    fn content_and_numbers_are_the_same_for_any_number_of_threads() {
        let dir = TempDir::new().unwrap();
        for n in 0..300_usize {
            // Sizes around every growth of the buffer, larger and smaller ones mixed.
            write(&dir, &format!("d{}/f{n}", n % 7), &vec![b'a'; n * n % 5000]);
        }
        write(&dir, "big", &vec![b'b'; 3 << 20]);
        write(&dir, "empty", b"");
        let roots = [dir.path().to_path_buf(), dir.path().to_path_buf()];
        let one = Files::list(&roots, true, 1).unwrap();
        let four = Files::list(&roots, true, 4).unwrap();
        let (a, b) = (visit(&one, &context(1)), visit(&four, &context(4)));
        assert_eq!(a.blobs.len(), 302);
        assert_eq!(a.blobs, b.blobs);
        for (_, path, bytes) in a.blobs {
            assert_eq!(fs::read(path).unwrap(), bytes);
        }
    }

    #[test]
    fn larger_files_than_allowed_are_skipped_and_said_so() {
        let dir = TempDir::new().unwrap();
        write(&dir, "small", &[0; 10]);
        write(&dir, "large", &[0; 11]);
        let files = Files::list(&[dir.path().to_path_buf()], true, 1).unwrap();
        let mut ctx = context(1);
        ctx.max_blob_bytes = 10;
        let seen = visit(&files, &ctx);
        assert_eq!(seen.blobs.len(), 1);
        assert_eq!(seen.skipped, [SkipReason::TooLarge]);
        assert_eq!(seen.issues[0].kind, IssueKind::Limit);
        assert!(seen.issues[0].path.as_ref().unwrap().ends_with("large"));

        let mut ctx = context(4);
        ctx.max_memory_bytes = 10;
        assert_eq!(visit(&files, &ctx).skipped, [SkipReason::TooLarge]);
    }

    #[test]
    fn threads_wait_for_memory_rather_than_exceed_it() {
        let dir = TempDir::new().unwrap();
        for n in 0..50 {
            write(&dir, &format!("f{n}"), &[b'x'; 60]);
        }
        let files = Files::list(&[dir.path().to_path_buf()], true, 1).unwrap();
        let mut ctx = context(8);
        ctx.max_memory_bytes = 100;
        assert_eq!(visit(&files, &ctx).blobs.len(), 50);
    }

    #[test]
    fn once_stopped_the_rest_is_interrupted() {
        let dir = TempDir::new().unwrap();
        for n in 0..40 {
            write(&dir, &format!("f{n}"), b"x");
        }
        let files = Files::list(&[dir.path().to_path_buf()], true, 1).unwrap();
        let collect = Collect {
            most: Some(5),
            ..Collect::default()
        };
        files.visit(&context(1), &&collect);
        let seen = collect.into_seen();
        assert_eq!(seen.blobs.len(), 5);
        assert_eq!(seen.skipped, [SkipReason::Interrupted; 35]);

        let interrupt = AtomicBool::new(true);
        let mut ctx = context(3);
        ctx.interrupt = &interrupt;
        assert_eq!(visit(&files, &ctx).skipped, [SkipReason::Interrupted; 40]);
    }

    #[test]
    fn a_missing_root_is_an_error_and_a_vanished_file_an_issue() {
        let dir = TempDir::new().unwrap();
        let missing = Files::list(&[dir.path().join("no")], true, 1);
        assert!(matches!(missing, Err(FilesError::Root { .. })));

        write(&dir, "gone", b"x");
        let files = Files::list(&[dir.path().to_path_buf()], true, 1).unwrap();
        fs::remove_file(dir.path().join("gone")).unwrap();
        let seen = visit(&files, &context(1));
        assert_eq!(seen.skipped, [SkipReason::Unreadable]);
        assert_eq!(seen.issues[0].kind, IssueKind::Unreadable);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_unless_named_and_sockets_are_not_opened() {
        use std::os::unix::{fs::symlink, net::UnixListener};
        let dir = TempDir::new().unwrap();
        write(&dir, "real/file", b"x");
        write(&dir, "other/file", b"x");
        symlink("file", dir.path().join("real/link")).unwrap();
        symlink("../other", dir.path().join("real/dir")).unwrap();
        symlink("real", dir.path().join("root")).unwrap();
        let _socket = UnixListener::bind(dir.path().join("real/socket")).unwrap();
        for root in ["real", "root"] {
            let files = Files::list(&[dir.path().join(root)], true, 2).unwrap();
            let seen = visit(&files, &context(2));
            assert_eq!(seen.blobs.len(), 1, "{root}: {:?}", seen.blobs);
            assert_eq!(seen.issues.len(), 1);
            assert_eq!(seen.issues[0].kind, IssueKind::Note);
        }
        let link = Files::list(&[dir.path().join("real/link")], true, 2).unwrap();
        assert_eq!(link.len(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_that_report_no_size_are_read_to_their_end() {
        let files = Files::list(&["/proc/self/limits".into()], true, 1).unwrap();
        let seen = visit(&files, &context(1));
        assert!(!seen.blobs[0].2.is_empty());
        let mut ctx = context(1);
        ctx.max_blob_bytes = 3;
        assert_eq!(visit(&files, &ctx).skipped, [SkipReason::TooLarge]);
    }

    #[test]
    fn shown_paths_have_no_dot_in_front() {
        assert_eq!(tidy("./a/b".into()), Path::new("a/b"));
        assert_eq!(tidy("../a".into()), Path::new("../a"));
        assert_eq!(tidy("/a".into()), Path::new("/a"));
    }
}
