//! Base64: standard and URL-safe, with and without padding.

/// Value of each character in both alphabets; [`NONE`] for others.
const VALUES: [u8; 256] = values();
/// No character of the alphabets.
const NONE: u8 = 0xff;

const fn values() -> [u8; 256] {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut table = [NONE; 256];
    let mut i = 0;
    while i < letters.len() {
        table[letters[i] as usize] = i as u8;
        i += 1;
    }
    table[b'+' as usize] = 62;
    table[b'-' as usize] = 62;
    table[b'/' as usize] = 63;
    table[b'_' as usize] = 63;
    table
}

/// Whether a byte is a character of either alphabet; padding is none.
pub(super) const fn is_character(byte: u8) -> bool {
    VALUES[byte as usize] != NONE
}

/// Decodes characters, all of the alphabets. A last group of two or three gives one or two bytes,
/// a single character none.
pub(super) fn decode(characters: &[u8], mut byte: impl FnMut(u8)) {
    let groups = characters.chunks(4);
    for group in groups {
        let mut bits = 0_u32;
        for &character in group {
            bits = bits << 6 | u32::from(VALUES[character as usize] & 63);
        }
        bits <<= 6 * (4 - group.len());
        for &value in bits.to_be_bytes().iter().skip(1).take(group.len() - 1) {
            byte(value);
        }
    }
}

/// Decodes two groups of characters, all of the alphabets.
pub(super) fn decode_groups(characters: [u8; 8]) -> [u8; 6] {
    let value = |character: u8| u64::from(VALUES[character as usize] & 63);
    let bits = characters.iter().fold(0, |bits, c| bits << 6 | value(*c));
    let [_, _, bytes @ ..] = bits.to_be_bytes();
    bytes
}
