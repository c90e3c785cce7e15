//! Lines of bounded length, made of text that cannot disturb.

use super::{MAX_BYTES, finding::counted};
use crate::{
    gate::text::{clean, cut_end, cut_start},
    report::Redactor,
};

/// Columns of prose: with git's `remote: ` and a server's own prefix still below 100.
const WIDTH: usize = 78;
/// Bytes of names, such as of rules.
const MAX_NAME_BYTES: usize = 80;
/// Bytes of paths and refs where each has its own line.
const MAX_PATH_BYTES: usize = 160;
/// Bytes of sentences given from outside.
const MAX_SENTENCE_BYTES: usize = 240;
/// Bytes kept for what follows the findings.
const MAX_TAIL_BYTES: usize = 8 << 10;

/// Makes text from outside fit to be shown.
pub(super) struct Fields<'a> {
    redactor: &'a Redactor,
}

impl<'a> Fields<'a> {
    pub(super) fn new(redactor: &'a Redactor) -> Self {
        Self { redactor }
    }

    fn clean(&self, bytes: &[u8]) -> String {
        clean(self.redactor, bytes)
    }

    /// A name, cut at its end.
    pub(super) fn name(&self, name: &str) -> String {
        cut_end(self.clean(name.as_bytes()), MAX_NAME_BYTES)
    }

    /// A sentence, cut at its end, without its full stop.
    pub(super) fn sentence(&self, text: &str) -> String {
        let text = cut_end(self.clean(text.as_bytes()), MAX_SENTENCE_BYTES);
        text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
    }

    /// Text in any encoding, cut at its end.
    pub(super) fn text(&self, bytes: &[u8]) -> String {
        cut_end(self.clean(bytes), MAX_SENTENCE_BYTES)
    }

    /// A path or ref, cut at its start: the end says more.
    pub(super) fn path(&self, path: &[u8]) -> String {
        cut_start(self.clean(path), MAX_PATH_BYTES)
    }

    /// A name to stand in a command that people copy: `None` where a shell could read more than
    /// a name into it, or where it is not shown as it is.
    pub(super) fn argument(&self, name: &[u8]) -> Option<String> {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"._/-+".contains(b);
        let fits = name.len() <= MAX_NAME_BYTES && name.iter().all(plain);
        let shown = self.clean(name);
        (fits && !name.starts_with(b"-") && shown.as_bytes() == name).then_some(shown)
    }
}

/// Lines that belong together.
#[derive(Debug, Default)]
pub(super) struct Block {
    lines: Vec<String>,
    /// Whether no empty line stands before it.
    close: bool,
}

impl Block {
    /// A block of one sentence.
    pub(super) fn of(prose: &str) -> Self {
        let mut block = Self::default();
        block.prose(prose);
        block
    }

    /// A block with no empty line before it.
    pub(super) fn close() -> Self {
        Self {
            close: true,
            ..Self::default()
        }
    }

    pub(super) fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Adds a sentence, broken between words.
    pub(super) fn prose(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
                self.lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.lines.push(line);
    }

    pub(super) fn item(&mut self, text: &str) {
        self.lines.push(format!("  {text}"));
    }

    pub(super) fn command(&mut self, text: &str) {
        self.lines.push(format!("    {text}"));
    }
}

/// Puts a text together, in less than [`MAX_BYTES`]: the first line, as many findings as there is
/// room for and a count of the others, and what follows.
pub(super) fn assemble(
    prefix: &str,
    first: &str,
    findings: impl Iterator<Item = Block>,
    found: usize,
    tail: Vec<Block>,
) -> String {
    let mut tail_text = Text::new(prefix, MAX_TAIL_BYTES);
    for block in tail {
        if !tail_text.add(&block) {
            break;
        }
    }
    let mut text = Text::new(prefix, MAX_BYTES - 1 - tail_text.out.len());
    // Names in it are bounded, to far less than what the tail leaves.
    let mut head = Block::close();
    head.line(first.to_owned());
    text.add(&head);
    let count = |n: usize| {
        let mut block = Block::default();
        block.line(format!(
            "... and {} not shown here",
            counted(n as u64, "more secret")
        ));
        block
    };
    let mut shown = 0;
    text.reserve(&count(found));
    for block in findings {
        if !text.add(&block) {
            break;
        }
        shown += 1;
    }
    text.release();
    if shown < found {
        text.add(&count(found - shown));
    }
    text.out + &tail_text.out
}

/// A text that never grows past its limit.
struct Text<'a> {
    prefix: &'a str,
    out: String,
    max_bytes: usize,
    reserved_bytes: usize,
}

impl<'a> Text<'a> {
    fn new(prefix: &'a str, max_bytes: usize) -> Self {
        Self {
            prefix,
            out: String::new(),
            max_bytes,
            reserved_bytes: 0,
        }
    }

    fn reserve(&mut self, block: &Block) {
        self.reserved_bytes = self.written(block).len();
    }

    fn release(&mut self) {
        self.reserved_bytes = 0;
    }

    /// Adds a block, or nothing where it does not fit. Returns whether it did.
    fn add(&mut self, block: &Block) -> bool {
        let written = self.written(block);
        let fits = self.out.len() + written.len() + self.reserved_bytes <= self.max_bytes;
        if fits {
            self.out.push_str(&written);
        }
        fits
    }

    /// A server that shows only lines with a prefix has no use for empty ones.
    fn written(&self, block: &Block) -> String {
        let mut out = String::new();
        if !block.close && self.prefix.is_empty() {
            out.push('\n');
        }
        for line in &block.lines {
            out.extend([self.prefix, line, "\n"]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: usize) -> Block {
        let mut block = Block::close();
        block.line("x".repeat(bytes));
        block
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_tail_kept() {
        let findings = (0..10).map(|_| block(2000));
        let text = assemble("> ", "first", findings, 25, vec![block(5000), block(5000)]);
        assert!(text.len() < MAX_BYTES);
        assert!(text.starts_with("> first\n> xxx"));
        assert!(
            text.contains("> ... and 20 more secrets not shown here\n"),
            "{text}"
        );
        assert!(text.ends_with(&format!("> {}\n", "x".repeat(5000))));
    }

    #[test]
    fn prose_breaks_between_words() {
        let mut block = Block::default();
        block.prose(&format!("{} {}", "word ".repeat(20), "y".repeat(200)));
        assert!(
            block
                .lines
                .iter()
                .all(|l| l.len() <= WIDTH || l.len() == 200)
        );
        assert_eq!(block.lines.last().unwrap().len(), 200);
    }

    #[test]
    fn names_a_shell_would_act_on_are_no_arguments() {
        let redactor = Redactor::default();
        let fields = Fields::new(&redactor);
        assert_eq!(
            fields.argument(b"v1.0-rc+2/x").as_deref(),
            Some("v1.0-rc+2/x")
        );
        for bad in [
            "v1;id",
            "$(id)",
            "-f",
            "a b",
            "`x`",
            "a'b",
            "caf\u{e9}",
            &"x".repeat(81),
        ] {
            assert_eq!(fields.argument(bad.as_bytes()), None, "{bad}");
        }
    }
}
