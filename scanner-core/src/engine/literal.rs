//! The default engine: a filter that passes over most positions for a few instructions each, and
//! exact verification of what is left.
//!
//! # The filter
//! Content is looked at in [grams](crate::rules::gram) of four bytes, at every second position. A
//! literal enters the filter by two of its own, and is met exactly once wherever it stands. Literals of
//! three and four bytes have no whole gram of either kind; there the byte missing ahead of or behind
//! the literal may be anything.
//!
//! Three bytes of a gram are hashed to the index of a byte in a table; the fourth selects one of
//! that byte's bits. A gram that may fall short of its fourth byte sets all eight, so a short
//! literal fills no more of the table than others do. Case and the top bit are dropped ahead of
//! hashing: the filter may say yes to what is not there, and never no to what is.
//!
//! # Why it is fast
//! Each stage runs over a few hundred positions on its own, so that each is a loop without
//! branches: hashing and listing what passed are vector instructions ([`kernel`]), and the look-ups
//! between them are two loads and a store a gram with nothing to wait for. On ranges that deltas
//! insert, the filter alone runs at 4.0 to 5.4 GB/s, verification included at 2.1 to 2.4 (AVX-512).
//!
//! # Verification
//! With 2,000 literals, 400 of them of three or four bytes, one gram in twenty passes, and one in
//! three hundred belongs to a literal. What decides then is what it costs to turn the others away. Each
//! list of literals that a hash leads to has a *guard*: the bits that the eight bytes around a gram
//! have in common in all of them. Grams that do not fit their guard leave in one more stage without
//! branches. For the rest these bytes are compared, under a mask, with those of each literal of the
//! list. This is exact; only literals that reach out of these bytes are compared once more in full.

use super::{
    Engine, EngineError, EngineWorker, Hit, LiteralSet,
    aho::Automaton,
    kernel::{self, BLOCK, Kernel, Passed},
};
use crate::rules::gram::{GRAM, SHORTEST, STRIDE};
use std::{ops::Range, sync::Arc};

/// Grams whose table bytes are collected together.
const WORD: usize = 8;
/// Grams that each stage handles in one go: as many as a byte can tell apart. Keeps the scratch
/// within a small part of the innermost cache.
pub(super) const CHUNK: usize = 256;
/// Entries of the table: one for each value of an index.
const TABLE: usize = 1 << 16;
/// Slots for probes, by the low bits of a gram's index.
const SLOTS: usize = 1 << 15;
/// Bytes that the probes of a chunk's grams compare.
const AROUND_CHUNK: usize = STRIDE * CHUNK + 8;
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
                passed: [0; CHUNK + BLOCK],
                padded: [0; STRIDE * CHUNK + GRAM - STRIDE],
                groups: [Group::default(); CHUNK / WORD],
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
    /// The grams of which the filter says yes, in order.
    passed: Passed,
    /// The last bytes of the content and after them anything, or grams collected from many ranges: the
    /// filter only has to see what is there.
    padded: [u8; STRIDE * CHUNK + GRAM - STRIDE],
    /// Where the grams come from that are collected in `padded`, by [`WORD`] of them.
    groups: [Group; CHUNK / WORD],
}

/// Grams that follow one another in the content.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    /// Where the first one starts in the content.
    start: u32,
    /// Number of the range to which they belong.
    range: u32,
}

impl Group {
    /// Where one of the grams of a chunk starts that is among these.
    #[inline]
    fn position(self, gram: u8) -> usize {
        self.start as usize + STRIDE * (usize::from(gram) % WORD)
    }
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

    fn hits_within(&mut self, content: &[u8], ranges: &[Range<usize>], out: &mut Vec<Hit>) {
        let first = out.len();
        let LiteralEngine { set, filter, short } = self.engine;
        filter.hits_within(set, &mut self.scratch, content, ranges, out);
        if let Some(short) = short {
            for range in ranges {
                short.hits(set, content, range.clone(), out);
            }
            out[first..].sort_unstable();
        }
    }
}

