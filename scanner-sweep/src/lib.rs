//! Sweeps: scans many repositories again and again, and remembers what was scanned and found.
//!
//! A crate of its own because a sweep needs a database and, where repositories are listed by a
//! server, the network; the core has neither.
#![deny(missing_docs)]

pub mod discover;
pub mod store;
pub mod sweep;
