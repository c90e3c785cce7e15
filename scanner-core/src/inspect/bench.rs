//! What each rule costs on a corpus.
//!
//! Every content is searched in full, as if nothing of it were known, and each rule's hits are
//! confirmed by themselves with a clock around them. That is more than a scan does, which looks at
//! what a delta changes only, and compares rules with each other rather than scans with scans.

use super::{
    corpus::{Corpus, CorpusError},
    single::OneRule,
};
use crate::{
    confirm::Match,
    engine::{self, Engine, EngineKind, EngineWorker, Hit, LiteralSet},
    model::{ObjectId, ScanIssue, SkipReason},
    report::printable,
    rules::{Plan, RuleSet},
    source::{BlobView, BlobVisitor, ContentKind, VisitContext, WorkerFactory},
};
use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What was measured. Times are sums over all threads.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Contents that were searched.
    pub contents: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Contents that were left out: damaged, too large, or after a deadline.
    pub skipped: u64,
    /// Time in the search for literals, in nanoseconds.
    pub search_ns: u64,
    /// The rules, the most expensive first.
    pub rules: Vec<RuleMeasured>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMeasured {
    /// The rule.
    pub rule_id: String,
    /// Hits of its literals; for a rule that searches whole blobs, blobs that hold a word of its
    /// gate.
    pub candidates: u64,
    /// Candidates on which the expression was run: those with room for the bytes that it needs
    /// around the literal.
    pub confirms: u64,
    /// Matches that were left after all filters that look at content.
    pub matches: u64,
    /// Time in the confirm stage, in nanoseconds.
    pub confirm_ns: u64,
    /// Its literals as text, with the hits of each, the most frequent first. Rules may share one.
    pub literals: Vec<(String, u64)>,
}

/// Counts that add up.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    candidates: u64,
    confirms: u64,
    matches: u64,
    confirm_ns: u64,
}

#[derive(Debug, Default)]
struct Totals {
    contents: u64,
    bytes: u64,
    skipped: u64,
    search_ns: u64,
    rules: Vec<Counts>,
    literals: Vec<u64>,
}

/// Measures each rule of a set on a corpus.
///
/// # Errors
/// When nothing can be opened. Single contents that cannot be read are counted as skipped.
pub fn bench(
    rules: &RuleSet,
    corpus: &Corpus,
    context: &VisitContext<'_>,
) -> Result<Measured, CorpusError> {
    let set = Arc::new(LiteralSet::new(rules.rules()));
    let engine = engine::build(EngineKind::Literal, Arc::clone(&set))?;
    let bench = Bench {
        rules,
        set,
        engine: &*engine,
        clock_ns: clock_ns(),
        totals: Mutex::default(),
    };
    corpus.visit(context, &&bench)?;
    Ok(bench.finish())
}

struct Bench<'a> {
    rules: &'a RuleSet,
    set: Arc<LiteralSet>,
    engine: &'a dyn Engine,
    /// What it takes to read the clock twice.
    clock_ns: u64,
    totals: Mutex<Totals>,
}

impl Bench<'_> {
    fn finish(self) -> Measured {
        let totals = self.totals.into_inner();
        let totals = totals.unwrap_or_else(PoisonError::into_inner);
        let mut rules: Vec<RuleMeasured> = self
            .rules
            .rules()
            .iter()
            .enumerate()
            .map(|(index, rule)| {
                let counts = totals.rules.get(index).copied().unwrap_or_default();
                let uses = |l: usize| {
                    let uses = self.set.uses(l as u32);
                    uses.iter().any(|u| u.rule as usize == index)
                };
                let mut literals: Vec<(String, u64)> = self
                    .set
                    .literals()
                    .iter()
                    .enumerate()
                    .filter(|(l, _)| uses(*l))
                    .map(|(l, (bytes, _))| {
                        let hits = totals.literals.get(l).copied().unwrap_or(0);
                        (printable(bytes), hits)
                    })
                    .collect();
                literals.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                RuleMeasured {
                    rule_id: rule.info.id.clone(),
                    candidates: counts.candidates,
                    confirms: counts.confirms,
                    matches: counts.matches,
                    confirm_ns: counts.confirm_ns,
                    literals,
                }
            })
            .collect();
        rules.sort_by(|a, b| {
            (b.confirm_ns, b.candidates)
                .cmp(&(a.confirm_ns, a.candidates))
                .then_with(|| a.rule_id.cmp(&b.rule_id))
        });
        Measured {
            contents: totals.contents,
            bytes: totals.bytes,
            skipped: totals.skipped,
            search_ns: totals.search_ns,
            rules,
        }
    }
}

