//! The command as a whole: arguments, exit status, and the formats of its reports.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    unreachable_pub,
    reason = "a test target is not a library: nothing is reachable"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "shared with test targets that use other parts of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod arguments;
mod audit;
mod bad_rules;
mod browser;
mod every_format;
mod exit_profile;
mod explain;
mod findings;
mod formats;
mod html;
mod import;
mod output;
mod pipelines;
mod report;
mod report_fixture;
mod reports;
#[cfg(feature = "review")]
mod review;
#[cfg(feature = "review")]
mod review_signals;
mod rules;
mod rules_table;
mod sarif;
mod tables;
#[cfg(feature = "review")]
mod terminal;

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Runs the command in a directory, with nothing on standard input and no settings from outside.
fn gitsieve(directory: &Path, args: &[&str]) -> Output {
    gitsieve_with(directory, args, b"")
}

fn gitsieve_with(directory: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gitsieve"))
        .args(args)
        .current_dir(directory)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments reads nothing, so that writing may fail.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
