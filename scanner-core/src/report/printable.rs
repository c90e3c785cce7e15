//! Text that cannot disturb whoever looks at it.

use std::fmt::Write;

/// Whether a character is invisible or acts on a terminal instead of standing there: controls
/// (C0, DEL, C1, so every escape sequence), line and paragraph separators, and the format
/// characters that reorder or hide text (bidirectional controls, zero-width characters, soft
/// hyphen, byte order mark, interlinear and tag characters).
pub fn is_disruptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Returns text in which each disruptive character shows as an escape (`\n`, `\u{1b}`) and each
/// byte that is not UTF-8 as `\xff`.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_disruptive(c) {
                out.extend(c.escape_default());
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_survives() {
        assert_eq!(
            printable(b"a\x1b[31mb\rc\n\x7f\0"),
            "a\\u{1b}[31mb\\rc\\n\\u{7f}\\u{0}"
        );
        assert_eq!(printable("\u{9b}0m".as_bytes()), "\\u{9b}0m");
        assert_eq!(
            printable("x\u{202e}y\u{2066}\u{200b}".as_bytes()),
            "x\\u{202e}y\\u{2066}\\u{200b}"
        );
        assert_eq!(printable("\u{e0041}".as_bytes()), "\\u{e0041}");
        assert_eq!(
            printable(b"caf\xe9.txt \xf0\x9f"),
            "caf\\xe9.txt \\xf0\\x9f"
        );
    }

    #[test]
    fn ordinary_text_of_any_language_is_left_alone() {
        for text in ["src/lib.rs", "Zoë – 東京 🦀", "C:\\dir", "שלום"] {
            assert_eq!(printable(text.as_bytes()), text);
        }
    }
}
