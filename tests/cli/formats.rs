//! The machine formats on the shared report: their schema, and what they must never hold.

use crate::report_fixture;
use scanner_core::{
    model::Report,
    report::{
        JSON_SCHEMA, JsonReporter, JsonlReporter, Redactor, ReportMeta, Suppressed, is_disruptive,
        read_report, write_report,
    },
};
use serde_json::{Value, json};

const META: ReportMeta<'static> = ReportMeta {
    tool: "gitsieve",
    version: "1.2.3",
    repository: None,
};

fn json_text(report: &Report, redactor: Redactor) -> String {
    json_text_with(report, redactor, Suppressed::LeftOut)
}

fn json_text_with(report: &Report, redactor: Redactor, suppressed: Suppressed) -> String {
    let mut out = Vec::new();
    let mut reporter = JsonReporter::new(&mut out, redactor);
    write_report(&mut reporter, &META, report, suppressed).unwrap();
    String::from_utf8(out).unwrap()
}

fn jsonl_text(report: &Report, redactor: Redactor) -> String {
    let mut out = Vec::new();
    let mut reporter = JsonlReporter::new(&mut out, redactor);
    write_report(&mut reporter, &META, report, Suppressed::LeftOut).unwrap();
    String::from_utf8(out).unwrap()
}

fn redacting(report: &Report) -> Redactor {
    Redactor::of_report(report)
}

fn document(redactor: Redactor) -> Value {
    serde_json::from_str(&json_text(&report_fixture::report(), redactor)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(JSON_SCHEMA).unwrap()
}

fn line_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/line",
        "$defs": schema()["$defs"],
    })
}

fn assert_valid(schema: &Value, instance: &Value) {
    let validator = jsonschema::draft202012::new(schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(instance)
        .map(|e| format!("{}: {e}", e.instance_path))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{instance:#}");
}

#[test]
fn the_json_document_is_what_its_schema_says() {
    let report = report_fixture::report();
    assert!(jsonschema::meta::is_valid(&schema()));
    assert_valid(&schema(), &document(redacting(&report)));
    assert_valid(&schema(), &document(Redactor::reveal()));
    let mut empty = Report::default();
    empty.receipt.ruleset_hash = "0".repeat(64);
    let empty = serde_json::from_str(&json_text(&empty, Redactor::default())).unwrap();
    assert_valid(&schema(), &empty);
}

#[test]
fn findings_that_do_not_count_come_on_demand_and_say_why() {
    let report = report_fixture::report();
    let text = json_text_with(&report, redacting(&report), Suppressed::Shown);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_valid(&schema(), &document);
    let findings = document["findings"].as_array().unwrap();
    assert_eq!(findings.len(), report.findings.len());
    let suppressed: Vec<&Value> = findings
        .iter()
        .filter_map(|f| f.get("suppression"))
        .collect();
    let key = report.findings[1].secret.redacted();
    let wanted = json!({
        "by": "baseline",
        "status": "false-positive",
        "reason": format!("looks like {key}\u{202e} but | is <none>"),
        "owner": "@ada\x1b[31m",
        "expires": "2031-12-31",
    });
    assert_eq!(suppressed, [&wanted]);
    let without = json_text(&report, redacting(&report));
    assert!(!without.contains("suppression"));
}

#[test]
fn every_line_of_json_lines_is_what_the_schema_says() {
    let report = report_fixture::report();
    for redactor in [redacting(&report), Redactor::reveal()] {
        let text = jsonl_text(&report, redactor);
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for line in &lines {
            assert_valid(&line_schema(), line);
        }
        let types: Vec<&str> = lines.iter().map(|l| l["type"].as_str().unwrap()).collect();
        assert_eq!(types[0], "meta");
        assert_eq!(types.last(), Some(&"receipt"));
        assert!(types[1..types.len() - 1].iter().all(|t| *t == "finding"));
        assert_eq!(types.len(), report.open().count() + 2);
    }
}

#[test]
fn both_formats_say_the_same() {
    let report = report_fixture::report();
    let document = document(redacting(&report));
    let text = jsonl_text(&report, redacting(&report));
    let mut lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("type");
        line
    });
    assert_eq!(lines.next().as_ref(), Some(&document["meta"]));
    for finding in document["findings"].as_array().unwrap() {
        assert_eq!(lines.next().as_ref(), Some(finding));
    }
    assert_eq!(lines.next().as_ref(), Some(&document["receipt"]));
    assert_eq!(lines.next(), None);
}

#[test]
fn what_is_read_back_and_written_again_is_the_same() {
    let report = report_fixture::report();
    let wanted = json_text(&report, redacting(&report));
    let lines = jsonl_text(&report, redacting(&report));
    for text in [&wanted, &lines] {
        let read = read_report(text.as_bytes()).unwrap();
        assert_eq!(json_text(&read.report, redacting(&read.report)), wanted);
        assert_eq!(jsonl_text(&read.report, redacting(&read.report)), lines);
    }
    // One that shows its secrets gives none of them away again.
    let shown = json_text(&report, Redactor::reveal());
    let read = read_report(shown.as_bytes()).unwrap();
    let again = json_text(&read.report, Redactor::reveal());
    let [token, key, ..] = report_fixture::secrets();
    for secret in [token, key] {
        let secret = String::from_utf8(secret).unwrap();
        assert!(shown.contains(&secret) && !again.contains(&secret));
    }
}