impl<'a> WorkerFactory for &'a Bench<'a> {
    type Worker = BenchWorker<'a>;

    fn worker(&self) -> BenchWorker<'a> {
        BenchWorker {
            bench: self,
            engine: self.engine.worker(),
            ones: (0..self.rules.rules().len()).map(|_| None).collect(),
            hits: Vec::new(),
            by_rule: Vec::new(),
            found: Vec::new(),
            totals: Totals {
                rules: vec![Counts::default(); self.rules.rules().len()],
                literals: vec![0; self.set.literals().len()],
                ..Totals::default()
            },
        }
    }
}

struct BenchWorker<'a> {
    bench: &'a Bench<'a>,
    engine: Box<dyn EngineWorker + Send + 'a>,
    /// Each rule by itself, and where its literals are in the set of all: made when it is hit.
    ones: Vec<Option<(OneRule, Vec<u32>)>>,
    hits: Vec<Hit>,
    /// Rule, and a hit in the order of all literals.
    by_rule: Vec<(u32, Hit)>,
    found: Vec<Match>,
    totals: Totals,
}

impl BenchWorker<'_> {
    fn measure(&mut self, content: &[u8]) {
        self.totals.contents += 1;
        self.totals.bytes += content.len() as u64;
        self.hits.clear();
        let started = Instant::now();
        self.engine.hits(content, 0..content.len(), &mut self.hits);
        self.totals.search_ns += nanoseconds(started.elapsed());
        self.by_rule.clear();
        for hit in &self.hits {
            self.totals.literals[hit.literal as usize] += 1;
            let uses = self.bench.set.uses(hit.literal).iter();
            self.by_rule.extend(uses.map(|u| (u.rule, *hit)));
        }
        for (index, rule) in self.bench.rules.rules().iter().enumerate() {
            if let Plan::WholeBlob { gate } = &rule.plan
                && gate.is_empty()
            {
                self.confirm(index as u32, 0..0, content);
            }
        }
        self.by_rule.sort_unstable();
        let mut first = 0;
        while let Some(&(rule, _)) = self.by_rule.get(first) {
            let rest = &self.by_rule[first..];
            let end = first + rest.partition_point(|(r, _)| *r == rule);
            self.confirm(rule, first..end, content);
            first = end;
        }
    }

    /// Confirms the hits of one rule, by their range in `by_rule`.
    fn confirm(&mut self, rule: u32, range: std::ops::Range<usize>, content: &[u8]) {
        let bench = self.bench;
        let set = &bench.set;
        let is_new = self.ones[rule as usize].is_none();
        let (one, names) = self.ones[rule as usize].get_or_insert_with(|| {
            let of = &bench.rules.rules()[rule as usize];
            let one = OneRule::new(of, bench.rules.allowlists());
            let place = |literal| set.literals().binary_search(literal).unwrap_or(0) as u32;
            let names = one.literals().literals().iter().map(place).collect();
            (one, names)
        });
        let hits: Vec<Hit> = self.by_rule[range]
            .iter()
            .filter_map(|(_, hit)| {
                let literal = names.iter().position(|name| *name == hit.literal)? as u32;
                Some(Hit {
                    start: hit.start,
                    literal,
                })
            })
            .collect();
        if is_new {
            // Compiles the expression, which a scan does once for all its threads.
            one.confirm(content, &hits[..hits.len().min(1)], &mut self.found);
        }
        self.found.clear();
        let started = Instant::now();
        one.confirm(content, &hits, &mut self.found);
        let spent = nanoseconds(started.elapsed()).saturating_sub(bench.clock_ns);
        let counts = &mut self.totals.rules[rule as usize];
        counts.confirm_ns += spent;
        match bench.rules.rules()[rule as usize].plan {
            Plan::Literals { .. } => {
                counts.candidates += hits.len() as u64;
                let roomy = hits.iter().filter(|hit| {
                    let before = one
                        .literals()
                        .uses(hit.literal)
                        .iter()
                        .map(|u| u.before_min);
                    before.min().unwrap_or(0) <= hit.start
                });
                counts.confirms += roomy.count() as u64;
            }
            Plan::WholeBlob { .. } => {
                counts.candidates += 1;
                counts.confirms += 1;
            }
        }
        counts.matches += one.kept(content, &mut self.found) as u64;
    }
}

