//! The default engine: a filter that passes over most positions for a few instructions each, and
//! exact verification of what is left.
//!
//! # The filter
//! Content is looked at in *grams* of four bytes, at every second position. A literal that stands
//! in the content covers two kinds of grams, those an even and those an odd number of bytes into
//! it, and exactly one kind falls on the positions looked at. So each literal enters one gram of
//! each kind, the one that text is least likely to hold ([`frequency`]), and is met exactly once wherever it stands. Literals of three and four bytes have no whole gram of either kind;
//! there the byte missing ahead of or behind the literal may be anything.
//!
//! Three bytes of a gram are hashed to the index of a byte in a table; the fourth selects one of
//! that byte's bits. A gram that may fall short of its fourth byte sets all eight, so a short
//! literal fills no more of the table than others do. Case and the top bit are dropped ahead of
//! hashing: the filter may say yes to what is not there, and never no to what is.
//!
//! # Why it is fast
//! Each stage runs over a few hundred positions on its own, so that each is a loop without
//! branches: the hashing is 16-bit arithmetic, which compilers turn into vector instructions of any
//! machine; the look-ups are four loads and a store a gram with nothing to wait for; and what
//! passed is listed eight grams at a time. With one loop that hashes, tests and branches, the
//! same filter ran at 2.0 GB/s instead of 3.4.
//!
//! # Verification
//! With 2,000 literals, 400 of them of three or four bytes, one gram in twenty passes, and one in
//! three hundred belongs to a literal. What decides then is what it costs to turn the others away. Each
//! list of literals that a hash leads to has a *guard*: the bits that the eight bytes around a gram
//! have in common in all of them. Grams that do not fit their guard leave in one more stage without
//! branches. For the rest these bytes are compared, under a mask, with those of each literal of the
//! list. This is exact; only literals that reach out of these bytes are compared once more in full.

use super::{Engine, EngineError, EngineWorker, Hit, LiteralSet, aho::Automaton};
use crate::rules::frequency;
use std::{ops::Range, sync::Arc};

/// Positions looked at are this many bytes apart.
const STRIDE: usize = 2;
/// Bytes of a gram.
const GRAM: usize = 4;
/// Bytes of a literal that the filter can take: a gram less the one byte that may be anything.
const SHORTEST: usize = GRAM - 1;
/// Grams whose table bytes are collected together.
const WORD: usize = 8;
/// Grams that each stage handles in one go: as many as a byte can tell apart. Keeps the scratch
/// within a small part of the innermost cache.
const CHUNK: usize = 256;
/// Entries of the table: one for each value of an index.
const TABLE: usize = 1 << 16;
/// Lists of probes, by the low bits of a gram's index.
const SLOTS: usize = 1 << 13;
/// Bytes ahead of a gram that a probe compares.
const PROBE_BEFORE: usize = 2;

/// A hashed four-gram filter ahead of exact verification.
#[derive(Debug)]
pub(super) struct LiteralEngine {
    set: Arc<LiteralSet>,
    filter: Filter,
    /// Finds the literals too short for the filter.
    short: Option<Automaton>,
}

impl LiteralEngine {
    pub(super) fn new(set: Arc<LiteralSet>) -> Result<Self, EngineError> {
        let short = |bytes: &[u8]| bytes.len() < SHORTEST;
        let short = if set.literals().iter().any(|(bytes, _)| short(bytes)) {
            Some(Automaton::new(&set, short)?)
        } else {
            None
        };
        Ok(Self {
            filter: Filter::new(&set),
            set,
            short,
        })
    }
}

impl Engine for LiteralEngine {
    fn name(&self) -> &'static str {
        "literal"
    }

    fn worker(&self) -> Box<dyn EngineWorker + Send + '_> {
        Box::new(LiteralWorker {
            engine: self,
            scratch: Scratch {
                indexes: [0; CHUNK],
                found: [0; CHUNK],
                passed: [0; CHUNK + WORD],
                padded: [0; STRIDE * CHUNK + GRAM - STRIDE],
            },
        })
    }
}

