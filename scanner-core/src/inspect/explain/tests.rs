use super::*;
use crate::scan::Scanner;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;

const RULES: &str = "
    [[allowlists]]
    description = 'generated'
    paths = ['''^gen/''']
    [[rules]]
    id = 'acme'
    regex = '''acme_([a-z0-9]{12})'''
    entropy = 2.0
    [[rules.allowlists]]
    description = 'samples'
    stopwords = ['sample', 'demo']
    [[rules]]
    id = 'any'
    regex = '''key=([A-Za-z0-9_+/=]{10,80})'''
    generic = true
    [[rules]]
    id = 'pin'
    regex = '''\\b[0-9]{4}-[0-9]{4}\\b'''
    path = '''[.]pin$'''
    [[rules]]
    id = 'name'
    regex = '''name_([a-z0-9]{6})'''
    confidence = 'medium'
    [[rules.required]]
    id = 'word'
    optional = true
    [[rules]]
    id = 'word'
    regex = '''word_([a-z0-9]{6})'''
    confidence = 'low'
    [[rules]]
    id = 'silent'
    regex = '''mute_([a-z0-9]{6})'''
    skipReport = true
    [[rules]]
    id = 'needs'
    regex = '''needs_([a-z0-9]{6})'''
    [[rules.required]]
    id = 'silent'
    withinLines = 1
    [[rules]]
    id = 'unlike'
    regex = '''unlike_([a-z0-9]{6})'''
    validate = ['jwt']
    confidence = 'medium'
    [[rules]]
    id = 'token'
    regex = '''eyJ[A-Za-z0-9_-]+\\.eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+'''
    validate = ['jwt']
    confidence = 'medium'";

fn builder() -> ScannerBuilder {
    let rules = RuleSet::parse(RULES, "f.toml").expect("valid").rules;
    Scanner::builder().rules(rules).now(2_000_000_000)
}

fn explained_at(
    content: &[u8],
    path: &str,
    line: Option<u64>,
    min_confidence: Confidence,
) -> Vec<Explained> {
    let place = Place {
        path: path.as_bytes(),
        member: None,
        commit: None,
        lines: line.map(|line| line..=line),
        fingerprint: None,
        min_confidence,
    };
    let told = explain(&builder(), content, &place).expect("the engine is made");
    assert!(!told.more);
    told.candidates
}

fn explained(content: &str, path: &str, line: Option<u64>) -> Vec<Explained> {
    explained_at(content.as_bytes(), path, line, Confidence::Low)
}

/// The verdict, and the filter and value of what dropped it.
fn ends(explained: &[Explained]) -> Vec<(String, bool, String)> {
    let end = |e: &Explained| {
        let last = e.steps.iter().find(|s| !s.kept);
        let told = last.map_or_else(String::new, |s| format!("{}: {}", s.filter, s.value));
        (e.rule.id.clone(), e.kept, told)
    };
    explained.iter().map(end).collect()
}

fn one(content: &str, path: &str) -> (bool, String) {
    let all = ends(&explained(content, path, None));
    assert_eq!(all.len(), 1, "{all:?}");
    (all[0].1, all[0].2.clone())
}

/// What became of the candidate of a rule, of which there is one.
fn of_rule(all: &[Explained], rule: &str) -> (bool, String) {
    let own: Vec<_> = ends(all).into_iter().filter(|e| e.0 == rule).collect();
    assert_eq!(own.len(), 1, "{rule}: {own:?}");
    (own[0].1, own[0].2.clone())
}

#[test]
fn the_filter_that_drops_a_candidate_is_named_with_what_it_saw() {
    assert_eq!(one("acme_q7wz81mkx2vd", "x"), (true, String::new()));
    let dropped = |content: &str, path: &str, says: &str| {
        let (kept, told) = one(content, path);
        assert!(!kept && told.contains(says), "{content}: {told}");
    };
    dropped("acme_short", "x", "expression: no match");
    dropped("acme_aaaaaaaaaaaa", "x", "entropy: 0.00 bits");
    dropped(
        "acme_q7demo81mkx2",
        "x",
        "allowlist: number 1 of the rule (samples): stop words: number 1 of 2",
    );
    dropped(
        "acme_q7wz81mkx2vd",
        "gen/x",
        "allowlist: number 1 over all rules (generated): paths: number 1 of 1",
    );
    dropped("1234-9876", "x", "path: the path does not match");
    assert!(one("1234-9876", "x.pin").0);
}

