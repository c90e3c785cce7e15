//! `gitsieve hook`: what git's hooks run, and how they get there.
//!
//! What a push means is decided in `scanner_core::gate`; here is what touches the machine.

mod audit;
mod glass;
pub(crate) mod install;
mod memory;
mod policy;
pub(crate) mod receive;
mod sandbox;
mod server;
