//! The HTML report, as text and in a real browser.

use crate::{
    browser::{self, Page},
    report_fixture,
};
use scanner_core::{
    model::{Finding, Report, Severity, SuppressedBy, Suppression, TriageStatus, Where},
    report::{HtmlReporter, Redactor, ReportMeta, Suppressed, is_disruptive, write_report},
};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;

const META: ReportMeta<'static> = ReportMeta {
    tool: "gitsieve",
    version: "1.2.3",
    repository: None,
};

fn html(report: &Report, redactor: Redactor) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reporter = HtmlReporter::new(&mut out, redactor);
    write_report(&mut reporter, &META, report, Suppressed::LeftOut).unwrap();
    out
}

/// Those that are replaced wherever they stand: a short one may be part of another word.
fn secrets() -> impl Iterator<Item = Vec<u8>> {
    report_fixture::secrets()
        .into_iter()
        .filter(|secret| secret.len() >= 8)
}

/// The JSON that the page holds.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

/// The shared report, with a suppressed finding and text that would be markup.
fn report() -> Report {
    let mut report = report_fixture::report();
    let template = report.findings[0].clone();
    let mut rule = (*template.rule).clone();
    rule.id = "markup".into();
    rule.description = "</script><script>document.title='run'</script><img src=x onerror=y>".into();
    let mut markup = template;
    markup.rule = Arc::new(rule);
    markup.suppression = Some(Suppression {
        by: SuppressedBy::Baseline,
        status: TriageStatus::FalsePositive,
        reason: "<b>made up</b>".into(),
        owner: "ada".into(),
        expires: Some("2027-01-31".into()),
    });
    report.findings.push(markup);
    report
}

#[test]
fn the_page_holds_the_report_and_no_secret() {
    let report = report();
    let text = String::from_utf8(html(&report, Redactor::of_report(&report))).unwrap();
    for secret in secrets() {
        let shown = text.as_bytes().windows(secret.len()).any(|w| w == secret);
        assert!(!shown, "{}", String::from_utf8_lossy(&secret));
    }
    assert!(!text.chars().any(|c| c != '\n' && is_disruptive(c)));
    let data = data(&text);
    assert_eq!(
        data["findings"].as_array().unwrap().len(),
        report.findings.len()
    );
    assert_eq!(data["receipt"]["complete"], report.receipt.complete);
    assert_eq!(data["meta"]["version"], "1.2.3");
    assert_eq!(text.matches("<script").count(), 2);
    assert_eq!(text.matches("</script>").count(), 2);
    assert_eq!(text.as_bytes(), html(&report, Redactor::of_report(&report)));
}

/// Says what a test did not do, or measured.
#[expect(clippy::print_stderr, reason = "a test has nowhere else to say it")]
fn say(what: &str) {
    eprintln!("{what}");
}

