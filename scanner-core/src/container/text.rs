//! Text put together from pieces of a container.

use super::expansion::{Expansion, Flow};
use super::{Relation, trouble::Kind};

/// Text in the making, no longer than the limits let it be.
#[derive(Debug)]
pub(super) struct Text {
    bytes: Vec<u8>,
    most: usize,
    cut: bool,
}

impl Text {
    /// Empty text, that pieces of `content_len` bytes will be put into.
    pub(super) fn new(content_len: usize, out: &mut Expansion<'_>) -> Self {
        out.about_to_hold(content_len);
        Self {
            bytes: Vec::new(),
            most: out.room(),
            cut: false,
        }
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        let room = self.most - self.bytes.len();
        self.cut |= piece.len() > room;
        self.bytes
            .extend_from_slice(&piece[..piece.len().min(room)]);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether nothing more can be added.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Ends the line that was begun, if one was.
    pub(super) fn end_line(&mut self) {
        if self.bytes.last().is_some_and(|last| *last != b'\n') {
            self.push(b"\n");
        }
    }

    /// Pushes `name = "value"` as a line; without the quotes where the value has characters that
    /// would need escaping there: a secret must stay what it is.
    pub(super) fn assignment(&mut self, name: &[u8], value: &[u8]) {
        let plain = !value.iter().any(|b| matches!(b, b'"' | b'\\' | b'\n'));
        let quote: &[u8] = if plain { b"\"" } else { b"" };
        for piece in [name, b" = ", quote, value, quote, b"\n"] {
            self.push(piece);
        }
    }

    /// Pushes the text as a member.
    pub(super) fn finish(self, name: &[u8], relation: Relation, out: &mut Expansion<'_>) -> Flow {
        if self.bytes.is_empty() {
            return Flow::Continue(());
        }
        let flow = out.member(name, &self.bytes, relation);
        if self.cut && flow.is_continue() {
            let len = self.bytes.len();
            out.note(Kind::Memory, name, || {
                format!("only the first {len} bytes of its text were looked at")
            });
        }
        flow
    }
}
