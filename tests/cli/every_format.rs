//! What holds for all formats on the shared report: no secret, nothing that acts, the same bytes
//! each time, and text that a real parser reads.

use crate::report_fixture;
use scanner_core::{
    model::{Finding, Report, Severity},
    report::{
        CsvReporter, GithubReporter, GitlabReporter, GitleaksCsvReporter, GitleaksJsonReporter,
        HtmlReporter, JsonReporter, JsonlReporter, JunitReporter, MarkdownReporter, Redactor,
        ReportMeta, Reporter, SarifReporter, Suppressed, Template, TemplateReporter, is_disruptive,
        printable, write_report,
    },
};
use serde_json::Value;
use std::io::Write;

pub(crate) const META: ReportMeta<'static> = ReportMeta {
    tool: "gitsieve",
    version: "1.2.3",
    repository: Some("https://git.example.org/team/app"),
};

pub(crate) const FORMATS: [&str; 12] = [
    "json",
    "jsonl",
    "sarif",
    "csv",
    "junit",
    "gitlab",
    "github",
    "html",
    "markdown",
    "gitleaks-json",
    "gitleaks-csv",
    "template",
];

fn template() -> Template {
    let text = include_str!("../../scanner-cli/docs/example-template.txt");
    Template::parse("example-template.txt", text.to_owned()).unwrap()
}

/// Writes a report in a format, with findings that do not count where the format has a place.
pub(crate) fn write_to(out: &mut dyn Write, format: &str, report: &Report, redactor: Redactor) {
    let template = template();
    let mut reporter: Box<dyn Reporter + '_> = match format {
        "json" => Box::new(JsonReporter::new(out, redactor)),
        "jsonl" => Box::new(JsonlReporter::new(out, redactor)),
        "sarif" => Box::new(SarifReporter::new(out, redactor)),
        "csv" => Box::new(CsvReporter::new(out, redactor)),
        "junit" => Box::new(JunitReporter::new(out, redactor)),
        "gitlab" => Box::new(GitlabReporter::new(
            out,
            redactor,
            1_709_247_599,
            1_709_247_600,
        )),
        "github" => Box::new(GithubReporter::new(out, redactor)),
        "html" => Box::new(HtmlReporter::new(out, redactor)),
        "markdown" => Box::new(MarkdownReporter::new(out, redactor)),
        "gitleaks-json" => Box::new(GitleaksJsonReporter::new(out, redactor)),
        "gitleaks-csv" => Box::new(GitleaksCsvReporter::new(out, redactor)),
        "template" => Box::new(TemplateReporter::new(out, redactor, &template)),
        other => panic!("{other}"),
    };
    write_report(reporter.as_mut(), &META, report, Suppressed::Shown).unwrap();
}

pub(crate) fn text(format: &str, report: &Report, redactor: Redactor) -> String {
    let mut out = Vec::new();
    write_to(&mut out, format, report, redactor);
    String::from_utf8(out).unwrap()
}

pub(crate) fn redacted(format: &str) -> String {
    let report = report_fixture::report();
    text(format, &report, Redactor::of_report(&report))
}

pub(crate) fn clean() -> Report {
    let mut report = Report::default();
    report.receipt.complete = true;
    report.receipt.ruleset_hash = "0".repeat(64);
    report
}

pub(crate) fn places<'r>(findings: impl Iterator<Item = &'r Finding>) -> usize {
    findings.map(|f| f.occurrences.len()).sum()
}

fn contains(text: &str, secret: &[u8]) -> bool {
    let spelt = [
        String::from_utf8_lossy(secret).into_owned(),
        printable(secret),
        // As JSON escapes what is shown by `printable`.
        printable(secret).replace('\\', "\\\\"),
    ];
    spelt.iter().any(|secret| {
        text.match_indices(secret.as_str())
            // `hunter2` is short, and part of an ordinary word in one path.
            .any(|(at, found)| !text[at + found.len()..].starts_with(|c: char| c.is_alphanumeric()))
    })
}

#[test]
fn no_format_gives_a_secret_away() {
    for format in FORMATS {
        let text = redacted(format);
        for secret in report_fixture::secrets() {
            let secret = String::from_utf8_lossy(&secret);
            assert!(
                !contains(&text, secret.as_bytes()),
                "{format}: {secret}\n{text}"
            );
        }
        assert!(!contains(&text, report_fixture::WRITTEN), "{format}");
    }
}

