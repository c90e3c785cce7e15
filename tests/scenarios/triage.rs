//! Decisions of people: comments, ignore files, baselines. A decision is about a secret and holds
//! wherever it goes; another secret in its place is new.

use super::history::file_with;
use crate::support::{
    Repo, Scan, Sieve,
    plant::GITHUB_RULE,
    sieve::{Run, leaks},
};
use serde_json::Value;
use std::{fs, path::Path};

const BASELINE: &str = ".gitsieve-baseline.jsonl";

/// Runs a command in a repository, whose secrets must not show.
fn run(repo: &Repo, args: &[&str]) -> Run {
    Sieve::new(args)
        .current_dir(repo.path())
        .hiding(repo.planted())
        .run()
}

/// Runs a command, which must succeed.
fn works(repo: &Repo, args: &[&str]) -> String {
    let run = run(repo, args);
    assert_eq!(run.status, 0, "{args:?}: {}", run.stderr);
    run.stderr
}

fn fingerprint(scan: &Scan, token: &str) -> String {
    let finding = scan.finding(token).expect("the token is found");
    finding["fingerprint"].as_str().unwrap().to_owned()
}

/// The baseline's lines, none of which may hold a secret.
fn baseline(repo: &Repo) -> Vec<String> {
    let bytes = fs::read(repo.path().join(BASELINE)).unwrap();
    for secret in repo.planted() {
        assert!(!leaks(&bytes, &secret), "the baseline shows a secret");
    }
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn suppressed(scan: &Scan, by: &str) -> u64 {
    scan.json["receipt"]["triage"]["suppressed"][by]
        .as_u64()
        .unwrap_or_default()
}

const COMMENTS: [&str; 5] = [
    "TOKEN  # gitsieve:allow\n",
    "TOKEN  // gitleaks:allow\n",
    "TOKEN  -- pragma: allowlist secret\n",
    "# gitsieve:allow-next-line\nTOKEN\n",
    "# pragma: allowlist nextline secret\r\nTOKEN\r\n",
];

#[test]
fn a_comment_lets_a_secret_pass_in_every_scan() {
    for comment in COMMENTS {
        let repo = Repo::init();
        let token = repo.plant();
        let text = format!(
            "first\n{}",
            comment.replace("TOKEN", &format!("key = {token}"))
        );
        repo.commit_file("a.env", &text, "add");
        let file = repo.path().join("a.env");
        let dir = ["dir", file.to_str().unwrap(), "-f", "json"];
        let scans = |more: &[&str]| {
            [
                Sieve::git(&repo, more).scan(),
                Sieve::new(&[&dir[..], more].concat()).scan(),
                Sieve::new(&[&["stdin", "-f", "json"], more].concat())
                    .input(text.as_bytes())
                    .scan(),
            ]
        };
        for scan in scans(&[]) {
            scan.assert_exactly(&[]);
            assert_eq!(suppressed(&scan, "comment"), 1, "{comment}");
        }
        for scan in scans(&["--no-inline-allow"]) {
            scan.assert_exactly(&[&token]);
            assert!(scan.only(&token)["allowed_by"].is_null());
        }
    }
    // In the working tree alone, and not above the line before.
    let repo = Repo::init();
    let (one, two) = (repo.plant(), repo.plant());
    repo.write("a.env", format!("k = {one} # gitsieve:allow\n"));
    repo.write(
        "b.env",
        format!("# gitsieve:allow-next-line\n\nk = {two}\n"),
    );
    Sieve::git(&repo, &[]).scan().assert_exactly(&[&two]);
}

#[test]
fn a_secret_that_stands_elsewhere_too_stays_open_and_the_place_is_told_apart() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.write("a.env", format!("k = {token} # gitsieve:allow\n"));
    repo.commit_file("b.env", format!("k = {token}\n"), "add");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&token]);
    assert_eq!(scan.at_path(&token, "a.env")["allowed_by"], "comment");
    assert!(scan.at_path(&token, "b.env").get("allowed_by").is_none());
    let human = run(&repo, &["git", "."]);
    let human = String::from_utf8(human.stdout).unwrap();
    assert!(human.contains("let pass by a comment"), "{human}");
}

