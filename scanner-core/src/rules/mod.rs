//! What to look for.

pub mod example;
#[cfg(test)]
mod pattern_tests;
mod rule;
mod validator;

pub use rule::{
    Allowlist, Condition, DEFAULT_MAX_MATCH_BYTES, LOOK_AROUND_BYTES, Literal, MAX_LITERAL_BYTES,
    MIN_LITERAL_BYTES, Plan, RegexTarget, Rule, SecretGroup,
};
pub use validator::Validator;

/// A validated selection of rules.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    allowlists: Vec<Allowlist>,
}

impl RuleSet {
    /// Makes a set of rules that are valid already: ids unique.
    pub fn new(rules: Vec<Rule>, allowlists: Vec<Allowlist>) -> Self {
        Self { rules, allowlists }
    }
    /// The rules, sorted by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
    /// Allowlists over all rules.
    pub fn allowlists(&self) -> &[Allowlist] {
        &self.allowlists
    }
}
