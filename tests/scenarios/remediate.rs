//! Remediation: what is written down about secrets, who can read it, and that the rules of
//! replacement take them out of a history.

use super::history::file_with;
use crate::support::{
    Repo, Sieve,
    containers::{Packing, zip},
    sieve::{Run, contains, leaks},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

const FILES: [&str; 5] = [
    ".gitignore",
    "affected.json",
    "blobs-to-strip.txt",
    "checklist.md",
    "replacements.txt",
];

fn run(repo: &Repo, args: &[&str]) -> Run {
    Sieve::new(args)
        .current_dir(repo.path())
        .hiding(repo.planted())
        .run()
}

/// Writes into a directory beside the repository, which is returned with what was said.
fn remediate(repo: &Repo, args: &[&str]) -> (std::path::PathBuf, Run) {
    let directory = repo.beside("todo");
    let name = directory.to_str().unwrap();
    let run = run(repo, &[&["remediate", "-o", name], args].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    (directory, run)
}

fn affected(directory: &Path) -> Value {
    serde_json::from_slice(&fs::read(directory.join("affected.json")).unwrap()).unwrap()
}

/// Bytes to look for and whether only where they stand alone, as a line says.
fn rule(line: &[u8]) -> (Vec<u8>, bool) {
    let (search, alone) = if let Some(literal) = line.strip_prefix(b"literal:") {
        return (literal.to_vec(), false);
    } else {
        let text = str::from_utf8(line)
            .unwrap()
            .strip_prefix("regex:")
            .unwrap();
        let inner = text.strip_prefix("(?<![A-Za-z0-9])");
        let inner = inner.and_then(|text| text.strip_suffix("(?![A-Za-z0-9])"));
        (inner.unwrap_or(text), inner.is_some())
    };
    let mut bytes = Vec::new();
    let mut rest = search;
    while let Some(c) = rest.chars().next() {
        if let Some(hex) = rest.strip_prefix("\\x") {
            bytes.push(u8::from_str_radix(&hex[..2], 16).unwrap());
            rest = &hex[2..];
        } else {
            assert!(
                c.is_ascii_alphanumeric(),
                "an expression of its own: {rest}"
            );
            bytes.push(c as u8);
            rest = &rest[1..];
        }
    }
    (bytes, alone)
}

fn replace(content: &[u8], search: &[u8], alone: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < content.len() {
        let joins = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let before = at.checked_sub(1).and_then(|i| content.get(i));
        let hit = content[at..].starts_with(search)
            && !(alone && (joins(before) || joins(content.get(at + search.len()))));
        if hit {
            out.extend_from_slice(b"***REMOVED***");
            at += search.len();
        } else {
            out.push(content[at]);
            at += 1;
        }
    }
    out
}

/// Applies the rules to every blob and message of an export of the history: what git filter-repo
/// does. Literals go first, as there.
fn rewritten(export: &[u8], rules: &[u8]) -> Vec<u8> {
    let mut rules: Vec<&[u8]> = rules
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .collect();
    rules.sort_by_key(|line| line.starts_with(b"regex:"));
    let mut out = Vec::new();
    let mut rest = export;
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|b| *b == b'\n')
            .map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        let Some(size) = line.strip_prefix(b"data ") else {
            out.extend_from_slice(line);
            continue;
        };
        let size: usize = str::from_utf8(size).unwrap().trim().parse().unwrap();
        let (content, after) = rest.split_at(size);
        rest = after;
        let mut content = content.to_vec();
        for line in &rules {
            let line = line
                .strip_suffix(b"==>***REMOVED***")
                .expect("a replacement");
            let (search, alone) = rule(line);
            content = replace(&content, &search, alone);
        }
        out.extend_from_slice(format!("data {}\n", content.len()).as_bytes());
        out.extend_from_slice(&content);
    }
    out
}

/// The history of a repository in a new one, rewritten.
fn rewrite(repo: &Repo, directory: &Path) -> Repo {
    let rules = directory.join("replacements.txt");
    let filter_repo = Command::new("git")
        .args(["filter-repo", "--version"])
        .output();
    if filter_repo.is_ok_and(|output| output.status.success()) {
        let mirror = Repo::clone_of(repo, &["--mirror", "--no-local"]);
        let rules = rules.to_str().unwrap();
        mirror.git(&[
            "filter-repo",
            "--force",
            "--replace-text",
            rules,
            "--replace-message",
            rules,
        ]);
        return mirror;
    }
    let export = repo.git_with(&["fast-export", "--all"], b"");
    let clean = Repo::init();
    clean.git_with(
        &["fast-import", "--quiet", "--force"],
        &rewritten(&export, &fs::read(rules).unwrap()),
    );
    clean
}

