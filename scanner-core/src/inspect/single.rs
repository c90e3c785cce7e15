//! One rule by itself.

use crate::{
    confirm::{ConfirmWorker, Confirmer, Match},
    engine::{Hit, LiteralSet},
    filter::allowlist::MatchText,
    rules::{Allowlist, Rule, RuleSet},
};
use std::sync::Arc;

/// A rule, and the allowlists over all rules, behind the engines and stages of a scan.
pub(super) struct OneRule {
    confirmer: Arc<Confirmer>,
    worker: ConfirmWorker,
}

/// A rule without its filters: what it finds is what its expression matches. (Rules of assignments
/// keep those that tell what a value is.)
pub(super) fn bare(rule: &Rule) -> Rule {
    Rule {
        entropy: 0.0,
        validate: Vec::new(),
        drop_if_invalid: false,
        allowlists: Vec::new(),
        ..rule.clone()
    }
}

impl OneRule {
    pub(super) fn new(rule: &Rule, allowlists: &[Allowlist]) -> Self {
        let set = RuleSet::new(vec![rule.clone()], allowlists.to_vec());
        let confirmer = Arc::new(Confirmer::new(&set));
        Self {
            worker: confirmer.worker(),
            confirmer,
        }
    }

    /// The rule's literals; hits name them by their index here.
    pub(super) fn literals(&self) -> &Arc<LiteralSet> {
        self.confirmer.literals()
    }

    /// Appends what the hits lead to, before allowlists that look at lines.
    pub(super) fn confirm(&mut self, content: &[u8], hits: &[Hit], out: &mut Vec<Match>) {
        for hit in hits {
            self.worker.confirm(content, *hit, out);
        }
        if self.confirmer.has_whole_blob_rules() {
            self.worker.whole_blob(content, hits, out);
        }
    }

    /// What the rule reports in content whose path is not known, sorted, without repeats.
    pub(super) fn matches(&mut self, content: &[u8], hits: &[Hit]) -> Vec<Match> {
        let mut found = Vec::new();
        self.confirm(content, hits, &mut found);
        self.kept(content, &mut found);
        found
    }

    /// Leaves of what [`Self::confirm`] found what allowlists that look at lines leave; sorts it,
    /// without repeats. Returns how much is left.
    pub(super) fn kept(&self, content: &[u8], found: &mut Vec<Match>) -> usize {
        found.retain(|m| {
            let lines = || lines_around(content, m.start, m.end);
            let text = MatchText {
                secret: &content[m.secret_start..m.secret_end],
                matched: &content[m.start..m.end],
                lines: &lines,
            };
            m.settled || self.confirmer.content_verdict(m.rule, &text).is_some()
        });
        found.sort_unstable_by_key(|m| (m.start, m.end, m.secret_start, m.secret_end));
        found.dedup();
        found.len()
    }
}

/// The lines that a range touches, in full.
pub(super) fn lines_around(content: &[u8], start: usize, end: usize) -> &[u8] {
    let from = memchr::memrchr(b'\n', &content[..start]).map_or(0, |at| at + 1);
    let to = memchr::memchr(b'\n', &content[end..]).map_or(content.len(), |at| end + at);
    &content[from..to]
}