#[test]
fn every_format_shows_secrets_on_demand() {
    let report = report_fixture::report();
    let [token, ..] = report_fixture::secrets();
    for format in FORMATS {
        let text = text(format, &report, Redactor::reveal());
        assert!(contains(&text, &token), "{format}\n{text}");
        assert!(!redacted(format).contains("raw_source_code_extract"));
    }
}

#[test]
fn nothing_in_any_format_acts_on_a_terminal() {
    let report = report_fixture::report();
    for format in FORMATS {
        for redactor in [Redactor::of_report(&report), Redactor::reveal()] {
            let text = text(format, &report, redactor);
            let text = text.replace("\r\n", "\n");
            let acting = text.lines().find(|line| line.chars().any(is_disruptive));
            assert_eq!(acting, None, "{format}");
        }
    }
}

#[test]
fn every_format_is_the_same_bytes_each_time() {
    for format in FORMATS {
        assert_eq!(redacted(format), redacted(format), "{format}");
    }
}

#[test]
fn a_template_sees_what_the_json_report_says() {
    let report = report_fixture::report();
    let text = redacted("template");
    assert!(text.contains("src/config.rs:12:9"), "{text}");
    let render = |name: &str, source: &str| {
        let template = Template::parse(name, source.to_owned()).unwrap();
        let mut out = Vec::new();
        let mut reporter = TemplateReporter::new(&mut out, Redactor::of_report(&report), &template);
        let written = write_report(&mut reporter, &META, &report, Suppressed::LeftOut);
        written
            .map(|()| String::from_utf8(out).unwrap())
            .map_err(|e| e.to_string())
    };
    assert_eq!(render("t.txt", "{{ findings|length }}\n").unwrap(), "4\n");
    let path = "{{ findings[3].occurrences[1].path }}";
    assert_eq!(render("t.txt", path).unwrap(), report_fixture::HOSTILE_PATH);
    assert!(!render("t.html", path).unwrap().contains("<b>"));
    let quoted = render("t.csv", "{{ findings[3].occurrences[1].path|csv }}").unwrap();
    assert!(quoted.starts_with("\"'=cmd"), "{quoted}");
    let error = render("t.txt", "a\nb {{ findings[0].nothing }}").unwrap_err();
    assert_eq!(error, "template t.txt:2: undefined value");
    // Every JSON key is there under its name.
    let json: Value = serde_json::from_str(&render("t", "{{ receipt|tojson }}").unwrap()).unwrap();
    let document: Value = serde_json::from_str(&redacted("json")).unwrap();
    assert_eq!(json, document["receipt"]);
}

/// A hundred thousand findings through each format: `GITSIEVE_FORMAT=sarif cargo test --release -p
/// scanner-cli --test it_cli -- --ignored a_hundred_thousand --nocapture`. One format a process,
/// so that its peak of memory is its own.
#[test]
#[ignore = "a measurement, of a release build"]
#[allow(clippy::print_stdout, reason = "it prints what it measures")]
fn a_hundred_thousand_findings_go_through_a_format() {
    let format = std::env::var("GITSIEVE_FORMAT").unwrap_or_else(|_| "json".to_owned());
    let base = report_fixture::report();
    let mut report = base.clone();
    report.findings = (0..100_000_u32)
        .map(|n| {
            let mut finding = base.findings[(n % 4) as usize].clone();
            let secret = format!("s{:08x}-{}", n.wrapping_mul(2_654_435_761), n);
            finding.secret = scanner_core::model::Secret::new(secret.as_bytes());
            finding.fingerprint =
                scanner_core::model::Fingerprint::new(&finding.rule.id, &finding.secret);
            finding
        })
        .collect();
    report
        .findings
        .sort_by_key(|f| (std::cmp::Reverse(f.rule.severity), f.rule.id.clone()));
    assert!(
        report
            .findings
            .iter()
            .any(|f| f.rule.severity == Severity::Critical)
    );
    let before = peak_kib();
    let started = std::time::Instant::now();
    let redactor = Redactor::of_report(&report);
    let prepared = started.elapsed();
    let started = std::time::Instant::now();
    let mut out = Counted(0);
    write_to(&mut out, &format, &report, redactor);
    println!(
        "{format}: redactor {:.2} s, written in {:.2} s, {:.1} MB, peak {} MB over the report's {}",
        prepared.as_secs_f64(),
        started.elapsed().as_secs_f64(),
        out.0 as f64 / 1e6,
        (peak_kib() - before) / 1024,
        before / 1024
    );
}

struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Most memory the process had so far; 0 where the system does not tell.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
