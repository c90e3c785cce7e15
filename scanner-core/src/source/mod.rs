//! Where content comes from.
//!
//! Sources *push*: a source owns the order of work and its parallelism, because pack decoding is
//! fastest when its delta tree drives. Each of its threads gets a visitor of its own. A source
//! knows no rules: a visitor hands back an opaque state per blob, which the source keeps beside
//! the blob's buffer while delta children are live and passes to each child's visit with the
//! ranges that the child copies.

pub mod fs;
#[cfg(feature = "git")]
pub mod git;
pub mod memory;
pub(crate) mod window;

pub use window::Window;

use crate::model::{ObjectId, ScanIssue, SkipReason};
use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

/// Most bytes of one piece of content: positions in it are 32 bits wide, and one value stays free.
const MOST_BYTES: u64 = u32::MAX as u64 - 1;

/// What is visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContentKind {
    /// A blob, file or other input.
    Blob,
    /// A tree object.
    Tree,
    /// A commit object: headers and message.
    Commit,
    /// An annotated tag object: headers and message.
    Tag,
}

/// A range that content shares with its delta parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyRun {
    /// Where it starts in the parent, in bytes.
    pub parent_start: usize,
    /// Where it starts in the child, in bytes.
    pub child_start: usize,
    /// How many bytes.
    pub len: usize,
}

/// Content lent to a visitor.
#[derive(Debug)]
pub struct BlobView<'a, S> {
    /// Its id where the source knows it; `None` for files and memory, which are hashed only when
    /// something is found in them: see [`blob_id`].
    pub id: Option<ObjectId>,
    /// A number the source gives it, unique within one visit of the source.
    pub number: u32,
    /// What it is.
    pub kind: ContentKind,
    /// All its bytes.
    pub bytes: &'a [u8],
    /// Path where the source knows it (files); `None` for Git objects.
    pub path: Option<&'a [u8]>,
    /// State of the delta parent and the ranges shared with it: sorted by `child_start`, not
    /// overlapping in the child, contiguous runs merged.
    pub parent: Option<(&'a S, &'a [CopyRun])>,
    /// `false` when only the state is wanted (content counted elsewhere): nothing may be
    /// reported or counted.
    pub report: bool,
}

/// What a source calls, one per thread.
pub trait BlobVisitor {
    /// What is kept of a blob for its delta children.
    type State: Default + Send + Sync;

    /// Visits content. Fills `state` (given cleared or recycled: the visitor resets it) for
    /// delta children. `Break` stops the whole visit.
    fn blob(
        &mut self,
        view: &BlobView<'_, Self::State>,
        state: &mut Self::State,
    ) -> ControlFlow<()>;

    /// How many bytes around what is found decide whether it is, where the visitor takes
    /// [`Self::window`]s of content that is too large for memory. Without, such content is skipped.
    fn overlap(&self) -> Option<usize> {
        None
    }

    /// Visits part of content: all of them in order, unless reading fails on the way. `Break` stops
    /// the whole visit.
    fn window(&mut self, window: &Window<'_>) -> ControlFlow<()> {
        let _ = window;
        ControlFlow::Continue(())
    }

    /// Takes note of content in scope that was not visited.
    fn skipped(&mut self, kind: ContentKind, id: Option<ObjectId>, reason: SkipReason);

    /// Takes note of a problem.
    fn issue(&mut self, issue: ScanIssue);
}

/// Makes one visitor per thread.
pub trait WorkerFactory: Sync {
    /// The visitors' type.
    type Worker: BlobVisitor + Send;
    /// Makes a visitor.
    fn worker(&self) -> Self::Worker;
}

/// Limits and the means to stop.
#[derive(Debug, Clone, Copy)]
pub struct VisitContext<'a> {
    /// Most threads to use, at least 1.
    pub threads: usize,
    /// Larger content is skipped and said so, in bytes.
    pub max_blob_bytes: u64,
    /// Budget for content buffers, in bytes: a larger object is visited in [`Window`]s or skipped, and
    /// objects that would take a large part of it are decoded by one thread at a time.
    pub max_memory_bytes: u64,
    /// Set from outside to stop.
    pub interrupt: &'a AtomicBool,
    /// When to stop by itself.
    pub deadline: Option<Instant>,
}

impl VisitContext<'_> {
    /// Whether to stop now.
    pub fn stopped(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed) || self.deadline.is_some_and(|d| Instant::now() >= d)
    }
}

/// Returns the message of a commit or tag object: what follows its first empty line.
pub(crate) fn message(object: &[u8]) -> &[u8] {
    let start = memchr::memmem::find(object, b"\n\n").map_or(object.len(), |p| p + 2);
    &object[start..]
}

/// Which hash names objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HashKind {
    /// SHA-1, Git's default; also used for content outside repositories.
    #[default]
    Sha1,
    /// SHA-256.
    #[cfg(feature = "git")]
    Sha256,
}

