//! Text from whoever pushes, made fit to be shown and kept.

use crate::report::{Redactor, printable};

/// Takes secrets and disruptive characters out. Redacts before it makes printable, because
/// escapes would hide a secret from the redactor, and after, because escapes may make up one.
pub(super) fn clean(redactor: &Redactor, bytes: &[u8]) -> String {
    let text = printable(&redactor.redact(bytes));
    redactor.redact_str(&text).into_owned()
}

/// Cuts a text's end off between characters, and says so.
pub(super) fn cut_end(mut text: String, max_bytes: usize) -> String {
    if text.len() > max_bytes {
        let end = (0..=max_bytes - 3).rfind(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.push_str("...");
    }
    text
}

/// Cuts a text's start off, as [`cut_end`] its end.
pub(super) fn cut_start(text: String, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text;
    }
    let mut starts = text.len() - max_bytes + 3..text.len();
    let start = starts.find(|&at| text.is_char_boundary(at));
    format!("...{}", &text[start.unwrap_or(text.len())..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn cuts_keep_characters_whole() {
        let text = "\u{1f980}".repeat(100);
        let (end, start) = (cut_end(text.clone(), 50), cut_start(text, 50));
        assert_eq!((end.len(), start.len()), (47, 47));
        assert!(end.starts_with('\u{1f980}') && start.ends_with('\u{1f980}'));
        assert_eq!(cut_start("a/b".to_owned(), 3), "a/b");
        assert_eq!(cut_end("a/b/".to_owned(), 4), "a/b/");
    }

    #[test]
    fn secrets_go_before_escapes_can_hide_them_and_after_escapes_make_them() {
        let raw = b"\x1babcdefgh\xff".as_slice();
        let redactor = Redactor::new([raw, br"\u{7}\u{7}".as_slice()].map(Secret::new));
        assert_eq!(clean(&redactor, &[b"x/", raw].concat()), "x/**********");
        assert_eq!(clean(&redactor, b"x/\x07\x07"), "x/**********");
    }
}
