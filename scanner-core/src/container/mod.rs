//! Opens containers: archives, compressed streams, and binary formats that hold text.
//!
//! An expansion turns one piece of content into its members and pushes each to a [`Visitor`], on
//! the thread that has the content; members that are containers are opened in turn. Containers
//! are no source of their own, because a blob of a pack is decoded once, by whoever drives its
//! delta tree, and must be opened while its bytes are at hand.
//!
//! What a container is, its first bytes say and never its name: a blob's name is not known before
//! history was read. [`detect`] looks at less than a kilobyte for everything but notebooks, so that
//! content which is no container pays nothing.
//!
//! Nothing of a container can be trusted. Sizes it declares allocate nothing: buffers grow with
//! what was in fact decoded, up to [`Limits`]. A limit that was hit cuts the expansion there and
//! is told as an issue of kind [`Limit`](IssueKind::Limit), because something that could have
//! been looked at was not. Damage, encryption and unknown methods are told as a
//! [`Note`](IssueKind::Note): no scan could look further, and bytes that merely look like a
//! container's start must not make every scan of a repository incomplete.
//!
//! # Formats
//! Archives: zip (so jar, war, apk, whl, docx, xlsx, pptx, odt), tar, ar (so deb). Compression:
//! gzip, bzip2, xz, zstd; a compressed tar counts as one container. Formats that hold text: PDF,
//! SQLite, Jupyter notebooks, compiled Python, Java classes. A zip with something before its first
//! entry (a self-extractor), a tar from before POSIX, encrypted content, LZW in PDF and text of a
//! PDF whose fonts number glyphs instead of characters are not opened.

mod ar;
mod class;
mod expansion;
mod format;
mod notebook;
mod pdf;
mod pyc;
mod sqlite;
mod stream;
mod tar;
mod text;
mod trouble;
mod zip;

pub use format::{Format, detect};

#[cfg(doc)]
use crate::model::IssueKind;
use crate::model::ScanIssue;
use std::time::Duration;

/// How far an expansion goes. All limits but the last depend on the content alone, so that what
/// is found does not depend on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Containers inside each other that are opened; 0 opens none.
    pub max_depth: u32,
    /// Bytes that all members of one piece of content may expand to, members of members included.
    pub max_bytes: u64,
    /// As `max_bytes`, as a multiple of the content's size. Small content may always expand to
    /// 16 MiB.
    pub max_ratio: u64,
    /// Members of one piece of content, members of members included.
    pub max_members: u32,
    /// Bytes that decoded content may take in memory at once, one inside the other. The decoder's
    /// own window comes on top, with at most half of it.
    pub max_memory_bytes: u64,
    /// Time for one piece of content.
    pub max_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 3,
            max_bytes: 512 << 20,
            max_ratio: 200,
            max_members: 250_000,
            max_memory_bytes: 256 << 20,
            max_time: Duration::from_secs(120),
        }
    }
}

/// How a member's bytes relate to the content that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They stand there as they are, from this byte on: a search of the content that holds it
    /// has seen them too.
    Stored {
        /// First byte.
        at: usize,
    },
    /// They were decompressed.
    Decoded,
    /// They are text that a binary format holds, perhaps in this form: the member's name says
    /// more of the place than an offset does.
    Extracted,
    /// They are pieces of a text file, put together: the place in the file says more.
    Rejoined,
}

/// Content inside of a container.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Names from the outermost container inwards, joined by `!/`; as stored, so perhaps not
    /// UTF-8. A compressed stream without a name has the name `content`.
    pub path: &'a [u8],
    /// The content.
    pub bytes: &'a [u8],
    /// Its number, from 1 on, in the order of visits.
    pub number: u32,
    /// Number of the member that holds it; 0 for the outermost content.
    pub parent: u32,
    /// How it stands in `parent`.
    pub relation: Relation,
}

/// Takes the members of an expansion.
pub trait Visitor {
    /// Takes a member. Members of members follow the one that holds them.
    fn member(&mut self, member: &Member<'_>);

    /// Whether to stop now; asked at least once a decoded mebibyte.
    fn stopped(&self) -> bool {
        false
    }

    /// Takes note that decoded content is about to take this many bytes in memory.
    fn memory(&mut self, bytes: u64) {
        let _ = bytes;
    }
}

/// Opens `content` if it is a container, pushes its members, and returns what could not be looked
/// at. The issues name neither object nor file: who has the content knows them.
///
/// Never panics on any content, recurses at most `max_depth + 1` containers deep, and takes
/// memory and time as `limits` say.
pub fn expand(content: &[u8], limits: &Limits, visitor: &mut dyn Visitor) -> Vec<ScanIssue> {
    expansion::Expansion::new(content.len(), limits, visitor).run(content)
}

#[cfg(test)]
mod tests;
