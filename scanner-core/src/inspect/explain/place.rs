//! What allowlists and path say of a candidate.

use super::{Candidate, Layer, Place, lines_around};
use crate::{
    confirm::Match,
    filter::{
        allowlist::{CompiledAllowlists, MatchText, PathCondition},
        score,
        trace::Step,
    },
    model::Proof,
    rules::{Allowlist, Rule, RuleSet},
};
use std::collections::HashMap;

/// The allowlists of rules, compiled when they are needed.
pub(super) struct Lists<'a> {
    rules: &'a RuleSet,
    all: CompiledAllowlists,
    own: HashMap<u32, CompiledAllowlists>,
}

impl<'a> Lists<'a> {
    pub(super) fn new(rules: &'a RuleSet) -> Self {
        Self {
            rules,
            all: CompiledAllowlists::new(rules.allowlists()),
            own: HashMap::new(),
        }
    }

    pub(super) fn rule(&self, number: u32) -> &'a Rule {
        &self.rules.rules()[number as usize]
    }

    /// The lists of a rule and those over all, each with what it is called.
    fn of(&mut self, number: u32) -> [(&'static str, &CompiledAllowlists, &'a [Allowlist]); 2] {
        let rule = self.rule(number);
        let own = self
            .own
            .entry(number)
            .or_insert_with(|| CompiledAllowlists::new(&rule.allowlists));
        [
            ("of the rule", own, &rule.allowlists),
            ("over all rules", &self.all, self.rules.allowlists()),
        ]
    }
}

/// The points of a match at its place, as a scan gives them.
pub(super) fn points(m: &Match, path: &[u8], member: Option<&[u8]>) -> i32 {
    if m.proof == Proof::Proven {
        return m.points;
    }
    score::at_path(m.points, &score::full_path(path, member), m.form)
}

/// The steps of a candidate, those of allowlists, path and points added.
pub(super) fn tell(
    lists: &mut Lists<'_>,
    candidate: Candidate,
    layer: &Layer<'_>,
    place: &Place<'_>,
) -> Vec<Step> {
    let mut steps = candidate.steps;
    if !layer.encoding.is_empty() {
        let names: Vec<&str> = layer.encoding.iter().map(|e| e.as_str()).collect();
        let step = Step {
            filter: "encoding",
            value: format!("decoded from {}", names.join(", then ")),
            threshold: "from the outermost".to_owned(),
            kept: true,
        };
        steps.insert(0, step);
    }
    // The stage says only that there was one; which, is said below.
    let by_allowlist = steps
        .last()
        .is_some_and(|s| s.filter == "allowlist" && !s.kept);
    steps.retain(|step| step.filter != "allowlist");
    // What lies in a member has two paths.
    let full = score::full_path(place.path, layer.member);
    let mut paths: Vec<&[u8]> = Vec::new();
    match layer.member {
        Some(member) if place.path.is_empty() => paths.push(member),
        Some(_) => paths.extend([place.path, &full]),
        None if !place.path.is_empty() => paths.push(place.path),
        None => {}
    }
    let spans = candidate.found.or(candidate.raw);
    if let Some(m) = spans.filter(|_| candidate.found.is_some() || by_allowlist) {
        allowlists(lists, candidate.rule, &m, layer, place, &paths, &mut steps);
    }
    let Some(m) = candidate.found else {
        return steps;
    };
    if let Some(condition) = &lists.rule(candidate.rule).path {
        let right = PathCondition::new(condition);
        let holds = paths.is_empty() || paths.iter().any(|path| right.holds(path));
        steps.push(Step {
            filter: "path",
            value: match paths.is_empty() {
                false if holds => "the path matches".to_owned(),
                false => "the path does not match".to_owned(),
                true => "the path is not known".to_owned(),
            },
            threshold: format!("a path like {condition}"),
            kept: holds,
        });
    }
    if m.proof != Proof::Proven && !paths.is_empty() {
        let (of_path, reason) = score::of_path(&full, m.form);
        let points = |points: i32, value: &str| Step {
            filter: "path",
            value: value.to_owned(),
            threshold: format!("{points:+}"),
            kept: true,
        };
        steps.push(points(of_path, reason));
        let back = points_back(&m, &full, of_path);
        if back > 0 {
            steps.push(points(
                back,
                "a path alone takes no format below a medium confidence",
            ));
        }
    }
    steps
}

/// What the floor gives back of what a path took.
fn points_back(m: &Match, full: &[u8], of_path: i32) -> i32 {
    score::at_path(m.points, full, m.form) - (m.points + of_path)
}

fn allowlists(
    lists: &mut Lists<'_>,
    rule: u32,
    m: &Match,
    layer: &Layer<'_>,
    place: &Place<'_>,
    paths: &[&[u8]],
    steps: &mut Vec<Step>,
) {
    let lines = || lines_around(layer.text, m.start, m.end);
    let text = MatchText {
        secret: &layer.text[m.secret_start..m.secret_end],
        matched: &layer.text[m.start..m.end],
        lines: &lines,
    };
    let commit = place.commit.as_ref();
    for (whose, compiled, entries) in lists.of(rule) {
        let ask = |path| compiled.tell(&text, path, commit);
        let mut told = ask(paths.first().copied());
        // It is on a list where either path is.
        for path in paths.iter().skip(1) {
            for (told, other) in told.iter_mut().zip(ask(Some(path))) {
                if other.holds && !told.holds {
                    *told = other;
                }
            }
        }
        for (number, (told, list)) in told.into_iter().zip(entries).enumerate() {
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
