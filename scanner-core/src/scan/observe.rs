//! Progress, for whoever wants to show it.

/// What a scan is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Reading indexes and building the delta forest.
    Index,
    /// Decoding and scanning blobs.
    Blobs,
    /// Reading trees, to find what holds the blobs that hit.
    Trees,
    /// Reading commits and tags, scanning their messages.
    Commits,
    /// Naming the commits that introduced what was found.
    Attribution,
    /// Index and working tree, or plain files.
    Files,
}

/// Told of a scan's progress; every method may be called from several threads at once.
pub trait Observer: Sync {
    /// A phase begins, with so many objects and expanded bytes to do where known (0 if not).
    fn phase(&self, phase: Phase, objects: u64, bytes: u64) {
        let _ = (phase, objects, bytes);
    }
    /// More of the running phase is done.
    fn progress(&self, objects: u64, bytes: u64) {
        let _ = (objects, bytes);
    }
}

/// Takes no notice.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
