//! Whether decoded bytes are text: what tells an encoding from an identifier, a hash or a key,
//! whose bytes decode to noise.

/// Whether bytes cut out of something longer are text: ASCII without control characters, with
/// UTF-8 in between, or UTF-16 that is mostly ASCII.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    is_utf8(bytes) || is_wide(bytes)
}

fn is_ascii_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

fn is_utf8(bytes: &[u8]) -> bool {
    // What is cut may start inside a character.
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|b| **b & 0xc0 == 0x80)
        .count();
    let whole = &bytes[cut..];
    let mut ascii = 0;
    for &byte in whole {
        if byte < 0x80 {
            if !is_ascii_text(byte) {
                return false;
            }
            ascii += 1;
        }
    }
    if ascii == bytes.len() {
        return true;
    }
    // A secret is ASCII, and so is some of any text around it.
    4 * ascii >= bytes.len()
        && match std::str::from_utf8(whole) {
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
