//! One pack and its index.
//!
//! Index and pack files are opened and checked by gix-pack; nothing here trusts what they say
//! beyond that. Opening parses every entry's header, because the delta forest needs all of them;
//! what is kept of each is small.

use super::{
    NONE, WORTH_THREADS,
    entry::{self, Entry, EntryKind, HEAD_BYTES, OFFSET_LIMIT, Stored},
    links::Links,
    problem,
};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue},
    source::git::{error::ReadError, inflate::Inflater},
};
use gix_pack::{data, index};
use rayon::prelude::*;
use std::{
    io,
    path::Path,
    sync::{Mutex, PoisonError, atomic::AtomicBool},
};

/// A pack and what its index says of it.
pub(crate) struct Pack {
    data: data::File,
    pub(super) index: index::File,
    /// Whether the index has the checksum that it ends with.
    sound: bool,
    /// Number of the object at index position 0.
    pub(crate) first: u32,
    id_len: usize,
    /// Entries by offset.
    entries: Vec<Entry>,
    /// Index position of each entry.
    position: Vec<u32>,
    /// Checksum of each entry that the index recorded; empty if it records none. Kept here in the
    /// order of the pack, because in the index each would be a wait for memory.
    checksums: Vec<u32>,
    pub(crate) links: Links,
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pack")
            .field("path", &self.data.path())
            .finish_non_exhaustive()
    }
}

/// Entries whose headers are asked for together: about as many loads as a core can wait for.
const TOUCHED: usize = 16;

/// Rounds in which bases that an index does not list are looked for.
const MOST_UNLISTED_ROUNDS: usize = 5000;

impl Pack {
    pub(super) fn open(idx_path: &Path, hash: gix::hash::Kind) -> Result<Self, String> {
        let index = index::File::at(idx_path, hash)
            .map_err(|e| format!("the pack index cannot be used: {e}"))?;
        let data = data::File::at(idx_path.with_extension("pack"), hash)
            .map_err(|e| format!("its pack cannot be opened: {e}"))?;
        let is_sound = || {
            let never = AtomicBool::new(false);
            let none = &mut gix::progress::Discard;
            index.verify_checksum(none, &never).is_ok()
        };
        let parser = Parser {
            data: &data,
            index: &index,
            end: end_of(&data),
            id_len: hash.len_in_bytes(),
        };
        let (sound, (entries, position)) = if parser.parallel() {
            // Hashing the index takes one core as long as the rest takes the others.
            rayon::join(is_sound, || parser.entries())
        } else {
            (is_sound(), parser.entries())
        };
        let (links, checksums) = if parser.parallel() {
            rayon::join(|| Links::new(&entries), || parser.checksums(&position))
        } else {
            (Links::new(&entries), parser.checksums(&position))
        };
        Ok(Self {
            data,
            index,
            sound,
            first: 0,
            id_len: hash.len_in_bytes(),
            entries,
            position,
            checksums,
            links,
        })
    }

    /// Says where the pack's files do not hold what they promise of themselves.
    pub(super) fn verify(&self, idx_path: &Path, issues: &mut Vec<ScanIssue>) {
        let mut say =
            |message: &str| issues.push(problem(IssueKind::Corrupt, idx_path, message.to_owned()));
        if self.data.num_objects() != self.index.num_objects() {
            say(
                "the index and the pack's header name different numbers of objects; what the index \
                 names is scanned",
            );
        }
        if !self.sound {
            say(
                "the pack index does not have the checksum that it ends with: ids and places of \
                 objects may be wrong, and objects may be missing; `git index-pack` makes it anew",
            );
        } else if self.index.pack_checksum() != self.data.checksum() {
            say("the pack index was made for another pack, or the pack is cut short");
        }
    }

    /// How many objects the index lists.
    pub(super) fn listed(&self) -> u32 {
        self.index.num_objects()
    }

    /// How many entries there are: those listed, and those found on the way.
    pub(crate) fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Bytes of the pack's file.
    pub(super) fn stored_bytes(&self) -> u64 {
        self.data.data_len() as u64
    }

    /// What is known of an entry.
    pub(crate) fn entry(&self, entry: u32) -> Entry {
        self.entries[entry as usize]
    }

    /// Raw id of the object at an index position.
    pub(super) fn id_at(&self, position: u32) -> &[u8] {
        self.index.oid_at_index(position).as_bytes()
    }

