//! One thread of a scan: from content to matches, doing work only for what is new.
//!
//! A blob that is a delta shares ranges with its parent. Literal hits inside a shared range are
//! the parent's, shifted; only what the delta inserts, and the seams between ranges, are
//! searched. A hit's verdict is the parent's too when the window it depends on lies inside one
//! shared range; else the hit is confirmed again. The result is what a scan of every blob in full
//! gives, byte for byte: `reference` does just that, and tests compare.

#[cfg(feature = "containers")]
mod members;
mod windows;

#[cfg(feature = "containers")]
pub(super) use members::Opening;

#[cfg(feature = "git")]
use super::increment::Ledger;
use super::{
    Observer, Scanner, cap,
    collect::{Collected, Collector, FindingKey, Origin, RawOccurrence},
    encoded::{Changes, Regions, Sighting, join},
    inline::Allowed,
    overlap::Cover,
};
use crate::{
    confirm::{ConfirmWorker, Confirmer, Match, Pending},
    decode::{
        MAX_REGION_BYTES,
        utf16::{self, Utf16},
    },
    engine::{EngineWorker, Hit},
    extract::Form,
    filter::allowlist::MatchText,
    model::{IssueKind, Location, ObjectId, ScanIssue, SkipReason, Span},
    source::{
        BlobView, BlobVisitor, ContentKind, CopyRun, HashKind, VisitContext, Window, WorkerFactory,
        blob_id, message,
    },
};
use std::{
    cmp::Reverse,
    iter::Peekable,
    ops::{ControlFlow, Range},
    sync::Arc,
};

/// What is kept of a blob for its delta children.
#[derive(Debug, Default)]
pub(super) struct BlobState {
    /// Hits, sorted. Nearly all come to nothing, so that what they came to is kept apart.
    hits: Vec<Hit>,
    /// Matches of the hits, sorted by these.
    matches: Vec<Carry>,
    /// Encoded regions and what is in them.
    regions: Regions,
    /// Bytes of the blob.
    len: usize,
}

/// A match, with positions relative to its hit's start (wrapping where they lie ahead of it), so
/// that it moves with it.
#[derive(Debug, Clone, Copy)]
struct Carry {
    hit: Hit,
    rule: u32,
    finding: u32,
    start: u32,
    end: u32,
    secret_start: u32,
    secret_end: u32,
    points: i32,
    form: Option<Form>,
    settled: bool,
}

/// A match in a blob that hit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) rule: u32,
    finding: u32,
    start: usize,
    end: usize,
    secret_start: usize,
    secret_end: usize,
    points: i32,
    form: Option<Form>,
    settled: bool,
}

/// Content, or part of it, in which something was found.
struct Seen<'v> {
    id: ObjectId,
    number: u32,
    kind: ContentKind,
    path: Option<&'v [u8]>,
    /// Where what is seen starts in the content, in bytes.
    start: u64,
    /// The line, 1-based, in which it starts.
    line: u64,
    /// Bytes of that line ahead of it.
    lead: u64,
    /// Characters of that line ahead of it.
    lead_characters: u64,
}

/// How a thread scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Delta-aware.
    Incremental,
    /// Every blob in full: what the reference engine does.
    Full,
}

/// One thread of a scan.
pub(super) struct ScanWorker<'a> {
    engine: Box<dyn EngineWorker + Send + 'a>,
    confirmer: &'a Arc<Confirmer>,
    confirm: ConfirmWorker,
    pub(super) collector: &'a Collector,
    observer: &'a dyn Observer,
    mode: Mode,
    depth: u32,
    origin: Origin,
    hash: HashKind,
    uncounted: Option<&'a (dyn Fn(u32) -> bool + Sync)>,
    #[cfg(feature = "git")]
    ledger: Option<&'a Ledger>,
    /// How much was told when the ledger last heard of it.
    #[cfg(feature = "git")]
    noted: (usize, usize),
    #[cfg(feature = "containers")]
    context: &'a VisitContext<'a>,
    #[cfg(feature = "containers")]
    opening: &'a Opening,
    /// Path of the member that is being scanned; `None` for the content itself.
    member: Option<Arc<[u8]>>,
    out: Collected,
    fresh: Vec<Hit>,
    /// What is searched of a delta, in between.
    gaps: Vec<Range<usize>>,
    found: Vec<Match>,
    placed: Vec<Placed>,
    changes: Changes,
    /// Shared ranges shorter than this are searched again rather than tracked.
    min_run: usize,
    /// Objects and bytes not yet told to the observer.
    untold: (u64, u64),
    /// What the content is written in that is being visited in windows.
    wide: Option<Utf16>,
}

