//! The lines around a secret, fit to be shown.
//!
//! Every secret that is known to stand there is replaced by its redacted form, wherever it stands
//! again, too; the one that is looked at may be revealed. What is shown is printable. Long lines are
//! cut around the secret.

use super::syntax::{Syntax, Token};
use bstr::ByteSlice;
use scanner_core::{
    model::{Secret, Span},
    report::{Redactor, printable},
};
use std::{fmt, ops::Range};

/// Lines shown before and after.
const LINES_AROUND: usize = 5;
/// Bytes looked at before and after: a minified file is one line.
const BYTES_AROUND: usize = 4 << 10;
/// Most bytes of a secret that are shown when it is revealed.
const REVEALED_BYTES: usize = 16 << 10;
/// Stands for what else overlaps a secret that is revealed.
const REST: &str = "***";
/// What a tab becomes.
const TAB: &str = "    ";

/// A place in a content, and what is shown instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) span: Span,
    /// The redacted form.
    pub(crate) redacted: String,
    /// Whether it is the one that is looked at.
    pub(crate) own: bool,
}

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Code(Token),
    /// The secret that is looked at.
    Secret,
    /// Another one.
    OtherSecret,
}

/// A line.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ShownLine {
    /// From 1.
    pub(crate) number: u64,
    pub(crate) pieces: Vec<(String, Kind)>,
}

/// Lines around a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) lines: Vec<ShownLine>,
    /// Whether the secret stands in it in clear.
    pub(crate) revealed: bool,
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may hold a secret in clear.
        f.debug_struct("Excerpt")
            .field("lines", &self.lines.len())
            .field("revealed", &self.revealed)
            .finish()
    }
}

/// Cuts the lines around the mark that is looked at out of a content.
///
/// `first_line` is the line of that mark, from 1; `hidden` are secrets that must not be shown wherever
/// they stand. `None` where the mark does not lie in the content.
pub(crate) fn excerpt(
    content: &[u8],
    marks: &[Mark],
    first_line: u64,
    hidden: Vec<Secret>,
    syntax: Syntax,
    reveal: bool,
) -> Option<Excerpt> {
    let own = marks.iter().find(|mark| mark.own)?;
    let own_range = range(own.span, content)?;
    // What overlaps is hidden as one: shown around it would be the rest of another secret.
    let mut whole = own_range.clone();
    while let Some(wider) = marks.iter().find_map(|mark| {
        let other = range(mark.span, content)?;
        let overlaps = other.start < whole.end && other.end > whole.start;
        let grows = other.start < whole.start || other.end > whole.end;
        (overlaps && grows).then(|| whole.start.min(other.start)..whole.end.max(other.end))
    }) {
        whole = wider;
    }
    let longest = hidden.iter().map(|secret| secret.reveal().len()).max();
    let redactor = Redactor::new(hidden);
    let mut window = window(content, &whole);
    let before = content[window.start..own_range.start].line_breaks();
    let mut text = Text::new(first_line.saturating_sub(before).max(1));
    // Where a line is cut, a secret may be cut, too, and would not be known any more.
    let margin = longest.unwrap_or(0);
    let cut_before = window.start > 0 && content[window.start - 1] != b'\n';
    if cut_before {
        let to = (window.start + margin).min(whole.start);
        text.number += content[window.start..to].line_breaks();
        window.start = to;
    }
    let cut_after = content.get(window.end).is_some_and(|b| *b != b'\n');
    if cut_after {
        window.end = window.end.saturating_sub(margin).max(whole.end);
    }
    // The break that ends a file begins no line.
    if window.end == content.len() && window.end > whole.end && content.ends_with(b"\n") {
        window.end -= 1;
    }
    let mut done = window.start;
    let mut inside: Vec<(Range<usize>, &Mark)> = marks
        .iter()
        .filter_map(|mark| Some((range(mark.span, content)?, mark)))
        .filter(|(range, _)| range.end > window.start && range.start < window.end)
        .collect();
    inside.retain(|(range, _)| range.start >= whole.end || range.end <= whole.start);
    inside.push((whole.clone(), own));
    inside.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    if cut_before {
        text.push_str("\u{2026}");
    }
    for (range, mark) in inside {
        if range.end <= done {
            continue;
        }
        let start = range.start.max(done);
        text.push_bytes(&redactor.redact(&content[done..start]));
        let kind = if mark.own {
            Kind::Secret
        } else {
            Kind::OtherSecret
        };
        let hidden = &content[start..range.end];
        if mark.own && reveal {
            let secret = &content[own_range.clone()];
            let shown = &secret[..secret.len().min(REVEALED_BYTES)];
            if whole.start < own_range.start {
                text.push_marked(Kind::OtherSecret, |text| text.push_str(REST));
                text.number += content[whole.start..own_range.start].line_breaks();
            }
            text.push_marked(kind, |text| text.push_bytes(shown));
            if shown.len() < secret.len() {
                text.push_str("\u{2026}");
                text.number += secret[shown.len()..].line_breaks();
            }
            if whole.end > own_range.end {
                text.push_marked(Kind::OtherSecret, |text| text.push_str(REST));
                text.number += content[own_range.end..whole.end].line_breaks();
            }
        } else {
            text.push_marked(kind, |text| {
                text.push_str(&printable(mark.redacted.as_bytes()));
            });
            text.number += hidden.line_breaks();
        }
        done = range.end;
    }
    if done < window.end {
        text.push_bytes(&redactor.redact(&content[done..window.end]));
    }
    if cut_after {
        text.push_str("\u{2026}");
    }
    Some(Excerpt {
        lines: text.lines(syntax),
        revealed: reveal,
    })
}

