//! Whether decoded bytes are text: what tells an encoding from an identifier, a hash or a key,
//! whose bytes decode to noise.

/// Whether bytes cut out of something longer are text: ASCII without control characters, with
/// UTF-8 in between, or UTF-16 that is mostly ASCII.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    is_utf8(bytes) || is_wide(bytes)
}

/// Whether text may begin with these bytes: whether [`is_text`] can say yes to any that do.
pub(super) fn may_begin_text(bytes: &[u8]) -> bool {
    // Fewer may be a byte order mark, or all of them inside a character.
    bytes.len() < 3 || may_begin_utf8(bytes) || is_wide(bytes)
}

/// Bytes that mostly show that what begins with them is no text.
const FIRST_BYTES: usize = 6;

/// [`may_begin_text`] of just so many bytes, which identifiers decode to by the million.
pub(super) fn may_begin_with(bytes: [u8; FIRST_BYTES]) -> bool {
    let kinds = bytes.map(|byte| KINDS[usize::from(byte)]);
    let any = kinds.iter().fold(0, |any, kind| any | kind);
    if any & CONTROL != 0 {
        return any & ZERO != 0 && is_wide(&bytes);
    }
    if any == 0 {
        return true;
    }
    // Of a character's bytes that are not ASCII, the first is followed by others, and they follow one.
    let may_follow = |two: &[u8]| match two[0] {
        LEAD => two[1] == REST,
        0 => two[1] != REST,
        _ => true,
    };
    kinds.windows(2).all(may_follow) && may_begin_utf8(&bytes)
}

/// A control character, which text does not have.
const CONTROL: u8 = 1;
/// The one that UTF-16 has.
const ZERO: u8 = 2;
/// The first of several bytes that are a character.
const LEAD: u8 = 4;
/// One of the others.
const REST: u8 = 8;

/// What each byte may be; 0 for ASCII text.
static KINDS: [u8; 256] = {
    let mut kinds = [CONTROL; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        kinds[byte] = match byte as u8 {
            0 => CONTROL | ZERO,
            ascii if is_ascii_text(ascii) => 0,
            0x80..=0xBF => REST,
            0xC0..=0xFF => LEAD,
            _ => CONTROL,
        };
        byte += 1;
    }
    kinds
};

const fn is_ascii_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

fn is_utf8(bytes: &[u8]) -> bool {
    // A secret is ASCII, and so is some of any text around it.
    let ascii = bytes.iter().filter(|b| b.is_ascii()).count();
    4 * ascii >= bytes.len() && may_begin_utf8(bytes)
}

fn may_begin_utf8(bytes: &[u8]) -> bool {
    if bytes.iter().any(|b| b.is_ascii() && !is_ascii_text(*b)) {
        return false;
    }
    if bytes.is_ascii() {
        return true;
    }
    // What is cut may start inside a character.
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|b| **b & 0xc0 == 0x80)
        .count();
    match std::str::from_utf8(&bytes[cut..]) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// A zero beside every printable character, in either order: what is cut may start inside a unit.
fn is_wide(bytes: &[u8]) -> bool {
    let bytes = match bytes {
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] => rest,
        all => all,
    };
    let Some(first) = bytes.first() else {
        return false;
    };
    let zero_at = usize::from(*first != 0);
    bytes.iter().enumerate().all(|(i, &byte)| {
        if i % 2 == zero_at {
            byte == 0
        } else {
            is_ascii_text(byte)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is told by the first bytes is never wrong about text.
        #[test]
        fn text_begins_as_text_may(
            text in "[ -~\n\u{e9}\u{4e2d}\u{1f511}]{1,12}",
            mark: bool,
            cut in 0..4_usize,
            len in 0..20_usize,
        ) {
            let wide: Vec<u8> = mark.then_some('\u{feff}').into_iter().chain(text.chars())
                .flat_map(|c| (c as u32 as u16).to_le_bytes())
                .collect();
            for bytes in [text.as_bytes(), &wide] {
                let bytes = &bytes[cut.min(bytes.len())..];
                if is_text(bytes) {
                    prop_assert!(may_begin_text(&bytes[..len.min(bytes.len())]));
                }
            }
        }

        #[test]
        fn the_first_bytes_are_looked_at_as_any_are(
            bytes in prop::array::uniform6(prop_oneof![
                Just(0), Just(0x7F), 0..=0xFF_u8, 0x20..0x7F_u8, 0x80..0xC0_u8, 0xC0..=0xFF_u8
            ]),
        ) {
            prop_assert_eq!(may_begin_with(bytes), may_begin_text(&bytes));
        }
    }
}