/// What one chunk's stages hand to each other.
struct Scratch {
    /// The index of each gram.
    indexes: [u16; CHUNK],
    /// What the filter says of each gram: not 0 for yes.
    found: [u8; CHUNK],
    /// The grams of which the filter says yes, in order. Written by words, so with some to spare.
    passed: [u8; CHUNK + WORD],
    /// The last bytes of the content, and after it anything: the filter only has to see what is there.
    padded: [u8; STRIDE * CHUNK + GRAM - STRIDE],
}

struct LiteralWorker<'a> {
    engine: &'a LiteralEngine,
    scratch: Scratch,
}

impl EngineWorker for LiteralWorker<'_> {
    fn hits(&mut self, content: &[u8], range: Range<usize>, out: &mut Vec<Hit>) {
        let first = out.len();
        let LiteralEngine { set, filter, short } = self.engine;
        filter.hits(set, &mut self.scratch, content, range.clone(), out);
        if let Some(short) = short {
            short.hits(set, content, range, out);
            out[first..].sort_unstable();
        }
    }
}

/// The filter's table and the probes behind it.
struct Filter {
    /// By gram index: the bits of the classes of fourth bytes.
    table: Box<[u8; TABLE]>,
    hash: Hash,
    /// By slot: the first of its probes; one more for the end of the last.
    slots: Vec<u32>,
    /// By slot: what its probes have in common.
    guards: Box<[Guard; SLOTS]>,
    probes: Vec<Probe>,
    /// Bytes of the shortest literal; `usize::MAX` when there are none.
    shortest: usize,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter")
            .field("hash", &self.hash)
            .field("probes", &self.probes.len())
            .finish_non_exhaustive()
    }
}

/// Four bytes, `None` for those that may be anything.
type Gram = [Option<u8>; GRAM];

/// A gram by which a literal is found.
#[derive(Debug)]
struct Place {
    literal: u32,
    /// Where it starts, counted from one byte ahead of the literal.
    start: u32,
    gram: Gram,
}

/// A literal's bytes around one of its grams: the eight bytes that start [`PROBE_BEFORE`] bytes
/// ahead of the gram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Probe {
    literal: u32,
    /// Where the gram starts, counted from one byte ahead of the literal.
    gram_start: u32,
    /// The bits that count.
    mask: u64,
    /// What they must be.
    value: u64,
    /// Whether these bytes are all of the literal.
    whole: bool,
}

/// What the probes of a slot have in common.
#[derive(Debug, Clone, Copy)]
struct Guard {
    /// The bits that count in all of them, and are the same.
    mask: u64,
    /// What they must be.
    value: u64,
}

impl Guard {
    /// A guard that nothing fits.
    const SHUT: Self = Self { mask: 0, value: 1 };

    fn of(probes: &[Probe]) -> Self {
        let Some(first) = probes.first() else {
            return Self::SHUT;
        };
        let mask = probes.iter().fold(u64::MAX, |mask, probe| {
            mask & probe.mask & !(probe.value ^ first.value)
        });
        Self {
            mask,
            value: first.value & mask,
        }
    }

    #[inline]
    fn fits(self, around: u64) -> bool {
        around & self.mask == self.value
    }
}

/// How grams are hashed.
#[derive(Debug, Clone, Copy)]
struct Hash {
    /// How far indexes are shifted right: a small set needs, and heats, less of the table.
    shift: u32,
}

impl Hash {
    /// Returns the index in the table of a gram, given as two little-endian halves. Its last byte
    /// does not take part, and no byte's case bit. Only five bits of the first byte do, so that a
    /// gram whose first byte may be anything has no more than 32 indexes.
    #[inline]
    fn index(self, low: u16, high: u16) -> u16 {
        let mixed = (low & 0x5F1F).wrapping_mul(0x9E37);
        let mixed = mixed ^ (mixed >> 7);
        mixed.wrapping_add((high & 0x5F) << 8).wrapping_mul(0xA3B5) >> self.shift
    }

