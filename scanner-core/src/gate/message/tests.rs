//! Whole texts, and what must never be in one.

use super::{finding::*, *};
use crate::{
    model::{
        CommitInfo, Confidence, Finding, Fingerprint, Location, ObjectId, Occurrence, Proof,
        PushedTip, RuleInfo, Secret, Severity, Where, testing,
    },
    report::is_disruptive,
};
use proptest::{collection::vec, option, prelude::*};
use std::sync::Arc;

fn id(n: u8) -> ObjectId {
    ObjectId::from_bytes(&[n; 20]).unwrap()
}

fn secret(n: usize) -> Secret {
    Secret::new(format!("{n:04}{}", "sEcReT7x".repeat(3)).as_bytes())
}

fn file(path: &str, line: u64, commit: u8) -> Occurrence {
    let first_line = testing::occurrence(path);
    Occurrence {
        location: Location {
            start_line: line,
            end_line: line,
            ..first_line.location
        },
        blob: id(commit + 100),
        place: Where::Ref,
        introduced: Some(Arc::new(CommitInfo {
            commit: id(commit),
            author: "A".into(),
            email: "a@example.com".into(),
            committer_email: "".into(),
            seconds: i64::from(commit),
            offset_minutes: 0,
            summary: "x".into(),
        })),
        refs: vec!["refs/heads/main".into()],
        ..first_line
    }
}

fn tag_message(name: &str) -> Occurrence {
    Occurrence {
        place: Where::TagMessage,
        introduced: None,
        refs: vec![format!("refs/tags/{name}")],
        ..file("", 3, 9)
    }
}

fn finding(n: usize, occurrences: Vec<Occurrence>) -> Finding {
    let secret = secret(n);
    Finding {
        rule: Arc::new(RuleInfo {
            id: "acme-token".into(),
            description: "Acme access token".into(),
            severity: Severity::Critical,
            confidence: Confidence::High,
            remediation: "Revoke it at https://acme.example/tokens.".into(),
            references: Vec::new(),
            tags: Vec::new(),
        }),
        confidence: Confidence::High,
        fingerprint: Fingerprint::new("acme-token", &secret),
        secret,
        written: Vec::new(),
        proof: Proof::Plausible,
        notes: Vec::new(),
        occurrences,
        suppression: None,
    }
}

/// The last commit of `main` is number 3.
fn told(action: Action, n: usize, occurrences: Vec<Occurrence>) -> Told {
    let tips = [PushedTip {
        name: "refs/heads/main".into(),
        commit: Some(id(3)),
        message: "x".into(),
    }];
    let facts = |commit: &ObjectId| {
        let n = commit.as_bytes()[0];
        let parents = match n {
            1 => 0,
            7 => 2,
            _ => 1,
        };
        Some(CommitFacts {
            seconds: i64::from(n),
            parents,
        })
    };
    Told::new(&finding(n, occurrences), action, &tips, &facts)
}

fn blocked(occurrences: Vec<Occurrence>) -> Message {
    Message {
        findings: vec![told(Action::Blocked, 1, occurrences)],
        ..Message::new(Outcome::Blocked)
    }
}

fn text(message: &Message) -> String {
    let text = message.text(&Redactor::new((0..300).map(secret)));
    check(&text);
    text
}

/// What holds of every text.
fn check(text: &str) {
    assert!(text.len() < MAX_BYTES, "{}", text.len());
    assert!(text.is_empty() || text.ends_with('\n'));
    for line in text.lines() {
        assert!(!line.contains(is_disruptive), "{line:?}");
        assert!(!line.contains("sEcReT7xsEcReT7x"), "{line:?}");
    }
}

