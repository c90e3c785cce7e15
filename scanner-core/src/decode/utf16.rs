//! UTF-16: what Windows tools write.
//!
//! Whether content is UTF-16 is a function of its bytes alone, so that the same blob is read the
//! same way wherever it turns up. Positions in the decoded text are mapped back by walking the
//! original again: only findings ask, and a table would cost several times the content.

use crate::model::Encoding;
use std::{char::REPLACEMENT_CHARACTER, ops::Range};

/// Without a byte order mark, this many bytes decide.
const SAMPLE: usize = 512;
/// With one, this many bytes are checked for what text does not hold.
const MARKED_SAMPLE: usize = 4096;

/// UTF-16 content of a byte order, with or without a byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Utf16 {
    /// Whether the more significant byte comes first.
    big_endian: bool,
    /// Bytes of the byte order mark: 0 or 2.
    start: usize,
}

/// Tells whether content is UTF-16.
///
/// It is if it starts with a byte order mark and its first 4096 bytes hold hardly any control
/// characters and lone surrogates; or if its length is even and at least 8, and in its first 512
/// bytes nearly every second byte is zero and the others are printable ASCII. UTF-16 without a
/// mark in other scripts is not recognised: nothing tells it from binary data.
pub fn detect(bytes: &[u8]) -> Option<Utf16> {
    match bytes {
        // The mark of UTF-32 in this byte order starts like that of UTF-16.
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, ..] => marked(bytes, false),
        [0xfe, 0xff, ..] => marked(bytes, true),
        _ => unmarked(bytes),
    }
}

/// Makes sure that what follows a byte order mark looks like text: random units would be lone
/// surrogates every 32nd time.
fn marked(bytes: &[u8], big_endian: bool) -> Option<Utf16> {
    let kind = Utf16 {
        big_endian,
        start: 2,
    };
    let sample = &bytes[..bytes.len().min(MARKED_SAMPLE)];
    let (mut all, mut odd) = (0_usize, 0_usize);
    let mut at = kind.start;
    // The last unit may be half of a pair that the sample cuts.
    while at + 4 <= sample.len() || (at + 2 <= sample.len() && sample.len() == bytes.len()) {
        let (char, len) = kind.char_at(sample, at);
        all += 1;
        odd += usize::from(match char {
            None => true,
            Some(char) => {
                matches!(char, '\0'..='\x08' | '\x0e'..='\x1a' | '\x7f' | '\u{fffe}' | '\u{ffff}')
            }
        });
        at += len;
    }
    (odd <= all / 128).then_some(kind)
}