/// Makes the threads' workers.
#[derive(Clone, Copy)]
pub(super) struct Visitors<'a> {
    pub(super) scanner: &'a Scanner,
    pub(super) collector: &'a Collector,
    pub(super) observer: &'a dyn Observer,
    #[cfg_attr(
        not(feature = "containers"),
        expect(dead_code, reason = "only opening containers asks the visitor to stop")
    )]
    pub(super) context: &'a VisitContext<'a>,
    pub(super) origin: Origin,
    /// Hash of content that comes without an id.
    pub(super) hash: HashKind,
    /// Numbers of content that was counted elsewhere.
    pub(super) uncounted: Option<&'a (dyn Fn(u32) -> bool + Sync)>,
    /// What earlier scans of the object database found out, and where to note what this one does.
    #[cfg(feature = "git")]
    pub(super) ledger: Option<&'a Ledger>,
}

impl<'a> WorkerFactory for Visitors<'a> {
    type Worker = ScanWorker<'a>;

    fn worker(&self) -> ScanWorker<'a> {
        let confirmer = self.scanner.confirmer();
        ScanWorker {
            engine: self.scanner.engine().worker(),
            confirmer,
            confirm: confirmer.worker(),
            collector: self.collector,
            observer: self.observer,
            mode: self.scanner.mode(),
            depth: self.scanner.max_decode_depth(),
            origin: self.origin,
            hash: self.hash,
            uncounted: self.uncounted,
            #[cfg(feature = "git")]
            ledger: self.ledger,
            #[cfg(feature = "git")]
            noted: (0, 0),
            #[cfg(feature = "containers")]
            context: self.context,
            #[cfg(feature = "containers")]
            opening: self.scanner.opening(),
            member: None,
            out: Collected::default(),
            fresh: Vec::new(),
            gaps: Vec::new(),
            found: Vec::new(),
            placed: Vec::new(),
            changes: Changes::default(),
            // A literal reaches from a seam into at most one run on either side.
            min_run: 2 * confirmer.literals().longest().max(16),
            untold: (0, 0),
            wide: None,
        }
    }
}