/// Secrets at marks of a content, to keep them out of the rest of it.
pub(crate) fn secrets_at(content: &[u8], marks: &[Mark]) -> Vec<Secret> {
    let ranges = marks.iter().filter_map(|mark| range(mark.span, content));
    ranges.map(|range| Secret::new(&content[range])).collect()
}

fn range(span: Span, content: &[u8]) -> Option<Range<usize>> {
    let start = usize::try_from(span.start).ok()?;
    let end = usize::try_from(span.end).ok()?;
    (start < end && end <= content.len()).then_some(start..end)
}

/// Some whole lines around a range, or less of long ones.
pub(crate) fn window_of(content: &[u8], span: Span) -> Option<Range<usize>> {
    Some(window(content, &range(span, content)?))
}

fn window(content: &[u8], own: &Range<usize>) -> Range<usize> {
    let before = &content[own.start.saturating_sub(BYTES_AROUND)..own.start];
    let breaks = before.rfind_iter(b"\n").nth(LINES_AROUND);
    let start = match breaks {
        Some(at) => own.start - before.len() + at + 1,
        None => own.start - before.len(),
    };
    let after = &content[own.end..(own.end + BYTES_AROUND).min(content.len())];
    let end = match after.find_iter(b"\n").nth(LINES_AROUND) {
        Some(at) => own.end + at,
        None => own.end + after.len(),
    };
    start..end
}

trait Lines {
    /// How many line breaks it has.
    fn line_breaks(&self) -> u64;
}

impl Lines for [u8] {
    fn line_breaks(&self) -> u64 {
        self.find_iter(b"\n").count() as u64
    }
}

/// Printable text that grows, with the numbers of its lines and what is marked in it.
struct Text {
    written: String,
    /// Where lines start, and their numbers.
    starts: Vec<(usize, u64)>,
    marks: Vec<(Range<usize>, Kind)>,
    /// Of the line that is being written.
    number: u64,
}

impl Text {
    fn new(number: u64) -> Self {
        Self {
            written: String::new(),
            starts: vec![(0, number)],
            marks: Vec::new(),
            number,
        }
    }

