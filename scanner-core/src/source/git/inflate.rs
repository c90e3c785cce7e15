//! Whole-buffer inflation: the size of every object is known ahead, so libdeflate fits.

use super::error::ReadError;
use crate::source::ContentKind;
use libdeflater::{DecompressionError, Decompressor};
use std::fmt;

/// One thread's inflater.
pub(crate) struct Inflater {
    whole: Decompressor,
    /// For streams that begin with a block of fixed codes, as half of all deltas do: their tables stay
    /// where they are made once.
    fixed: Decompressor,
    /// For the first bytes of a stream, which libdeflate does not give.
    partial: gix::zlib::Inflate,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater")
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self {
            whole: Decompressor::new(),
            fixed: Decompressor::new(),
            partial: gix::zlib::Inflate::default(),
        }
    }
}

/// Most bytes that one compressed byte can stand for in deflate (1032), and some slack for the
/// stream's head: a header that claims more lies, and is refused before memory is taken for it.
const MOST_PER_BYTE: u64 = 1032;

impl Inflater {
    /// Inflates a zlib stream of exactly `size` bytes into `out` (replaced).
    pub(crate) fn zlib(
        &mut self,
        compressed: &[u8],
        size: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        if size > (compressed.len() as u64).saturating_mul(MOST_PER_BYTE) {
            return Err(ReadError::Corrupt(
                "its header declares more bytes than its data can hold".to_owned(),
            ));
        }
        out.resize(size as usize, 0);
        // After the two bytes of zlib's head a block begins: one bit for the last, two for its kind
        // (RFC 1951, section 3.2.3).
        let is_fixed = compressed.get(2).is_some_and(|byte| byte >> 1 & 3 == 1);
        let decompressor = if is_fixed {
            &mut self.fixed
        } else {
            &mut self.whole
        };
        match decompressor.zlib_decompress(compressed, out) {
            Ok(n) if n == out.len() => Ok(()),
            Ok(_) => Err(ReadError::Corrupt(
                "it inflates to fewer bytes than declared".to_owned(),
            )),
            Err(DecompressionError::InsufficientSpace) => Err(ReadError::Corrupt(
                "it inflates to more bytes than declared".to_owned(),
            )),
            Err(DecompressionError::BadData) => Err(ReadError::Corrupt(
                "its compressed data is damaged".to_owned(),
            )),
        }
    }

    /// Reads kind and size of a loose object (zlib of `<kind> <size>\0<bytes>`) from the first
    /// bytes of its file, [`LOOSE_HEAD`] or all there are.
    pub(crate) fn loose_header(&mut self, head: &[u8]) -> Result<LooseHeader, ReadError> {
        let corrupt = |what: &str| ReadError::Corrupt(what.to_owned());
        let mut start = [0; 64];
        self.partial.reset();
        let (_, _, n) = self
            .partial
            .once(head, &mut start)
            .map_err(|_| corrupt("its compressed data is damaged"))?;
        let nul = memchr::memchr(0, &start[..n]);
        let header = nul.and_then(|n| std::str::from_utf8(&start[..n]).ok());
        let parsed = header
            .and_then(|h| h.split_once(' '))
            .and_then(|(kind, size)| {
                let kind = match kind {
                    "blob" => ContentKind::Blob,
                    "tree" => ContentKind::Tree,
                    "commit" => ContentKind::Commit,
                    "tag" => ContentKind::Tag,
                    _ => return None,
                };
                Some((kind, size.parse::<u64>().ok()?))
            });
        let (Some((kind, size)), Some(nul)) = (parsed, nul) else {
            return Err(corrupt("its header is not one of a Git object"));
        };
        Ok(LooseHeader {
            kind,
            size,
            len: nul + 1,
        })
    }

    /// Inflates a loose object, whose header was read, into `out` (replaced).
    pub(crate) fn loose(
        &mut self,
        file: &[u8],
        header: LooseHeader,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let whole = header.size.saturating_add(header.len as u64);
        self.zlib(file, whole, out)?;
        out.drain(..header.len);
        Ok(())
    }
}

/// Bytes of a loose object's file that its header surely stands in.
pub(crate) const LOOSE_HEAD: usize = 256;

/// What a loose object says of itself ahead of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LooseHeader {
    pub(crate) kind: ContentKind,
    /// Bytes of the object.
    pub(crate) size: u64,
    /// Bytes of the header.
    pub(crate) len: usize,
}
