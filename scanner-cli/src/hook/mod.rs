//! `gitsieve hook`: what git's hooks run.
//!
//! What a push means is decided in `scanner_core::gate`; here is what touches the machine.

mod audit;
mod memory;
mod sandbox;
