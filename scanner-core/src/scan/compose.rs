//! Joins the halves of a credential: a key id and its secret become one finding.
//!
//! This happens when everything is known of every place, after paths and allowlists: what they
//! leave out is no half of anything. Matching never looks beyond its window, so that verdicts can
//! be carried from one version of a file to the next; which matches belong together depends on
//! the whole content, and is worked out once for each place where it stands.
//!
//! A companion that was attached does not count as a finding of its own there, unless it has
//! companions itself: nothing that was found is ever lost.

use super::collect::RawFinding;
use crate::{
    confirm::Confirmer,
    model::{Occurrence, Part, Where},
    rules::Companion,
};
use bstr::BStr;
use std::{cmp::Reverse, collections::BTreeMap};

/// Companions considered of each half, nearest first.
const NEAREST: usize = 8;
/// Companions passed by on either side in search of those. Bounds the work where a content holds
/// very many matches; lines bound it sooner in all but hostile content.
const MOST_STEPS: usize = 4096;

/// Attaches companions to the occurrences they belong to, and takes away occurrences that are a
/// part of another, that lack a companion that they need, or whose rule is silent. The occurrences
/// of each finding are unique.
pub(super) fn compose(confirmer: &Confirmer, findings: &mut [(RawFinding, Vec<Occurrence>, i32)]) {
    if findings.is_empty() {
        return;
    }
    let Some(pairing) = Pairing::new(confirmer) else {
        return;
    };
    let mut halves: Vec<Half> = Vec::new();
    for (finding, (raw, occurrences, _)) in findings.iter().enumerate() {
        if pairing.takes_part(raw.rule) {
            halves.extend((0..occurrences.len()).map(|occurrence| Half {
                rule: raw.rule,
                finding,
                occurrence,
            }));
        }
    }
    let at = |half: &Half| &findings[half.finding].1[half.occurrence];
    halves.sort_unstable_by(|a, b| {
        let (x, y) = (at(a), at(b));
        (content(x), x.span, a.rule).cmp(&(content(y), y.span, b.rule))
    });
    let mut outcomes: Vec<(Half, Outcome)> = Vec::new();
    for group in halves.chunk_by(|a, b| content(at(a)) == content(at(b))) {
        let places: Vec<&Occurrence> = group.iter().map(at).collect();
        let outcome = pairing.join(group, &places);
        outcomes.extend(group.iter().copied().zip(outcome));
    }
    let parts: Vec<Vec<Part>> = outcomes
        .iter()
        .map(|(_, outcome)| {
            let part = |half: &Half| Part {
                rule: confirmer.rule(half.rule).info.clone(),
                secret: findings[half.finding].0.secret.clone(),
                location: at(half).location,
                span: at(half).span,
            };
            outcome.parts.iter().map(part).collect()
        })
        .collect();
    let mut gone: Vec<(usize, usize)> = Vec::new();
    for ((half, outcome), parts) in outcomes.into_iter().zip(parts) {
        if outcome.stays {
            findings[half.finding].1[half.occurrence].parts = parts;
        } else {
            gone.push((half.finding, half.occurrence));
        }
    }
    gone.sort_unstable();
    for taken in gone.chunk_by(|a, b| a.0 == b.0) {
        let occurrences = &mut findings[taken[0].0].1;
        let mut index = 0;
        occurrences.retain(|_| {
            index += 1;
            taken
                .binary_search_by_key(&(index - 1), |gone| gone.1)
                .is_err()
        });
    }
}

/// What makes two occurrences stand in the same content.
fn content(o: &Occurrence) -> (Where, &BStr, Option<&BStr>, crate::model::BlobId) {
    (
        o.place,
        o.path.as_ref(),
        o.member.as_ref().map(AsRef::as_ref),
        o.blob,
    )
}

/// An occurrence of a rule that has companions or is one.
#[derive(Debug, Clone, Copy)]
struct Half {
    rule: u32,
    finding: usize,
    occurrence: usize,
}

/// What becomes of a half.
#[derive(Debug, Default)]
struct Outcome {
    stays: bool,
    parts: Vec<Half>,
}