/// The comment's line lies outside of what a match depends on: a delta that only adds the comment
/// inherits the match, and must not inherit what is said beside it.
#[test]
fn a_comment_that_comes_or_goes_later_counts_for_the_versions_that_have_it() {
    let repo = Repo::init();
    let token = repo.plant();
    let lines = (0..400).map(|n| format!("line {n} of the file"));
    let filler = lines.collect::<Vec<_>>().join("\n");
    let version =
        |before: &str, after: &str| format!("{filler}\n{before}\nkey = {token}{after}\n{filler}");
    let versions = [
        version("plain", ""),
        version("plain", "   # gitsieve:allow"),
        version("# gitsieve:allow-next-line", ""),
        version("changed", ""),
    ];
    for (n, text) in versions.iter().enumerate() {
        repo.commit_file("a.env", text, &format!("version {n}"));
    }
    let allowed = |scan: &Scan| -> Vec<(String, bool)> {
        let mut all: Vec<_> = scan.occurrences(&token).iter().collect();
        all.sort_by_key(|o| o["blob"].as_str().unwrap().to_owned());
        let of = |o: &&Value| (o["blob"].to_string(), o["allowed_by"] == "comment");
        all.iter().map(of).collect()
    };
    let loose = Sieve::git(&repo, &[]).scan();
    let mut wanted: Vec<(String, bool)> = versions
        .iter()
        .enumerate()
        .map(|(n, text)| (format!("{:?}", repo.blob_id(text)), n == 1 || n == 2))
        .collect();
    wanted.sort();
    assert_eq!(allowed(&loose), wanted);
    repo.gc_aggressive();
    for args in [
        &[][..],
        &["--no-delta"],
        &["--engine", "reference"],
        &["--threads", "1"],
    ] {
        let scan = Sieve::git(&repo, args).scan();
        assert_eq!(scan.json["findings"], loose.json["findings"], "{args:?}");
    }
}

#[test]
fn a_secret_stays_accepted_wherever_it_goes_and_another_in_its_place_is_new() {
    for by_file in [false, true] {
        let repo = Repo::init();
        let token = repo.plant();
        repo.commit_file("other", "x\n", "start");
        repo.commit_file("a.env", format!("x = 1\nkey = {token}\n"), "add");
        let found = Sieve::git(&repo, &[]).scan();
        if by_file {
            let line = format!("{}  a test key\n", fingerprint(&found, &token));
            repo.write(".gitsieveignore", line);
        } else {
            works(&repo, &["baseline", "create", "--reason", "a test key"]);
        }
        let clean = |what: &str| {
            let scan = Sieve::git(&repo, &["--fail-on-unused"]).scan();
            assert_eq!(scan.run.status, 0, "{what}: {}", scan.run.stderr);
            let by = if by_file { "ignore-file" } else { "baseline" };
            assert_eq!(suppressed(&scan, by), 1, "{what}");
        };
        clean("as it was");
        repo.git(&["mv", "a.env", "b.env"]);
        repo.commit("rename");
        clean("renamed");
        repo.write(
            "b.env",
            format!("# moved down\n\n\nsection:\n\t    key = {token}\n"),
        );
        repo.commit("re-indent");
        clean("moved in the file and re-indented");
        repo.write("deep/er/c.yml", format!("key:   '{token}'\n"));
        repo.remove("b.env");
        repo.commit("move");
        clean("moved to another file");
        repo.git(&["checkout", "-q", "-b", "base", "HEAD~3"]);
        repo.commit_file("base", "x\n", "another base");
        repo.git(&["checkout", "-q", "main"]);
        repo.git(&["rebase", "-q", "base"]);
        clean("rebased");
        repo.git(&["commit", "-q", "--amend", "-m", "another message"]);
        repo.gc_aggressive();
        clean("amended and packed");

        let new = repo.plant();
        repo.commit_file("deep/er/c.yml", format!("key:   '{new}'\n"), "replace");
        let scan = Sieve::git(&repo, &[]).scan();
        scan.assert_exactly(&[&new]);
        // Also where the line holds the accepted one beside it.
        repo.write("deep/er/c.yml", format!("key:   '{token} {new}'\n"));
        let scan = Sieve::git(&repo, &[]).scan();
        scan.assert_exactly(&[&new]);
    }
}

