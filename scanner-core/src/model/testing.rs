//! What tests of several modules make findings of.

use super::{Location, ObjectId, Occurrence, Span, Where};

/// An occurrence of nine bytes at the start of a file of `HEAD`, and nothing else known of it.
pub(crate) fn occurrence(path: &str) -> Occurrence {
    Occurrence {
        path: path.into(),
        member: None,
        location: Location {
            start_line: 1,
            start_column: 1,
            end_line: 1,
            end_column: 9,
            start_character: 1,
            end_character: 9,
        },
        span: Span::new(0, 9),
        encoding: Vec::new(),
        blob: ObjectId::from_bytes(&[1; 20]).expect("20 bytes are an id"),
        place: Where::Head,
        introduced: None,
        also_introduced_in: Vec::new(),
        last_seen: None,
        last_seen_seconds: None,
        refs: Vec::new(),
        parts: Vec::new(),
        allowed_by: None,
    }
}
