//! One report that every format is tested on. It holds what goes wrong in practice: secrets in
//! subjects, paths and refs, terminal escapes in names, text that is not UTF-8, impossible dates.

use scanner_core::model::{
    BlobCounts, CommitInfo, Confidence, Encoding, Finding, Fingerprint, IssueKind, Location,
    ObjectId, Occurrence, Part, Proof, Receipt, Report, RuleInfo, ScanIssue, Secret, Severity,
    SkipReason, Span, SuppressedBy, Suppression, TriageCounts, TriageStatus, Where,
};
use std::sync::Arc;

/// Secrets of the report, put together here so that no scanner takes this file for a leak.
pub(crate) fn secrets() -> [Vec<u8>; 6] {
    [
        [b"ghp".as_slice(), b"_", &b"Ab1Cd2Ef3Gh4".repeat(3)].concat(),
        [b"AKIA".as_slice(), &b"Q7".repeat(8)].concat(),
        b"hunter2".to_vec(),
        [b"\xff\xfe".as_slice(), &b"k9\xf0".repeat(6)].concat(),
        b"primary@accounts.com".to_vec(),
        [b"correct".as_slice(), b"-horse-", b"battery"].concat(),
    ]
}

/// How one of them is written where it is encoded; the subject of a commit shows it.
pub(crate) const WRITTEN: &[u8] = b"QUtJQVE3UTdR";

/// A path that is a formula, markup, a mention, the end of this and that, and a command.
pub(crate) const HOSTILE_PATH: &str =
    "=cmd|'/C x'!A0 `<b>@octocat</b>` [x](y) ]]>&amp;%0A::error::,\".csv";

pub(crate) fn id(fill: u8) -> ObjectId {
    ObjectId::from_bytes(&[fill; 20]).expect("20 bytes are an id")
}

fn rule(id: &str, description: &str, severity: Severity, remediation: &str) -> Arc<RuleInfo> {
    Arc::new(RuleInfo {
        id: id.into(),
        description: description.into(),
        severity,
        confidence: Confidence::High,
        remediation: remediation.into(),
        references: vec!["https://example.org/tokens".into(), "a book".into()],
        tags: vec!["token".into()],
    })
}

fn commit(fill: u8, author: &[u8], summary: &[u8], seconds: i64) -> Arc<CommitInfo> {
    Arc::new(CommitInfo {
        commit: id(fill),
        author: author.into(),
        email: "ada@example.com".into(),
        committer_email: "".into(),
        seconds,
        offset_minutes: 60,
        summary: summary.into(),
    })
}

fn occurrence(path: &[u8], line: u64, place: Where) -> Occurrence {
    Occurrence {
        path: path.into(),
        member: None,
        location: Location {
            start_line: line,
            start_column: 9,
            end_line: line,
            end_column: 48,
            start_character: 7,
            end_character: 45,
        },
        span: Span::new(line * 100, line * 100 + 40),
        encoding: Vec::new(),
        blob: id(0xb0),
        place,
        introduced: None,
        also_introduced_in: Vec::new(),
        last_seen: None,
        last_seen_seconds: None,
        refs: Vec::new(),
        parts: Vec::new(),
        allowed_by: None,
    }
}

fn part(secret: &[u8]) -> Part {
    Part {
        rule: rule("account", "Name of an account.", Severity::Low, ""),
        secret: Secret::new(secret),
        location: Location {
            start_line: 11,
            start_column: 4,
            end_line: 11,
            end_column: 23,
            start_character: 4,
            end_character: 23,
        },
        span: Span::new(1010, 1030),
    }
}

fn finding(
    rule: Arc<RuleInfo>,
    secret: &[u8],
    proof: Proof,
    occurrences: Vec<Occurrence>,
) -> Finding {
    let secret = Secret::new(secret);
    Finding {
        confidence: rule.confidence,
        fingerprint: Fingerprint::new(&rule.id, &secret),
        rule,
        secret,
        written: Vec::new(),
        proof,
        notes: Vec::new(),
        occurrences,
        suppression: None,
    }
}