#[test]
fn the_rules_take_every_secret_out_of_the_history() {
    let repo = Repo::init();
    let (plain, encoded, gone, said) = (repo.plant(), repo.plant(), repo.plant(), repo.plant());
    let key = pem_key();
    repo.commit_file("a.env", file_with(&plain), "add");
    let written = STANDARD.encode(format!("user = deploy\ntoken = {encoded}\n"));
    repo.commit_file("b.txt", format!("{written}\n"), "base64");
    repo.commit_file("c.env", file_with(&gone), "soon gone");
    repo.remove("c.env");
    repo.commit("gone");
    repo.commit_file("id", &key, "a key of several lines");
    repo.commit_file("d", "x\n", &format!("use {said} for this"));
    let before = Sieve::git(&repo, &["--reachable-only"]).scan();
    assert_eq!(before.findings().len(), 5, "{:#}", before.json["findings"]);

    let (directory, run) = remediate(&repo, &[]);
    assert!(run.stderr.contains("IN CLEAR"), "{}", run.stderr);
    assert!(run.stdout.is_empty());
    let clean = rewrite(&repo, &directory);
    let after = Sieve::git(&clean, &["--reachable-only"])
        .hiding(repo.planted())
        .scan();
    after.assert_complete();
    after.assert_exactly(&[]);
    assert_eq!(
        clean.rev("HEAD^{tree}:d"),
        repo.rev("HEAD^{tree}:d"),
        "all else stays"
    );
}

/// What looks like a private key and opens nothing.
fn pem_key() -> String {
    let words = ["BEGIN", "END"].map(|word| format!("-----{word} RSA PRIVATE {}-----", "KEY"));
    let mut rng = crate::support::rng::Rng::new(7);
    // A DER sequence of 596 bytes, as a key is one.
    let mut bytes = vec![0x30, 0x82, 0x02, 0x54];
    bytes.extend((0..596).map(|_| rng.below(256) as u8));
    let body = STANDARD.encode(bytes);
    let lines: Vec<&str> = (0..body.len())
        .step_by(64)
        .map(|at| &body[at..body.len().min(at + 64)])
        .collect();
    format!("{}\n{}\n{}\n", words[0], lines.join("\n"), words[1])
}

#[test]
fn files_are_private_and_only_the_rules_hold_a_secret() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.write("deploy.sh", format!("export DEPLOY_KEY=\"{token}\"\n"));
    let first = repo.commit_file(&format!("dir-{token}/a.env"), file_with(&token), "add");
    repo.git(&["tag", "v1"]);
    repo.git(&["update-ref", "refs/pull-requests/7/from", "HEAD"]);
    let (directory, run) = remediate(&repo, &[]);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let mut names: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, FILES);
    for name in FILES {
        let path = directory.join(name);
        assert_eq!(mode(&path), 0o600, "{name}");
        let content = fs::read(&path).unwrap();
        assert_eq!(
            leaks(&content, &token),
            name == "replacements.txt",
            "{name}"
        );
    }
    assert!(run.stderr.contains("replacements.txt"), "{}", run.stderr);
    let json = affected(&directory);
    let one = &json["findings"][0];
    assert_eq!(one["introduced"][0], first.as_str());
    assert_eq!(one["tags"][0], "refs/tags/v1");
    assert_eq!(one["pull_requests"][0], "refs/pull-requests/7/from");
    assert_eq!(
        json["surroundings"]["pull_request_refs"][0],
        "refs/pull-requests/7/from"
    );
    let list = fs::read(directory.join("checklist.md")).unwrap();
    for part in [
        "git filter-repo",
        "--replace-text",
        &first,
        "refs/tags/v1",
        "refs/pull-requests/7",
    ] {
        assert!(contains(&list, part.as_bytes()), "{part}");
    }
    // Again: our own files may be written over, others' never.
    remediate(&repo, &[]);
    fs::write(directory.join("mine"), "x").unwrap();
    let again = self::run(&repo, &["remediate", "-o", directory.to_str().unwrap()]);
    assert_eq!(again.status, 2);
    assert!(again.stderr.contains("other things"), "{}", again.stderr);
}

