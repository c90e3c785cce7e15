//! Tells containers by their first bytes.

use super::{class, notebook, pyc, tar};

/// A kind of container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Zip: jar, war, apk, whl and office documents too.
    Zip,
    /// POSIX or GNU tar.
    Tar,
    /// Unix ar: deb packages and static libraries.
    Ar,
    /// A gzip stream.
    Gzip,
    /// A bzip2 stream.
    Bzip2,
    /// An xz stream.
    Xz,
    /// A Zstandard stream.
    Zstd,
    /// A PDF document.
    Pdf,
    /// An SQLite 3 database.
    Sqlite,
    /// A Jupyter notebook.
    Notebook,
    /// Compiled Python.
    Pyc,
    /// A Java class.
    Class,
}

impl Format {
    /// Whether its members may be containers themselves, so that it counts against the depth.
    pub(super) fn nests(self) -> bool {
        !matches!(
            self,
            Self::Sqlite | Self::Notebook | Self::Pyc | Self::Class
        )
    }
}

/// Returns what kind of container this is, if any. Looks at the first bytes only; text that
/// begins as a notebook does is searched for what names it one.
pub fn detect(content: &[u8]) -> Option<Format> {
    // One look at one byte settles nearly everything.
    let format = match content.first()? {
        b'P' if content.starts_with(b"PK\x03\x04") => Format::Zip,
        b'!' if content.starts_with(b"!<arch>\n") => Format::Ar,
        0x1f if content.starts_with(b"\x1f\x8b\x08") => Format::Gzip,
        b'B' if is_bzip2(content) => Format::Bzip2,
        0xfd if content.starts_with(b"\xfd7zXZ\0") => Format::Xz,
        0x28 if content.starts_with(b"\x28\xb5\x2f\xfd") => Format::Zstd,
        b'%' if content.starts_with(b"%PDF-") => Format::Pdf,
        b'S' if content.starts_with(b"SQLite format 3\0") => Format::Sqlite,
        0xca if class::is_class(content) => Format::Class,
        b'{' | b' ' | b'\t' | b'\n' | b'\r' if notebook::is_notebook(content) => Format::Notebook,
        _ if pyc::is_pyc(content) => Format::Pyc,
        _ if tar::is_tar(content) => Format::Tar,
        _ => return None,
    };
    Some(format)
}

/// `BZh`, the block size, and the first block's or the end's own magic.
fn is_bzip2(content: &[u8]) -> bool {
    content.len() >= 10
        && content.starts_with(b"BZh")
        && (b'1'..=b'9').contains(&content[3])
        && (content[4..].starts_with(b"\x31\x41\x59\x26\x53\x59")
            || content[4..].starts_with(b"\x17\x72\x45\x38\x50\x90"))
}