impl HashKind {
    /// Bytes of an id.
    pub fn id_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            #[cfg(feature = "git")]
            Self::Sha256 => 32,
        }
    }
}

#[cfg(feature = "git")]
impl From<HashKind> for gix::hash::Kind {
    fn from(kind: HashKind) -> Self {
        match kind {
            HashKind::Sha1 => Self::Sha1,
            HashKind::Sha256 => Self::Sha256,
        }
    }
}

/// Names content as Git would name a blob of these bytes.
///
/// The SHA-1 is Git's collision-detecting one; where it detects an attack, Git refuses the object
/// but here the plain digest is given, because content must have a name to be reported under.
///
/// # Panics
/// Never: the hash of SHA-256 has no attack to detect.
pub fn blob_id(bytes: &[u8], kind: HashKind) -> ObjectId {
    let mut hasher = BlobHasher::new(bytes.len() as u64, kind);
    hasher.update(bytes);
    hasher.finish()
}

/// Hashes content as Git hashes a blob.
enum BlobHasher {
    Sha1(Box<sha1dc::Hasher>),
    #[cfg(feature = "git")]
    Sha256(gix::hash::Hasher),
}

impl BlobHasher {
    fn new(len: u64, kind: HashKind) -> Self {
        let mut hasher = match kind {
            HashKind::Sha1 => Self::Sha1(Box::new(sha1dc::Hasher::new())),
            #[cfg(feature = "git")]
            HashKind::Sha256 => Self::Sha256(gix::hash::hasher(gix::hash::Kind::Sha256)),
        };
        hasher.update(format!("blob {len}\0").as_bytes());
        hasher
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(bytes),
            #[cfg(feature = "git")]
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> ObjectId {
        match self {
            Self::Sha1(hasher) => {
                let digest: [u8; 20] = match hasher.finalize() {
                    Ok(digest) => digest.into(),
                    Err(collision) => collision.digest().into(),
                };
                ObjectId::from_bytes(&digest)
            }
            #[cfg(feature = "git")]
            Self::Sha256(hasher) => hasher
                .try_finalize()
                .ok()
                .and_then(|id| ObjectId::from_bytes(id.as_bytes())),
        }
        .expect("SHA-256 has no collision detection to fail, and digests have the length of an id")
    }
}

/// Visitors that write down what they are given.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use std::sync::Mutex;

    /// What visitors were given, all threads together.
    #[derive(Debug, Default)]
    pub(crate) struct Seen {
        /// Number, path and bytes, sorted by number.
        pub(crate) blobs: Vec<(u32, String, Vec<u8>)>,
        pub(crate) ids: Vec<Option<ObjectId>>,
        pub(crate) skipped: Vec<SkipReason>,
        pub(crate) issues: Vec<ScanIssue>,
    }

    #[derive(Debug, Default)]
    pub(crate) struct Collect {
        pub(crate) seen: Mutex<Seen>,
        /// Break at this many blobs.
        pub(crate) most: Option<usize>,
    }

    impl Collect {
        pub(crate) fn into_seen(self) -> Seen {
            let mut seen = self.seen.into_inner().unwrap();
            seen.blobs.sort();
            seen.issues.sort();
            seen
        }
    }

    impl<'a> WorkerFactory for &'a Collect {
        type Worker = &'a Collect;
        fn worker(&self) -> &'a Collect {
            self
        }
    }

    impl BlobVisitor for &Collect {
        type State = ();

        fn blob(&mut self, view: &BlobView<'_, ()>, (): &mut ()) -> ControlFlow<()> {
            let mut seen = self.seen.lock().unwrap();
            let path = String::from_utf8_lossy(view.path.unwrap()).into_owned();
            seen.blobs.push((view.number, path, view.bytes.to_vec()));
            seen.ids.push(view.id);
            if self.most == Some(seen.blobs.len()) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }

        fn skipped(&mut self, _: ContentKind, _: Option<ObjectId>, reason: SkipReason) {
            self.seen.lock().unwrap().skipped.push(reason);
        }

        fn issue(&mut self, issue: ScanIssue) {
            self.seen.lock().unwrap().issues.push(issue);
        }
    }

    static NEVER: AtomicBool = AtomicBool::new(false);

    /// So many threads and no limits.
    pub(crate) fn context(threads: usize) -> VisitContext<'static> {
        VisitContext {
            threads,
            max_blob_bytes: u64::MAX,
            max_memory_bytes: 1 << 30,
            interrupt: &NEVER,
            deadline: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_named_as_git_names_it() {
        let id = blob_id(b"hello\n", HashKind::Sha1);
        assert_eq!(id.to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
        #[cfg(feature = "git")]
        assert_eq!(
            blob_id(b"hello\n", HashKind::Sha256).to_string(),
            "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4"
        );
    }
}
