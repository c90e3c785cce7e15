//! What CI servers read, on the shared report: JUnit, GitLab, GitHub and Markdown.

use crate::{
    every_format::{clean, places, redacted, text},
    report_fixture,
};
use scanner_core::report::Redactor;
use serde_json::{Value, json};

/// An element's name and attributes.
type Element = (String, Vec<(String, String)>);

/// All elements; fails on what is not well-formed.
fn elements(xml: &str) -> Vec<Element> {
    use quick_xml::{Reader, escape::unescape, events::Event};
    let mut reader = Reader::from_str(xml);
    let mut elements = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(e) | Event::Empty(e) => {
                let attributes = e.attributes().map(|a| {
                    let a = a.unwrap();
                    let value = unescape(&a.value).unwrap().into_owned();
                    (a.key.0.to_owned(), value)
                });
                elements.push((e.name().0.to_owned(), attributes.collect()));
            }
            Event::Eof => return elements,
            _ => {}
        }
    }
}

fn attribute<'e>(element: &'e Element, key: &str) -> &'e str {
    let found = element.1.iter().find(|(k, _)| k == key);
    found.map_or("", |(_, value)| value)
}

#[test]
fn junit_has_a_suite_a_rule_and_true_counts() {
    let report = report_fixture::report();
    let xml = redacted("junit");
    let elements = elements(&xml);
    let of = |name: &str| elements.iter().filter(move |e| e.0 == name).count();
    let sum = |key: &str| -> usize {
        let suites = elements.iter().filter(|e| e.0 == "testsuite");
        suites
            .map(|e| attribute(e, key).parse::<usize>().unwrap())
            .sum()
    };
    assert_eq!(of("failure"), places(report.open()));
    assert_eq!(
        of("skipped"),
        report.findings.last().unwrap().occurrences.len()
    );
    assert_eq!(of("error"), 1, "the scan is incomplete");
    assert_eq!(sum("failures"), of("failure"));
    assert_eq!(sum("skipped"), of("skipped"));
    assert_eq!(sum("errors"), 1);
    assert_eq!(sum("tests"), of("testcase"));
    let files: Vec<&str> = elements
        .iter()
        .filter(|e| e.0 == "testcase")
        .map(|e| attribute(e, "file"))
        .collect();
    assert!(files.contains(&report_fixture::HOSTILE_PATH), "{files:?}");
}

#[test]
fn a_clean_junit_report_has_one_passing_case() {
    let elements = elements(&text("junit", &clean(), Redactor::default()));
    let names: Vec<&str> = elements.iter().map(|e| e.0.as_str()).collect();
    assert_eq!(names, ["testsuites", "testsuite", "testcase"]);
    assert_eq!(attribute(&elements[1], "tests"), "1");
    assert_eq!(attribute(&elements[1], "failures"), "0");
}

/// What GitLab's published schema 15.1.4 for secret detection demands of what we write, in our words:
/// each property of ours with its type, pattern and limits, and all that is required. Nothing there
/// refuses further properties. (The file itself is not ours to copy.)
fn gitlab_schema() -> Value {
    let named = json!({
        "type": "object",
        "required": ["id", "name", "version", "vendor"],
        "properties": {
            "id": { "$ref": "#/$defs/text" },
            "name": { "$ref": "#/$defs/text" },
            "version": { "$ref": "#/$defs/text" },
            "vendor": { "type": "object", "required": ["name"] },
        },
    });
    let time = json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$" });
    json!({
        "$defs": { "text": { "type": "string", "minLength": 1 } },
        "type": "object",
        "required": ["scan", "version", "vulnerabilities"],
        "properties": {
            "version": { "const": "15.1.4" },
            "scan": {
                "type": "object",
                "required": ["analyzer", "end_time", "scanner", "start_time", "status", "type"],
                "properties": {
                    "analyzer": named,
                    "scanner": named,
                    "start_time": time,
                    "end_time": time,
                    "status": { "enum": ["success", "failure"] },
                    "type": { "const": "secret_detection" },
                    "messages": { "type": "array", "items": {
                        "type": "object",
                        "required": ["level", "value"],
                        "properties": {
                            "level": { "enum": ["info", "warn", "fatal"] },
                            "value": { "$ref": "#/$defs/text" },
                        },
                    } },
                },
            },
            "vulnerabilities": { "type": "array", "items": {
                "type": "object",
                "required": ["id", "identifiers", "location"],
                "properties": {
                    "id": { "$ref": "#/$defs/text" },
                    "name": { "type": "string", "maxLength": 255 },
                    "description": { "type": "string", "maxLength": 1_048_576 },
                    "solution": { "type": "string", "maxLength": 7000 },
                    "severity": { "enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"] },
                    "identifiers": { "type": "array", "minItems": 1, "items": {
                        "type": "object",
                        "required": ["type", "name", "value"],
                        "properties": {
                            "type": { "$ref": "#/$defs/text" },
                            "name": { "$ref": "#/$defs/text" },
                            "value": { "$ref": "#/$defs/text" },
                        },
                    } },
                    "raw_source_code_extract": { "type": "string" },
                    "links": { "type": "array", "items": {
                        "type": "object",
                        "required": ["url"],
                        "properties": { "url": { "pattern": "^(https?|ftp)://.+" } },
                    } },
                    "location": {
                        "type": "object",
                        "required": ["commit"],
                        "properties": {
                            "file": { "type": "string" },
                            "start_line": { "type": "number" },
                            "end_line": { "type": "number" },
                            "commit": {
                                "type": "object",
                                "required": ["sha"],
                                "properties": {
                                    "sha": { "$ref": "#/$defs/text" },
                                    "author": { "type": "string" },
                                    "date": { "type": "string" },
                                    "message": { "type": "string" },
                                },
                            },
                        },
                    },
                },
            } },
        },
    })
}

