//! What a report makes of candidates: which it holds, as what, and why it does not hold the others.

use super::{Draft, Explained};
use crate::{
    filter::{note::notes, score, trace::Step},
    model::{Confidence, Encoding, Finding, Occurrence, Report, Span},
    rules::Rule,
    scan::Scanner,
};
use bstr::BStr;
use std::collections::{HashMap, HashSet};

/// A place of a rule's secret: rule, member, bytes.
type At<'r> = (&'r str, Option<&'r [u8]>, Span);

/// What a report holds, by place.
pub(super) struct Outcomes<'r> {
    scanner: &'r Scanner,
    least: Confidence,
    found: HashMap<(At<'r>, &'r [Encoding]), &'r Finding>,
    parts: HashMap<At<'r>, (&'r Finding, &'r Occurrence)>,
    /// Rule and secret, for those that stand in a member or as another's part.
    elsewhere: HashMap<&'r str, Vec<(&'r Finding, &'r Occurrence)>>,
}

impl<'r> Outcomes<'r> {
    /// `least` is the confidence from which on findings are reported.
    pub(super) fn new(scanner: &'r Scanner, report: &'r Report, least: Confidence) -> Self {
        let mut own = Self {
            scanner,
            least,
            found: HashMap::new(),
            parts: HashMap::new(),
            elsewhere: HashMap::new(),
        };
        for finding in &report.findings {
            for o in &finding.occurrences {
                let member = o.member.as_ref().map(|m| m.as_slice());
                let at = (finding.rule.id.as_str(), member, o.span);
                own.found.insert((at, &o.encoding), finding);
                for part in &o.parts {
                    let at = (part.rule.id.as_str(), member, part.span);
                    own.parts.entry(at).or_insert((finding, o));
                }
                let same_rule = own.elsewhere.entry(&finding.rule.id).or_default();
                if same_rule.len() < MOST_COMPARED {
                    same_rule.push((finding, o));
                }
            }
        }
        own
    }

    /// Decides about all candidates. Those are left out that only repeat what stands in an outer
    /// layer: a text with a few escapes is its own decoded text for the most part.
    pub(super) fn decide(&self, drafts: Vec<Draft>) -> Vec<Explained> {
        let ends: Vec<(Option<&Finding>, Vec<Step>)> =
            drafts.iter().map(|d| self.end(d, &drafts)).collect();
        let mut seen = HashSet::new();
        let mut out = Vec::with_capacity(drafts.len());
        for (draft, (finding, steps)) in drafts.into_iter().zip(ends) {
            let mut told = draft.told;
            let place = (draft.rule, told.member.clone(), draft.wide, draft.page);
            if !seen.insert(place) && finding.is_none() {
                continue;
            }
            told.steps.extend(steps);
            if let Some(finding) = finding {
                told.confidence = Some(finding.confidence);
            }
            told.kept = finding.is_some() && told.steps.iter().all(|step| step.kept);
            out.push(told);
        }
        out
    }

    /// The finding that a candidate is of, and what is still to be said.
    fn end(&self, draft: &Draft, all: &[Draft]) -> (Option<&'r Finding>, Vec<Step>) {
        let told = &draft.told;
        let Some(points) = draft.points else {
            return (None, Vec::new());
        };
        let at: At<'_> = (&told.rule.id, told.member.as_deref(), draft.span);
        let finding = self.found.get(&(at, &told.encoding[..])).copied();
        let finding = finding.filter(|f| Some(&f.fingerprint) == told.fingerprint.as_ref());
        let mut steps = Vec::new();
        if finding.is_none() && draft.passed() {
            steps.push(self.reason(draft, all));
        }
        self.confidence(draft, finding, points, &mut steps);
        (finding, steps)
    }

    /// Tells the points that come after those of the place.
    fn confidence(
        &self,
        draft: &Draft,
        finding: Option<&Finding>,
        mut points: i32,
        steps: &mut Vec<Step>,
    ) {
        let mut add = |filter, more: i32, value: &str| {
            points += more;
            steps.push(Step {
                filter,
                value: value.to_owned(),
                threshold: format!("{more:+}"),
                kept: true,
            });
        };
        let checks = &self.rule(draft).validate;
        let secret = draft.told.secret.as_ref();
        let own = secret.map(|secret| notes(checks, secret.reveal(), self.scanner.now()));
        if own.is_some_and(|notes| notes.expired) {
            add("expiry", score::EXPIRED_POINTS, "ended by its own word");
        }
        let paired = |f: &Finding| f.occurrences.iter().any(|o| !o.parts.is_empty());
        if finding.is_some_and(paired) {
            add(
                "companion",
                score::COMPANION_POINTS,
                "another half of the credential stands near",
            );
        }
        let here = score::confidence(points);
        let level = finding.map_or(here, |finding| finding.confidence);
        if level != here {
            steps.push(Step {
                filter: "places",
                value: format!("{here} here, {level} at another place of this secret"),
                threshold: "the surest place counts".to_owned(),
                kept: true,
            });
        }
        let place = if level == here { "" } else { " here" };
        steps.push(Step {
            filter: "confidence",
            value: format!("{level} ({points} points{place})"),
            threshold: format!("at least {}", self.least),
            kept: level >= self.least,
        });
    }

