//! Messages for chats.
//!
//! Formats: Slack's "Formatting text for app surfaces" and Block Kit, which others that call
//! themselves compatible with it (Mattermost, Rocket.Chat) take too; for Teams an Adaptive Card 1.4
//! as the workflow "when a Teams webhook request is received" takes it.

use super::{Document, Line};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Largest message for Teams in bytes: 28 KB are allowed.
const MAX_TEAMS_BYTES: usize = 25_000;

/// `{"text": ..., "blocks": [...]}`.
pub(super) fn slack(document: &Document) -> Value {
    let subject = document.subject();
    let section =
        |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
    let mut blocks = vec![section(code(&subject))];
    for line in document.lines() {
        let mut text = format!(
            "{} ({})\n{} in {}",
            code(&line.what),
            escaped(&line.severity),
            code(&line.place),
            code(&line.repository),
        );
        if let Some(link) = &line.link {
            let link = escaped(&link.replace('|', "%7C"));
            let _ = write!(text, " (<{link}|page>)");
        }
        let _ = write!(text, "\n{}", code(&line.secret));
        if let Some(commit) = &line.commit {
            let _ = write!(text, "\n{}", code(commit));
        }
        blocks.push(section(text));
    }
    if document.more > 0 {
        blocks.push(section(more(document)));
    }
    json!({"text": escaped(&subject), "blocks": blocks})
}

fn more(document: &Document) -> String {
    format!("and {} more", document.more)
}

/// Text that stays text. `<` begins links and mentions in Slack; `@` and what follows it would call
/// people elsewhere.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // In a mail address it calls nobody.
            '@' if !before.is_ascii_alphanumeric() => out.push('\u{ff20}'),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// Text as code, in which nothing is bold or a link.
fn code(text: &str) -> String {
    format!("`{}`", escaped(&text.replace('`', "'")))
}

/// A message with a card.
pub(super) fn teams(document: &Document) -> Value {
    let lines: Vec<Line> = document.lines().collect();
    let mut shown = lines.len();
    loop {
        let message = card(document, &lines[..shown], lines.len() - shown);
        if shown <= 1 || message.to_string().len() <= MAX_TEAMS_BYTES {
            return message;
        }
        shown -= 1;
    }
}

/// Texts are runs of rich text, in which nothing is markup.
fn card(document: &Document, lines: &[Line], left_out: usize) -> Value {
    let run = |text: &str| json!({"type": "TextRun", "text": text});
    let strong = |text: &str| json!({"type": "TextRun", "text": text, "weight": "Bolder"});
    let mono = |text: &str| json!({"type": "TextRun", "text": text, "fontType": "Monospace"});
    let block = |runs: Vec<Value>| json!({"type": "RichTextBlock", "inlines": runs});
    let mut body = vec![block(vec![strong(&document.subject())])];
    for line in lines {
        let mut items = vec![
            block(vec![
                strong(&line.what),
                run(&format!(" ({})", line.severity)),
            ]),
            block(vec![mono(&line.place), run(" in "), mono(&line.repository)]),
            block(vec![mono(&line.secret)]),
        ];
        items.extend(line.commit.as_ref().map(|commit| block(vec![run(commit)])));
        let mut container = json!({"type": "Container", "separator": true, "items": items});
        if let Some(link) = &line.link {
            container["selectAction"] =
                json!({"type": "Action.OpenUrl", "title": "page", "url": link});
        }
        body.push(container);
    }
    let more = document.more + left_out;
    if more > 0 {
        body.push(block(vec![run(&format!("and {more} more"))]));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}
