//! Headers of pack entries, and what is kept of them.
//!
//! Format: gitformat-pack(5). gix parses these headers as well, but opening a repository parses
//! every one of them, and most of what that took was making and taking apart gix's results. A
//! property test holds both to the same answers.

use super::NONE;
use crate::source::ContentKind;

/// Bytes of an entry that its header surely lies in.
pub(super) const HEAD_BYTES: u64 = 64;

/// Offsets are below this: 256 TiB.
pub(super) const OFFSET_LIMIT: u64 = 1 << 48;

/// What an entry is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    Whole(ContentKind),
    /// A delta; its base starts so many bytes before it.
    OffsetDelta(u64),
    /// A delta; its base's id starts at this byte of the entry.
    IdDelta(usize),
}

/// The header of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) stored: Stored,
    /// Bytes of the object, or of the delta.
    pub(super) size: u64,
    /// Bytes of the header.
    pub(super) len: usize,
}

/// Parses the header that `head` starts with; ids have `id_len` bytes. `None` where it makes no
/// sense or `head` ends within it.
pub(super) fn parse(head: &[u8], id_len: usize) -> Option<Header> {
    let first = *head.first()?;
    let mut size = u64::from(first & 0x0f);
    let (mut at, mut shift) = (1, 4);
    let mut more = first & 0x80 != 0;
    while more {
        let byte = *head.get(at)?;
        at += 1;
        let bits = u64::from(byte & 0x7f);
        if shift > 63 || (bits << shift) >> shift != bits {
            return None;
        }
        size |= bits << shift;
        shift += 7;
        more = byte & 0x80 != 0;
    }
    let stored = match (first >> 4) & 7 {
        1 => Stored::Whole(ContentKind::Commit),
        2 => Stored::Whole(ContentKind::Tree),
        3 => Stored::Whole(ContentKind::Blob),
        4 => Stored::Whole(ContentKind::Tag),
        6 => {
            let mut byte = *head.get(at)?;
            at += 1;
            let mut distance = u64::from(byte & 0x7f);
            while byte & 0x80 != 0 {
                byte = *head.get(at)?;
                at += 1;
                let next = distance.checked_add(1).filter(|d| d >> 57 == 0)?;
                distance = next << 7 | u64::from(byte & 0x7f);
            }
            Stored::OffsetDelta(distance)
        }
        7 => {
            let start = at;
            at += id_len;
            if at > head.len() {
                return None;
            }
            Stored::IdDelta(start)
        }
        _ => return None,
    };
    Some(Header {
        stored,
        size,
        len: at,
    })
}

/// One entry of a pack, in 16 bytes, because there are millions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Offset, length of the header and kind, in 48, 8 and 8 bits.
    place: u64,
    /// Bytes of the object or delta; [`HUGE`] for that many and more.
    size: u32,
    /// The delta base in the same pack, or [`NONE`].
    pub(crate) base: u32,
}

/// The size of entries that are too large for [`Entry`] to say how large.
const HUGE: u32 = u32::MAX;

/// What a pack entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Content(ContentKind),
    /// A delta against an object outside this pack.
    External,
    /// Unreadable header, or a chain without a root.
    Broken,
}

impl EntryKind {
    fn code(self) -> u64 {
        match self {
            Self::Broken => 0,
            Self::External => 1,
            Self::Content(ContentKind::Blob) => 2,
            Self::Content(ContentKind::Tree) => 3,
            Self::Content(ContentKind::Commit) => 4,
            Self::Content(ContentKind::Tag) => 5,
        }
    }

    fn of_code(code: u64) -> Self {
        match code {
            1 => Self::External,
            2 => Self::Content(ContentKind::Blob),
            3 => Self::Content(ContentKind::Tree),
            4 => Self::Content(ContentKind::Commit),
            5 => Self::Content(ContentKind::Tag),
            _ => Self::Broken,
        }
    }
}

