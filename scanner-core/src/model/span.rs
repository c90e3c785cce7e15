//! Positions in content.

use serde::Serialize;

/// A range of bytes: 0-based, half-open. `start <= end` always holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Span {
    /// Makes a span.
    ///
    /// # Panics
    /// When `start > end`.
    pub fn new(start: u64, end: u64) -> Self {
        assert!(start <= end, "a span's start lies at or before its end");
        Self { start, end }
    }

    /// Number of bytes covered.
    pub fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether no byte is covered.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether both spans share at least one byte.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Where a span lies for a person: lines and columns, 1-based; a column counts bytes from the
/// line's start; the end is inclusive (the last byte's place). The same columns in characters
/// (Unicode code points) are for readers that count those. In bytes that are not UTF-8, each that
/// could begin a character counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// Line of the first byte.
    pub start_line: u64,
    /// Column of the first byte.
    pub start_column: u64,
    /// Line of the last byte.
    pub end_line: u64,
    /// Column of the last byte.
    pub end_column: u64,
    /// `start_column`, counted in characters.
    pub start_character: u64,
    /// Column of the last byte's character, counted in characters.
    pub end_character: u64,
}

impl Location {
    /// Computes the location of `span` in `content`. Costs one pass over `content[..span.end]`.
    ///
    /// An empty span is located at its start.
    ///
    /// # Panics
    /// When the span ends past the content.
    pub fn of(content: &[u8], span: Span) -> Self {
        let start = span.start as usize;
        let (start_line, start_column) = Self::point(content, start, 1, 0);
        let last = if span.is_empty() {
            span.start
        } else {
            span.end - 1
        };
        let last = last as usize;
        let line_start = start + 1 - start_column as usize;
        let (end_line, end_column) = Self::point(content, last, start_line, line_start);
        let start_character = characters(&content[line_start..start]) + 1;
        let last_line_start = last + 1 - end_column as usize;
        // The last byte may continue a character, which then counts already.
        let through = content.len().min(last + 1);
        let end_character = characters(&content[last_line_start..through]);
        Self {
            start_line,
            start_column,
            end_line,
            end_column,
            start_character,
            end_character: end_character.max(1),
        }
    }

    /// Line and column of byte `at`, counting on from `line`, which starts at `from`.
    fn point(content: &[u8], at: usize, line: u64, from: usize) -> (u64, u64) {
        let before = &content[from..at];
        let newlines = memchr::memchr_iter(b'\n', before).count() as u64;
        let line_start = memchr::memrchr(b'\n', before).map_or(from, |p| from + p + 1);
        (line + newlines, (at - line_start) as u64 + 1)
    }
}

/// Counts characters: every byte but those that continue one.
pub(crate) fn characters(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_one_based_and_the_end_is_inclusive() {
        let text = b"ab\ncdef\n\nxyz";
        let at = |start, end| {
            let l = Location::of(text, Span::new(start, end));
            (l.start_line, l.start_column, l.end_line, l.end_column)
        };
        assert_eq!(at(0, 1), (1, 1, 1, 1));
        assert_eq!(at(3, 7), (2, 1, 2, 4));
        assert_eq!(at(4, 11), (2, 2, 4, 2));
        assert_eq!(at(12, 12), (4, 4, 4, 4));
    }

    #[test]
    fn characters_are_counted_where_columns_count_bytes() {
        let text = "é\nzoë=日本x\n".as_bytes();
        let at = |start, end| {
            let l = Location::of(text, Span::new(start, end));
            (
                l.start_column,
                l.start_character,
                l.end_column,
                l.end_character,
            )
        };
        assert_eq!(at(3, 7), (1, 1, 4, 3), "zoë");
        assert_eq!(at(8, 14), (6, 5, 11, 6), "日本");
        assert_eq!(at(14, 15), (12, 7, 12, 7), "x");
        let invalid = Location::of(b"\xff\xfeab", Span::new(2, 4));
        assert_eq!((invalid.start_character, invalid.end_character), (3, 4));
        let empty = Location::of(b"", Span::new(0, 0));
        assert_eq!((empty.start_character, empty.end_character), (1, 1));
    }
}
