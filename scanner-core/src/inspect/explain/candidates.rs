//! The candidates of one text, and what the confirm stage says of them.

use super::super::single::{OneRule, bare};
use crate::{
    confirm::{ConfirmWorker, Confirmer, Match},
    engine::{Engine, EngineWorker, Hit},
    filter::trace::Step,
    report::printable,
    rules::{Literal, MAX_LITERAL_BYTES, Plan, Rule, RuleSet},
};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    ops::Range,
    sync::Arc,
};

/// Most matches of a rule that searches whole contents that are told of.
const MOST_WHOLE: usize = 1000;

/// A candidate and what the confirm stage made of it.
pub(super) struct Candidate {
    pub(super) rule: u32,
    /// Where the literal stands, or the match of a rule that has none.
    pub(super) literal: Range<usize>,
    /// What the expression matched, whatever became of it.
    pub(super) raw: Option<Match>,
    /// What the confirm stage left.
    pub(super) found: Option<Match>,
    pub(super) steps: Vec<Step>,
}

impl Candidate {
    /// Bytes of the secret, or of the literal where there is no match.
    pub(super) fn span(&self) -> Range<usize> {
        let spans = self.found.or(self.raw);
        spans.map_or(self.literal.clone(), |m| m.secret_start..m.secret_end)
    }
}

/// Finds candidates in one text after the other.
pub(super) struct Search<'a> {
    rules: &'a RuleSet,
    confirmer: &'a Arc<Confirmer>,
    engine: Box<dyn EngineWorker + Send + 'a>,
    worker: ConfirmWorker,
    /// Rules without their filters, by number, as they are needed.
    bare: HashMap<u32, OneRule>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        rules: &'a RuleSet,
        confirmer: &'a Arc<Confirmer>,
        engine: &'a dyn Engine,
    ) -> Self {
        Self {
            rules,
            confirmer,
            engine: engine.worker(),
            worker: confirmer.worker(),
            bare: HashMap::new(),
        }
    }

    /// The candidates whose literal stands in `window`, overlaps settled.
    pub(super) fn candidates(&mut self, content: &[u8], window: &Range<usize>) -> Vec<Candidate> {
        let set = Arc::clone(self.confirmer.literals());
        let mut hits = Vec::new();
        self.engine.hits(content, window.clone(), &mut hits);
        let mut out: Vec<Candidate> = Vec::new();
        for hit in hits {
            let (bytes, _) = &set.literals()[hit.literal as usize];
            for attempt in self.worker.explain(content, hit) {
                let mut steps = vec![literal_step(bytes)];
                steps.extend(attempt.steps);
                let raw = attempt
                    .found
                    .or_else(|| self.raw(attempt.rule, bytes, hit, content));
                out.push(Candidate {
                    rule: attempt.rule,
                    raw,
                    found: attempt.found,
                    literal: hit.start as usize..hit.start as usize + bytes.len(),
                    steps,
                });
            }
        }
        for (index, rule) in self.rules.rules().iter().enumerate() {
            if matches!(rule.plan, Plan::WholeBlob { .. }) {
                self.whole_blob(index as u32, rule, content, window, &mut out);
            }
        }
        // Two literals of a rule may lead to the same match.
        let mut seen = BTreeSet::new();
        out.retain(|c| {
            let raw = c.raw.map(|m| (m.start, m.end));
            raw.is_none_or(|span| seen.insert((c.rule, span)))
        });
        give_way(self.rules, &mut out, content);
        out
    }

    fn bare(&mut self, rule: u32) -> &mut OneRule {
        let rules = self.rules;
        self.bare
            .entry(rule)
            .or_insert_with(|| OneRule::new(&bare(&rules.rules()[rule as usize]), &[]))
    }

    /// What a rule's expression matches at a hit, before any filter.
    fn raw(&mut self, rule: u32, literal: &[u8], hit: Hit, content: &[u8]) -> Option<Match> {
        let one = self.bare(rule);
        let literals = one.literals().literals().iter();
        let own: Vec<Hit> = literals
            .enumerate()
            .filter(|(_, (bytes, _))| **bytes == *literal)
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
        &mut self,
        index: u32,
        rule: &Rule,
        content: &[u8],
        window: &Range<usize>,
        out: &mut Vec<Candidate>,
    ) {
        let one = self.bare(index);
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
        for m in found.iter().filter(near).take(MOST_WHOLE) {
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
}

fn literal_step(bytes: &[u8]) -> Step {
    Step {
        filter: "literal",
        value: format!("{:?} stands here", printable(bytes)),
        threshold: "one of the rule's literals".to_owned(),
        kept: true,
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