/// Looks for ASCII with a zero beside every character.
fn unmarked(bytes: &[u8]) -> Option<Utf16> {
    if bytes.len() < 8 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    // Nearly all content ends here.
    memchr::memchr(0, sample)?;
    let units = sample.len() / 2;
    let zeros = |from| {
        sample[from..]
            .iter()
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let text = |from: usize| {
        let others = sample[from..].iter().step_by(2);
        others
            .filter(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r' | 0x0c))
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let big_endian = even > odd;
    let (high, low) = if big_endian { (even, odd) } else { (odd, even) };
    let printable = text(usize::from(big_endian));
    // One in eight may be another script's, one in 64 anything.
    let fits = high * 8 >= units * 7 && low * 64 <= units && printable * 8 >= units * 7;
    fits.then_some(Utf16 {
        big_endian,
        start: 0,
    })
}

/// Decodes content to UTF-8 into `out`, which is cleared first. The byte order mark is left out;
/// lone surrogates and an odd last byte become U+FFFD.
pub fn decode(bytes: &[u8], kind: Utf16, out: &mut Vec<u8>) {
    out.clear();
    out.reserve(bytes.len() / 2);
    let mut at = kind.start;
    while at < bytes.len() {
        // Nearly everything is ASCII.
        if let Some(&[first, second]) = bytes.get(at..at + 2) {
            let (high, low) = kind.order(first, second);
            if high == 0 && low < 0x80 {
                out.push(low);
                at += 2;
                continue;
            }
        }
        let (char, len) = kind.char_at(bytes, at);
        let char = char.unwrap_or(REPLACEMENT_CHARACTER);
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        at += len;
    }
}

impl Utf16 {
    /// The same for content that is cut off ahead of here, and so has no mark.
    #[must_use]
    pub fn without_mark(self) -> Self {
        Self { start: 0, ..self }
    }

    /// Its name.
    pub fn encoding(self) -> Encoding {
        if self.big_endian {
            Encoding::Utf16Be
        } else {
            Encoding::Utf16Le
        }
    }

    fn order(self, first: u8, second: u8) -> (u8, u8) {
        if self.big_endian {
            (first, second)
        } else {
            (second, first)
        }
    }

    fn unit(self, bytes: &[u8], at: usize) -> Option<u16> {
        let pair = bytes.get(at..at.checked_add(2)?)?;
        let (high, low) = self.order(pair[0], pair[1]);
        Some(u16::from_be_bytes([high, low]))
    }

    /// The character at a byte, `None` for what is none, and how many bytes it takes: 1 (an odd
    /// last byte), 2 or 4.
    fn char_at(self, bytes: &[u8], at: usize) -> (Option<char>, usize) {
        let Some(unit) = self.unit(bytes, at) else {
            return (None, 1);
        };
        if let Some(char) = char::from_u32(u32::from(unit)) {
            return (Some(char), 2);
        }
        let pair = [unit, self.unit(bytes, at + 2).unwrap_or(0)];
        match char::decode_utf16(pair).next() {
            Some(Ok(char)) => (Some(char), 4),
            _ => (None, 2),
        }
    }
}

/// Maps positions in decoded text to positions in the original.
///
/// A walk goes on from where the last one ended, so questions in rising order cost one pass
/// together; a question further back starts over.
#[derive(Debug, Clone)]
pub struct Mapping<'a> {
    original: &'a [u8],
    kind: Utf16,
    /// A character's start in the decoded text and in the original.
    decoded: usize,
    at: usize,
}

impl<'a> Mapping<'a> {
    /// Maps what [`decode`] makes of `original`.
    pub fn new(original: &'a [u8], kind: Utf16) -> Self {
        Self {
            original,
            kind,
            decoded: 0,
            at: kind.start,
        }
    }

    /// Returns the bytes of the original that a range of the decoded text stands for: whole
    /// characters, also where the range cuts one. Past the end of the text it gives the end.
    pub fn original(&mut self, decoded: Range<usize>) -> Range<usize> {
        let start = self.walk(decoded.start).start;
        if decoded.end <= decoded.start {
            return start..start;
        }
        start..self.walk(decoded.end - 1).end
    }

    /// The bytes of the character that holds byte `target` of the decoded text.
    fn walk(&mut self, target: usize) -> Range<usize> {
        if target < self.decoded {
            *self = Self::new(self.original, self.kind);
        }
        while self.at < self.original.len() {
            let (char, len) = self.kind.char_at(self.original, self.at);
            let width = char.unwrap_or(REPLACEMENT_CHARACTER).len_utf8();
            if target < self.decoded + width {
                return self.at..self.at + len;
            }
            self.decoded += width;
            self.at += len;
        }
        self.original.len()..self.original.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(text: &str, big_endian: bool, mark: bool) -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        let units = mark.into_iter().chain(text.encode_utf16());
        let bytes = |unit: u16| {
            if big_endian {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        units.flat_map(bytes).collect()
    }

    #[test]
    fn text_is_detected_in_both_orders_with_and_without_a_mark() {
        let text = "name = \"value\"\r\n; naïve café\r\n".repeat(40);
        for big_endian in [false, true] {
            for mark in [false, true] {
                let bytes = encode(&text, big_endian, mark);
                let start = if mark { 2 } else { 0 };
                let kind = detect(&bytes).unwrap();
                assert_eq!(kind, Utf16 { big_endian, start });
                let mut out = Vec::new();
                decode(&bytes, kind, &mut out);
                assert_eq!(out, text.as_bytes());
            }
        }
        // Other scripts need the mark.
        let other = "ключ = значение 鍵 🔑\n".repeat(3);
        assert!(detect(&encode(&other, false, true)).is_some());
        assert!(detect(&encode(&other, false, false)).is_none());
        // A cut pair at the end of the sample is not held against the text.
        let pairs = "🔑".repeat(5000);
        assert!(detect(&encode(&pairs, true, true)).is_some());
        let shifted = format!("a{pairs}");
        assert!(detect(&encode(&shifted, true, true)).is_some());
    }

    #[test]
    fn binary_and_other_text_is_not_detected() {
        let counter: Vec<u8> = (0..400_u32).flat_map(u32::to_le_bytes).collect();
        let wide: Vec<u8> = "text"
            .repeat(99)
            .chars()
            .flat_map(|c| (c as u32).to_le_bytes())
            .collect();
        let marked_wide = [&[0xff, 0xfe, 0, 0][..], &wide].concat();
        let samples = u16::MAX - 200..u16::MAX;
        let audio: Vec<u8> = samples.chain(0..200).flat_map(u16::to_le_bytes).collect();
        for bytes in [
            &b""[..],
            b"a\0b\0c\0",
            b"a\0b\0c\0d\0e",
            b"plain ASCII text, of even length",
            &[0; 600],
            &[0xff; 600],
            &counter,
            &wide,
            &marked_wide,
            &audio,
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0",
        ] {
            assert_eq!(detect(bytes), None, "{:?}", &bytes[..bytes.len().min(16)]);
        }
        // A mark alone does not make text of what follows.
        let mut seed = 1_u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as u8
        };
        for _ in 0..200 {
            let mut bytes = vec![0xff, 0xfe];
            bytes.extend((0..2000).map(|_| random()));
            assert_eq!(detect(&bytes), None);
        }
    }

    #[test]
    fn bad_surrogates_and_odd_bytes_are_replaced_and_mapped() {
        let kind = Utf16 {
            big_endian: true,
            start: 2,
        };
        let bytes = b"\xfe\xff\xd8\x00\0a\xdc\x00\xd8\x3d\xdd\x11\xd8\x00\xd8\x00\0";
        let mut out = Vec::new();
        decode(bytes, kind, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\u{fffd}a\u{fffd}🔑\u{fffd}\u{fffd}\u{fffd}");
        let mut mapping = Mapping::new(bytes, kind);
        assert_eq!(mapping.original(3..4), 4..6);
        assert_eq!(mapping.original(7..11), 8..12);
        assert_eq!(mapping.original(8..9), 8..12);
        assert_eq!(mapping.original(0..1), 2..4);
        assert_eq!(mapping.original(17..20), 16..17);
        assert_eq!(mapping.original(20..20), 17..17);
        assert_eq!(mapping.original(99..120), 17..17);
    }

    proptest! {
        #[test]
        fn spans_of_characters_map_to_their_encoding(
            before in ".*",
            inside in ".*",
            after in ".*",
            big_endian: bool,
            mark: bool,
        ) {
            let text = format!("{before}{inside}{after}");
            let bytes = encode(&text, big_endian, mark);
            let kind = Utf16 { big_endian, start: if mark { 2 } else { 0 } };
            let mut out = b"left over".to_vec();
            decode(&bytes, kind, &mut out);
            prop_assert_eq!(&out, text.as_bytes());
            let mut mapping = Mapping::new(&bytes, kind);
            let span = before.len()..before.len() + inside.len();
            let found = mapping.original(span.clone());
            prop_assert_eq!(&bytes[found.clone()], &encode(&inside, big_endian, false));
            // Asked again, from further on, the answer is the same.
            mapping.original(text.len()..text.len());
            prop_assert_eq!(mapping.original(span), found);
        }

        #[test]
        fn any_bytes_decode_and_map_in_order(bytes: Vec<u8>, big_endian: bool) {
            let kind = Utf16 { big_endian, start: 0 };
            detect(&bytes);
            let mut out = Vec::new();
            decode(&bytes, kind, &mut out);
            let text = String::from_utf8(out).unwrap();
            let mut mapping = Mapping::new(&bytes, kind);
            let mut end = 0;
            for (at, char) in text.char_indices() {
                let found = mapping.original(at..at + char.len_utf8());
                prop_assert_eq!(found.start, end);
                end = found.end;
            }
            prop_assert_eq!(end, bytes.len());
        }
    }
}
