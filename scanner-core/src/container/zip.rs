//! Zip archives, and the many formats that are zip archives.
//!
//! The directory at the end says what is in the archive. Where it is damaged or missing (a
//! download that broke off), the entries are read one after the other instead.

use super::{
    Format, Relation,
    expansion::{Deflate, Expansion, Flow},
    stream,
    trouble::Kind,
};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};

/// Fixed part of a local header.
const LOCAL_HEADER: usize = 30;
const LOCAL_MAGIC: &[u8] = b"PK\x03\x04";
const ENCRYPTED: u16 = 1;
/// Sizes stand behind the data.
const SIZES_FOLLOW: u16 = 1 << 3;

/// An entry, wherever it was read from.
struct Entry<'a> {
    name: &'a [u8],
    method: u16,
    encrypted: bool,
    /// Where `data` stands in the archive.
    at: usize,
    data: &'a [u8],
    /// Bytes that it declares to expand to.
    size: u64,
}

pub(super) fn expand(content: &[u8], out: &mut Expansion<'_>) -> Flow {
    let archive = match ZipArchive::from_slice(content) {
        Ok(archive) => archive,
        Err(error) => {
            out.note(Kind::Damaged, b"", || error.to_string());
            return one_after_the_other(content, out);
        }
    };
    let mut met = 0_u32;
    let mut entries = archive.entries();
    loop {
        let header = match entries.next_entry() {
            Ok(Some(header)) => header,
            Ok(None) => return Flow::Continue(()),
            Err(error) => {
                out.note(Kind::Damaged, b"", || error.to_string());
                // What came before the damage was looked at.
                return if met == 0 {
                    one_after_the_other(content, out)
                } else {
                    Flow::Continue(())
                };
            }
        };
        met += 1;
        out.go_on()?;
        if header.is_dir() {
            continue;
        }
        let path = header.file_path();
        let name = path.as_ref();
        match archive.get_entry(header.wayfinder()) {
            Ok(entry) => one(
                &Entry {
                    name,
                    method: header.compression_method().as_u16(),
                    encrypted: header.flags().is_encrypted(),
                    at: entry.compressed_data_range().0 as usize,
                    data: entry.data(),
                    size: header.uncompressed_size_hint(),
                },
                out,
            )?,
            Err(error) => out.note(Kind::Damaged, name, || error.to_string()),
        }
    }
}

fn one(entry: &Entry<'_>, out: &mut Expansion<'_>) -> Flow {
    let name = entry.name;
    if entry.encrypted {
        out.note(Kind::Encrypted, name, String::new);
        return Flow::Continue(());
    }
    let format = match CompressionMethod::from(entry.method) {
        CompressionMethod::STORE => {
            return out.member(name, entry.data, Relation::Stored { at: entry.at });
        }
        CompressionMethod::DEFLATE => None,
        CompressionMethod::BZIP2 => Some(Format::Bzip2),
        CompressionMethod::ZSTD => Some(Format::Zstd),
        CompressionMethod::XZ => Some(Format::Xz),
        _ => {
            let method = entry.method;
            out.note(Kind::Unsupported, name, || {
                format!("compression method {method}")
            });
            return Flow::Continue(());
        }
    };
    let then = |out: &mut Expansion<'_>, bytes: &[u8]| out.member(name, bytes, Relation::Decoded);
    match format {
        None => {
            let whole = (Deflate::Raw, entry.data, entry.size);
            out.inflated(name, whole, &mut DeflateDecoder::new(entry.data), then)
        }
        Some(format) => {
            let mut reader = stream::reader(format, entry.data, out.window_bytes());
            out.decoded(name, &mut reader, then)
        }
    }
}

/// Reads entries by their own headers, from the first byte on, as far as each leads to the next.
fn one_after_the_other(content: &[u8], out: &mut Expansion<'_>) -> Flow {
    let mut at = 0;
    while let Some(header) = content.get(at..).filter(|c| c.starts_with(LOCAL_MAGIC)) {
        out.go_on()?;
        let Some(header) = header.get(..LOCAL_HEADER) else {
            break;
        };
        let short = |i: usize| u16::from_le_bytes([header[i], header[i + 1]]);
        let (flags, method) = (short(6), short(8));
        let long = |i: usize| u32::from(short(i)) | u32::from(short(i + 2)) << 16;
        let (packed, size) = (long(18), long(22));
        let name_start = at + LOCAL_HEADER;
        let data_start = name_start + usize::from(short(26)) + usize::from(short(28));
        let Some(name) = content.get(name_start..name_start + usize::from(short(26))) else {
            break;
        };
        let Some(rest) = content.get(data_start..) else {
            break;
        };
        // A size that is not here, or does not lead to another record, is found by looking for
        // the next record.
        let declared = (flags & SIZES_FOLLOW == 0).then_some(packed as usize);
        let len = declared
            .filter(|len| rest.get(*len..).is_some_and(|r| r.starts_with(b"PK")))
            .or_else(|| memchr::memmem::find(rest, LOCAL_MAGIC))
            .unwrap_or(rest.len());
        let entry = Entry {
            name,
            method,
            encrypted: flags & ENCRYPTED != 0,
            at: data_start,
            data: &rest[..len],
            size: u64::from(size),
        };
        if !name.ends_with(b"/") {
            one(&entry, out)?;
        }
        at = data_start + len;
    }
    Flow::Continue(())
}
