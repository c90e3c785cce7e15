//! Sweeps: scans many repositories again and again, and remembers what was scanned and found.
//!
//! A crate of its own because a sweep needs a database and, where repositories are listed by a
//! server, the network; the core has neither.
#![deny(missing_docs)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on fails")
)]

#[cfg(feature = "alerts")]
pub mod alerts;
pub mod discover;
#[cfg(feature = "http")]
pub mod http;
pub mod metrics;
pub mod report;
pub mod seal;
pub mod store;
pub mod sweep;
pub mod trend;

/// What tests share with test targets.
#[cfg(test)]
#[path = "../../tests/support"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with test targets that use other parts of it"
)]
mod support {
    pub mod certificates;
    pub mod listener;
    #[cfg(all(feature = "postgres", target_os = "linux"))]
    pub mod postgres;
    pub mod smtp;
    pub mod web;
}