/// Who belongs to whom, by rule number.
struct Pairing<'a> {
    confirmer: &'a Confirmer,
    /// Rules with companions: those that are nobody's companion first, then the more severe.
    holders: Vec<(u32, Vec<(u32, &'a Companion)>)>,
    /// Rules that others name as companions.
    companions: Vec<bool>,
}

impl<'a> Pairing<'a> {
    /// Returns `None` where no rule has companions.
    fn new(confirmer: &'a Confirmer) -> Option<Self> {
        confirmer.with_companions().next()?;
        let mut companions = vec![false; confirmer.rule_count()];
        let mut holders: Vec<(u32, Vec<(u32, &Companion)>)> = Vec::new();
        for number in confirmer.with_companions() {
            let named = &confirmer.rule(number).companions;
            let found: Vec<(u32, &Companion)> = named
                .iter()
                // What a set lacks is never near: the number of no rule stands for it.
                .map(|c| (confirmer.number_of(&c.id).unwrap_or(u32::MAX), c))
                .collect();
            for (companion, _) in &found {
                if let Some(named) = companions.get_mut(*companion as usize) {
                    *named = true;
                }
            }
            holders.push((number, found));
        }
        holders.sort_by_key(|(number, _)| {
            let info = &confirmer.rule(*number).info;
            let named = companions[*number as usize];
            (named, Reverse(info.severity), &info.id)
        });
        Some(Self {
            confirmer,
            holders,
            companions,
        })
    }

    fn takes_part(&self, rule: u32) -> bool {
        let rule_of = self.confirmer.rule(rule);
        self.companions[rule as usize] || !rule_of.companions.is_empty() || rule_of.silent
    }

    /// Decides about the halves of one content, which come sorted by position.
    fn join(&self, halves: &[Half], places: &[&Occurrence]) -> Vec<Outcome> {
        let mut by_rule: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, half) in halves.iter().enumerate() {
            by_rule.entry(half.rule).or_default().push(index);
        }
        let mut outcomes: Vec<Outcome> = halves
            .iter()
            .map(|half| Outcome {
                stays: !self.confirmer.rule(half.rule).silent,
                parts: Vec::new(),
            })
            .collect();
        let mut attached = vec![false; halves.len()];
        for (holder, companions) in &self.holders {
            let Some(own) = by_rule.get(holder) else {
                continue;
            };
            let own: Vec<usize> = own.iter().copied().filter(|&i| !attached[i]).collect();
            let mut parts: Vec<Vec<usize>> = vec![Vec::new(); own.len()];
            let mut whole = vec![true; own.len()];
            for (rule, companion) in companions {
                let others = by_rule.get(rule).map_or(&[][..], Vec::as_slice);
                let chosen = pair(places, &own, others, companion);
                for (at, other) in chosen.into_iter().enumerate() {
                    match other {
                        Some(other) => parts[at].push(other),
                        None => whole[at] &= companion.optional,
                    }
                }
            }
            for ((&index, mut parts), whole) in own.iter().zip(parts).zip(whole) {
                if !whole {
                    outcomes[index].stays = false;
                    continue;
                }
                if !outcomes[index].stays {
                    continue;
                }
                parts.sort_unstable();
                parts.dedup();
                for &part in &parts {
                    if outcomes[part].parts.is_empty() {
                        attached[part] = true;
                        outcomes[part].stays = false;
                    }
                }
                outcomes[index].parts = parts.iter().map(|&part| halves[part]).collect();
            }
        }
        outcomes
    }
}

/// How far a companion stands: lines, bytes, its own index, the index of whose it is.
type Distance = (u64, u64, usize, usize);

/// Chooses a companion for each of `own`. The nearest pairs are made first, and none takes part
/// in two while another has none, so that in a list of pairs each half finds its own; what is left
/// over shares its nearest.
fn pair(
    places: &[&Occurrence],
    own: &[usize],
    others: &[usize],
    companion: &Companion,
) -> Vec<Option<usize>> {
    let mut nearest = vec![None; own.len()];
    let mut pairs: Vec<(Distance, usize)> = Vec::new();
    for (at, &index) in own.iter().enumerate() {
        let distances = distances(places, index, others, companion);
        nearest[at] = distances.first().map(|d| d.2);
        pairs.extend(distances.into_iter().map(|d| (d, at)));
    }
    pairs.sort_unstable();
    let mut chosen = vec![None; own.len()];
    let mut taken = vec![false; places.len()];
    for ((_, _, other, _), at) in pairs {
        if chosen[at].is_none() && !taken[other] {
            chosen[at] = Some(other);
            taken[other] = true;
        }
    }
    chosen
        .into_iter()
        .zip(nearest)
        .map(|(own, shared)| own.or(shared))
        .collect()
}

