//! Kingfisher: the YAML baseline. Its fingerprints are hashes of its own, so that path and line are
//! all there is to go by.
//!
//! Entries are maps with `filepath` and `linenum`, at whatever depth: versions differ in what
//! stands around them. Read off the parser's events, so that neither nesting nor aliases cost more
//! than the file's length.

use super::{Foreign, ForeignEntry, ForeignError};
use crate::model::TriageStatus;
use saphyr_parser::{Event, Parser};

/// Deepest nesting; such files have four levels.
const MAX_DEPTH: usize = 32;

/// A collection that is open.
#[derive(Default)]
struct Open {
    is_map: bool,
    line: u32,
    next: Next,
    path: Option<String>,
    linenum: Option<u64>,
}

/// What comes next in a map.
#[derive(Clone, Copy, PartialEq, Default)]
enum Next {
    #[default]
    Key,
    Path,
    Line,
    /// The value of a key that means nothing here.
    Other,
}

pub(super) fn read(content: &[u8]) -> Result<Foreign, ForeignError> {
    let wrong = |line: usize, message: &str| ForeignError {
        line: line as u32,
        message: message.to_owned(),
    };
    let text = std::str::from_utf8(content).map_err(|_| wrong(0, "not UTF-8"))?;
    let mut out = Foreign::default();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| wrong(e.marker().line(), "not valid YAML"))?;
        let line = span.start.line();
        match event {
            Event::Scalar(text, ..) => {
                if let Some(map) = open.last_mut().filter(|o| o.is_map) {
                    scalar(map, &text);
                }
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() == MAX_DEPTH {
                    return Err(wrong(line, "nests deeper than 32 levels"));
                }
                if let Some(above) = open.last_mut() {
                    above.next = match above.next {
                        Next::Key => Next::Other,
                        _ => Next::Key,
                    };
                }
                open.push(Open {
                    is_map: matches!(event, Event::MappingStart(..)),
                    line: line as u32,
                    ..Open::default()
                });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(done) = open.pop() {
                    close(done, &mut out);
                }
            }
            Event::Alias(_) => return Err(wrong(line, "YAML aliases are not supported")),
            _ => {}
        }
    }
    Ok(out)
}

/// Takes a scalar of a map: a key, or the value of the key before it.
fn scalar(map: &mut Open, text: &str) {
    match std::mem::take(&mut map.next) {
        Next::Key => {
            map.next = match text {
                "filepath" => Next::Path,
                "linenum" => Next::Line,
                _ => Next::Other,
            };
        }
        Next::Path => map.path = Some(text.to_owned()),
        Next::Line => map.linenum = text.parse().ok(),
        Next::Other => {}
    }
}

fn close(map: Open, out: &mut Foreign) {
    let Some(path) = map.path else {
        return;
    };
    let Some(line) = map.linenum.filter(|line| *line > 0) else {
        let message = "an entry without the line of its secret".to_owned();
        out.notes.push((map.line, message));
        return;
    };
    out.entries.push(ForeignEntry {
        number: map.line,
        // Documented files end paths with a slash.
        path: path.trim_end_matches('/').to_owned(),
        line,
        status: Some(TriageStatus::Accepted),
        ..ForeignEntry::default()
    });
}
