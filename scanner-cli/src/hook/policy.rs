//! Finds and reads the policy of a server's hooks.

use crate::exit::CliError;
use scanner_core::gate::policy::MAX_POLICY_BYTES;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The policy of a server that is told of no other; without it the built-in one holds.
const OF_SERVER: &str = "/etc/gitsieve/policy.toml";

/// A policy's text, and what it is called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PolicyText {
    pub(crate) text: String,
    /// The file's path as given; `None` for the built-in policy, whose text is empty.
    pub(crate) file: Option<String>,
}

/// Reads the policy that was asked for, else the server's, else the built-in one.
///
/// # Errors
/// A file that was asked for, or is there, and cannot be read: a hook without the policy that it
/// is meant to have must not decide anything.
pub(crate) fn read(given: Option<&Path>) -> Result<PolicyText, CliError> {
    read_or(given, Path::new(OF_SERVER))
}

fn read_or(given: Option<&Path>, of_server: &Path) -> Result<PolicyText, CliError> {
    let path = given.unwrap_or(of_server);
    match bounded(path) {
        Ok(text) => Ok(PolicyText {
            text,
            file: Some(path.display().to_string()),
        }),
        Err(error) if given.is_none() && error.kind() == io::ErrorKind::NotFound => {
            Ok(PolicyText {
                text: String::new(),
                file: None,
            })
        }
        Err(error) => Err(CliError::Usage(format!(
            "cannot read the policy {}: {error}",
            path.display()
        ))),
    }
}

/// Reads no more than shows that a file is too large for a policy.
fn bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let limit = MAX_POLICY_BYTES as u64 + 1;
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_policy_that_was_asked_for_must_be_there_and_the_servers_need_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.toml");
        let missing = read_or(Some(&path), &path).unwrap_err().to_string();
        assert!(missing.contains("policy.toml"), "{missing}");
        let built_in = read_or(None, &path).unwrap();
        assert_eq!((&*built_in.text, built_in.file), ("", None));
        fs::write(&path, "threads = 1").unwrap();
        let found = read_or(None, &path).unwrap();
        assert_eq!(found.text, "threads = 1");
        assert!(found.file.is_some_and(|file| file.ends_with("policy.toml")));
        // What is there and cannot be read is no reason to go on with the built-in one.
        assert!(read_or(None, dir.path()).is_err());
        fs::write(&path, b"\xff").unwrap();
        assert!(read_or(None, &path).is_err());
    }
}