/// The nearest of `others` that are near enough, nearest first.
fn distances(
    places: &[&Occurrence],
    index: usize,
    others: &[usize],
    companion: &Companion,
) -> Vec<Distance> {
    let here = places[index];
    let (line, column) = (here.location.start_line, here.location.start_column);
    let limit = |given: Option<u32>| given.map_or(u64::MAX, u64::from);
    let distance = |other: usize| -> Option<Distance> {
        let there = places[other];
        let near = column.abs_diff(there.location.start_column) <= limit(companion.within_columns)
            && other != index
            && !(companion.optional && there.span.overlaps(here.span));
        near.then(|| {
            let lines = line.abs_diff(there.location.start_line);
            let bytes = here.span.start.abs_diff(there.span.start);
            (lines, bytes, other, index)
        })
    };
    // Matches come in order of position, so lines only grow on either side.
    let in_reach = |other: &usize| {
        line.abs_diff(places[*other].location.start_line) <= limit(companion.within_lines)
    };
    let middle = others.partition_point(|&other| other < index);
    let before = others[..middle].iter().rev().copied();
    let after = others[middle..].iter().copied();
    let mut out: Vec<Distance> = Vec::new();
    let mut walk = |side: &mut dyn Iterator<Item = usize>| {
        out.extend(
            side.take(MOST_STEPS)
                .take_while(in_reach)
                .filter_map(distance)
                .take(NEAREST),
        );
    };
    walk(&mut before.into_iter());
    walk(&mut after.into_iter());
    out.sort_unstable();
    out.truncate(NEAREST);
    out
}

#[cfg(test)]
mod tests {
    use crate::{
        model::Report,
        rules::RuleSet,
        scan::{Input, NoObserver, Scanner},
    };
    use proptest::prelude::*;
    use std::sync::atomic::AtomicBool;

    const KEY: &str = "[[rules]]\nid='key'\nregex='key_([a-z0-9]+)'\n";
    const ID: &str = "[[rules]]\nid='id'\nregex='name_([a-z0-9]+)'\n";

    fn scan(rules: &str, path: &str, text: &str) -> Report {
        let rules = RuleSet::parse(rules, "f.toml").expect("the rules are valid");
        let scanner = Scanner::builder().rules(rules.rules).build();
        let input = Input::Memory {
            path: path.into(),
            bytes: text.as_bytes().into(),
        };
        scanner
            .expect("it can be built")
            .scan(&input, &NoObserver, &AtomicBool::new(false))
            .expect("memory can be read")
    }

    /// `secret@line`, with the parts in brackets, of every occurrence.
    fn found(rules: &str, text: &str) -> String {
        let report = scan(rules, "", text);
        let mut all: Vec<(u64, String)> = Vec::new();
        for finding in &report.findings {
            for o in &finding.occurrences {
                let parts: Vec<String> = o
                    .parts
                    .iter()
                    .map(|p| String::from_utf8_lossy(p.secret.reveal()).into_owned())
                    .collect();
                let mut shown = String::from_utf8_lossy(finding.secret.reveal()).into_owned();
                if !parts.is_empty() {
                    shown = format!("{shown}[{}]", parts.join(" "));
                }
                all.push((o.span.start, shown));
            }
        }
        all.sort();
        let all: Vec<String> = all.into_iter().map(|(_, shown)| shown).collect();
        all.join(" ")
    }

    fn rules(required: &str, more: &str) -> String {
        format!("{KEY}[[rules.required]]\nid='id'\n{required}\n{ID}{more}")
    }

    #[test]
    fn a_required_rule_must_match_as_near_as_it_says() {
        let text = "name_a\n\n  key_b\n";
        assert_eq!(found(&rules("", ""), text), "b[a]");
        assert_eq!(found(&rules("withinLines=2", ""), text), "b[a]");
        assert_eq!(found(&rules("withinLines=1", ""), text), "a");
        // Columns 6 and 7: those where the secrets start.
        assert_eq!(found(&rules("withinColumns=1", ""), text), "b[a]");
        assert_eq!(found(&rules("withinColumns=0", ""), text), "a");
        assert_eq!(
            found(&rules("withinLines=2\nwithinColumns=0", ""), text),
            "a"
        );
        assert_eq!(found(&rules("", ""), "key_b"), "");
        let far = format!("key_b{}name_a", "\n".repeat(9000));
        assert_eq!(found(&rules("", ""), &far), "b[a]");
        assert_eq!(
            found(&rules("withinLines=1", ""), "key_b\nname_a\nkey_c"),
            "b[a] c[a]"
        );
    }

    #[test]
    fn every_required_rule_must_match() {
        let both = |text| {
            let third = "[[rules]]\nid='url'\nregex='url_([a-z]+)'";
            let rules = format!(
                "{KEY}[[rules.required]]\nid='id'\n[[rules.required]]\nid='url'\n{ID}{third}"
            );
            found(&rules, text)
        };
        assert_eq!(both("key_b name_a"), "a");
        assert_eq!(both("url_c key_b name_a"), "b[c a]");
    }