/// A page in a browser; `None` where there is none.
fn open(report: &Report) -> Option<(Page, TempDir)> {
    let Some(browser) = browser::find() else {
        say("left out: no Chromium is installed");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    let file: PathBuf = dir.path().join("report.html");
    std::fs::write(&file, html(report, Redactor::of_report(report))).unwrap();
    Some((Page::open(&browser, &file), dir))
}

fn articles(page: &mut Page) -> u64 {
    page.eval("document.querySelectorAll('#results article').length")
        .as_u64()
        .unwrap()
}

#[test]
fn in_a_browser_filters_and_groups_work_and_no_text_is_markup() {
    let report = report();
    let Some((mut page, _dir)) = open(&report) else {
        return;
    };
    let counting = report.open().count() as u64;
    assert_eq!(articles(&mut page), counting);
    assert_eq!(page.eval("document.title"), "Secrets found");
    assert_eq!(page.eval("document.querySelectorAll('img, b b').length"), 0);
    assert_eq!(
        page.eval("document.getElementById('incomplete').hidden"),
        report.receipt.complete
    );
    assert!(
        page.eval("document.querySelectorAll('#timeline rect').length")
            .as_u64()
            > Some(0)
    );
    page.picture("light");

    page.click("input[name=suppressed]");
    page.wait_for(&format!(
        "document.querySelectorAll('#results article').length === {}",
        report.findings.len()
    ));
    assert!(
        page.eval(
            "[...document.querySelectorAll('article.suppressed')]\
             .some(article => article.innerText.includes('<b>made up</b>'))"
        ) == true
    );
    page.click("input[name=suppressed]");
    page.wait_for(&format!(
        "document.querySelectorAll('#results article').length === {counting}"
    ));

    let high = report
        .open()
        .filter(|f| f.rule.severity == Severity::High)
        .count();
    for level in ["critical", "medium", "low"] {
        page.click(&format!("input[value={level}]"));
    }
    page.wait_for(&format!(
        "document.querySelectorAll('#results article').length === {high}"
    ));
    assert!(
        page.eval("location.hash")
            .as_str()
            .unwrap()
            .contains("severity=high")
    );
    page.click("button[type=reset]");
    page.wait_for(&format!(
        "document.querySelectorAll('#results article').length === {counting}"
    ));

    // The key that goes to the search, then a word.
    page.press("/");
    let rule = &report.open().last().unwrap().rule.id;
    page.insert(rule);
    let fitting = report.open().filter(|f| f.rule.id == *rule).count();
    page.wait_for(&format!(
        "document.querySelectorAll('#results article').length === {fitting}"
    ));
    assert!(
        page.eval("document.getElementById('shown').innerText")
            .as_str()
            .unwrap()
            .contains(" of ")
    );
    page.click("button[type=reset]");
    page.wait_for(&format!(
        "document.querySelectorAll('#results article').length === {counting}"
    ));

    for group in ["rule", "file", "author", "commit"] {
        page.eval(&format!(
            "(() => {{ const g = document.querySelector('[name=group]'); g.value = '{group}'; \
             g.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
        ));
        page.wait_for("document.querySelectorAll('#results > details').length > 0");
        page.wait_for(&format!("location.hash.includes('group={group}')"));
        page.click("#results > details > summary");
        page.wait_for("document.querySelectorAll('#results > details[open] > article').length > 0");
    }
    page.media("screen", "dark");
    page.picture("dark");
    page.media("print", "light");
    assert_eq!(
        page.eval("getComputedStyle(document.querySelector('form')).display"),
        "none"
    );
    page.picture("print");
    let text = page.eval("document.documentElement.outerHTML");
    for secret in secrets().filter_map(|secret| String::from_utf8(secret).ok()) {
        assert!(!text.as_str().unwrap().contains(&secret));
    }
    // Nobody who tabs through the page is left without a name for what has the focus.
    let nameless = page.eval(
        "[...document.querySelectorAll('input, select, button')].filter((e) => \
         !(e.labels && e.labels.length) && !e.textContent.trim()).length",
    );
    assert_eq!(nameless, 0);
    page.close();
}

/// So many findings, in many files, by many people, over years.
fn many(count: u32) -> Report {
    let mut report = report_fixture::report();
    let template = report
        .findings
        .iter()
        .find(|f| f.occurrences[0].introduced.is_some());
    let template = template.unwrap().clone();
    let make = |n: u32| {
        let mut finding: Finding = template.clone();
        finding.occurrences.truncate(1);
        let occurrence = &mut finding.occurrences[0];
        occurrence.path = format!("src/part-{}/file-{n}.txt", n % 97).into();
        occurrence.place = if n.is_multiple_of(3) {
            Where::Ref
        } else {
            Where::Head
        };
        let mut commit = (**occurrence.introduced.as_ref().unwrap()).clone();
        commit.author = format!("Author {}", n % 211).into();
        commit.seconds = 1_400_000_000 + i64::from(n) * 17_000;
        occurrence.introduced = Some(Arc::new(commit));
        occurrence.last_seen_seconds = Some(1_500_000_000 + i64::from(n) * 15_000);
        finding
    };
    report.findings = (0..count).map(make).collect();
    report
}

#[test]
fn in_a_browser_20_000_findings_are_usable() {
    const COUNT: u32 = 20_000;
    let Some((mut page, _dir)) = open(&many(COUNT)) else {
        return;
    };
    assert_eq!(
        page.eval("document.getElementById('shown').innerText"),
        "20,000 secrets"
    );
    // What is not looked at is not drawn.
    assert_eq!(articles(&mut page), 200);
    page.click("#results > button.more");
    page.wait_for("document.querySelectorAll('#results article').length === 400");
    page.press("/");
    page.insert("file-19999.txt");
    page.wait_for("document.querySelectorAll('#results article').length === 1");
    page.eval("document.querySelector('[type=reset]').click()");
    page.wait_for("document.querySelectorAll('#results article').length === 200");
    let took = page
        .eval("(() => { const t = performance.now(); show(); return performance.now() - t; })()");
    say(&format!("{COUNT} findings are shown in {took} ms"));
    page.picture("many");
    assert_ne!(took, json!(null));
    page.close();
}
