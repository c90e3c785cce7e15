//! Scans content that is too large for memory, window by window.
//!
//! What is found in a window's own part is what a search of the whole content finds there, because
//! the window shows as much around it as any verdict looks at. Four things see a window alone and
//! may differ: encoded text that reaches over more than a window's surroundings, allowlists over
//! lines that do, rules without a literal of their own, which search whole contents, and the bound
//! on what one rule may find.

use super::{BlobState, ScanWorker, Seen};
use crate::{
    decode::utf16,
    model::{IssueKind, ScanIssue},
    scan::encoded::Sighting,
    source::{ContentKind, Window},
};
use std::ops::Range;

/// Bytes around a window's own part at least: a key in base64 and much else that is encoded is
/// shorter.
const LEAST_OVERLAP: usize = 64 << 10;

impl ScanWorker<'_> {
    /// Bytes that decide, with what is found, whether it is.
    pub(super) fn overlap_bytes(&self) -> usize {
        self.confirmer.widest_reach().max(LEAST_OVERLAP)
    }

    /// Records what is found in a window's own part.
    pub(super) fn scan_window(&mut self, window: &Window<'_>) {
        if window.start == 0 {
            self.wide = utf16::detect(window.bytes);
            self.note_large(window);
        }
        let mut state = BlobState::default();
        self.examine(window.bytes, None, self.depth, &mut state);
        let found = self.sightings(window.bytes, &state);
        self.emit_own(window, window.bytes, window.own.clone(), found, |at| at);
        if let Some(kind) = self.wide {
            // The mark stands at the content's start alone.
            let kind = if window.start == 0 {
                kind
            } else {
                kind.without_mark()
            };
            let mut text = Vec::new();
            let mut decoded_len = |bytes: &[u8]| {
                utf16::decode(bytes, kind, &mut text);
                text.len()
            };
            let own = &window.own;
            let own =
                decoded_len(&window.bytes[..own.start])..decoded_len(&window.bytes[..own.end]);
            utf16::decode(window.bytes, kind, &mut text);
            self.examine(&text, None, self.depth, &mut state);
            let mut found = self.sightings(&text, &state);
            for sighting in &mut found {
                sighting.encoding.insert(0, kind.encoding());
            }
            let mut mapping = utf16::Mapping::new(window.bytes, kind);
            self.emit_own(window, &text, own, found, |at| mapping.original(at));
        }
        if window.last {
            let bytes = window.start + window.bytes.len() as u64;
            self.count(window.number, ContentKind::Blob, bytes);
        }
    }

    /// Records those sightings that start in `own`, a range of `content`.
    fn emit_own(
        &mut self,
        window: &Window<'_>,
        content: &[u8],
        own: Range<usize>,
        mut found: Vec<Sighting>,
        map: impl FnMut(Range<usize>) -> Range<usize>,
    ) {
        found.retain(|sighting| own.contains(&sighting.start));
        if found.is_empty() {
            return;
        }
        let seen = Seen {
            id: (window.id)(),
            number: window.number,
            kind: ContentKind::Blob,
            path: window.path,
            start: window.start,
            line: window.line,
            lead: window.start - window.line_start,
            lead_characters: window.line_characters,
        };
        self.emit(&seen, content, found, map);
    }

    /// Says that content is scanned in windows, and what is not done with it.
    fn note_large(&mut self, window: &Window<'_>) {
        let path = window.path.map(|path| String::from_utf8_lossy(path).into());
        let mut say = |kind, message: &str| {
            self.out.issue(ScanIssue {
                kind,
                object: window.path.is_none().then(|| (window.id)()),
                path: path.clone(),
                message: message.to_owned(),
            });
        };
        say(
            IssueKind::Note,
            "larger than memory allows (--max-memory): scanned part by part",
        );
        #[cfg(feature = "containers")]
        if crate::container::detect(window.bytes).is_some() {
            say(
                IssueKind::Limit,
                "larger than memory allows (--max-memory): its bytes were scanned, and what it \
                 contains was not opened",
            );
        }
    }
}
