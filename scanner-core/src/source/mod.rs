//! Where content comes from.
//!
//! Sources *push*: a source owns the order of work and its parallelism, because pack decoding is
//! fastest when its delta tree drives. Each of its threads gets a visitor of its own. A source
//! knows no rules: a visitor hands back an opaque state per blob, which the source keeps beside
//! the blob's buffer while delta children are live and passes to each child's visit with the
//! ranges that the child copies.

#[cfg(feature = "git")]
pub mod git;

use crate::model::{ObjectId, ScanIssue, SkipReason};
use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

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
    /// Its id.
    pub id: ObjectId,
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
    /// Bytes of content buffers that may live at once, over all threads; a single larger object
    /// is skipped.
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
