//! Content that is too large to be had at once, visited in windows.
//!
//! Every window has a part of its own, and around it as much of its neighbours' as decides what is
//! found in that part: the own parts follow each other without a gap. Windows have one size
//! whatever memory there is, so that where they end depends on the content alone.

use super::{BlobVisitor, ContentKind, VisitContext};
use crate::model::{ObjectId, SkipReason, characters};
use std::{
    io::{self, Read},
    ops::{ControlFlow, Range},
};

/// Bytes of a window's own part. Even, as what goes around it, so that units of UTF-16 stay whole.
const OWN_BYTES: usize = 16 << 20;

/// Part of a blob or file.
pub struct Window<'a> {
    /// Names the content as a blob: may read all of it, so it is asked only where something is found.
    pub id: &'a dyn Fn() -> ObjectId,
    /// As in a [`super::BlobView`].
    pub number: u32,
    /// As in a [`super::BlobView`].
    pub path: Option<&'a [u8]>,
    /// The window's own part, and what is around it.
    pub bytes: &'a [u8],
    /// Where its own part is in `bytes`.
    pub own: Range<usize>,
    /// Where `bytes` starts in the content, in bytes.
    pub start: u64,
    /// The line, 1-based, in which `bytes` starts.
    pub line: u64,
    /// Where that line starts in the content.
    pub line_start: u64,
    /// Characters of that line ahead of `bytes`, as a [`crate::model::Location`] counts them.
    pub line_characters: u64,
    /// Whether the content ends with it, as it should: of content that turns out to be of another
    /// size than it claims, no window is the last.
    pub last: bool,
}

impl std::fmt::Debug for Window<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window")
            .field("number", &self.number)
            .field("start", &self.start)
            .field("own", &self.own)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

/// Content that is visited in windows.
pub(crate) struct Large<'a> {
    pub(crate) id: &'a dyn Fn() -> ObjectId,
    pub(crate) number: u32,
    pub(crate) path: Option<&'a [u8]>,
    /// Its size, where that is known ahead.
    pub(crate) bytes: Option<u64>,
}

/// How large windows are, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    own: usize,
    overlap: usize,
}

impl Layout {
    /// The windows that a visitor wants, if it takes any and memory is enough for one.
    pub(crate) fn of<V: BlobVisitor>(visitor: &V, context: &VisitContext<'_>) -> Option<Self> {
        let layout = Self {
            own: OWN_BYTES,
            overlap: visitor.overlap()?.next_multiple_of(2),
        };
        (layout.bytes() as u64 <= context.max_memory_bytes).then_some(layout)
    }

    /// Bytes of a whole window.
    pub(crate) fn bytes(self) -> usize {
        self.own + 2 * self.overlap
    }
}

/// Hands content to a visitor, window by window. Returns its size, or `Break` where the visit was stopped.
///
/// # Errors
/// Where reading fails; windows ahead of the failure were visited.
pub(crate) fn visit<V: BlobVisitor>(
    visitor: &mut V,
    context: &VisitContext<'_>,
    content: &Large<'_>,
    layout: Layout,
    mut read: impl Read,
) -> io::Result<ControlFlow<(), u64>> {
    let mut buffer = vec![0; layout.bytes()];
    let (mut filled, mut own_start) = (0, 0);
    let (mut start, mut line, mut line_start, mut line_characters) = (0, 1, 0, 0);
    loop {
        if context.stopped() {
            visitor.skipped(ContentKind::Blob, None, SkipReason::Interrupted);
            return Ok(ControlFlow::Break(()));
        }
        filled += fill(&mut read, &mut buffer[filled..])?;
        let ended = filled < buffer.len();
        let own_end = if ended {
            filled
        } else {
            own_start + layout.own
        };
        let size = start + filled as u64;
        let window = Window {
            id: content.id,
            number: content.number,
            path: content.path,
            bytes: &buffer[..filled],
            own: own_start..own_end,
            start,
            line,
            line_start,
            line_characters,
            last: ended && content.bytes.is_none_or(|bytes| bytes == size),
        };
        if visitor.window(&window).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if ended {
            return Ok(ControlFlow::Continue(size));
        }
        let dropped = own_end.saturating_sub(layout.overlap);
        line += memchr::memchr_iter(b'\n', &buffer[..dropped]).count() as u64;
        let mut ahead = 0;
        if let Some(newline) = memchr::memrchr(b'\n', &buffer[..dropped]) {
            line_start = start + newline as u64 + 1;
            (ahead, line_characters) = (newline + 1, 0);
        }
        line_characters += characters(&buffer[ahead..dropped]);
        buffer.copy_within(dropped..filled, 0);
        start += dropped as u64;
        filled -= dropped;
        own_start = own_end - dropped;
    }
}

