//! Reads the TOML files that administrators write: the policy of a gate, the alerts of sweeps.
//!
//! A file is either understood as a whole or refused with every problem it has, each with its
//! line.

mod glob;
mod problems;
mod reader;
mod webhook;

pub use glob::{GlobError, Globs, Star};
pub use problems::Problems;
pub use reader::{Entry, Reader, Table};
pub use webhook::{BadAddress, Webhook, is_this_machine};
