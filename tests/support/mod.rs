//! What the black-box tests share: hermetic Git repositories, planted secrets, hand-made packs,
//! git's own plumbing as the oracle, and a runner for the command.
//!
//! Nothing here knows how the scanner works: expectations come from git and from the bytes that
//! a test wrote.

pub mod certificates;
pub mod containers;
pub mod environment;
pub mod git_http;
pub mod listener;
pub mod oracle;
pub mod pack;
pub mod plant;
#[cfg(target_os = "linux")]
pub mod postgres;
pub mod repo;
pub mod rng;
pub mod sieve;
pub mod smtp;
pub mod web;

pub use repo::{ObjectFormat, Repo};
pub use sieve::{Scan, Sieve};
