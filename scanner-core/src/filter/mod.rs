//! Decides which matches are worth keeping: entropy, stop words, checksums, allowlists.

pub mod allowlist;
mod azure;
mod disguise;
pub mod entropy;
pub mod example;
pub mod name;
pub mod note;
#[cfg(test)]
mod pattern_tests;
pub mod placeholder;
pub mod score;
pub mod trace;
pub mod validate;
pub mod value;
pub mod without;

mod wallet;
pub mod wordlike;
