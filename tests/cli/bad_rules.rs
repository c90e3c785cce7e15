//! Rules that are bad: each gets a message that says what to do, and costs no more than it must.

use crate::{gitsieve, stderr, stdout};
use std::{
    fs,
    process::Output,
    time::{Duration, Instant},
};

/// Long for what is done here even on a busy machine, short beside what an unbounded cost would take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Scans `content` with the rule `bad` of these keys alone.
fn scan(keys: &str, content: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let rule = format!("[[rules]]\nid = 'bad'\nconfidence = 'high'\n{keys}\n");
    fs::write(dir.path().join("r.toml"), rule).unwrap();
    fs::write(dir.path().join("content.txt"), content).unwrap();
    let started = Instant::now();
    let args = ["-c", "r.toml", "-f", "json", "dir", "content.txt"];
    let output = gitsieve(dir.path(), &args);
    assert!(
        started.elapsed() < PATIENCE,
        "{keys}: {:?}",
        started.elapsed()
    );
    output
}

fn report(output: &Output) -> serde_json::Value {
    serde_json::from_str(&stdout(output)).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// So many words that look like keys, all different.
fn words(count: u32) -> String {
    (1..=count).fold(String::new(), |text, n| {
        let mixed = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        text + &format!("{mixed:016x}\n")
    })
}

#[test]
fn what_can_never_work_is_refused_with_advice() {
    for (regex, says) in [
        ("(acme", "unclosed group"),
        (
            "acme(?=x)",
            "write what stands around the secret into the expression",
        ),
        (
            "(?<!x)acme",
            "write what stands around the secret into the expression",
        ),
        (r"(acme)\1", "back references are not supported"),
        (
            "(?:(?:acme{1,900}){1,900}){1,900}",
            "the expression is too large",
        ),
        ("acme[^\\x00-\\xff]", "can never match"),
        ("acme**(", "unclosed group"),
    ] {
        let output = scan(&format!("regex = '''{regex}'''"), "acme");
        assert_eq!(output.status.code(), Some(2), "{regex}: {output:?}");
        let message = stderr(&output);
        assert!(
            message.contains("r.toml:4: ") && message.contains(says),
            "{regex}: {message}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn unbounded_and_literal_free_rules_are_warned_of_and_still_work() {
    let token = "acme-4f7Qz81LmX2";
    let content = format!(
        "{}{token} tail\n",
        "filler text without it\n".repeat(40_000)
    );
    for (regex, says) in [
        ("acme-.*", "matches longer than 8192 bytes are missed"),
        (
            "acme-(?:[a-zA-Z0-9]+)+",
            "matches longer than 8192 bytes are missed",
        ),
        (
            r"\b[a-z]{4}-[a-zA-Z0-9]{11}\b",
            "all content is searched, which is slow",
        ),
    ] {
        let output = scan(&format!("regex = '''{regex}'''"), &content);
        assert!(
            stderr(&output).contains(says),
            "{regex}: {}",
            stderr(&output)
        );
        let report = report(&output);
        assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{regex}");
        assert_eq!(report["receipt"]["complete"], true);
    }
}

#[test]
fn what_slow_rules_cost_is_told_by_a_check() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[[rules]]\nid = 'bare'\nregex = '''[a-z]+[0-9]+[a-z]+'''\n\
                [[rules]]\nid = 'long'\nregex = '''acmeq7_.+'''\n";
    fs::write(dir.path().join("r.toml"), text).unwrap();
    let output = gitsieve(dir.path(), &["rules", "check", "r.toml"]);
    assert_eq!(output.status.code(), Some(0), "warnings are no problems");
    let text = stdout(&output);
    for (place, says) in [
        (
            "r.toml:2: warning: rule \"bare\"",
            "no literal that leads to its matches",
        ),
        ("r.toml:5: warning: rule \"long\"", "a rarer literal"),
    ] {
        let priced = |line: &&str| line.starts_with(place) && line.contains(" ms a megabyte");
        let told = text.lines().find(priced);
        assert!(told.is_some_and(|l| l.contains(says)), "{place}: {text}");
    }
}

#[test]
fn empty_matches_are_warned_of_and_find_nothing() {
    let output = scan("regex = '''x*'''", &"abc\n".repeat(10_000));
    assert!(
        stderr(&output).contains("matches the empty text"),
        "{}",
        stderr(&output)
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_rule_that_matches_everywhere_is_cut_off_and_named() {
    let content = words(25_000);
    for regex in ["[a-f0-9]{16}", "(?m)^.+$"] {
        let output = scan(&format!("regex = '''{regex}'''"), &content);
        let report = report(&output);
        let findings = report["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 10_000, "{regex}");
        let receipt = &report["receipt"];
        assert_eq!(receipt["complete"], false);
        let issue = &receipt["issues"][0];
        assert_eq!(issue["kind"], "limit");
        let message = issue["message"].as_str().unwrap();
        assert!(
            message.contains("rule \"bad\" matches more than 10000 times"),
            "{message}"
        );
        assert_eq!(output.status.code(), Some(1), "findings decide the status");
    }
    let literal = format!("key{}", words(12_000).replace('\n', "\nkey"));
    let output = scan("regex = '''key([a-f0-9]{16})'''", &literal);
    assert_eq!(
        report(&output)["findings"].as_array().unwrap().len(),
        10_000
    );
}
