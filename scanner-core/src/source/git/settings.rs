//! Reads configuration files in Git's syntax: a repository's own, and those that servers lay
//! beside it.

use super::layout::{LIST_FILE, read_file};
use bstr::ByteSlice;
use std::{io, path::Path};

/// A configuration file, without what it includes: reading never follows to other files and never
/// runs anything.
#[derive(Debug)]
pub struct Settings(gix::config::File);

impl Settings {
    /// Reads a regular file.
    ///
    /// # Errors
    /// When it cannot be read, is no regular file, has more than 1 GiB or is not in Git's syntax
    /// (then of the kind [`io::ErrorKind::InvalidData`]).
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut text = read_file(path, LIST_FILE)?;
        let meta = gix::config::file::Metadata::from(gix::config::Source::Local);
        let options = gix::config::file::init::Options {
            lossy: true,
            ..Default::default()
        };
        gix::config::File::from_bytes_owned(&mut text, meta, options)
            .map(Self)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not understood"))
    }

    /// The last value of a key such as `core.bare`, as bytes; `None` where it is not set.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.0.string(key).map(|value| value.as_bytes().to_vec())
    }

    pub(super) fn file(&self) -> &gix::config::File {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn values_are_read_with_quotes_and_comments_and_nothing_is_included() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("repository-config");
        let other = dir.path().join("other");
        std::fs::write(&other, "[bitbucket]\nhierarchy = from elsewhere\n").unwrap();
        let text = format!(
            "#>*** kept by the server\n[include]\npath = {}\n[bitbucket]\n\tproject = ATLAS\n\
             \trepository = \"ji\\\"ra\" ; slug\n[bitbucket]\nproject = MOVED\n",
            other.display()
        );
        std::fs::write(&path, text).unwrap();
        let settings = Settings::read(&path).unwrap();
        assert_eq!(settings.value("bitbucket.project").unwrap(), b"MOVED");
        assert_eq!(settings.value("Bitbucket.Repository").unwrap(), b"ji\"ra");
        assert_eq!(settings.value("bitbucket.hierarchy"), None);
    }

    #[test]
    fn what_is_no_configuration_is_told_apart_from_what_is_not_there() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("config");
        let kind = || Settings::read(&path).unwrap_err().kind();
        assert_eq!(kind(), io::ErrorKind::NotFound);
        std::fs::write(&path, "[unclosed\n").unwrap();
        assert_eq!(kind(), io::ErrorKind::InvalidData);
    }
}