/// The schema would not notice if it described nothing: each key that is dropped, renamed or
/// added must fail.
#[test]
fn the_schema_refuses_every_missing_and_every_unknown_key() {
    fn each_object(value: &mut Value, path: &str, paths: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                paths.push(path.to_owned());
                for (key, inner) in map.iter_mut() {
                    each_object(inner, &format!("{path}/{key}"), paths);
                }
            }
            Value::Array(items) => {
                // One of each kind is enough.
                if let Some(first) = items.first_mut() {
                    each_object(first, &format!("{path}/0"), paths);
                }
            }
            _ => {}
        }
    }
    let report = report_fixture::report();
    let mut good = document(redacting(&report));
    let mut paths = Vec::new();
    each_object(&mut good, "", &mut paths);
    assert!(paths.len() >= 9, "{paths:?}");
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let open = |path: &str| {
        let names = ["/tips", "/skipped_by_reason", "/suppressed"];
        names.iter().any(|name| path.ends_with(name))
    };
    let optional = ["path_bytes", "object", "path"];
    // Left out where there is nothing to say.
    let sparse = [
        "notes",
        "parts",
        "encoding",
        "allowed_by",
        "last_seen_date",
        "fingerprint_key",
        "rule_confidence",
        "references",
        "tags",
        "start_character",
        "end_character",
    ];
    for path in &paths {
        let mut more = good.clone();
        more.pointer_mut(path).unwrap()["unheard_of"] = json!("x");
        assert!(!validator.is_valid(&more), "{path} takes any key");
        let keys: Vec<String> = good
            .pointer(path)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        for key in keys {
            let issue = path.contains("/issues/");
            let optional = issue && optional.contains(&key.as_str());
            if open(path) || optional || sparse.contains(&key.as_str()) {
                continue;
            }
            let mut less = good.clone();
            less.pointer_mut(path)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(&key);
            assert!(!validator.is_valid(&less), "{path} does without {key}");
        }
    }
}

#[test]
fn no_secret_stands_anywhere_in_a_redacted_report() {
    let report = report_fixture::report();
    let [token, key, password, binary, ..] = report_fixture::secrets();
    for text in [
        json_text(&report, redacting(&report)),
        jsonl_text(&report, redacting(&report)),
    ] {
        for secret in [&token, &key] {
            assert!(!text.contains(std::str::from_utf8(secret).unwrap()));
        }
        assert!(!text.contains(std::str::from_utf8(report_fixture::WRITTEN).unwrap()));
        // Short, so only where it stands alone: `conf/hunter23` is another word.
        let password = std::str::from_utf8(&password).unwrap();
        assert_eq!(text.matches(password).count(), 1);
        assert!(text.contains("conf/*******/a"));
        assert!(!text.contains(&*String::from_utf8_lossy(&binary)));
    }
    // The exact form of a path must not give away what its text form hides.
    let document = document(redacting(&report));
    let member = &document["findings"][2]["occurrences"][2];
    assert_eq!(member["member"], "in\u{fffd}/*******.txt!/b\u{1b}[2J");
    let exact = b"in\xe4/*******.txt!/b\x1b[2J";
    assert_eq!(base64(member["member_bytes"].as_str().unwrap()), exact);
    let path = &document["findings"][3]["occurrences"][0];
    let redacted = report.findings[3].secret.redacted();
    let wanted = [b"caf\xe9/".as_slice(), redacted.as_bytes()].concat();
    assert_eq!(base64(path["path_bytes"].as_str().unwrap()), wanted);
}

#[test]
fn secrets_are_shown_on_demand() {
    let document = document(Redactor::reveal());
    let [token, _, _, binary, ..] = report_fixture::secrets();
    let finding = &document["findings"][0];
    assert_eq!(finding["secret"].as_str().unwrap().as_bytes(), token);
    assert!(finding.get("secret_bytes").is_none());
    let subject = finding["occurrences"][0]["introduced"]["summary"]
        .as_str()
        .unwrap();
    assert!(subject.contains(std::str::from_utf8(&token).unwrap()));
    let exact = document["findings"][3]["secret_bytes"].as_str().unwrap();
    assert_eq!(base64(exact), binary);
}

#[test]
fn values_survive_as_they_are_and_nothing_drives_a_terminal() {
    let report = report_fixture::report();
    let text = json_text(&report, redacting(&report));
    assert!(!text.chars().any(|c| c != '\n' && is_disruptive(c)));
    let document = document(redacting(&report));
    let occurrences = &document["findings"][0]["occurrences"];
    assert_eq!(
        occurrences[1]["introduced"]["author"],
        "Evil\x1b[2J\u{202e}liame"
    );
    assert_eq!(occurrences[1]["introduced"]["date"], Value::Null);
    assert_eq!(
        occurrences[0]["introduced"]["date"],
        "2024-02-29T23:59:59+01:00"
    );
    assert_eq!(occurrences[2]["path"], "new\nline.txt");
    assert_eq!(occurrences[0]["where"], "head");
    assert_eq!(occurrences[2]["introduced"], Value::Null);
    assert_eq!(
        document["receipt"]["blobs"]["skipped_by_reason"]["too-large"],
        1
    );
    assert_eq!(document["meta"]["format_version"], 1);
    // Said only where the secret is encoded.
    assert_eq!(occurrences[0].get("encoding"), None);
    assert_eq!(
        document["findings"][1]["occurrences"][0]["encoding"],
        json!(["base64", "utf-16le"])
    );
    assert_eq!(document["receipt"]["max_decode_depth"], 3);
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut value) = (Vec::new(), 0, 0_usize);
    for digit in text
        .bytes()
        .filter_map(|c| DIGITS.iter().position(|d| *d == c))
    {
        value = value << 6 | digit;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((value >> bits & 0xff) as u8);
        }
    }
    bytes
}
