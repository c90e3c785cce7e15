//! Whole-buffer inflation: the size of every object is known ahead, so libdeflate fits.

use super::error::ReadError;
use crate::source::ContentKind;
use libdeflater::{DecompressionError, Decompressor};
use std::fmt;

/// One thread's inflater.
pub(crate) struct Inflater(Decompressor);

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater")
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self(Decompressor::new())
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
        match self.0.zlib_decompress(compressed, out) {
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

    /// Inflates a loose object (zlib of `<kind> <size>\0<bytes>`) into `out` (replaced).
    pub(crate) fn loose(
        &mut self,
        file: &[u8],
        limit: u64,
        out: &mut Vec<u8>,
    ) -> Result<ContentKind, ReadError> {
        let corrupt = |what: &str| ReadError::Corrupt(what.to_owned());
        // libdeflate gives nothing unless the whole output fits, and the size is inside the
        // stream: guess, then double.
        let most = (file.len() as u64).saturating_mul(MOST_PER_BYTE);
        let mut room = (file.len() * 4).clamp(4096, 1 << 26);
        loop {
            out.resize(room, 0);
            match self.0.zlib_decompress(file, out) {
                Ok(n) => {
                    out.truncate(n);
                    break;
                }
                Err(DecompressionError::BadData) => {
                    return Err(corrupt("its compressed data is damaged"));
                }
                Err(DecompressionError::InsufficientSpace) => {
                    if room as u64 >= most.max(4096) {
                        return Err(corrupt("its compressed data is damaged"));
                    }
                    if room as u64 > limit.saturating_add(64) {
                        return Err(ReadError::TooLarge(
                            "it is larger than the limit".to_owned(),
                        ));
                    }
                    room = room.saturating_mul(2);
                }
            }
        }
        let nul = memchr::memchr(0, &out[..out.len().min(64)]);
        let header = nul.and_then(|n| std::str::from_utf8(&out[..n]).ok());
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
        out.drain(..=nul);
        if out.len() as u64 != size {
            return Err(corrupt("its size is not the one its header declares"));
        }
        if size > limit {
            return Err(ReadError::too_large(size));
        }
        Ok(kind)
    }
}
