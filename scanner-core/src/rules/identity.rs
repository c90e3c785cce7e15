//! Tells which rules of a set have changed since some earlier day.

use super::{
    RuleSet,
    hash::{allowlists_hash, rule_hash},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a set of rules was, rule by rule: small, and fit to be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleIdentities {
    /// Hash of the allowlists over all rules, in hexadecimal digits.
    allowlists: String,
    /// Each rule's hash by its id, in hexadecimal digits.
    rules: BTreeMap<String, String>,
}

/// What is to be searched again with a set of rules where another one has searched before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleChange {
    /// Nothing: every rule has searched already, in this very form.
    Nothing,
    /// These rules, by id, sorted: they are new, or differ, or need another one that does.
    Rules(Vec<String>),
    /// Everything: what all rules have in common differs.
    All,
}

impl RuleSet {
    /// What the set is, to tell later whether it changed.
    pub fn identities(&self) -> RuleIdentities {
        let hex = |hash: [u8; 32]| blake3::Hash::from_bytes(hash).to_hex().to_string();
        let rules = self.rules().iter();
        RuleIdentities {
            allowlists: hex(allowlists_hash(self.allowlists())),
            rules: rules
                .map(|rule| (rule.info.id.clone(), hex(rule_hash(rule))))
                .collect(),
        }
    }

    /// Says which rules have to search where a set with these identities has searched before. Rules
    /// that were taken away are no reason to search.
    pub fn changed_since(&self, old: &RuleIdentities) -> RuleChange {
        let new = self.identities();
        if new.allowlists != old.allowlists {
            return RuleChange::All;
        }
        let mut changed: BTreeSet<&str> = new
            .rules
            .iter()
            .filter(|(id, hash)| old.rules.get(*id) != Some(hash))
            .map(|(id, _)| id.as_str())
            .collect();
        // What a rule finds hangs on its companions too, and on their companions.
        loop {
            let before = changed.len();
            let needs = |rule: &&super::Rule| {
                let mut companions = rule.companions.iter();
                companions.any(|c| changed.contains(c.id.as_str()))
            };
            let more: Vec<&str> = self
                .rules()
                .iter()
                .filter(needs)
                .map(|r| r.info.id.as_str())
                .collect();
            changed.extend(more);
            if changed.len() == before {
                break;
            }
        }
        if changed.is_empty() {
            return RuleChange::Nothing;
        }
        RuleChange::Rules(changed.into_iter().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> RuleSet {
        RuleSet::parse(text, "test").unwrap().rules
    }

    fn rule(id: &str, regex: &str, more: &str) -> String {
        format!("[[rules]]\nid = \"{id}\"\ndescription = \"x\"\nregex = '''{regex}'''\n{more}\n")
    }

    #[test]
    fn what_changed_and_what_needs_it_is_told() {
        let (a, b) = (
            rule("a", "aaaa_[0-9]{8}", ""),
            rule("b", "bbbb_[0-9]{8}", ""),
        );
        let paired = rule("c", "cccc_[0-9]{8}", "[[rules.required]]\nid = \"b\"");
        let old = rules(&[&*a, &*b, &*paired].concat()).identities();
        let since = |text: &str| rules(text).changed_since(&old);
        assert_eq!(since(&[&*paired, &*b, &*a].concat()), RuleChange::Nothing);
        assert_eq!(since(&a), RuleChange::Nothing);
        let other_b = rule("b", "bbbb_[0-9]{9}", "");
        assert_eq!(
            since(&[&*a, &*other_b, &*paired].concat()),
            RuleChange::Rules(vec!["b".into(), "c".into()])
        );
        let new = rule("d", "dddd_[0-9]{8}", "");
        assert_eq!(
            since(&[&*a, &*b, &*new].concat()),
            RuleChange::Rules(vec!["d".into()])
        );
        let listed = [&*a, &*b, "[[allowlists]]\nstopwords = [\"example\"]\n"].concat();
        assert_eq!(since(&listed), RuleChange::All);
    }

    #[test]
    fn identities_survive_being_stored() {
        let old = rules(&rule("a", "aaaa_[0-9]{8}", "")).identities();
        let text = serde_json::to_string(&old).unwrap();
        assert_eq!(serde_json::from_str::<RuleIdentities>(&text).unwrap(), old);
    }
}
