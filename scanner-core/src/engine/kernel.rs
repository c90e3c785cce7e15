//! The stages of the filter that vector instructions do.
//!
//! Each exists as plain code, which is what tests compare the others with and what machines run
//! that have no better (its hashing is 16-bit arithmetic, which compilers turn into the vector
//! instructions that every machine of a kind has), and for x86-64 with AVX2 and with AVX-512.
//! Which runs is found out when the engine is made.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::literal::CHUNK;
use crate::rules::gram::STRIDE;

/// Grams that vectors take at once at most. Scratch memory has room for whole blocks.
pub(super) const BLOCK: usize = 64;
/// Grams that plain code takes at once.
const WORD: usize = 8;
/// Bytes ahead of a gram's last.
const LAST: usize = 3;

/// The bits of the table's entries, by gram.
type Entries = [u8; CHUNK];
/// Numbers of grams. Written by blocks, so with some to spare.
pub(super) type Passed = [u8; CHUNK + BLOCK];

/// Which instructions there are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kernel {
    /// No more than every processor of the kind has.
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
}

impl Kernel {
    /// Returns the best that this machine has.
    pub(super) fn detect() -> Self {
        Self::all().pop().unwrap_or(Self::Plain)
    }

    /// Returns all that this machine can run, the best last.
    fn all() -> Vec<Self> {
        let mut all = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(x86::Avx2::detect().map(Self::Avx2));
            all.extend(x86::Avx512::detect().map(Self::Avx512));
        }
        all
    }

    /// Writes the [index] of each gram of `bytes`: whole blocks, and the two bytes after them.
    #[inline]
    pub(super) fn hash(self, bytes: &[u8], shift: u32, indexes: &mut [u16; CHUNK]) {
        match self {
            Self::Plain => hash(bytes, shift, indexes),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.hash(bytes, shift, indexes),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.hash(bytes, shift, indexes),
        }
    }

    /// Lists those of the first `grams` whose entry of the table has the class of their last byte.
    /// Returns how many.
    #[inline]
    pub(super) fn list(
        self,
        bytes: &[u8],
        entries: &Entries,
        grams: usize,
        passed: &mut Passed,
    ) -> usize {
        match self {
            Self::Plain => list(bytes, entries, grams, passed),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.list(bytes, entries, grams, passed),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.list(bytes, entries, grams, passed),
        }
    }
}

/// What of a gram's first half takes part in its index.
const LOW_BITS: u16 = 0x5F1F;
/// What of its second half does.
const HIGH_BITS: u16 = 0x5F;
/// With these factors and this shift, of 3,600 tried, the literals of the built-in rules meet the
/// least of what text holds: in text that they were not chosen by, a third fewer grams got as far
/// as verification than with the first ones.
const FIRST_FACTOR: u16 = 0x88E1;
const FOLD: u32 = 8;
const SECOND_FACTOR: u16 = 0x715D;

/// Returns the index in the table of a gram, given as two little-endian halves. Its last byte
/// does not take part, and no byte's case bit. Only five bits of the first byte do, so that a
/// gram whose first byte may be anything has no more than 32 indexes.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for what its caller is compiled for"
)]
#[inline(always)]
pub(super) fn index(low: u16, high: u16, shift: u32) -> u16 {
    let mixed = (low & LOW_BITS).wrapping_mul(FIRST_FACTOR);
    let mixed = mixed ^ (mixed >> FOLD);
    mixed
        .wrapping_add((high & HIGH_BITS) << 8)
        .wrapping_mul(SECOND_FACTOR)
        >> shift
}

#[expect(
    clippy::inline_always,
    reason = "it is compiled for what its caller is compiled for"
)]
#[inline(always)]
fn hash(bytes: &[u8], shift: u32, indexes: &mut [u16; CHUNK]) {
    let (lows, _) = bytes.as_chunks::<2>();
    let (highs, _) = bytes[STRIDE..].as_chunks::<2>();
    for ((entry, low), high) in indexes.iter_mut().zip(lows).zip(highs) {
        *entry = index(u16::from_le_bytes(*low), u16::from_le_bytes(*high), shift);
    }
}

/// The classes of bytes, by five bits of a byte and the one that tells letters from signs.
const CLASSES: [u8; 64] = {
    let mut classes = [1 << 2; 64];
    let mut class = 0;
    while class < CLASS_MEMBERS.len() {
        let mut member = 0;
        while member < CLASS_MEMBERS[class].len() {
            classes[folded(CLASS_MEMBERS[class][member])] = 1 << class;
            member += 1;
        }
        class += 1;
    }
    classes
};

