//! Finds and decodes base64 and hexadecimal: encodings that have an alphabet and no marks.
//!
//! Nearly all long identifiers, paths, hashes and tokens are made of the same characters, so a
//! *run* of them is worth decoding only if its first characters decode to text. That rules out
//! all else at once: 18 random bytes are text once in a hundred million times.
//!
//! Wrapped base64 is a chain of runs. Two runs with a line end between them (as such or as `\n` in
//! a string, with what strings and indentation put around it) are linked if the last characters
//! of the first and the first of the second decode to text too. The test is made of what stands
//! near the line end alone, so that whether a chain begins somewhere does not depend on all that
//! came before it.
//!
//! Runs are found in groups of 64 bytes, as bits of a number: a run of [`MIN_CHARACTERS`] is as many
//! bits in a row. The loop has neither table nor branch for single bytes, so that the compiler can
//! use vectors, and no branch for names of less characters, which are too common to be foreseen.
//! With AVX2 the bits of 64 bytes take some twenty instructions.

use super::{
    Region, base64, hex,
    pieces::{Pieces, Ratio},
    text::{is_text, may_begin_text, may_begin_with},
};
use crate::model::Encoding;
use std::ops::Range;

/// Shortest run that is looked at: 18 bytes in base64, 12 in hexadecimal.
const MIN_CHARACTERS: usize = 24;
/// Characters that are decoded to find out whether they are text.
const SAMPLE: usize = MIN_CHARACTERS;
/// As many of them as mostly show that they are none. Whole groups of both encodings.
const FIRST: usize = 8;
/// Longest separation of two linked runs.
const MAX_SEPARATOR: usize = 18;
/// Beginnings that are tried after the first.
const MORE_STARTS: usize = 2;
/// Where these lie at most.
const LAST_START: usize = 64;

/// What decides besides a region's own bytes: ahead of it a separator, [`SAMPLE`] and the byte that
/// shows where they begin; after it padding, a separator, [`SAMPLE`] and one more.
pub(super) const REACH: usize = 2 + MAX_SEPARATOR + SAMPLE + 1;

/// A chain ends with a run that may be too short to be found by itself; so far from a change may
/// the long run lie by which the region is found, on either side.
const AHEAD: usize = REACH + 2 + MIN_CHARACTERS + MAX_SEPARATOR + MIN_CHARACTERS;
const AFTER: usize = REACH + MIN_CHARACTERS;

/// Bytes of a block.
const BLOCK: usize = 8;
/// Blocks that are looked at together.
const TOGETHER: usize = 8;
/// Bytes of these.
const GROUP: usize = BLOCK * TOGETHER;

/// How a run is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Base64,
    Hex,
}

/// In the order in which they are tried: digits are characters of base64 too, but decode to text
/// as one of both at most.
const CODECS: [Codec; 2] = [Codec::Hex, Codec::Base64];

impl Codec {
    fn encoding(self) -> Encoding {
        match self {
            Self::Base64 => Encoding::Base64,
            Self::Hex => Encoding::Hex,
        }
    }

    /// Characters that stand for whole bytes.
    fn group(self) -> usize {
        match self {
            Self::Base64 => 4,
            Self::Hex => 2,
        }
    }

    /// Whether so many characters of a run decode to text.
    fn makes_text(self, characters: &[u8]) -> bool {
        let whole = characters.len() / self.group() * self.group();
        let characters = &characters[..whole.min(SAMPLE)];
        if self == Self::Hex && !characters.iter().all(|b| hex::digit(*b).is_some()) {
            return false;
        }
        let mut bytes = [0; SAMPLE];
        let begins = if let (Self::Base64, Some(first)) = (self, characters.first_chunk()) {
            may_begin_with(base64::decode_groups(*first))
        } else {
            let first = &characters[..characters.len().min(FIRST)];
            let count = self.decode_sample(first, &mut bytes);
            may_begin_text(&bytes[..count])
        };
        if !begins {
            return false;
        }
        let count = self.decode_sample(characters, &mut bytes);
        is_text(&bytes[..count])
    }

