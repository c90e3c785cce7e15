//! Finds where rules' literals stand in content.
//!
//! An engine reports *hits*: occurrences of literals. Which rules a hit concerns, and whether they
//! match there, is decided by one shared stage, [`crate::confirm`], so that engines differ in
//! speed and in nothing else.

mod aho;
#[cfg(feature = "hyperscan")]
mod hyperscan;
mod kernel;
mod literal;
mod reference;
mod set;

#[cfg(test)]
mod tests;

#[cfg(feature = "hyperscan")]
pub use hyperscan::CompiledCache;
pub use set::{LiteralSet, LiteralUse};

use std::{ops::Range, sync::Arc};

/// Which engine finds literals. All find the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EngineKind {
    /// A hashed four-gram filter of our own ahead of exact verification.
    #[default]
    Literal,
    /// The aho-corasick crate.
    AhoCorasick,
    /// The oracle: the plainest code, and slow.
    Reference,
    /// Vectorscan or Hyperscan.
    #[cfg(feature = "hyperscan")]
    Hyperscan,
}

/// Why an engine cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The literals are more than the engine takes.
    #[error(
        "the {engine} engine cannot take these {literals} literals: {message}; use another engine"
    )]
    Build {
        /// The engine's name.
        engine: &'static str,
        /// How many literals there are.
        literals: usize,
        /// What the engine says.
        message: String,
    },
    /// The engine does not work on this machine.
    #[error("the {engine} engine does not work on this machine: {message}; use another engine")]
    Unavailable {
        /// The engine's name.
        engine: &'static str,
        /// What is in the way.
        message: String,
    },
}

/// Makes an engine over the literals of a rule set.
///
/// # Errors
/// When the engine does not take the literals or does not work on this machine. `Literal` and
/// `Reference` fail only for sets whose short literals (below three bytes) `AhoCorasick` refuses,
/// so never for literals of rules.
pub fn build(kind: EngineKind, set: Arc<LiteralSet>) -> Result<Box<dyn Engine>, EngineError> {
    Ok(match kind {
        EngineKind::Literal => Box::new(literal::LiteralEngine::new(set)?),
        EngineKind::AhoCorasick => Box::new(aho::AhoEngine::new(set)?),
        EngineKind::Reference => Box::new(reference::ReferenceEngine::new(set)),
        #[cfg(feature = "hyperscan")]
        EngineKind::Hyperscan => Box::new(hyperscan::HyperscanEngine::new(set, None)?),
    })
}

/// Makes an engine as [`build`] does, and where it is one that compiles, takes what was compiled
/// from `cache` or leaves it there.
///
/// # Errors
/// As for [`build`]: a cache that has nothing, or nothing that can be used, is no error.
#[cfg(feature = "hyperscan")]
pub fn build_with_cache(
    kind: EngineKind,
    set: Arc<LiteralSet>,
    cache: &dyn CompiledCache,
) -> Result<Box<dyn Engine>, EngineError> {
    match kind {
        EngineKind::Hyperscan => {
            let engine = hyperscan::HyperscanEngine::new(set, Some(cache))?;
            Ok(Box::new(engine))
        }
        EngineKind::Literal | EngineKind::AhoCorasick | EngineKind::Reference => build(kind, set),
    }
}

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
    /// Returns its name: `literal`, `aho-corasick`, `reference`, `hyperscan`.
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

    /// As [`EngineWorker::hits`] for each of many ranges, which lie apart and in order.
    fn hits_within(&mut self, content: &[u8], ranges: &[Range<usize>], out: &mut Vec<Hit>) {
        for range in ranges {
            self.hits(content, range.clone(), out);
        }
    }
}
