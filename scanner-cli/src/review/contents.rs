//! What stands around a secret, read from the repository or from the files that were scanned.
//!
//! A report names content by its id, and only content with that id is shown: the object, or a file
//! of the working tree that has the id still. What was found elsewhere in the same content is
//! redacted, and whatever the built-in rules find in the lines shown, because a report need not hold
//! all that a scan found.

use super::{
    excerpt::{self, Excerpt, Mark, window_of},
    model::Place,
    syntax::Syntax,
};
use crate::content::ContentReader;
use bstr::{BString, ByteSlice, ByteVec};
use scanner_core::{
    container::{self, Limits, Member},
    inspect,
    model::{Encoding, ObjectId, Occurrence, Report, Secret, Span},
    rules::RuleSet,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Reads contents.
pub(crate) struct Contents {
    reader: ContentReader,
    /// Finding and occurrence of all that stands in a content.
    places: HashMap<ObjectId, Vec<(u32, u32)>>,
    /// The content that was read last; it is looked at again with the next key.
    last: Option<(ObjectId, Option<BString>, Vec<u8>)>,
    rules: RuleSet,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents")
            .field("reader", &self.reader)
            .field("contents", &self.places.len())
            .finish_non_exhaustive()
    }
}

/// Whether the secret is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reveal {
    No,
    Yes,
}

impl Contents {
    /// Reads from the repository, or else the directory, at `root`.
    pub(crate) fn new(report: &Report, root: Option<&Path>) -> Self {
        let mut places: HashMap<ObjectId, Vec<(u32, u32)>> = HashMap::new();
        for (f, finding) in report.findings.iter().enumerate() {
            for (o, occurrence) in finding.occurrences.iter().enumerate() {
                let place = (f as u32, o as u32);
                places.entry(occurrence.blob).or_default().push(place);
            }
        }
        Self {
            reader: ContentReader::new(root),
            places,
            last: None,
            rules: RuleSet::builtin(),
        }
    }

    /// Reads what stands around an occurrence.
    ///
    /// # Errors
    /// Why it cannot be had, for people, without a secret.
    pub(crate) fn around(
        &mut self,
        report: &Report,
        place: Place,
        reveal: Reveal,
    ) -> Result<Excerpt, String> {
        let occurrence = &report.findings[place.finding].occurrences[place.occurrence];
        self.read(occurrence)?;
        let Some((_, _, content)) = &self.last else {
            return Err("it cannot be read".to_owned());
        };
        let mut marks = self.marks(report, place);
        let wide = occurrence.encoding.first().and_then(|first| match first {
            Encoding::Utf16Le => Some(u16::from_le_bytes as fn([u8; 2]) -> u16),
            Encoding::Utf16Be => Some(u16::from_be_bytes as fn([u8; 2]) -> u16),
            _ => None,
        });
        let narrow = wide.map(|unit| narrow(content, unit, &mut marks));
        let content = narrow.as_deref().unwrap_or(content);
        let own = marks.iter().find(|mark| mark.own);
        let window = own.and_then(|own| window_of(content, own.span));
        let window = window.ok_or("the place named is not in that content")?;
        // All places of a secret are known, so that those elsewhere change nothing here.
        let (from, to) = (window.start as u64, window.end as u64);
        marks.retain(|mark| mark.own || mark.span.start < to && mark.span.end > from);
        let mut hidden = excerpt::secrets_at(content, &marks);
        hidden.extend(inspect::secrets_in(&self.rules, &content[window]).unwrap_or_default());
        let name = occurrence.member.as_ref().unwrap_or(&occurrence.path);
        excerpt::excerpt(
            content,
            &marks,
            occurrence.location.start_line,
            hidden,
            Syntax::of(name),
            reveal == Reveal::Yes,
        )
        .ok_or_else(|| "the place named is not in that content".to_owned())
    }

