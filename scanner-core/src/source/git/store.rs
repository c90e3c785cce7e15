//! The object database: packs, loose objects, alternates, under one numbering.
//!
//! Every stored copy of an object has a *number*; equal objects stored twice share their id, and
//! the lowest number among them is the *canonical* one, which alone is reported. Index and pack
//! files are opened and checked by gix-pack; nothing here trusts what they say beyond that.

use super::{
    error::ReadError,
    inflate::{Inflater, LOOSE_HEAD},
};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue},
    source::ContentKind,
};
use gix_pack::{data, data::entry::Header, index};
use rayon::prelude::*;
use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, atomic::AtomicBool},
};

/// Objects from which on it pays to start a pool of threads, one a core. What a push brings is
/// mostly less, and a server takes many at once.
const WORTH_THREADS: u32 = 1 << 15;

/// No entry.
pub(crate) const NONE: u32 = u32::MAX;

/// One entry of a pack, in the order of offsets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Where its compressed data starts.
    pub(crate) data: u64,
    /// Bytes of the object, or of the delta.
    pub(crate) size: u64,
    /// The delta base in the same pack, or [`NONE`].
    pub(crate) base: u32,
    /// What it is once its chain is resolved.
    pub(crate) kind: EntryKind,
    /// Bytes of the entry's header ahead of `data`.
    header_len: u16,
}

/// What a pack entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Content(ContentKind),
    /// A delta against an object outside this pack.
    External,
    /// Unreadable header, or a chain without a root.
    Broken,
}

/// A pack and what its index says of it.
pub(crate) struct Pack {
    data: data::File,
    index: index::File,
    /// Whether the index has the checksum that it ends with.
    sound: bool,
    /// Number of the object at index position 0.
    pub(crate) first: u32,
    /// Entries by offset.
    pub(crate) entries: Vec<Entry>,
    /// Offsets of `entries`, which are sorted by it.
    offsets: Vec<u64>,
    /// Index position of each entry.
    position: Vec<u32>,
    /// Entry at each index position.
    entry_at: Vec<u32>,
    /// Base ids of entries of kind `External`.
    pub(crate) external: HashMap<u32, ObjectId>,
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pack")
            .field("path", &self.data.path())
            .finish_non_exhaustive()
    }
}

/// A loose object.
#[derive(Debug)]
pub(crate) struct Loose {
    pub(crate) id: ObjectId,
    dir: u32,
}

/// All objects of a repository.
#[derive(Debug)]
pub struct ObjectStore {
    pub(crate) packs: Vec<Pack>,
    pub(crate) loose: Vec<Loose>,
    /// Number of the first loose object.
    pub(crate) first_loose: u32,
    dirs: Vec<PathBuf>,
    id_len: usize,
    /// All numbers sorted by id; `None` when a single pack's index order is that.
    sorted: Option<Vec<u32>>,
    /// Start of each bucket of leading id bits in sorted order.
    buckets: Vec<u32>,
    bucket_shift: u32,
    /// Bit set of numbers that repeat an object with a lower number.
    duplicates: Option<Vec<u64>>,
    /// Problems met when opening.
    pub issues: Vec<ScanIssue>,
    /// Whether some pack is marked as coming from a promisor remote.
    pub promisor: bool,
}

fn problem(kind: IssueKind, path: &Path, message: String) -> ScanIssue {
    ScanIssue {
        kind,
        object: None,
        path: Some(path.display().to_string()),
        message,
    }
}

