//! `gitsieve hook`: what git's hooks run, and how they get there.
//!
//! What a push means is decided in `scanner_core::gate`; here is what touches the machine.

mod audit;
pub(crate) mod check_config;
pub(crate) mod courier;
pub(crate) mod finish;
mod glass;
pub(crate) mod install;
mod memory;
pub(crate) mod policy;
pub(crate) mod receive;
mod run;
mod sandbox;
mod server;
mod spool;
