//! Where parts of decoded text come from.

use std::ops::Range;

/// How the bytes of a piece stand for its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ratio {
    /// Units of so many bytes of text, each written in so many bytes.
    Units {
        /// Bytes of text.
        text: u8,
        /// Bytes that write them.
        written: u8,
    },
    /// Three bytes of text in four characters of six bits each.
    Base64,
}

/// As many bytes of text as the bytes that write them, which are the same.
pub(super) const VERBATIM: Ratio = Ratio::Units {
    text: 1,
    written: 1,
};

#[derive(Debug, Clone, Copy)]
struct Piece {
    text: u32,
    written: u32,
    ratio: Ratio,
}

/// Maps positions in decoded text to positions in the encoded bytes. Pieces of one ratio that
/// follow each other are one.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    list: Vec<Piece>,
    /// End of the last piece in the text and in what is written.
    end: (u32, u32),
}

impl Pieces {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.end = (0, 0);
    }

    /// Adds `text` bytes of text, written in `written` bytes from `at` on.
    pub(super) fn push(&mut self, ratio: Ratio, text: usize, at: usize, written: usize) {
        if text == 0 {
            return;
        }
        let start = (self.end.0, at as u32);
        let goes_on = self
            .list
            .last()
            .is_some_and(|last| last.ratio == ratio && self.end == start && ratio != Ratio::Base64);
        if !goes_on {
            self.list.push(Piece {
                text: start.0,
                written: start.1,
                ratio,
            });
        }
        self.end = (start.0 + text as u32, start.1 + written as u32);
    }

    /// Returns the encoded bytes that a range of the decoded text stands for: all those that hold
    /// any bit of it. An empty range, or one past the text, gives an empty one.
    pub fn original(&self, text: Range<usize>) -> Range<usize> {
        let end = text.end.min(self.end.0 as usize);
        if text.start >= end {
            let at = if text.start >= self.end.0 as usize {
                self.end.1 as usize
            } else {
                self.unit(text.start).start
            };
            return at..at;
        }
        self.unit(text.start).start..self.unit(end - 1).end
    }

    /// The bytes that write one byte of the text, which is inside the text.
    fn unit(&self, text: usize) -> Range<usize> {
        let next = self.list.partition_point(|p| p.text as usize <= text);
        let Some(piece) = next.checked_sub(1).map(|i| self.list[i]) else {
            return 0..0;
        };
        let within = text - piece.text as usize;
        let (offset, len) = match piece.ratio {
            Ratio::Units { text, written } => {
                (within / text as usize * written as usize, written as usize)
            }
            // Byte 0 is in characters 0 and 1, byte 1 in 1 and 2, byte 2 in 2 and 3.
            Ratio::Base64 => (within / 3 * 4 + within % 3, 2),
        };
        let start = piece.written as usize + offset;
        start..start + len
    }
}
