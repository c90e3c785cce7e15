//! Comments beside a secret that ask to let it pass.
//!
//! They are read where an occurrence is recorded, because the whole content is at hand there: what
//! the delta search inherits is a match, never a comment, whose line lies outside of the window
//! that a match depends on. The words are looked for once in each content that has a match, so a
//! content without any costs nothing, and one long line with many matches is read once. Whether
//! the comments count is decided by whoever reads the report.

use memchr::memmem;
use std::ops::RangeInclusive;

/// What all the words below hold.
const CORE: &[u8] = b"allow";

/// A word, as it goes on around [`CORE`], and which line it speaks of.
struct Word {
    before: &'static [u8],
    after: &'static [u8],
    speaks_of: Line,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Own,
    Next,
}

/// The first that fits counts: the longer ones come first.
const WORDS: [Word; 5] = [
    Word::new(b"gitsieve:", b"-next-line", Line::Next),
    Word::new(b"pragma: ", b"list nextline secret", Line::Next),
    Word::new(b"gitsieve:", b"", Line::Own),
    Word::new(b"gitleaks:", b"", Line::Own),
    Word::new(b"pragma: ", b"list secret", Line::Own),
];

impl Word {
    const fn new(before: &'static [u8], after: &'static [u8], speaks_of: Line) -> Self {
        Self {
            before,
            after,
            speaks_of,
        }
    }

    /// Whether it stands around `at`, where [`CORE`] stands.
    fn stands(&self, content: &[u8], at: usize) -> bool {
        content[..at].ends_with(self.before) && content[at + CORE.len()..].starts_with(self.after)
    }
}

/// The lines of a content whose secrets are asked to be let pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Allowed(Vec<u64>);

impl Allowed {
    /// Reads a content, or a window of one, whose first line has this number. Costs one pass, and
    /// a second up to the last word where there is any.
    pub(super) fn of(content: &[u8], first_line: u64) -> Self {
        let mut lines = Vec::new();
        let (mut counted, mut line) = (0, first_line);
        for at in memmem::find_iter(content, CORE) {
            let Some(word) = WORDS.iter().find(|word| word.stands(content, at)) else {
                continue;
            };
            line += memchr::memchr_iter(b'\n', &content[counted..at]).count() as u64;
            counted = at;
            lines.push(line + u64::from(word.speaks_of == Line::Next));
        }
        lines.sort_unstable();
        Self(lines)
    }

    /// Whether any of these lines, 1-based, is asked for.
    pub(super) fn any(&self, lines: RangeInclusive<u64>) -> bool {
        let first = self.0.partition_point(|line| line < lines.start());
        self.0.get(first).is_some_and(|line| line <= lines.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_word_speaks_of_its_own_line_or_of_the_next() {
        for (word, line) in [
            ("gitsieve:allow", 2),
            ("gitleaks:allow", 2),
            ("pragma: allowlist secret", 2),
            ("gitsieve:allow-next-line", 3),
            ("pragma: allowlist nextline secret", 3),
        ] {
            let text = format!("one\ntwo # {word}\nthree\nfour");
            let allowed = Allowed::of(text.as_bytes(), 1);
            let said: Vec<u64> = (1..=4).filter(|l| allowed.any(*l..=*l)).collect();
            assert_eq!(said, [line], "{word}");
            assert!(allowed.any(1..=4), "a secret of several lines");
        }
        for text in [
            "allow",
            "gitsieve: allow",
            "gitleaks:allow-next-line",
            "pragma: allowlist",
            "pragma: allowlist nextline",
        ] {
            let own = text.starts_with("gitleaks").then_some(1);
            assert_eq!(
                Allowed::of(text.as_bytes(), 1).0,
                Vec::from_iter(own),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn lines_are_those_that_a_plain_look_at_each_line_gives(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just("gitsieve:allow"), Just("gitleaks:allow"), Just("-next-line"),
                    Just("pragma: allowlist"), Just(" nextline"), Just(" secret"),
                    Just("\n"), Just("\r\n"), Just("x"), Just("allow"),
                ],
                0..40,
            ),
        ) {
            let text = pieces.concat();
            let mut wanted = Vec::new();
            for (line, text) in (1..).zip(text.split('\n')) {
                for at in 0..text.len() {
                    let rest = &text[at..];
                    let next = ["gitsieve:allow-next-line", "pragma: allowlist nextline secret"];
                    let own = ["gitsieve:allow", "gitleaks:allow", "pragma: allowlist secret"];
                    if next.iter().any(|word| rest.starts_with(word)) {
                        wanted.push(line + 1);
                    } else if own.iter().any(|word| rest.starts_with(word)) {
                        wanted.push(line);
                    }
                }
            }
            wanted.sort_unstable();
            prop_assert_eq!(Allowed::of(text.as_bytes(), 1).0, wanted);
        }
    }
}