#[test]
fn what_ended_counts_again_and_is_told() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("a.env", file_with(&token), "add");
    let create = [
        "baseline",
        "create",
        "--status",
        "revoked",
        "--owner",
        "ops",
        "--expires",
    ];
    works(&repo, &[&create[..], &["2999-12-31"]].concat());
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[]);
    assert!(
        scan.run.stderr.contains("using the baseline"),
        "{}",
        scan.run.stderr
    );
    let text = baseline(&repo)
        .join("\n")
        .replace("2999-12-31", "2020-01-31");
    repo.write(BASELINE, text);
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&token]);
    assert_eq!(scan.receipt("/triage/expired"), 1);
    assert_eq!(scan.receipt("/triage/unused"), 0);
    let said = &scan.run.stderr;
    assert!(
        said.contains("1 entry ended") && said.contains(&format!("{BASELINE}:2:")),
        "{said}"
    );
    assert!(
        said.contains("until 2020-01-31") && said.contains("a.env"),
        "{said}"
    );
    let diff = run(&repo, &["baseline", "diff"]);
    assert_eq!(diff.status, 1);
    assert!(String::from_utf8_lossy(&diff.stdout).contains("expired"));
    assert!(works(&repo, &["baseline", "update"]).contains("1 ended"));
    assert!(works(&repo, &["baseline", "prune"]).contains("1 left"));
    assert!(works(&repo, &["baseline", "prune", "--expired"]).contains("0 left"));
    let day = run(
        &repo,
        &["baseline", "create", "--force", "--expires", "2026-02-30"],
    );
    assert_eq!(day.status, 2);
    assert!(day.stderr.contains("--expires"), "{}", day.stderr);
}

#[test]
fn entries_about_nothing_are_told_where_everything_was_looked_at() {
    let repo = Repo::init();
    let (gone, token) = (repo.plant(), repo.plant());
    let first = repo.commit_file("a.env", file_with(&token), "add");
    repo.write("never.env", file_with(&gone));
    works(&repo, &["baseline", "create"]);
    repo.write(".gitsieveignore", "path:no/such/place\npath:*.env\n");
    repo.remove("never.env");
    repo.commit("more");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[]);
    assert_eq!(scan.receipt("/triage/unused"), 2);
    let said = &scan.run.stderr;
    for part in [
        "2 entries",
        ".gitsieveignore:1: path:no/such/place",
        "never.env",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(Sieve::git(&repo, &["--fail-on-unused"]).run().status, 1);
    let mild = ["--fail-on-unused", "--exit-code", "0"];
    assert_eq!(Sieve::git(&repo, &mild).run().status, 0);
    // A part of the history holds a part of the secrets.
    let range = format!("{first}..main");
    let part = Sieve::git(&repo, &["--range", &range]).run();
    assert!(!part.stderr.contains("about nothing"), "{}", part.stderr);
    let one_rule = Sieve::git(&repo, &["--rule", GITHUB_RULE]).run();
    assert!(
        !one_rule.stderr.contains("about nothing"),
        "{}",
        one_rule.stderr
    );
    assert!(works(&repo, &["baseline", "prune"]).contains("1 about nothing found"));
    assert_eq!(baseline(&repo).len(), 2);
    let none = Repo::init();
    let run = Sieve::git(&none, &["--fail-on-unused"]).run();
    assert_eq!(run.status, 2, "nothing to judge: {}", run.stderr);
}

#[test]
fn files_of_decisions_come_from_ones_own_working_tree_or_by_name() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("a.env", file_with(&token), "add");
    repo.write(".gitsieveignore", "path:a.env\n");
    works(&repo, &["baseline", "create", "--no-ignore-file"]);
    repo.commit("decisions");
    let bare = Repo::clone_of(&repo, &["--bare"]);
    for name in [".gitsieveignore", BASELINE] {
        let text = fs::read(repo.path().join(name)).unwrap();
        bare.write(name, text);
    }
    Sieve::git(&bare, &[]).scan().assert_exactly(&[&token]);
    let ignore = repo.path().join(".gitsieveignore");
    let ignore = ["--ignore-file", ignore.to_str().unwrap()];
    Sieve::git(&bare, &ignore).scan().assert_exactly(&[]);
    let file = repo.path().join(BASELINE);
    let file = ["--baseline", file.to_str().unwrap()];
    Sieve::git(&bare, &file).scan().assert_exactly(&[]);
    let refuse = ["--no-ignore-file", "--no-baseline"];
    Sieve::git(&repo, &refuse).scan().assert_exactly(&[&token]);
    // In the history alone, they decide nothing.
    repo.remove(".gitsieveignore");
    repo.remove(BASELINE);
    repo.commit("gone");
    Sieve::git(&repo, &[]).scan().assert_exactly(&[&token]);
    let absent = Sieve::git(&repo, &["--baseline", "/no/such/file"]).run();
    assert_eq!(absent.status, 2);
    assert!(absent.stderr.contains("/no/such/file"), "{}", absent.stderr);
}

