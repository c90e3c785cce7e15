//! `gitsieve`: the command around `scanner-core`.
//!
//! Arguments ([`args`], no side effects) become a [`plan`] (all validation), which a command
//! ([`cmd`]) carries out; [`output`] shows the result. What is a finding is decided in the
//! library alone.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on fails")
)]

mod args;
mod cmd;
#[cfg(feature = "hyperscan")]
mod compiled;
mod content;
mod exit;
mod hook;
mod interrupt;
mod output;
mod plan;
mod progress;
mod repository;
#[cfg(feature = "review")]
mod review;
mod rules;

use exit::{CliError, ExitProfile, ExitStatus};
use std::{ffi::OsString, process::ExitCode};

fn main() -> ExitCode {
    exit::quieten_panics();
    let args: Vec<OsString> = std::env::args_os().collect();
    let profile = ExitProfile::typed(&args);
    let status = std::panic::catch_unwind(|| run(args)).unwrap_or(ExitStatus::Internal);
    profile
        .map_or(status.code(), |profile| profile.code(status))
        .into()
}

fn run(args: Vec<OsString>) -> ExitStatus {
    let cli = match args::parse(args) {
        Ok(cli) => cli,
        Err(message) => {
            // A reader that has gone away changes nothing about what was asked.
            let _ = message.print();
            return if message.use_stderr() {
                ExitStatus::Misuse
            } else {
                ExitStatus::Clean
            };
        }
    };
    let outcome = plan::Plan::new(cli, plan::Environment::of_process()).and_then(cmd::run);
    outcome.unwrap_or_else(|error: CliError| {
        output::notice(&format!("error: {error}"));
        error.status()
    })
}
