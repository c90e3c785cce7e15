//! The aho-corasick crate as an engine.
//!
//! One automaton that ignores ASCII case over all literals; literals that do not ignore case are
//! verified. Also serves [`super::literal`] for literals too short for its filter.

use super::{Engine, EngineError, EngineWorker, Hit, LiteralSet};
use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use std::{ops::Range, sync::Arc};

const NAME: &str = "aho-corasick";

/// Most bytes of all literals together for which a DFA is built, which takes about 200 times as
/// much memory; more literals get a contiguous NFA, which is slower and small.
const DFA_LITERAL_BYTES: usize = 32 << 10;

/// The aho-corasick crate.
#[derive(Debug)]
pub(super) struct AhoEngine {
    set: Arc<LiteralSet>,
    automaton: Automaton,
}

impl AhoEngine {
    pub(super) fn new(set: Arc<LiteralSet>) -> Result<Self, EngineError> {
        let automaton = Automaton::new(&set, |_| true)?;
        Ok(Self { set, automaton })
    }
}

impl Engine for AhoEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn worker(&self) -> Box<dyn EngineWorker + Send + '_> {
        Box::new(AhoWorker { engine: self })
    }
}

struct AhoWorker<'a> {
    engine: &'a AhoEngine,
}

impl EngineWorker for AhoWorker<'_> {
    fn hits(&mut self, content: &[u8], range: Range<usize>, out: &mut Vec<Hit>) {
        let first = out.len();
        let engine = self.engine;
        engine.automaton.hits(&engine.set, content, range, out);
        out[first..].sort_unstable();
    }
}

/// An automaton over some of the literals of a set.
#[derive(Debug)]
pub(super) struct Automaton {
    automaton: AhoCorasick,
    /// Pattern to literal.
    literals: Vec<u32>,
}

impl Automaton {
    /// Builds an automaton over the literals whose bytes `take` accepts.
    pub(super) fn new(set: &LiteralSet, take: impl Fn(&[u8]) -> bool) -> Result<Self, EngineError> {
        let (literals, patterns): (Vec<u32>, Vec<&[u8]>) = (0..)
            .zip(set.literals())
            .filter(|(_, (bytes, _))| take(bytes))
            .map(|(index, (bytes, _))| (index, &**bytes))
            .unzip();
        let bytes: usize = patterns.iter().map(|p| p.len()).sum();
        let kind = if bytes <= DFA_LITERAL_BYTES {
            AhoCorasickKind::DFA
        } else {
            AhoCorasickKind::ContiguousNFA
        };
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .kind(Some(kind))
            .build(&patterns)
            .map_err(|error| EngineError::Build {
                engine: NAME,
                literals: literals.len(),
                message: error.to_string(),
            })?;
        Ok(Self {
            automaton,
            literals,
        })
    }

    /// Appends the hits inside the range in no particular order.
    pub(super) fn hits(
        &self,
        set: &LiteralSet,
        content: &[u8],
        range: Range<usize>,
        out: &mut Vec<Hit>,
    ) {
        let input = Input::new(content).range(range);
        for found in self.automaton.find_overlapping_iter(input) {
            let literal = self.literals[found.pattern().as_usize()];
            if set.stands_at(literal, content, found.start()) {
                out.push(Hit {
                    start: found.start() as u32,
                    literal,
                });
            }
        }
    }
}