impl ScanWorker<'_> {
    /// Finds the hits of `content` and their verdicts, and what is encoded in it to so many levels.
    pub(super) fn examine(
        &mut self,
        content: &[u8],
        parent: Option<(&BlobState, &[CopyRun])>,
        depth: u32,
        state: &mut BlobState,
    ) {
        state.hits.clear();
        state.matches.clear();
        state.regions.clear();
        state.len = content.len();
        let mut changes = std::mem::take(&mut self.changes);
        changes.clear();
        if let Some((parent, runs)) = parent.filter(|_| self.mode == Mode::Incremental) {
            let mut fresh = self.search_gaps(content, runs, &mut changes);
            let mut hits = fresh.iter().copied().peekable();
            let (mut kept_end, mut next_hit) = (0, 0);
            for run in self.kept(runs) {
                self.confirm_gap(content, kept_end..run.child_start, &mut hits, state);
                next_hit = self.inherit(content, parent, run, next_hit, state);
                kept_end = run.child_start + run.len;
            }
            self.confirm_gap(content, kept_end..content.len(), &mut hits, state);
            fresh.clear();
            self.fresh = fresh;
            // Hits that reach over a seam may come after some of the run that follows it.
            if !state.hits.is_sorted() {
                state.hits.sort_unstable();
            }
            // What was taken over of a run comes after what was confirmed again.
            if !state.matches.is_sorted_by_key(|carry| carry.hit) {
                state.matches.sort_by_key(|carry| carry.hit);
            }
        } else {
            let mut fresh = std::mem::take(&mut self.fresh);
            self.engine.hits(content, 0..content.len(), &mut fresh);
            for hit in fresh.drain(..) {
                self.confirm(content, hit, state);
            }
            self.fresh = fresh;
            changes.add(0..content.len());
        }
        if depth > 0 {
            self.search_regions(content, &changes, depth, &mut state.regions);
        }
        self.changes = changes;
    }

    /// The runs that are long enough to take hits over.
    fn kept<'r>(&self, runs: &'r [CopyRun]) -> impl Iterator<Item = &'r CopyRun> + use<'r> {
        let min_run = self.min_run;
        runs.iter().filter(move |run| run.len >= min_run)
    }

    /// Searches what lies between the kept runs, and the seams on both sides; takes it down as changes.
    fn search_gaps(&mut self, content: &[u8], runs: &[CopyRun], changes: &mut Changes) -> Vec<Hit> {
        let reach = self.confirmer.literals().longest().saturating_sub(1);
        let mut gaps = std::mem::take(&mut self.gaps);
        let mut fresh = std::mem::take(&mut self.fresh);
        let mut add = |start: usize, end: usize| {
            changes.add(start..end);
            // The content's ends count as seams only where the run does not reach them.
            if start < end || (start > 0 && end < content.len()) {
                let to = if end == content.len() {
                    end
                } else {
                    end + reach
                };
                gaps.push(start.saturating_sub(reach)..to);
            }
        };
        let mut kept_end = 0;
        for run in self.kept(runs) {
            add(kept_end, run.child_start);
            kept_end = run.child_start + run.len;
        }
        add(kept_end, content.len());
        self.engine.hits_within(content, &gaps, &mut fresh);
        gaps.clear();
        self.gaps = gaps;
        fresh
    }

    /// Confirms those of the next hits that do not lie wholly ahead of or behind a gap: those are
    /// inherited.
    fn confirm_gap(
        &mut self,
        content: &[u8],
        gap: Range<usize>,
        hits: &mut Peekable<impl Iterator<Item = Hit>>,
        state: &mut BlobState,
    ) {
        // Gaps are at least so far apart that what was searched of them is.
        let last = gap.end + self.min_run / 2;
        while let Some(hit) = hits.next_if(|hit| (hit.start as usize) < last) {
            let start = hit.start as usize;
            let end = start + self.literal_len(hit.literal);
            if (end > gap.start || gap.start == 0) && (start < gap.end || gap.end == content.len())
            {
                self.confirm(content, hit, state);
            }
        }
    }

    fn literal_len(&self, literal: u32) -> usize {
        self.confirmer.literals().literals()[literal as usize]
            .0
            .len()
    }

    /// Confirms a hit and adds it to the state.
    fn confirm(&mut self, content: &[u8], hit: Hit, state: &mut BlobState) {
        self.found.clear();
        self.confirm.confirm(content, hit, &mut self.found);
        state.hits.push(hit);
        for m in &self.found {
            let key = FindingKey {
                rule: m.rule,
                secret: &content[m.secret_start..m.secret_end],
            };
            let finding = self.collector.finding(key, m.proof);
            let relative = |at: usize| (at as u32).wrapping_sub(hit.start);
            state.matches.push(Carry {
                hit,
                rule: m.rule,
                finding,
                start: relative(m.start),
                end: relative(m.end),
                secret_start: relative(m.secret_start),
                secret_end: relative(m.secret_end),
                points: m.points,
                form: m.form,
                settled: m.settled,
            });
        }
    }

    /// Takes over the parent's hits inside a run. `near` is the number of a hit of the parent to
    /// look for the first one from; returns the number of the first one after the run.
    fn inherit(
        &mut self,
        content: &[u8],
        parent: &BlobState,
        run: &CopyRun,
        near: usize,
        state: &mut BlobState,
    ) -> usize {
        let run_end = run.parent_start + run.len;
        let ahead = |hit: &Hit| (hit.start as usize) < run.parent_start;
        let from = partition_point_near(&parent.hits, near, ahead);
        // Beyond the content's ends there is nothing to change, if both contents end there.
        let open_start = run.parent_start == 0 && run.child_start == 0;
        let open_end = run_end == parent.len && run.child_start + run.len == content.len();
        state
            .regions
            .inherit(&parent.regions, run, (open_start, open_end));
        let moved = |hit: Hit| Hit {
            start: (hit.start as usize - run.parent_start + run.child_start) as u32,
            ..hit
        };
        // What a verdict depends on holds the literal, and a content's end is a hit's too.
        let confirmer = self.confirmer;
        let is_same = |hit: Hit| {
            let (start, reach) = (hit.start as usize, confirmer.reach(hit.literal));
            (open_start || start >= run.parent_start + reach.before as usize)
                && (open_end || start + reach.after as usize <= run_end)
        };
        let mut to = parent.hits.len();
        for (number, &hit) in (from..).zip(&parent.hits[from..]) {
            if hit.start as usize >= run_end {
                to = number;
                break;
            }
            if is_same(hit) {
                state.hits.push(moved(hit));
            } else if hit.start as usize + self.literal_len(hit.literal) <= run_end {
                self.confirm(content, moved(hit), state);
            }
        }
        if !parent.matches.is_empty() && from < to {
            let (first, last) = (parent.hits[from], parent.hits[to - 1]);
            let start = parent.matches.partition_point(|carry| carry.hit < first);
            let inside = parent.matches[start..].iter();
            let inside = inside.take_while(|carry| carry.hit <= last);
            let same = inside.filter(|carry| is_same(carry.hit));
            state.matches.extend(same.map(|carry| Carry {
                hit: moved(carry.hit),
                ..*carry
            }));
        }
        to
    }

    /// Collects what a state says of its content into `placed`.
    fn place(&mut self, content: &[u8], state: &BlobState) {
        self.placed.clear();
        self.placed.extend(state.matches.iter().map(|m| {
            let at = |relative: u32| m.hit.start.wrapping_add(relative) as usize;
            Placed {
                rule: m.rule,
                finding: m.finding,
                start: at(m.start),
                end: at(m.end),
                secret_start: at(m.secret_start),
                secret_end: at(m.secret_end),
                points: m.points,
                form: m.form,
                settled: m.settled,
            }
        }));
        if self.confirmer.has_whole_blob_rules() {
            self.found.clear();
            self.confirm
                .whole_blob(content, &state.hits, &mut self.found);
            for m in &self.found {
                let key = FindingKey {
                    rule: m.rule,
                    secret: &content[m.secret_start..m.secret_end],
                };
                self.placed.push(Placed {
                    rule: m.rule,
                    finding: self.collector.finding(key, m.proof),
                    start: m.start,
                    end: m.end,
                    secret_start: m.secret_start,
                    secret_end: m.secret_end,
                    points: m.points,
                    form: m.form,
                    settled: m.settled,
                });
            }
        }
    }

    /// Settles overlaps: per rule the leftmost match wins, and the longest of those; a generic
    /// rule gives way to any other. Leaves `placed` sorted by position.
    fn settle(&mut self) {
        if self.placed.is_empty() {
            return;
        }
        self.placed.sort_unstable_by_key(|p| {
            (
                p.rule,
                p.start,
                Reverse(p.end),
                p.secret_start,
                p.secret_end,
            )
        });
        let mut last: Option<Placed> = None;
        self.placed.retain(|p| {
            let keep = last.is_none_or(|l| l.rule != p.rule || p.start >= l.end);
            if keep {
                last = Some(*p);
            }
            keep
        });
        let confirmer = self.confirmer;
        let specific = self
            .placed
            .iter()
            .filter(|p| !confirmer.rule(p.rule).generic);
        let taken = Cover::new(specific.map(|p| (p.secret_start, p.secret_end)));
        if !taken.is_empty() {
            self.placed.retain(|p| {
                let covered = taken.overlaps(p.secret_start, p.secret_end);
                !(confirmer.rule(p.rule).generic && covered)
            });
        }
        self.placed
            .sort_unstable_by_key(|p| (p.secret_start, p.secret_end, p.rule));
    }

    /// What a state says of its content: settled, filtered by content, joined with what is encoded
    /// in it. Sorted by position.
    pub(super) fn sightings(&mut self, content: &[u8], state: &BlobState) -> Vec<Sighting> {
        self.place(content, state);
        self.settle();
        let mut out = Vec::new();
        for p in &self.placed {
            let pending = if p.settled {
                Some(Pending::default())
            } else {
                self.confirmer.content_verdict(
                    p.rule,
                    &MatchText {
                        secret: &content[p.secret_start..p.secret_end],
                        matched: &content[p.start..p.end],
                        lines: &|| lines_around(content, p.start, p.end),
                    },
                )
            };
            let Some(pending) = pending else { continue };
            out.push(Sighting {
                rule: p.rule,
                start: p.secret_start,
                end: p.secret_end,
                encoding: Vec::new(),
                finding: p.finding,
                pending,
                points: p.points,
                form: p.form,
            });
        }
        join(&mut out, &state.regions, |rule| {
            self.confirmer.rule(rule).generic
        });
        out
    }

    /// Records sightings in `content`. `map` gives the range of the bytes as stored that a range of
    /// `content` stands for.
    fn emit(
        &mut self,
        seen: &Seen<'_>,
        content: &[u8],
        mut sightings: Vec<Sighting>,
        mut map: impl FnMut(Range<usize>) -> Range<usize>,
    ) {
        let id = seen.id;
        for rule in cap::cut(&mut sightings) {
            let issue = cap::issue(&self.confirmer.rule(rule).info.id, id, seen.path);
            self.out.issue(issue);
        }
        // A line of a message or of an archive's member is none that somebody commented.
        let commented = seen.kind == ContentKind::Blob && self.member.is_none();
        let allowed = (commented && !sightings.is_empty()).then(|| Allowed::of(content, seen.line));
        let (mut at, mut line, mut line_start) = (0, seen.line, 0);
        for sighting in sightings {
            let (start, end) = (sighting.start, sighting.end);
            // Positions come sorted, so lines are counted once over the content.
            let before = &content[at..start];
            line += memchr::memchr_iter(b'\n', before).count() as u64;
            line_start = memchr::memrchr(b'\n', before).map_or(line_start, |n| at + n + 1);
            at = start;
            let within = Location::of(
                &content[line_start..end],
                Span::new((start - line_start) as u64, (end - line_start) as u64),
            );
            let stored = map(start..end);
            let first = |line: u64, lead: u64| if line == seen.line { lead } else { 0 };
            let lead = |line| first(line, seen.lead);
            let lead_characters = |line| first(line, seen.lead_characters);
            let end_line = line + within.end_line - 1;
            self.out.occurrences.push(RawOccurrence {
                finding: sighting.finding,
                origin: self.origin,
                number: seen.number,
                kind: seen.kind,
                id,
                pending: sighting.pending,
                points: sighting.points,
                form: sighting.form,
                encoding: sighting.encoding,
                member: self.member.clone(),
                location: Location {
                    start_line: line,
                    start_column: within.start_column + lead(line),
                    end_line,
                    end_column: within.end_column + lead(end_line),
                    start_character: within.start_character + lead_characters(line),
                    end_character: within.end_character + lead_characters(end_line),
                },
                span: Span::new(
                    seen.start + stored.start as u64,
                    seen.start + stored.end as u64,
                ),
                allowed: allowed.as_ref().is_some_and(|a| a.any(line..=end_line)),
            });
        }
    }

    /// Counts content that was scanned, and tells the observer now and then.
    fn count(&mut self, number: u32, kind: ContentKind, bytes: u64) {
        if self.uncounted.is_some_and(|uncounted| uncounted(number)) {
            return;
        }
        self.out.count(kind, bytes);
        self.untold.0 += 1;
        self.untold.1 += bytes;
        if self.untold.0 >= TELL_EVERY || self.untold.1 >= 1 << 22 {
            self.observer.progress(self.untold.0, self.untold.1);
            self.untold = (0, 0);
        }
    }

    /// Notes in the ledger that more was scanned of some content, to its end if a kind is given.
    #[cfg_attr(
        not(feature = "git"),
        expect(clippy::unused_self, reason = "ledgers are of object databases")
    )]
    fn note(&mut self, number: u32, ended: Option<ContentKind>) {
        #[cfg(feature = "git")]
        if let Some(ledger) = self.ledger {
            // A source says what is wrong with an object just before it hands it over.
            let told = (self.out.occurrences.len(), self.out.issues());
            if self.noted != told {
                self.noted = told;
                ledger.mark(number);
            }
            if let Some(kind) = ended {
                ledger.done(number, kind);
            }
        }
        #[cfg(not(feature = "git"))]
        let _ = (number, ended);
    }

    /// Whether this is a message that an earlier scan found nothing in. It is only passed by, its
    /// commit being read anyway.
    #[cfg(feature = "git")]
    fn is_clean_message(&self, view: &BlobView<'_, BlobState>) -> bool {
        let is_clean = |ledger: &Ledger| ledger.passes_by(view.number);
        view.kind != ContentKind::Blob && view.report && self.ledger.is_some_and(is_clean)
    }

    /// Content that is seen as a whole.
    fn seen<'v>(&self, view: &BlobView<'v, BlobState>) -> Seen<'v> {
        Seen {
            id: view.id.unwrap_or_else(|| blob_id(view.bytes, self.hash)),
            number: view.number,
            kind: view.kind,
            path: view.path,
            start: 0,
            line: 1,
            lead: 0,
            lead_characters: 0,
        }
    }

    fn content(&mut self, view: &BlobView<'_, BlobState>, state: &mut BlobState) {
        let content = match view.kind {
            ContentKind::Blob => view.bytes,
            ContentKind::Tree => return,
            // Headers hold names and ids; a signature's armour is no secret.
            ContentKind::Commit | ContentKind::Tag => message(view.bytes),
        };
        let parent = view.parent.filter(|_| view.kind == ContentKind::Blob);
        self.examine(content, parent, self.depth, state);
        if !view.report {
            return;
        }
        #[cfg(feature = "containers")]
        let first = self.out.occurrences.len();
        self.tell(view, content, state);
        #[cfg(feature = "containers")]
        if view.kind == ContentKind::Blob {
            self.members(view, first);
        }
    }

    /// Records what a state says of its content, and what the content says as UTF-16.
    fn tell(&mut self, view: &BlobView<'_, BlobState>, content: &[u8], state: &BlobState) {
        let found = self.sightings(content, state);
        if !found.is_empty() {
            self.emit(&self.seen(view), content, found, |at| at);
        }
        let mut cut = state.regions.any_cut();
        if let Some(kind) = utf16::detect(content) {
            let (mut text, mut text_state) = (Vec::new(), BlobState::default());
            utf16::decode(content, kind, &mut text);
            self.examine(&text, None, self.depth, &mut text_state);
            let mut found = self.sightings(&text, &text_state);
            if !found.is_empty() {
                for sighting in &mut found {
                    sighting.encoding.insert(0, kind.encoding());
                }
                let mut mapping = utf16::Mapping::new(content, kind);
                self.emit(&self.seen(view), &text, found, |at| mapping.original(at));
            }
            cut |= text_state.regions.any_cut();
        }
        if cut {
            self.out.issue(ScanIssue {
                kind: IssueKind::Limit,
                object: view.id,
                path: view.path.map(|path| String::from_utf8_lossy(path).into()),
                message: format!(
                    "encoded text of more than {} MiB in one piece: the rest of it was searched \
                     as it stands, not decoded",
                    MAX_REGION_BYTES >> 20
                ),
            });
        }
    }
}