/// The filter's table and the probes behind it.
struct Filter {
    /// By gram index: the bits of the classes of fourth bytes.
    table: Box<[u8; TABLE]>,
    hash: Hash,
    kernel: Kernel,
    lists: Lists,
    /// Bytes of the shortest literal; `usize::MAX` when there are none.
    shortest: usize,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter")
            .field("hash", &self.hash)
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

/// The probes by slot. A slot has a *list* of them; most have one probe alone, and slots of the
/// same probe share its list, so that there are few lists and guards for caches to hold.
struct Lists {
    /// By slot: its list. List 0 is empty.
    slots: Box<[u32; SLOTS]>,
    /// By list: what its probes have in common.
    guards: Vec<Guard>,
    /// By list: the first of its probes; one more for the end of the last.
    starts: Vec<u32>,
    probes: Vec<Probe>,
}

impl Lists {
    /// `entries` are indexes, each with the number of a probe that it leads to.
    fn new(entries: &[(u16, u32)], probes: &[Probe]) -> Self {
        // One past the last probe of each slot among `by_slot`, once that is filled.
        let mut ends = vec![0_u32; SLOTS];
        for (index, _) in entries {
            ends[slot(*index)] += 1;
        }
        let mut all = 0;
        for end in &mut ends {
            all += std::mem::replace(end, all);
        }
        let mut by_slot = vec![0_u32; entries.len()];
        for (index, probe) in entries {
            let end = &mut ends[slot(*index)];
            by_slot[*end as usize] = *probe;
            *end += 1;
        }
        let mut lists = Self {
            slots: vec![0; SLOTS]
                .try_into()
                .expect("a vector of this length is made into an array of it"),
            guards: vec![Guard::SHUT],
            starts: vec![0, 0],
            probes: Vec::with_capacity(entries.len()),
        };
        // By probe: the list of it alone.
        let mut alone = vec![0; probes.len()];
        let mut start = 0;
        for (slot, end) in ends.into_iter().enumerate() {
            let own = &by_slot[start..end as usize];
            start = end as usize;
            let Some(&first) = own.first() else { continue };
            let alone = &mut alone[first as usize];
            // One probe may have come by several indexes of a slot.
            let is_alone = own.iter().all(|probe| *probe == first);
            lists.slots[slot] = match *alone {
                list if is_alone && list != 0 => list,
                _ => {
                    let own = own.chunk_by(|one, other| one == other);
                    lists.push(own.map(|same| probes[same[0] as usize]))
                }
            };
            if is_alone {
                *alone = lists.slots[slot];
            }
        }
        lists
    }

    /// Adds a list, and returns its number.
    fn push(&mut self, probes: impl Iterator<Item = Probe>) -> u32 {
        let start = self.probes.len();
        self.probes.extend(probes);
        self.guards.push(Guard::of(&self.probes[start..]));
        self.starts.push(self.probes.len() as u32);
        self.guards.len() as u32 - 1
    }

    #[inline]
    fn guard(&self, index: u16) -> Guard {
        self.guards[self.slots[slot(index)] as usize]
    }

    #[inline]
    fn probes(&self, index: u16) -> &[Probe] {
        let list = self.slots[slot(index)] as usize;
        &self.probes[self.starts[list] as usize..self.starts[list + 1] as usize]
    }
}

#[inline]
fn slot(index: u16) -> usize {
    usize::from(index) % SLOTS
}

/// What the probes of a list have in common.
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
    /// Returns the indexes of a gram that lacks at most its first or its last byte.
    fn indexes(self, [a, b, c, _]: Gram) -> impl Iterator<Item = u16> {
        let (b, c) = (b.unwrap_or(0), c.unwrap_or(0));
        // Five bits of the first byte are all that counts.
        let firsts = a.map_or(0..=0x1F, |a| a..=a);
        firsts.map(move |a| kernel::index(u16::from_le_bytes([a, b]), u16::from(c), self.shift))
    }
}