impl ObjectStore {
    /// Opens the object directories: the repository's own first, then its alternates. Files that
    /// cannot be used become issues.
    pub fn open(dirs: &[PathBuf], hash: gix::hash::Kind) -> Self {
        let (mut packs, mut issues, mut promisor) = (Vec::new(), Vec::new(), false);
        for dir in dirs {
            let mut names = list_dir(&dir.join("pack"), &mut issues);
            names.sort();
            promisor |= names.iter().any(|n| n.ends_with(".promisor"));
            for name in &names {
                let path = dir.join("pack").join(name);
                if let Some(stem) = name.strip_suffix(".pack") {
                    if names.binary_search(&format!("{stem}.idx")).is_err() {
                        issues.push(problem(
                            IssueKind::Corrupt,
                            &path,
                            "the pack has no index, so its objects were not scanned; `git index-pack` \
                             makes one"
                                .to_owned(),
                        ));
                    }
                } else if name.strip_suffix(".idx").is_some() {
                    match Pack::open(&path, hash) {
                        Ok(pack) => {
                            pack.verify(&path, &mut issues);
                            packs.push(pack);
                        }
                        Err(message) => issues.push(problem(IssueKind::Corrupt, &path, message)),
                    }
                }
            }
        }
        let mut first = 0;
        for pack in &mut packs {
            pack.first = first;
            first += pack.index.num_objects();
        }
        let mut store = Self {
            packs,
            loose: Vec::new(),
            first_loose: first,
            dirs: dirs.to_vec(),
            id_len: hash.len_in_bytes(),
            sorted: None,
            buckets: Vec::new(),
            bucket_shift: 0,
            duplicates: None,
            issues,
            promisor,
        };
        store.list_loose();
        store.sort();
        store
    }

    fn list_loose(&mut self) {
        let hex_len = self.id_len * 2;
        for (dir_index, dir) in self.dirs.iter().enumerate() {
            for prefix in 0..=255u8 {
                let hex = format!("{prefix:02x}");
                let folder = dir.join(&hex);
                let Ok(entries) = fs::read_dir(&folder) else {
                    continue;
                };
                for entry in entries.flatten() {
                    let name = entry.file_name();
                    let Some(rest) = name.to_str().filter(|n| n.len() + 2 == hex_len) else {
                        continue;
                    };
                    if let Ok(id) = ObjectId::from_hex(format!("{hex}{rest}").as_bytes()) {
                        self.loose.push(Loose {
                            id,
                            dir: dir_index as u32,
                        });
                    }
                }
            }
        }
        self.loose.sort_unstable_by_key(|l| (l.id, l.dir));
    }

    /// Builds the order by id, and marks duplicates.
    fn sort(&mut self) {
        let n = self.len();
        let single = self.packs.len() <= 1 && self.loose.is_empty();
        if !single {
            let key = |i| (lead(self.id_bytes(i)), i);
            let order = |a: &(u64, u32), b: &(u64, u32)| {
                a.0.cmp(&b.0)
                    .then_with(|| self.id_bytes(a.1).cmp(self.id_bytes(b.1)))
                    .then(a.1.cmp(&b.1))
            };
            let keyed: Vec<(u64, u32)> = if n < WORTH_THREADS {
                let mut keyed: Vec<_> = (0..n).map(key).collect();
                keyed.sort_unstable_by(order);
                keyed
            } else {
                let mut keyed: Vec<_> = (0..n).into_par_iter().map(key).collect();
                keyed.par_sort_unstable_by(order);
                keyed
            };
            let mut duplicates = vec![0u64; n as usize / 64 + 1];
            let mut any = false;
            for pair in keyed.windows(2) {
                if pair[0].0 == pair[1].0 && self.id_bytes(pair[0].1) == self.id_bytes(pair[1].1) {
                    duplicates[pair[1].1 as usize / 64] |= 1 << (pair[1].1 % 64);
                    any = true;
                }
            }
            self.duplicates = any.then_some(duplicates);
            self.sorted = Some(keyed.into_iter().map(|(_, i)| i).collect());
        }
        // About two objects a bucket, so that a look-up touches one or two lines of the index.
        let bits = (n.max(2)).ilog2().clamp(1, 26);
        self.bucket_shift = 64 - bits;
        let mut buckets = vec![0u32; (1usize << bits) + 1];
        for rank in 0..n {
            let bucket = (lead(self.id_bytes(self.at_rank(rank))) >> self.bucket_shift) as usize;
            buckets[bucket + 1] = rank + 1;
        }
        for i in 1..buckets.len() {
            buckets[i] = buckets[i].max(buckets[i - 1]);
        }
        self.buckets = buckets;
    }

