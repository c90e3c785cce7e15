//! SARIF on the shared report: the published schema, and what readers rely on beyond it.

use crate::{
    every_format::{META, clean, redacted, text},
    report_fixture,
};
use scanner_core::{
    model::{IssueKind, Report, ScanIssue, SkipReason},
    report::{Redactor, ReportMeta, SarifReporter, Suppressed, write_report},
};
use serde_json::{Value, json};

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn run() -> Value {
    parse(&redacted("sarif"))["runs"][0].take()
}

#[test]
fn the_log_is_what_the_oasis_schema_says() {
    let schema = parse(include_str!("../schemas/sarif-schema-2.1.0.json"));
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft7)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let report = report_fixture::report();
    for log in [
        redacted("sarif"),
        text("sarif", &report, Redactor::reveal()),
        text("sarif", &clean(), Redactor::default()),
    ] {
        let log = parse(&log);
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|e| format!("{}: {e}", e.instance_path))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert_eq!(log["version"], "2.1.0");
    }
    // A schema that lets everything through would say the same.
    assert!(!validator.is_valid(&json!({ "version": "2.1.0", "runs": [{ "results": [] }] })));
}

#[test]
fn results_refer_to_their_rules() {
    let run = run();
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: Vec<&str> = rules.iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["github-pat", "aws-access-key", "generic", "binary"]);
    for result in run["results"].as_array().unwrap() {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    let rule = &rules[0];
    assert_eq!(rule["helpUri"], "https://example.org/tokens");
    assert_eq!(rule["properties"]["security-severity"], "9.5");
    assert_eq!(
        rule["properties"]["tags"],
        json!(["security", "secret", "token"])
    );
    assert!(
        rule["help"]["text"]
            .as_str()
            .unwrap()
            .starts_with("Revoke it under")
    );
    assert_eq!(run["results"][0]["level"], "error");
    assert_eq!(run["results"][2]["level"], "note");
}