#[test]
fn the_new_value_is_named_as_the_code_names_it() {
    let repo = Repo::init();
    let (named, other) = (repo.plant(), repo.plant());
    repo.write("b.sh", format!("export DEPLOY_KEY=\"{named}\"\n"));
    repo.commit_file("a.txt", format!("{other}\n"), "add");
    let (directory, _) = remediate(&repo, &[]);
    let json = affected(&directory);
    let names: Vec<&str> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["variable"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["GITHUB_TOKEN", "DEPLOY_KEY"]);
}

#[test]
fn a_name_is_read_from_the_history_where_the_secret_is_gone() {
    let repo = Repo::init();
    let (gone, moved, said, packed) = (repo.plant(), repo.plant(), repo.plant(), repo.plant());
    repo.write("deploy.sh", format!("export DEPLOY_KEY=\"{gone}\"\n"));
    // Without a name where it stands now; the name is in what the file was before.
    repo.write("etc/a.ini", format!("[ci]\nupload_token = {moved}\n"));
    let content = format!("export INNER_NAME={packed}\n");
    repo.commit_file(
        "gone.zip",
        zip(&[("a.sh", content.as_bytes(), Packing::Deflated)]),
        "add",
    );
    repo.remove("deploy.sh");
    repo.write("etc/a.ini", format!("{moved}\n"));
    repo.commit_file(
        "x",
        "y\n",
        &format!("Move on\n\nold: MIRROR_TOKEN={said}\n"),
    );
    repo.pack_all();
    let names = |directory: &Path, secret: &String| {
        let json = affected(directory);
        let all = json["findings"].as_array().unwrap();
        let end = &secret[secret.len() - 4..];
        let its = |f: &&Value| f["redacted"].as_str().unwrap().ends_with(end);
        all.iter().find(its).unwrap()["variable"].clone()
    };
    let bare = Repo::clone_of(&repo, &["--mirror", "--no-local"]);
    for repo in [&repo, &bare] {
        let (directory, _) = remediate(repo, &[]);
        assert_eq!(names(&directory, &gone), "DEPLOY_KEY");
        assert_eq!(names(&directory, &moved), "UPLOAD_TOKEN");
        assert_eq!(names(&directory, &said), "MIRROR_TOKEN");
        // Nothing is read out of members: the provider's name.
        assert_eq!(names(&directory, &packed), "GITHUB_TOKEN");
    }
}

#[test]
fn a_report_gives_a_checklist_and_clear_words_about_rules() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("a.env", file_with(&token), "add");
    let report = repo.beside("report.json");
    let report = report.to_str().unwrap();
    assert_eq!(
        run(&repo, &["git", ".", "-f", "json", "-o", report]).status,
        1
    );
    let refused = run(&repo, &["remediate", "--from", report]);
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("does not hold the secrets"),
        "{}",
        refused.stderr
    );
    let (directory, _) = remediate(&repo, &["--from", report, "--no-replacements"]);
    assert!(directory.join("checklist.md").exists());
    assert!(!directory.join("replacements.txt").exists());
}

#[test]
fn secrets_that_do_not_count_are_left_out_unless_named_and_stdout_needs_asking() {
    let repo = Repo::init();
    let (one, two) = (repo.plant(), repo.plant());
    repo.commit_file("a.env", file_with(&one), "add");
    repo.commit_file("b.env", file_with(&two), "add");
    let scan = Sieve::git(&repo, &[]).scan();
    let fingerprint = scan.finding(&one).unwrap()["fingerprint"].as_str().unwrap();
    repo.write(".gitsieveignore", format!("{fingerprint}\n"));
    let rules = |args: &[&str]| {
        let args = [&["remediate", "-q", "-o", "-", "--show-secrets"], args].concat();
        let run = Sieve::new(&args).current_dir(repo.path()).run();
        assert_eq!(run.status, 0, "{}", run.stderr);
        [&one, &two].map(|secret| contains(&run.stdout, secret.as_bytes()))
    };
    assert_eq!(rules(&[]), [false, true]);
    assert_eq!(rules(&["--fingerprint", fingerprint]), [true, false]);
    let unasked = run(&repo, &["remediate", "-o", "-"]);
    assert_eq!(unasked.status, 2);
    assert!(unasked.stdout.is_empty() && unasked.stderr.contains("--show-secrets"));
    let absent = format!("v1:{}", "0".repeat(32));
    let absent = run(&repo, &["remediate", "--fingerprint", &absent]);
    assert_eq!(absent.status, 2);
    assert!(
        absent.stderr.contains("not found here"),
        "{}",
        absent.stderr
    );
}
