//! Trailers of a commit's message, as git reads them.
//!
//! The same block and the same values as `git interpret-trailers --parse` without configuration:
//! the last paragraph, unless it is the title, when all of its lines are trailers, or when one is
//! of git's own making and at least a quarter are trailers. A person who wrote a trailer that git
//! does not see as one must not find that we do, nor the other way round.

use bstr::{BStr, BString, ByteSlice};

/// What git writes itself; such a line makes a paragraph one of trailers.
const OF_GIT: [&[u8]; 2] = [b"Signed-off-by: ", b"(cherry picked from commit "];

/// One `Key: value`, the value unfolded and trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trailer<'m> {
    pub(super) key: &'m BStr,
    pub(super) value: BString,
}

/// Returns the trailers of a message, in order.
pub(super) fn trailers(message: &[u8]) -> Vec<Trailer<'_>> {
    let mut trailers: Vec<Trailer<'_>> = Vec::new();
    // Whether a line that begins with a space goes on with the last trailer.
    let mut goes_on = false;
    for line in block(message) {
        if is_comment(line) {
            goes_on = false;
        } else if starts_with_space(line) && goes_on {
            if let Some(last) = trailers.last_mut() {
                // As git has it: the line break and what follows it become one space, and what
                // stands ahead of it stays.
                last.value.push(b' ');
                last.value
                    .extend_from_slice(without_break(trim_start(line)));
            }
        } else {
            let parts = separator(line).map(|at| (&line[..at], &line[at + 1..]));
            goes_on = parts.is_some();
            trailers.extend(parts.map(|(key, value)| Trailer {
                key: trim(key).as_bstr(),
                value: without_break(trim_start(value)).into(),
            }));
        }
    }
    for trailer in &mut trailers {
        trailer.value = trim(&trailer.value).into();
    }
    trailers
}

/// The lines of the paragraph that holds the trailers; none where no paragraph does.
fn block(message: &[u8]) -> Vec<&[u8]> {
    let lines: Vec<&[u8]> = message.lines_with_terminator().collect();
    let end_of_title = lines
        .iter()
        .position(|line| !is_comment(line) && is_blank(line))
        .unwrap_or(lines.len());
    let mut seen_text = false;
    let mut of_git = false;
    let (mut trailer_lines, mut other_lines) = (0usize, 0usize);
    // Lines that begin with a space belong to the trailer above them, if that is one.
    let mut maybe_folded = 0;
    for (at, line) in lines.iter().enumerate().skip(end_of_title).rev() {
        if is_comment(line) {
            other_lines += std::mem::take(&mut maybe_folded);
        } else if is_blank(line) {
            if !seen_text {
                continue;
            }
            other_lines += maybe_folded;
            let found = (of_git && trailer_lines * 3 >= other_lines)
                || (trailer_lines > 0 && other_lines == 0);
            return if found {
                lines[at + 1..].to_vec()
            } else {
                Vec::new()
            };
        } else {
            seen_text = true;
            let written_by_git = OF_GIT.iter().any(|prefix| line.starts_with(prefix));
            if written_by_git || (separator(line).is_some() && !starts_with_space(line)) {
                trailer_lines += 1;
                maybe_folded = 0;
                of_git |= written_by_git;
            } else if starts_with_space(line) {
                maybe_folded += 1;
            } else {
                other_lines += 1 + std::mem::take(&mut maybe_folded);
            }
        }
    }
    Vec::new()
}

/// Where the colon stands that ends a key of letters, digits and dashes.
fn separator(line: &[u8]) -> Option<usize> {
    let mut after_space = false;
    for (at, &byte) in line.iter().enumerate() {
        match byte {
            b':' => return (at > 0).then_some(at),
            b' ' | b'\t' if at > 0 => after_space = true,
            _ if !after_space && (byte.is_ascii_alphanumeric() || byte == b'-') => {}
            _ => return None,
        }
    }
    None
}

fn is_comment(line: &[u8]) -> bool {
    line.starts_with(b"#")
}

fn is_space(byte: u8) -> bool {
    // As git's own `isspace`: no vertical tab or form feed.
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn starts_with_space(line: &[u8]) -> bool {
    line.first().is_some_and(|&byte| is_space(byte))
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|&byte| is_space(byte))
}

fn trim_start(text: &[u8]) -> &[u8] {
    text.trim_start_with(|c| c.is_ascii() && is_space(c as u8))
}

fn without_break(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn trim(text: &[u8]) -> &[u8] {
    trim_start(text).trim_end_with(|c| c.is_ascii() && is_space(c as u8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    /// What git says of a message, one `Key: value` each.
    fn of_git(message: &[u8]) -> Vec<String> {
        let mut git = Command::new("git")
            .args(["interpret-trailers", "--parse", "--no-divider"])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        git.stdin.take().unwrap().write_all(message).unwrap();
        let out = git.wait_with_output().unwrap();
        assert!(out.status.success());
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn ours(message: &[u8]) -> Vec<String> {
        let trailers = trailers(message);
        let shown = trailers.iter().map(|t| format!("{}: {}", t.key, t.value));
        shown.collect()
    }

    #[test]
    fn the_last_paragraph_holds_trailers_when_git_says_so() {
        for message in [
            "",
            "Subject",
            "Key: not a trailer, the title",
            "Subject\n\nKey: value\n",
            "Subject\n\nKey: value\n\nmore text\n",
            "Subject\n\nsome text\nKey: value\n",
            "Subject\n\nsome text\nmore\nKey: value\nSigned-off-by: A <a@b>\n",
            "Subject\n\na\nb\nc\nd\ne\nf\ng\nKey: value\nSigned-off-by: A <a@b>\n",
            "Subject\n\nKey: folded\n  over two\n\tor three lines\nSigned-off-by: A <a@b>\n\n\n",
            "Subject\n\nKey : space before\nKey:none after\nkey:\n",
            "Subject\n\n  indented\nKey: value\n",
            "Subject\n\nKey: value\n# comment: x\n continued?\nSigned-off-by: A <a@b>\n",
            "Subject\r\n\r\nKey: value\r\nOther: one\r\n",
            "Subject\n\n(cherry picked from commit 0123)\nKey: value\nno trailer\n",
            "Subject\n\nhttp://x: y\nKey: value\n",
            "\nKey: value\n",
            "\nKey: cr\r\n folded  \n twice\n",
            "# comment\n\nKey: value\n",
        ] {
            assert_eq!(
                ours(message.as_bytes()),
                of_git(message.as_bytes()),
                "{message:?}"
            );
        }
        let folded = "S\n\nKey: folded\n  over two\n";
        assert_eq!(ours(folded.as_bytes()), ["Key: folded over two"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn git_agrees_on_any_message(lines in prop::collection::vec(prop::sample::select(vec![
            "", "", " ", "text", "more text", "Key: value", "Key : value", "Skip:", " folded", "\ttab",
            "Signed-off-by: A <a@b>", "signed-off-by: x", "(cherry picked from commit 01)", "# note: x",
            "a-b: c: d", "-: x", ": x", "x y: z", "Subject\r", "Key: cr\r",
        ]), 0..12)) {
            let message = lines.join("\n");
            prop_assert_eq!(ours(message.as_bytes()), of_git(message.as_bytes()), "{:?}", message);
        }
    }
}
