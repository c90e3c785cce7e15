//! What people and files get to see.

#[cfg(test)]
#[path = "../../../tests/cli/report_fixture.rs"]
pub(crate) mod fixture;
mod human;
mod staged;
mod style;
mod writer;

pub(crate) use human::{HumanOptions, HumanReporter};
pub(crate) use staged::{Staged, StagedOptions};
pub(crate) use style::{Role, Style};
pub(crate) use writer::Destination;

use scanner_core::report::printable;
use std::io::{self, Write};

/// Writes text of our own to standard error, as it is but for what paths in it may hold.
pub(crate) fn text(text: &str) {
    let lines: Vec<String> = text.lines().map(|l| printable(l.as_bytes())).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// Writes a line to standard error. Paths in it may hold anything, so it is made printable; line
/// breaks stay, because messages have them.
pub(crate) fn notice(text: &str) {
    let lines: Vec<String> = text.lines().map(|l| printable(l.as_bytes())).collect();
    // When standard error is gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "gitsieve: {}", lines.join("\n  "));
}
