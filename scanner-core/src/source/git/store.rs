//! The object database: packs, loose objects, alternates, under one numbering.
//!
//! Every stored copy of an object has a *number*; equal objects stored twice share their id, and
//! the lowest number among them is the *canonical* one, which alone is reported. Index and pack
//! files are opened and checked by gix-pack; nothing here trusts what they say beyond that.

mod entry;
mod links;
mod pack;
mod read;

pub(crate) use entry::EntryKind;
pub(crate) use links::Links;
pub(crate) use pack::Pack;
pub(crate) use read::Kept;

use super::layout::{entries, loose_directories};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue},
    source::ContentKind,
};
use rayon::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Objects from which on it pays to start a pool of threads, one a core. What a push brings is
/// mostly less, and a server takes many at once.
const WORTH_THREADS: u32 = 1 << 15;

/// Buckets that a thread fills at once.
const BUCKETS_AT_ONCE: usize = 1 << 14;

/// No entry.
pub(crate) const NONE: u32 = u32::MAX;

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
    /// Packed canonical objects of each kind.
    counts: [u64; 4],
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
            first += pack.listed();
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
            counts: [0; 4],
            issues,
            promisor,
        };
        store.list_loose();
        store.sort();
        for pack in &store.packs {
            let counts = pack.count(|number| !store.is_duplicate(number));
            for (sum, more) in store.counts.iter_mut().zip(counts) {
                *sum += more;
            }
        }
        store
    }

    fn list_loose(&mut self) {
        let hex_len = self.id_len * 2;
        for (dir_index, dir) in self.dirs.iter().enumerate() {
            // Most of the 256 directories that there may be are not there.
            for (hex, folder) in loose_directories(dir) {
                for entry in entries(&folder) {
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
        self.make_buckets();
    }

    /// About two objects a bucket, so that a look-up touches one or two lines of the index.
    fn make_buckets(&mut self) {
        let n = self.len();
        let bits = n.max(2).ilog2().clamp(1, 26);
        let shift = 64 - bits;
        let bucket_of = |rank| (lead(self.id_bytes(self.at_rank(rank))) >> shift) as usize;
        let fill = |first: usize, part: &mut [u32]| {
            // The first rank of the first bucket, then on from there.
            let (mut rank, mut end) = (0, n);
            while rank < end {
                let middle = rank + (end - rank) / 2;
                if bucket_of(middle) < first {
                    rank = middle + 1;
                } else {
                    end = middle;
                }
            }
            for (bucket, start) in (first..).zip(part) {
                while rank < n && bucket_of(rank) < bucket {
                    rank += 1;
                }
                *start = rank;
            }
        };
        let mut buckets = vec![0u32; (1usize << bits) + 1];
        if n < WORTH_THREADS {
            fill(0, &mut buckets);
        } else {
            let parts = buckets.par_chunks_mut(BUCKETS_AT_ONCE).enumerate();
            parts.for_each(|(i, part)| fill(i * BUCKETS_AT_ONCE, part));
        }
        self.buckets = buckets;
        self.bucket_shift = shift;
    }

    fn at_rank(&self, rank: u32) -> u32 {
        self.sorted.as_ref().map_or(rank, |s| s[rank as usize])
    }

    /// Number of stored objects, duplicates included.
    pub fn len(&self) -> u32 {
        self.first_loose + self.loose.len() as u32
    }

    /// Counts packed canonical objects of a kind.
    pub(crate) fn count(&self, kind: ContentKind) -> u64 {
        self.counts[kind as usize]
    }

    /// Whether some object is stored more than once.
    pub(crate) fn has_duplicates(&self) -> bool {
        self.duplicates.is_some()
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
            same_id(candidate, id).then_some(number)
        })
    }

    /// Finds many ids at once, given one after the other as raw bytes; tells the number of each, or
    /// [`NONE`], in order. That takes a third of the time of finding them one by one, because the
    /// memory that they stand in is fetched for all of them together.
    pub(crate) fn find_all(&self, ids: &[u8], mut tell: impl FnMut(u32)) {
        const AT_ONCE: usize = 32;
        for ids in ids.chunks(AT_ONCE * self.id_len) {
            let mut firsts = [NONE; AT_ONCE];
            for (id, first) in ids.chunks_exact(self.id_len).zip(&mut firsts) {
                let bucket = (lead(id) >> self.bucket_shift) as usize;
                if self.buckets[bucket] < self.buckets[bucket + 1] {
                    *first = self.buckets[bucket];
                }
            }
            let mut leads = [0; AT_ONCE];
            for (&first, there) in firsts.iter().zip(&mut leads) {
                if first != NONE {
                    *there = lead(self.id_bytes(self.at_rank(first)));
                }
            }
            let all = ids.chunks_exact(self.id_len).zip(firsts.iter().zip(leads));
            for (id, (&first, there)) in all {
                let number = match first {
                    NONE => None,
                    _ if there == lead(id) => {
                        let number = self.at_rank(first);
                        let same = same_id(self.id_bytes(number), id);
                        if same { Some(number) } else { self.find(id) }
                    }
                    _ => self.find(id),
                };
                tell(number.unwrap_or(NONE));
            }
        }
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
        // Most repositories have one pack, or look mostly into the first of them.
        if self.packs.get(1).is_none_or(|second| number < second.first) {
            return self.packs.first();
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
            Some(pack) => pack.id_at(number - pack.first),
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

    /// The directory of objects that holds a numbered object.
    pub(crate) fn directory_of(&self, number: u32) -> &Path {
        match self.pack_of(number) {
            // `<directory>/pack/<name>.pack`, as it was opened.
            Some(pack) => pack.path().ancestors().nth(2).unwrap_or(pack.path()),
            None => &self.dirs[self.loose[(number - self.first_loose) as usize].dir as usize],
        }
    }

    /// Bytes that its packs and loose objects take on disk, indexes not counted.
    pub(crate) fn stored_bytes(&self) -> u64 {
        let packs = self.packs.iter().map(Pack::stored_bytes);
        let loose = (self.first_loose..self.len())
            .map(|n| fs::metadata(self.loose_path(n)).map_or(0, |meta| meta.len()));
        packs.chain(loose).sum()
    }

    /// Length of ids in bytes.
    pub fn id_len(&self) -> usize {
        self.id_len
    }
}

/// Whether two ids are the same. Most differ in their first bytes.
#[inline]
pub(crate) fn same_id(a: &[u8], b: &[u8]) -> bool {
    lead(a) == lead(b) && a[8..] == b[8..]
}

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