#[test]
fn places_are_in_the_units_that_the_standard_counts() {
    let run = run();
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let place = |finding: usize, at: usize| {
        run["results"][finding]["locations"][at]["physicalLocation"].clone()
    };
    assert_eq!(
        place(0, 0),
        json!({
            "artifactLocation": { "uri": "src/config.rs", "uriBaseId": "%SRCROOT%" },
            "region": {
                "startLine": 12, "startColumn": 7, "endLine": 12, "endColumn": 46,
                "byteOffset": 1200, "byteLength": 40,
            },
        })
    );
    assert_eq!(place(0, 2)["artifactLocation"]["uri"], "new%0Aline.txt");
    // Lines of an archive's member are none of the archive's.
    assert_eq!(
        place(2, 2),
        json!({ "artifactLocation": { "uri": "conf/x.zip", "uriBaseId": "%SRCROOT%" } })
    );
    let uri = |finding, at| {
        let place = place(finding, at);
        place["artifactLocation"]["uri"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // The bytes of the secret in that path are redacted; its first folder is Latin-1.
    assert!(uri(3, 0).starts_with("caf%E9/"), "{}", uri(3, 0));
    assert!(
        uri(3, 1).starts_with("=cmd%7C%27/C%20x%27!A0%20%60%3Cb%3E@octocat"),
        "{}",
        uri(3, 1)
    );
    assert_eq!(place(3, 1)["artifactLocation"]["uriBaseId"], Value::Null);
    let bases = run["originalUriBaseIds"].as_object().unwrap();
    for result in run["results"].as_array().unwrap() {
        for location in result["locations"].as_array().unwrap() {
            let base = &location["physicalLocation"]["artifactLocation"]["uriBaseId"];
            assert!(
                base.as_str().is_none_or(|base| bases.contains_key(base)),
                "{base}"
            );
        }
    }
}

#[test]
fn content_without_a_path_says_what_it_is() {
    let run = run();
    let logical = |finding: usize, at: usize| {
        let location = &run["results"][finding]["locations"][at];
        assert!(location["physicalLocation"]["artifactLocation"]["uri"].is_string());
        location["logicalLocations"][0].clone()
    };
    let object = report_fixture::id(0xb0);
    assert_eq!(logical(0, 0), Value::Null);
    assert_eq!(logical(0, 3)["kind"], "commit message");
    assert_eq!(logical(0, 3)["name"], "message of commit b0b0b0b0b0b0");
    assert_eq!(logical(0, 4)["kind"], "tag message");
    assert_eq!(logical(4, 1)["kind"], "blob");
    assert_eq!(logical(4, 2)["kind"], "note");
    assert_eq!(
        run["results"][0]["locations"][3]["physicalLocation"]["artifactLocation"],
        json!({ "uri": format!("commits/{object}"), "uriBaseId": "%GITOBJECTS%" })
    );
    let member = logical(2, 2);
    assert_eq!(member["name"], "in\\xe4/*******.txt!/b\\u{1b}[2J");
    assert_eq!(
        member["fullyQualifiedName"],
        "conf/x.zip!/in\\xe4/*******.txt!/b\\u{1b}[2J"
    );
}

#[test]
fn history_is_a_flow_from_the_first_commit_to_the_last() {
    let run = run();
    let steps = run["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"]
        .as_array()
        .unwrap();
    let texts: Vec<&str> = steps
        .iter()
        .map(|s| s["location"]["message"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "introduced in c1c1c1c1c1c1 on 2024-02-29 by Ada Lovelace <ada@example.com>: Add token \
             ghp_****************3Gh4 and AKI**************7Q7",
            "introduced again in c2c2c2c2c2c2",
            "introduced again in c3c3c3c3c3c3",
            "still there in c4c4c4c4c4c4, which is HEAD",
        ]
    );
    assert_eq!(run["results"][3].get("codeFlows"), None);
    let part = &run["results"][0]["relatedLocations"][0];
    assert_eq!(
        part["message"]["text"],
        "Name of an account: pri**************com"
    );
}

#[test]
fn a_path_makes_no_link_and_no_placeholder_of_a_message() {
    let run = run();
    let text =
        run["results"][0]["codeFlows"][1]["threadFlows"][0]["locations"][0]["location"]["message"]
            ["text"]
            .as_str()
            .unwrap();
    assert!(
        text.contains("by Evil\\u{{1b}}\\[2J\\u{{202e}}liame"),
        "{text}"
    );
}

#[test]
fn identity_survives_new_lines_and_commits() {
    let report = report_fixture::report();
    let mut moved = report.clone();
    for occurrence in &mut moved.findings[0].occurrences {
        occurrence.location.start_line += 7;
        occurrence.introduced = None;
    }
    let prints = |report: &Report| {
        let log = parse(&text("sarif", report, Redactor::of_report(report)));
        log["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    assert_eq!(prints(&report), prints(&moved));
    let hex = report.findings[0].fingerprint.as_str().replace("v1:", "");
    assert_eq!(prints(&report)["gitsieve/v1"], hex);
    moved.findings[0].occurrences[0].path = "elsewhere.rs".into();
    assert_eq!(
        prints(&report)["gitsieve/v1"],
        prints(&moved)["gitsieve/v1"]
    );
    assert_ne!(
        prints(&report)["gitsieveLocation/v1"],
        prints(&moved)["gitsieveLocation/v1"]
    );
}

#[test]
fn findings_that_do_not_count_are_suppressed_results() {
    let run = run();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    for result in &results[..4] {
        assert_eq!(result["suppressions"], json!([]));
    }
    let suppression = &results[4]["suppressions"][0];
    assert_eq!(suppression["kind"], "external");
    assert_eq!(suppression["status"], "accepted");
    assert_eq!(suppression["properties"]["status"], "false-positive");
    assert_eq!(suppression["properties"]["expires"], "2031-12-31");
    let why = suppression["justification"].as_str().unwrap();
    assert!(
        why.contains("looks like AKI**************7Q7\\u{202e}"),
        "{why}"
    );
}

#[test]
fn problems_are_notifications_and_the_run_says_whether_it_worked() {
    let run = run();
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let told = invocation["toolExecutionNotifications"].as_array().unwrap();
    let levels: Vec<&str> = told.iter().map(|n| n["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["warning", "error", "note"]);
    let known = run["tool"]["driver"]["notifications"].as_array().unwrap();
    for notification in told {
        assert!(
            known
                .iter()
                .any(|k| k["id"] == notification["descriptor"]["id"])
        );
    }
    let successful = |report: &Report| {
        let log = parse(&text("sarif", report, Redactor::default()));
        log["runs"][0]["invocations"][0]["executionSuccessful"] == true
    };
    assert!(successful(&clean()));
    // A shallow clone in a pipeline is no failed run.
    let mut shallow = clean();
    shallow.receipt.complete = false;
    assert!(!successful(&shallow), "incomplete for no reason given");
    shallow.receipt.issues.push(ScanIssue {
        kind: IssueKind::Missing,
        object: None,
        path: None,
        message: "a shallow clone".into(),
    });
    assert!(successful(&shallow));
    shallow
        .receipt
        .blobs
        .skipped_by_reason
        .insert(SkipReason::TooLarge, 1);
    assert!(!successful(&shallow));
}

#[test]
fn the_revision_is_named_and_the_repository_where_known() {
    let head = report_fixture::id(0xc4).to_string();
    let run = run();
    assert_eq!(
        run["versionControlProvenance"],
        json!([{
            "repositoryUri": "https://git.example.org/team/app",
            "revisionId": head,
            "mappedTo": { "uriBaseId": "%SRCROOT%" },
        }])
    );
    let report = report_fixture::report();
    let mut out = Vec::new();
    let mut reporter = SarifReporter::new(&mut out, Redactor::of_report(&report));
    let meta = ReportMeta {
        repository: None,
        ..META
    };
    write_report(&mut reporter, &meta, &report, Suppressed::LeftOut).unwrap();
    let log: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(log["runs"][0].get("versionControlProvenance"), None);
    assert_eq!(log["runs"][0]["properties"]["revisionId"], head);
}

#[test]
fn a_result_has_no_more_places_than_services_take() {
    let mut report = report_fixture::report();
    let one = report.findings[0].occurrences[0].clone();
    report.findings[0].occurrences = vec![one; 3000];
    let log = parse(&text("sarif", &report, Redactor::of_report(&report)));
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["locations"].as_array().unwrap().len(), 1000);
    assert_eq!(result["properties"]["occurrences"], 3000);
    let message = result["message"]["text"].as_str().unwrap();
    assert!(message.ends_with("Also in 2999 other places."), "{message}");
}

#[test]
fn results_that_are_too_many_for_one_run_are_in_further_ones() {
    let mut report = report_fixture::report();
    let few = report.findings.len();
    let mut one = report.findings[1].clone();
    one.occurrences.truncate(1);
    for n in 0..25_000 - few + 2 {
        one.occurrences[0].path = format!("file{n}").into();
        report.findings.push(one.clone());
    }
    let log = parse(&text("sarif", &report, Redactor::of_report(&report)));
    let runs = log["runs"].as_array().unwrap();
    let count = |run: &Value| run["results"].as_array().unwrap().len();
    assert_eq!(runs.iter().map(count).collect::<Vec<_>>(), [25_000, 2]);
    let category = |run: &Value| run["automationDetails"]["id"].as_str().unwrap().to_owned();
    assert_ne!(category(&runs[0]), category(&runs[1]));
    assert!(category(&runs[1]).ends_with('/'), "a category ends so");
    for run in runs {
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let index = result["ruleIndex"].as_u64().unwrap() as usize;
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
    }
    // What is known at the end stands in the last.
    assert_eq!(runs[0].get("invocations"), None);
    assert!(runs[1]["invocations"][0].is_object());
    let all: std::collections::BTreeSet<String> = runs
        .iter()
        .flat_map(|run| run["results"].as_array().unwrap())
        .map(|result| {
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].to_string()
        })
        .collect();
    assert!(all.len() > 25_000 - few);
    let schema = parse(include_str!("../schemas/sarif-schema-2.1.0.json"));
    let mut small = log;
    for run in small["runs"].as_array_mut().unwrap() {
        run["results"].as_array_mut().unwrap().truncate(3);
    }
    assert!(jsonschema::is_valid(&schema, &small));
}
