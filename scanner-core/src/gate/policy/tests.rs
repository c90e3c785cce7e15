use super::*;
use crate::model::{Confidence, Severity};
use proptest::prelude::*;
use std::time::Duration;

fn policy(text: &str) -> Policy {
    Policy::parse(text, "/etc/gitsieve/policy.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn problems(text: &str) -> String {
    Policy::parse(text, "p.toml").unwrap_err().to_string()
}

const FULL: &str = r##"
mode = "audit"
deadline = "2s"
at-deadline = "newest-first"
on-error = "open"
old-secrets = "block"
large-blobs = "block"
max-blob-size = "1MiB"
max-push-size = "2G"
threads = 2
trust-alternate-refs = true
inline-comments = true
repository-config = true
spool = "/var/spool/gitsieve"
contact = "#appsec, or https://wiki.example.org/secrets"

[verdict]
critical = "block"
high = { low = "warn" }
low = "off"

[rules]
config = "x.toml"
files = ["more", "/abs/y.toml"]
only = ["a*"]
exclude = ["b*"]

[[allow]]
fingerprints = ["v1:0123456789abcdef0123456789abcdef"]
rules = ["github-*"]
paths = ["tests/fixtures/**"]
repositories = ["PROJ/*"]
reason = "INC-42"
expires = 2026-12-31

[break-glass]
push-option = "secret-scan.skip"
trailer = "Secret-Scan-Skip"
users = ["alice", "team-*"]
per-day = 3
ledger = "/var/log/gitsieve/break-glass.jsonl"
[[break-glass.grants]]
users = ["bob"]
repositories = ["P/r"]
reason = "INC-1"
expires = 2026-12-01T12:00:00Z

[audit]
path = "/var/log/gitsieve/{host}.jsonl"
required = true
syslog = "unix:/dev/log"
webhook = "https://log.example.org/in?k=sesame"
webhook-header = "Authorization: open"
webhook-ca = "ca.pem"
budget = "100ms"

[[override]]
repositories = ["PROJ/*", "group/sub/**", "~alice/*"]
mode = "enforce"
verdict = { critical = "warn" }
"##;

#[test]
fn every_key_is_understood() {
    let policy = policy(FULL);
    let others = policy.for_repository(b"OTHER/x");
    assert_eq!(others.mode, Mode::Audit);
    assert_eq!(others.deadline, Duration::from_secs(2));
    assert_eq!(others.at_deadline, AtDeadline::NewestFirst);
    assert_eq!(others.on_error, OnError::Open);
    assert_eq!(others.old_secrets, OldSecrets::Block);
    assert_eq!(others.large_blobs, LargeBlobs::Block);
    assert_eq!(others.max_blob_bytes, 1 << 20);
    assert_eq!(others.max_push_bytes, Some(2 << 30));
    assert_eq!(others.threads, 2);
    assert!(others.trust_alternate_refs && others.inline_comments && others.repository_config);
    assert_eq!(others.spool, Some("/var/spool/gitsieve".into()));
    assert!(others.contact.is_some_and(|c| c.starts_with("#appsec")));
    let table = others.verdicts;
    assert_eq!(table.action(Severity::High, Confidence::Low), Action::Warn);
    assert_eq!(
        table.action(Severity::High, Confidence::High),
        Action::Block
    );
    assert_eq!(table.action(Severity::Low, Confidence::High), Action::Off);
    assert_eq!(table.least_confidence(), Confidence::Low);
    assert_eq!(others.rules.config, Some("/etc/gitsieve/x.toml".into()));
    let files: [PathBuf; 2] = ["/etc/gitsieve/more".into(), "/abs/y.toml".into()];
    assert_eq!(others.rules.files, files);
    assert_eq!(
        (&*others.rules.only[0], &*others.rules.exclude[0]),
        ("a*", "b*")
    );
    assert!(others.allow.is_empty() && others.break_glass.grants.is_empty());
    assert_eq!(
        others.break_glass.push_option.as_deref(),
        Some("secret-scan.skip")
    );
    assert_eq!(others.break_glass.per_day, Some(3));
    assert!(others.break_glass.users.is_match("team-a") && others.overrides.is_empty());

    let here = policy.for_repository(b"PROJ/x");
    assert_eq!(here.mode, Mode::Enforce);
    assert_eq!(here.overrides.len(), 1);
    assert_eq!(here.allow[0].reason, "INC-42");
    assert_eq!(
        here.verdicts.action(Severity::Critical, Confidence::High),
        Action::Warn
    );
    assert_eq!(
        policy.for_repository(b"P/r").break_glass.grants[0].reason,
        "INC-1"
    );

    let audit = policy.audit();
    let path = audit.path_on("node/../1");
    assert_eq!(path, Some("/var/log/gitsieve/node_.._1.jsonl".into()));
    assert_eq!(audit.syslog, Some(Syslog::Unix("/dev/log".into())));
    let webhook = audit.webhook.as_ref().unwrap();
    assert_eq!(webhook.shown, "https://log.example.org");
    assert_eq!(webhook.ca, Some("/etc/gitsieve/ca.pem".into()));
    assert_eq!(webhook.header.as_ref().unwrap().1.reveal(), b"open");
    let shown = format!("{policy:?}");
    assert!(
        !shown.contains("sesame") && !shown.contains("\"open\""),
        "{shown}"
    );
}

#[test]
fn an_empty_file_is_the_default() {
    let empty = policy("");
    assert_eq!(empty.hash(), Policy::default().hash());
    assert_eq!(empty.hash().len(), 64);
    assert_ne!(empty.hash(), policy("threads = 4").hash());
    let effective = empty.for_repository(b"x");
    assert_eq!(
        format!("{effective:?}"),
        format!("{:?}", Effective::default())
    );
    let table = effective.verdicts;
    for (severity, confidence, action) in [
        (Severity::Critical, Confidence::High, Action::Block),
        (Severity::Medium, Confidence::Medium, Action::Block),
        (Severity::Critical, Confidence::Low, Action::Off),
        (Severity::Low, Confidence::High, Action::Warn),
        (Severity::Low, Confidence::Low, Action::Off),
    ] {
        assert_eq!(
            table.action(severity, confidence),
            action,
            "{severity} {confidence}"
        );
    }
    assert_eq!(table.least_confidence(), Confidence::Medium);
    assert_eq!(
        policy("max-push-size = \"0\"")
            .for_repository(b"")
            .max_push_bytes,
        None
    );
    assert_eq!(
        policy("max-push-size = 7")
            .for_repository(b"")
            .max_push_bytes,
        Some(7)
    );
}

#[test]
fn later_overrides_win_and_exceptions_add_up() {
    let text = r#"
        [[allow]]
        rules = ["a"]
        reason = "everywhere"
        [verdict]
        high = { low = "block" }
        [[override]]
        repositories = ["A/**"]
        threads = 1
        verdict = { high = { high = "warn" } }
        break-glass = { trailer = "Skip", users = ["x"] }
        [[override.allow]]
        rules = ["b"]
        reason = "in A"
        [[override]]
        repositories = ["A/sub/*"]
        threads = 2
        verdict = { high = "off" }
        break-glass = { trailer = "" }
        [override.rules]
        only = ["c"]
    "#;
    let policy = policy(text);
    let reasons = |name: &str| {
        let effective = policy.for_repository(name.as_bytes());
        let reasons: Vec<String> = effective.allow.iter().map(|e| e.reason.clone()).collect();
        (effective, reasons)
    };
    let (a, in_a) = reasons("A/x");
    assert_eq!((a.threads, in_a.len()), (1, 2));
    assert_eq!(
        a.verdicts.action(Severity::High, Confidence::High),
        Action::Warn
    );
    assert_eq!(
        a.verdicts.action(Severity::High, Confidence::Low),
        Action::Block
    );
    assert_eq!(a.break_glass.trailer.as_deref(), Some("Skip"));
    let (sub, _) = reasons("A/sub/x");
    assert_eq!((sub.threads, sub.overrides), (2, vec![7, 15]));
    for confidence in CONFIDENCES {
        // One word silences what a table raised before.
        assert_eq!(sub.verdicts.action(Severity::High, confidence), Action::Off);
    }
    assert_eq!(sub.break_glass.trailer, None);
    assert_eq!(reasons("B/x").1, ["everywhere"]);
    let selections = policy.rule_selections();
    assert_eq!(selections.len(), 2);
    assert_eq!((selections[1].0, &*selections[1].1.only[0]), (15, "c"));
}

#[test]
fn every_mistake_is_told_with_its_line_and_a_way_out() {
    for (text, told) in [
        (
            "mod = \"audit\"",
            "p.toml:1: unknown key \"mod\" in a policy; did you mean \"mode\"?",
        ),
        (
            "\nmode = \"of\"",
            "p.toml:2: key \"mode\": expected one of off, audit, enforce",
        ),
        (
            "mode = 1",
            "p.toml:1: key \"mode\": is of type integer, expected a string",
        ),
        ("deadline = \"4s", "not valid TOML"),
        ("deadline = \"soon\"", "expected a length of time"),
        ("deadline = \"0s\"", "expected a length of time"),
        ("max-blob-size = \"big\"", "expected a size"),
        ("max-blob-size = 0", "0 would scan nothing"),
        ("max-push-size = -1", "not a negative number"),
        ("threads = 0", "a whole number from 1 to 256"),
        ("inline-comments = \"yes\"", "true or false"),
        ("spool = \"here\"", "absolute path"),
        ("contact = \" \"", "is empty"),
        ("contact = \"a\\u001bb\"", "control characters"),
        (
            "repositories = [\"x\"]",
            "unknown key \"repositories\" in a policy",
        ),
        (
            "at-deadline = \"newest-first\"",
            "p.toml:1: key \"at-deadline\": \"newest-first\" needs \"spool\"",
        ),
        (
            "[verdict]\nsevere = \"block\"",
            "p.toml:2: unknown key \"severe\" in [verdict]",
        ),
        (
            "[verdict]\nhigh = \"deny\"",
            "p.toml:2: key \"high\": expected one of off, warn, block",
        ),
        (
            "[verdict]\nhigh = { sure = \"warn\" }",
            "unknown key \"sure\"",
        ),
        ("[rules]\npaths = []", "unknown key \"paths\" in [rules]"),
        ("[rules]\nonly = []", "name something, or remove the key"),
        (
            "[[allow]]\nrules = [\"a\"]",
            "p.toml:1: [[allow]] without \"reason\"",
        ),
        (
            "[[allow]]\nrules = [\"a\"]\nreason = \"\"",
            "p.toml:3: key \"reason\": is empty",
        ),
        (
            "\n[[allow]]\nreason = \"x\"",
            "p.toml:2: [[allow]] would allow everything",
        ),
        (
            "[[allow]]\nreason = \"x\"\nfingerprints = [\n\"v2:0\"]",
            "p.toml:4: key \"fingerprints\"",
        ),
        (
            "[[allow]]\nreason = \"x\"\npaths = [\"a[\"]",
            "p.toml:3: key \"paths\": not a glob",
        ),
        (
            "[[allow]]\nreason = \"x\"\nrules = [\"a\"]\nexpires = \"2026-01-01\"",
            "a date without quotes",
        ),
        (
            "[[allow]]\nreason = \"x\"\nrules = [\"a\"]\nexpires = 2026-01-01T00:00:00",
            "an offset",
        ),
        ("[allow]\nreason = \"x\"", "expected tables: [[allow]]"),
        (
            "[break-glass]\ntrailer = \"Skip\"",
            "p.toml:2: a push option or trailer needs \"users\"",
        ),
        (
            "[break-glass]\ntrailer = \"S:\"\nusers = [\"a\"]",
            "a trailer's key",
        ),
        (
            "[break-glass]\ntrailer = \"Signed-Off-By\"\nusers = [\"a\"]",
            "other than",
        ),
        (
            "[break-glass]\npush-option = \"a=b\"\nusers = [\"a\"]",
            "without spaces",
        ),
        (
            "[break-glass]\npush-option = \"a\"\nusers = []",
            "name something",
        ),
        (
            "[break-glass]\nper-day = 1",
            "p.toml:2: key \"per-day\" needs \"ledger\"",
        ),
        (
            "[break-glass]\nper-day = 0\nledger = \"/l\"",
            "from 1 to 10000",
        ),
        (
            "[[break-glass.grants]]\nusers = [\"a\"]\nreason = \"x\"",
            "a grant must end",
        ),
        (
            "[[break-glass.grants]]\nexpires = 2026-01-01\nreason = \"x\"",
            "would open every push",
        ),
        (
            "[[break-glass.grants]]\nusers = [\"a\"]\nexpires = 2026-01-01",
            "without \"reason\"",
        ),
        ("[audit]\nrequired = true", "needs \"path\""),
        ("[audit]\nsyslog = \"/dev/log\"", "expected unix:/dev/log"),
        ("[audit]\nsyslog = \"udp://host\"", "udp://HOST:PORT"),
        (
            "[audit]\nwebhook = \"http://log.example.org/\"",
            "must begin with https://",
        ),
        (
            "[audit]\nwebhook = \"http://localhost.example.org/\"",
            "must begin with https://",
        ),
        ("[audit]\nwebhook = \"https://u:p@h/\"", "must not hold"),
        ("[audit]\nwebhook = \"h\"", "expected an address"),
        ("[audit]\nwebhook-header = \"A: b\"", "needs \"webhook\""),
        (
            "[audit]\nwebhook = \"https://h\"\nwebhook-header = \"A\"",
            "expected NAME: VALUE",
        ),
        ("[audit]\nbudget = \"1s\"", "\"syslog\" and \"webhook\""),
        (
            "[[override]]\nmode = \"off\"",
            "p.toml:1: [[override]] without \"repositories\"",
        ),
        ("[[override]]\nrepositories = [\"a\"]", "changes nothing"),
        (
            "[[override]]\nrepositories = [\"a\"]\naudit = {}",
            "p.toml:3: key \"audit\" cannot stand",
        ),
        (
            "[[override]]\nrepositories = [\"a\"]\noverride = []",
            "cannot stand",
        ),
        (
            "[[override]]\nrepositories = [\"a\"]\nbreak-glass = { ledger = \"/l\" }",
            "move it to the top",
        ),
        (
            "[[override]]\nrepositories = [\"a\"]\nat-deadline = \"newest-first\"",
            "needs \"spool\"",
        ),
    ] {
        let shown = problems(text);
        assert!(shown.contains(told), "{text}\n{shown}");
        assert_eq!(shown.lines().count(), 1, "{text}\n{shown}");
    }
    let all = problems("mode = 1\nthreads = 0\n[verdict]\nhigh = 2\n[x]\n");
    assert_eq!(all.lines().count(), 4, "{all}");
    let huge = "#".repeat(MAX_POLICY_BYTES + 1);
    assert!(problems(&huge).contains("KiB"));
}

#[test]
fn what_an_override_needs_may_stand_in_the_base() {
    policy(
        "spool = \"/s\"\n[break-glass]\nusers = [\"a\"]\nledger = \"/l\"\n[[override]]\n\
         repositories = [\"a\"]\nat-deadline = \"newest-first\"\n\
         break-glass = { trailer = \"Skip\", per-day = 1 }",
    );
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    for host in ["localhost", "localhost:8080/x", "127.0.0.1", "[::1]:1/x"] {
        policy(&format!("[audit]\nwebhook = \"http://{host}\""));
    }
    for host in ["[::1]x", "127.0.0.10", "localhosts", "10.0.0.1"] {
        problems(&format!("[audit]\nwebhook = \"http://{host}\""));
    }
}

#[test]
fn headers_never_show_in_messages() {
    let text = "[audit]\nwebhook = \"https://h/?k=sesame\"\nwebhook-header = \"sesame\"\nx = 1";
    assert!(!problems(text).contains("sesame"));
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_problems_of_its_lines(
        keys in prop::collection::vec((0usize..24, 0usize..12), 0..12)
    ) {
        let names = ["mode", "deadline", "[verdict]", "high", "[rules]", "only", "[[allow]]", "rules",
            "reason", "expires", "paths", "[break-glass]", "trailer", "users", "per-day", "ledger",
            "[[break-glass.grants]]", "repositories", "[audit]", "webhook", "syslog", "[[override]]",
            "at-deadline", "spool"];
        let values = ["\"audit\"", "\"4s\"", "\"block\"", "[\"a*\"]", "[]", "1", "true", "2026-01-01",
            "\"/x\"", "{ low = \"warn\" }", "\"newest-first\"", "\"https://h\""];
        let line = |&(key, value): &(usize, usize)| {
            let name = names[key];
            if name.starts_with('[') { format!("{name}\n") } else { format!("{name} = {}\n", values[value]) }
        };
        let text: String = keys.iter().map(line).collect();
        match Policy::parse(&text, "p") {
            Ok(policy) => {
                let effective = policy.for_repository(b"a/b");
                prop_assert!(effective.at_deadline != AtDeadline::NewestFirst || effective.spool.is_some());
                let glass = effective.break_glass;
                prop_assert!(glass.trailer.is_none() || !glass.users.is_empty());
                prop_assert!(glass.per_day.is_none() || glass.ledger.is_some());
                prop_assert!(effective.allow.iter().all(|entry| !entry.reason.is_empty()));
            }
            Err(errors) => {
                let lines = text.lines().count() as u32 + 1;
                prop_assert!(errors.problems().iter().all(|p| p.line <= lines));
                prop_assert!(!errors.problems().is_empty());
            }
        }
    }
}
