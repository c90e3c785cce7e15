//! Rules and configuration files: which are used, which are not, and what is said of mistakes.

use super::history::file_with;
use crate::support::{Repo, Sieve, plant::GITHUB_RULE};

/// A rule of a team's own, in the gitleaks format.
const RULE: &str = r#"
title = "team rules"

[[rules]]
id = "acme-key"
description = "Acme key"
regex = '''acme_([a-f0-9]{24})'''
keywords = ["acme_"]
entropy = 2.5
secretGroup = 1
"#;

/// Content that the team's rule matches.
const ACME: &str = "key: acme_0123456789abcdef01234567\n";

fn rule_ids(scan: &crate::support::Scan) -> Vec<&str> {
    scan.findings()
        .iter()
        .map(|f| f["rule_id"].as_str().unwrap())
        .collect()
}

#[test]
fn configuration_in_the_working_tree_is_used_and_named() {
    for name in [".gitleaks.toml", ".gitsieve.toml"] {
        let repo = Repo::init();
        repo.write(name, RULE);
        repo.commit_file("app.env", ACME, "add");
        let scan = Sieve::git(&repo, &[]).scan();
        assert_eq!(rule_ids(&scan), ["acme-key"], "{name}: {:#}", scan.json);
        assert!(scan.run.stderr.contains(name), "{}", scan.run.stderr);
        let run = Sieve::new(&["-f", "json"]).current_dir(repo.path()).scan();
        assert_eq!(rule_ids(&run), ["acme-key"]);
    }
}

#[test]
fn configuration_is_never_taken_from_a_bare_repository() {
    let repo = Repo::init();
    repo.write(".gitleaks.toml", RULE);
    repo.commit_file("app.env", ACME, "add");
    let bare = Repo::clone_of(&repo, &["--bare"]);
    bare.write(".gitleaks.toml", RULE);
    let scan = Sieve::git(&bare, &[]).scan();
    assert!(!rule_ids(&scan).contains(&"acme-key"), "{:#}", scan.json);
    assert!(
        !scan.run.stderr.contains(".gitleaks.toml"),
        "{}",
        scan.run.stderr
    );
}

#[test]
fn configuration_is_never_taken_from_history() {
    let repo = Repo::init();
    let token = repo.plant();
    let silencing = "[[allowlists]]\nregexes = ['''.*''']\n";
    repo.commit_file(".gitleaks.toml", silencing, "silence everything");
    repo.remove(".gitleaks.toml");
    repo.commit_file("app.env", file_with(&token), "add");
    Sieve::git(&repo, &[]).scan().assert_exactly(&[&token]);
}

#[test]
fn rules_file_and_directory() {
    let repo = Repo::init();
    repo.commit_file("app.env", ACME, "add");
    let file = repo.beside("team.toml");
    std::fs::write(&file, RULE).unwrap();
    let dir = repo.beside("rules");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("acme.toml"), RULE).unwrap();
    for path in [file, dir] {
        let scan = Sieve::git(&repo, &["--rules", path.to_str().unwrap()]).scan();
        assert_eq!(
            rule_ids(&scan),
            ["acme-key"],
            "{}: {:#}",
            path.display(),
            scan.json
        );
        let occurrence = &scan.findings()[0]["occurrences"][0];
        assert_eq!(
            occurrence["byte_start"], 10,
            "the secret is group 1: {occurrence:#}"
        );
    }
}

#[test]
fn configuration_file_given_by_name() {
    let repo = Repo::init();
    repo.commit_file("app.env", ACME, "add");
    let file = repo.beside("team.toml");
    std::fs::write(&file, RULE).unwrap();
    for option in ["-c", "--config"] {
        let scan = Sieve::git(&repo, &[option, file.to_str().unwrap()]).scan();
        assert_eq!(rule_ids(&scan), ["acme-key"]);
    }
}