    fn at_rank(&self, rank: u32) -> u32 {
        self.sorted.as_ref().map_or(rank, |s| s[rank as usize])
    }

    /// Number of stored objects, duplicates included.
    pub fn len(&self) -> u32 {
        self.first_loose + self.loose.len() as u32
    }

    /// Whether there are no objects at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of the canonical copy of an object, if it is here. `id` is raw bytes.
    pub fn find(&self, id: &[u8]) -> Option<u32> {
        if id.len() != self.id_len {
            return None;
        }
        let lead_of_id = lead(id);
        let bucket = (lead_of_id >> self.bucket_shift) as usize;
        let mut ranks = self.buckets[bucket]..self.buckets[bucket + 1];
        // An index that is not sorted lies; then look-ups may miss, which the receipt reports as
        // missing objects.
        ranks.find_map(|rank| {
            let number = self.at_rank(rank);
            let candidate = self.id_bytes(number);
            (lead(candidate) == lead_of_id && candidate == id).then_some(number)
        })
    }

    /// Numbers of other copies of an object.
    pub(crate) fn copies(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let id = self.id_bytes(number);
        let bucket = (lead(id) >> self.bucket_shift) as usize;
        let ranks = self.buckets[bucket]..self.buckets[bucket + 1];
        ranks
            .map(|rank| self.at_rank(rank))
            .filter(move |&copy| copy != number && self.id_bytes(copy) == id)
    }

    /// Whether an object with a lower number is the same object.
    pub fn is_duplicate(&self, number: u32) -> bool {
        self.duplicates
            .as_ref()
            .is_some_and(|d| d[number as usize / 64] >> (number % 64) & 1 == 1)
    }

    /// Returns the pack that holds a number, unless the object is loose.
    fn pack_of(&self, number: u32) -> Option<&Pack> {
        if number >= self.first_loose {
            return None;
        }
        let after = self.packs.partition_point(|p| p.first <= number);
        // Empty packs share their `first` with the next one, so the last one that starts at or
        // before the number is it.
        self.packs.get(after.checked_sub(1)?)
    }

    /// Returns the raw id of a numbered object.
    ///
    /// # Panics
    /// When no object has that number.
    pub fn id_bytes(&self, number: u32) -> &[u8] {
        match self.pack_of(number) {
            Some(pack) => pack.index.oid_at_index(number - pack.first).as_bytes(),
            None => self.loose[(number - self.first_loose) as usize]
                .id
                .as_bytes(),
        }
    }

    /// Returns the id of a numbered object.
    ///
    /// # Panics
    /// When no object has that number.
    pub fn id(&self, number: u32) -> ObjectId {
        ObjectId::from_bytes(self.id_bytes(number)).expect("stores hold ids of 20 or 32 bytes")
    }

    /// Bytes that its packs and loose objects take on disk, indexes not counted.
    pub(crate) fn stored_bytes(&self) -> u64 {
        let packs = self.packs.iter().map(|p| p.data.data_len() as u64);
        let loose = (self.first_loose..self.len())
            .map(|n| fs::metadata(self.loose_path(n)).map_or(0, |meta| meta.len()));
        packs.chain(loose).sum()
    }

    /// Length of ids in bytes.
    pub fn id_len(&self) -> usize {
        self.id_len
    }

    /// Reads one object in full, wherever it is, into `out`.
    ///
    /// # Errors
    /// A message for people when it is damaged or larger than `limit` bytes.
    pub(crate) fn read(
        &self,
        number: u32,
        limit: u64,
        inflater: &mut Inflater,
        out: &mut Vec<u8>,
    ) -> Result<ContentKind, ReadError> {
        self.read_nested(number, limit, inflater, out, 0)
    }

