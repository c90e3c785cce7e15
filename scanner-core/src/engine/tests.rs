//! Engines against the oracle.

use super::*;
use proptest::{collection::vec, prelude::*};

fn engines(set: &Arc<LiteralSet>) -> Vec<Box<dyn Engine>> {
    [
        EngineKind::Literal,
        EngineKind::AhoCorasick,
        #[cfg(feature = "hyperscan")]
        EngineKind::Hyperscan,
    ]
    .into_iter()
    .map(|kind| build(kind, set.clone()).expect("rules' literals suit every engine"))
    .collect()
}

fn hits(engine: &dyn Engine, content: &[u8], range: Range<usize>) -> Vec<Hit> {
    // What is there already must stay, whatever its order.
    let old = [Hit {
        start: u32::MAX,
        literal: u32::MAX,
    }];
    let mut out = old.to_vec();
    engine.worker().hits(content, range, &mut out);
    assert_eq!(out[..1], old);
    out.split_off(1)
}

/// Asserts that all engines report what the reference does, and returns that.
fn agree(set: &Arc<LiteralSet>, content: &[u8], ranges: &[Range<usize>]) -> Vec<Vec<Hit>> {
    let reference = build(EngineKind::Reference, set.clone()).expect("the oracle takes all");
    let engines = engines(set);
    // The same content in many ranges at once.
    let mut bounds: Vec<usize> = ranges.iter().flat_map(|r| [r.start, r.end]).collect();
    bounds.sort_unstable();
    let apart: Vec<Range<usize>> = bounds.chunks_exact(2).map(|b| b[0]..b[1]).collect();
    let each = apart
        .iter()
        .flat_map(|r| hits(&*reference, content, r.clone()));
    let expected: Vec<Hit> = each.collect();
    for engine in &engines {
        let old = Hit {
            start: u32::MAX,
            literal: u32::MAX,
        };
        let mut out = vec![old];
        engine.worker().hits_within(content, &apart, &mut out);
        assert_eq!(out[0], old);
        assert_eq!(out[1..], expected, "{} within {apart:?}", engine.name());
    }
    ranges
        .iter()
        .map(|range| {
            let expected = hits(&*reference, content, range.clone());
            assert!(expected.is_sorted_by(|a, b| a < b));
            for engine in &engines {
                let found = hits(&**engine, content, range.clone());
                assert_eq!(found, expected, "{} in {range:?}", engine.name());
            }
            expected
        })
        .collect()
}

fn literals(list: &[(&str, bool)]) -> Arc<LiteralSet> {
    Arc::new(LiteralSet::from_literals(
        list.iter().map(|(l, i)| (l.as_bytes().to_vec(), *i)),
    ))
}

fn found(set: &LiteralSet, hits: &[Hit]) -> Vec<(u32, String, bool)> {
    hits.iter()
        .map(|h| {
            let (bytes, ignore_case) = &set.literals()[h.literal as usize];
            let text = String::from_utf8_lossy(bytes).into_owned();
            (h.start, text, *ignore_case)
        })
        .collect()
}

#[test]
fn nested_and_overlapping_literals_are_all_reported() {
    let set = literals(&[
        ("abc", false),
        ("abcd", false),
        ("bcd", false),
        ("cdab", true),
    ]);
    let hits = agree(&set, b"xabcdabCd", std::slice::from_ref(&(0..9)));
    let expected = [
        (1, "abc", false),
        (1, "abcd", false),
        (2, "bcd", false),
        (3, "cdab", true),
    ];
    assert_eq!(
        found(&set, &hits[0]),
        expected.map(|(s, l, i)| (s, l.to_owned(), i))
    );
}

#[test]
fn case_counts_only_where_the_literal_says_so() {
    let set = literals(&[("token", true), ("Token", false), ("a_b-", true)]);
    let content = b"token Token TOKEN A_B- a\x7fb- a_b\x0d";
    let hits = agree(&set, content, std::slice::from_ref(&(0..content.len())));
    let expected = [
        (0, "token", true),
        (6, "Token", false),
        (6, "token", true),
        (12, "token", true),
        (18, "a_b-", true),
    ];
    assert_eq!(
        found(&set, &hits[0]),
        expected.map(|(s, l, i)| (s, l.to_owned(), i))
    );
}

