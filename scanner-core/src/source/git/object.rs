//! Reads what single objects hold, for whoever shows it to people.

use super::{
    Repository,
    lookup::{Lookup, LookupReader, Lost, theirs},
};
use crate::{model::ObjectId, source::message};
use gix::objs::Kind;

/// Reads single objects of a repository. What that costs does not grow with the repository.
///
/// ```no_run
/// use scanner_core::{
///     model::ObjectId,
///     source::git::{ObjectReader, Repository},
/// };
/// use std::path::Path;
///
/// let repository = Repository::open(Path::new("."))?;
/// let id = ObjectId::from_hex(b"2121c1bcce8fd92ea1b9a6331ee5110d2121c1bc")?;
/// let content = ObjectReader::open(&repository).read(&id, 1 << 20)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ObjectReader(LookupReader);

/// Why an object cannot be read. Holds nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The repository does not have it.
    #[error("object {0} is not in the repository")]
    Absent(ObjectId),
    /// It is there, but cannot be decoded.
    #[error("object {0} cannot be read: {1}")]
    Damaged(ObjectId, String),
    /// It is larger than allowed.
    #[error("object {0} has {1} bytes, which are too many")]
    TooLarge(ObjectId, u64),
    /// It is a tree, in which nobody writes anything.
    #[error("object {0} is a tree")]
    Tree(ObjectId),
}

impl std::fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectReader").finish_non_exhaustive()
    }
}

impl ObjectReader {
    /// Opens the objects of a repository, its alternates' included. Directories that cannot be used
    /// are left out.
    pub fn open(repository: &Repository) -> Self {
        let mut issues = Vec::new();
        let lookup = Lookup::open(repository.object_dirs(), repository.hash, &mut issues);
        Self(lookup.reader())
    }

    /// Reads a blob, or the message of a commit or tag: what occurrences count their bytes in.
    ///
    /// # Errors
    /// When it is not there, damaged, or larger than `max_bytes`.
    pub fn read(&mut self, id: &ObjectId, max_bytes: u64) -> Result<Vec<u8>, ObjectError> {
        let read = match self.read_once(id, max_bytes) {
            Err(ObjectError::Absent(_)) if self.0.refresh() => self.read_once(id, max_bytes),
            read => read,
        };
        read.map(|(kind, content)| match kind {
            Kind::Blob => content,
            _ => message(&content).to_vec(),
        })
    }

    fn read_once(&self, id: &ObjectId, max_bytes: u64) -> Result<(Kind, Vec<u8>), ObjectError> {
        let lost = |lost| match lost {
            Lost::Absent => ObjectError::Absent(*id),
            Lost::Damaged(why) => ObjectError::Damaged(*id, why),
        };
        let theirs = theirs(id);
        let (kind, size) = self.0.header(&theirs).map_err(lost)?;
        if kind == Kind::Tree {
            return Err(ObjectError::Tree(*id));
        }
        if size > max_bytes {
            return Err(ObjectError::TooLarge(*id, size));
        }
        let mut content = Vec::new();
        self.0.read(&theirs, kind, &mut content).map_err(lost)?;
        Ok((kind, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::git::testing::Lab;

    #[test]
    fn blobs_and_messages_are_read_and_the_rest_is_refused() {
        let lab = Lab::new();
        lab.repository("r");
        lab.write("r/a.txt", "first\n");
        lab.git("r", &["add", "."]);
        lab.git("r", &["commit", "-q", "-m", "A subject\n\nAnd more."]);
        lab.git("r", &["tag", "-a", "-m", "A tag", "v1"]);
        let repository = Repository::open(&lab.path("r")).unwrap();
        let mut reader = ObjectReader::open(&repository);
        let mut read = |revision: &str| reader.read(&lab.id("r", revision), 64);
        assert_eq!(read("HEAD:a.txt").unwrap(), b"first\n");
        assert!(matches!(read("HEAD"), Err(ObjectError::TooLarge(..))));
        let tree = lab.id("r", "HEAD^{tree}");
        assert_eq!(read("HEAD^{tree}"), Err(ObjectError::Tree(tree)));
        let mut whole = |revision: &str| reader.read(&lab.id("r", revision), 1 << 20).unwrap();
        assert_eq!(whole("HEAD"), b"A subject\n\nAnd more.\n");
        assert_eq!(whole("v1"), b"A tag\n");
        // What comes later, in a pack too, is found.
        lab.write("r/b.txt", "second\n");
        lab.git("r", &["add", "."]);
        lab.git("r", &["commit", "-q", "-m", "more"]);
        lab.git("r", &["repack", "-q", "-a", "-d"]);
        let id = lab.id("r", "HEAD:b.txt");
        assert_eq!(reader.read(&id, 64).unwrap(), b"second\n");
        assert_eq!(reader.read(&id, 3), Err(ObjectError::TooLarge(id, 7)));
        let absent = ObjectId::from_hex(&[b'a'; 40]).unwrap();
        assert_eq!(reader.read(&absent, 64), Err(ObjectError::Absent(absent)));
    }
}