    fn rule(&self, draft: &Draft) -> &Rule {
        self.scanner.confirmer().rule(draft.rule)
    }

    /// Why a report does not hold what passed all filters.
    fn reason(&self, draft: &Draft, all: &[Draft]) -> Step {
        let step = |filter, value: String, threshold: &str| Step {
            filter,
            value,
            threshold: threshold.to_owned(),
            kept: false,
        };
        let told = &draft.told;
        let at: At<'_> = (&told.rule.id, told.member.as_deref(), draft.span);
        if let Some((whose, o)) = self.parts.get(&at) {
            let line = o.location.start_line;
            return step(
                "companion",
                format!("a part of {} at line {line}", whose.rule.id),
                "halves of a credential are one finding",
            );
        }
        if let Some(value) = self.gives_way(draft, all) {
            return step("overlap", value, "nothing clearer at the same place");
        }
        if let Some(value) = self.told_elsewhere(draft) {
            return step("member", value, "told once");
        }
        let rule = self.rule(draft);
        if rule.silent {
            return step(
                "companion",
                "the rule reports as a part of others alone, and none is near".to_owned(),
                "a part of another finding",
            );
        }
        let needed = rule.companions.iter().filter(|c| !c.optional);
        let needed: Vec<&str> = needed.map(|c| c.id.as_str()).collect();
        if !needed.is_empty() {
            return step(
                "companion",
                "one that it needs is not near enough".to_owned(),
                &needed.join(" and "),
            );
        }
        step(
            "scan",
            "no scan reports it at this place".to_owned(),
            "in the report of a scan of this content",
        )
    }

    /// What stands at the same place in another layer of the same text and counts instead.
    fn gives_way(&self, draft: &Draft, all: &[Draft]) -> Option<String> {
        let own = &draft.told;
        let generic = self.rule(draft).generic;
        let others = all.iter().filter(|other| {
            let told = &other.told;
            other.points.is_some()
                && !told.steps.iter().any(|s| s.filter == "overlap")
                && (&told.member, other.wide) == (&own.member, draft.wide)
                && other.page.start < draft.page.end
                && draft.page.start < other.page.end
        });
        let depth = own.encoding.len();
        for other in others {
            let told = &other.told;
            let (id, line) = (&told.rule.id, told.location.start_line);
            let deeper = told.encoding.len() > depth;
            if generic && deeper {
                let names: Vec<&str> = told.encoding.iter().map(|e| e.as_str()).collect();
                let chain = names.join(", ");
                return Some(format!(
                    "gives way to {id}, decoded from within it ({chain}) at line {line}"
                ));
            }
            let same_rule = other.rule == draft.rule && told.encoding != own.encoding;
            if same_rule && told.encoding.len() <= depth {
                return Some(format!("found with fewer encodings at line {line}"));
            }
            if generic && !self.rule(other).generic && told.encoding.len() < depth {
                return Some(format!("gives way to {id} at line {line}"));
            }
        }
        None
    }

    /// Where a container's own bytes and a member show the same secret, the place that tells of it.
    fn told_elsewhere(&self, draft: &Draft) -> Option<String> {
        let own = &draft.told;
        let secret = own.secret.as_ref()?.reveal();
        let same = self.elsewhere.get(own.rule.id.as_str())?;
        let (_, o) = same.iter().find(|(finding, o)| {
            o.member.as_ref().map(|m| m.as_slice()) != own.member.as_deref()
                && memchr::memmem::find(secret, finding.secret.reveal()).is_some()
        })?;
        let line = o.location.start_line;
        Some(match &o.member {
            Some(member) => {
                let member: &BStr = member.as_ref();
                format!("told in the member {member} at line {line}")
            }
            None => format!("told where it stands in the file, at line {line}"),
        })
    }
}

/// Places of one rule that are compared with what a container shows.
const MOST_COMPARED: usize = 1000;
