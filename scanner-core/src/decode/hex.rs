//! Hexadecimal: two digits a byte, in either case.

/// Value of a digit.
pub(super) fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Value of two digits.
pub(super) fn pair(digits: &[u8]) -> Option<u8> {
    match digits {
        [high, low, ..] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

/// Decodes digits; an odd last one is left out.
pub(super) fn decode(digits: &[u8], mut byte: impl FnMut(u8)) {
    for two in digits.chunks_exact(2) {
        if let Some(value) = pair(two) {
            byte(value);
        }
    }
}
