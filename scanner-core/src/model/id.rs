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

/// The value of each byte as a hexadecimal digit; 255 for those that are none. Commits are parsed
/// by the hundred thousand.
const DIGIT: [u8; 256] = {
    let mut table = [255; 256];
    let mut i = 0;
    while i < 16 {
        table[b"0123456789abcdef"[i] as usize] = i as u8;
        table[b"0123456789ABCDEF"[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// Hexadecimal digits, by value.
const DIGITS: &[u8; 16] = b"0123456789abcdef";

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
            let (high, low) = (DIGIT[usize::from(pair[0])], DIGIT[usize::from(pair[1])]);
            if (high | low) > 15 {
                return Err(ParseIdError);
            }
            *out = high << 4 | low;
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
        // Reports hold them by the ten thousand, and formatting bytes takes half a microsecond an id.
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.as_bytes()) {
            pair.copy_from_slice(&[
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]);
        }
        let text = &text[..2 * usize::from(self.len)];
        f.write_str(std::str::from_utf8(text).unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_both_kinds_round_trip_and_nothing_else_parses() {
        for n in [20, 32] {
            let raw: Vec<u8> = (0..n).map(|i| i * 7 + 3).collect();
            let id = ObjectId::from_bytes(&raw).unwrap();
            assert_eq!(ObjectId::from_hex(id.to_string().as_bytes()), Ok(id));
            assert_eq!(
                ObjectId::from_hex(id.to_string().to_uppercase().as_bytes()),
                Ok(id)
            );
            assert_eq!(id.as_bytes(), raw);
        }
        let mut hex = [b'a'; 40];
        for bad in [b'g', b'/', b':', b'@', b'`', 0, 255] {
            hex[17] = bad;
            assert_eq!(ObjectId::from_hex(&hex), Err(ParseIdError));
        }
        assert_eq!(ObjectId::from_hex(&[b'a'; 39]), Err(ParseIdError));
        assert_eq!(ObjectId::from_bytes(&[0; 21]), None);
    }
}