/// [`slice::partition_point`], looking around `near` first: what is far away has left the caches.
fn partition_point_near<T>(items: &[T], near: usize, ahead: impl Fn(&T) -> bool) -> usize {
    let near = near.min(items.len());
    let (mut start, mut step) = (near, 1);
    if near > 0 && !ahead(&items[near - 1]) {
        return items[..near].partition_point(ahead);
    }
    while let Some(item) = items.get(start + step - 1) {
        if !ahead(item) {
            break;
        }
        start += step;
        step *= 2;
    }
    let end = (start + step).min(items.len());
    start + items[start..end].partition_point(ahead)
}

/// Returns the whole lines that `start..end` touches, without the last one's end.
fn lines_around(content: &[u8], start: usize, end: usize) -> &[u8] {
    let from = memchr::memrchr(b'\n', &content[..start]).map_or(0, |newline| newline + 1);
    let to = memchr::memchr(b'\n', &content[end..]).map_or(content.len(), |n| end + n);
    &content[from..to]
}

/// Objects between two words to the observer.
const TELL_EVERY: u64 = 256;

impl BlobVisitor for ScanWorker<'_> {
    type State = BlobState;

    fn blob(&mut self, view: &BlobView<'_, BlobState>, state: &mut BlobState) -> ControlFlow<()> {
        #[cfg(feature = "git")]
        if self.is_clean_message(view) {
            self.out.count(view.kind, 0);
            return ControlFlow::Continue(());
        }
        self.content(view, state);
        if view.report {
            self.count(view.number, view.kind, view.bytes.len() as u64);
            self.note(view.number, Some(view.kind));
        }
        ControlFlow::Continue(())
    }

    fn overlap(&self) -> Option<usize> {
        Some(self.overlap_bytes())
    }

    fn window(&mut self, window: &Window<'_>) -> ControlFlow<()> {
        self.scan_window(window);
        self.note(window.number, window.last.then_some(ContentKind::Blob));
        ControlFlow::Continue(())
    }

    fn skipped(&mut self, kind: ContentKind, id: Option<ObjectId>, reason: SkipReason) {
        let _ = id;
        self.out.skip(kind, reason);
    }

    fn issue(&mut self, issue: ScanIssue) {
        self.out.issue(issue);
    }
}

