//! `gitsieve hook`: what git's hooks run, and how they get there.
//!
//! What a push means is decided in `scanner_core::gate`; here is what touches the machine.

mod audit;
pub(crate) mod install;
mod memory;
mod sandbox;