    /// The same, keeping what is decoded on the way for objects of the same delta chain.
    pub(crate) fn read_with(
        &self,
        kept: &mut Kept,
        number: u32,
        limit: u64,
        inflater: &mut Inflater,
        out: &mut Vec<u8>,
    ) -> Result<ContentKind, ReadError> {
        self.read_chain(number, limit, inflater, out, 0, Some(kept))
    }

    fn read_nested(
        &self,
        number: u32,
        limit: u64,
        inflater: &mut Inflater,
        out: &mut Vec<u8>,
        nesting: u32,
    ) -> Result<ContentKind, ReadError> {
        self.read_chain(number, limit, inflater, out, nesting, None)
    }

    fn read_chain(
        &self,
        number: u32,
        limit: u64,
        inflater: &mut Inflater,
        out: &mut Vec<u8>,
        nesting: u32,
        mut kept: Option<&mut Kept>,
    ) -> Result<ContentKind, ReadError> {
        let Some(pack) = self.pack_of(number) else {
            return self.read_loose(number, limit, inflater, out);
        };
        let mut chain = Vec::new();
        let mut at = pack.entry_at[(number - pack.first) as usize];
        let kind = loop {
            let entry = &pack.entries[at as usize];
            if let Some((kind, bytes)) = kept.as_ref().and_then(|k| k.get(pack.first, at)) {
                out.clear();
                out.extend_from_slice(bytes);
                break kind;
            }
            match entry.kind {
                EntryKind::Broken => return Err(ReadError::broken()),
                EntryKind::External if entry.base == NONE => {
                    // Two packs whose deltas name each other would never end.
                    if nesting > 64 {
                        return Err(ReadError::Corrupt(
                            "its delta bases form a circle".to_owned(),
                        ));
                    }
                    let base = pack
                        .external
                        .get(&at)
                        .and_then(|id| self.find(id.as_bytes()));
                    let base = base.ok_or_else(|| {
                        ReadError::Corrupt("the base of its delta is missing".to_owned())
                    })?;
                    let kind = self.read_nested(base, limit, inflater, out, nesting + 1)?;
                    chain.push(at);
                    break kind;
                }
                EntryKind::Content(kind) if entry.base == NONE => {
                    pack.inflate(at, limit, inflater, out)?;
                    if let Some(kept) = &mut kept {
                        kept.insert(pack.first, at, kind, out);
                    }
                    break kind;
                }
                _ => {
                    chain.push(at);
                    at = entry.base;
                }
            }
        };
        let (mut delta, mut runs, mut next) = (Vec::new(), Vec::new(), Vec::new());
        for &at in chain.iter().rev() {
            pack.inflate(at, limit, inflater, &mut delta)?;
            super::delta::apply(out, &delta, limit, &mut next, &mut runs)?;
            std::mem::swap(out, &mut next);
            if let Some(kept) = &mut kept {
                kept.insert(pack.first, at, kind, out);
            }
        }
        Ok(kind)
    }

    /// Path of a loose object's file.
    pub(crate) fn loose_path(&self, number: u32) -> PathBuf {
        let loose = &self.loose[(number - self.first_loose) as usize];
        let hex = loose.id.to_string();
        self.dirs[loose.dir as usize]
            .join(&hex[..2])
            .join(&hex[2..])
    }

    fn read_loose(
        &self,
        number: u32,
        limit: u64,
        inflater: &mut Inflater,
        out: &mut Vec<u8>,
    ) -> Result<ContentKind, ReadError> {
        self.read_loose_of(number, |_| true, limit, inflater, out)
    }

