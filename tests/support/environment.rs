//! What a child process is not to inherit.

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