#[test]
fn mistakes_in_files_of_decisions_are_named_by_line_and_never_quoted() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("a.env", file_with(&token), "add");
    for (name, text, said) in [
        (
            ".gitsieveignore",
            format!("# x\n{token}\n"),
            ".gitsieveignore:2:",
        ),
        (
            BASELINE,
            format!("{{\"gitsieve_baseline\":1}}\n{token}\n"),
            ":2: not JSON",
        ),
        (BASELINE, format!("[\"{token}\"]\n"), ":1: not a baseline"),
        (
            BASELINE,
            "{\"gitsieve_baseline\":1}\n<<<<<<< HEAD\n".into(),
            ":2: a merge",
        ),
    ] {
        repo.write(name, text);
        let run = Sieve::git(&repo, &[]).run();
        assert_eq!(run.status, 2, "{}", run.stderr);
        assert!(
            run.stdout.is_empty() && run.stderr.contains(said),
            "{said}: {}",
            run.stderr
        );
        repo.remove(name);
    }
}

/// Two branches decide about different secrets. Both keep the file sorted, so what they add stands
/// apart, or side by side; `merge=union` takes both either way.
#[test]
fn what_two_branches_decide_merges() {
    for seed in 0..3 {
        let repo = Repo::init();
        repo.write(".gitattributes", format!("{BASELINE} merge=union\n"));
        let mut all: Vec<String> = (0..6 + seed).map(|_| repo.plant()).collect();
        for (n, token) in all.iter().enumerate() {
            repo.write(&format!("old/{n}.env"), file_with(token));
        }
        repo.commit("secrets");
        works(&repo, &["baseline", "create", "--reason", "old"]);
        repo.commit("baseline");
        for branch in ["one", "two"] {
            repo.git(&["checkout", "-q", "-b", branch, "main"]);
            for n in 0..5 {
                let token = repo.plant();
                repo.write(&format!("{branch}/{n}.env"), file_with(&token));
                all.push(token);
            }
            repo.commit("more");
            let update = ["baseline", "update", "--reason", branch];
            // The branches do not know of each other's.
            let one = ["--no-config", "-q", "."];
            works(&repo, &[&update[..], &one].concat());
            repo.commit("baseline");
        }
        repo.git(&["merge", "-q", "one"]);
        let scan = Sieve::git(&repo, &["--fail-on-unused"]).scan();
        scan.assert_exactly(&[]);
        assert_eq!(suppressed(&scan, "baseline"), all.len() as u64);
        // Rewritten, it is sorted and each secret stands there once.
        works(&repo, &["baseline", "update"]);
        let lines = baseline(&repo);
        assert_eq!(lines.len(), all.len() + 1);
        assert!(lines[1..].is_sorted(), "{lines:#?}");
    }
}

