//! Reads single objects, wherever they are stored.

use super::{NONE, ObjectStore, entry::EntryKind};
use crate::source::{
    ContentKind,
    git::{
        delta,
        error::ReadError,
        inflate::{Inflater, LOOSE_HEAD},
    },
};
use flate2::read::ZlibDecoder;
use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek},
    path::PathBuf,
};

impl ObjectStore {
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
        let mut at = pack.entry_of(number).ok_or_else(ReadError::broken)?;
        let kind = loop {
            let entry = pack.entry(at);
            if let Some((kind, bytes)) = kept.as_ref().and_then(|k| k.get(pack.first, at)) {
                out.clear();
                out.extend_from_slice(bytes);
                break kind;
            }
            match entry.kind() {
                EntryKind::Broken => return Err(ReadError::broken()),
                EntryKind::External if entry.base == NONE => {
                    // Two packs whose deltas name each other would never end.
                    if nesting > 64 {
                        return Err(ReadError::Corrupt(
                            "its delta bases form a circle".to_owned(),
                        ));
                    }
                    let base = pack
                        .external_base(at)
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
            delta::apply(out, &delta, limit, &mut next, &mut runs)?;
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

    /// The size of a loose blob, and its bytes as they are inflated. `None` for other kinds, and
    /// where its file tells neither.
    pub(crate) fn loose_blob(
        &self,
        number: u32,
        inflater: &mut Inflater,
    ) -> Option<(u64, impl Read + use<>)> {
        let mut file = File::open(self.loose_path(number)).ok()?;
        let mut head = Vec::new();
        (&mut file)
            .take(LOOSE_HEAD as u64)
            .read_to_end(&mut head)
            .ok()?;
        let header = inflater.loose_header(&head).ok()?;
        file.rewind().ok()?;
        let mut bytes = ZlibDecoder::new(file);
        let before = (&mut bytes).take(header.len as u64);
        std::io::copy(&mut { before }, &mut std::io::sink()).ok()?;
        (header.kind == ContentKind::Blob).then_some((header.size, bytes))
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