    /// Reads a loose object if its kind is wanted; else `out` is left empty. Which kind it is, a few
    /// bytes tell.
    pub(crate) fn read_loose_of(
        &self,
        number: u32,
        wanted: impl Fn(ContentKind) -> bool,
        limit: u64,
        inflater: &mut Inflater,
        out: &mut Vec<u8>,
    ) -> Result<ContentKind, ReadError> {
        out.clear();
        let mut file = File::open(self.loose_path(number)).map_err(ReadError::Unreadable)?;
        let mut bytes = Vec::new();
        (&mut file)
            .take(LOOSE_HEAD as u64)
            .read_to_end(&mut bytes)
            .map_err(ReadError::Unreadable)?;
        let header = inflater.loose_header(&bytes)?;
        if !wanted(header.kind) {
            return Ok(header.kind);
        }
        // What is too large is not read: its file may be as large.
        if header.size > limit {
            return Err(ReadError::too_large(header.size));
        }
        file.read_to_end(&mut bytes)
            .map_err(ReadError::Unreadable)?;
        inflater.loose(&bytes, header, out)?;
        Ok(header.kind)
    }
}

/// Bytes of objects that a [`Kept`] holds at most.
const KEPT_BYTES: usize = 24 << 20;

/// Decoded objects of packs, kept because the next one asked for is a delta of one of them.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// By the first number of their pack and their entry.
    objects: HashMap<(u32, u32), KeptObject>,
    bytes: usize,
}

type KeptObject = (ContentKind, Box<[u8]>);

impl Kept {
    fn get(&self, pack: u32, entry: u32) -> Option<(ContentKind, &[u8])> {
        let (kind, bytes) = self.objects.get(&(pack, entry))?;
        Some((*kind, bytes))
    }

    fn insert(&mut self, pack: u32, entry: u32, kind: ContentKind, bytes: &[u8]) {
        // One that takes a large part of the room would drive all others out.
        if bytes.len() > KEPT_BYTES / 8 {
            return;
        }
        if self.bytes + bytes.len() > KEPT_BYTES {
            self.objects.clear();
            self.bytes = 0;
        }
        self.bytes += bytes.len();
        self.objects.insert((pack, entry), (kind, bytes.into()));
    }
}

/// Entries deep that [`Pack::add_unlisted`] follows bases an index does not list.
const MOST_UNLISTED_ROUNDS: usize = 5000;

/// The first eight bytes of an id as a number that sorts like the id.
fn lead(id: &[u8]) -> u64 {
    u64::from_be_bytes(id[..8].try_into().expect("ids have 20 or 32 bytes"))
}

fn list_dir(dir: &Path, issues: &mut Vec<ScanIssue>) -> Vec<String> {
    match fs::read_dir(dir) {
        Ok(entries) => entries
            .flatten()
            .filter_map(|e| e.file_name().into_string().ok())
            .collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => {
            issues.push(problem(
                IssueKind::Unreadable,
                dir,
                format!("cannot list packs: {e}"),
            ));
            Vec::new()
        }
    }
}

impl Pack {
    fn open(idx_path: &Path, hash: gix::hash::Kind) -> Result<Self, String> {
        let index = index::File::at(idx_path, hash)
            .map_err(|e| format!("the pack index cannot be used: {e}"))?;
        let data = data::File::at(idx_path.with_extension("pack"), hash)
            .map_err(|e| format!("its pack cannot be opened: {e}"))?;
        let n = index.num_objects();
        let is_sound = || {
            let never = AtomicBool::new(false);
            let none = &mut gix::progress::Discard;
            index.verify_checksum(none, &never).is_ok()
        };
        let offset = |p| (index.pack_offset_at_index(p), p);
        let (sound, by_offset) = if n < WORTH_THREADS {
            let mut by_offset: Vec<(u64, u32)> = (0..n).map(offset).collect();
            by_offset.sort_unstable();
            (is_sound(), by_offset)
        } else {
            // Hashing the index takes one core as long as sorting takes the others.
            rayon::join(is_sound, || {
                let mut by_offset: Vec<(u64, u32)> = (0..n).into_par_iter().map(offset).collect();
                by_offset.par_sort_unstable();
                by_offset
            })
        };
        let mut entry_at = vec![0u32; n as usize];
        for (e, &(_, p)) in by_offset.iter().enumerate() {
            entry_at[p as usize] = e as u32;
        }
        let (offsets, position): (Vec<u64>, Vec<u32>) = by_offset.into_iter().unzip();
        let mut pack = Self {
            data,
            index,
            sound,
            first: 0,
            entries: Vec::new(),
            offsets,
            position,
            entry_at,
            external: HashMap::new(),
        };
        let unlisted = pack.read_entries(hash);
        if !unlisted.is_empty() {
            pack.add_unlisted(unlisted, hash);
        }
        pack.resolve_kinds();
        Ok(pack)
    }

