//! The distinct literals of a rule set and the rules that each leads to.

use crate::rules::{Plan, Rule, gram};
use std::{borrow::Cow, collections::BTreeMap};

/// One rule's use of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiteralUse {
    /// Index of the rule in the rule set.
    pub rule: u32,
    /// Fewest bytes of a match ahead of the literal.
    pub before_min: u32,
    /// Most bytes of a match ahead of the literal.
    pub before_max: u32,
}

/// The distinct literals of a rule set. Two literals are the same if their bytes and their
/// case rule are.
#[derive(Debug, Default)]
pub struct LiteralSet {
    literals: Vec<(Cow<'static, [u8]>, bool)>,
    /// By literal: where its grams start.
    grams: Vec<[u8; 2]>,
    /// All uses, those of each literal together.
    uses: Vec<LiteralUse>,
    /// One past each literal's last use.
    ends: Vec<u32>,
    longest: usize,
}

impl LiteralSet {
    /// Collects the literals of the rules. Gate words of whole-blob rules are literals too, used
    /// by rules that have no window ([`Plan::WholeBlob`]).
    pub fn new(rules: &[Rule]) -> Self {
        let mut map: BTreeMap<(Cow<'static, [u8]>, bool), Vec<LiteralUse>> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            let rule_index = index as u32;
            match &rule.plan {
                Plan::Literals { literals, .. } => {
                    for l in literals {
                        map.entry((l.bytes.clone().into(), l.ignore_case))
                            .or_default()
                            .push(LiteralUse {
                                rule: rule_index,
                                before_min: l.before_min,
                                before_max: l.before_max,
                            });
                    }
                }
                Plan::WholeBlob { gate } => {
                    for word in gate {
                        map.entry((word.clone().into(), true))
                            .or_default()
                            .push(LiteralUse {
                                rule: rule_index,
                                before_min: 0,
                                before_max: 0,
                            });
                    }
                }
            }
        }
        Self::from_map(map)
    }

    /// Collects literals that no rule uses: bytes (lower case where case is ignored) and whether
    /// ASCII case is ignored. For other searches than that for rules, and for tests.
    ///
    /// Empty literals are left out, for they would stand everywhere.
    pub fn from_literals(literals: impl IntoIterator<Item = (Vec<u8>, bool)>) -> Self {
        let literals = literals.into_iter();
        let unused = literals.map(|(bytes, ignore_case)| ((bytes.into(), ignore_case), Vec::new()));
        Self::from_map(unused.collect())
    }

    fn from_map(map: BTreeMap<(Cow<'static, [u8]>, bool), Vec<LiteralUse>>) -> Self {
        let mut set = Self::default();
        for ((bytes, ignore_case), mut uses) in map {
            if !bytes.is_empty() {
                uses.sort_unstable();
                uses.dedup();
                let grams = gram::starts(&bytes);
                set.push(bytes, ignore_case, grams, uses);
            }
        }
        set
    }

    /// Adds a literal that sorts behind those there are, where its [grams](gram::starts) start, and
    /// its uses, sorted.
    pub(crate) fn push(
        &mut self,
        bytes: Cow<'static, [u8]>,
        ignore_case: bool,
        grams: [u8; 2],
        uses: impl IntoIterator<Item = LiteralUse>,
    ) {
        self.longest = self.longest.max(bytes.len());
        self.literals.push((bytes, ignore_case));
        self.grams.push(grams);
        self.uses.extend(uses);
        self.ends.push(self.uses.len() as u32);
    }

    /// The literals: bytes (ASCII letters in lower case where case is ignored) and whether ASCII
    /// case is ignored. Sorted. A literal with case ignored matches its letters in either case;
    /// bytes that are not ASCII letters always match exactly.
    pub fn literals(&self) -> &[(Cow<'static, [u8]>, bool)] {
        &self.literals
    }

    /// Where the [grams](gram::starts) of a literal start.
    pub(crate) fn grams(&self, literal: u32) -> [u8; 2] {
        self.grams[literal as usize]
    }

    /// The rules that a literal leads to, sorted.
    pub fn uses(&self, literal: u32) -> &[LiteralUse] {
        let literal = literal as usize;
        let start = literal.checked_sub(1).map_or(0, |ahead| self.ends[ahead]);
        &self.uses[start as usize..self.ends[literal] as usize]
    }

    /// Bytes of the longest literal.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Whether `literal` stands in `content` at `start`.
    pub fn stands_at(&self, literal: u32, content: &[u8], start: usize) -> bool {
        let (bytes, ignore_case) = &self.literals[literal as usize];
        content
            .get(start..start + bytes.len())
            .is_some_and(|found| {
                if *ignore_case {
                    found.eq_ignore_ascii_case(bytes)
                } else {
                    found == &**bytes
                }
            })
    }
}