/// Compares with `texts/NAME.txt`; `GITSIEVE_WRITE_TEXTS=1` writes it, for a review of the change.
#[track_caller]
fn assert_text(message: &Message, name: &str) {
    let text = text(message);
    let file = format!("src/gate/message/texts/{name}.txt");
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("GITSIEVE_WRITE_TEXTS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap();
    assert!(text == expected, "{name} is\n{text}");
    let long = text
        .lines()
        .find(|line| line.len() > 100 - "remote: ".len());
    assert_eq!(long, None);
}

#[test]
fn a_secret_of_the_last_commit() {
    assert_text(&blocked(vec![file("src/config.py", 12, 3)]), "last-commit");
}

#[test]
fn a_secret_of_an_older_commit_with_every_way_to_an_exception() {
    let mut message = blocked(vec![file("src/config.py", 12, 2)]);
    message.exceptions = Exceptions {
        push_option: Some("secret-scan.skip".into()),
        trailer: Some("Secret-Scan-Skip".into()),
        inline_comments: true,
    };
    message.contact = Some("#appsec".into());
    assert_text(&message, "older-commit");
}

#[test]
fn what_is_not_known_of_commits_is_not_said() {
    let tips = [PushedTip {
        name: "refs/heads/main".into(),
        commit: Some(id(3)),
        message: "x".into(),
    }];
    let found = finding(1, vec![file("src/config.py", 12, 2)]);
    let mut message = Message::new(Outcome::Blocked);
    message.findings = vec![Told::new(&found, Action::Blocked, &tips, &|_| None)];
    assert_text(&message, "unknown-parents");
}

#[test]
fn a_commit_that_only_one_of_two_refs_ends_at_is_not_the_last() {
    let two = Occurrence {
        refs: vec!["refs/heads/main".into(), "refs/heads/other".into()],
        ..file("a", 1, 3)
    };
    let tip = |name: &str, n| PushedTip {
        name: name.into(),
        commit: Some(id(n)),
        message: "x".into(),
    };
    let tips = [tip("refs/heads/main", 3), tip("refs/heads/other", 4)];
    let is_tip = |occurrence| {
        let found = finding(1, vec![occurrence]);
        Told::new(&found, Action::Blocked, &tips, &|_| None).places[0].commits[0].is_tip
    };
    assert!(!is_tip(two));
    assert!(is_tip(file("a", 1, 3)));
    assert!(!is_tip(file("a", 1, 2)));
}

#[test]
fn secrets_of_many_places() {
    let merge = Occurrence {
        also_introduced_in: vec![id(2), id(4), id(5), id(6), id(7)],
        ..file("b", 1, 3)
    };
    let message = Occurrence {
        place: Where::CommitMessage,
        blob: id(1),
        ..file("", 4, 1)
    };
    let mut blocked = blocked(vec![file("a", 1, 1), merge, message, file("c", 1, 1)]);
    let many = (2..14).map(|n| told(Action::Blocked, n, vec![file("d", n as u64, 1)]));
    blocked.findings.extend(many);
    blocked
        .findings
        .push(told(Action::Warned, 20, vec![file("e", 1, 1)]));
    assert_text(&blocked, "many-places");
}

#[test]
fn secrets_of_messages_and_bare_objects() {
    let message = Occurrence {
        place: Where::CommitMessage,
        blob: id(3),
        introduced: None,
        ..file("", 4, 3)
    };
    let blob = Occurrence {
        introduced: None,
        refs: vec!["refs/blobs/x".into()],
        ..file("", 4, 3)
    };
    assert_text(
        &blocked(vec![
            message,
            tag_message("v1.0"),
            tag_message("v;id"),
            blob,
        ]),
        "messages",
    );
}

#[test]
fn warnings_and_old_secrets_pass() {
    let mut message = Message::new(Outcome::Passed);
    assert_eq!(text(&message), "");
    message
        .notes
        .push("big.bin (60 MB) was not scanned.".into());
    assert_text(&message, "note");
    message
        .findings
        .push(told(Action::Old, 1, vec![file("old", 7, 3)]));
    assert_text(&message, "old-secret");
    message
        .findings
        .push(told(Action::Warned, 2, vec![file("new", 1, 3)]));
    assert_text(&message, "warning");
}

#[test]
fn audits_and_exceptions_say_what_would_be() {
    let mut message = blocked(vec![file("src/config.py", 12, 3)]);
    message.outcome = Outcome::AuditOnly;
    assert_text(&message, "audit-only");
    message.outcome = Outcome::LetThrough {
        way: "push option".into(),
        reason: "INC-42 test\x1b[1m data".into(),
    };
    assert_text(&message, "let-through");
}

#[test]
fn what_was_not_scanned_is_said() {
    let mut message = Message::new(Outcome::Blocked);
    message.contact = Some("https://wiki.example/secrets".into());
    message.incomplete = Some(Incomplete {
        why: Shortfall::Deadline,
        unscanned: 12,
        commits: 40,
        details: Vec::new(),
        later: false,
    });
    assert_text(&message, "deadline");
    message.incomplete = Some(Incomplete {
        why: Shortfall::Unreadable,
        unscanned: 0,
        commits: 40,
        details: (0..7).map(|n| format!("object {n} is damaged")).collect(),
        later: false,
    });
    assert_text(&message, "unreadable");
    message.outcome = Outcome::Passed;
    message.incomplete = Some(Incomplete {
        why: Shortfall::Deadline,
        unscanned: 1,
        commits: 40,
        details: Vec::new(),
        later: true,
    });
    assert_text(&message, "passed-incomplete");
    message.outcome = Outcome::Blocked;
    message.findings = vec![told(Action::Blocked, 1, vec![file("a", 1, 3)])];
    assert_text(&message, "blocked-and-incomplete");
}

#[test]
fn limits_and_failures_block_with_their_cause() {
    let mut message = Message::new(Outcome::Blocked);
    message.limit = Some("it brings 2 GB of new objects, and 1 GB is allowed.".into());
    assert_text(&message, "limit");
    message.failure = Some("/etc/gitsieve/policy.toml:3: unknown key `dedline`".into());
    assert_text(&message, "failure");
}

#[test]
fn gitlab_shows_only_lines_with_its_prefix() {
    let mut message = blocked(vec![file("src/config.py", 12, 2)]);
    message.server = Server::GitLab;
    let text = text(&message);
    assert!(text.starts_with("GL-HOOK-ERR: gitsieve: push blocked: Acme"));
    assert!(text.lines().all(|line| line.starts_with("GL-HOOK-ERR: ")));
    assert!(text.lines().all(|line| line.trim() != "GL-HOOK-ERR:"));
}

#[test]
fn push_options_are_never_spoken_of_where_they_do_not_exist() {
    let mut message = blocked(vec![file("a", 1, 3)]);
    message.exceptions.trailer = Some("Secret-Scan-Skip".into());
    assert!(!text(&message).contains("push -o"));
}

/// Bytes as an attacker would choose them, with the secrets of the report among them.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..20),
        (0usize..4).prop_map(|n| secret(n).reveal().to_vec()),
        Just(b"\x1b]0;x\x07\r\n".to_vec()),
        Just("\u{202e}\u{9b}31m".as_bytes().to_vec()),
        Just(b"/".to_vec()),
        vec(Just(b'w'), 0..3000),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn hostile_text() -> impl Strategy<Value = String> {
    hostile().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

prop_compose! {
    fn hostile_finding()(
        action in prop_oneof![Just(Action::Blocked), Just(Action::Warned), Just(Action::Old)],
        n in 0usize..4,
        places in vec((hostile(), option::of(hostile()), any::<u64>(), 1u8..9, hostile_text(), 0usize..4), 1..6),
    ) -> Told {
        let occurrences = places.into_iter().map(|(path, member, line, commit, name, place)| {
            Occurrence {
                path: path.into(),
                member: member.map(Into::into),
                refs: vec![name],
                place: [Where::Ref, Where::CommitMessage, Where::TagMessage, Where::Note][place],
                ..file("", line, commit)
            }
        });
        told(action, n, occurrences.collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_holds_a_secret_a_control_or_16_kib(
        findings in vec(hostile_finding(), 0..15),
        outcome in (0..4, hostile_text(), hostile()).prop_map(|(n, way, reason)| match n {
            0 => Outcome::Passed,
            1 => Outcome::Blocked,
            2 => Outcome::AuditOnly,
            _ => Outcome::LetThrough { way, reason: reason.into() },
        }),
        server in prop_oneof![Just(Server::Plain), Just(Server::GitLab)],
        texts in (option::of(hostile_text()), option::of(hostile_text()), option::of(hostile_text())),
        names in (option::of(hostile_text()), option::of(hostile_text())),
        incomplete in option::of(vec(hostile_text(), 0..12)),
        notes in vec(hostile_text(), 0..12),
    ) {
        let message = Message {
            outcome,
            server,
            findings,
            limit: texts.0,
            failure: texts.1,
            contact: texts.2,
            incomplete: incomplete.map(|details| Incomplete {
                why: Shortfall::Unreadable,
                unscanned: 3,
                commits: 9,
                details,
                later: true,
            }),
            notes,
            exceptions: Exceptions {
                push_option: names.0,
                trailer: names.1,
                inline_comments: true,
            },
        };
        text(&message);
    }
}