#[test]
fn a_generic_rule_says_what_it_gives_way_to() {
    let all = explained("\nkey=acme_q7wz81mkx2vd", "x", None);
    let expected = (false, "overlap: gives way to acme at line 2".to_owned());
    assert_eq!(of_rule(&all, "any"), expected);
}

#[test]
fn what_is_encoded_is_told_with_its_encodings_and_the_place_of_what_writes_it() {
    let inner = STANDARD.encode("user and acme_q7wz81mkx2vd here");
    let all = explained(&format!("first\nkey={inner}\n"), "x", None);
    let acme = all.iter().find(|e| e.rule.id == "acme").expect("it is");
    assert!(acme.kept, "{acme:?}");
    assert_eq!(acme.encoding, [Encoding::Base64]);
    assert_eq!(acme.location.start_line, 2);
    assert_eq!(acme.steps[0].value, "decoded from base64");
    let way = "overlap: gives way to acme, decoded from within it (base64) at line 2";
    assert_eq!(of_rule(&all, "any"), (false, way.to_owned()));

    let twice = STANDARD.encode(format!("more of it: {inner}"));
    let all = explained(&twice, "x", None);
    let acme = all.iter().find(|e| e.rule.id == "acme").expect("it is");
    assert_eq!(acme.encoding, [Encoding::Base64, Encoding::Base64]);
    let dropped = STANDARD.encode("user and acme_aaaaaaaaaaaa here");
    assert!(one(&dropped, "x").1.contains("entropy"));
}

#[test]
fn a_part_of_another_finding_says_of_which_and_what_lacks_one_says_so() {
    let all = explained("name_q7wz81\n\nword_mkx2vd\n", "x", None);
    assert_eq!(of_rule(&all, "name"), (true, String::new()));
    let part = "companion: a part of name at line 1";
    assert_eq!(of_rule(&all, "word"), (false, part.to_owned()));
    let name = all.iter().find(|e| e.rule.id == "name").expect("it is");
    let points = |filter: &str| {
        let step = name.steps.iter().find(|s| s.filter == filter);
        step.map(|s| s.threshold.clone())
    };
    assert_eq!(points("companion").as_deref(), Some("+15"));
    assert_eq!(name.confidence, Some(Confidence::High));
    assert!(one("word_mkx2vd", "x").0);
    assert!(one("mute_mkx2vd", "x").1.contains("part of others alone"));
    let apart = explained("needs_q7wz81\n\n\nmute_mkx2vd", "x", None);
    assert!(of_rule(&apart, "needs").1.contains("not near enough"));
    let together = explained("needs_q7wz81\nmute_mkx2vd", "x", None);
    assert!(of_rule(&together, "needs").0);
    assert!(of_rule(&together, "silent").1.contains("a part of needs"));
}

/// A token that ended in 2020.
fn ended() -> String {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as URL;
    let (head, claims) = ("{\"alg\":\"HS256\"}", "{\"exp\":1600000000}");
    let sign = URL.encode("q7wz81mkx2vdv4tn60hrp9sjq7wz81mk");
    format!("{}.{}.{sign}", URL.encode(head), URL.encode(claims))
}

#[test]
fn points_tell_path_floor_and_expiry() {
    let all = explained(&ended(), "docs/x.md", None);
    let told = all.iter().find(|e| e.rule.id == "token").expect("it is");
    let own = |s: &Step| {
        let sums = matches!(s.filter, "rule" | "check" | "expiry" | "path");
        sums.then(|| s.threshold.parse::<i32>().ok()).flatten()
    };
    // What is proven is so anywhere: no points for the path.
    let points: Vec<i32> = told.steps.iter().filter_map(own).collect();
    assert_eq!(points, [60, 40, -30], "{told:?}");
    let last = told.steps.last().expect("it has steps");
    assert_eq!(last.value, "medium (70 points)");
    let locked = explained("name_q7wz81", "gen.sum", None);
    let points: Vec<i32> = locked[0].steps.iter().filter_map(own).collect();
    assert_eq!(points, [60, -15], "{locked:?}");
    // Less than medium already, so no less for a path.
    let floored = explained("unlike_q7wz81", "gen.sum", None);
    let points: Vec<i32> = floored[0].steps.iter().filter_map(own).collect();
    assert_eq!(points, [60, -30, -15, 15], "{floored:?}");
}

