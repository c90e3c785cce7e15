//! Tells random text from words and identifiers by a trained character model.
//!
//! Shannon's entropy looks at which bytes a text uses, not at their order: `password_field` and a
//! random key of the same length come out alike. The model knows how likely each letter is after
//! the two before it in ordinary code, so it says by how many bits a text is better explained as
//! drawn at random than as words: over 20 bits for 12 random characters, far below zero for
//! identifiers, around zero where nobody can tell.
//!
//! Letters are folded and digits are one symbol, so that the table is small; that identifiers change
//! case at words' starts only is counted apart. `benches/train_wordlike.rs` makes the table.

/// Symbols of the model: anything that is no letter and no digit, or the text's start (0), the
/// letters without their case (1 to 26), any digit (27).
pub const SYMBOLS: usize = 28;
/// Value of one unit of the table, in bits.
pub const UNIT_BITS: f64 = 1.0 / 16.0;

/// By two symbols and a third: the cost of the third after them, in units.
static TABLE: &[u8; SYMBOLS * SYMBOLS * SYMBOLS] = include_bytes!("wordlike.bin");

/// In identifiers, how often a letter after a small one is a capital.
const CAPITAL_AFTER_SMALL: f64 = 0.06;
/// In identifiers, how often a letter after a capital is a small one.
const SMALL_AFTER_CAPITAL: f64 = 0.45;

/// Returns the symbol that stands for a byte.
pub fn symbol(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => usize::from(byte - b'a') + 1,
        b'A'..=b'Z' => usize::from(byte - b'A') + 1,
        b'0'..=b'9' => SYMBOLS - 1,
        _ => 0,
    }
}

/// Returns by how many bits `text` is likelier to be drawn at random from its own alphabet
/// (hexadecimal digits, letters, letters and digits, of one case or both) than to be words: above 0
/// for random text, below for words. Marks between letters count for neither.
///
/// ```
/// use scanner_core::filter::wordlike::random_bits;
/// assert!(random_bits(b"databasePasswordField") < -20.0);
/// assert!(random_bits(b"x7Qm2LpZ0vTgR4kW") > 20.0);
/// ```
pub fn random_bits(text: &[u8]) -> f64 {
    let any = |is: fn(&u8) -> bool| text.iter().any(is);
    let digits = any(u8::is_ascii_digit);
    let mixed = any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase);
    let hexadecimal = digits
        && !mixed
        && text
            .iter()
            .all(|b| b.is_ascii_hexdigit() || !b.is_ascii_alphanumeric());
    // Sizes of the alphabet, and the number of its members that fold to one letter.
    let (size, folded) = match (hexadecimal, mixed, digits) {
        (true, ..) => (16.0_f64, 1.0),
        (_, false, true) => (36.0, 1.0),
        (_, true, true) => (62.0, 2.0),
        (_, _, false) => (26.0, 1.0),
    };
    let (letter, digit) = ((size / folded).log2(), (size / 10.0).log2());
    let mut bits = 0.0;
    let (mut a, mut b) = (0, 0);
    let mut last = 0_u8;
    for &byte in text {
        let c = symbol(byte);
        if c != 0 {
            let word = f64::from(TABLE[(a * SYMBOLS + b) * SYMBOLS + c]) * UNIT_BITS;
            bits += word - if c == SYMBOLS - 1 { digit } else { letter };
            if mixed && last.is_ascii_alphabetic() && byte.is_ascii_alphabetic() {
                bits += case_bits(last, byte);
            }
        }
        (a, b) = (b, c);
        last = byte;
    }
    bits
}

/// What the case of a letter after another says, in bits for randomness.
fn case_bits(last: u8, byte: u8) -> f64 {
    let chance = match (last.is_ascii_lowercase(), byte.is_ascii_uppercase()) {
        (true, true) => CAPITAL_AFTER_SMALL,
        (true, false) => 1.0 - CAPITAL_AFTER_SMALL,
        (false, false) => SMALL_AFTER_CAPITAL,
        (false, true) => 1.0 - SMALL_AFTER_CAPITAL,
    };
    -1.0 - chance.log2()
}