    /// Number of the object of an entry; [`NONE`] where the index does not list it.
    pub(crate) fn number(&self, entry: u32) -> u32 {
        match self.position[entry as usize] {
            NONE => NONE,
            position => self.first + position,
        }
    }

    /// Entry of a listed object.
    pub(super) fn entry_of(&self, number: u32) -> Option<u32> {
        let position = number - self.first;
        let offset = self.index.pack_offset_at_index(position);
        let offset = offset.min(end_of(&self.data));
        let from = self.entries.partition_point(|e| e.offset() < offset);
        // Only an index that lies has several objects at one place.
        let after = self.position[from..].iter().position(|&p| p == position);
        after.map(|after| (from + after) as u32)
    }

    /// Id of the base of a delta whose base is not in this pack.
    pub(super) fn external_base(&self, entry: u32) -> Option<ObjectId> {
        let e = self.entry(entry);
        let head = self.head(e.offset())?;
        match entry::parse(head, self.id_len)?.stored {
            Stored::IdDelta(start) => ObjectId::from_bytes(&head[start..start + self.id_len]),
            _ => None,
        }
    }

    fn head(&self, offset: u64) -> Option<&[u8]> {
        head(&self.data, self.data.pack_end() as u64, offset)
    }

    /// Bytes of an entry's object, or of its delta.
    pub(crate) fn size(&self, entry: u32) -> u64 {
        let e = self.entry(entry);
        let parsed = || entry::parse(self.head(e.offset())?, self.id_len);
        e.size()
            .map_or_else(|| parsed().map_or(u64::MAX, |h| h.size), u64::from)
    }

    /// Bytes of the pack from an entry's start to the next one's.
    fn stored(&self, entry: u32) -> Option<&[u8]> {
        let pack_end = self.data.pack_end() as u64;
        let start = self.entry(entry).offset();
        let next = self.entries.get(entry as usize + 1);
        let end = next.map_or(pack_end, |e| e.offset().min(pack_end));
        self.data.entry_slice(start..end.max(start))
    }

    /// Whether the entry's bytes in the pack have the checksum that the index recorded for them.
    pub(crate) fn checksum_holds(&self, entry: u32) -> bool {
        let (Some(&recorded), true) = (
            self.checksums.get(entry as usize),
            self.position[entry as usize] != NONE,
        ) else {
            return true;
        };
        self.stored(entry)
            .is_some_and(|b| crc32fast::hash(b) == recorded)
    }

    /// Inflates an entry's object or delta into `out`.
    pub(crate) fn inflate(
        &self,
        entry: u32,
        limit: u64,
        inflater: &mut Inflater,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let e = self.entry(entry);
        if e.kind() == EntryKind::Broken {
            return Err(ReadError::broken());
        }
        let size = e.size().map_or_else(|| self.size(entry), u64::from);
        if size > limit {
            return Err(ReadError::too_large(size));
        }
        let beyond = || ReadError::Corrupt("its data lies beyond the end of the pack".to_owned());
        let bytes = self
            .stored(entry)
            .map(|b| b.get(e.header_len() as usize..).unwrap_or_default());
        match inflater.zlib(bytes.ok_or_else(beyond)?, size, out) {
            Err(ReadError::Corrupt(_)) => {
                // An index that lies about another entry's offset may have cut this one short.
                let start = e.offset() + e.header_len();
                let pack_end = self.data.pack_end() as u64;
                let end = start.saturating_add(size + size / 1000 + 1024);
                let bytes = self.data.entry_slice(start..end.min(pack_end).max(start));
                inflater.zlib(bytes.ok_or_else(beyond)?, size, out)
            }
            other => other,
        }
    }

    /// The bytes of an entry that is no delta, as they are inflated.
    pub(crate) fn stream(&self, entry: u32) -> Option<impl io::Read> {
        let header = self.entry(entry).header_len() as usize;
        let stored = self.stored(entry)?.get(header..)?;
        Some(flate2::read::ZlibDecoder::new(stored))
    }

    /// The pack's file.
    pub(crate) fn path(&self) -> &Path {
        self.data.path()
    }

    /// Counts listed objects of each kind for which a function holds.
    pub(super) fn count(&self, holds: impl Fn(u32) -> bool + Sync) -> [u64; 4] {
        let mut counts = [0; 4];
        for (entry, e) in self.entries.iter().enumerate() {
            let number = self.number(entry as u32);
            if let EntryKind::Content(kind) = e.kind()
                && number != NONE
                && holds(number)
            {
                counts[kind as usize] += 1;
            }
        }
        counts
    }
}

