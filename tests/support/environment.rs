//! What a child process is not to inherit, and which programs there are to start.

use std::process::Command;

/// Removes everything of the caller's environment that git or the command could react to.
pub fn clear_environment(command: &mut Command) {
    command.env_clear().env("LC_ALL", "C.UTF-8");
    for kept in ["PATH", "LD_LIBRARY_PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
}

/// Whether a program that a test needs is installed: it is asked for its version. A server that checks
/// changes must have it.
#[expect(clippy::print_stderr, reason = "a test that did nothing says so")]
pub fn has_program(program: &str, version: &str) -> bool {
    let found = Command::new(program).arg(version).output();
    let found = found.is_ok_and(|output| output.status.success());
    assert!(
        found || std::env::var_os("CI").is_none(),
        "{program} is not installed"
    );
    if !found {
        eprintln!("left out: {program} is not installed");
    }
    found
}