    fn push_str(&mut self, text: &str) {
        self.written.push_str(text);
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        for (n, line) in bytes.split(|b| *b == b'\n').enumerate() {
            if n > 0 {
                self.written.push('\n');
                self.number += 1;
                self.starts.push((self.written.len(), self.number));
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            for (n, part) in line.split(|b| *b == b'\t').enumerate() {
                if n > 0 {
                    self.written.push_str(TAB);
                }
                self.written.push_str(&printable(part));
            }
        }
    }

    fn push_marked(&mut self, kind: Kind, push: impl FnOnce(&mut Self)) {
        let start = self.written.len();
        push(self);
        self.marks.push((start..self.written.len(), kind));
    }

    /// Cuts into lines, and these into pieces.
    fn lines(self, syntax: Syntax) -> Vec<ShownLine> {
        let ends = self.starts.iter().skip(1).map(|(start, _)| start - 1);
        let ends: Vec<usize> = ends.chain([self.written.len()]).collect();
        let mut lines: Vec<ShownLine> = Vec::with_capacity(ends.len());
        let mut pieces = self.pieces(syntax).into_iter().peekable();
        for (&(start, number), end) in self.starts.iter().zip(ends) {
            let mut line = ShownLine {
                number,
                pieces: Vec::new(),
            };
            while let Some((range, kind)) = pieces.peek() {
                let part = range.start.max(start)..range.end.min(end);
                if part.start < part.end {
                    line.pieces.push((self.written[part].to_owned(), *kind));
                }
                if range.end > end {
                    break;
                }
                pieces.next();
            }
            lines.push(line);
        }
        lines
    }

    /// Marks and, between them, tokens.
    fn pieces(&self, syntax: Syntax) -> Vec<(Range<usize>, Kind)> {
        let mut out = Vec::new();
        let mut marks = self.marks.iter().peekable();
        for (token, kind) in syntax.tokens(&self.written) {
            let mut at = token.start;
            while at < token.end {
                match marks.peek() {
                    Some((mark, _)) if mark.end <= at => {
                        marks.next();
                    }
                    Some((mark, of)) if mark.start <= at => {
                        if out.last().is_none_or(|(last, _)| *last != *mark) {
                            out.push((mark.clone(), *of));
                        }
                        at = mark.end.min(token.end);
                    }
                    Some((mark, _)) if mark.start < token.end => {
                        out.push((at..mark.start, Kind::Code(kind)));
                        at = mark.start;
                    }
                    _ => {
                        out.push((at..token.end, Kind::Code(kind)));
                        at = token.end;
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(content: &str, secret: &str, own: bool) -> Mark {
        let start = content.find(secret).unwrap() as u64;
        Mark {
            span: Span::new(start, start + secret.len() as u64),
            redacted: Secret::new(secret.as_bytes()).redacted(),
            own,
        }
    }

    /// Lines as `number|text`, secrets in brackets.
    fn told(excerpt: &Excerpt) -> Vec<String> {
        let line = |line: &ShownLine| {
            let pieces: String = line
                .pieces
                .iter()
                .map(|(text, kind)| match kind {
                    Kind::Code(_) => text.clone(),
                    Kind::Secret => format!("[{text}]"),
                    Kind::OtherSecret => format!("({text})"),
                })
                .collect();
            format!("{}|{pieces}", line.number)
        };
        excerpt.lines.iter().map(line).collect()
    }

    fn cut(content: &str, marks: &[Mark], line: u64, reveal: bool) -> Vec<String> {
        let hidden = secrets_at(content.as_bytes(), marks);
        let syntax = Syntax::of(b"a.py");
        told(&excerpt(content.as_bytes(), marks, line, hidden, syntax, reveal).unwrap())
    }

    #[test]
    fn lines_around_are_shown_and_every_known_secret_is_redacted() {
        let (own, other) = ("s3cretNumberOne", "otherSecretTwo2");
        let content = format!(
            "1\n2\n3\nx = '{other}'\n\ty\u{1b} = \"{own}\"  # {own} {other}\n6\r\n7\n8\n9\n10\n11\n"
        );
        let marks = [mark(&content, own, true), mark(&content, other, false)];
        assert_eq!(
            cut(&content, &marks, 5, false),
            [
                "1|1",
                "2|2",
                "3|3",
                "4|x = '(ot***********o2)'",
                "5|    y\\u{1b} = \"[s3***********ne]\"  # s3***********ne ot***********o2",
                "6|6",
                "7|7",
                "8|8",
                "9|9",
                "10|10"
            ]
        );
        let revealed = cut(&content, &marks, 5, true).join("\n");
        assert_eq!(revealed.matches(own).count(), 1, "{revealed}");
        assert!(revealed.contains(&format!("[{own}]")) && !revealed.contains(other));
    }

    #[test]
    fn a_secret_of_several_lines_is_one_line_until_it_is_revealed() {
        let content = "a\nBEGIN\nxxxxxxxxxxxxxxx\nEND z\nb\n";
        let marks = [mark(content, "BEGIN\nxxxxxxxxxxxxxxx\nEND", true)];
        let lines = cut(content, &marks, 2, false);
        assert_eq!(lines.len(), 3);
        assert!(
            lines[1].starts_with("2|[BEG") && lines[1].ends_with("] z"),
            "{lines:?}"
        );
        assert_eq!(&lines[2..], ["5|b"]);
        assert_eq!(
            cut(content, &marks, 2, true),
            [
                "1|a",
                "2|[BEGIN]",
                "3|[xxxxxxxxxxxxxxx]",
                "4|[END] z",
                "5|b"
            ]
        );
    }

    #[test]
    fn long_lines_are_cut_and_places_outside_refused() {
        let secret = "0123456789abcdef";
        let content = format!("{}{secret}{}", "x".repeat(99_999), "y".repeat(99_999));
        let lines = cut(&content, &[mark(&content, secret, true)], 1, false);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("1|\u{2026}x") && lines[0].ends_with("y\u{2026}"));
        assert!(lines[0].len() < 3 * BYTES_AROUND);
        let beyond = Mark {
            span: Span::new(5, 9),
            redacted: String::new(),
            own: true,
        };
        let syntax = Syntax::of(b"");
        assert_eq!(
            excerpt(b"12345678", &[beyond], 1, Vec::new(), syntax, true),
            None
        );
        // A line that is cut in the middle of a secret shows no rest of it.
        let filler = "z".repeat(BYTES_AROUND - 6);
        let content = format!("{secret}{filler}LOOKED-AT-SECRET{filler}{secret}");
        let mut marks = [mark(&content, "LOOKED-AT-SECRET", true)];
        marks[0].redacted = "***".into();
        let hidden = vec![Secret::new(secret.as_bytes())];
        let shown = excerpt(content.as_bytes(), &marks, 1, hidden, syntax, false).unwrap();
        let line = &told(&shown)[0];
        assert!(
            !line.contains(|c: char| "abcdef02345".contains(c)),
            "{line}"
        );
    }

    #[test]
    fn secrets_that_overlap_are_hidden_as_one() {
        let content = "url = 'https://ada:hunter2hunter2@example.org/x' # y";
        let marks = [
            mark(content, "hunter2hunter2", true),
            mark(content, "https://ada:hunter2hunter2@example.org", false),
        ];
        assert_eq!(
            cut(content, &marks, 1, false),
            ["1|url = '[hu**********r2]/x' # y"]
        );
        assert_eq!(
            cut(content, &marks, 1, true),
            ["1|url = '(***)[hunter2hunter2](***)/x' # y"]
        );
    }

    #[test]
    fn debug_output_tells_no_line() {
        let secret = "s3cretNumberOne";
        let marks = [mark(secret, secret, true)];
        let shown = excerpt(
            secret.as_bytes(),
            &marks,
            1,
            Vec::new(),
            Syntax::of(b""),
            true,
        );
        assert!(!format!("{shown:?}").contains("s3cret"));
    }
}
