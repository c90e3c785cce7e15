//! Encoded regions of content: decoded, searched like any content, and again inside.
//!
//! What a region holds depends on its own bytes alone, so that a delta child takes it over from
//! its parent where it copies the region with all that decides whether it is one
//! ([`Region::reach`]); a region that was touched is decoded and searched anew.

use super::{
    overlap::Cover,
    worker::{BlobState, ScanWorker},
};
use crate::{
    confirm::Pending,
    decode::{self, Finder, Pieces, Region, utf16},
    extract::Form,
    model::Encoding,
    source::CopyRun,
};
use std::ops::Range;

/// The regions of a content, and what was found in them.
#[derive(Debug, Default)]
pub(super) struct Regions {
    /// Sorted, each once.
    list: Vec<Searched>,
    /// What all of them hold, positions counted from the region's start.
    held: Vec<Sighting>,
}

#[derive(Debug, Clone, Copy)]
struct Searched {
    region: Region,
    /// It holds `held[first..first + count]`.
    first: u32,
    count: u32,
}

/// A secret at a place, all filters passed but those that need path or commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) rule: u32,
    /// Bytes of the secret, or of what writes it.
    pub(super) start: usize,
    pub(super) end: usize,
    /// From the outermost; empty where the secret stands as it is.
    pub(super) encoding: Vec<Encoding>,
    pub(super) finding: u32,
    pub(super) pending: Pending,
    /// What the scoring of generic rules says.
    pub(super) points: i32,
    pub(super) form: Option<Form>,
}

impl Regions {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.held.clear();
    }

    /// Whether some region was too long to be decoded in full.
    pub(super) fn any_cut(&self) -> bool {
        self.list.iter().any(|s| s.region.is_cut())
    }

    /// Takes over the parent's regions that a run copies with all that makes them regions. `open`
    /// tells at which ends of the run both contents end, so that nothing can differ beyond.
    pub(super) fn inherit(&mut self, parent: &Self, run: &CopyRun, open: (bool, bool)) {
        let run_end = run.parent_start + run.len;
        let from = parent
            .list
            .partition_point(|s| (s.region.start as usize) < run.parent_start);
        for searched in &parent.list[from..] {
            let region = searched.region;
            let (start, end) = (region.start as usize, region.end as usize);
            if start >= run_end {
                break;
            }
            let reach = region.reach();
            let same = end <= run_end
                && (open.0 || start >= run.parent_start + reach)
                && (open.1 || end + reach <= run_end);
            if same {
                let moved = |at: usize| (at - run.parent_start + run.child_start) as u32;
                let region = Region {
                    start: moved(start),
                    end: moved(end),
                    ..region
                };
                let range = searched.first as usize..(searched.first + searched.count) as usize;
                self.push(region, parent.held[range].iter().cloned());
            }
        }
    }

    fn push(&mut self, region: Region, held: impl Iterator<Item = Sighting>) {
        let first = self.held.len() as u32;
        self.held.extend(held);
        self.list.push(Searched {
            region,
            first,
            count: self.held.len() as u32 - first,
        });
    }

    /// Leaves the regions that are not known yet, sorted.
    fn keep_unknown(&mut self, found: &mut Vec<Region>) {
        self.list.sort_unstable_by_key(|s| s.region);
        found.sort_unstable();
        found.dedup();
        found.retain(|region| {
            self.list
                .binary_search_by_key(region, |s| s.region)
                .is_err()
        });
    }

    /// What all regions hold, placed in the content.
    fn sightings(&self) -> impl Iterator<Item = Sighting> {
        self.list.iter().flat_map(|searched| {
            let at = searched.region.start as usize;
            let range = searched.first as usize..(searched.first + searched.count) as usize;
            self.held[range].iter().map(move |held| Sighting {
                start: held.start + at,
                end: held.end + at,
                ..held.clone()
            })
        })
    }
}

/// Where content may hold regions that its parent does not.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<Range<usize>>);

/// Changes that are nearer to each other are one: what stands around them is looked at once.
const NEAR: usize = 256;

impl Changes {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a change that lies after all others.
    pub(super) fn add(&mut self, change: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if change.start < last.end + NEAR => last.end = change.end,
            _ => self.0.push(change),
        }
    }
}

