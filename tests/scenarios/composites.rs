//! Credentials of two halves are one finding.

use crate::support::{Repo, Scan, Sieve, rng::Rng};
use serde_json::Value;

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A key id and a secret key as Amazon makes them. The account is in the id.
fn aws_pair(rng: &mut Rng) -> (String, String) {
    // The fifth character is neither `I` nor `J`, which older ids have, and which name no account.
    let id = format!("{}Q{}", concat!("AK", "IA"), rng.text(BASE32, 15));
    (id, format!("{}aB3", rng.text(BASE62, 37)))
}

fn finding<'a>(scan: &'a Scan, rule: &str) -> Option<&'a Value> {
    scan.findings().iter().find(|f| f["rule_id"] == rule)
}

fn scan(content: &str, secrets: &[&str]) -> Scan {
    Sieve::new(&["stdin", "-f", "json"])
        .input(content)
        .hiding(secrets.iter().map(|s| (*s).to_owned()).collect())
        .scan()
}

#[test]
fn a_key_id_and_its_secret_are_one_finding() {
    let (id, secret) = aws_pair(&mut Rng::new(1));
    let content =
        format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    let scan = scan(&content, &[&id, &secret]);
    assert_eq!(scan.findings().len(), 1, "{:#}", scan.json);
    let finding = finding(&scan, "aws-secret-access-key").unwrap();
    let part = &finding["occurrences"][0]["parts"][0];
    assert_eq!(part["rule_id"], "aws-access-key-id", "{finding:#}");
    assert_eq!(part["start_line"], 2, "{finding:#}");
    assert_eq!(
        part["byte_start"],
        content.find(&id).unwrap(),
        "{finding:#}"
    );
    let note = finding["notes"][0].as_str().unwrap();
    assert!(note.starts_with("AWS account "), "{finding:#}");
}

#[test]
fn each_half_alone_is_a_finding_unless_it_is_no_secret() {
    let (id, secret) = aws_pair(&mut Rng::new(2));
    let far = format!(
        "aws_access_key_id = {id}\n{}aws_secret_access_key = {secret}\n",
        "\n".repeat(40)
    );
    let scan_far = scan(&far, &[&id, &secret]);
    assert_eq!(scan_far.findings().len(), 2, "{:#}", scan_far.json);
    let sid = format!("{}{}", concat!("A", "C"), "0123456789abcdef".repeat(2));
    let alone = scan(&format!("TWILIO_ACCOUNT_SID={sid}\n"), &[]);
    assert!(alone.findings().is_empty(), "{:#}", alone.json);
}

#[test]
fn people_read_the_other_half_below_the_secret() {
    let (id, secret) = aws_pair(&mut Rng::new(3));
    let run = Sieve::new(&["stdin"])
        .input(format!(
            "aws_access_key_id={id}\naws_secret_access_key={secret}\n"
        ))
        .hiding(vec![id, secret])
        .run();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.contains("  with        AKI*"), "{text}");
    assert!(
        text.contains("AWS access key id (long-lived) at 1:19)"),
        "{text}"
    );
    assert!(text.contains("  note        AWS account "), "{text}");
}

#[test]
fn halves_in_every_version_of_a_file_stay_together() {
    let repo = Repo::init();
    let mut rng = Rng::new(4);
    let (id, secret) = aws_pair(&mut rng);
    for version in 0..12 {
        let lines: Vec<String> = (0..version).map(|n| format!("# line {n}\n")).collect();
        let lines = lines.concat();
        let pair = format!("key_id = {id}\naws_secret_access_key = {secret}\n");
        let text = format!("{lines}{pair}{}", "padding of a file\n".repeat(50));
        repo.commit_file("config", text, "change");
    }
    let read = |args: &[&str]| Sieve::git(&repo, args).scan();
    let loose = read(&["--threads", "1"]);
    assert_eq!(loose.findings().len(), 1, "{:#}", loose.json);
    let occurrences = loose.findings()[0]["occurrences"].as_array().unwrap();
    assert_eq!(occurrences.len(), 12);
    assert!(
        occurrences
            .iter()
            .all(|o| o["parts"].as_array().is_some_and(|p| p.len() == 1))
    );
    repo.gc_aggressive();
    assert_eq!(read(&["--threads", "4"]).run.stdout, loose.run.stdout);
    let reference = read(&["--engine", "reference"]);
    assert_eq!(reference.run.stdout, loose.run.stdout);
}

#[test]
fn a_configuration_in_the_gitleaks_format_may_require_rules_nearby() {
    let repo = Repo::init();
    repo.write(
        ".gitleaks.toml",
        "[[rules]]\nid = \"acme-id\"\nregex = '''acme_id_[0-9]{8}'''\nskipReport = true\n\
         [[rules]]\nid = \"acme-key\"\nregex = '''acme_key_[a-f0-9]{24}'''\n\
         [[rules.required]]\nid = \"acme-id\"\nwithinLines = 2\n",
    );
    let mut rng = Rng::new(5);
    let mut key = || format!("acme_key_{}", rng.text(b"0123456789abcdef", 24));
    let with = format!("{}\n\nid: acme_id_{}\n", key(), "12345678");
    let without = format!("{}\n\n\nid: acme_id_{}\n", key(), "12345678");
    repo.write("with", with);
    repo.write("without", without);
    repo.commit("add");
    let scan = Sieve::git(&repo, &[]).scan();
    assert_eq!(scan.findings().len(), 1, "{:#}", scan.json);
    let occurrence = &scan.findings()[0]["occurrences"][0];
    assert_eq!(occurrence["path"], "with");
    assert_eq!(occurrence["parts"][0]["rule_id"], "acme-id");
}

#[test]
fn a_token_that_has_ended_counts_as_less_sure() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let token = |end: u64| {
        let part = |text: String| URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}".into()),
            part(format!("{{\"sub\":\"1234\",\"exp\":{end}}}")),
            part("0123456789abcdef0123456789abcdef".into())
        )
    };
    let of = |end| {
        let scan = scan(&format!("token = {}\n", token(end)), &[]);
        let finding = finding(&scan, "jwt").expect("it is a token").clone();
        (finding["confidence"].clone(), finding["notes"][0].clone())
    };
    let (old, old_note) = of(1_600_000_000);
    let (new, new_note) = of(33_000_000_000);
    assert_eq!(old_note, "expired on 2020-09-13");
    assert_eq!(new_note, "expires on 3015-09-24");
    assert_eq!((old, new), ("medium".into(), "high".into()));
}
