//! Names the commits that introduced what was found, and where it still stands.
//!
//! Only blobs that hit are looked for. One pass over all tree objects keeps, of each, the entries
//! that lead anywhere: subtrees and wanted blobs ([`trees`]). From those each tree is reduced to
//! the part that holds wanted blobs, equal parts getting equal numbers ([`pruned`]); so whether a
//! commit changed anything about the wanted blobs is one comparison of two numbers, and only
//! commits that did are looked at closely ([`attribute`]). Commits come from a pass of their own
//! ([`graph`]), which also scans their messages.

pub(crate) mod attribute;
pub(crate) mod changes;
pub(crate) mod graph;
pub(crate) mod new_commits;
pub(crate) mod pruned;
pub(crate) mod scope;
pub(crate) mod trees;

/// No object, commit or entry.
pub(crate) const NONE: u32 = u32::MAX;

/// A set of object numbers.
#[derive(Debug, Default, Clone)]
pub(crate) struct NumberSet(Vec<u64>);

impl NumberSet {
    /// An empty set for numbers below `len`.
    pub(crate) fn new(len: u32) -> Self {
        Self(vec![0; len as usize / 64 + 1])
    }
    /// Adds a number; returns whether it is new.
    pub(crate) fn insert(&mut self, number: u32) -> bool {
        let (word, bit) = (&mut self.0[number as usize / 64], 1u64 << (number % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
    /// Whether a number is in the set.
    pub(crate) fn contains(&self, number: u32) -> bool {
        self.0
            .get(number as usize / 64)
            .is_some_and(|w| w >> (number % 64) & 1 == 1)
    }
    /// How many numbers are in the set.
    pub(crate) fn len(&self) -> u64 {
        self.0.iter().map(|w| u64::from(w.count_ones())).sum()
    }
    /// The set as words of 64 bits, the lowest number first.
    pub(crate) fn words(&self) -> &[u64] {
        &self.0
    }
    /// Makes a set of such words.
    pub(crate) fn from_words(words: Vec<u64>) -> Self {
        Self(words)
    }
}