    /// All secrets that are known to stand in the content of a place, and which of them it is.
    fn marks(&self, report: &Report, place: Place) -> Vec<Mark> {
        let own = &report.findings[place.finding].occurrences[place.occurrence];
        let mut marks = Vec::new();
        for &(f, o) in self.places.get(&own.blob).into_iter().flatten() {
            let finding = &report.findings[f as usize];
            let occurrence = &finding.occurrences[o as usize];
            if occurrence.member != own.member {
                continue;
            }
            let of = |secret: &Secret, span| Mark {
                span,
                redacted: secret.redacted(),
                own: false,
            };
            let number = (f as usize, o as usize);
            marks.push(Mark {
                own: number == (place.finding, place.occurrence),
                ..of(&finding.secret, occurrence.span)
            });
            marks.extend(occurrence.parts.iter().map(|p| of(&p.secret, p.span)));
        }
        marks
    }

    /// Reads the content of an occurrence, or the member of it.
    fn read(&mut self, occurrence: &Occurrence) -> Result<(), String> {
        let (id, member) = (occurrence.blob, &occurrence.member);
        if matches!(&self.last, Some((last, of, _)) if *last == id && of == member) {
            return Ok(());
        }
        let whole = self.reader.read(occurrence)?;
        let content = match member {
            None => whole,
            Some(member) => {
                let mut wanted = Wanted {
                    member,
                    content: None,
                };
                container::expand(&whole, &Limits::default(), &mut wanted);
                wanted
                    .content
                    .ok_or("the container does not open as it did when it was scanned")?
            }
        };
        self.last = Some((id, member.clone(), content));
        Ok(())
    }

    /// The file of an occurrence, to be opened in an editor.
    pub(crate) fn path(&self, occurrence: &Occurrence) -> Option<PathBuf> {
        self.reader.path(occurrence)
    }
}

/// Keeps one member of a container.
struct Wanted<'a> {
    member: &'a BString,
    content: Option<Vec<u8>>,
}

impl container::Visitor for Wanted<'_> {
    fn member(&mut self, member: &Member<'_>) {
        if self.content.is_none() && member.path == self.member.as_bytes() {
            self.content = Some(member.bytes.to_vec());
        }
    }

    fn stopped(&self) -> bool {
        self.content.is_some()
    }
}

/// UTF-16 as UTF-8, with marks moved to where what they are about stands then.
fn narrow(content: &[u8], unit: fn([u8; 2]) -> u16, marks: &mut [Mark]) -> Vec<u8> {
    let units = content.as_chunks().0.iter().map(|pair| unit(*pair));
    let mut out = Vec::with_capacity(content.len());
    // Where each mark begins and ends, in the order of the content.
    let mut borders: Vec<(u64, usize, bool)> = Vec::with_capacity(2 * marks.len());
    for (n, mark) in marks.iter().enumerate() {
        borders.push((mark.span.start, n, true));
        borders.push((mark.span.end, n, false));
    }
    borders.sort_unstable();
    let mut moved: Vec<(u64, u64)> = vec![(0, 0); marks.len()];
    let mut borders = borders.into_iter().peekable();
    let mut place = |at: u64, out: &Vec<u8>| {
        while let Some((_, n, start)) = borders.next_if(|(border, ..)| *border <= at) {
            let to = out.len() as u64;
            if start {
                moved[n].0 = to;
            } else {
                moved[n].1 = to;
            }
        }
    };
    let mut at = 0;
    for decoded in char::decode_utf16(units) {
        place(at, &out);
        let c = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
        if at > 0 || c != '\u{feff}' {
            out.push_char(c);
        }
        at += 2 * c.len_utf16() as u64;
    }
    place(u64::MAX, &out);
    for (mark, (start, end)) in marks.iter_mut().zip(moved) {
        mark.span = Span::new(start, end.max(start));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_utf_16_are_moved_to_the_same_text() {
        let text = "\u{feff}\u{e9}\u{1f980} key = abcdef;\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        // One unit for the mark and one for the letter, two for the crab, seven for ` key = `.
        let start = 2 * (1 + 1 + 2 + 7);
        let mut marks = [Mark {
            span: Span::new(start, start + 12),
            redacted: String::new(),
            own: true,
        }];
        let out = narrow(&bytes, u16::from_le_bytes, &mut marks);
        assert_eq!(out, text.trim_start_matches('\u{feff}').as_bytes());
        let range = marks[0].span.start as usize..marks[0].span.end as usize;
        assert_eq!(&out[range], b"abcdef");
    }
}
