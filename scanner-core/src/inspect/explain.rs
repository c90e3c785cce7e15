//! Why candidates were kept or dropped, filter by filter.
//!
//! The confirm stage tells what it did with a hit; allowlists, path and place are told here, in the
//! order of a scan, for every layer of a content that a scan sees. What a scan settles only when it
//! has seen all of the content (what gives way to what is encoded in it, which member tells of it,
//! which halves belong together) is not worked out a second time: the content is scanned, and what
//! is called reported is what the report holds. The candidates only supply the reasons.
//!
//! Nothing that is told holds a secret's bytes: a secret shows redacted, and entries of allowlists,
//! which may be secrets too, by their number.

mod candidates;
mod outcome;
mod place;
#[cfg(test)]
mod tests;

use super::layers::{Layer, walk};
use crate::{
    confirm::Confirmer,
    engine::{self, EngineError, EngineKind},
    filter::{allowlist::MatchText, score, trace::Step},
    model::{
        CommitId, Confidence, Encoding, Fingerprint, Location, Proof, RuleInfo, ScanIssue, Secret,
        Span,
    },
    rules::RuleSet,
    scan::{Input, NoObserver, ScanError, Scanner, ScannerBuilder},
};
use candidates::{Candidate, Search};
use outcome::Outcomes;
use place::Lists;
use std::{
    cmp::Reverse,
    ops::{Range, RangeInclusive},
    sync::{Arc, atomic::AtomicBool},
};

use super::single::lines_around;

/// Most candidates that are told of, of those that the confirm stage kept and of the others: a page
/// that nobody reads to its end helps nobody.
const MOST: usize = 1000;

/// What of a content to explain, and where it stands.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// Its path; empty where it is not known.
    pub path: &'a [u8],
    /// The member of interest, where the content is a container; `None` for the content itself and
    /// all members.
    pub member: Option<&'a [u8]>,
    /// The commit that brought it, where it is known.
    pub commit: Option<CommitId>,
    /// Lines of interest, 1-based, counted as [`Explained::location`] counts; `None` for all.
    pub lines: Option<RangeInclusive<u64>>,
    /// The fingerprint of interest, as reports give it; `None` for all candidates.
    pub fingerprint: Option<&'a str>,
    /// Least confidence that is reported.
    pub min_confidence: Confidence,
}

/// The candidates of a content.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Sorted by member, place and rule.
    pub candidates: Vec<Explained>,
    /// Whether there are more of them than are told of.
    pub more: bool,
    /// What was not looked at, because of a limit or because it cannot be read.
    pub issues: Vec<ScanIssue>,
}

/// What became of one candidate for one rule.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// Path of the member where it stands in one, as in an [`Occurrence`](crate::model::Occurrence).
    pub member: Option<Vec<u8>>,
    /// How it is encoded there, from the outermost encoding; empty where it stands as it is.
    pub encoding: Vec<Encoding>,
    /// Where the secret, or what writes it, stands in content or member; the literal where there is
    /// no match.
    pub location: Location,
    /// The secret, if the expression matched.
    pub secret: Option<Secret>,
    /// The bytes that write it where it is encoded: to be redacted like it.
    pub written: Option<Secret>,
    /// Its fingerprint, as reports give it.
    pub fingerprint: Option<Fingerprint>,
    /// What offline checks say, if it came that far.
    pub proof: Option<Proof>,
    /// The confidence, if it came that far: that of the finding where it is one.
    pub confidence: Option<Confidence>,
    /// What each filter said, in order.
    pub steps: Vec<Step>,
    /// Whether it is reported.
    pub kept: bool,
}

/// A candidate before it was compared with a report.
struct Draft {
    told: Explained,
    rule: u32,
    /// Bytes on its page, and whether that is UTF-16 read as text.
    page: Range<usize>,
    wide: bool,
    /// Bytes in content or member, as stored.
    span: Span,
    /// Its points at this place, where the confirm stage kept it.
    points: Option<i32>,
}

impl Draft {
    fn passed(&self) -> bool {
        self.points.is_some() && self.told.steps.iter().all(|step| step.kept)
    }
}

