//! Why candidates were kept or dropped, filter by filter.
//!
//! The confirm stage tells what it did with a hit; what comes after it in a scan (overlaps,
//! allowlists that look at lines, path or commit, the place's share of the confidence) is told
//! here, in the order of a scan. Nothing that is told holds a secret's bytes: a secret shows
//! redacted, and entries of allowlists, which may be secrets too, by their number.

use super::single::{OneRule, bare, lines_around};
use crate::{
    confirm::{Confirmer, Match},
    decode::utf16,
    engine::{self, EngineError, EngineKind, Hit},
    filter::{
        allowlist::{CompiledAllowlists, MatchText, PathCondition},
        score,
        trace::Step,
    },
    model::{CommitId, Confidence, Fingerprint, Location, Proof, RuleInfo, Secret, Span},
    report::printable,
    rules::{Allowlist, Literal, MAX_LITERAL_BYTES, Plan, Rule, RuleSet},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    ops::{Range, RangeInclusive},
    sync::Arc,
};

/// How far around the lines asked for candidates are looked at, in bytes: what begins farther away
/// does not reach them.
const MARGIN_BYTES: usize = 64 << 10;
/// Most candidates that are told of: a page that nobody reads to its end helps nobody.
const MOST: usize = 1000;

/// What of a content to explain, and where it stands.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// Its path; empty where it is not known.
    pub path: &'a [u8],
    /// The commit that brought it, where it is known.
    pub commit: Option<CommitId>,
    /// Lines of interest, 1-based; `None` for all.
    pub lines: Option<RangeInclusive<u64>>,
    /// Least confidence that is reported.
    pub min_confidence: Confidence,
}

/// What became of one candidate for one rule.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// Where the secret stands; the literal where there is no match.
    pub location: Location,
    /// The secret, if the expression matched.
    pub secret: Option<Secret>,
    /// Its fingerprint, as reports give it.
    pub fingerprint: Option<Fingerprint>,
    /// What offline checks say, if it came that far.
    pub proof: Option<Proof>,
    /// The confidence, if it came that far.
    pub confidence: Option<Confidence>,
    /// What each filter said, in order.
    pub steps: Vec<Step>,
    /// Whether it is reported.
    pub kept: bool,
}

/// Explains the candidates of a content, sorted by place and rule; at most the first thousand.
///
/// # Errors
/// When the engine cannot be made.
pub fn explain(
    rules: &RuleSet,
    content: &[u8],
    place: &Place<'_>,
) -> Result<Vec<Explained>, EngineError> {
    let mut decoded = Vec::new();
    let content = match utf16::detect(content) {
        Some(kind) => {
            utf16::decode(content, kind, &mut decoded);
            &decoded
        }
        None => content,
    };
    let window = window(content, place.lines.as_ref());
    let mut candidates = candidates(rules, content, &window)?;
    give_way(rules, &mut candidates, content);
    let lists: BTreeMap<u32, CompiledAllowlists> = candidates
        .iter()
        .map(|c| c.rule)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|rule| {
            let own = &rules.rules()[rule as usize].allowlists;
            (rule, CompiledAllowlists::new(own))
        })
        .collect();
    let all = CompiledAllowlists::new(rules.allowlists());
    let mut out = Vec::new();
    for candidate in candidates {
        let rule = &rules.rules()[candidate.rule as usize];
        let spans = candidate.found.as_ref().or(candidate.raw.as_ref());
        let span = spans.map_or(candidate.literal.clone(), |m| m.secret_start..m.secret_end);
        let location = Location::of(content, Span::new(span.start as u64, span.end as u64));
        let touched = location.start_line..=location.end_line;
        let meets = place
            .lines
            .as_ref()
            .is_none_or(|lines| touched.start() <= lines.end() && lines.start() <= touched.end());
        if !meets {
            continue;
        }
        if out.len() == MOST {
            break;
        }
        let own = (&lists[&candidate.rule], rule.allowlists.as_slice());
        let lists = [
            ("of the rule", own),
            ("over all rules", (&all, rules.allowlists())),
        ];
        out.push(judged(rule, candidate, location, content, place, &lists));
    }
    out.sort_by_key(|e: &Explained| {
        (
            (e.location.start_line, e.location.start_column),
            Reverse(e.kept),
            e.rule.id.clone(),
        )
    });
    Ok(out)
}