#[test]
fn a_baseline_of_a_report_is_that_of_a_scan() {
    let repo = Repo::init();
    let (one, two) = (repo.plant(), repo.plant());
    repo.commit_file("a.env", file_with(&one), "add");
    repo.commit_file(&format!("dir/{two}/b.env"), file_with(&two), "add");
    works(&repo, &["baseline", "create"]);
    let wanted = baseline(&repo);
    assert_eq!(wanted.len(), 3);
    fs::remove_file(repo.path().join(BASELINE)).unwrap();
    for (format, show) in [("json", false), ("jsonl", false), ("json", true)] {
        let report = repo.beside("report");
        let mut args = vec![
            "--no-baseline",
            "-f",
            format,
            "-o",
            report.to_str().unwrap(),
        ];
        if show {
            args.push("--show-secrets");
        }
        assert_eq!(run(&repo, &args).status, 1);
        let from = ["--from", report.to_str().unwrap()];
        works(
            &repo,
            &[&["baseline", "create", "--force"], &from[..]].concat(),
        );
        assert_eq!(baseline(&repo), wanted, "{format}");
        works(&repo, &[&["baseline", "diff"], &from[..]].concat());
    }
    let again = run(&repo, &["baseline", "create"]);
    assert_eq!(again.status, 2);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    let json = run(&repo, &["baseline", "diff", "-f", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["added"].as_array().unwrap().len(), 0);
}

#[test]
fn an_update_adds_what_is_new_and_keeps_what_people_wrote() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("a.env", file_with(&token), "add");
    works(
        &repo,
        &["baseline", "create", "--reason", "first", "--owner", "me"],
    );
    let edited = baseline(&repo)
        .join("\n")
        .replace("\"first\"", "\"by hand\"")
        .replace("\"rule_id\"", "\"ticket\":7,\"rule_id\"");
    repo.write(BASELINE, edited);
    let new = repo.plant();
    repo.commit_file("b.env", file_with(&new), "more");
    let diff = run(&repo, &["baseline", "diff"]);
    assert_eq!(diff.status, 1);
    let said = String::from_utf8(diff.stdout).unwrap();
    assert!(
        said.contains("1 added, 0 removed") && said.contains("b.env"),
        "{said}"
    );
    works(&repo, &["baseline", "update", "--status", "false-positive"]);
    let text = baseline(&repo).join("\n");
    for part in [
        "\"by hand\"",
        "\"ticket\":7",
        "\"owner\":\"me\"",
        "\"false-positive\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    Sieve::git(&repo, &["--fail-on-unused"])
        .scan()
        .assert_exactly(&[]);
}

fn report(repo: &Repo, name: &str, args: &[&str]) -> String {
    let file = repo.beside(name);
    let path = file.to_str().unwrap().to_owned();
    run(repo, &[&["git", ".", "-o", &path], args].concat());
    path
}

#[test]
fn two_reports_are_compared_by_what_was_found() {
    let repo = Repo::init();
    let (stays, moves, goes, new) = (repo.plant(), repo.plant(), repo.plant(), repo.plant());
    let only_tree = ["-f", "json", "--max-depth", "1"];
    repo.write("stays.env", file_with(&stays));
    repo.write("moves.env", file_with(&moves));
    repo.commit_file("goes.env", file_with(&goes), "add");
    let old = report(&repo, "old.json", &only_tree);
    repo.git(&["mv", "moves.env", "moved.env"]);
    repo.remove("goes.env");
    repo.commit_file("new.env", file_with(&new), "more");
    repo.git(&["checkout", "-q", "--orphan", "fresh"]);
    repo.commit("squashed");
    repo.git(&["branch", "-q", "-D", "main"]);
    repo.expire_reflogs();
    repo.git(&["gc", "-q", "--prune=now"]);
    let new = report(&repo, "new.jsonl", &["-f", "jsonl", "--show-secrets"]);
    let diff = run(&repo, &["diff", &old, &new, "-f", "json"]);
    assert_eq!(diff.status, 1, "{}", diff.stderr);
    let json: Value = serde_json::from_slice(&diff.stdout).unwrap();
    let mut told: Vec<(String, String)> = Vec::new();
    for finding in json["findings"].as_array().unwrap() {
        let places: Vec<&str> = ["came", "left"]
            .iter()
            .flat_map(|side| finding[side].as_array().unwrap())
            .map(|place| place["path"].as_str().unwrap())
            .collect();
        told.push((finding["change"].as_str().unwrap().into(), places.join(" ")));
    }
    told.sort();
    let told: Vec<(&str, &str)> = told.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(
        told,
        [
            ("gone", "goes.env"),
            ("moved", "moved.env moves.env"),
            ("new", "new.env"),
            ("unchanged", "")
        ]
    );
    let human = run(&repo, &["diff", &old, &new]);
    let text = String::from_utf8(human.stdout).unwrap();
    assert!(
        text.ends_with("1 new, 1 gone, 1 moved, 1 unchanged.\n"),
        "{text}"
    );
    // The other way round one secret is new, too; a report beside itself has none.
    assert_eq!(run(&repo, &["diff", &new, &old]).status, 1);
    assert_eq!(run(&repo, &["diff", &new, &new]).status, 0);
    let mild = ["diff", &old, &new, "--exit-code", "0"];
    assert_eq!(run(&repo, &mild).status, 0);
    let broken = repo.beside("broken.json");
    fs::write(&broken, format!("{{\"meta\":\"{stays}\"}}")).unwrap();
    let refused = run(&repo, &["diff", &old, broken.to_str().unwrap()]);
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("broken.json: line 1"),
        "{}",
        refused.stderr
    );
}