#[test]
fn gitlabs_report_has_what_its_schema_demands() {
    let validator = jsonschema::draft202012::new(&gitlab_schema()).unwrap();
    let clean = text("gitlab", &clean(), Redactor::default());
    for text in [redacted("gitlab"), clean] {
        let document: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    }
    let document: Value = serde_json::from_str(&redacted("gitlab")).unwrap();
    let all = document["vulnerabilities"].as_array().unwrap();
    let mut ids: Vec<&str> = all.iter().map(|v| v["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), places(report_fixture::report().open()));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
    assert_eq!(document["scan"]["start_time"], "2024-02-29T22:59:59");
    assert_eq!(document["scan"]["messages"][0]["level"], "warn");
}

#[test]
fn github_reads_one_command_a_finding_and_no_other() {
    let report = report_fixture::report();
    let text = redacted("github");
    let commands: Vec<&str> = text.lines().filter(|l| l.starts_with("::")).collect();
    let known = |c: &&str| {
        ["::error ", "::warning ", "::notice "]
            .iter()
            .any(|k| c.starts_with(k))
    };
    assert!(commands.iter().all(known), "{text}");
    assert_eq!(
        commands.len(),
        report.open().count() + 1,
        "and one for incompleteness"
    );
    assert!(
        commands[0].starts_with(
            "::error file=src/config.rs,line=12,endLine=12,col=7,endColumn=46,title=GitHub \
             personal access token::GitHub personal access token: ghp_****************3Gh4, proven"
        ),
        "{text}"
    );
    let last = text.lines().last().unwrap();
    assert_eq!(
        last,
        "gitsieve: 4 secrets found in 11 places: 1 critical, 1 high, 2 low."
    );
}

#[test]
fn github_gets_no_more_than_it_shows() {
    let mut report = report_fixture::report();
    let one = report.findings[0].clone();
    report.findings = vec![one; 30];
    let text = text("github", &report, Redactor::of_report(&report));
    assert_eq!(
        text.lines().filter(|l| l.starts_with("::error ")).count(),
        10
    );
    assert!(text.contains("30 secrets found"), "{text}");
    assert!(text.contains("(21 of them not annotated"), "{text}");
}

#[test]
fn markdown_has_whole_tables_and_no_markup_of_others() {
    let report = report_fixture::report();
    let text = redacted("markdown");
    for line in text.lines().filter(|l| l.starts_with('|')) {
        let cells = line.matches('|').count();
        assert!([3, 6, 7].contains(&cells), "{line}");
    }
    // Outside of code, nothing but our own words.
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 0 {
            assert!(!part.contains(['<', '@', '[', '&', '\\']), "{part}");
        }
    }
    assert!(text.contains("| low | 2 |"), "{text}");
    assert!(text.contains("**Suppressed**"), "{text}");
    assert!(text.contains("**Incomplete.**"), "{text}");
    let mut many = report.clone();
    many.findings = vec![report.findings[0].clone(); 500];
    let text = self::text("markdown", &many, Redactor::of_report(&many));
    assert!(text.contains("And 400 more secrets."));
    assert!(text.len() < 65_536, "{}", text.len());
    let clean = self::text("markdown", &clean(), Redactor::default());
    assert_eq!(clean, "### gitsieve\n\nNo secrets found.\n");
}
