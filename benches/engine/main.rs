//! Bytes a second of each engine, on long content and on ranges as short as delta seams, and what
//! making each engine takes.
//!
//! With `GITSIEVE_BENCH_REPOSITORY`, the literals of the built-in rules are searched in blobs of the
//! repository that it names, in full (`blobs`) and where they differ from their delta bases
//! (`inserted`). Without, some 600 literals about as long as those of providers' rules, in content
//! made from a fixed seed or read from the file that `GITSIEVE_BENCH_CONTENT` names.
//! For numbers of one core of an idle machine: `cargo bench -p scanner-core --bench engine`.
#![expect(clippy::print_stderr, reason = "tells what was measured")]
#![allow(unreachable_pub, reason = "the modules of a program of its own")]

mod text;

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use scanner_core::{
    engine::{Engine, EngineKind, Hit, LiteralSet, build},
    rules::RuleSet,
};
use std::{hint::black_box, path::Path, sync::Arc, time::Duration};
use text::Text;

/// The engines that are compared.
const ENGINES: &[EngineKind] = &[
    EngineKind::Literal,
    EngineKind::AhoCorasick,
    #[cfg(feature = "hyperscan")]
    EngineKind::Hyperscan,
];

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
    ENGINES
        .iter()
        .map(|kind| build(*kind, set.clone()).expect("the literals suit every engine"))
        .collect()
}

/// Times each engine on a text, if all find the same there.
fn time(criterion: &mut Criterion, name: &str, engines: &[Box<dyn Engine>], text: &Text) {
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(2));
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Bytes(text.len() as u64));
    let mut expected: Option<Vec<Hit>> = None;
    for engine in engines {
        let mut worker = engine.worker();
        let mut hits = Vec::new();
        let mut search = |hits: &mut Vec<Hit>| worker.hits_within(&text.bytes, &text.ranges, hits);
        search(&mut hits);
        match &expected {
            Some(expected) => assert!(hits == *expected, "{} differs", engine.name()),
            None => expected = Some(hits.clone()),
        }
        group.bench_function(engine.name(), |bencher| {
            bencher.iter(|| {
                hits.clear();
                search(&mut hits);
                black_box(hits.len())
            });
        });
    }
    group.finish();
    let found = expected.map_or(0, |hits| hits.len());
    eprintln!("{name}: {found} hits in {} ranges", text.ranges.len());
}

/// Times making each engine.
fn time_build(criterion: &mut Criterion, set: &Arc<LiteralSet>) {
    let mut group = criterion.benchmark_group("engine/build");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for kind in ENGINES {
        group.bench_function(format!("{kind:?}"), |bencher| {
            bencher.iter(|| black_box(build(*kind, set.clone())).is_ok());
        });
    }
    #[cfg(feature = "hyperscan")]
    {
        let cache = compiled::Memory::default();
        group.bench_function("Hyperscan, kept", |bencher| {
            bencher.iter(|| compiled::build(&cache, set));
        });
    }
    group.finish();
}

/// What libhs compiled, kept in memory.
#[cfg(feature = "hyperscan")]
mod compiled {
    use super::{Arc, EngineKind, LiteralSet};
    use scanner_core::engine::{CompiledCache, build_with_cache};
    use std::sync::Mutex;

    #[derive(Debug, Default)]
    pub(super) struct Memory(Mutex<Option<Vec<u8>>>);

    impl CompiledCache for Memory {
        fn load(&self, _: &str) -> Option<Vec<u8>> {
            self.0.lock().expect("no panic").clone()
        }

        fn store(&self, _: &str, compiled: &[u8]) {
            eprintln!("compiled: {} bytes", compiled.len());
            *self.0.lock().expect("no panic") = Some(compiled.to_vec());
        }
    }

    pub(super) fn build(cache: &Memory, set: &Arc<LiteralSet>) -> bool {
        build_with_cache(EngineKind::Hyperscan, set.clone(), cache).is_ok()
    }
}

fn bench(criterion: &mut Criterion) {
    let builtin = Arc::new(LiteralSet::new(RuleSet::builtin().rules()));
    if let Some(repository) = std::env::var_os("GITSIEVE_BENCH_REPOSITORY") {
        let repository = Path::new(&repository);
        let bytes: usize = builtin
            .literals()
            .iter()
            .map(|(bytes, _)| bytes.len())
            .sum();
        eprintln!("{} literals of {bytes} bytes", builtin.literals().len());
        let engines = engines(&builtin);
        let reach = builtin.longest().saturating_sub(1);
        time(
            criterion,
            "engine/blobs",
            &engines,
            &text::blobs(repository),
        );
        let inserted = text::inserted(repository, reach);
        time(criterion, "engine/inserted", &engines, &inserted);
        return;
    }
    let mut numbers = Numbers(1);
    let content = content(&mut numbers);
    let set = Arc::new(literals(&mut numbers));
    let of_set = engines(&set);

    let text = Text::whole(content.clone());
    time(criterion, "engine/long", &of_set, &text);
    time(criterion, "engine/builtin", &engines(&builtin), &text);

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

    time_build(criterion, &builtin);
}

criterion_group!(benches, bench);
criterion_main!(benches);