#[test]
fn mistakes_in_a_configuration_are_named_by_key_file_and_line() {
    let repo = Repo::init();
    repo.commit_file("app.env", ACME, "add");
    let file = repo.beside("team.toml");
    for (text, line, name) in [
        (RULE.replace("entropy", "entrpy"), 9, "entrpy"),
        (format!("{RULE}\n[futureThing]\nx = 1\n"), 12, "futureThing"),
        (RULE.replace("{24}", "{24"), 7, "acme-key"),
        (
            format!("{RULE}{}", RULE.trim_start().split_once('\n').unwrap().1),
            13,
            "acme-key",
        ),
        (RULE.replace("id =", "id : "), 5, ""),
    ] {
        std::fs::write(&file, &text).unwrap();
        let run = Sieve::git(&repo, &["--config", file.to_str().unwrap()]).run();
        assert_eq!(run.status, 2, "{text}\n{}", run.stderr);
        assert!(run.stdout.is_empty(), "{name}: no report");
        assert!(run.stderr.contains("team.toml"), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(name), "{name}: {}", run.stderr);
        let lines: Vec<String> = (line - 1..=line + 1)
            .map(|n| format!("team.toml:{n}"))
            .collect();
        assert!(
            lines.iter().any(|l| run.stderr.contains(l)),
            "line {line}: {}",
            run.stderr
        );
    }
}

#[test]
fn all_mistakes_are_named_at_once() {
    let repo = Repo::init();
    let file = repo.beside("team.toml");
    let text = RULE
        .replace("entropy", "entrpy")
        .replace("keywords", "keywrds");
    std::fs::write(&file, text).unwrap();
    let run = Sieve::git(&repo, &["--config", file.to_str().unwrap()]).run();
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("entrpy") && run.stderr.contains("keywrds"),
        "{}",
        run.stderr
    );
}

#[test]
fn rules_are_chosen_and_left_out_by_id() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.write("team.env", ACME);
    repo.commit_file("app.env", file_with(&token), "add");
    let file = repo.beside("team.toml");
    std::fs::write(&file, format!("{RULE}\n[extend]\nuseDefault = true\n")).unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let run = |more: &[&str]| {
        let scan = Sieve::git(&repo, &[&config, more].concat()).scan();
        let mut ids: Vec<String> = rule_ids(&scan).into_iter().map(str::to_owned).collect();
        ids.sort();
        ids
    };
    assert_eq!(run(&[]), ["acme-key", GITHUB_RULE]);
    assert_eq!(run(&["--rule", GITHUB_RULE]), [GITHUB_RULE]);
    assert_eq!(run(&["--exclude-rule", GITHUB_RULE]), ["acme-key"]);
    assert_eq!(
        run(&["--rule", GITHUB_RULE, "--rule", "acme-key"]),
        ["acme-key", GITHUB_RULE]
    );
    let wrong = Sieve::git(&repo, &["--rule", "no-such-rule"]).run();
    assert_eq!(wrong.status, 2, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("no-such-rule"), "{}", wrong.stderr);
}

#[test]
fn allowlists_drop_what_they_cover_and_nothing_else() {
    let repo = Repo::init();
    let tokens: Vec<String> = (0..4).map(|_| repo.plant()).collect();
    repo.write("docs/example.env", file_with(&tokens[0]));
    repo.write("src/app.env", file_with(&tokens[1]));
    let commit = repo.commit_file("by-commit.env", file_with(&tokens[2]), "add");
    repo.remove("by-commit.env");
    repo.commit_file("stop.env", file_with(&tokens[3]), "more");
    let file = repo.beside("team.toml");
    let word = &tokens[3][10..18];
    let config = |body: &str| {
        std::fs::write(&file, format!("[extend]\nuseDefault = true\n{body}")).unwrap();
        let scan = Sieve::git(&repo, &["--config", file.to_str().unwrap()]).scan();
        tokens
            .iter()
            .map(|token| scan.found(token))
            .collect::<Vec<_>>()
    };
    let list = |body: &str| format!("[[allowlists]]\n{body}\n");
    assert_eq!(config(""), [true; 4]);
    assert_eq!(
        config(&list("paths = ['''^docs/''']")),
        [false, true, true, true]
    );
    let stop = format!("stopwords = [\"{word}\"]");
    assert_eq!(config(&list(&stop)), [true, true, true, false]);
    let both = "condition = \"AND\"\npaths = ['''^docs/''', '''^src/''']\n\
                regexes = ['''NEVER''']";
    assert_eq!(config(&list(both)), [true; 4]);
    let whole_commit = list(&format!("commits = [\"{commit}\"]"));
    assert_eq!(config(&whole_commit), [false, false, false, true]);
    let disabled = format!("disabledRules = [\"{GITHUB_RULE}\"]");
    assert_eq!(config(&disabled), [false; 4]);
}