    /// Returns the indexes of a gram that lacks at most its first or its last byte.
    fn indexes(self, [a, b, c, _]: Gram) -> impl Iterator<Item = u16> {
        let (b, c) = (b.unwrap_or(0), c.unwrap_or(0));
        // Five bits of the first byte are all that counts.
        let firsts = a.map_or(0..=0x1F, |a| a..=a);
        firsts.map(move |a| self.index(u16::from_le_bytes([a, b]), u16::from(c)))
    }

    fn table(self, places: &[Place]) -> Box<[u8; TABLE]> {
        let mut table: Box<[u8; TABLE]> = vec![0; TABLE]
            .try_into()
            .expect("a vector of this length is made into an array of it");
        for place in places {
            let bits = place.gram[3].map_or(u8::MAX, |b| CLASSES[usize::from(b)]);
            for index in self.indexes(place.gram) {
                table[usize::from(index)] |= bits;
            }
        }
        table
    }
}

/// The bit of each byte's class. The same in either case. What joins the parts of names and tokens
/// has a class without anything that text has more of; letters are dealt out by frequency.
const CLASSES: [u8; 256] = {
    let mut classes = [1 << 2; 256];
    let mut class = 0;
    while class < CLASS_MEMBERS.len() {
        let mut member = 0;
        while member < CLASS_MEMBERS[class].len() {
            let byte = CLASS_MEMBERS[class][member];
            classes[byte as usize] = 1 << class;
            classes[byte.to_ascii_uppercase() as usize] = 1 << class;
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

impl Filter {
    fn new(set: &LiteralSet) -> Self {
        let literals = set.literals();
        let shift = match literals.len() {
            0..64 => 2,
            64..256 => 1,
            _ => 0,
        };
        let places: Vec<Place> = (0..)
            .zip(literals)
            .filter(|(_, (bytes, _))| bytes.len() >= SHORTEST)
            .flat_map(|(literal, (bytes, _))| {
                [0, 1].map(|parity| Place::choose(literal, bytes, parity, shift))
            })
            .collect();
        let hash = Hash { shift };
        let mut lists: Vec<Vec<Probe>> = vec![Vec::new(); SLOTS];
        for place in &places {
            let (bytes, ignore_case) = &literals[place.literal as usize];
            let probe = Probe::new(place, bytes, *ignore_case);
            for index in hash.indexes(place.gram) {
                let list = &mut lists[usize::from(index) % SLOTS];
                if !list.contains(&probe) {
                    list.push(probe);
                }
            }
        }
        let mut slots = vec![0; SLOTS + 1];
        let mut guards: Box<[Guard; SLOTS]> = vec![Guard::SHUT; SLOTS]
            .try_into()
            .expect("a vector of this length is made into an array of it");
        let mut probes = Vec::with_capacity(lists.iter().map(Vec::len).sum());
        for (slot, list) in lists.into_iter().enumerate() {
            guards[slot] = Guard::of(&list);
            probes.extend(list);
            slots[slot + 1] = probes.len() as u32;
        }
        let shortest = literals.iter().map(|(bytes, _)| bytes.len());
        let shortest = shortest.filter(|&len| len >= SHORTEST).min();
        Self {
            table: hash.table(&places),
            hash,
            slots,
            guards,
            probes,
            shortest: shortest.unwrap_or(usize::MAX),
        }
    }

    fn hits(
        &self,
        set: &LiteralSet,
        scratch: &mut Scratch,
        content: &[u8],
        range: Range<usize>,
        out: &mut Vec<Hit>,
    ) {
        if range.len() < self.shortest {
            return;
        }
        let first = out.len();
        let mut at = range.start;
        // The last gram that can show a literal ends one byte after the range.
        let mut left = (range.len() - SHORTEST) / STRIDE + 1;
        while left > 0 {
            let grams = left.min(CHUNK);
            let passed = self.pass(scratch, content, at, grams);
            let kept = self.keep(scratch, content, at, passed);
            let fresh = out.len();
            for &gram in &scratch.passed[..kept] {
                let gram = usize::from(gram);
                let index = scratch.indexes[gram];
                self.verify(set, content, &range, at + STRIDE * gram, index, out);
            }
            if out.len() > fresh {
                settle(&mut out[first..], fresh - first);
            }
            left -= grams;
            at += STRIDE * grams;
        }
    }

    /// Runs the filter over the grams that start at `at`, `at + 2` and so on. Returns how many it
    /// listed in `scratch.passed`. May pass a few grams more than asked for.
    #[inline]
    fn pass(&self, scratch: &mut Scratch, content: &[u8], at: usize, grams: usize) -> usize {
        let Scratch {
            indexes,
            found,
            passed,
            padded,
        } = scratch;
        let grams = grams.next_multiple_of(WORD);
        let len = STRIDE * grams + GRAM - STRIDE;
        let bytes = if let Some(bytes) = content.get(at..at + len) {
            bytes
        } else {
            let rest = &content[at..];
            padded[..rest.len()].copy_from_slice(rest);
            &padded[..len]
        };
        let (lows, _) = bytes[..STRIDE * grams].as_chunks::<2>();
        let (highs, _) = bytes[STRIDE..].as_chunks::<2>();
        for ((entry, low), high) in indexes[..grams].iter_mut().zip(lows).zip(highs) {
            *entry = self
                .hash
                .index(u16::from_le_bytes(*low), u16::from_le_bytes(*high));
        }
        let (indexes, _) = indexes[..grams].as_chunks::<WORD>();
        let (highs, _) = highs.as_chunks::<WORD>();
        let (found, _) = found[..grams].as_chunks_mut::<WORD>();
        for ((found, indexes), highs) in found.iter_mut().zip(indexes).zip(highs) {
            for gram in 0..WORD {
                let [_, last] = highs[gram];
                found[gram] = self.table[usize::from(indexes[gram])] & CLASSES[usize::from(last)];
            }
        }
        let mut listed = 0;
        for (first, found) in (0..).step_by(WORD).zip(found) {
            let members = usize::from(members(u64::from_le_bytes(*found)));
            let grams = LISTS[members] + EVERY_BYTE * first;
            // Written always, and kept as far as there is something, so that nothing is guessed.
            if let Some(list) = passed[listed..].first_chunk_mut() {
                *list = grams.to_le_bytes();
            }
            listed += usize::from(COUNTS[members]);
        }
        listed
    }

    /// Keeps those of the first `passed` grams in `scratch.passed` that fit their guards. Returns how
    /// many.
    #[inline]
    fn keep(&self, scratch: &mut Scratch, content: &[u8], at: usize, passed: usize) -> usize {
        let mut kept = 0;
        for i in 0..passed {
            let gram = scratch.passed[i];
            let slot = usize::from(scratch.indexes[usize::from(gram)]) % SLOTS;
            let around = around(content, at + STRIDE * usize::from(gram));
            scratch.passed[kept] = gram;
            kept += usize::from(self.guards[slot].fits(around));
        }
        kept
    }

    /// Appends the literals that have this gram at `position`.
    #[inline]
    fn verify(
        &self,
        set: &LiteralSet,
        content: &[u8],
        range: &Range<usize>,
        position: usize,
        index: u16,
        out: &mut Vec<Hit>,
    ) {
        let slot = usize::from(index) % SLOTS;
        let probes = &self.probes[self.slots[slot] as usize..self.slots[slot + 1] as usize];
        let around = around(content, position);
        for probe in probes {
            if around & probe.mask != probe.value {
                continue;
            }
            let Some(start) = (position + 1).checked_sub(probe.gram_start as usize) else {
                continue;
            };
            let len = set.literals()[probe.literal as usize].0.len();
            if start >= range.start
                && start + len <= range.end
                && (probe.whole || set.stands_at(probe.literal, content, start))
            {
                out.push(Hit {
                    start: start as u32,
                    literal: probe.literal,
                });
            }
        }
    }
}

/// A one in every byte.
const EVERY_BYTE: u64 = 0x0101_0101_0101_0101;

/// Returns a bit for each byte that is not 0, the first byte's lowest.
#[inline]
fn members(bytes: u64) -> u8 {
    const LOW: u64 = 0x7F * EVERY_BYTE;
    let tops = (((bytes & LOW) + LOW) | bytes) & !LOW;
    // Brings each top bit to its place in the highest byte; no two meet on the way.
    ((tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// By bits of [`members`]: their numbers, one a byte from the lowest on.
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

/// By bits of [`members`]: how many.
static COUNTS: [u8; 256] = {
    let mut counts = [0; 256];
    let mut members: usize = 0;
    while members < counts.len() {
        counts[members] = members.count_ones() as u8;
        members += 1;
    }
    counts
};

/// Returns the eight bytes that a probe of a gram at `position` compares; zeros for those outside
/// the content.
#[inline]
fn around(content: &[u8], position: usize) -> u64 {
    if let Some(start) = position.checked_sub(PROBE_BEFORE)
        && let Some(bytes) = content.get(start..).and_then(<[u8]>::first_chunk)
    {
        return u64::from_le_bytes(*bytes);
    }
    u64::from_le_bytes(std::array::from_fn(|i| {
        (position + i)
            .checked_sub(PROBE_BEFORE)
            .and_then(|at| content.get(at))
            .copied()
            .unwrap_or(0)
    }))
}

/// Sorts hits of which those ahead of `fresh` are sorted, and of which few are out of place.
fn settle(hits: &mut [Hit], fresh: usize) {
    let Some(&least) = hits[fresh..].iter().min() else {
        return;
    };
    let settled = hits[..fresh].iter().rposition(|h| *h < least);
    hits[settled.map_or(0, |last| last + 1)..].sort_unstable();
}

impl Place {
    /// Chooses the gram by which a literal is found when it stands at an even (0) or odd (1)
    /// distance from the positions looked at.
    fn choose(literal: u32, bytes: &[u8], parity: usize, shift: u32) -> Self {
        // Chance for a gram that has nothing to do with the literal to meet one index of the table.
        let chance = f64::from(1 << shift) / TABLE as f64;
        // In bytes from one ahead of the literal: the last gram holds the literal's last three.
        let last = bytes.len() - SHORTEST + 1;
        let (_, start, gram) = (1 - parity..=last)
            .step_by(STRIDE)
            .map(|start| {
                let gram: Gram = std::array::from_fn(|i| byte_at(bytes, start + i));
                let cost = match gram {
                    [Some(a), Some(b), Some(c), Some(d)] => {
                        frequency::quadgram([a, b, c, d]) + chance / 8.0
                    }
                    [Some(a), Some(b), Some(c), None] => frequency::trigram([a, b, c]) + chance,
                    [None, Some(b), Some(c), Some(d)] => {
                        frequency::trigram([b, c, d]) + 32.0 * chance / 8.0
                    }
                    _ => f64::INFINITY,
                };
                (cost, start, gram)
            })
            .min_by(|(one, ..), (other, ..)| one.total_cmp(other))
            .expect("a literal of three bytes has an offset of either parity");
        Self {
            literal,
            start: start as u32,
            gram,
        }
    }
}

/// Returns a byte of a literal, counted from one byte ahead of it.
fn byte_at(bytes: &[u8], index: usize) -> Option<u8> {
    index.checked_sub(1).and_then(|at| bytes.get(at)).copied()
}

impl Probe {
    fn new(place: &Place, bytes: &[u8], ignore_case: bool) -> Self {
        let mut mask = [0; 8];
        let mut value = [0; 8];
        let mut covered = 0;
        for i in 0..8 {
            let Some(byte) = (place.start as usize + i)
                .checked_sub(PROBE_BEFORE)
                .and_then(|at| byte_at(bytes, at))
            else {
                continue;
            };
            covered += 1;
            // With its case bit dropped, a letter is equal to no other byte than its other case.
            mask[i] = if ignore_case && byte.is_ascii_alphabetic() {
                !0x20
            } else {
                0xFF
            };
            value[i] = byte & mask[i];
        }
        Self {
            literal: place.literal,
            gram_start: place.start,
            mask: u64::from_le_bytes(mask),
            value: u64::from_le_bytes(value),
            whole: covered == bytes.len(),
        }
    }
}