/// End of a pack, and above every offset that is taken for one in it.
fn end_of(data: &data::File) -> u64 {
    (data.pack_end() as u64).min(OFFSET_LIMIT - 1)
}

fn head(data: &data::File, pack_end: u64, offset: u64) -> Option<&[u8]> {
    let end = pack_end.min(offset.saturating_add(HEAD_BYTES));
    data.entry_slice(offset..end.max(offset))
}

/// Offsets of entries, sorted, and index position of each.
type Places = (Vec<u64>, Vec<u32>);

/// Reads the headers of all entries.
struct Parser<'a> {
    data: &'a data::File,
    index: &'a index::File,
    end: u64,
    id_len: usize,
}

impl Parser<'_> {
    fn parallel(&self) -> bool {
        self.index.num_objects() >= WORTH_THREADS
    }

    /// All entries by offset, and their index positions. Entries that the index does not list and
    /// deltas need are among them: where an index lies about one object, the others must not
    /// suffer. They have no position.
    fn entries(&self) -> (Vec<Entry>, Vec<u32>) {
        let (mut offsets, mut position) = self.places();
        let (mut entries, mut unlisted) = self.read(&offsets);
        // Each round may meet the bases of what the last one added.
        for _ in 0..MOST_UNLISTED_ROUNDS {
            if unlisted.is_empty() {
                break;
            }
            let listed = offsets.into_iter().zip(position);
            let more = unlisted.into_iter().map(|offset| (offset, NONE));
            let mut all: Vec<(u64, u32)> = listed.chain(more).collect();
            all.sort_unstable();
            (offsets, position) = all.into_iter().unzip();
            (entries, unlisted) = self.read(&offsets);
        }
        resolve_kinds(&mut entries);
        (entries, position)
    }

    /// The order of the entries in the pack. Offsets beyond its end are those of its end.
    fn places(&self) -> Places {
        let n = self.index.num_objects();
        let offset = |p| self.index.pack_offset_at_index(p).min(self.end);
        let bits = n.max(2).ilog2() + 1;
        // Numbers sort in half the time that pairs take; only packs of more than 2^64 objects
        // times bytes do not fit.
        if bits <= self.end.leading_zeros() {
            let mut keys: Vec<u64> = if self.parallel() {
                let keys = (0..n).into_par_iter();
                keys.map(|p| offset(p) << bits | u64::from(p)).collect()
            } else {
                (0..n).map(|p| offset(p) << bits | u64::from(p)).collect()
            };
            let mask = (1 << bits) - 1;
            if self.parallel() {
                keys.par_sort_unstable();
            } else {
                keys.sort_unstable();
            }
            let position = keys.iter().map(|key| (key & mask) as u32).collect();
            for key in &mut keys {
                *key >>= bits;
            }
            return (keys, position);
        }
        let mut pairs: Vec<(u64, u32)> = (0..n).map(|p| (offset(p), p)).collect();
        pairs.par_sort_unstable();
        pairs.into_iter().unzip()
    }

    /// The checksum of each entry, 0 where the index does not list it.
    fn checksums(&self, position: &[u32]) -> Vec<u32> {
        let of = |&p: &u32| match p {
            NONE => Some(0),
            p => self.index.crc32_at_index(p),
        };
        let all: Option<Vec<u32>> = position.iter().map(of).collect();
        all.unwrap_or_default()
    }

    /// Parses every entry's header. Returns also offsets of delta bases that are not listed.
    fn read(&self, offsets: &[u64]) -> (Vec<Entry>, Vec<u64>) {
        let unlisted = Mutex::new(Vec::new());
        let finder = Finder::new(offsets, self.end);
        let mut entries = vec![Entry::broken(0); offsets.len()];
        let parse = |(offsets, entries): (&[u64], &mut [Entry])| {
            self.touch(offsets);
            for (entry, &offset) in entries.iter_mut().zip(offsets) {
                *entry = self.parse(&finder, offset, &unlisted);
            }
        };
        if self.parallel() {
            let offsets = offsets.par_chunks(TOUCHED);
            offsets.zip(entries.par_chunks_mut(TOUCHED)).for_each(parse);
        } else {
            let offsets = offsets.chunks(TOUCHED);
            offsets.zip(entries.chunks_mut(TOUCHED)).for_each(parse);
        }
        let mut unlisted = unlisted
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        unlisted.retain(|&offset| offset < self.end);
        unlisted.sort_unstable();
        unlisted.dedup();
        (entries, unlisted)
    }

    /// Asks memory for the first byte of each entry. Parsing would wait for one after the other,
    /// because it cannot be foreseen where a header ends.
    fn touch(&self, offsets: &[u64]) {
        let firsts = offsets.iter().filter_map(|&offset| {
            let first = self.data.entry_slice(offset..offset + 1)?;
            first.first().copied()
        });
        std::hint::black_box(firsts.fold(0, |all, first| all ^ first));
    }

    fn parse(&self, finder: &Finder<'_>, offset: u64, unlisted: &Mutex<Vec<u64>>) -> Entry {
        let broken = Entry::broken(offset);
        let Some(head) = head(self.data, self.end, offset) else {
            return broken;
        };
        let Some(header) = entry::parse(head, self.id_len) else {
            return broken;
        };
        let delta = |base| Entry::new(offset, &header, base, EntryKind::External);
        match header.stored {
            Stored::Whole(kind) => Entry::new(offset, &header, NONE, EntryKind::Content(kind)),
            Stored::OffsetDelta(distance) => {
                let base = offset.checked_sub(distance).filter(|_| distance > 0);
                let Some(base) = base else { return broken };
                if let Some(at) = finder.find(base) {
                    return delta(at);
                }
                unlisted
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(base);
                broken
            }
            Stored::IdDelta(start) => {
                let id = gix::hash::oid::try_from_bytes(&head[start..start + self.id_len]);
                let position = id.ok().and_then(|id| self.index.lookup(id));
                let base = position.and_then(|position| {
                    let base = self.index.pack_offset_at_index(position).min(self.end);
                    finder.find(base)
                });
                delta(base.unwrap_or(NONE))
            }
        }
    }
}