    #[test]
    fn an_optional_companion_is_attached_where_it_stands_near() {
        let rules = rules("optional=true", "");
        assert_eq!(found(&rules, "name_a\nkey_b"), "b[a]");
        assert_eq!(found(&rules, "key_b"), "b");
        assert_eq!(found(&rules, "name_a"), "a");
        let far = |lines: usize| format!("name_a{}key_b", "\n".repeat(lines));
        assert_eq!(found(&rules, &far(10)), "b[a]");
        assert_eq!(found(&rules, &far(11)), "a b");
    }

    #[test]
    fn in_a_list_each_half_finds_its_own_and_what_is_left_over_shares() {
        let rules = rules("optional=true", "");
        let list = "name_a\nkey_b\n\nname_c\nkey_d\n";
        assert_eq!(found(&rules, list), "b[a] d[c]");
        let other_way = "key_b\nname_a\n\nkey_d\nname_c\n";
        assert_eq!(found(&rules, other_way), "b[a] d[c]");
        assert_eq!(found(&rules, "name_a key_b key_d"), "b[a] d[a]");
        assert_eq!(found(&rules, "name_a key_b name_c"), "b[a] c");
    }

    #[test]
    fn a_silent_rule_reports_as_a_part_alone() {
        let rules = rules("optional=true", "skipReport=true");
        assert_eq!(found(&rules, "name_a key_b"), "b[a]");
        assert_eq!(found(&rules, "name_a"), "");
        assert_eq!(found(&rules, "key_b"), "b");
    }

    #[test]
    fn rules_that_need_each_other_lose_nothing() {
        let rules = rules(
            "optional=true",
            "[[rules.required]]\nid='key'\noptional=true",
        );
        assert_eq!(found(&rules, "name_a key_b"), "a[b]");
        assert_eq!(found(&rules, "name_a"), "a");
        let chain = format!(
            "{KEY}[[rules.required]]\nid='id'\noptional=true\n{ID}[[rules.required]]\nid='url'\n\
             optional=true\n[[rules]]\nid='url'\nregex='url_([a-z]+)'"
        );
        assert_eq!(found(&chain, "key_b name_a url_c"), "b[a] c");
    }

    #[test]
    fn what_an_allowlist_or_a_path_leaves_out_is_no_half() {
        let allowed = rules("", "[[rules.allowlists]]\npaths=['test']");
        assert_eq!(scan(&allowed, "test/a", "name_a key_b").findings.len(), 0);
        assert_eq!(scan(&allowed, "src/a", "name_a key_b").findings.len(), 1);
        let stopped = rules("", "[[rules.allowlists]]\nstopwords=['sample']");
        assert_eq!(found(&stopped, "name_sample key_b"), "");
    }

    proptest! {
        #[test]
        fn each_match_is_reported_or_a_part_and_required_ones_always_have_theirs(
            words in prop::collection::vec(("key|name", "[a-c]{1,2}", "[ \n]{1,3}"), 0..30),
            lines in 0..4u64,
        ) {
            let text: String = words
                .iter()
                .flat_map(|(w, v, gap)| [w, "_", v, gap])
                .collect();
            let with = rules(&format!("withinLines={lines}"), "");
            let report = scan(&with, "", &text);
            let places = |word: &str| -> Vec<(usize, u64)> {
                text.match_indices(word)
                    .map(|(at, w)| {
                        let line = text[..at].matches('\n').count() as u64;
                        (at + w.len(), line)
                    })
                    .collect()
            };
            let (keys, names) = (places("key_"), places("name_"));
            let near = |k: &(usize, u64)| names.iter().any(|n| n.1.abs_diff(k.1) <= lines);
            let wanted: Vec<u64> = keys.iter().filter(|k| near(k)).map(|k| k.0 as u64).collect();
            let mut own: Vec<u64> = Vec::new();
            let mut rest: Vec<u64> = Vec::new();
            for finding in &report.findings {
                for o in &finding.occurrences {
                    if finding.rule.id == "key" {
                        prop_assert_eq!(o.parts.len(), 1);
                        own.push(o.span.start);
                    } else {
                        rest.push(o.span.start);
                    }
                    rest.extend(o.parts.iter().map(|p| p.span.start));
                }
            }
            own.sort_unstable();
            prop_assert_eq!(own, wanted);
            rest.sort_unstable();
            rest.dedup();
            prop_assert_eq!(rest, names.iter().map(|n| n.0 as u64).collect::<Vec<_>>());
        }
    }
}
