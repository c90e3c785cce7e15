//! Decides which matches are worth keeping: entropy, stop words, checksums, allowlists.

pub mod allowlist;
pub mod entropy;
pub mod example;
#[cfg(test)]
mod pattern_tests;
pub mod validate;