    /// Says where the pack's files do not hold what they promise of themselves.
    fn verify(&self, idx_path: &Path, issues: &mut Vec<ScanIssue>) {
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

    /// Adds entries that the index does not list and deltas need: where an index lies about one
    /// object, the others must not suffer. They have no number and are not reported.
    fn add_unlisted(&mut self, mut unlisted: Vec<u64>, hash: gix::hash::Kind) {
        // Each round may meet the bases of what the last one added.
        for _ in 0..MOST_UNLISTED_ROUNDS {
            let listed = self.offsets.drain(..).zip(self.position.drain(..));
            let mut all: Vec<(u64, u32)> = listed
                .chain(unlisted.into_iter().map(|offset| (offset, NONE)))
                .collect();
            all.sort_unstable();
            for (entry, &(_, position)) in all.iter().enumerate() {
                if position != NONE {
                    self.entry_at[position as usize] = entry as u32;
                }
            }
            (self.offsets, self.position) = all.into_iter().unzip();
            unlisted = self.read_entries(hash);
            if unlisted.is_empty() {
                return;
            }
        }
    }

    /// Parses every entry's header. Returns offsets of delta bases that are not listed.
    fn read_entries(&mut self, hash: gix::hash::Kind) -> Vec<u64> {
        let pack_end = self.data.pack_end() as u64;
        let unlisted = Mutex::new(Vec::new());
        let parse = |&offset: &u64| -> (Entry, Option<ObjectId>) {
            let broken = Entry {
                data: offset,
                size: 0,
                base: NONE,
                kind: EntryKind::Broken,
                header_len: 0,
            };
            let end = pack_end.min(offset.saturating_add(64));
            let Some(head) = self.data.entry_slice(offset..end.max(offset)) else {
                return (broken, None);
            };
            let Ok(parsed) = data::Entry::from_bytes(head, offset, hash) else {
                return (broken, None);
            };
            let (kind, base, external) = match parsed.header {
                Header::Blob => (EntryKind::Content(ContentKind::Blob), NONE, None),
                Header::Tree => (EntryKind::Content(ContentKind::Tree), NONE, None),
                Header::Commit => (EntryKind::Content(ContentKind::Commit), NONE, None),
                Header::Tag => (EntryKind::Content(ContentKind::Tag), NONE, None),
                Header::OfsDelta { base_distance } => {
                    let base = offset
                        .checked_sub(base_distance)
                        .filter(|_| base_distance > 0);
                    let Some(base) = base else {
                        return (broken, None);
                    };
                    if let Ok(base) = self.offsets.binary_search(&base) {
                        (EntryKind::External, base as u32, None)
                    } else {
                        unlisted
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(base);
                        return (broken, None);
                    }
                }
                Header::RefDelta { base_id } => match self.index.lookup(base_id) {
                    Some(p) => (EntryKind::External, self.entry_at[p as usize], None),
                    None => (
                        EntryKind::External,
                        NONE,
                        ObjectId::from_bytes(base_id.as_bytes()),
                    ),
                },
            };
            let entry = Entry {
                data: parsed.data_offset,
                size: parsed.decompressed_size,
                base,
                kind,
                header_len: parsed.header_size() as u16,
            };
            (entry, external)
        };
        let parsed: Vec<(Entry, Option<ObjectId>)> = if self.offsets.len() < WORTH_THREADS as usize
        {
            self.offsets.iter().map(parse).collect()
        } else {
            self.offsets.par_iter().map(parse).collect()
        };
        self.external = parsed
            .iter()
            .enumerate()
            .filter_map(|(i, (_, external))| external.map(|id| (i as u32, id)))
            .collect();
        self.entries = parsed.into_iter().map(|(entry, _)| entry).collect();
        let mut unlisted = unlisted
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        unlisted.retain(|&offset| offset < pack_end);
        unlisted.sort_unstable();
        unlisted.dedup();
        unlisted
    }

    /// Gives every delta the kind at the root of its chain. Deltas whose chain starts outside the
    /// pack stay `External`; those whose chain is broken or circular become `Broken`.
    fn resolve_kinds(&mut self) {
        let n = self.entries.len();
        let mut done = vec![false; n];
        let mut chain = Vec::new();
        for start in 0..n {
            let mut at = start;
            chain.clear();
            // Offset deltas have their base before them, so nearly every chain ends at once.
            let kind = loop {
                let entry = &self.entries[at];
                if done[at] || entry.base == NONE {
                    break entry.kind;
                }
                if chain.len() > n {
                    break EntryKind::Broken;
                }
                chain.push(at);
                at = entry.base as usize;
            };
            done[at] = true;
            for &link in &chain {
                self.entries[link].kind = kind;
                done[link] = true;
            }
        }
    }

    /// Number of the object of an entry; [`NONE`] where the index does not list it.
    pub(crate) fn number(&self, entry: u32) -> u32 {
        match self.position[entry as usize] {
            NONE => NONE,
            position => self.first + position,
        }
    }

    /// Compressed bytes of an entry, as far as the next entry's start.
    fn compressed(&self, entry: u32) -> Option<&[u8]> {
        let e = &self.entries[entry as usize];
        let pack_end = self.data.pack_end() as u64;
        let end = self
            .offsets
            .get(entry as usize + 1)
            .map_or(pack_end, |&o| o.min(pack_end));
        self.data.entry_slice(e.data..end.max(e.data))
    }

    /// Whether the entry's bytes in the pack have the checksum that the index recorded for them.
    pub(crate) fn checksum_holds(&self, entry: u32) -> bool {
        let e = &self.entries[entry as usize];
        let position = self.position[entry as usize];
        let listed = (position != NONE)
            .then(|| self.index.crc32_at_index(position))
            .flatten();
        let Some(recorded) = listed else { return true };
        let pack_end = self.data.pack_end() as u64;
        let end = self
            .offsets
            .get(entry as usize + 1)
            .map_or(pack_end, |&o| o.min(pack_end));
        let start = e.data - u64::from(e.header_len);
        self.data
            .entry_slice(start..end.max(start))
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
        let e = &self.entries[entry as usize];
        if e.kind == EntryKind::Broken {
            return Err(ReadError::broken());
        }
        if e.size > limit {
            return Err(ReadError::too_large(e.size));
        }
        let beyond = || ReadError::Corrupt("its data lies beyond the end of the pack".to_owned());
        let bytes = self.compressed(entry).ok_or_else(beyond)?;
        match inflater.zlib(bytes, e.size, out) {
            Err(ReadError::Corrupt(_)) => {
                // An index that lies about another entry's offset may have cut this one short.
                let pack_end = self.data.pack_end() as u64;
                let end = e
                    .data
                    .saturating_add(e.size + e.size / 1000 + 1024)
                    .min(pack_end);
                let bytes = self
                    .data
                    .entry_slice(e.data..end.max(e.data))
                    .ok_or_else(beyond)?;
                inflater.zlib(bytes, e.size, out)
            }
            other => other,
        }
    }

    /// The pack's file.
    pub(crate) fn path(&self) -> &Path {
        self.data.path()
    }
}
