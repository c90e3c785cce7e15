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

fn is_ascii_text(byte: u8) -> bool {
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
    }
}
