//! What others wrote stays text.

use super::*;
use crate::store::{Tracked, TrackedFinding};

/// An alert about findings whose texts are these.
fn alert(text: &str, count: usize) -> Alert {
    let document = serde_json::json!({
        "type": "finding",
        "rule_id": "r", "description": "d", "severity": "high", "confidence": "high",
        "redacted": "ab****yz", "remediation": "",
        "occurrences": [{
            "path": text, "start_line": 3, "where": "head",
            "introduced": {
                "commit": "0123456789abcdef0123456789abcdef01234567",
                "author": text, "email": "a@x", "date": "2026-01-02T03:04:05+00:00", "summary": text,
            },
        }],
    });
    let one = |n: usize| TrackedFinding {
        repository: format!("{text}{n}"),
        web_url: Some("https://git.example/x|y&z".to_owned()),
        tracked: Tracked {
            fingerprint: String::new(),
            rule: "r".into(),
            severity: if n == 1 { "critical" } else { "high" }.to_owned(),
            suppressed: None,
            in_head: true,
            introduced_at: None,
            left_head_at: None,
            first_seen: 0,
            gone_at: None,
            email: None,
        },
        document: document.to_string(),
    };
    Alert {
        number: 1,
        recipient: "a@example.org".into(),
        sweep: 7,
        queued_at: 0,
        attempts: 0,
        findings: (0..count).map(one).collect(),
    }
}

const HOSTILE: &str =
    "<!channel> @here &lt; `*x*` <https://evil.example|bank> [x](https://e) \u{202e}\r\nBcc: z";

fn web(flavor: Flavor, alert: &Alert) -> Value {
    let writer = Writer::of_web(flavor, None).unwrap();
    let document = Document::new("c", alert, 20);
    serde_json::from_slice(&writer.web(flavor, &document).unwrap()).unwrap()
}

/// All strings of a JSON document.
fn strings(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| strings(one, out)),
        Value::Object(all) => all.values().for_each(|one| strings(one, out)),
        _ => {}
    }
}

#[test]
fn slack_shows_no_links_and_calls_nobody() {
    let message = web(Flavor::Slack, &alert(HOSTILE, 2));
    let blocks = message["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 3);
    let mut all = Vec::new();
    strings(&message, &mut all);
    for text in &all {
        // The one link is the page's.
        let rest = text.replace("<https://git.example/x%7Cy&amp;z|page>", "");
        assert!(!rest.contains(['<', '>', '@']), "{text}");
        assert!(text.len() <= 3_000, "{}", text.len());
        // Code spans are closed.
        assert_eq!(text.matches('`').count() % 2, 0, "{text}");
    }
    let text = message["text"].as_str().unwrap();
    assert!(
        text.contains("&lt;!channel&gt; \u{ff20}here &amp;lt;"),
        "{text}"
    );
}

#[test]
fn teams_shows_runs_of_text_and_no_markup() {
    let message = web(Flavor::Teams, &alert(HOSTILE, 20));
    assert_eq!(message["type"], "message");
    let attachment = &message["attachments"][0];
    let content_type = "application/vnd.microsoft.card.adaptive";
    assert_eq!(attachment["contentType"], content_type);
    let card = &attachment["content"];
    assert_eq!(
        (&card["type"], &card["version"]),
        (&"AdaptiveCard".into(), &"1.4".into())
    );
    // `TextBlock` would take Markdown.
    assert!(!message.to_string().contains("\"TextBlock\""));
    let runs = card["body"][1]["items"][1]["inlines"].as_array().unwrap();
    assert!(
        runs[0]["text"]
            .as_str()
            .unwrap()
            .starts_with("<!channel> @here")
    );

    let long = web(Flavor::Teams, &alert(&"\u{1f980}".repeat(5_000), 20));
    assert!(
        long.to_string().len() <= 28_000,
        "{}",
        long.to_string().len()
    );
    let last = long["attachments"][0]["content"]["body"]
        .as_array()
        .unwrap()
        .last()
        .unwrap();
    assert!(last.to_string().contains("more"), "{last}");
}

#[test]
fn mail_keeps_every_line_its_own() {
    let writer = Writer::of_mail(None).unwrap();
    let document = Document::new("c", &alert(HOSTILE, 3), 2);
    let text = writer.mail(&document).unwrap();
    assert!(
        !text.contains("\nBcc") && !text.contains(['\r', '\u{202e}']),
        "{text}"
    );
    assert!(text.contains("And 1 more"), "{text}");
    let subject = document.subject();
    assert!(!subject.chars().any(char::is_control), "{subject}");
    assert!(
        subject.starts_with("gitsieve: 3 new secrets in <!channel>"),
        "{subject}"
    );
    assert!(subject.ends_with(" and others"), "{subject}");
}

#[test]
fn the_gravest_come_first_and_the_rest_is_counted() {
    let document = Document::new("c", &alert("R", 5), 2);
    assert_eq!((document.total, document.more), (5, 3));
    let names: Vec<&str> = document.findings.iter().map(|f| &*f.repository).collect();
    assert_eq!(names, ["R1", "R0"]);
    assert!(document.findings[0].finding.get("type").is_none());
    assert_eq!(
        Document::new("c", &alert("R", 1), 2).subject(),
        "gitsieve: 1 new secret in R0"
    );
}
