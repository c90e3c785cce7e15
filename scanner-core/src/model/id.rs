//! Object ids of either hash kind.

use std::fmt;

/// The id of a Git object: 20 bytes (SHA-1) or 32 bytes (SHA-256).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    bytes: [u8; 32],
    len: u8,
}

/// The id of a blob; also given to files and standard input, hashed as Git would.
pub type BlobId = ObjectId;
/// The id of a commit.
pub type CommitId = ObjectId;

/// A text that is not an object id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an object id: expected 40 or 64 hexadecimal digits")]
pub struct ParseIdError;

impl ObjectId {
    /// Makes an id from its raw bytes: `None` unless there are 20 or 32 of them.
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        if raw.len() != 20 && raw.len() != 32 {
            return None;
        }
        let mut bytes = [0; 32];
        bytes[..raw.len()].copy_from_slice(raw);
        Some(Self {
            bytes,
            len: raw.len() as u8,
        })
    }

    /// Parses 40 or 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`ParseIdError`] for any other text.
    pub fn from_hex(hex: &[u8]) -> Result<Self, ParseIdError> {
        if hex.len() != 40 && hex.len() != 64 {
            return Err(ParseIdError);
        }
        let mut bytes = [0; 32];
        for (pair, out) in hex.chunks_exact(2).zip(&mut bytes) {
            let high = (pair[0] as char).to_digit(16).ok_or(ParseIdError)?;
            let low = (pair[1] as char).to_digit(16).ok_or(ParseIdError)?;
            *out = (high * 16 + low) as u8;
        }
        Ok(Self {
            bytes,
            len: (hex.len() / 2) as u8,
        })
    }

    /// Returns the raw bytes: 20 or 32.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for ObjectId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