    /// Decodes characters of the encoding, and returns how many bytes they are.
    fn decode_sample(self, characters: &[u8], bytes: &mut [u8; SAMPLE]) -> usize {
        let mut count = 0;
        let keep = |byte| {
            bytes[count] = byte;
            count += 1;
        };
        match self {
            Self::Base64 => base64::decode(characters, keep),
            Self::Hex => hex::decode(characters, keep),
        }
        count
    }
}

/// Finds chains of runs.
#[derive(Debug, Default)]
pub(super) struct Finder {
    /// End of the last run or chain that was looked at.
    covered: usize,
}

impl Finder {
    /// See [`super::Finder::find`].
    pub(super) fn find(&mut self, content: &[u8], changed: Range<usize>, out: &mut Vec<Region>) {
        let mut at = changed.start.saturating_sub(AHEAD).max(self.covered);
        let end = (changed.end + AFTER).min(content.len());
        while at < end {
            let Some(inside) = find_run(&content[at..], end - at) else {
                break;
            };
            let last = at + inside;
            let first = last + 1 - MIN_CHARACTERS;
            // What is found is the first of its run, but for a run that began before.
            let run = if first == at {
                run_around(content, last)
            } else {
                run_from(content, first + letter_of_escape(content, first), last)
            };
            at = run.end;
            if run.len() >= MIN_CHARACTERS
                && let Some(region) = region_around(content, run)
            {
                at = at.max(region.end as usize);
                out.push(region);
            }
            self.covered = at;
        }
    }
}

/// Returns the last position of the first [`MIN_CHARACTERS`] of a run in the first `len` bytes.
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "a processor must be asked what it has")
)]
fn find_run(bytes: &[u8], len: usize) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { find_run_with_avx2(bytes, len) };
    }
    find_run_by(bytes, len, maybe_characters, characters)
}

/// [`find_run`], with what AVX2 has for it.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn find_run_with_avx2(bytes: &[u8], len: usize) -> Option<usize> {
    let exactly = |group: &[u8; GROUP]| characters_with_avx2(group);
    find_run_by(bytes, len, exactly, exactly)
}

/// [`find_run`]; both functions give a bit for each byte of a group, the first the lowest: one for
/// all characters and perhaps others, the other for characters alone.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for what its caller is compiled for"
)]
#[inline(always)]
fn find_run_by(
    bytes: &[u8],
    len: usize,
    maybe: impl Fn(&[u8; GROUP]) -> u64,
    exactly: impl Fn(&[u8; GROUP]) -> u64,
) -> Option<usize> {
    let (mut last, mut before) = ([0; GROUP], 0);
    for start in (0..len).step_by(GROUP) {
        let group = if let Some(group) = bytes[start..].first_chunk() {
            group
        } else {
            let rest = &bytes[start..];
            last[..rest.len()].copy_from_slice(rest);
            &last
        };
        let inside = u64::MAX >> (GROUP - (len - start).min(GROUP));
        let here = maybe(group) & inside;
        if run_ends(before, here) != 0 {
            let before = bytes[..start].last_chunk().map_or(0, &exactly);
            let ends = run_ends(before, exactly(group) & inside);
            if ends != 0 {
                return Some(start + ends.trailing_zeros() as usize);
            }
        }
        before = here;
    }
    None
}

/// The bits of what may be a character: nearly always, one comparison a byte is enough to know that
/// there is no run.
fn maybe_characters(group: &[u8; GROUP]) -> u64 {
    mask(others(group, |byte| byte.wrapping_sub(b'+') <= b'z' - b'+'))
}

/// The bits of the characters.
fn characters(group: &[u8; GROUP]) -> u64 {
    mask(others(group, is_character_by_range))
}

