//! Bytes a second of each engine, on long content and on ranges as short as delta seams.
//!
//! The content is made from a fixed seed, or read from the file that `GITSIEVE_BENCH_CONTENT`
//! names; the literals are some 600, about as long as those of providers' rules, or those of the
//! built-in rules themselves.
//! For numbers of one core of an idle machine: `cargo bench -p scanner-core --bench engine`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scanner_core::{
    engine::{Engine, EngineKind, LiteralSet, build},
    rules::RuleSet,
};
use std::{hint::black_box, sync::Arc};

/// Words of code and prose, the more frequent ones more often.
const WORDS: &str = "the the the of to if if int int return return static void const char struct \
    struct for while else else NULL self end def class commit commit branch object object file \
    file path path line index test test_expect name name value list string error error this that \
    with from case break include git git printf size len buf buffer data option options update \
    repository remote fetch merge token config key user message command write read print";

/// Words that literals of rules are made of.
const NAMES: [&str; 24] = [
    "token", "secret", "password", "apikey", "access", "client", "authz", "private", "signing",
    "webhook", "session", "account", "deploy", "bearer", "license", "passwd", "encrypt", "oauth",
    "service", "storage", "connect", "master", "refresh", "tenant",
];

/// A generator of numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

fn content(numbers: &mut Numbers) -> Vec<u8> {
    if let Ok(path) = std::env::var("GITSIEVE_BENCH_CONTENT") {
        return std::fs::read(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    }
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut content = Vec::new();
    while content.len() < 16 << 20 {
        content.extend_from_slice(words[numbers.below(words.len())].as_bytes());
        match numbers.below(12) {
            0 => content.extend_from_slice(b";\n\t"),
            1 => content.extend_from_slice(b" = "),
            2 => content.push(b'_'),
            3 => content.extend((0..6).map(|_| b'a' + numbers.below(26) as u8)),
            4 => content.extend((0..4).map(|_| b'0' + numbers.below(10) as u8)),
            5 => content.push(b'('),
            _ => content.push(b' '),
        }
    }
    content
}

fn literals(numbers: &mut Numbers) -> LiteralSet {
    let mut literals = Vec::new();
    for one in NAMES {
        for other in &NAMES[..16] {
            literals.push((format!("{one}_{other}").into_bytes(), true));
        }
    }
    // Prefixes of three to seven bytes.
    for _ in 0..220 {
        let len = 2 + numbers.below(5);
        let mut prefix: Vec<u8> = (0..len).map(|_| b'a' + numbers.below(26) as u8).collect();
        prefix.push(b"_-."[numbers.below(3)]);
        literals.push((prefix, false));
    }
    LiteralSet::from_literals(literals)
}

fn engines(set: &Arc<LiteralSet>) -> Vec<Box<dyn Engine>> {
    [
        EngineKind::Literal,
        EngineKind::AhoCorasick,
        #[cfg(feature = "hyperscan")]
        EngineKind::Hyperscan,
    ]
    .into_iter()
    .map(|kind| build(kind, set.clone()).expect("the literals suit every engine"))
    .collect()
}

/// Times each engine on the whole of a content.
fn time(criterion: &mut Criterion, name: &str, engines: &[Box<dyn Engine>], content: &[u8]) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    group.throughput(Throughput::Bytes(content.len() as u64));
    for engine in engines {
        let mut worker = engine.worker();
        let mut hits = Vec::new();
        group.bench_function(engine.name(), |bencher| {
            bencher.iter(|| {
                hits.clear();
                worker.hits(content, 0..content.len(), &mut hits);
                black_box(hits.len())
            });
        });
    }
    group.finish();
}

fn bench(criterion: &mut Criterion) {
    let mut numbers = Numbers(1);
    let content = content(&mut numbers);
    let set = Arc::new(literals(&mut numbers));
    let of_set = engines(&set);

    time(criterion, "engine/long", &of_set, &content);
    let builtin = Arc::new(LiteralSet::new(RuleSet::builtin().rules()));
    time(criterion, "engine/builtin", &engines(&builtin), &content);

    let mut group = criterion.benchmark_group("engine/range");
    for len in [20, 64, 100] {
        group.throughput(Throughput::Bytes(len as u64));
        // Content that a scanner has just put together is in the cache.
        let near = &content[..content.len().min(1 << 18)];
        for engine in &of_set {
            let mut worker = engine.worker();
            let mut hits = Vec::new();
            let mut at = 0;
            group.bench_function(BenchmarkId::new(engine.name(), len), |bencher| {
                bencher.iter(|| {
                    at = (at + 777) % (near.len() - len);
                    hits.clear();
                    worker.hits(near, at..at + len, &mut hits);
                    black_box(hits.len())
                });
            });
        }
    }
    group.finish();

    criterion.bench_function("engine/build/literal", |bencher| {
        bencher.iter(|| black_box(build(EngineKind::Literal, set.clone())).is_ok());
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
