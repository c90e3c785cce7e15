//! `\u003d`, `\u{3d}` and `\x3d` of JSON and most programming languages. Octal escapes are left
//! alone: nothing tells them from a back-reference.

use super::{
    hex,
    stretches::{Escape, Style},
};
use crate::model::Encoding;
use std::char::REPLACEMENT_CHARACTER;

pub(super) const STYLE: Style = Style {
    encoding: Encoding::Backslash,
    leader: b'\\',
    // Spaces belong to it: a name and its value may be on both sides of one.
    ends: |byte| matches!(byte, 0..=8 | 10..=31 | b'"' | b'\'' | b'`' | 0x7f),
    escape,
};

/// Digits between the braces of `\u{..}`.
const MOST_DIGITS: usize = 6;

fn escape(bytes: &[u8]) -> Option<Escape> {
    let simple = |byte| Some(Escape::simple(byte, 2));
    match *bytes.get(1)? {
        b'x' => Some(Escape::byte(hex::pair(bytes.get(2..4)?)?, 4)),
        b'u' if bytes.get(2) == Some(&b'{') => {
            let digits = bytes[3..].iter().take(MOST_DIGITS + 1);
            let count = digits.take_while(|b| hex::digit(**b).is_some()).count();
            if count == 0 || bytes.get(3 + count) != Some(&b'}') {
                return None;
            }
            let value = number(&bytes[3..3 + count])?;
            Some(Escape::char(char::from_u32(value)?, 4 + count))
        }
        b'u' => {
            let unit = number(bytes.get(2..6)?)?;
            if let Some(char) = char::from_u32(unit) {
                return Some(Escape::char(char, 6));
            }
            let second = match bytes.get(6..12) {
                Some([b'\\', b'u', digits @ ..]) => number(digits),
                _ => None,
            };
            let pair = [unit as u16, second.unwrap_or(0) as u16];
            match char::decode_utf16(pair).next() {
                Some(Ok(char)) => Some(Escape::char(char, 12)),
                _ => Some(Escape::char(REPLACEMENT_CHARACTER, 6)),
            }
        }
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        same @ (b'\\' | b'/') => simple(same),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |sum, b| Some(sum << 4 | u32::from(hex::digit(*b)?)))
}
