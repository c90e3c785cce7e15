//! Finds and decodes escapes: encodings that write single characters in others and leave the rest
//! as it is.
//!
//! Escapes are everywhere in ordinary source (`\n`, `%d`, `&foo`), and most of them matter to no
//! rule: a token's letters stand as they are. What matters is an escape in place of a delimiter,
//! which hides a name from its value (`password%3D`, `\u0022token\u0022`), and text of which every
//! letter is escaped. Both are told by the first two bytes of the escape in most cases. So a region
//! is a stretch of text that holds such a *trigger*: as long as no byte ends it that ends a string
//! or a line, and no shorter, so that names keep their values. A stretch may be as long as a minified file's only line; finding its ends costs little, and it
//! is decoded only where it was changed.

use super::{
    Region, backslash, entity, leaders, percent,
    pieces::{Pieces, Ratio, VERBATIM},
};
use crate::model::Encoding;
use std::ops::Range;

/// The byte on either side that ends it.
pub(super) const REACH: usize = 1;

/// Shorter ones (`%3d` of `printf`) hold nothing.
const MIN_BYTES: usize = 16;

/// So many escapes of printable characters, one after the other, are a trigger.
const CONSECUTIVE: usize = 3;

/// One way of escaping.
pub(super) struct Style {
    pub(super) encoding: Encoding,
    /// First byte of every escape.
    pub(super) leader: u8,
    /// Bytes that end a stretch: `\n` and `"` in every style. No escape holds any.
    pub(super) ends: fn(u8) -> bool,
    /// The escape at the start of bytes that start with the leader.
    pub(super) escape: fn(&[u8]) -> Option<Escape>,
}

/// What an escape stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Escape {
    text: [u8; 4],
    text_len: u8,
    len: u8,
    /// Whether it can be a trigger.
    strong: bool,
}

impl Escape {
    /// A byte, written in `len` bytes.
    pub(super) fn byte(value: u8, len: usize) -> Self {
        Self {
            text: [value, 0, 0, 0],
            text_len: 1,
            len: len as u8,
            strong: true,
        }
    }

    /// A byte that is often escaped in ordinary source.
    pub(super) fn simple(value: u8, len: usize) -> Self {
        Self {
            strong: false,
            ..Self::byte(value, len)
        }
    }

    /// A character, written in `len` bytes.
    pub(super) fn char(char: char, len: usize) -> Self {
        let mut text = [0; 4];
        let text_len = char.encode_utf8(&mut text).len() as u8;
        Self {
            text,
            text_len,
            len: len as u8,
            strong: true,
        }
    }

    /// The ASCII character that it hides.
    fn hidden(self) -> Option<u8> {
        (self.strong && self.text_len == 1).then_some(self.text[0])
    }
}

const STYLES: [Style; 3] = [percent::STYLE, backslash::STYLE, entity::STYLE];

/// Finds stretches with triggers.
#[derive(Debug, Default)]
pub(super) struct Finder {
    /// Up to where each style has been looked at.
    covered: [usize; 3],
}

impl Finder {
    /// See [`super::Finder::find`].
    pub(super) fn find(&mut self, content: &[u8], changed: Range<usize>, out: &mut Vec<Region>) {
        // Every stretch that touches the change lies between these, whatever its style.
        let from = memchr::memrchr2(b'\n', b'"', &content[..changed.start]).map_or(0, |at| at + 1);
        let to = memchr::memchr2(b'\n', b'"', &content[changed.end..])
            .map_or(content.len(), |at| changed.end + at);
        let covered = self.covered.iter().min();
        let from = covered.map_or(from, |covered| from.max(*covered));
        let mut next = from;
        while let Some(at) = content.get(next..to).and_then(leaders::find) {
            let at = next + at;
            next = at + 1;
            let which = match content[at] {
                b'%' => 0,
                b'\\' => 1,
                _ => 2,
            };
            let style = &STYLES[which];
            if at < self.covered[which] || !is_trigger(style, &content[at..]) {
                continue;
            }
            let ends = |byte: &u8| (style.ends)(*byte);
            let start = content[..at].iter().rposition(ends).map_or(0, |n| n + 1);
            let end = content[at..].iter().position(ends);
            let end = end.map_or(content.len(), |n| at + n);
            self.covered[which] = end;
            if end - start >= MIN_BYTES {
                out.push(Region {
                    start: start as u32,
                    encoding: style.encoding,
                    end: end as u32,
                });
            }
        }
    }
}

fn is_trigger(style: &Style, bytes: &[u8]) -> bool {
    let Some(first) = (style.escape)(bytes) else {
        return false;
    };
    let Some(hidden) = first.hidden() else {
        return false;
    };
    if matches!(
        hidden,
        b'=' | b':' | b'"' | b'\'' | b'{' | b'}' | b',' | b'/' | b'@' | b'&' | b';' | b' '
    ) {
        return true;
    }
    let mut escape = first;
    let mut at = 0;
    for _ in 1..CONSECUTIVE {
        if !escape.hidden().is_some_and(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        at += escape.len as usize;
        match bytes.get(at) {
            Some(&leader) if leader == style.leader => {}
            _ => return false,
        }
        match (style.escape)(&bytes[at..]) {
            Some(next) => escape = next,
            None => return false,
        }
    }
    escape.hidden().is_some_and(|byte| byte.is_ascii_graphic())
}

/// Decodes a stretch: escapes become what they stand for, all else stays.
pub(super) fn decode(
    style: &Style,
    bytes: &[u8],
    out: &mut Vec<u8>,
    mut pieces: Option<&mut Pieces>,
) {
    let mut keep = |out: &mut Vec<u8>, text: &[u8], ratio, at, written| {
        out.extend_from_slice(text);
        if let Some(pieces) = &mut pieces {
            pieces.push(ratio, text.len(), at, written);
        }
    };
    let (mut from, mut at) = (0, 0);
    while let Some(next) = memchr::memchr(style.leader, &bytes[at..]) {
        at += next;
        let Some(escape) = (style.escape)(&bytes[at..]) else {
            at += 1;
            continue;
        };
        keep(out, &bytes[from..at], VERBATIM, from, at - from);
        let ratio = Ratio::Units {
            text: escape.text_len,
            written: escape.len,
        };
        let text = &escape.text[..escape.text_len as usize];
        keep(out, text, ratio, at, escape.len as usize);
        at += escape.len as usize;
        from = at;
    }
    keep(out, &bytes[from..], VERBATIM, from, bytes.len() - from);
}