impl ScanWorker<'_> {
    /// Finds the regions of `content` that its state does not have from its parent, decodes and
    /// searches them and adds them. `depth` is that of the content: at least 1.
    pub(super) fn search_regions(
        &mut self,
        content: &[u8],
        changes: &Changes,
        depth: u32,
        regions: &mut Regions,
    ) {
        let (mut finder, mut found) = (Finder::default(), Vec::new());
        for change in &changes.0 {
            finder.find(content, change.clone(), &mut found);
        }
        if found.is_empty() {
            return;
        }
        regions.keep_unknown(&mut found);
        for region in found {
            let held = self.search_region(region, region.bytes(content), depth - 1);
            regions.push(region, held.into_iter());
        }
        regions.list.sort_unstable_by_key(|s| s.region);
    }

    /// What a region holds, positions counted from its start.
    fn search_region(&mut self, region: Region, bytes: &[u8], depth: u32) -> Vec<Sighting> {
        let mut text = Vec::new();
        decode::decode(region.encoding, bytes, &mut text, None);
        let mut found = self.search_text(&text, depth);
        // What PowerShell takes as an encoded command. Half a unit at the end may be padding.
        let wide = &text[..text.len() / 2 * 2];
        if let Some(kind) = utf16::detect(wide) {
            found.extend(self.search_wide(wide, kind, depth));
        }
        if found.is_empty() {
            return found;
        }
        // Most regions hold nothing, so pieces are noted only now.
        let mut pieces = Pieces::default();
        decode::decode(region.encoding, bytes, &mut text, Some(&mut pieces));
        for sighting in &mut found {
            wrap(sighting, region.encoding, |range| pieces.original(range));
            let written = &bytes[sighting.start..sighting.end];
            self.collector.written(sighting.finding, written);
        }
        found
    }

    /// What decoded text holds.
    fn search_text(&mut self, text: &[u8], depth: u32) -> Vec<Sighting> {
        let mut state = BlobState::default();
        self.examine(text, None, depth, &mut state);
        self.sightings(text, &state)
    }

    /// What UTF-16 holds, placed in it. `depth` is that of the text it is.
    pub(super) fn search_wide(
        &mut self,
        bytes: &[u8],
        kind: utf16::Utf16,
        depth: u32,
    ) -> Vec<Sighting> {
        let mut text = Vec::new();
        utf16::decode(bytes, kind, &mut text);
        let mut found = self.search_text(&text, depth);
        let mut mapping = utf16::Mapping::new(bytes, kind);
        for sighting in &mut found {
            wrap(sighting, kind.encoding(), |range| mapping.original(range));
        }
        found
    }
}

/// Moves a sighting from decoded text to what writes it.
fn wrap(
    sighting: &mut Sighting,
    encoding: Encoding,
    mut original: impl FnMut(Range<usize>) -> Range<usize>,
) {
    let written = original(sighting.start..sighting.end);
    sighting.start = written.start;
    sighting.end = written.end;
    sighting.encoding.insert(0, encoding);
}

/// Joins what stands in content as it is with what its regions hold.
///
/// A stretch with escapes holds most of its text as it is, so that most of what it holds was found
/// without decoding: the plain match stays, and so does that of fewer encodings where regions
/// overlap. A generic rule that takes the encoded value itself for a secret gives way to what is
/// in it; it is not asked about a value in which a rule that is not generic found something.
pub(super) fn join(plain: &mut Vec<Sighting>, regions: &Regions, is_generic: impl Fn(u32) -> bool) {
    let mut inner: Vec<Sighting> = regions.sightings().collect();
    if inner.is_empty() {
        return;
    }
    inner.sort_by(|a, b| {
        let key = |s: &Sighting| (s.rule, s.start, s.encoding.len(), s.end);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.encoding.cmp(&b.encoding))
    });
    let mut kept: Vec<Sighting> = Vec::with_capacity(inner.len());
    for sighting in inner {
        match kept.last_mut() {
            Some(last) if last.rule == sighting.rule && sighting.start < last.end => {
                if sighting.encoding.len() < last.encoding.len() {
                    *last = sighting;
                }
            }
            _ => kept.push(sighting),
        }
    }
    // Per rule, plain matches do not overlap.
    let mut same_rule: Vec<(u32, usize, usize, u32)> = plain
        .iter()
        .map(|p| (p.rule, p.start, p.end, p.finding))
        .collect();
    same_rule.sort_unstable();
    let specific = plain.iter().filter(|p| !is_generic(p.rule));
    let specific = Cover::new(specific.map(|p| (p.start, p.end)));
    kept.retain(|s| {
        let generic = is_generic(s.rule);
        if generic && specific.overlaps(s.start, s.end) {
            return false;
        }
        let before = same_rule.partition_point(|p| (p.0, p.1) < (s.rule, s.end));
        let Some(&(rule, _, end, finding)) = before.checked_sub(1).map(|i| &same_rule[i]) else {
            return true;
        };
        let beside = rule != s.rule || end <= s.start;
        beside || (generic && finding != s.finding)
    });
    let inside = Cover::new(kept.iter().map(|s| (s.start, s.end)));
    plain.retain(|p| !(is_generic(p.rule) && inside.overlaps(p.start, p.end)));
    plain.append(&mut kept);
    plain.sort_by_key(|p| (p.start, p.end, p.rule));
}
