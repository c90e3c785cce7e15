//! Compressed streams: gzip, bzip2, xz and zstd, each of one or more parts that follow each other.
//!
//! A compressed tar is one container to everyone who makes or opens one, so it is here too: the
//! tar's own members come right after the stream's path, and count as one level of depth.

use super::{
    Format, Relation,
    expansion::{Deflate, Expansion, Flow},
    tar,
};
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder, errors::FrameDecoderError};
use std::io::{self, Error, ErrorKind, Read};

/// Name of content whose stream gives none.
const UNNAMED: &[u8] = b"content";

pub(super) fn expand(format: Format, content: &[u8], out: &mut Expansion<'_>) -> Flow {
    let window = out.window_bytes();
    let name = gzip_name(format, content);
    let name = name.as_deref().unwrap_or(UNNAMED);
    let mut reader = reader(format, content, window);
    let then = |out: &mut Expansion<'_>, bytes: &[u8]| {
        if tar::is_tar(bytes) {
            tar::expand(bytes, false, out)
        } else {
            out.member(name, bytes, Relation::Decoded)
        }
    };
    if format == Format::Gzip
        && let Some(size) = gzip_size(content)
    {
        let whole = (Deflate::Gzip, content, size);
        return out.inflated(name, whole, &mut reader, then);
    }
    out.decoded(name, &mut reader, then)
}

/// What a gzip stream that surely is a single member says at its end that it expands to, in bytes.
fn gzip_size(content: &[u8]) -> Option<u64> {
    let (head, size) = content.split_last_chunk()?;
    // What may be the start of another member: its size would be the last one's.
    let more = memchr::memmem::find(head.get(1..)?, b"\x1f\x8b\x08");
    more.is_none().then(|| u64::from(u32::from_le_bytes(*size)))
}

/// Decodes a stream of one of the four formats.
pub(super) fn reader<'a>(
    format: Format,
    content: &'a [u8],
    window_bytes: u64,
) -> Box<dyn Read + 'a> {
    match format {
        Format::Gzip => Box::new(Gzip {
            decoder: Some(GzDecoder::new(content)),
        }),
        Format::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(content)),
        Format::Zstd => Box::new(Zstd {
            rest: content,
            frame: None,
            window_bytes,
        }),
        _ => {
            let kib = u32::try_from(window_bytes >> 10).unwrap_or(u32::MAX - 1);
            Box::new(XzReader::new_mem_limit(content, true, kib))
        }
    }
}

/// The file name that a gzip stream's header holds.
fn gzip_name(format: Format, content: &[u8]) -> Option<Vec<u8>> {
    if format != Format::Gzip {
        return None;
    }
    let decoder = GzDecoder::new(content);
    let name = decoder.header()?.filename()?;
    (!name.is_empty()).then(|| name.to_vec())
}

/// The members of a gzip stream, one after the other. What follows the last and is no member
/// (padding of tapes, mostly) is ignored, as gzip does.
struct Gzip<'a> {
    decoder: Option<GzDecoder<&'a [u8]>>,
}

impl Read for Gzip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.decoder = self
                .decoder
                .take()
                .map(GzDecoder::into_inner)
                .filter(|rest| rest.starts_with(b"\x1f\x8b"))
                .map(GzDecoder::new);
        }
        Ok(0)
    }
}

/// The frames of a Zstandard stream, one after the other; skippable frames are skipped.
struct Zstd<'a> {
    rest: &'a [u8],
    frame: Option<StreamingDecoder<&'a [u8], FrameDecoder>>,
    window_bytes: u64,
}

impl Zstd<'_> {
    /// Begins the next frame; `false` where there is none.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            match self.rest {
                [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                    let window = self.window_bytes;
                    let frame = StreamingDecoder::new_with_max_window_size(self.rest, window);
                    self.frame = Some(frame.map_err(|error| frame_error(&error))?);
                    return Ok(true);
                }
                [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] => {
                    let len = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
                    self.rest = rest.get(len..).unwrap_or_default();
                }
                _ => return Ok(false),
            }
        }
    }
}

fn frame_error(error: &FrameDecoderError) -> Error {
    let kind = match error {
        FrameDecoderError::WindowSizeTooBig { .. } => ErrorKind::OutOfMemory,
        _ => ErrorKind::InvalidData,
    };
    Error::new(kind, error.to_string())
}

impl Read for Zstd<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.frame.is_none() && !self.begin()? {
                return Ok(0);
            }
            if let Some(frame) = &mut self.frame {
                let read = frame.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
            }
            self.rest = self.frame.take().map_or(&[], StreamingDecoder::into_inner);
        }
    }
}