impl Entry {
    /// An entry at an offset below [`OFFSET_LIMIT`] whose header was parsed.
    pub(super) fn new(offset: u64, header: &Header, base: u32, kind: EntryKind) -> Self {
        // Longest are two numbers of ten bytes, or one and an id.
        let len = header.len as u64 & 0xff;
        Self {
            place: offset << 16 | len << 8 | kind.code(),
            size: u32::try_from(header.size).unwrap_or(HUGE),
            base,
        }
    }

    /// An entry whose header makes no sense.
    pub(super) fn broken(offset: u64) -> Self {
        Self {
            place: offset << 16 | EntryKind::Broken.code(),
            size: 0,
            base: NONE,
        }
    }

    /// Where it starts in the pack.
    pub(super) fn offset(self) -> u64 {
        self.place >> 16
    }

    /// Bytes of its header.
    pub(super) fn header_len(self) -> u64 {
        self.place >> 8 & 0xff
    }

    /// What it is once its chain is resolved.
    pub(crate) fn kind(self) -> EntryKind {
        EntryKind::of_code(self.place & 0xff)
    }

    pub(super) fn set_kind(&mut self, kind: EntryKind) {
        self.place = self.place & !0xff | kind.code();
    }

    /// Bytes of the object, or of the delta; `None` for 4 GiB and more.
    pub(crate) fn size(self) -> Option<u32> {
        (self.size != HUGE).then_some(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix_pack::data::{Entry as GixEntry, entry::Header as GixHeader};
    use proptest::prelude::*;

    fn gix(head: &[u8], kind: gix::hash::Kind) -> Option<Header> {
        let entry = GixEntry::from_bytes(head, 0, kind).ok()?;
        let len = entry.header_size();
        let stored = match entry.header {
            GixHeader::Blob => Stored::Whole(ContentKind::Blob),
            GixHeader::Tree => Stored::Whole(ContentKind::Tree),
            GixHeader::Commit => Stored::Whole(ContentKind::Commit),
            GixHeader::Tag => Stored::Whole(ContentKind::Tag),
            GixHeader::OfsDelta { base_distance } => Stored::OffsetDelta(base_distance),
            GixHeader::RefDelta { .. } => Stored::IdDelta(len - kind.len_in_bytes()),
        };
        Some(Header {
            stored,
            size: entry.decompressed_size,
            len,
        })
    }

    proptest! {
        #[test]
        fn headers_are_read_as_gix_reads_them(
            first: u8,
            // Few enough continued bytes that no number overflows: where gix draws that line is
            // its own affair, no pack can hold such an object.
            size in proptest::collection::vec(0x80u8.., 0..7),
            rest in proptest::collection::vec(any::<u8>(), 0..50),
            wide: bool,
        ) {
            let mut head = vec![first];
            if first & 0x80 != 0 {
                head.extend(&size);
                head.push(0x11);
            }
            head.extend(rest.iter().enumerate().map(|(i, b)| if i % 6 == 5 { b & 0x7f } else { *b }));
            let kind = if wide { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 };
            prop_assert_eq!(parse(&head, kind.len_in_bytes()), gix(&head, kind));
        }

        #[test]
        fn no_bytes_make_it_panic(head in proptest::collection::vec(any::<u8>(), 0..70)) {
            if let Some(header) = parse(&head, 20) {
                prop_assert!(header.len <= head.len());
            }
        }

        #[test]
        fn entries_give_back_what_they_were_made_of(
            offset in 0..OFFSET_LIMIT,
            size: u64,
            len in 1usize..64,
            base: u32,
            code in 0u64..6,
        ) {
            let stored = Stored::Whole(ContentKind::Blob);
            let kind = EntryKind::of_code(code);
            let entry = Entry::new(offset, &Header { stored, size, len }, base, kind);
            prop_assert_eq!(entry.offset(), offset);
            prop_assert_eq!(entry.header_len(), len as u64);
            prop_assert_eq!(entry.kind(), kind);
            prop_assert_eq!(entry.size(), u32::try_from(size).ok().filter(|&s| s != HUGE));
            prop_assert_eq!(entry.base, base);
        }
    }
}
