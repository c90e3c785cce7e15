//! The push gate: what a server's policy says about what a scan of a push found.
//!
//! Pure: bytes and reports in, decisions and texts out. Whoever calls reads files, clocks and the
//! environment, and writes.

pub mod audit;
pub mod break_glass;
pub mod describe;
mod expiry;
pub mod message;
pub mod policy;
pub mod tell;
mod text;
mod trailers;
pub mod updates;
pub mod verdict;

pub use crate::config::Globs;
pub use expiry::Expiry;
