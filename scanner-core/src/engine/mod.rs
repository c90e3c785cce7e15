//! Finds where rules' literals stand in content.
//!
//! An engine reports *hits*: occurrences of literals. Which rules a hit concerns, and whether they
//! match there, is decided by one shared stage, [`crate::confirm`], so that engines differ in
//! speed and in nothing else.

mod set;

pub use set::{LiteralSet, LiteralUse};

use std::ops::Range;

/// An occurrence of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hit {
    /// Its first byte in the content.
    pub start: u32,
    /// Its index in [`LiteralSet::literals`].
    pub literal: u32,
}

/// A literal matcher, shared by all threads.
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// Returns its name: `literal`, `aho-corasick`, `hyperscan`.
    fn name(&self) -> &'static str;
    /// Makes one thread's worker, which owns all scratch memory.
    fn worker(&self) -> Box<dyn EngineWorker + Send + '_>;
}

/// One thread's part of an [`Engine`].
pub trait EngineWorker {
    /// Appends to `out` every occurrence of every literal that lies wholly inside
    /// `range` of `content`: all of them, overlapping and nested ones too, each once, sorted by
    /// (start, literal). What lies outside the range is never reported, and need not be read.
    ///
    /// `content.len()` is below `u32::MAX`. Does not allocate when nothing is found.
    fn hits(&mut self, content: &[u8], range: Range<usize>, out: &mut Vec<Hit>);
}