/// [`characters`], with AVX2.
///
/// Characters are told by the halves of their bytes: each half has a bit for each set of characters
/// that it can be of, and both have one in common just for characters.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[expect(
    unsafe_code,
    reason = "there is no other way from bytes to vectors in the standard library"
)]
fn characters_with_avx2(group: &[u8; GROUP]) -> u64 {
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set1_epi8,
        _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    };
    // SAFETY: both sides are 64 bytes, of which any are a vector.
    let [highs, lows, one, other] = unsafe {
        let [one, other] = std::mem::transmute::<[u8; GROUP], [__m256i; 2]>(*group);
        let [highs, lows] =
            std::mem::transmute::<[[u8; 16]; 4], [__m256i; 2]>([SETS.0, SETS.0, SETS.1, SETS.1]);
        [highs, lows, one, other]
    };
    let half = |bytes| {
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0F));
        // Gives 0 where the top bit is set: those are no characters.
        let low = _mm256_shuffle_epi8(lows, bytes);
        let sets = _mm256_and_si256(_mm256_shuffle_epi8(highs, high), low);
        let none = _mm256_cmpeq_epi8(sets, _mm256_setzero_si256());
        (!_mm256_movemask_epi8(none)).cast_unsigned()
    };
    u64::from(half(one)) | u64::from(half(other)) << 32
}

/// By the upper and by the lower half of a byte: the sets of characters that it may be of, a bit
/// for all that share an upper half.
#[cfg(target_arch = "x86_64")]
const SETS: ([u8; 16], [u8; 16]) = {
    let (mut highs, mut lows) = ([0; 16], [0; 16]);
    let mut byte = 0_u8;
    while byte < 0x80 {
        if base64::is_character(byte) {
            let (high, low) = (byte >> 4, byte & 0x0F);
            highs[high as usize] = 1 << high;
            lows[low as usize] |= 1 << high;
        }
        byte += 1;
    }
    (highs, lows)
};

/// A bit for each byte of the blocks, the first the lowest: whether it is of the kind.
#[inline]
fn mask(others: impl Iterator<Item = u64>) -> u64 {
    // The product gathers the lowest bits of eight bytes in its highest byte.
    let bits = |other: u64| other.to_le().wrapping_mul(0x0102_0408_1020_4080) >> 56;
    let blocks = others.enumerate();
    !blocks.fold(0, |mask, (block, other)| {
        mask | bits(other) << (BLOCK * block)
    })
}

/// The bits at which [`MIN_CHARACTERS`] bits in a row end in `bits`, which `before` stands ahead of.
#[inline]
fn run_ends(before: u64, bits: u64) -> u64 {
    const { assert!(MIN_CHARACTERS == 24) };
    let all = u128::from(bits) << 64 | u128::from(before);
    let two = all & all << 1;
    let four = two & two << 2;
    let eight = four & four << 4;
    ((eight & eight << 8 & eight << 16) >> 64) as u64
}

/// For each block a number that is 0 if all its bytes are of a kind.
#[inline]
fn others(group: &[u8; GROUP], is_kind: impl Fn(u8) -> bool) -> impl Iterator<Item = u64> {
    let mut other = [0_u8; GROUP];
    for (other, &byte) in other.iter_mut().zip(group) {
        *other = u8::from(!is_kind(byte));
    }
    let blocks: [u64; TOGETHER] = std::array::from_fn(|block| {
        let mut bytes = [0; BLOCK];
        bytes.copy_from_slice(&other[block * BLOCK..][..BLOCK]);
        u64::from_ne_bytes(bytes)
    });
    blocks.into_iter()
}

/// [`base64::is_character`] without a table, for vectors.
#[inline]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "branches would keep the compiler from using vectors"
)]
fn is_character_by_range(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit_or_slash = byte.wrapping_sub(b'/') < 11;
    letter | digit_or_slash | (byte == b'+') | (byte == b'-') | (byte == b'_')
}

