//! Comma-separated values and gitleaks' forms on the shared report.

use crate::{
    every_format::{clean, places, redacted, text},
    report_fixture,
};
use scanner_core::{model::Report, report::Redactor};
use serde_json::Value;

fn rows(format: &str, report: &Report) -> Vec<Vec<String>> {
    let text = text(format, report, Redactor::of_report(report));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn csv_has_a_row_a_place_and_no_formula() {
    let report = report_fixture::report();
    for (format, wanted) in [
        ("csv", places(report.findings.iter())),
        ("gitleaks-csv", places(report.open())),
    ] {
        let rows = rows(format, &report);
        assert_eq!(rows.len(), wanted + 1, "{format}");
        assert!(rows.iter().all(|row| row.len() == rows[0].len()));
        for field in rows.iter().flatten() {
            assert!(!field.starts_with(['=', '+', '-', '@']), "{field}");
        }
        let all: Vec<&String> = rows.iter().flatten().collect();
        let hostile = format!("'{}", report_fixture::HOSTILE_PATH);
        assert!(all.contains(&&hostile), "{all:?}");
        assert_eq!(
            text(format, &report, Redactor::of_report(&report))
                .lines()
                .count(),
            rows.len()
        );
    }
    let rows = rows("csv", &report);
    let column = |name: &str| rows[0].iter().position(|n| n == name).unwrap();
    let last = rows.last().unwrap();
    assert_eq!(last[column("suppressed_by")], "baseline");
    assert_eq!(last[column("suppression_status")], "false-positive");
    assert_eq!(rows[1][column("path")], "src/config.rs");
    assert_eq!(rows[1][column("date")], "2024-02-29T23:59:59+01:00");
    assert_eq!(rows[2][column("author")], "Evil\\u{1b}[2J\\u{202e}liame");
    assert_eq!(rows[3][column("path")], "new\\nline.txt");
}

#[test]
fn gitleaks_entries_have_its_names_and_fingerprints() {
    let report = report_fixture::report();
    let entries: Value = serde_json::from_str(&redacted("gitleaks-json")).unwrap();
    let entries = entries.as_array().unwrap();
    assert_eq!(entries.len(), places(report.open()));
    let names: Vec<&str> = entries[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut wanted = [
        "RuleID",
        "Description",
        "StartLine",
        "EndLine",
        "StartColumn",
        "EndColumn",
        "Match",
        "Secret",
        "File",
        "SymlinkFile",
        "Commit",
        "Link",
        "Entropy",
        "Author",
        "Email",
        "Date",
        "Message",
        "Tags",
        "Fingerprint",
    ];
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    let commit = report_fixture::id(0xc1);
    assert_eq!(
        entries[0]["Fingerprint"],
        format!("{commit}:src/config.rs:github-pat:12")
    );
    assert_eq!(entries[0]["Date"], "2024-02-29T22:59:59Z");
    assert_eq!(entries[2]["Fingerprint"], "new\\nline.txt:github-pat:2");
    assert_eq!(entries[0]["Secret"], report.findings[0].secret.redacted());
    let shown = text("gitleaks-json", &report, Redactor::reveal());
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let [token, ..] = report_fixture::secrets();
    assert_eq!(shown[0]["Secret"].as_str().unwrap().as_bytes(), token);
    assert_eq!(rows("gitleaks-csv", &clean()).len(), 1);
    assert_eq!(text("gitleaks-json", &clean(), Redactor::default()), "[]\n");
}
