//! The built-in rules.
//!
//! The build script reads `patterns/*.toml`, validates them and writes them as packed bytes, plans
//! and all. Most scans meet a handful of a thousand rules, so a rule is unpacked when it is asked
//! for; what a search must know of all of them ahead of that is in tables of numbers and in the list
//! of their distinct literals. Nothing holds a pointer, so that a start relocates and copies nothing.

mod unpack;

use crate::rules::{Allowlist, Example, Outline, Rule, RuleExamples};
use std::sync::LazyLock;
use unpack::Packed;

include!(concat!(env!("OUT_DIR"), "/builtin_tables.rs"));

/// All rules, one after the other; [`STARTS`] says where each begins.
static RULES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin_rules.bin"));
/// The allowlists over all rules.
static ALLOWLISTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin_allowlists.bin"));
/// The distinct literals of all rules, sorted.
static LITERALS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/builtin_literals.bin"));

/// What is known of each rule without unpacking it, sorted by id.
pub(crate) fn outlines() -> &'static [Outline] {
    &OUTLINES
}

/// BLAKE3 over all rules, as [`rules_hash`](crate::rules::hash::rules_hash) has it.
pub(crate) fn hash() -> &'static [u8; 32] {
    &HASH
}

/// Returns a rule's id.
///
/// # Panics
/// When no rule has that number.
pub(crate) fn id(number: u32) -> &'static str {
    packed(number).text()
}

/// Unpacks one rule.
///
/// # Panics
/// When no rule has that number.
pub(crate) fn rule(number: u32) -> Rule {
    packed(number).rule()
}

fn packed(number: u32) -> Packed {
    Packed(&RULES[STARTS[number as usize] as usize..])
}

/// All rules, unpacked once, sorted by id.
pub(crate) fn all() -> &'static [Rule] {
    static ALL: LazyLock<Vec<Rule>> =
        LazyLock::new(|| (0..OUTLINES.len() as u32).map(rule).collect());
    &ALL
}

/// Returns the allowlists over all of the rules.
pub(crate) fn allowlists() -> Vec<Allowlist> {
    Packed(ALLOWLISTS).allowlists()
}

/// The distinct literals of all rules and the rules that each leads to, as a
/// [`LiteralSet`](crate::engine::LiteralSet) of these rules has them.
pub(crate) struct DistinctLiterals(Packed);

/// Returns the literals of all rules.
pub(crate) fn literals() -> DistinctLiterals {
    DistinctLiterals(Packed(LITERALS))
}

impl DistinctLiterals {
    /// Shows each literal in order: its bytes, whether their case is ignored, where its
    /// [grams](crate::rules::gram::starts) start, and for each rule that it leads to the number and
    /// the fewest and most bytes of a match ahead of it.
    pub(crate) fn each(self, mut show: impl FnMut(&'static [u8], bool, [u8; 2], &[[u32; 3]])) {
        let Self(mut packed) = self;
        let mut uses = Vec::new();
        while !packed.0.is_empty() {
            let (bytes, ignore_case) = (packed.raw(), packed.flag());
            let grams = [packed.byte(), packed.byte()];
            uses.clear();
            uses.extend(
                (0..packed.small()).map(|_| [packed.small(), packed.small(), packed.small()]),
            );
            show(bytes, ignore_case, grams, &uses);
        }
    }
}

/// The examples of the built-in rules: for each rule `RS id US file US line`, then twice (what is
/// found, what is not) `GS` and for each example `FS line US template`, of ASCII's separators.
static EXAMPLES: &str = include_str!(concat!(env!("OUT_DIR"), "/builtin_examples.txt"));

/// Returns the examples of the built-in rules, sorted by file and line.
pub(crate) fn examples() -> Vec<RuleExamples> {
    EXAMPLES
        .split('\x1e')
        .filter_map(|record| {
            let mut parts = record.split('\x1d');
            let mut head = parts.next()?.split('\x1f');
            let (rule_id, file) = (head.next()?.to_owned(), head.next()?.to_owned());
            let line = head.next()?.parse().ok()?;
            let mut list = || parts.next().map_or_else(Vec::new, example_list);
            Some(RuleExamples {
                rule_id,
                file,
                line,
                examples: list(),
                negative_examples: list(),
            })
        })
        .collect()
}

fn example_list(part: &str) -> Vec<Example> {
    part.split('\x1c')
        .filter_map(|item| {
            let (line, template) = item.split_once('\x1f')?;
            Some(Example {
                template: template.to_owned(),
                line: line.parse().ok()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod pack;

#[cfg(test)]
mod tests {
    use super::{pack::Packer, *};
    use crate::{engine::LiteralSet, rules::hash::rules_hash};

    #[test]
    fn what_is_unpacked_packs_to_the_same_bytes() {
        let mut packer = Packer::default();
        for (rule, start) in all().iter().zip(STARTS) {
            assert_eq!(packer.bytes.len(), start as usize, "{}", rule.info.id);
            packer.rule(rule);
        }
        assert!(packer.bytes == RULES);
        let mut packer = Packer::default();
        packer.allowlists(&allowlists());
        assert_eq!(packer.bytes, ALLOWLISTS);
    }

    #[test]
    fn the_tables_say_what_the_rules_say() {
        let told: Vec<Outline> = all().iter().map(Outline::of).collect();
        assert_eq!(told, outlines());
        assert_eq!(rules_hash(all()), *hash());
        for (number, rule) in (0..).zip(all()) {
            assert_eq!(id(number), rule.info.id);
        }
    }

    #[test]
    fn the_distinct_literals_are_those_of_the_rules() {
        let expected = LiteralSet::new(all());
        let mut packer = Packer::default();
        let mut number = 0;
        literals().each(|bytes, ignore_case, grams, uses| {
            packer.distinct_literal(bytes, ignore_case, grams, uses);
            assert_eq!(grams, expected.grams(number));
            let (literal, case) = &expected.literals()[number as usize];
            assert_eq!((&**literal, *case), (bytes, ignore_case));
            let expected = expected.uses(number).iter();
            let expected: Vec<_> = expected
                .map(|u| [u.rule, u.before_min, u.before_max])
                .collect();
            assert_eq!(uses, expected);
            number += 1;
        });
        assert_eq!(number as usize, expected.literals().len());
        assert!(packer.bytes == LITERALS);
    }
}