#[test]
fn only_the_lines_asked_for_are_told_of_and_no_secret_is() {
    let encoded = STANDARD.encode("user and acme_v4tn60hrp9sj here");
    let content = format!("acme_q7wz81mkx2vd\n{encoded}\nacme_aaaaaaaaaaaa\n");
    let second = explained(&content, "x", Some(2));
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].location.start_line, 2);
    for e in explained(&content, "x", None) {
        let all = format!("{e:?}");
        assert!(!all.contains("wz81") && !all.contains("tn60"), "{all}");
        assert!(!all.contains(&encoded[20..30]), "{all}");
    }
}

/// Fingerprints that a scan reports, with every place: member, encoding and line.
type Told = (String, Option<Vec<u8>>, Vec<Encoding>, u64, String);

fn reported(content: &[u8], path: &str, least: Confidence) -> Vec<Told> {
    let input = Input::Memory {
        path: path.as_bytes().to_vec(),
        bytes: content.to_vec(),
    };
    let scanner = builder().min_confidence(least).build().expect("it builds");
    let report = scanner
        .scan(&input, &NoObserver, &AtomicBool::new(false))
        .expect("memory can be scanned");
    let mut all = Vec::new();
    for f in &report.findings {
        for o in &f.occurrences {
            all.push((
                f.fingerprint.to_string(),
                o.member.as_ref().map(|m| m.to_vec()),
                o.encoding.clone(),
                o.location.start_line,
                f.confidence.to_string(),
            ));
        }
    }
    all.sort();
    all
}

fn kept(content: &[u8], path: &str, least: Confidence) -> Vec<Told> {
    let mut all: Vec<Told> = explained_at(content, path, None, least)
        .into_iter()
        .filter(|e| e.kept)
        .map(|e| {
            (
                e.fingerprint.expect("it has one").to_string(),
                e.member,
                e.encoding,
                e.location.start_line,
                e.confidence.expect("it has one").to_string(),
            )
        })
        .collect();
    all.sort();
    all
}

const PLAIN: &str = "key=acme_q7wz81mkx2vd acme_aaaaaaaaaaaa\nkey=j5x2hn8wq0rzt4 1234-9876\n\
                     acme_q7demo81mkx2 acme_g3yb58lfc7keacme_g3yb58lfc7ke\n\
                     name_q7wz81 word_mkx2vd\n\n\n\n\n\n\n\n\n\n\n\n\n\nword_v4tn60 needs_h2\n";

const PATHS: [&str; 6] = ["x", "gen/x", "a.pin", "", "docs/a.md", "Cargo.lock"];

fn is_what_a_scan_reports(content: &[u8]) -> usize {
    let mut most = 0;
    for path in PATHS {
        for least in [Confidence::Low, Confidence::Medium, Confidence::High] {
            let told = kept(content, path, least);
            assert_eq!(told, reported(content, path, least), "{path:?} {least}");
            most = most.max(told.len());
        }
    }
    most
}

#[test]
fn what_is_kept_is_what_a_scan_reports() {
    assert_eq!(is_what_a_scan_reports(PLAIN.as_bytes()), 7);
    let inner = STANDARD.encode(PLAIN);
    let twice = STANDARD.encode(format!("key={inner}"));
    let hex: Vec<String> = PLAIN.bytes().map(|b| format!("{b:02x}")).collect();
    let hex = hex.concat();
    let escaped = PLAIN.replace('_', "%5F").replace("key=", "key\\u003d");
    let token = ended();
    let all = format!("{inner}\n{twice}\n{hex}\n{escaped}\n{token}\n{PLAIN}");
    assert!(is_what_a_scan_reports(all.as_bytes()) > 20);
    let wide: Vec<u8> = all.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(is_what_a_scan_reports(&wide) > 20);
}

