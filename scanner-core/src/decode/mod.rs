//! Views of encoded content: what it means, and where each part of it stands.
//!
//! Encoded text is found as *regions*: stretches of content that look encoded, whatever they hold.
//! The alternative, literals in every encoded form, costs no second look at content, but it
//! multiplies the literals by the encodings and alignments and cannot see through two of them. A
//! region is decoded in full and then searched like any content, regions in it included.
//!
//! Whether a region stands somewhere depends on its own bytes and on few around it, see
//! [`Region::reach`]: so what is known of it holds in every version of a file that copies them.
//!
//! - `runs`: base64 and hexadecimal, which have an alphabet and no marks;
//! - `stretches`: escapes, which stand between ordinary text.

mod backslash;
mod base64;
mod entity;
mod hex;
mod leaders;
mod percent;
mod pieces;
mod runs;
mod stretches;
mod text;
pub mod utf16;

#[cfg(test)]
mod tests;

pub use pieces::Pieces;

use crate::model::Encoding;
use std::ops::Range;

/// Bytes of a region that are decoded at most.
pub const MAX_REGION_BYTES: usize = 16 << 20;

/// Part of content that is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region {
    /// Its first byte.
    pub start: u32,
    /// How it is encoded.
    pub encoding: Encoding,
    /// One past its last byte.
    pub end: u32,
}

impl Region {
    /// How many bytes ahead of it and after it decide with its own whether it is a region.
    pub fn reach(self) -> usize {
        match self.encoding {
            Encoding::Base64 | Encoding::Hex => runs::REACH,
            _ => stretches::REACH,
        }
    }

    /// Its bytes, as many as are decoded.
    pub fn bytes(self, content: &[u8]) -> &[u8] {
        let bytes = &content[self.start as usize..self.end as usize];
        &bytes[..bytes.len().min(MAX_REGION_BYTES)]
    }

    /// Whether it is longer than what is decoded.
    pub fn is_cut(self) -> bool {
        (self.end - self.start) as usize > MAX_REGION_BYTES
    }
}

/// Finds the regions of one content.
#[derive(Debug, Default)]
pub struct Finder {
    runs: runs::Finder,
    stretches: stretches::Finder,
}

impl Finder {
    /// Appends the regions that a change of `changed` may have made: at least every one that
    /// lies with its [reach](Region::reach) neither wholly ahead of it nor wholly after it. All of
    /// `content` gives all regions. Ranges of one content must be asked for in rising order;
    /// regions come in no order, and may come again.
    ///
    /// `content.len()` is below `u32::MAX`.
    pub fn find(&mut self, content: &[u8], changed: Range<usize>, out: &mut Vec<Region>) {
        self.runs.find(content, changed.clone(), out);
        self.stretches.find(content, changed, out);
    }
}

/// Decodes the bytes of a region into `out`, which is cleared first; never more bytes than it is
/// given. With `pieces`, it notes where each part comes from.
pub fn decode(
    encoding: Encoding,
    bytes: &[u8],
    out: &mut Vec<u8>,
    mut pieces: Option<&mut Pieces>,
) {
    out.clear();
    if let Some(pieces) = &mut pieces {
        pieces.clear();
    }
    match encoding {
        Encoding::Base64 => runs::decode(runs::Codec::Base64, bytes, out, pieces),
        Encoding::Hex => runs::decode(runs::Codec::Hex, bytes, out, pieces),
        Encoding::Percent => stretches::decode(&percent::STYLE, bytes, out, pieces),
        Encoding::Backslash => stretches::decode(&backslash::STYLE, bytes, out, pieces),
        Encoding::Entity => stretches::decode(&entity::STYLE, bytes, out, pieces),
        // Whole content is UTF-16 or none of it is: no region.
        Encoding::Utf16Le | Encoding::Utf16Be => {}
    }
}