impl BlobVisitor for BenchWorker<'_> {
    type State = ();

    fn blob(&mut self, view: &BlobView<'_, ()>, (): &mut ()) -> ControlFlow<()> {
        if view.report {
            self.measure(view.bytes);
        }
        ControlFlow::Continue(())
    }

    fn skipped(&mut self, _kind: ContentKind, _id: Option<ObjectId>, _reason: SkipReason) {
        self.totals.skipped += 1;
    }

    fn issue(&mut self, _issue: ScanIssue) {
        // Told by a scan; here only what is missing from the measure counts, and `skipped` has it.
    }
}

impl Drop for BenchWorker<'_> {
    fn drop(&mut self) {
        let mut all = self
            .bench
            .totals
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.contents += self.totals.contents;
        all.bytes += self.totals.bytes;
        all.skipped += self.totals.skipped;
        all.search_ns += self.totals.search_ns;
        all.rules.resize(self.totals.rules.len(), Counts::default());
        all.literals.resize(self.totals.literals.len(), 0);
        for (sum, own) in all.rules.iter_mut().zip(&self.totals.rules) {
            sum.candidates += own.candidates;
            sum.confirms += own.confirms;
            sum.matches += own.matches;
            sum.confirm_ns += own.confirm_ns;
        }
        for (sum, own) in all.literals.iter_mut().zip(&self.totals.literals) {
            *sum += own;
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// The least that two readings of the clock lie apart.
fn clock_ns() -> u64 {
    (0..1000)
        .map(|_| nanoseconds(Instant::now().elapsed()))
        .min()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, sync::atomic::AtomicBool};

    #[test]
    fn candidates_confirms_and_matches_are_counted_by_rule_and_literal() {
        let text = "
            [[rules]]
            id = 'acme'
            regex = '''acme_[a-z]{8}'''
            [[rules]]
            id = 'behind'
            regex = '''[0-9]{4}(?:acme_|apex_)[a-z]{2}'''
            [[rules]]
            id = 'whole'
            regex = '''[0-9]{3}[a-z]{2}'''
            [[rules]]
            id = 'never'
            regex = '''nowhere'''";
        let rules = RuleSet::parse(text, "f.toml").expect("valid").rules;
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("a"), "acme_abcdefgh 1234acme_ab").expect("a file");
        fs::write(dir.path().join("b"), "apex_ apex_").expect("a file");
        let interrupt = AtomicBool::new(false);
        for threads in [1, 2] {
            let context = VisitContext {
                threads,
                max_blob_bytes: 1 << 20,
                max_memory_bytes: 1 << 20,
                interrupt: &interrupt,
                deadline: None,
            };
            let corpus = Corpus::Paths(vec![dir.path().to_owned()]);
            let measured = bench(&rules, &corpus, &context).expect("it runs");
            assert_eq!((measured.contents, measured.bytes), (2, 36));
            let of = |id: &str| {
                let rule = measured.rules.iter().find(|r| r.rule_id == id);
                rule.expect("every rule is there")
            };
            let counts = |id| (of(id).candidates, of(id).confirms, of(id).matches);
            assert_eq!(counts("acme"), (2, 2, 1));
            // Two hits have no room for four digits ahead of them.
            assert_eq!(counts("behind"), (4, 2, 1));
            assert_eq!(counts("whole"), (2, 2, 1));
            assert_eq!(counts("never"), (0, 0, 0));
            let literals = [("acme_".to_owned(), 2), ("apex_".to_owned(), 2)];
            assert_eq!(of("behind").literals, literals);
        }
    }
}
