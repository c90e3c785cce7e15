//! The push gate: what a server's policy says about what a scan of a push found.
//!
//! Pure: bytes and reports in, decisions and texts out. Whoever calls reads files, clocks and the
//! environment, and writes.

pub mod audit;
pub mod message;
mod text;
pub mod updates;
