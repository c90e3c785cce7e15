//! The default engine: a filter that passes over most positions for a few instructions each, and
//! exact verification of what is left.
//!
//! # The filter
//! Content is looked at in *grams* of four bytes, at every second position. A literal that stands
//! in the content covers two kinds of grams, those an even and those an odd number of bytes into
//! it, and exactly one kind falls on the positions looked at. So each literal enters one gram of
//! each kind, the one that text is least likely to hold ([`super::frequency`]), and is met exactly
//! once wherever it stands. Literals of three and four bytes have no whole gram of either kind;
//! there the byte missing ahead of or behind the literal may be anything.
//!
//! Three bytes of a gram are hashed to the index of a byte in a table; the fourth selects one of
//! that byte's bits. A gram that may fall short of its fourth byte sets all eight, so a short
//! literal fills no more of the table than others do. Case and the top bit are dropped ahead of
//! hashing: the filter may say yes to what is not there, and never no to what is.
//!
//! # Why it is fast
//! Each stage runs over a few hundred positions on its own, so that each is a loop without branches:
//! the hashing is 16-bit arithmetic that compilers turn into vector instructions of any machine,
//! the look-ups are four loads and a store a gram with nothing to wait for, and what passed
//! is collected eight grams at a time. A filter that tests and branches at each position runs at
//! half the speed, because one guess in ten is wrong.
//!
//! # Verification
//! The eight bytes around a gram that passed are compared, under a mask, with those of each literal
//! that entered a gram of this hash. This is exact; only literals that reach out of these bytes
//! are compared once more in full.

use super::{
    Engine, EngineError, EngineWorker, Hit, LiteralSet, aho::Automaton, frequency::Frequency,
};
use std::{ops::Range, sync::Arc};

/// Positions looked at are this many bytes apart.
const STRIDE: usize = 2;
/// Bytes of a gram.
const GRAM: usize = 4;
/// Bytes of a literal that the filter can take: a gram less the one byte that may be anything.
const SHORTEST: usize = GRAM - 1;
/// Grams whose table bytes are collected together.
const WORD: usize = 8;
/// Grams that each stage handles in one go. Keeps the scratch within a small part of the
/// innermost cache.
const CHUNK: usize = 256;
/// Entries of the table: one for each value of an index.
const TABLE: usize = 1 << 16;
/// Lists of probes, by the low bits of a gram's index.
const SLOTS: usize = 1 << 12;
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
                words: [0; CHUNK / WORD],
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
    /// Where in `found`, counted in words, there is something.
    words: [u8; CHUNK / WORD],
    /// The last bytes of the content, and zeros after it.
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
    /// How far indexes are shifted right: a small set needs, and heats, less of the table.
    shift: u32,
    /// By slot: the first of its probes; one more for the end of the last.
    slots: Box<[u32; SLOTS + 1]>,
    probes: Vec<Probe>,
    /// Bytes of the shortest literal; `usize::MAX` when there are none.
    shortest: usize,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter")
            .field("shift", &self.shift)
            .field("probes", &self.probes.len())
            .finish_non_exhaustive()
    }
}

/// A literal's bytes around one of its grams: the eight bytes that start [`PROBE_BEFORE`] bytes
/// ahead of the gram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Probe {
    literal: u32,
    /// Where the gram starts in the literal; -1 for one byte ahead of it.
    offset: i32,
    /// The bits that count.
    mask: u64,
    /// What they must be.
    value: u64,
    /// Whether these bytes are all of the literal.
    whole: bool,
}

/// Returns the index in the table of a gram, given as two little-endian halves. Its last byte does
/// not take part, and no byte's case bit. Only five bits of the first byte do, so that a gram
/// whose first byte may be anything has no more than 32 indexes.
#[inline(always)]
fn index(low: u16, high: u16, shift: u32) -> u16 {
    let mixed = (low & 0x5F1F).wrapping_mul(0x9E37);
    let mixed = mixed ^ (mixed >> 7);
    mixed.wrapping_add((high & 0x5F) << 8).wrapping_mul(0xA3B5) >> shift
}

/// The bit of each byte's class. The same in either case.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let folded = byte as u32 | 0x20;
        classes[byte] = 1 << (folded.wrapping_mul(0x9E37_79B1) >> 29);
        byte += 1;
    }
    classes
};