/// What the rules report in a text whose place is not known, however unlikely it is: to keep it out
/// of what is shown.
///
/// # Errors
/// When the engine cannot be made.
pub fn secrets_in(rules: &RuleSet, text: &[u8]) -> Result<Vec<Secret>, EngineError> {
    let place = Place {
        path: b"",
        commit: None,
        lines: None,
        min_confidence: Confidence::Low,
    };
    let explained = explain(rules, text, &place)?;
    let kept = explained.into_iter().filter(|e| e.kept);
    Ok(kept.filter_map(|e| e.secret).collect())
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

/// A candidate and what the confirm stage made of it.
struct Candidate {
    rule: u32,
    /// Where the literal stands, or the match of a rule that has none.
    literal: Range<usize>,
    /// What the expression matched, whatever became of it.
    raw: Option<Match>,
    /// What the confirm stage left.
    found: Option<Match>,
    steps: Vec<Step>,
}

fn candidates(
    rules: &RuleSet,
    content: &[u8],
    window: &Range<usize>,
) -> Result<Vec<Candidate>, EngineError> {
    let confirmer = Arc::new(Confirmer::new(rules));
    let set = confirmer.literals();
    let engine = engine::build(EngineKind::Literal, Arc::clone(set))?;
    let mut hits = Vec::new();
    engine.worker().hits(content, window.clone(), &mut hits);
    let mut worker = confirmer.worker();
    let mut out: Vec<Candidate> = Vec::new();
    for hit in hits {
        let (bytes, _) = &set.literals()[hit.literal as usize];
        for attempt in worker.explain(content, hit) {
            let mut steps = vec![literal_step(bytes)];
            steps.extend(attempt.steps);
            let rule = &rules.rules()[attempt.rule as usize];
            let literal = hit.start as usize..hit.start as usize + bytes.len();
            out.push(Candidate {
                rule: attempt.rule,
                raw: attempt.found.or_else(|| raw(rule, bytes, hit, content)),
                found: attempt.found,
                literal,
                steps,
            });
        }
    }
    for (index, rule) in rules.rules().iter().enumerate() {
        if matches!(rule.plan, Plan::WholeBlob { .. }) {
            whole_blob(index as u32, rule, content, window, &mut out);
        }
    }
    // Two literals of a rule may lead to the same match.
    let mut seen = BTreeSet::new();
    out.retain(|c| {
        let raw = c.raw.map(|m| (m.start, m.end));
        raw.is_none_or(|span| seen.insert((c.rule, span)))
    });
    Ok(out)
}

fn literal_step(bytes: &[u8]) -> Step {
    Step {
        filter: "literal",
        value: format!("{:?} stands here", printable(bytes)),
        threshold: "one of the rule's literals".to_owned(),
        kept: true,
    }
}

/// What a rule's expression matches at a hit, before any filter.
fn raw(rule: &Rule, literal: &[u8], hit: Hit, content: &[u8]) -> Option<Match> {
    let mut one = OneRule::new(&bare(rule), &[]);
    let literals = one.literals().literals().iter();
    let own: Vec<Hit> = literals
        .enumerate()
        .filter(|(_, (bytes, _))| bytes == literal)
        .map(|(index, _)| Hit {
            start: hit.start,
            literal: index as u32,
        })
        .collect();
    let mut found = Vec::new();
    one.confirm(content, &own, &mut found);
    found.first().copied()
}

/// The candidates of a rule that searches whole contents are the matches of its expression. Each is
/// explained through a rule of its own whose literal is how the match begins.
fn whole_blob(
    index: u32,
    rule: &Rule,
    content: &[u8],
    window: &Range<usize>,
    out: &mut Vec<Candidate>,
) {
    let mut one = OneRule::new(&bare(rule), &[]);
    let gate: Vec<Hit> = (0..one.literals().literals().len() as u32)
        .filter_map(|literal| {
            let stands = |at: &usize| one.literals().stands_at(literal, content, *at);
            let start = (0..content.len()).find(stands)? as u32;
            Some(Hit { start, literal })
        })
        .collect();
    let mut found = Vec::new();
    one.confirm(content, &gate, &mut found);
    let near = |m: &&Match| m.start < m.end && m.end > window.start && m.start < window.end;
    for m in found.iter().filter(near).take(MOST) {
        let head = m.start..m.end.min(m.start + MAX_LITERAL_BYTES);
        let mut twin = rule.clone();
        twin.plan = Plan::Literals {
            literals: vec![Literal {
                bytes: content[head.clone()].to_vec(),
                ignore_case: false,
                before_min: 0,
                before_max: 0,
            }],
            max_match_bytes: (m.end - m.start) as u32,
        };
        let confirmer = Arc::new(Confirmer::new(&RuleSet::new(vec![twin], Vec::new())));
        let hit = Hit {
            start: m.start as u32,
            literal: 0,
        };
        for attempt in confirmer.worker().explain(content, hit) {
            let mut steps = vec![Step {
                filter: "literal",
                value: "the rule has none".to_owned(),
                threshold: "all content is searched".to_owned(),
                kept: true,
            }];
            steps.extend(attempt.steps);
            let own = |found: Match| Match {
                rule: index,
                ..found
            };
            out.push(Candidate {
                rule: index,
                literal: head.clone(),
                raw: Some(own(*m)),
                found: attempt.found.map(own),
                steps,
            });
        }
    }
}

/// Settles overlaps as a scan does: of one rule the leftmost match counts, and the longest of those;
/// a generic rule gives way to any other.
fn give_way(rules: &RuleSet, candidates: &mut [Candidate], content: &[u8]) {
    let found = candidates.iter().enumerate();
    let mut order: Vec<(usize, Match)> = found.filter_map(|(i, c)| Some((i, c.found?))).collect();
    order.sort_by_key(|(_, m)| {
        (
            m.rule,
            m.start,
            Reverse(m.end),
            m.secret_start,
            m.secret_end,
        )
    });
    let mut kept: Vec<Match> = Vec::new();
    let mut lost: Vec<(usize, String)> = Vec::new();
    for (i, m) in order {
        match kept.last() {
            Some(last) if last.rule == m.rule && m.start < last.end => {
                lost.push((i, "another match of the rule overlaps it".to_owned()));
            }
            _ => kept.push(m),
        }
    }
    for (i, candidate) in candidates.iter().enumerate() {
        let Some(m) = candidate.found else { continue };
        if !rules.rules()[m.rule as usize].generic {
            continue;
        }
        let stronger = kept.iter().find(|k| {
            !rules.rules()[k.rule as usize].generic
                && k.secret_start < m.secret_end
                && m.secret_start < k.secret_end
        });
        if let Some(stronger) = stronger {
            let line = 1 + memchr::memchr_iter(b'\n', &content[..stronger.secret_start]).count();
            let id = &rules.rules()[stronger.rule as usize].info.id;
            lost.push((i, format!("gives way to {id} at line {line}")));
        }
    }
    for (i, value) in lost {
        candidates[i].steps.push(Step {
            filter: "overlap",
            value,
            threshold: "nothing stronger at the same place".to_owned(),
            kept: false,
        });
    }
}

type Lists<'a> = [(&'static str, (&'a CompiledAllowlists, &'a [Allowlist])); 2];