/// Finds entries by their offset.
struct Finder<'a> {
    /// Sorted.
    offsets: &'a [u64],
    /// The first entry in each part of the pack, and one more.
    parts: Vec<u32>,
    /// Bits of offsets within a part.
    shift: u32,
}

impl<'a> Finder<'a> {
    /// Parts have two entries on the average: a search among all of them waits for memory at
    /// every step. `end` is above all offsets, or their largest.
    fn new(offsets: &'a [u64], end: u64) -> Self {
        let bytes = end / (offsets.len() as u64 / 2 + 1);
        let shift = bytes.max(1).ilog2() + 1;
        let mut parts = Vec::with_capacity((end >> shift) as usize + 2);
        for (i, offset) in (0..).zip(offsets) {
            while parts.len() as u64 <= offset >> shift {
                parts.push(i);
            }
        }
        parts.push(offsets.len() as u32);
        Self {
            offsets,
            parts,
            shift,
        }
    }

    fn find(&self, offset: u64) -> Option<u32> {
        let part = usize::try_from(offset >> self.shift).ok()?;
        let (start, end) = (*self.parts.get(part)?, *self.parts.get(part + 1)?);
        let entries = &self.offsets[start as usize..end as usize];
        let found = entries.binary_search(&offset).ok()?;
        Some(start + found as u32)
    }
}

/// Gives every delta the kind at the root of its chain. Deltas whose chain starts outside the
/// pack stay `External`; those whose chain is broken or circular become `Broken`.
fn resolve_kinds(entries: &mut [Entry]) {
    let n = entries.len();
    let mut done = vec![false; n];
    let mut chain = Vec::new();
    for start in 0..n {
        let mut at = start;
        chain.clear();
        // Offset deltas have their base before them, so nearly every chain ends at once.
        let kind = loop {
            let entry = entries[at];
            if done[at] || entry.base == NONE {
                break entry.kind();
            }
            if chain.len() > n {
                break EntryKind::Broken;
            }
            chain.push(at);
            at = entry.base as usize;
        };
        done[at] = true;
        for &link in &chain {
            entries[link].set_kind(kind);
            done[link] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_offset_is_found_and_no_other(
            mut sorted in proptest::collection::vec(0u64..5000, 0..200),
            wanted in 0u64..6000,
            beyond in 0u64..9,
        ) {
            sorted.sort_unstable();
            sorted.dedup();
            let end = sorted.last().map_or(0, |last| last + beyond);
            let finder = Finder::new(&sorted, end);
            for (i, offset) in (0..).zip(&sorted) {
                prop_assert_eq!(finder.find(*offset), Some(i));
            }
            prop_assert_eq!(finder.find(wanted).is_some(), sorted.contains(&wanted));
        }
    }
}