impl Filter {
    fn new(set: &LiteralSet) -> Self {
        let literals = set.literals();
        let shift = match literals.len() {
            0..64 => 2,
            64..256 => 1,
            _ => 0,
        };
        let frequency = Frequency::new();
        let mut table = Box::new([0; TABLE]);
        let mut lists: Vec<Vec<Probe>> = vec![Vec::new(); SLOTS];
        let mut shortest = usize::MAX;
        for (literal, (bytes, ignore_case)) in (0..).zip(literals) {
            if bytes.len() < SHORTEST {
                continue;
            }
            shortest = shortest.min(bytes.len());
            for parity in [0, 1] {
                let (offset, gram) = place(&frequency, bytes, parity, shift);
                let probe = Probe::new(literal, bytes, *ignore_case, offset);
                let bits = gram[3].map_or(u8::MAX, |b| CLASSES[usize::from(b)]);
                for index in indexes(gram, shift) {
                    table[usize::from(index)] |= bits;
                    let list = &mut lists[usize::from(index) % SLOTS];
                    if !list.contains(&probe) {
                        list.push(probe);
                    }
                }
            }
        }
        let mut slots = Box::new([0; SLOTS + 1]);
        let mut probes = Vec::with_capacity(lists.iter().map(Vec::len).sum());
        for (slot, list) in lists.into_iter().enumerate() {
            probes.extend(list);
            slots[slot + 1] = probes.len() as u32;
        }
        Self {
            table,
            shift,
            slots,
            probes,
            shortest,
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
            let fresh = out.len();
            for &word in &scratch.words[..passed] {
                let word = usize::from(word);
                let mut bytes = u64::from_le_bytes(scratch.found.as_chunks::<WORD>().0[word]);
                while bytes != 0 {
                    let byte = bytes.trailing_zeros() / 8;
                    bytes &= !(0xFF << (8 * byte));
                    let gram = word * WORD + byte as usize;
                    let index = scratch.indexes[gram];
                    self.verify(set, content, &range, at + STRIDE * gram, index, out);
                }
            }
            if out.len() > fresh {
                settle(&mut out[first..], fresh - first);
            }
            left -= grams;
            at += STRIDE * grams;
        }
    }

    /// Runs the filter over the grams that start at `at`, `at + 2` and so on. Returns how many
    /// entries of `scratch.words` it wrote. May pass a few grams more than asked for.
    #[inline]
    fn pass(&self, scratch: &mut Scratch, content: &[u8], at: usize, grams: usize) -> usize {
        let Scratch {
            indexes,
            found,
            words,
            padded,
        } = scratch;
        let grams = grams.next_multiple_of(WORD);
        let len = STRIDE * grams + GRAM - STRIDE;
        let bytes = if let Some(bytes) = content.get(at..at + len) {
            bytes
        } else {
            let rest = &content[at..];
            padded[..rest.len()].copy_from_slice(rest);
            padded[rest.len()..len].fill(0);
            &padded[..len]
        };
        let (lows, _) = bytes[..STRIDE * grams].as_chunks::<2>();
        let (highs, _) = bytes[STRIDE..].as_chunks::<2>();
        for ((entry, low), high) in indexes[..grams].iter_mut().zip(lows).zip(highs) {
            *entry = index(
                u16::from_le_bytes(*low),
                u16::from_le_bytes(*high),
                self.shift,
            );
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
        let mut passed = 0;
        for (word, found) in (0..).zip(found) {
            // Written always and kept only if something is there, so that nothing is guessed.
            words[passed % (CHUNK / WORD)] = word;
            passed += usize::from(u64::from_le_bytes(*found) != 0);
        }
        passed
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
            let Some(start) = position.checked_add_signed(-probe.offset as isize) else {
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

/// Chooses the gram by which a literal is found when it stands at an even (0) or odd (1) distance
/// from the positions looked at. Returns its offset and its bytes, `None` for those that are not
/// the literal's.
fn place(
    frequency: &Frequency,
    bytes: &[u8],
    parity: i32,
    shift: u32,
) -> (i32, [Option<u8>; GRAM]) {
    // Chance for a gram that has nothing to do with the literal to meet one index of the table.
    let chance = f64::from(1 << shift) / TABLE as f64;
    let last = (bytes.len() - SHORTEST) as i32;
    let (_, offset, gram) = (-parity..=last)
        .step_by(STRIDE)
        .map(|offset| {
            let gram: [Option<u8>; GRAM] = std::array::from_fn(|i| {
                usize::try_from(offset + i as i32)
                    .ok()
                    .and_then(|at| bytes.get(at).copied())
            });
            let cost = match gram {
                [Some(a), Some(b), Some(c), Some(d)] => {
                    frequency.quadgram([a, b, c, d]) + chance / 8.0
                }
                [Some(a), Some(b), Some(c), None] => frequency.trigram([a, b, c]) + chance,
                [None, Some(b), Some(c), Some(d)] => {
                    frequency.trigram([b, c, d]) + 32.0 * chance / 8.0
                }
                _ => f64::INFINITY,
            };
            (cost, offset, gram)
        })
        .min_by(|one, other| one.0.total_cmp(&other.0))
        .expect("a literal of three bytes has an offset of either parity");
    (offset, gram)
}

/// Returns the indexes of a gram that lacks at most its first or its last byte.
fn indexes([a, b, c, _]: [Option<u8>; GRAM], shift: u32) -> Vec<u16> {
    let (b, c) = (b.unwrap_or(0), c.unwrap_or(0));
    let firsts = a.map_or(0..=u8::MAX, |a| a..=a);
    let mut all: Vec<u16> = firsts
        .map(|a| index(u16::from_le_bytes([a, b]), u16::from(c), shift))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

impl Probe {
    fn new(literal: u32, bytes: &[u8], ignore_case: bool, offset: i32) -> Self {
        let mut mask = [0; 8];
        let mut value = [0; 8];
        let mut covered = 0;
        for i in 0..8 {
            let at = offset + i as i32 - PROBE_BEFORE as i32;
            let Some(&byte) = usize::try_from(at).ok().and_then(|at| bytes.get(at)) else {
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
            literal,
            offset,
            mask: u64::from_le_bytes(mask),
            value: u64::from_le_bytes(value),
            whole: covered == bytes.len(),
        }
    }
}