/// Tells the last part: allowlists, path, confidence.
fn judged(
    rule: &Rule,
    candidate: Candidate,
    location: Location,
    content: &[u8],
    place: &Place<'_>,
    lists: &Lists<'_>,
) -> Explained {
    let mut steps = candidate.steps;
    // The stage says only that there was one; which, is said below.
    let by_allowlist = steps
        .last()
        .is_some_and(|s| s.filter == "allowlist" && !s.kept);
    steps.retain(|step| step.filter != "allowlist");
    let path = (!place.path.is_empty()).then_some(place.path);
    let commit = place.commit.as_ref();
    let spans = candidate.found.or(candidate.raw);
    if let Some(m) = spans.filter(|_| candidate.found.is_some() || by_allowlist) {
        let lines = || lines_around(content, m.start, m.end);
        let text = MatchText {
            secret: &content[m.secret_start..m.secret_end],
            matched: &content[m.start..m.end],
            lines: &lines,
        };
        for (whose, (compiled, lists)) in lists {
            let told = compiled.tell(&text, path, commit);
            for (number, (told, list)) in told.into_iter().zip(*lists).enumerate() {
                let name = match list.description.as_str() {
                    "" => String::new(),
                    text => format!(" ({text})"),
                };
                steps.push(Step {
                    filter: "allowlist",
                    value: format!("number {} {whose}{name}: {}", number + 1, told.parts),
                    threshold: "must not hold".to_owned(),
                    kept: !told.holds,
                });
            }
        }
    }
    let mut confidence = None;
    if let Some(m) = candidate.found {
        if let Some(condition) = &rule.path {
            let holds = path.is_none_or(|path| PathCondition::new(condition).holds(path));
            steps.push(Step {
                filter: "path",
                value: match path {
                    Some(_) if holds => "the path matches".to_owned(),
                    Some(_) => "the path does not match".to_owned(),
                    None => "the path is not known".to_owned(),
                },
                threshold: format!("a path like {condition}"),
                kept: holds,
            });
        }
        let mut points = m.points;
        let (of_path, reason) = score::of_path(place.path, m.form);
        if m.proof != Proof::Proven && path.is_some() {
            points += of_path;
            steps.push(Step {
                filter: "path",
                value: reason.to_owned(),
                threshold: format!("{of_path:+}"),
                kept: true,
            });
        }
        let level = score::confidence(points);
        steps.push(Step {
            filter: "confidence",
            value: format!("{level} ({points} points)"),
            threshold: format!("at least {}", place.min_confidence),
            kept: level >= place.min_confidence,
        });
        confidence = Some(level);
    }
    let secret = spans.map(|m| Secret::new(&content[m.secret_start..m.secret_end]));
    Explained {
        fingerprint: secret
            .as_ref()
            .map(|secret| Fingerprint::new(&rule.info.id, secret)),
        rule: Arc::clone(&rule.info),
        location,
        secret,
        proof: candidate.found.map(|m| m.proof),
        confidence,
        kept: candidate.found.is_some() && steps.iter().all(|step| step.kept),
        steps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "
        [[allowlists]]
        description = 'generated'
        paths = ['''^gen/''']
        [[rules]]
        id = 'acme'
        regex = '''acme_([a-z0-9]{12})'''
        entropy = 2.0
        [[rules.allowlists]]
        description = 'samples'
        stopwords = ['sample', 'demo']
        [[rules]]
        id = 'any'
        regex = '''key=([a-z0-9_]{10,40})'''
        generic = true
        [[rules]]
        id = 'pin'
        regex = '''\\b[0-9]{4}-[0-9]{4}\\b'''
        path = '''[.]pin$'''";

    fn explained(content: &str, path: &str, line: Option<u64>) -> Vec<Explained> {
        let rules = RuleSet::parse(RULES, "f.toml").expect("valid").rules;
        let place = Place {
            path: path.as_bytes(),
            commit: None,
            lines: line.map(|line| line..=line),
            min_confidence: Confidence::Low,
        };
        explain(&rules, content.as_bytes(), &place).expect("the engine is made")
    }

    /// The verdict, and the filter and value of what dropped it.
    fn ends(explained: &[Explained]) -> Vec<(String, bool, String)> {
        let end = |e: &Explained| {
            let last = e.steps.iter().find(|s| !s.kept);
            let told = last.map_or_else(String::new, |s| format!("{}: {}", s.filter, s.value));
            (e.rule.id.clone(), e.kept, told)
        };
        explained.iter().map(end).collect()
    }

    fn one(content: &str, path: &str) -> (bool, String) {
        let all = ends(&explained(content, path, None));
        assert_eq!(all.len(), 1, "{all:?}");
        (all[0].1, all[0].2.clone())
    }

    #[test]
    fn the_filter_that_drops_a_candidate_is_named_with_what_it_saw() {
        assert_eq!(one("acme_q7wz81mkx2vd", "x"), (true, String::new()));
        let dropped = |content: &str, path: &str, says: &str| {
            let (kept, told) = one(content, path);
            assert!(!kept && told.contains(says), "{content}: {told}");
        };
        dropped("acme_short", "x", "expression: no match");
        dropped("acme_aaaaaaaaaaaa", "x", "entropy: 0.00 bits");
        dropped(
            "acme_q7demo81mkx2",
            "x",
            "allowlist: number 1 of the rule (samples): stop words: number 1 of 2",
        );
        dropped(
            "acme_q7wz81mkx2vd",
            "gen/x",
            "allowlist: number 1 over all rules (generated): paths: number 1 of 1",
        );
        dropped("1234-9876", "x", "path: the path does not match");
        assert!(one("1234-9876", "x.pin").0);
    }

    #[test]
    fn a_generic_rule_says_what_it_gives_way_to() {
        let all = ends(&explained("\nkey=acme_q7wz81mkx2vd", "x", None));
        let any = all
            .iter()
            .find(|e| e.0 == "any")
            .expect("it is a candidate");
        assert_eq!(any.2, "overlap: gives way to acme at line 2");
    }

    #[test]
    fn only_the_lines_asked_for_are_told_of_and_no_secret_is() {
        let content = "acme_q7wz81mkx2vd\nacme_v4tn60hrp9sj\nacme_aaaaaaaaaaaa\n";
        let second = explained(content, "x", Some(2));
        assert_eq!(second.len(), 1);
        assert_eq!(second[0].location.start_line, 2);
        for e in explained(content, "x", None) {
            let all = format!("{e:?}");
            assert!(!all.contains("wz81") && !all.contains("tn60"), "{all}");
        }
    }

    #[test]
    fn what_is_kept_is_what_a_scan_reports() {
        use crate::scan::{Input, NoObserver, Scanner};
        use std::sync::atomic::AtomicBool;
        let rules = RuleSet::parse(RULES, "f.toml").expect("valid").rules;
        let scanner = Scanner::builder()
            .rules(rules)
            .min_confidence(Confidence::Low)
            .build()
            .expect("it builds");
        let content = "key=acme_q7wz81mkx2vd acme_aaaaaaaaaaaa\nkey=j5x2hn8wq0rzt4 1234-9876\n\
                       acme_q7demo81mkx2 acme_g3yb58lfc7keacme_g3yb58lfc7ke\n";
        for path in ["x", "gen/x", "a.pin", ""] {
            let input = Input::Memory {
                path: path.as_bytes().to_vec(),
                bytes: content.as_bytes().to_vec(),
            };
            let report = scanner
                .scan(&input, &NoObserver, &AtomicBool::new(false))
                .expect("memory can be scanned");
            let mut reported: Vec<String> = report
                .findings
                .iter()
                .map(|f| f.fingerprint.to_string())
                .collect();
            reported.sort();
            let mut kept: Vec<String> = explained(content, path, None)
                .iter()
                .filter(|e| e.kept)
                .filter_map(|e| e.fingerprint.as_ref().map(ToString::to_string))
                .collect();
            kept.sort();
            kept.dedup();
            assert_eq!(kept, reported, "{path}");
        }
    }
}
