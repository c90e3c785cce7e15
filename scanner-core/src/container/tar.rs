//! Tar archives, as POSIX and GNU write them.

use super::{
    Relation,
    expansion::{Expansion, Flow},
    trouble::Kind,
};
use ::tar::{Archive, EntryType};
use std::io::Cursor;

/// Whether content begins as a tar archive: the magic stands near the first header's end.
pub(super) fn is_tar(content: &[u8]) -> bool {
    content.len() >= 512 && content[257..].starts_with(b"ustar")
}

/// Pushes the files of an archive. `visible`: whether whoever holds `content` has searched it, so
/// that the files' bytes have been seen.
pub(super) fn expand(content: &[u8], visible: bool, out: &mut Expansion<'_>) -> Flow {
    let mut archive = Archive::new(Cursor::new(content));
    let entries = match archive.entries_with_seek() {
        Ok(entries) => entries,
        Err(error) => {
            out.note(Kind::Damaged, b"", || error.to_string());
            return Flow::Continue(());
        }
    };
    for entry in entries {
        out.go_on()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                out.note(Kind::Damaged, b"", || error.to_string());
                break;
            }
        };
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind == EntryType::Continuous || kind == EntryType::GNUSparse) {
            continue;
        }
        let name = entry.path_bytes();
        // What a sparse file's size says and the archive does not hold are zeros.
        let size = if kind == EntryType::GNUSparse {
            entry.header().entry_size().unwrap_or(0)
        } else {
            entry.size()
        };
        let at = usize::try_from(entry.raw_file_position()).unwrap_or(usize::MAX);
        let rest = content.get(at..).unwrap_or_default();
        let len = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        if (len as u64) < size {
            out.note(Kind::Damaged, &name, || {
                format!("{size} bytes declared, {len} there")
            });
        }
        let relation = if visible {
            Relation::Stored { at }
        } else {
            Relation::Decoded
        };
        out.member(&name, &rest[..len], relation)?;
    }
    Flow::Continue(())
}