/// Reads until the buffer is full or there is no more; returns how many bytes.
pub(super) fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Windows of other sizes than the usual.
    pub(crate) fn layout(own: usize, overlap: usize) -> Layout {
        Layout { own, overlap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{BlobView, testing::context};
    use proptest::prelude::*;

    /// Puts the own parts together again.
    #[derive(Default)]
    struct Join {
        bytes: Vec<u8>,
        ended: bool,
        overlap: usize,
        most: Option<usize>,
    }

    impl BlobVisitor for Join {
        type State = ();
        fn blob(&mut self, _: &BlobView<'_, ()>, (): &mut ()) -> ControlFlow<()> {
            unreachable!("large content comes in windows")
        }
        fn overlap(&self) -> Option<usize> {
            Some(self.overlap)
        }
        fn window(&mut self, window: &Window<'_>) -> ControlFlow<()> {
            assert!(!self.ended);
            assert_eq!(
                window.start + window.own.start as u64,
                self.bytes.len() as u64
            );
            let ahead = window.own.start;
            assert!(ahead >= self.overlap || window.start == 0);
            let after = window.bytes.len() - window.own.end;
            assert!(after >= self.overlap || window.last);
            self.bytes
                .extend_from_slice(&window.bytes[window.own.clone()]);
            let whole = &self.bytes[..window.start as usize];
            let lines = memchr::memchr_iter(b'\n', whole).count() as u64;
            assert_eq!(window.line, lines + 1);
            let line_start = memchr::memrchr(b'\n', whole).map_or(0, |n| n + 1);
            assert_eq!(window.line_start, line_start as u64);
            assert_eq!(window.line_characters, characters(&whole[line_start..]));
            self.ended = window.last;
            match self.most {
                Some(most) if self.bytes.len() >= most => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
        fn skipped(&mut self, _: ContentKind, _: Option<ObjectId>, _: SkipReason) {}
        fn issue(&mut self, _: crate::model::ScanIssue) {}
    }

    fn large(visitor: &mut Join, own: usize, content: &[u8]) -> ControlFlow<(), u64> {
        let id = || unreachable!("nobody asks for the id");
        let content_of = Large {
            id: &id,
            number: 0,
            path: None,
            bytes: None,
        };
        let layout = testing::layout(own, visitor.overlap);
        visit(visitor, &context(1), &content_of, layout, content).unwrap()
    }

    proptest! {
        #[test]
        fn own_parts_are_the_content_and_have_enough_around_them(
            content in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..400),
            own in 1..40_usize,
            overlap in 0..30_usize,
        ) {
            let mut join = Join { overlap, ..Join::default() };
            let size = large(&mut join, own, &content);
            prop_assert_eq!(size, ControlFlow::Continue(content.len() as u64));
            prop_assert!(join.ended);
            prop_assert_eq!(join.bytes, content);
        }
    }

    #[test]
    fn a_visitor_can_stop() {
        let mut join = Join {
            most: Some(20),
            ..Join::default()
        };
        assert!(large(&mut join, 10, &[0; 100]).is_break());
        assert_eq!(join.bytes.len(), 20);
    }
}
