//! All that a scan sees in one content: the content, its text where it is UTF-16, what is encoded in
//! either, level by level, and the same of each member where it is a container.
//!
//! Regions are found, decoded and mapped by the code that scans use. What a scan carries from one
//! version of a content to the next, and what it settles between layers, is not repeated here:
//! whoever asks compares with a report.

#[cfg(feature = "containers")]
use crate::container;
use crate::{
    decode::{self, Finder, Pieces, utf16},
    model::Encoding,
    scan::Depths,
};
use std::ops::{Range, RangeInclusive};

/// One layer.
pub(super) struct Layer<'a> {
    /// Path of the member; `None` for the content itself.
    pub(super) member: Option<&'a [u8]>,
    /// From the outermost; empty where the text stands as it is.
    pub(super) encoding: &'a [Encoding],
    /// What is searched.
    pub(super) text: &'a [u8],
    /// The part of `text` that was asked for.
    pub(super) window: Range<usize>,
    /// The text in which lines are counted: the content's or member's own.
    pub(super) page: &'a [u8],
    on_page: Map<'a>,
    stored: Map<'a>,
}

type Map<'a> = &'a dyn Fn(Range<usize>) -> Range<usize>;

impl Layer<'_> {
    /// The bytes of the page that a range of the text stands for.
    pub(super) fn on_page(&self, range: Range<usize>) -> Range<usize> {
        (self.on_page)(range)
    }

    /// The bytes of content or member, as stored, that a range of the page stands for.
    pub(super) fn stored(&self, range: Range<usize>) -> Range<usize> {
        (self.stored)(range)
    }

    /// Whether the page is the text of UTF-16.
    pub(super) fn is_wide(&self) -> bool {
        let first = self.encoding.first();
        matches!(first, Some(Encoding::Utf16Le | Encoding::Utf16Be))
    }

    /// A layer in this one.
    fn inside<'b>(
        &'b self,
        text: &'b [u8],
        encoding: &'b [Encoding],
        on_page: Map<'b>,
    ) -> Layer<'b> {
        Layer {
            member: self.member,
            encoding,
            text,
            window: 0..text.len(),
            page: self.page,
            on_page,
            stored: self.stored,
        }
    }
}

/// How far around the lines asked for candidates are looked at, in bytes: what begins farther away
/// does not reach them.
const MARGIN_BYTES: usize = 64 << 10;

/// Visits the layers of a content, outer ones first. Of a page, and of what is encoded in it, that
/// part is visited which may concern the lines asked for.
pub(super) fn walk(
    content: &[u8],
    depths: &Depths,
    lines: Option<&RangeInclusive<u64>>,
    stopped: &dyn Fn() -> bool,
    visit: &mut dyn FnMut(&Layer<'_>),
) {
    let asked = Asked {
        lines,
        decode: depths.decode,
    };
    asked.whole(None, content, visit);
    #[cfg(feature = "containers")]
    if container::detect(content).is_some() {
        let mut members = Members {
            asked,
            stopped,
            visit,
        };
        // A scan of the same content tells of the same issues.
        let _ = container::expand(content, &depths.archives, &mut members);
    }
    #[cfg(not(feature = "containers"))]
    let _ = stopped;
}

#[cfg(feature = "containers")]
struct Members<'a, 'v> {
    asked: Asked<'a>,
    stopped: &'a dyn Fn() -> bool,
    visit: &'a mut (dyn FnMut(&Layer<'_>) + 'v),
}

#[cfg(feature = "containers")]
impl container::Visitor for Members<'_, '_> {
    fn member(&mut self, member: &container::Member<'_>) {
        self.asked
            .whole(Some(member.path), member.bytes, self.visit);
    }

    fn stopped(&self) -> bool {
        (self.stopped)()
    }
}

#[derive(Clone, Copy)]
struct Asked<'a> {
    lines: Option<&'a RangeInclusive<u64>>,
    decode: u32,
}

impl Asked<'_> {
    /// Visits content or a member, and it as UTF-16.
    fn whole(&self, member: Option<&[u8]>, content: &[u8], visit: &mut dyn FnMut(&Layer<'_>)) {
        self.page(member, content, &[], &|at| at, visit);
        if let Some(kind) = utf16::detect(content) {
            let mut text = Vec::new();
            utf16::decode(content, kind, &mut text);
            let stored = |at| utf16::Mapping::new(content, kind).original(at);
            self.page(member, &text, &[kind.encoding()], &stored, visit);
        }
    }

    fn page(
        &self,
        member: Option<&[u8]>,
        text: &[u8],
        encoding: &[Encoding],
        stored: Map<'_>,
        visit: &mut dyn FnMut(&Layer<'_>),
    ) {
        let layer = Layer {
            member,
            encoding,
            text,
            window: window(text, self.lines),
            page: text,
            on_page: &|at| at,
            stored,
        };
        let window = layer.window.clone();
        descend(&layer, &window, self.decode, visit);
    }
}

/// Visits a layer and what is encoded in it, as far as it meets a part of its page.
fn descend(
    layer: &Layer<'_>,
    window: &Range<usize>,
    depth: u32,
    visit: &mut dyn FnMut(&Layer<'_>),
) {
    visit(layer);
    if depth == 0 {
        return;
    }
    let mut found = Vec::new();
    Finder::default().find(layer.text, 0..layer.text.len(), &mut found);
    found.sort_unstable();
    found.dedup();
    for region in found {
        let start = region.start as usize;
        let on_page = layer.on_page(start..region.end as usize);
        if on_page.start >= window.end || on_page.end <= window.start {
            continue;
        }
        let (mut text, mut pieces) = (Vec::new(), Pieces::default());
        let bytes = region.bytes(layer.text);
        decode::decode(region.encoding, bytes, &mut text, Some(&mut pieces));
        let out = |at: Range<usize>| {
            let at = pieces.original(at);
            layer.on_page(at.start + start..at.end + start)
        };
        let mut encoding = [layer.encoding, &[region.encoding]].concat();
        let inner = layer.inside(&text, &encoding, &out);
        descend(&inner, window, depth - 1, visit);
        // As in a scan: what PowerShell takes as an encoded command, but for half a unit.
        let wide = &text[..text.len() / 2 * 2];
        if let Some(kind) = utf16::detect(wide) {
            let mut narrow = Vec::new();
            utf16::decode(wide, kind, &mut narrow);
            encoding.push(kind.encoding());
            let out = |at| out(utf16::Mapping::new(wide, kind).original(at));
            let inner = layer.inside(&narrow, &encoding, &out);
            descend(&inner, window, depth - 1, visit);
        }
    }
}

/// The bytes in which to look for candidates of some lines.
fn window(content: &[u8], lines: Option<&RangeInclusive<u64>>) -> Range<usize> {
    let Some(lines) = lines else {
        return 0..content.len();
    };
    let start_of = |line: u64| match line {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', content)
            .nth(line as usize - 2)
            .map_or(content.len(), |at| at + 1),
    };
    let (from, to) = (
        start_of(*lines.start()),
        start_of(lines.end().saturating_add(1)),
    );
    from.saturating_sub(MARGIN_BYTES)..to.saturating_add(MARGIN_BYTES).min(content.len())
}