/// The members of each class; all other bytes are in the third.
const CLASS_MEMBERS: [&[u8]; 8] = [
    b"_-.$/+",
    b"0123456789",
    b"",
    b"eugyjq",
    b"tnmk",
    b"sofhv",
    b"ialpwx",
    b"rcdbz",
];

const fn folded(byte: u8) -> usize {
    (byte & 0x1F | byte >> 1 & 0x20) as usize
}

/// The bit of a byte's class.
#[inline]
pub(super) fn class(byte: u8) -> u8 {
    CLASSES[folded(byte)]
}

fn list(bytes: &[u8], entries: &Entries, grams: usize, passed: &mut Passed) -> usize {
    let (bytes, _) = bytes[LAST - 1..].as_chunks::<{ STRIDE * WORD }>();
    let (entries, _) = entries.as_chunks::<WORD>();
    let mut listed = 0;
    for ((first, bytes), entries) in (0..grams).step_by(WORD).zip(bytes).zip(entries) {
        let found: [u8; WORD] = std::array::from_fn(|i| entries[i] & class(bytes[STRIDE * i + 1]));
        let members = members(u64::from_le_bytes(found)) & first_bits(grams - first);
        listed += append(members, first, &mut passed[listed..]);
    }
    listed
}

/// The lowest bits, as many as grams are left.
fn first_bits(left: usize) -> u8 {
    u8::MAX >> (WORD - left.min(WORD))
}

/// Appends the numbers of the grams, the first of eight being `first`, whose bits are set. Returns
/// how many.
#[expect(
    clippy::inline_always,
    reason = "it is compiled for what its caller is compiled for"
)]
#[inline(always)]
fn append(members: u8, first: usize, passed: &mut [u8]) -> usize {
    let grams = LISTS[usize::from(members)] + EVERY_BYTE * first as u64;
    // Written always, and kept as far as there is something, so that nothing is guessed.
    if let Some(list) = passed.first_chunk_mut() {
        *list = grams.to_le_bytes();
    }
    members.count_ones() as usize
}

/// Returns a bit for each byte that is not 0, the first byte's lowest.
fn members(bytes: u64) -> u8 {
    const LOW: u64 = 0x7F * EVERY_BYTE;
    let tops = (((bytes & LOW) + LOW) | bytes) & !LOW;
    // Brings each top bit to its place in the highest byte; no two meet on the way.
    ((tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// A one in every byte.
const EVERY_BYTE: u64 = 0x0101_0101_0101_0101;

/// By eight bits: the numbers of those that are set, one a byte from the lowest on.
static LISTS: [u64; 256] = {
    let mut lists = [0; 256];
    let mut members = 0;
    while members < lists.len() {
        let (mut bit, mut listed) = (0, 0);
        while bit < WORD as u64 {
            if members >> bit & 1 == 1 {
                lists[members] |= bit << (8 * listed);
                listed += 1;
            }
            bit += 1;
        }
        members += 1;
    }
    lists
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_kernel_gives_what_plain_code_gives(
            bytes in prop::collection::vec(any::<u8>(), STRIDE * CHUNK + 2),
            entries in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], CHUNK),
            grams in 1..=CHUNK,
            shift in 0..3_u32,
        ) {
            let bytes = &bytes[..STRIDE * grams.next_multiple_of(BLOCK) + 2];
            let entries: &[u8; CHUNK] = entries.as_slice().try_into().unwrap();
            let expected_indexes: Vec<u16> = (0..grams)
                .map(|gram| {
                    let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
                    index(half(STRIDE * gram), half(STRIDE * gram + 2), shift)
                })
                .collect();
            let expected: Vec<u8> = (0..grams)
                .filter(|&gram| entries[gram] & class(bytes[STRIDE * gram + LAST]) != 0)
                .map(|gram| gram as u8)
                .collect();
            for kernel in Kernel::all() {
                let (mut indexes, mut passed) = ([0; CHUNK], [0; CHUNK + BLOCK]);
                kernel.hash(bytes, shift, &mut indexes);
                prop_assert_eq!(&indexes[..grams], &expected_indexes[..], "{:?}", kernel);
                let listed = kernel.list(bytes, entries, grams, &mut passed);
                prop_assert_eq!(&passed[..listed], &expected[..], "{:?}", kernel);
            }
        }
    }
}
