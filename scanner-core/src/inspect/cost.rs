//! What a rule costs, found out without a corpus.
//!
//! A literal's frequency comes from the model of text by which literals are chosen; what one hit
//! costs is measured, on texts that an expression has to read far into. The two make nanoseconds a
//! megabyte: rough, and good enough to tell a rule that nobody notices from one that doubles the
//! time of a scan. What a rule costs on real content, `super::bench` measures.

use super::single::OneRule;
use crate::{
    confirm::Match,
    engine::{self, EngineKind, Hit, LiteralSet},
    rules::{Plan, Rule, RuleSet},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Bytes of the text that whole-blob rules are tried on.
const SAMPLE_BYTES: usize = 256 << 10;
/// How long one measurement may take before its next batch is left out.
const PATIENCE: Duration = Duration::from_millis(20);
/// Hits that are timed together, at most.
const HITS: u32 = 64;
/// Batches of them.
const BATCHES: u32 = 8;
const MB: f64 = 1e6;

/// What a rule costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RuleCost {
    /// How often its literals may be expected, in hits a megabyte of content; 0 for rules that
    /// search whole blobs.
    pub hits_per_mb: f64,
    /// What confirming one hit takes, in nanoseconds; 0 for rules that search whole blobs.
    pub ns_per_hit: f64,
    /// What the rule takes, in nanoseconds a megabyte of content.
    pub ns_per_mb: f64,
}

/// Measures one rule.
pub fn estimate(rule: &Rule) -> RuleCost {
    let mut one = OneRule::new(rule, &[]);
    let Plan::Literals {
        literals,
        max_match_bytes,
    } = &rule.plan
    else {
        let content = sample(SAMPLE_BYTES, Kind::Source);
        // With every word of its gate in the content.
        let hits: Vec<Hit> = (0..one.literals().literals().len() as u32)
            .map(|literal| Hit { start: 0, literal })
            .collect();
        let ns = time(1, |out| one.confirm(&content, &hits, out));
        return RuleCost {
            hits_per_mb: 0.0,
            ns_per_hit: 0.0,
            ns_per_mb: ns * MB / SAMPLE_BYTES as f64,
        };
    };
    let hits_per_mb = literals.iter().map(|l| l.expected_rate() * MB).sum();
    let ahead = literals.iter().map(|l| l.before_max).max().unwrap_or(0) as usize;
    let mut ns_per_hit: f64 = 0.0;
    for kind in [Kind::Source, Kind::Token] {
        let mut content = sample(ahead + 64, kind);
        let start = content.len() as u32;
        content.extend_from_slice(&literals[0].bytes);
        content.extend(sample(*max_match_bytes as usize + 64, kind));
        let hit = Hit { start, literal: 0 };
        ns_per_hit = ns_per_hit.max(time(HITS, |out| one.confirm(&content, &[hit], out)));
    }
    RuleCost {
        hits_per_mb,
        ns_per_hit,
        ns_per_mb: hits_per_mb * ns_per_hit,
    }
}

/// What it takes here to search for the literals of all built-in rules at once, in nanoseconds a
/// megabyte: what the cost of a rule is compared with.
pub fn literal_search_ns_per_mb() -> f64 {
    let set = Arc::new(LiteralSet::new(RuleSet::builtin().rules()));
    // Built-in literals are such as this engine takes.
    let Ok(engine) = engine::build(EngineKind::Literal, set) else {
        return 0.0;
    };
    let content = sample(SAMPLE_BYTES, Kind::Source);
    let mut worker = engine.worker();
    let mut hits = Vec::new();
    let ns = time(16, |_| {
        hits.clear();
        worker.hits(&content, 0..content.len(), &mut hits);
    });
    ns * MB / SAMPLE_BYTES as f64
}

/// Runs `work` up to `times` times in batches, after a first time that pays for what is built lazily.
/// Returns the mean of the fastest batch in nanoseconds: the others were disturbed.
fn time(times: u32, mut work: impl FnMut(&mut Vec<Match>)) -> f64 {
    let mut out = Vec::new();
    work(&mut out);
    let started = Instant::now();
    let size = times.div_ceil(BATCHES);
    let mut best = f64::INFINITY;
    for _ in 0..BATCHES {
        let batch = Instant::now();
        for _ in 0..size {
            out.clear();
            work(&mut out);
        }
        best = best.min(batch.elapsed().as_nanos() as f64 / f64::from(size));
        if started.elapsed() > PATIENCE {
            break;
        }
    }
    best
}

#[derive(Clone, Copy)]
enum Kind {
    /// Words, punctuation and numbers in lines.
    Source,
    /// One long run of letters and digits.
    Token,
}

/// Text of `len` bytes, always the same.
fn sample(len: usize, kind: Kind) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "return", "value", "token", "config", "the", "if", "self", "name", "error", "data", "user",
        "count", "path", "a", "request", "0x1f",
    ];
    const MARKS: [&str; 8] = [" ", " = ", "(", "); ", ".", "_", ": \"", "\",\n  "];
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Zz";
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        // xorshift64: no more is asked of it than not to repeat soon.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut out = Vec::with_capacity(len + 16);
    while out.len() < len {
        match kind {
            Kind::Source => {
                out.extend_from_slice(WORDS[next() % WORDS.len()].as_bytes());
                out.extend_from_slice(MARKS[next() % MARKS.len()].as_bytes());
            }
            Kind::Token => out.push(LETTERS[next() % LETTERS.len()]),
        }
    }
    out.truncate(len);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(regex: &str) -> RuleCost {
        let text = format!("[[rules]]\nid = 'r'\nregex = '''{regex}'''\nmax_length = 4096");
        let loaded = RuleSet::parse(&text, "f.toml").unwrap_or_else(|e| panic!("{e}"));
        estimate(&loaded.rules.rules()[0])
    }

    #[test]
    fn usual_literals_and_missing_ones_cost_more_than_rare_ones() {
        let rare = cost("acmeq7_[a-z0-9]{16}");
        let usual = cost("(?i)key[^\\n]{0,80}[0-9]{16}");
        let none = cost("[a-z]+[0-9]{4}[a-z]+");
        assert!(rare.ns_per_mb < usual.ns_per_mb, "{rare:?} {usual:?}");
        assert!(usual.ns_per_mb < none.ns_per_mb, "{usual:?} {none:?}");
        assert!(none.hits_per_mb.abs() < f64::EPSILON);
        assert!(literal_search_ns_per_mb() > 0.0);
    }

    #[test]
    fn sample_text_is_as_long_as_asked_for_and_always_the_same() {
        for kind in [Kind::Source, Kind::Token] {
            let text = sample(1000, kind);
            assert_eq!(text.len(), 1000);
            assert_eq!(text, sample(1000, kind));
        }
    }
}
