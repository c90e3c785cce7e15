//! What makes two sets of rules the same.
//!
//! Everything counts that decides what is found and how it is rated. The order of files and of lists
//! does not, nor do texts for people. The rules are hashed apart from the allowlists over them, so
//! that the build script can do it for the built-in ones.

use super::rule::{Allowlist, Condition, NameKind, Plan, RegexTarget, Rule, SecretGroup};

/// Returns BLAKE3 over rules that are sorted by id.
pub(crate) fn rules_hash(rules: &[Rule]) -> [u8; 32] {
    let mut out = Canonical::default();
    out.text("gitsieve rules 1");
    out.number(rules.len() as u64);
    for rule in rules {
        out.rule(rule);
    }
    blake3::hash(&out.bytes).into()
}

/// Returns 64 hexadecimal digits of BLAKE3 over a set: rules that are hashed already, and the
/// allowlists over all of them.
pub(crate) fn set_hash(rules: &[u8; 32], allowlists: &[Allowlist]) -> String {
    let mut out = Canonical::default();
    out.text("gitsieve rule set 2");
    out.raw(rules);
    out.sorted(allowlists, Canonical::allowlist);
    blake3::hash(&out.bytes).to_hex().to_string()
}

/// Returns BLAKE3 over one rule.
pub(crate) fn rule_hash(rule: &Rule) -> [u8; 32] {
    let mut out = Canonical::default();
    out.text("gitsieve rule 1");
    out.rule(rule);
    blake3::hash(&out.bytes).into()
}

/// Returns BLAKE3 over the allowlists over all rules.
pub(crate) fn allowlists_hash(allowlists: &[Allowlist]) -> [u8; 32] {
    let mut out = Canonical::default();
    out.text("gitsieve allowlists 1");
    out.sorted(allowlists, Canonical::allowlist);
    blake3::hash(&out.bytes).into()
}

/// Bytes to hash: every value is preceded by its length or is of a fixed one, so that no two rule
/// sets give the same.
#[derive(Default)]
struct Canonical {
    bytes: Vec<u8>,
}

impl Canonical {
    fn number(&mut self, n: u64) {
        self.bytes.extend_from_slice(&n.to_le_bytes());
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.raw(text.as_bytes());
    }

    /// The items in an order that does not depend on theirs.
    fn sorted<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        let mut parts: Vec<Vec<u8>> = items
            .iter()
            .map(|item| {
                let mut part = Self::default();
                write(&mut part, item);
                part.bytes
            })
            .collect();
        parts.sort();
        self.number(parts.len() as u64);
        for part in parts {
            self.raw(&part);
        }
    }

    fn texts(&mut self, texts: &[String]) {
        self.sorted(texts, |out, text| out.text(text));
    }

    fn rule(&mut self, rule: &Rule) {
        let Rule {
            info,
            regex,
            unicode,
            // Follows from the expression.
            run: _,
            secret_group,
            entropy,
            plan,
            path,
            allowlists,
            validate,
            drop_if_invalid,
            generic,
            assignment,
            judge,
            builtin,
            companions,
            silent,
        } = rule;
        self.text(&info.id);
        self.text(info.severity.as_str());
        self.text(info.confidence.as_str());
        self.text(regex);
        self.number(u64::from(*unicode));
        self.number(match secret_group {
            SecretGroup::FirstNonEmpty => u64::MAX,
            SecretGroup::Group(n) => u64::from(*n),
        });
        self.number(entropy.to_bits());
        match plan {
            Plan::Literals {
                literals,
                max_match_bytes,
            } => {
                self.number(1);
                self.sorted(literals, |out, literal| {
                    out.raw(&literal.bytes);
                    out.number(u64::from(literal.ignore_case));
                    out.number(u64::from(literal.before_min));
                    out.number(u64::from(literal.before_max));
                });
                self.number(u64::from(*max_match_bytes));
            }
            Plan::WholeBlob { gate } => {
                self.number(2);
                self.sorted(gate, |out, word| out.raw(word));
            }
        }
        self.number(u64::from(path.is_some()));
        self.text(path.as_deref().unwrap_or_default());
        self.sorted(allowlists, Self::allowlist);
        self.sorted(validate, |out, validator| out.text(validator.name()));
        self.number(u64::from(*drop_if_invalid));
        self.number(u64::from(*generic));
        self.number(u64::from(*builtin));
        for kind in [assignment, judge] {
            self.text(kind.map_or("", NameKind::as_str));
        }
        self.number(u64::from(*silent));
        self.sorted(companions, |out, companion| {
            out.text(&companion.id);
            for within in [companion.within_lines, companion.within_columns] {
                out.number(within.map_or(u64::MAX, u64::from));
            }
            out.number(u64::from(companion.optional));
        });
    }

    fn allowlist(&mut self, allowlist: &Allowlist) {
        let Allowlist {
            description: _,
            condition,
            regex_target,
            regexes,
            stopwords,
            paths,
            commits,
        } = allowlist;
        self.number(match condition {
            Condition::Or => 0,
            Condition::And => 1,
        });
        self.number(match regex_target {
            RegexTarget::Secret => 0,
            RegexTarget::Match => 1,
            RegexTarget::Line => 2,
        });
        for texts in [regexes, stopwords, paths, commits] {
            self.texts(texts);
        }
    }
}
