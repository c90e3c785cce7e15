//! Decides which matches are worth keeping: entropy, stop words, checksums, allowlists.

pub mod allowlist;
pub mod entropy;
pub mod example;
pub mod name;
#[cfg(test)]
mod pattern_tests;
pub mod placeholder;
pub mod score;
pub mod trace;
pub mod validate;
pub mod value;
pub mod without;
pub mod wordlike;
