//! Packs and indexes written by hand (gitformat-pack(5)), to say things that git itself would
//! never write.

use super::plant::crc32;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Kinds of pack entries.
pub const BLOB: u8 = 3;
pub const REF_DELTA: u8 = 7;

/// SHA-1 of `bytes`.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut state = [
        0x6745_2301u32,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    let mut message = bytes.to_vec();
    message.push(0x80);
    message.resize(message.len().next_multiple_of(64), 0);
    if message.len() - bytes.len() < 9 {
        message.resize(message.len() + 64, 0);
    }
    let bits = (bytes.len() as u64 * 8).to_be_bytes();
    let tail = message.len() - 8;
    message[tail..].copy_from_slice(&bits);
    for block in message.chunks_exact(64) {
        let mut w = [0u32; 80];
        for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
        }
        for i in 16..80 {
            w[i] = (w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in w.iter().enumerate() {
            let (f, k) = match i / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6u32),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(f)
                .wrapping_add(e)
                .wrapping_add(k)
                .wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (part, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *part = part.wrapping_add(add);
        }
    }
    let mut out = [0; 20];
    for (bytes, part) in out.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&part.to_be_bytes());
    }
    out
}

/// A zlib stream that stores `bytes` as they are.
pub fn zlib_stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(0xffff).peekable();
    if blocks.peek().is_none() {
        out.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        out.push(u8::from(blocks.peek().is_none()));
        out.extend((block.len() as u16).to_le_bytes());
        out.extend((!(block.len() as u16)).to_le_bytes());
        out.extend(block);
    }
    let (mut a, mut b) = (1u32, 0u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    out.extend(((b << 16) | a).to_be_bytes());
    out
}

/// The number as git writes sizes in deltas: seven bits a byte, the lowest first.
fn delta_size(mut size: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while size >= 0x80 {
        out.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    out
}

/// A delta from its declared sizes and its instructions.
pub fn delta(base_size: u64, result_size: u64, instructions: &[u8]) -> Vec<u8> {
    [
        delta_size(base_size),
        delta_size(result_size),
        instructions.to_vec(),
    ]
    .concat()
}

/// The instruction that copies `len` bytes from `offset` of the base.
pub fn copy(offset: u32, len: u32) -> Vec<u8> {
    assert!(len < 1 << 24, "a copy's length has three bytes");
    let mut out = vec![0xff];
    out.extend(offset.to_le_bytes());
    out.extend(&len.to_le_bytes()[..3]);
    out
}

/// The id of a blob.
pub fn blob_id(bytes: &[u8]) -> [u8; 20] {
    sha1(&[format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat())
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A pack in the making.
#[derive(Debug)]
pub struct Pack {
    bytes: Vec<u8>,
    /// Id, CRC-32 of the entry, and the offset that the index will give.
    entries: Vec<([u8; 20], u32, u64)>,
}

impl Pack {
    pub fn new() -> Self {
        Self {
            bytes: b"PACK\0\0\0\x02\0\0\0\0".to_vec(),
            entries: Vec::new(),
        }
    }

    /// Adds a well-formed blob.
    pub fn blob(&mut self, bytes: &[u8]) -> [u8; 20] {
        let id = blob_id(bytes);
        self.entry(id, BLOB, bytes.len() as u64, &[], &zlib_stored(bytes));
        id
    }

    /// Adds a delta against the object `base`, under the id given.
    pub fn ref_delta(&mut self, id: [u8; 20], base: &[u8; 20], delta: &[u8]) {
        self.entry(id, REF_DELTA, delta.len() as u64, base, &zlib_stored(delta));
    }

    /// Adds an entry that declares what one likes.
    pub fn entry(&mut self, id: [u8; 20], kind: u8, size: u64, base: &[u8], payload: &[u8]) {
        let offset = self.bytes.len();
        let mut first = (kind << 4) | (size & 0x0f) as u8;
        let mut rest = size >> 4;
        while rest > 0 {
            self.bytes.push(first | 0x80);
            first = (rest & 0x7f) as u8;
            rest >>= 7;
        }
        self.bytes.push(first);
        self.bytes.extend(base);
        self.bytes.extend(payload);
        self.entries
            .push((id, crc32(&self.bytes[offset..]), offset as u64));
    }

    /// Makes the index name another offset for an entry.
    pub fn lie_about_offset(&mut self, id: &[u8; 20], offset: u64) {
        let entry = self.entries.iter_mut().find(|entry| entry.0 == *id);
        entry.expect("an entry of this pack").2 = offset;
    }

    /// Writes the pack and its index into an object directory; returns the pack's path.
    pub fn store(mut self, objects: &Path) -> PathBuf {
        let count = self.entries.len() as u32;
        self.bytes[8..12].copy_from_slice(&count.to_be_bytes());
        let checksum = sha1(&self.bytes);
        self.bytes.extend(checksum);

        self.entries.sort_unstable();
        let mut index = b"\xfftOc\0\0\0\x02".to_vec();
        for first in 0..=255u8 {
            let below = self
                .entries
                .iter()
                .filter(|entry| entry.0[0] <= first)
                .count();
            index.extend((below as u32).to_be_bytes());
        }
        for (id, ..) in &self.entries {
            index.extend(id);
        }
        for (_, crc, _) in &self.entries {
            index.extend(crc.to_be_bytes());
        }
        let mut large = Vec::new();
        for (.., offset) in &self.entries {
            if let Some(small) = u32::try_from(*offset)
                .ok()
                .filter(|offset| *offset < 1 << 31)
            {
                index.extend(small.to_be_bytes());
            } else {
                index.extend((0x8000_0000 | large.len() as u32).to_be_bytes());
                large.push(*offset);
            }
        }
        for offset in large {
            index.extend(offset.to_be_bytes());
        }
        index.extend(checksum);
        index.extend(sha1(&index));

        let stem = objects
            .join("pack")
            .join(format!("pack-{}", hex(&checksum)));
        fs::create_dir_all(objects.join("pack")).expect("a directory");
        fs::write(stem.with_extension("pack"), self.bytes).expect("the pack");
        fs::write(stem.with_extension("idx"), index).expect("the index");
        stem.with_extension("pack")
    }
}