/// Explains the candidates of a content as a scan with this configuration judges them, sorted by
/// place and rule; at most the first thousand of those that the confirm stage keeps and of those
/// that it drops.
///
/// # Errors
/// When the engine cannot be made.
pub fn explain(
    scanner: &ScannerBuilder,
    content: &[u8],
    place: &Place<'_>,
) -> Result<Explanation, ScanError> {
    // What falls below a confidence is to be told of, too.
    let scanner = scanner.clone().min_confidence(Confidence::Low).build()?;
    let input = Input::Memory {
        path: place.path.to_vec(),
        bytes: content.to_vec(),
    };
    let report = scanner.scan(&input, &NoObserver, &AtomicBool::new(false))?;
    drop(input);
    let rules = scanner.rules();
    let mut search = Search::new(rules, scanner.confirmer(), scanner.engine());
    let mut lists = Lists::new(rules);
    let (mut drafts, mut more) = (Vec::new(), false);
    let mut room = [MOST, MOST];
    let mut visit = |layer: &Layer<'_>| {
        if place
            .member
            .is_some_and(|asked| layer.member != Some(asked))
        {
            return;
        }
        for candidate in search.candidates(layer.text, &layer.window) {
            if !asked_for(&scanner, &candidate, layer, place) {
                continue;
            }
            let room = &mut room[usize::from(candidate.found.is_some())];
            if *room == 0 {
                more = true;
                continue;
            }
            *room -= 1;
            drafts.push(draft(&scanner, &mut lists, candidate, layer, place));
        }
    };
    let lines = place.lines.as_ref();
    walk(content, &scanner.depths(), lines, &|| false, &mut visit);
    let outcomes = Outcomes::new(&scanner, &report, place.min_confidence);
    let mut candidates = outcomes.decide(drafts);
    candidates.sort_by(|a, b| {
        let key = |e: &Explained| {
            let at = (e.location.start_line, e.location.start_column);
            (at, Reverse(e.kept), e.encoding.len())
        };
        let sorted = a.member.cmp(&b.member).then(key(a).cmp(&key(b)));
        sorted.then_with(|| a.rule.id.cmp(&b.rule.id))
    });
    Ok(Explanation {
        candidates,
        more,
        issues: report.receipt.issues,
    })
}

/// Whether someone wants to know of a candidate.
fn asked_for(
    scanner: &Scanner,
    candidate: &Candidate,
    layer: &Layer<'_>,
    place: &Place<'_>,
) -> bool {
    if let Some(asked) = place.fingerprint {
        let Some(m) = candidate.found.or(candidate.raw) else {
            return false;
        };
        let secret = Secret::new(&layer.text[m.secret_start..m.secret_end]);
        let id = &scanner.rules().rules()[candidate.rule as usize].info.id;
        if scanner.fingerprint(id, &secret).as_str() != asked {
            return false;
        }
    }
    let Some(lines) = &place.lines else {
        return true;
    };
    let at = location(layer, &layer.on_page(candidate.span()));
    at.start_line <= *lines.end() && *lines.start() <= at.end_line
}

fn location(layer: &Layer<'_>, at: &Range<usize>) -> Location {
    Location::of(layer.page, Span::new(at.start as u64, at.end as u64))
}

/// Tells what content and place say of a candidate.
fn draft(
    scanner: &Scanner,
    lists: &mut Lists<'_>,
    candidate: Candidate,
    layer: &Layer<'_>,
    place: &Place<'_>,
) -> Draft {
    let number = candidate.rule;
    let rule = lists.rule(number);
    let page = layer.on_page(candidate.span());
    let stored = layer.stored(page.clone());
    let spans = candidate.found.or(candidate.raw);
    let secret = spans.map(|m| Secret::new(&layer.text[m.secret_start..m.secret_end]));
    let encoded = !layer.encoding.is_empty();
    let written = (encoded && secret.is_some()).then(|| Secret::new(&layer.page[page.clone()]));
    let proof = candidate.found.map(|m| m.proof);
    let points = candidate
        .found
        .map(|m| place::points(&m, place.path, layer.member));
    let steps = place::tell(lists, candidate, layer, place);
    Draft {
        told: Explained {
            fingerprint: secret
                .as_ref()
                .map(|secret| scanner.fingerprint(&rule.info.id, secret)),
            rule: Arc::clone(&rule.info),
            member: layer.member.map(<[u8]>::to_vec),
            encoding: layer.encoding.to_vec(),
            location: location(layer, &page),
            secret,
            written,
            proof,
            confidence: points.map(score::confidence),
            steps,
            kept: false,
        },
        rule: number,
        page,
        wide: layer.is_wide(),
        span: Span::new(stored.start as u64, stored.end as u64),
        points,
    }
}

/// What the rules find in a text whose place is not known, however unlikely it is and whatever it
/// lacks: to keep it out of what is shown.
///
/// # Errors
/// When the engine cannot be made.
pub fn secrets_in(rules: &RuleSet, text: &[u8]) -> Result<Vec<Secret>, EngineError> {
    let confirmer = Arc::new(Confirmer::new(rules));
    let engine = engine::build(EngineKind::Literal, Arc::clone(confirmer.literals()))?;
    let mut search = Search::new(rules, &confirmer, &*engine);
    let mut out = Vec::new();
    for candidate in search.candidates(text, &(0..text.len())) {
        let Some(m) = candidate.found else { continue };
        let lines = || lines_around(text, m.start, m.end);
        let asked = MatchText {
            secret: &text[m.secret_start..m.secret_end],
            matched: &text[m.start..m.end],
            lines: &lines,
        };
        let kept = candidate.steps.iter().all(|step| step.kept);
        if kept && confirmer.content_verdict(m.rule, &asked).is_some() {
            out.push(Secret::new(asked.secret));
        }
    }
    Ok(out)
}
