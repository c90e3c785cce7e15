//! A policy as people read it: a label and what holds, one a line.

use scanner_core::{
    gate::{
        break_glass::Way,
        describe::{Description, Exception},
        policy::LargeBlobs,
    },
    model::{ByteSize, TimeSpan},
};
use std::{
    fmt::{Display, Write as _},
    time::Duration,
};

pub(super) fn labelled(label: &str, value: impl Display) -> String {
    format!("{label:<20}{value}")
}

/// What a policy comes to, for people.
pub(super) fn shown(policy: &Description, rules: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |label: &str, value: &dyn Display| lines.push(labelled(label, value));
    say("policy hash", &policy.policy_hash);
    match &policy.repository {
        Some(repository) => say("repository", repository),
        None => say(
            "repository",
            &"any that no override names; --repository NAME asks for one",
        ),
    }
    if let Some(user) = &policy.user {
        say("user", user);
    }
    say("mode", &policy.mode.as_str());
    for row in &policy.verdict {
        let (high, medium, low) = (row.high.as_str(), row.medium.as_str(), row.low.as_str());
        let by_confidence = format!("{high}; at medium confidence {medium}, at low {low}");
        say(row.severity.as_str(), &by_confidence);
    }
    say("old secrets", &policy.old_secrets.as_str());
    say(
        "deadline",
        &format!(
            "{}, then {}",
            span(policy.deadline_ms),
            policy.at_deadline.as_str()
        ),
    );
    say("on error", &policy.on_error.as_str());
    let large = match policy.large_blobs {
        LargeBlobs::Note => "is not scanned, and noted",
        LargeBlobs::Block => "blocks",
    };
    say(
        "large content",
        &format!("over {} {large}", ByteSize(policy.max_blob_bytes)),
    );
    match policy.max_push_bytes {
        Some(bytes) => say("largest push", &ByteSize(bytes)),
        None => say("largest push", &"any"),
    }
    say("threads", &policy.threads);
    say(
        "alternates",
        &yes(
            policy.trust_alternate_refs,
            "what their refs reach is known",
            "are scanned",
        ),
    );
    say(
        "inline comments",
        &yes(policy.inline_comments, "count", "do not count"),
    );
    say(
        "repository's config",
        &yes(policy.repository_config, "adds allowlists", "is not read"),
    );
    say("rules", &format!("{rules}{}", of_rules(policy)));
    for entry in &policy.allow {
        say("allow", &exception(entry));
    }
    break_glass(policy, &mut say);
    let paths = [
        ("spool", &policy.spool),
        ("ledger", &policy.break_glass.ledger),
        ("audit", &policy.audit.path),
    ];
    for (label, path) in paths {
        if let Some(path) = path {
            say(label, &path.display());
        }
    }
    if policy.audit.required {
        say(
            "audit required",
            &"a line that cannot be written blocks the push",
        );
    }
    for (label, sink) in [
        ("syslog", &policy.audit.syslog),
        ("webhook", &policy.audit.webhook),
    ] {
        if let Some(sink) = sink {
            say(
                label,
                &format!("{sink}, {} for all", span(policy.audit.budget_ms)),
            );
        }
    }
    if let Some(contact) = &policy.contact {
        say("contact", contact);
    }
    for part in &policy.overrides {
        let applies = if part.applied { ", applies" } else { "" };
        say(
            "override",
            &format!(
                "line {}: {}{applies}",
                part.line,
                part.repositories.join(", ")
            ),
        );
    }
    lines
}

fn span(ms: u64) -> TimeSpan {
    TimeSpan(Duration::from_millis(ms))
}

fn yes(is: bool, then: &'static str, otherwise: &'static str) -> &'static str {
    if is { then } else { otherwise }
}

fn of_rules(policy: &Description) -> String {
    let rules = &policy.rules;
    let mut text = String::new();
    if let Some(config) = &rules.config {
        let _ = write!(text, ", of {}", config.display());
    }
    for file in &rules.files {
        let _ = write!(text, ", with {}", file.display());
    }
    for (word, ids) in [("only", &rules.only), ("without", &rules.exclude)] {
        if !ids.is_empty() {
            let _ = write!(text, ", {word} {}", ids.join(", "));
        }
    }
    text
}

fn exception(entry: &Exception) -> String {
    let until = match (&entry.expires, entry.expired) {
        (Some(date), false) => format!(", until {date}"),
        (Some(date), true) => format!(", ended {date}"),
        (None, _) => String::new(),
    };
    format!("line {}: {}{until}", entry.line, entry.reason)
}

fn break_glass(policy: &Description, say: &mut impl FnMut(&str, &dyn Display)) {
    let glass = &policy.break_glass;
    let ways = [
        glass
            .push_option
            .as_ref()
            .map(|name| format!("push option {name}")),
        glass.trailer.as_ref().map(|key| format!("trailer {key}")),
    ];
    let ways: Vec<String> = ways.into_iter().flatten().collect();
    if ways.is_empty() {
        say("break-glass", &"none but grants");
    } else {
        let often = glass
            .per_day
            .map_or_else(String::new, |n| format!(", {n} a day each"));
        let users = glass.users.join(", ");
        say(
            "break-glass",
            &format!("{}, for {users}{often}", ways.join(" or ")),
        );
    }
    for grant in &glass.grants {
        say("grant", &exception(grant));
    }
    let (Some(user), Some(ways)) = (&policy.user, &glass.ways_of_user) else {
        return;
    };
    if ways.is_empty() {
        say(
            "open to user",
            &format!("nothing: {user} is told of no way"),
        );
    }
    for way in ways {
        let text = match way {
            Way::PushOption(name) => {
                format!("git push -o {name}=\"reason\", where the server has push options")
            }
            Way::Trailer(key) => {
                format!("{key}: reason, and Signed-off-by, in the last commit's message")
            }
            Way::Contact(contact) => format!("asking {contact}"),
        };
        say("open to user", &text);
    }
}