impl Drop for ScanWorker<'_> {
    fn drop(&mut self) {
        self.observer.progress(self.untold.0, self.untold.1);
        self.collector.absorb(std::mem::take(&mut self.out));
    }
}

/// Looks at nothing: for passes that only read what content says of others.
#[cfg(feature = "git")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Silent;

#[cfg(feature = "git")]
impl WorkerFactory for Silent {
    type Worker = Self;
    fn worker(&self) -> Self {
        Self
    }
}

#[cfg(feature = "git")]
impl BlobVisitor for Silent {
    type State = ();
    fn blob(&mut self, _: &BlobView<'_, ()>, (): &mut ()) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn skipped(&mut self, _: ContentKind, _: Option<ObjectId>, _: SkipReason) {}
    fn issue(&mut self, _: ScanIssue) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Encoding,
        rules::RuleSet,
        scan::{EngineKind, NoObserver},
        source::window,
    };
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    /// Rules of every shape: a literal at the start, one inside, one with a wide window, one that
    /// searches whole blobs, one whose matches repeat and overlap.
    const RULES: &str = r#"
        [[rules]]
        id = "inner"
        description = "x"
        regex = '''[a-c]{0,6}key=([0-9]{2,4})'''
        [[rules]]
        id = "start"
        description = "x"
        regex = '''\btok_[a-z0-9]{4,12}\b'''
        [[rules]]
        id = "wide"
        description = "x"
        regex = '''BEGIN[\s\S]{0,60}?END'''
        [[rules]]
        id = "whole"
        description = "x"
        regex = '''[A-Z][0-9]{3}[A-Z]'''
        keywords = ["tok_"]
        [[rules]]
        id = "named"
        description = "x"
        assignment = "key"
        generic = true
        regex = '''token'''
        [[rules]]
        id = "generic"
        description = "x"
        generic = true
        regex = '''key\s?=\s?(\S{3,20})'''
        [[rules.allowlists]]
        regexTarget = "line"
        regexes = ['''allow''']
    "#;

