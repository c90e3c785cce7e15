//! Character references of HTML and XML: decimal, hexadecimal, and the five that XML names.

use super::{
    hex,
    stretches::{Escape, Style},
};
use crate::model::Encoding;

pub(super) const STYLE: Style = Style {
    encoding: Encoding::Entity,
    leader: b'&',
    // An attribute's value or the text between two tags, on one line.
    ends: |byte| matches!(byte, 0..=8 | 10..=31 | b'"' | b'\'' | b'<' | b'>' | 0x7f),
    escape,
};

/// Digits of a reference, leading zeros included.
const MOST_DIGITS: usize = 8;

const NAMES: [(&[u8], char); 5] = [
    (b"quot;", '"'),
    (b"amp;", '&'),
    (b"apos;", '\''),
    (b"lt;", '<'),
    (b"gt;", '>'),
];

fn escape(bytes: &[u8]) -> Option<Escape> {
    let after = bytes.get(1..)?;
    if after.first() != Some(&b'#') {
        return NAMES
            .iter()
            .find(|(name, _)| after.starts_with(name))
            .map(|(name, char)| Escape::char(*char, 1 + name.len()));
    }
    let is_hex = matches!(after.get(1), Some(b'x' | b'X'));
    let (skip, radix) = if is_hex { (2, 16) } else { (1, 10) };
    let digits = after.get(skip..)?;
    let mut value = 0_u32;
    let mut count = 0;
    while let Some(digit) = digits.get(count).and_then(|b| hex::digit(*b)) {
        if u32::from(digit) >= radix || count == MOST_DIGITS {
            return None;
        }
        // Eight digits of sixteen values fit.
        value = value * radix + u32::from(digit);
        count += 1;
    }
    if count == 0 || digits.get(count) != Some(&b';') {
        return None;
    }
    Some(Escape::char(char::from_u32(value)?, 1 + skip + count + 1))
}