impl Filter {
    fn new(set: &LiteralSet) -> Self {
        let literals = set.literals();
        let shift = match literals.len() {
            0..64 => 2,
            64..256 => 1,
            _ => 0,
        };
        let hash = Hash { shift };
        let mut table: Box<[u8; TABLE]> = vec![0; TABLE]
            .try_into()
            .expect("a vector of this length is made into an array of it");
        let mut probes = Vec::with_capacity(2 * literals.len());
        let mut entries = Vec::with_capacity(8 * literals.len());
        for (literal, (bytes, ignore_case)) in (0..).zip(literals) {
            if bytes.len() < SHORTEST {
                continue;
            }
            for start in set.grams(literal) {
                let place = Place::new(literal, bytes, start);
                let bits = place.gram[3].map_or(u8::MAX, kernel::class);
                for index in hash.indexes(place.gram) {
                    table[usize::from(index)] |= bits;
                    entries.push((index, probes.len() as u32));
                }
                probes.push(Probe::new(&place, bytes, *ignore_case));
            }
        }
        let lists = Lists::new(&entries, &probes);
        let shortest = literals.iter().map(|(bytes, _)| bytes.len());
        let shortest = shortest.filter(|&len| len >= SHORTEST).min();
        Self {
            table,
            hash,
            kernel: Kernel::detect(),
            lists,
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
        let mut left = grams_of(&range);
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

    /// As [`Filter::hits`] for each of many ranges, which lie apart and in order. Ranges that deltas
    /// insert have some fifty grams, too few for the stages to pay; so those of several ranges are
    /// collected and go through the stages together.
    fn hits_within(
        &self,
        set: &LiteralSet,
        scratch: &mut Scratch,
        content: &[u8],
        ranges: &[Range<usize>],
        out: &mut Vec<Hit>,
    ) {
        let first = out.len();
        // Grams collected: whole groups.
        let mut collected = 0;
        for (number, range) in (0..).zip(ranges) {
            if range.len() < self.shortest {
                continue;
            }
            let grams = grams_of(range);
            if grams >= CHUNK {
                self.search_collected(set, scratch, content, ranges, collected, out);
                collected = 0;
                self.hits(set, scratch, content, range.clone(), out);
                continue;
            }
            let (mut at, mut left) = (range.start, grams);
            while left > 0 {
                let taken = left.min(CHUNK - collected);
                // What the last gram lacks at the end of the content may be anything.
                let end = content.len().min(at + STRIDE * taken + GRAM - STRIDE);
                let bytes = &content[at..end];
                scratch.padded[STRIDE * collected..][..bytes.len()].copy_from_slice(bytes);
                // Another range's bytes come after the last gram's.
                let used = (taken + 1).next_multiple_of(WORD).min(CHUNK - collected);
                let groups = &mut scratch.groups[collected / WORD..(collected + used) / WORD];
                for (group, start) in groups.iter_mut().zip((at..).step_by(STRIDE * WORD)) {
                    *group = Group {
                        start: start as u32,
                        range: number,
                    };
                }
                collected += used;
                at += STRIDE * taken;
                left -= taken;
                if collected == CHUNK {
                    self.search_collected(set, scratch, content, ranges, collected, out);
                    collected = 0;
                }
            }
        }
        self.search_collected(set, scratch, content, ranges, collected, out);
        // Few are out of place.
        if !out[first..].is_sorted() {
            out[first..].sort_unstable();
        }
    }

    /// Searches the grams that are collected in `scratch.padded`. Those that fill up a group are none
    /// of their range's: what they lead to is looked for in the content, and turned away where it does
    /// not lie in the range.
    fn search_collected(
        &self,
        set: &LiteralSet,
        scratch: &mut Scratch,
        content: &[u8],
        ranges: &[Range<usize>],
        collected: usize,
        out: &mut Vec<Hit>,
    ) {
        if collected == 0 {
            return;
        }
        let Scratch {
            indexes,
            found,
            passed,
            padded,
            groups,
        } = scratch;
        let listed = self.stages(padded, collected, indexes, found, passed);
        let mut kept = 0;
        for i in 0..listed {
            let gram = passed[i];
            let position = groups[usize::from(gram) / WORD].position(gram);
            let guard = self.lists.guard(indexes[usize::from(gram)]);
            passed[kept] = gram;
            kept += usize::from(guard.fits(around(content, position)));
        }
        for &gram in &passed[..kept] {
            let group = groups[usize::from(gram) / WORD];
            let range = &ranges[group.range as usize];
            let index = indexes[usize::from(gram)];
            self.verify(set, content, range, group.position(gram), index, out);
        }
    }

    /// Runs the filter over the grams that start at `at`, `at + 2` and so on. Returns how many it
    /// listed in `scratch.passed`.
    #[inline]
    fn pass(&self, scratch: &mut Scratch, content: &[u8], at: usize, grams: usize) -> usize {
        let Scratch {
            indexes,
            found,
            passed,
            padded,
            ..
        } = scratch;
        let len = STRIDE * grams.next_multiple_of(BLOCK) + GRAM - STRIDE;
        let bytes = if let Some(bytes) = content.get(at..at + len) {
            bytes
        } else {
            let rest = &content[at..];
            padded[..rest.len()].copy_from_slice(rest);
            &padded[..len]
        };
        self.stages(bytes, grams, indexes, found, passed)
    }

    /// Lists those of the first grams of `bytes` that the filter says yes to. Returns how many.
    #[expect(
        clippy::inline_always,
        reason = "both callers are loops that scans spend their time in"
    )]
    #[inline(always)]
    fn stages(
        &self,
        bytes: &[u8],
        grams: usize,
        indexes: &mut [u16; CHUNK],
        found: &mut [u8; CHUNK],
        passed: &mut Passed,
    ) -> usize {
        let bytes = &bytes[..STRIDE * grams.next_multiple_of(BLOCK) + GRAM - STRIDE];
        self.kernel.hash(bytes, self.hash.shift, indexes);
        let (indexes, _) = indexes[..grams.next_multiple_of(WORD)].as_chunks::<WORD>();
        let (entries, _) = found.as_chunks_mut::<WORD>();
        for (entries, indexes) in entries.iter_mut().zip(indexes) {
            for gram in 0..WORD {
                entries[gram] = self.table[usize::from(indexes[gram])];
            }
        }
        self.kernel.list(bytes, found, grams, passed)
    }