/// The run that holds a character.
fn run_around(content: &[u8], inside: usize) -> Range<usize> {
    let mut start = inside;
    while start > 0 && base64::is_character(content[start - 1]) {
        start -= 1;
    }
    run_from(content, start + letter_of_escape(content, start), inside)
}

/// The run from `start`, all of which up to `known` is known to be in it.
fn run_from(content: &[u8], start: usize, known: usize) -> Range<usize> {
    let mut end = known.max(start);
    let near = content.len().min(end + GROUP);
    while end < near && base64::is_character(content[end]) {
        end += 1;
    }
    if end == near {
        // Runs may be as long as the content.
        while let Some(group) = content[end..].first_chunk() {
            if others(group, is_character_by_range).any(|other| other != 0) {
                break;
            }
            end += GROUP;
        }
        while end < content.len() && base64::is_character(content[end]) {
            end += 1;
        }
    }
    start..end
}

/// 1 where a run would begin with the letter of an escaped line end or tab.
fn letter_of_escape(content: &[u8], start: usize) -> usize {
    let letter = content.get(start).is_some_and(|b| is_escape_letter(*b));
    usize::from(letter && start > 0 && content[start - 1] == b'\\')
}

fn is_escape_letter(byte: u8) -> bool {
    matches!(byte, b'n' | b'r' | b't')
}

fn is_separator(content: &[u8], at: usize) -> bool {
    match content[at] {
        b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'\\' => true,
        letter => is_escape_letter(letter) && at > 0 && content[at - 1] == b'\\',
    }
}

fn is_line_end(separator: &[u8]) -> bool {
    separator.len() <= MAX_SEPARATOR
        && (separator.contains(&b'\n') || separator.windows(2).any(|two| two == b"\\n"))
}

/// End of the run that a run may go on from.
fn before(content: &[u8], start: usize) -> Option<usize> {
    let least = start.saturating_sub(MAX_SEPARATOR + 1);
    let mut end = start;
    while end > least && is_separator(content, end - 1) {
        end -= 1;
    }
    is_line_end(&content[end..start]).then_some(end)
}

/// Start of the run that may go on from one.
fn after(content: &[u8], end: usize) -> Option<usize> {
    let most = content.len().min(end + MAX_SEPARATOR + 1);
    let mut start = end;
    while start < most && is_separator(content, start) {
        start += 1;
    }
    let goes_on = content.get(start).is_some_and(|b| base64::is_character(*b));
    (goes_on && is_line_end(&content[end..start])).then_some(start)
}

/// Whether a run that ends at `end` goes on at `start`, and how both are written.
fn link(content: &[u8], end: usize, start: usize) -> Option<Codec> {
    let tail = &content[end.checked_sub(MIN_CHARACTERS)?..end];
    if !tail.iter().all(|b| base64::is_character(*b)) {
        return None;
    }
    let rest = &content[start..];
    let head = &rest[..rest.len().min(SAMPLE)];
    let other = |b: &u8| !base64::is_character(*b);
    let head = &head[..head.iter().position(other).unwrap_or(head.len())];
    CODECS
        .into_iter()
        .find(|codec| codec.makes_text(tail) && codec.makes_text(head))
}

/// The chain that a run is part of, if it is worth decoding.
fn region_around(content: &[u8], run: Range<usize>) -> Option<Region> {
    let mut first = run.clone();
    while let Some(end) = before(content, first.start) {
        if link(content, end, first.start).is_none() {
            break;
        }
        first = run_around(content, end - 1);
    }
    let mut last = run;
    let mut linked = None;
    loop {
        let next = after(content, last.end);
        let Some((next, codec)) = next.and_then(|n| Some((n, link(content, last.end, n)?))) else {
            break;
        };
        linked = linked.or(Some(codec));
        last = run_from(content, next, next);
    }
    let head = start_in(&content[first.clone()]);
    if head.is_none() && first.start == last.start {
        return None;
    }
    let codec = match head {
        Some((codec, _)) => codec,
        None => CODECS
            .into_iter()
            .find(|codec| codec.makes_text(&content[first.end - MIN_CHARACTERS..first.end]))?,
    };
    let padding = content[last.end..].iter().take(2);
    let padding = padding.take_while(|b| **b == b'=').count();
    Some(Region {
        start: first.start as u32,
        encoding: codec.encoding(),
        end: (last.end + padding) as u32,
    })
}