#[test]
fn literals_are_found_at_both_ends_of_every_range_and_not_beyond() {
    let set = literals(&[
        ("key=", false),
        ("sk-", false),
        ("password", true),
        ("\0\0\0", false),
    ]);
    let content = b"key=sk-password\0\0\0\0key=sk-Password";
    let ranges: Vec<_> = (0..=content.len())
        .flat_map(|start| (start..=content.len()).map(move |end| start..end))
        .collect();
    let hits = agree(&set, content, &ranges);
    assert!(hits.iter().any(|h| h.len() == 8));
}

#[test]
fn no_literals_no_hits() {
    let set = literals(&[("", true)]);
    assert!(set.literals().is_empty());
    agree(&set, b"anything", &[0..8, 3..3]);
}

#[test]
fn runs_of_one_byte_give_every_occurrence_in_order() {
    let set = literals(&[
        ("aaa", false),
        ("aaaa", true),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", false),
    ]);
    let content = vec![b'a'; 3000];
    let hits = agree(&set, &content, &[0..3000, 1..2999, 511..1500]);
    assert_eq!(hits[0].len(), 2998 + 2997 + 2977);
}

/// A generator of numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

#[test]
fn hundreds_of_literals_like_those_of_providers_are_found_in_text() {
    const WORDS: [&str; 16] = [
        "token", "secret", "password", "api", "key", "access", "client", "auth", "private",
        "signing", "webhook", "session", "user", "admin", "deploy", "return",
    ];
    let mut numbers = Numbers(1);
    let mut list = Vec::new();
    for one in WORDS {
        for separator in ["_", "-", " ", ""] {
            for other in &WORDS[..8] {
                list.push((format!("{one}{separator}{other}").into_bytes(), true));
            }
        }
        list.push((one.as_bytes().to_vec(), true));
    }
    for _ in 0..120 {
        let len = 2 + numbers.below(5);
        let mut prefix: Vec<u8> = (0..len).map(|_| b'a' + numbers.below(26) as u8).collect();
        prefix.push(b"_-."[numbers.below(3)]);
        list.push((prefix, false));
    }
    let set = Arc::new(LiteralSet::from_literals(list));
    assert!(set.literals().len() > 600);

    let mut content = Vec::new();
    while content.len() < 20_000 {
        let (bytes, _) = &set.literals()[numbers.below(set.literals().len())];
        match numbers.below(6) {
            0 => content.extend_from_slice(bytes),
            1 => content.extend(bytes.to_ascii_uppercase()),
            2 => content.push(numbers.next() as u8),
            3 => content.extend_from_slice(b" = \n\t"),
            _ => content.extend_from_slice(numbers.pick(&WORDS).as_bytes()),
        }
    }
    let mut ranges = vec![0..content.len(), 1..content.len() - 1];
    for _ in 0..40 {
        let start = numbers.below(content.len() - 700);
        ranges.push(start..start + numbers.below(700));
    }
    let hits = agree(&set, &content, &ranges);
    assert!(hits[0].len() > 3000);
}

#[test]
fn literals_of_one_and_two_bytes_are_found_too() {
    let set = literals(&[("a", true), ("-B", false), ("a-b", true)]);
    agree(&set, b"xa-Ba-bA-B", &[0..10, 1..9, 4..7]);
}

/// Bytes that differ in the bits that filters drop, and letters.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        6 => prop::sample::select(b"abcAB_".to_vec()),
        1 => prop::sample::select(vec![0, b'!', 0x7F, 0xE1, b'\r', b'-']),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn engines_agree_with_the_oracle(
        list in vec((vec(byte(), 3..=24), any::<bool>()), 1..12),
        short in vec((vec(byte(), 3..=5), any::<bool>()), 0..60),
        noise in vec(byte(), 0..700),
        planted in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 0..8),
        cuts in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..16),
    ) {
        let lowered = list.into_iter().chain(short).map(|(mut bytes, ignore_case)| {
            if ignore_case {
                bytes.make_ascii_lowercase();
            }
            (bytes, ignore_case)
        });
        let set = Arc::new(LiteralSet::from_literals(lowered));
        let mut content = noise;
        for (which, place, upper) in planted {
            let (bytes, _) = which.get(set.literals());
            let bytes = if upper { bytes.to_ascii_uppercase() } else { bytes.to_vec() };
            let at = place.index(content.len() + 1);
            content.splice(at..at, bytes);
        }
        let len = content.len();
        let cuts = cuts.into_iter().map(|(one, other)| {
            let (one, other) = (one.index(len + 1), other.index(len + 1));
            one.min(other)..one.max(other)
        });
        let ranges: Vec<_> = std::iter::once(0..len).chain(cuts).collect();
        agree(&set, &content, &ranges);
    }
}