#[test]
fn under_an_organisations_key_fingerprints_are_its_own() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("a.env", file_with(&token), "add");
    let key = repo.beside("key");
    fs::write(&key, format!("{}\n", "0f".repeat(32))).unwrap();
    let with = ["--fingerprint-key-file", key.to_str().unwrap()];
    let plain = Sieve::git(&repo, &[]).scan();
    let keyed = Sieve::git(&repo, &with).scan();
    let own = fingerprint(&keyed, &token);
    assert_ne!(own, fingerprint(&plain, &token));
    assert!(plain.json["receipt"].get("fingerprint_key").is_none());
    let by_variable = Sieve::git(&repo, &[])
        .variable("GITSIEVE_FINGERPRINT_KEY_FILE", &key)
        .scan();
    assert_eq!(by_variable.json, keyed.json);
    let explained = works(
        &repo,
        &[&["explain", &own, "--repo", "."], &with[..]].concat(),
    );
    assert!(!explained.contains("error"), "{explained}");

    works(&repo, &[&["baseline", "create"], &with[..]].concat());
    Sieve::git(&repo, &with).scan().assert_exactly(&[]);
    let other = Sieve::git(&repo, &[]).run();
    assert_eq!(other.status, 2);
    assert!(
        other.stderr.contains("--fingerprint-key-file"),
        "{}",
        other.stderr
    );
    let (one, two) = (
        report(&repo, "one.json", &["-f", "json", "--no-baseline"]),
        report(&repo, "two.json", &[&["-f", "json"], &with[..]].concat()),
    );
    assert_eq!(run(&repo, &["diff", &one, &two]).status, 2);
    fs::write(&key, "short").unwrap();
    let refused = Sieve::git(&repo, &with).run();
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("could be guessed"),
        "{}",
        refused.stderr
    );
}

#[cfg(unix)]
#[test]
fn hooks_of_a_clone_honour_its_decisions() {
    use crate::support::sieve::{binary, clear_environment};
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("a", "one\n", "start");
    let install = |repo: &Repo| {
        let mut command = std::process::Command::new(binary());
        clear_environment(&mut command);
        command
            .args(["hook", "install", "-q"])
            .env("HOME", "/nonexistent");
        assert!(command.current_dir(repo.path()).status().unwrap().success());
    };
    install(&repo);
    let remote = Repo::init_bare("remote.git", crate::support::ObjectFormat::Sha1);
    repo.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
    repo.git(&["push", "-q", "origin", "main"]);
    repo.write("a.env", file_with(&token));
    repo.git(&["add", "a.env"]);
    let commit = || {
        let output = repo.try_git(&["commit", "-q", "-m", "x"], b"");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!leaks(text.as_bytes(), &token), "{text}");
        (output.status.success(), text)
    };
    let (went_through, text) = commit();
    assert!(!went_through && text.contains(".gitsieveignore"), "{text}");
    let print = fingerprint(&Sieve::git(&repo, &[]).scan(), &token);
    repo.write(".gitsieveignore", format!("{print}\n"));
    let (went_through, text) = commit();
    assert!(went_through, "{text}");
    assert!(text.contains("let pass by the ignore file"), "{text}");
    let push = || {
        let output = repo.try_git(&["push", "-q", "origin", "main"], b"");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!leaks(text.as_bytes(), &token), "{text}");
        (output.status.success(), text)
    };
    fs::rename(repo.path().join(".gitsieveignore"), repo.beside("aside")).unwrap();
    let (went_through, text) = push();
    assert!(!went_through, "{text}");
    works(&repo, &["baseline", "create"]);
    let (went_through, text) = push();
    assert!(went_through && text.contains("1 of the secrets"), "{text}");
    // Another secret on that line.
    let new = repo.plant();
    repo.write("a.env", file_with(&new));
    repo.git(&["add", "a.env"]);
    let (went_through, text) = commit();
    assert!(!went_through, "{text}");
    assert!(Path::new(&repo.path().join(BASELINE)).exists());
}