    fn scanner() -> Scanner {
        let rules = RuleSet::parse(RULES, "test")
            .expect("the rules are valid")
            .rules;
        Scanner::builder()
            .rules(rules)
            .engine(EngineKind::Literal)
            .build()
            .expect("builds")
    }

    fn visitors<'a>(
        scanner: &'a Scanner,
        collector: &'a Collector,
        context: &'a VisitContext<'a>,
    ) -> Visitors<'a> {
        Visitors {
            scanner,
            collector,
            observer: &NoObserver,
            context,
            origin: Origin::Plain,
            hash: HashKind::Sha1,
            uncounted: None,
            #[cfg(feature = "git")]
            ledger: None,
        }
    }

    /// A piece of text that the rules nearly or fully match.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("tok_".to_owned()),
            Just("key=".to_owned()),
            Just("key = ".to_owned()),
            Just("BEGIN".to_owned()),
            Just("END".to_owned()),
            Just("allow\n".to_owned()),
            Just("my_token".to_owned()),
            Just(": ".to_owned()),
            Just("\"".to_owned()),
            "\"[a-zA-Z0-9]{14,18}\"",
            "[a-c0-9 \n]{1,12}",
            "[A-Z][0-9]{3}[A-Z]",
            "[a-z0-9]{30,90}",
        ]
    }

    /// A piece in some encoding, in one line or wrapped, or part of one.
    fn encoded() -> impl Strategy<Value = String> {
        let inside = prop::collection::vec(piece(), 1..9).prop_map(|p| p.concat());
        (inside, 0..9_usize, 20..80_usize).prop_map(|(text, how, width)| {
            let each = |write: &dyn Fn(u8) -> String| text.bytes().map(write).collect::<String>();
            let lines = |end: &str| {
                let encoded = STANDARD.encode(&text);
                let lines = encoded.as_bytes().chunks(width / 4 * 4);
                lines
                    .flat_map(|l| [str::from_utf8(l).unwrap(), end])
                    .collect::<String>()
            };
            match how {
                0 => STANDARD.encode(&text),
                1 => lines("\n"),
                2 => lines("\\n"),
                3 => each(&|b| format!("{b:02x}")),
                4 => each(&|b| format!("\\x{b:02x}")),
                5 => text.replace('=', "%3D").replace('_', "%5F"),
                6 => text.replace('=', "&#61;").replace(' ', "&#x20;"),
                7 => text.replace('=', "\\u003d").replace('\n', "\\n"),
                _ => STANDARD.encode(STANDARD.encode(&text)),
            }
        })
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![4 => piece(), 1 => encoded()];
        prop::collection::vec(piece, 1..40).prop_map(|p| p.concat().into_bytes())
    }

    const FRACTIONS: usize = 1000;

    /// One part of a child: copied from anywhere in the parent (fractions), or new.
    fn part() -> impl Strategy<Value = Result<(usize, usize), String>> {
        prop_oneof![
            3 => (0..FRACTIONS, 0..FRACTIONS).prop_map(Ok),
            1 => piece().prop_map(Err),
            1 => encoded().prop_map(Err),
            1 => Just(Err(String::new())),
        ]
    }

    /// Makes a child and the runs it copies, merged as deltas' are.
    fn child(parent: &[u8], parts: &[Result<(usize, usize), String>]) -> (Vec<u8>, Vec<CopyRun>) {
        let (mut bytes, mut runs) = (Vec::new(), Vec::<CopyRun>::new());
        for part in parts {
            match part {
                Err(new) => bytes.extend_from_slice(new.as_bytes()),
                Ok((a, b)) => {
                    let at = |f: &usize| f * parent.len() / FRACTIONS;
                    let (start, end) = (at(a).min(at(b)), at(a).max(at(b)));
                    let len = end - start;
                    match runs.last_mut() {
                        Some(last)
                            if last.child_start + last.len == bytes.len()
                                && last.parent_start + last.len == start =>
                        {
                            last.len += len;
                        }
                        _ if len > 0 => runs.push(CopyRun {
                            parent_start: start,
                            child_start: bytes.len(),
                            len,
                        }),
                        _ => {}
                    }
                    bytes.extend_from_slice(&parent[start..end]);
                }
            }
        }
        (bytes, runs)
    }

    type Shown = (Vec<Hit>, Vec<Sighting>);

    fn shown(worker: &mut ScanWorker<'_>, content: &[u8], state: &BlobState) -> Shown {
        (state.hits.clone(), worker.sightings(content, state))
    }

    /// What a worker has recorded since it was last asked.
    fn recorded(worker: &mut ScanWorker<'_>) -> Vec<(u32, Location, Span, Vec<Encoding>)> {
        let occurrences = std::mem::take(&mut worker.out.occurrences);
        let shown = |o: RawOccurrence| (o.finding, o.location, o.span, o.encoding);
        occurrences.into_iter().map(shown).collect()
    }

    proptest! {
        #[test]
        fn windows_show_what_the_whole_content_shows(
            pieces in prop::collection::vec(
                prop_oneof![9 => piece(), 1 => piece().prop_map(|p| STANDARD.encode(p))],
                1..600,
            ),
            own in 1..300_usize,
            wide: bool,
        ) {
            let rules = RULES.replace("[A-Z][0-9]{3}[A-Z]", "tok_[A-Z][0-9]{3}[A-Z]");
            let rules = RuleSet::parse(&rules, "test").expect("the rules are valid").rules;
            let scanner = Scanner::builder().rules(rules).build().expect("builds");
            let collector = Collector::default();
            let context = crate::source::testing::context(1);
            let mut worker = visitors(&scanner, &collector, &context).worker();
            let content = pieces.concat().into_bytes();
            let content: Vec<u8> = if wide {
                let units = content.iter().flat_map(|byte| [*byte & 0x7F, 0]);
                [0xFF, 0xFE].into_iter().chain(units).collect()
            } else {
                content
            };
            let id = blob_id(&content, HashKind::Sha1);
            let view = BlobView {
                id: Some(id),
                number: 0,
                kind: ContentKind::Blob,
                bytes: &content,
                path: None,
                parent: None,
                report: true,
            };
            let _ = worker.blob(&view, &mut BlobState::default());
            let whole = recorded(&mut worker);
            // An allowlist over lines sees as much of a line as a window shows.
            let longest_line = pieces.concat().lines().map(str::len).max().unwrap_or(0);
            let around = worker.confirmer.widest_reach() + longest_line.max(256);
            let overlap = around * if wide { 2 } else { 1 };
            let layout = window::testing::layout(2 * own, overlap);
            let large = window::Large { id: &|| id, number: 0, path: None, bytes: None };
            let size = window::visit(&mut worker, &context, &large, layout, &content[..]).unwrap();
            prop_assert_eq!(size, ControlFlow::Continue(content.len() as u64));
            let mut windows = recorded(&mut worker);
            let order = |o: &(u32, Location, Span, Vec<Encoding>)| {
                (!o.3.first().is_none_or(|e| !matches!(e, Encoding::Utf16Le)), o.2, o.0)
            };
            windows.sort_by_key(order);
            let mut whole = whole;
            whole.sort_by_key(order);
            prop_assert_eq!(windows, whole);
        }

        #[test]
        fn looking_near_changes_no_partition_point(
            mut items in prop::collection::vec(0..50_u32, 0..40),
            near in 0..50_usize,
            bound in 0..50_u32,
        ) {
            items.sort_unstable();
            let ahead = |item: &u32| *item < bound;
            prop_assert_eq!(
                partition_point_near(&items, near, ahead),
                items.partition_point(ahead)
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]

        /// Two generations, because what a child hands on must be right too.
        #[test]
        fn what_a_delta_inherits_is_what_a_full_search_finds(
            parent in text(),
            parts in prop::collection::vec(part(), 0..8),
            more in prop::collection::vec(part(), 0..8),
        ) {
            let scanner = scanner();
            let collector = Collector::default();
            let context = crate::source::testing::context(1);
            let mut worker = visitors(&scanner, &collector, &context).worker();
            let mut parent_state = BlobState::default();
            worker.examine(&parent, None, 3, &mut parent_state);
            let (first, runs) = child(&parent, &parts);
            let (second, more_runs) = child(&first, &more);
            let (mut inherited, mut full) = (BlobState::default(), BlobState::default());
            worker.examine(&first, Some((&parent_state, &runs)), 3, &mut inherited);
            worker.examine(&first, None, 3, &mut full);
            prop_assert_eq!(
                shown(&mut worker, &first, &inherited),
                shown(&mut worker, &first, &full)
            );
            let mut grandchild = BlobState::default();
            worker.examine(&second, Some((&inherited, &more_runs)), 3, &mut grandchild);
            worker.examine(&second, None, 3, &mut full);
            prop_assert_eq!(
                shown(&mut worker, &second, &grandchild),
                shown(&mut worker, &second, &full)
            );
        }
    }
}