pub(crate) fn report() -> Report {
    let [token, key, password, binary, account, accepted] = secrets();
    let subject = [b"Add token ".as_slice(), &token, b" and ", &key].concat();
    let secret_path = [b"keys/".as_slice(), &key, b".txt"].concat();
    let binary_path = [b"caf\xe9/".as_slice(), &binary].concat();
    let many_refs = [
        "HEAD",
        "refs/heads/main",
        "refs/tags/v1",
        "HEAD@{reflog}",
        "refs/heads/x",
        "refs/heads/y",
    ];

    let token_finding = finding(
        rule(
            "github-pat",
            "GitHub personal access token.",
            Severity::Critical,
            "Revoke it under Settings > Developer settings > Tokens.",
        ),
        &token,
        Proof::Proven,
        vec![
            Occurrence {
                introduced: Some(commit(
                    0xc1,
                    "Ada Lovelace".as_bytes(),
                    &subject,
                    1_709_247_599,
                )),
                also_introduced_in: vec![id(0xc2), id(0xc3)],
                last_seen: Some(id(0xc4)),
                last_seen_seconds: Some(1_750_000_000),
                parts: vec![part(&account)],
                refs: many_refs.map(String::from).to_vec(),
                ..occurrence(b"src/config.rs", 12, Where::Head)
            },
            Occurrence {
                introduced: Some(commit(
                    0xc5,
                    b"Evil\x1b[2J\xe2\x80\xaeliame",
                    b"x",
                    i64::MAX,
                )),
                last_seen: Some(id(0xc6)),
                last_seen_seconds: Some(i64::MAX),
                refs: vec![format!("refs/heads/fix-{}", String::from_utf8_lossy(&key))],
                ..occurrence(&secret_path, 1, Where::Ref)
            },
            occurrence(b"new\nline.txt", 2, Where::Unreachable),
            occurrence(b"", 3, Where::CommitMessage),
            occurrence(b"", 4, Where::TagMessage),
        ],
    );
    let token_finding = Finding {
        notes: vec!["for account 0123".into()],
        ..token_finding
    };
    let mut key_finding = finding(
        rule("aws-access-key", "AWS access key.", Severity::High, ""),
        &key,
        Proof::Plausible,
        vec![Occurrence {
            introduced: Some(commit(0xc7, b"J\xf6rg", &[b"set ", WRITTEN].concat(), 0)),
            last_seen: Some(id(0xc8)),
            refs: vec!["refs/heads/old".into()],
            encoding: vec![Encoding::Base64, Encoding::Utf16Le],
            ..occurrence(b"deploy.sh", 7, Where::Ref)
        }],
    );
    key_finding.written = vec![Secret::new(WRITTEN)];
    let password_finding = finding(
        rule("generic", "Assignment of a password.", Severity::Low, ""),
        &password,
        Proof::Failed,
        vec![
            occurrence(b"conf/hunter2/a", 8, Where::Index),
            Occurrence {
                allowed_by: Some(SuppressedBy::Comment),
                ..occurrence(b"conf/hunter23", 9, Where::Worktree)
            },
            Occurrence {
                member: Some(b"in\xe4/hunter2.txt!/b\x1b[2J".into()),
                ..occurrence(b"conf/x.zip", 1, Where::Worktree)
            },
        ],
    );
    let binary_finding = finding(
        rule("binary", "Key that is not text.", Severity::Low, ""),
        &binary,
        Proof::Plausible,
        vec![
            occurrence(&binary_path, 1, Where::File),
            occurrence(HOSTILE_PATH.as_bytes(), 2, Where::File),
        ],
    );
    let mut accepted_finding = finding(
        rule("generic", "Assignment of a password.", Severity::Low, ""),
        &accepted,
        Proof::Plausible,
        vec![
            occurrence(b"tests/login.py", 4, Where::Head),
            occurrence(b"", 2, Where::Unreachable),
            occurrence(b"", 1, Where::Note),
            occurrence(b"", 1, Where::Stdin),
        ],
    );
    accepted_finding.suppression = Some(Suppression {
        by: SuppressedBy::Baseline,
        status: TriageStatus::FalsePositive,
        reason: format!(
            "looks like {}\u{202e} but | is <none>",
            String::from_utf8_lossy(&key)
        ),
        owner: "@ada\x1b[31m".into(),
        expires: Some("2031-12-31".into()),
    });
    Report {
        findings: vec![
            token_finding,
            key_finding,
            password_finding,
            binary_finding,
            accepted_finding,
        ],
        receipt: Receipt {
            blobs: BlobCounts {
                seen: 262_346,
                scanned: 262_343,
                skipped: 3,
                skipped_by_reason: [(SkipReason::TooLarge, 1), (SkipReason::Corrupt, 2)].into(),
            },
            commits: 71_000,
            trees: 90_000,
            tags: 1,
            bytes: 8_100_000_000,
            tips: [
                ("HEAD".to_owned(), id(0xc4)),
                (
                    format!("refs/heads/{}", String::from_utf8_lossy(&key)),
                    id(0xc5),
                ),
            ]
            .into(),
            ruleset_hash: "0123456789abcdef".repeat(4),
            below_confidence: 3,
            max_decode_depth: 3,
            fingerprint_key: Some("0badcafe".into()),
            triage: TriageCounts {
                suppressed: [(SuppressedBy::Comment, 1), (SuppressedBy::Baseline, 2)].into(),
                expired: 1,
                unused: 2,
            },
            complete: false,
            issues: vec![
                ScanIssue {
                    kind: IssueKind::Corrupt,
                    object: Some(id(0xd1)),
                    path: Some("objects/pack/pack-\x1b[31m.pack".into()),
                    message: format!("bad \u{202e} near {}", String::from_utf8_lossy(&key)),
                },
                ScanIssue {
                    kind: IssueKind::Note,
                    object: None,
                    path: None,
                    message: "something small".into(),
                },
            ],
        },
    }
}
