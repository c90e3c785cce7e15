use super::*;
use crate::{
    model::IssueKind,
    report::{JsonReporter, JsonlReporter, ReportMeta, Reporter, Suppressed, write_report},
    rules::RuleSet,
    scan::{Input, NoObserver, Scanner},
};
use proptest::prelude::*;
use std::sync::atomic::AtomicBool;

const META: ReportMeta<'static> = ReportMeta {
    tool: "gitsieve",
    version: "1.2.3",
    repository: None,
};

const SECRET: &str = "acme_0123456789abcdefghij";

fn report() -> Report {
    let rules = "[[rules]]\nid='acme'\ndescription='Acme key'\nregex='''acme_[a-z0-9]{20}'''";
    let rules = RuleSet::parse(rules, "t").unwrap().rules;
    let scanner = Scanner::builder().rules(rules).build().unwrap();
    let input = Input::Memory {
        path: format!("caf\u{e9}/{SECRET}/\n.txt").into_bytes(),
        bytes: format!("x {SECRET} # gitsieve:allow\ny {SECRET}\n").into_bytes(),
    };
    scanner
        .scan(&input, &NoObserver, &AtomicBool::new(false))
        .unwrap()
}

fn json_of(report: &Report, redactor: Redactor) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reporter = JsonReporter::new(&mut out, redactor);
    write_report(&mut reporter, &META, report, Suppressed::LeftOut).unwrap();
    out
}

fn jsonl_of(report: &Report, redactor: Redactor) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reporter = JsonlReporter::new(&mut out, redactor);
    write_report(&mut reporter, &META, report, Suppressed::LeftOut).unwrap();
    out
}

#[test]
fn what_is_read_and_written_again_is_the_same_bytes() {
    let report = report();
    for write in [json_of, jsonl_of] {
        let text = write(&report, Redactor::of_report(&report));
        let read = read_report(&text).unwrap();
        assert_eq!((&*read.tool, &*read.version), (META.tool, META.version));
        let again = write(&read.report, Redactor::of_report(&read.report));
        assert_eq!(
            String::from_utf8(again).unwrap(),
            String::from_utf8(text).unwrap()
        );
    }
}

#[test]
fn shown_secrets_are_forgotten_and_redacted_everywhere() {
    let report = report();
    let redacted = read_report(&json_of(&report, Redactor::of_report(&report))).unwrap();
    for write in [json_of, jsonl_of] {
        let text = write(&report, Redactor::reveal());
        assert!(String::from_utf8_lossy(&text).contains(SECRET));
        assert_eq!(read_report(&text), Ok(redacted.clone()));
    }
    assert!(!format!("{redacted:?}").contains(SECRET));
    // Put where no report has it, it does not show either.
    let text = String::from_utf8(json_of(&report, Redactor::of_report(&report))).unwrap();
    let form = report.findings[0].secret.redacted();
    let forged = text.replacen(&format!("\"{form}\""), &format!("\"{SECRET}\""), 1);
    let read = read_report(forged.as_bytes()).unwrap();
    assert!(!format!("{read:?}").contains(SECRET));
}

#[test]
fn a_stream_that_was_cut_off_says_so() {
    let report = report();
    let text = jsonl_of(&report, Redactor::of_report(&report));
    let text = String::from_utf8(text).unwrap();
    let cut: Vec<&str> = text
        .lines()
        .filter(|l| !l.contains("\"receipt\""))
        .collect();
    let read = read_report(cut.join("\n").as_bytes()).unwrap();
    assert_eq!(read.report.findings.len(), 1);
    assert!(!read.report.receipt.complete);
    assert_eq!(read.report.receipt.issues[0].kind, IssueKind::Limit);
}

#[test]
fn what_is_no_report_is_refused_with_its_place_and_none_of_its_text() {
    let report = report();
    let redactor = || Redactor::of_report(&report);
    let json = String::from_utf8(json_of(&report, redactor())).unwrap();
    let jsonl = String::from_utf8(jsonl_of(&report, redactor())).unwrap();
    let lines: Vec<&str> = jsonl.lines().collect();
    let id = "\"rule_id\":\"acme\"";
    for (text, said) in [
        (String::new(), "line 1, column 0: ends too early"),
        ("[]".into(), "not what a report"),
        ("{\"meta\"".into(), "ends too early"),
        ("s3cr3t".into(), "line 1, column 1: not JSON"),
        (
            json.replace(id, "\"rule_id\":{\"s3cr3t\":1}"),
            "line 3, column",
        ),
        (
            json.replace("\"low\"", "\"s3cr3t\"")
                .replace("\"medium\"", "\"s3cr3t\""),
            "line 3",
        ),
        (
            json.replace("\"format_version\":1", "\"format_version\":2"),
            "format version 2",
        ),
        (
            json.replace("\"byte_start\":2,", "\"byte_start\":99,"),
            "finding 1: `byte_end`",
        ),
        (
            json.replace("\"start_line\":1", "\"start_line\":0"),
            "finding 1: lines",
        ),
        (json.replace("\"v1:", "\"v9:"), "finding 1: `fingerprint`"),
        (
            lines[..2].join("\n") + "\n{\"type\":\"s3cr3t\"}",
            "line 3, column",
        ),
        ([lines[0], lines[0]].join("\n"), "line 2: a report has one"),
        (lines[1].to_owned(), "line 1: a report begins"),
        (
            [&lines[..], &lines[1..2]].concat().join("\n"),
            "line 4: a report ends",
        ),
    ] {
        let error = read_report(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn keys_of_later_versions_are_left_out() {
    let report = report();
    let text = String::from_utf8(json_of(&report, Redactor::of_report(&report))).unwrap();
    let more = text
        .replace("\"rule_id\"", "\"new\":[1],\"rule_id\"")
        .replace("\"complete\"", "\"new\":{},\"complete\"");
    assert_eq!(read_report(more.as_bytes()), read_report(text.as_bytes()));
}

/// A reporter is enough to write what was read.
fn count(report: &Report) -> usize {
    struct Count(usize);
    impl Reporter for Count {
        fn begin(&mut self, _: &ReportMeta<'_>) -> std::io::Result<()> {
            Ok(())
        }
        fn finding(&mut self, _: &crate::model::Finding) -> std::io::Result<()> {
            self.0 += 1;
            Ok(())
        }
        fn finish(&mut self, _: &crate::model::Receipt) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    write_report(&mut count, &META, report, Suppressed::LeftOut).unwrap();
    count.0
}

proptest! {
    #[test]
    fn redacting_twice_changes_nothing(secret in prop::collection::vec(any::<u8>(), 0..80)) {
        let once = Secret::new(&secret).redacted();
        prop_assert_eq!(Secret::new(once.as_bytes()).redacted(), once);
    }

    #[test]
    fn any_change_of_a_report_is_read_or_refused(at in 0usize..4000, to in any::<u8>()) {
        let report = report();
        let mut text = jsonl_of(&report, Redactor::of_report(&report));
        let at = at % text.len();
        text[at] = to;
        if let Ok(read) = read_report(&text) {
            prop_assert!(count(&read.report) <= 2);
        }
    }
}
