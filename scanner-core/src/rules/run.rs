//! A cheap test ahead of the expression: the run of bytes that every match has.
//!
//! A rule for `exa…key = "<40 hexadecimal digits>"` is led to wherever `exa` stands, in `example` for
//! the most part, and starting its automaton costs more than all the rest. Nearly every
//! expression demands a long run of bytes of one class, at a distance from the match's start that is
//! bounded; where no such run is, there is no match. Looking for a run of 40 reads few bytes: from
//! the end of each place it could be, back to the first byte that is not of the class.
//!
//! The test is necessary, not sufficient, so it changes nothing of what is found. It spares
//! compiling most expressions, too, and the run is worked out with the rule's plan, when the rule is
//! loaded or built in: where hits are few, parsing the expression would cost more than the search.

use regex_syntax::hir::{Class, Hir, HirKind};
use std::ops::{Range, RangeInclusive};

/// Runs shorter than this stand everywhere.
const SHORTEST: usize = 8;

/// A set of bytes, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bytes(pub(crate) [u64; 4]);

impl Bytes {
    #[inline]
    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    fn add(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn union(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
        self
    }

    fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

/// A run that every match of an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub(crate) bytes: Bytes,
    pub(crate) len: usize,
    /// Fewest bytes of a match ahead of it.
    pub(crate) ahead_min: usize,
    /// Most bytes of a match ahead of it; `None` if there is no bound.
    pub(crate) ahead_max: Option<usize>,
}

impl Run {
    /// Returns the most telling run of an expression, if it has one of some length.
    pub(crate) fn of(hir: &Hir) -> Option<Self> {
        let mut pieces = Vec::new();
        flatten(hir, &mut pieces);
        let (mut min, mut max) = (0_usize, Some(0_usize));
        let mut best: Option<Self> = None;
        for first in 0..pieces.len() {
            let (mut bytes, mut len) = (Bytes::default(), 0);
            for piece in &pieces[first..] {
                let Some(class) = piece.bytes else { break };
                bytes = bytes.union(class);
                len += piece.least;
                let run = Self {
                    bytes,
                    len,
                    ahead_min: min,
                    ahead_max: max,
                };
                if best.is_none_or(|best| run.worth() > best.worth()) {
                    best = Some(run);
                }
                // What comes after more than the least need not touch it.
                if !piece.fixed {
                    break;
                }
            }
            min = min.saturating_add(pieces[first].min);
            max = max
                .zip(pieces[first].max)
                .and_then(|(a, b)| a.checked_add(b));
        }
        best.filter(|run| run.len >= SHORTEST)
    }

    /// How unlikely a run is, in bits if bytes were random.
    fn worth(&self) -> f64 {
        self.len as f64 * (8.0 - f64::from(self.bytes.len().max(1)).log2())
    }

    /// Whether a match that starts in `starts` and ends by `end` can have its run.
    pub(crate) fn may_match(
        &self,
        content: &[u8],
        starts: RangeInclusive<usize>,
        end: usize,
    ) -> bool {
        let from = starts.start() + self.ahead_min;
        let to = self.ahead_max.map_or(end, |ahead| {
            (starts.end().saturating_add(ahead).saturating_add(self.len)).min(end)
        });
        self.stands_in(content, from..to)
    }

    fn stands_in(&self, content: &[u8], range: Range<usize>) -> bool {
        let Some(content) = content.get(range) else {
            return false;
        };
        // The first byte of the place looked at.
        let mut at = 0;
        while let Some(place) = content.get(at..at + self.len) {
            let Some(other) = place.iter().rposition(|b| !self.bytes.has(*b)) else {
                return true;
            };
            at += other + 1;
        }
        false
    }
}

/// A part of a concatenation.
struct Piece {
    /// The class of all its bytes, where it has one.
    bytes: Option<Bytes>,
    /// Bytes of that class it has at least, all in a row at its start.
    least: usize,
    /// Whether it is never longer.
    fixed: bool,
    min: usize,
    max: Option<usize>,
}

fn flatten(hir: &Hir, out: &mut Vec<Piece>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Capture(capture) => flatten(&capture.sub, out),
        HirKind::Concat(subs) => subs.iter().for_each(|sub| flatten(sub, out)),
        _ => {
            let properties = hir.properties();
            let (min, max) = (
                properties.minimum_len().unwrap_or(0),
                properties.maximum_len(),
            );
            out.push(Piece {
                bytes: all_bytes(hir),
                least: min,
                fixed: max == Some(min),
                min,
                max,
            });
        }
    }
}

/// Returns the bytes that texts of an expression can consist of; `None` where a text may hold
/// characters of more than a byte, of which the first are not known here.
fn all_bytes(hir: &Hir) -> Option<Bytes> {
    let mut bytes = Bytes::default();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|b| bytes.add(*b)),
        HirKind::Class(Class::Bytes(class)) => {
            for range in class.ranges() {
                (range.start()..=range.end()).for_each(|b| bytes.add(b));
            }
        }
        HirKind::Class(Class::Unicode(class)) => {
            for range in class.ranges() {
                let end = range.end().is_ascii().then_some(range.end() as u8)?;
                (range.start() as u8..=end).for_each(|b| bytes.add(b));
            }
        }
        HirKind::Repetition(repetition) => return all_bytes(&repetition.sub),
        HirKind::Capture(capture) => return all_bytes(&capture.sub),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => {
            for sub in subs {
                bytes = bytes.union(all_bytes(sub)?);
            }
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confirm::compile;
    use proptest::prelude::*;
    use regex_automata::Input;

    fn run(text: &str) -> Option<Run> {
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(text)
            .expect("it parses");
        Run::of(&hir)
    }

    #[test]
    fn the_most_telling_run_is_taken_with_its_distance() {
        for (text, expected) in [
            (r"\btest_[0-9a-f]{35}\b", Some((40, 0, Some(0)))),
            (
                r"(?i:exa)[\w.-]{0,32}=([0-9a-f]{8}-[0-9a-f]{4})x",
                Some((15, 3, Some(35))),
            ),
            (r"a.*([0-9]{20,30})", Some((20, 1, None))),
            (r"key=(?:[0-9]{20}|[A-F]{22})", Some((24, 0, Some(0)))),
            (r"key=\w{3,9};", None),
            (r"(?:[0-9]{20})?", None),
        ] {
            let found = run(text).map(|r| (r.len, r.ahead_min, r.ahead_max));
            assert_eq!(found, expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn whatever_matches_has_its_run(
            text in r"[a-c0-9]{0,30}",
            shape in 0_usize..5,
        ) {
            let text = text.as_bytes();
            let expression = [
                "b[a-c]{0,4}[0-9]{8,12}",
                "a[0-9]{4}[a-c]{4,6}",
                "(?:[a-c]{3}[0-9]{5}|[0-9]{9})a?",
                "(?:a[0-9]){4,}",
                "c.{0,9}([0-9]{8}b?[0-9]{2,5})",
            ][shape];
            let run = run(expression).expect("it has a run");
            let regex = compile(expression, false).expect("it compiles");
            for start in 0..text.len() {
                let input = Input::new(text).span(start..text.len());
                if let Some(found) = regex.search(&input) {
                    prop_assert!(run.may_match(text, found.start()..=found.start(), found.end()));
                    prop_assert!(run.may_match(text, 0..=found.start(), text.len()));
                }
            }
        }
    }
}
