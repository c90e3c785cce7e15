//! Unix ar archives (`ar(5)`), with the names of GNU and BSD.

use super::{
    Relation,
    expansion::{Expansion, Flow},
    trouble::Kind,
};

const MAGIC_BYTES: usize = 8;
/// Name (16), date (12), owner (6), group (6), mode (8), size (10), end (2).
const HEADER_BYTES: usize = 60;

pub(super) fn expand(content: &[u8], out: &mut Expansion<'_>) -> Flow {
    let mut at = MAGIC_BYTES;
    let mut long_names: &[u8] = &[];
    while at < content.len() {
        out.go_on()?;
        let header = content.get(at..at + HEADER_BYTES);
        let Some((header, size)) = header.and_then(|h| Some((h, size(h)?))) else {
            out.note(Kind::Damaged, b"", || {
                format!("no member header at byte {at}")
            });
            break;
        };
        let start = at + HEADER_BYTES;
        let rest = &content[start..];
        let data = &rest[..size.min(rest.len())];
        // Members begin at even offsets.
        at = start.saturating_add(size).saturating_add(size & 1);
        let name = header[..16].trim_ascii_end();
        match name {
            // The table of symbols, and that of names.
            b"/" | b"/SYM64/" => continue,
            b"//" => {
                long_names = data;
                continue;
            }
            _ => {}
        }
        let (name, skip) = long_name(name, long_names, data);
        if data.len() < size {
            let len = data.len();
            out.note(Kind::Damaged, name, || {
                format!("{size} bytes declared, {len} there")
            });
        }
        out.member(name, &data[skip..], Relation::Stored { at: start + skip })?;
    }
    Flow::Continue(())
}

fn size(header: &[u8]) -> Option<usize> {
    if !header.ends_with(b"`\n") {
        return None;
    }
    number(header[48..58].trim_ascii_end())
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The full name, and how many bytes of the data it takes.
fn long_name<'a>(name: &'a [u8], table: &'a [u8], data: &'a [u8]) -> (&'a [u8], usize) {
    let in_data = name.strip_prefix(b"#1/").and_then(number);
    if let Some(long) = in_data.and_then(|len| data.get(..len)) {
        let end = long.iter().position(|b| *b == 0).unwrap_or(long.len());
        return (&long[..end], long.len());
    }
    let in_table = name.strip_prefix(b"/").and_then(number);
    if let Some(long) = in_table.and_then(|at| table.get(at..)) {
        let end = memchr::memchr(b'\n', long).unwrap_or(long.len());
        return (long[..end].strip_suffix(b"/").unwrap_or(&long[..end]), 0);
    }
    (name.strip_suffix(b"/").unwrap_or(name), 0)
}