/// How the first run of a region is written, and where: at its start, or after a sign that may
/// belong to what stands ahead of it, as the slash of a path does.
fn start_in(run: &[u8]) -> Option<(Codec, usize)> {
    let signs = run[..run.len().min(LAST_START)].iter().enumerate();
    let signs = signs.filter(|(_, b)| matches!(b, b'/' | b'-' | b'_' | b'+' | b'x' | b'X'));
    let starts = std::iter::once(0).chain(signs.map(|(at, _)| at + 1));
    for start in starts.take(1 + MORE_STARTS) {
        let rest = &run[start..];
        if rest.len() < MIN_CHARACTERS {
            break;
        }
        if let Some(codec) = CODECS.into_iter().find(|codec| codec.makes_text(rest)) {
            return Some((codec, start));
        }
    }
    None
}

/// Decodes a region: each run by itself, because lines need not hold whole groups.
pub(super) fn decode(
    codec: Codec,
    bytes: &[u8],
    out: &mut Vec<u8>,
    mut pieces: Option<&mut Pieces>,
) {
    let mut run = run_from(bytes, 0, 0);
    // A first run that is no text at its start goes on at the next line: its end is aligned.
    let start = start_in(&bytes[run.clone()]);
    let start = start.map_or(run.len() % codec.group(), |(_, start)| start);
    run.start = start;
    loop {
        let text = out.len();
        let characters = &bytes[run.clone()];
        match codec {
            Codec::Base64 => base64::decode(characters, |byte| out.push(byte)),
            Codec::Hex => hex::decode(characters, |byte| out.push(byte)),
        }
        if let Some(pieces) = &mut pieces {
            let ratio = match codec {
                Codec::Base64 => Ratio::Base64,
                Codec::Hex => Ratio::Units {
                    text: 1,
                    written: 2,
                },
            };
            pieces.push(ratio, out.len() - text, run.start, run.len());
        }
        let Some(next) = after(bytes, run.end) else {
            return;
        };
        run = run_from(bytes, next, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// With and without AVX2.
        #[test]
        fn finds_the_first_run_wherever_it_stands(
            fill in 0..200_usize,
            name in "[a-z+/=:.]{0,40}",
            run in "[A-Za-z0-9+/_-]{0,40}",
            rest in prop::collection::vec(any::<u8>(), 0..200),
            after in 0..100_usize,
        ) {
            let bytes = [&vec![b' '; fill], name.as_bytes(), b"!", run.as_bytes(), b".", &rest].concat();
            let is_run = |run: &[u8]| run.iter().all(|b| base64::is_character(*b));
            let len = bytes.len() - after.min(rest.len());
            let expected = bytes[..len].windows(MIN_CHARACTERS).position(is_run);
            let expected = expected.map(|start| start + MIN_CHARACTERS - 1);
            prop_assert_eq!(find_run(&bytes, len), expected);
            prop_assert_eq!(find_run_by(&bytes, len, maybe_characters, characters), expected);
        }

        #[cfg(target_arch = "x86_64")]
        #[test]
        #[expect(unsafe_code, reason = "a processor must be asked what it has")]
        fn bits_are_those_of_characters(bytes in prop::collection::vec(any::<u8>(), GROUP)) {
            let group: &[u8; GROUP] = bytes.as_slice().try_into().unwrap();
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has what the function is compiled for.
                let bits = unsafe { characters_with_avx2(group) };
                for (at, byte) in group.iter().enumerate() {
                    prop_assert_eq!(bits >> at & 1 == 1, base64::is_character(*byte), "{}", byte);
                }
            }
        }
    }
}