#[cfg(feature = "containers")]
mod members {
    use super::*;
    use std::io::Write as _;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(bytes).expect("memory takes it");
        out.finish().expect("memory takes it")
    }

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            out.append_data(&mut header, name, *bytes)
                .expect("memory takes it");
        }
        out.into_inner().expect("memory takes it")
    }

    #[test]
    fn what_is_kept_in_members_is_what_a_scan_reports() {
        let encoded = STANDARD.encode(PLAIN);
        let members = [
            ("a.txt", PLAIN.as_bytes()),
            ("gen/b.txt", b"acme_v4tn60hrp9sj"),
            ("docs/c.pin", b"1234-5678 name_v4tn60"),
            ("d", encoded.as_bytes()),
        ];
        let outer = tar(&members);
        assert!(is_what_a_scan_reports(&outer) > 12);
        assert!(is_what_a_scan_reports(&gzip(&outer)) > 12);
        let nested = tar(&[("in.tgz", &gzip(&outer)), ("e", b"acme_p4tn60hrp9sj")]);
        assert!(is_what_a_scan_reports(&nested) > 12);
        let notebook = r#"{"cells": [{"cell_type": "code", "source": ["a = 'acme_q7wz81mkx2vd'\n",
            "key=j5x2hn8wq0rzt4\n"]}], "nbformat": 4, "metadata": {}}"#;
        assert!(is_what_a_scan_reports(notebook.as_bytes()) > 1);
    }

    #[test]
    fn the_line_counts_in_the_member_and_the_archive_says_who_tells() {
        let archive = tar(&[("conf/a.env", b"\nacme_v4tn60hrp9sj\n")]);
        let all = explained_at(&archive, "x.tar", None, Confidence::Low);
        let own = |e: &&Explained| e.member.as_deref() == Some(b"conf/a.env");
        let member = all.iter().find(own).expect("it is told of");
        assert!(member.kept);
        assert_eq!(member.location.start_line, 2);
        let outer = all.iter().find(|e| e.member.is_none()).expect("it is");
        let says = outer.steps.iter().find(|s| !s.kept).expect("it is dropped");
        assert_eq!(says.value, "told in the member conf/a.env at line 2");
    }

    #[test]
    fn what_was_not_opened_is_told() {
        let archive = tar(&[("a.gz", &gzip(b"acme_v4tn60hrp9sj"))]);
        let place = Place {
            path: b"x.tar",
            member: None,
            commit: None,
            lines: None,
            fingerprint: None,
            min_confidence: Confidence::Low,
        };
        let shallow = builder().max_archive_depth(1);
        let told = explain(&shallow, &archive, &place).expect("the engine is made");
        assert!(told.candidates.is_empty());
        assert!(told.issues[0].message.contains("a.gz"), "{told:?}");
        let full = explain(&builder(), &archive, &place).expect("the engine is made");
        assert!(full.issues.is_empty() && full.candidates[0].kept);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_mix_of_encodings_is_explained_as_it_is_scanned(
        pieces in prop::collection::vec((0_usize..8, 0_usize..4), 1..10),
        path in 0_usize..PATHS.len(),
    ) {
        const SECRETS: [&str; 8] = [
            "acme_q7wz81mkx2vd", "key=acme_q7wz81mkx2vd", "key=j5x2hn8wq0rzt4", "name_q7wz81",
            "word_mkx2vd", "needs_q7wz81", "mute_mkx2vd", "acme_aaaaaaaaaaaa",
        ];
        let line = |(secret, shape): (usize, usize)| {
            let text = format!("so {} is the text", SECRETS[secret]);
            match shape {
                0 => text,
                1 => STANDARD.encode(text),
                2 => format!("key={}", STANDARD.encode(text)),
                _ => text.replace('_', "\\x5f").replace(' ', "%20"),
            }
        };
        let lines: Vec<String> = pieces.into_iter().map(line).collect();
        let content = lines.join("\n");
        for least in [Confidence::Low, Confidence::Medium] {
            let content = content.as_bytes();
            let told = kept(content, PATHS[path], least);
            prop_assert_eq!(told, reported(content, PATHS[path], least));
        }
    }
}