    /// Keeps those of the first `passed` grams in `scratch.passed` that fit their guards. Returns how
    /// many.
    #[inline]
    fn keep(&self, scratch: &mut Scratch, content: &[u8], at: usize, passed: usize) -> usize {
        let Scratch {
            indexes,
            passed: grams,
            ..
        } = scratch;
        let mut kept = 0;
        // Nearly always all that may be compared lies in the content, and is checked for once.
        let inner = at.checked_sub(PROBE_BEFORE);
        let inner = inner.and_then(|start| content.get(start..)?.first_chunk::<AROUND_CHUNK>());
        for i in 0..passed {
            let gram = grams[i];
            let offset = STRIDE * usize::from(gram);
            let around = match inner {
                Some(inner) => inner[offset..]
                    .first_chunk()
                    .map_or(0, |bytes| u64::from_le_bytes(*bytes)),
                None => around(content, at + offset),
            };
            grams[kept] = gram;
            kept += usize::from(self.lists.guard(indexes[usize::from(gram)]).fits(around));
        }
        kept
    }

    /// Appends the literals that have this gram at `position`.
    #[expect(
        clippy::inline_always,
        reason = "both callers are loops that scans spend their time in"
    )]
    #[inline(always)]
    fn verify(
        &self,
        set: &LiteralSet,
        content: &[u8],
        range: &Range<usize>,
        position: usize,
        index: u16,
        out: &mut Vec<Hit>,
    ) {
        let probes = self.lists.probes(index);
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

/// Grams of a range that has a literal's bytes at least: the last that can show a literal ends one byte
/// after the range.
#[inline]
fn grams_of(range: &Range<usize>) -> usize {
    (range.len() - SHORTEST) / STRIDE + 1
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

impl Place {
    fn new(literal: u32, bytes: &[u8], start: u8) -> Self {
        let start = usize::from(start);
        Self {
            literal,
            start: start as u32,
            gram: std::array::from_fn(|i| byte_at(bytes, start + i)),
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
