//! `gitsieve review` in a real terminal.

use crate::{
    gitsieve, stderr,
    support::{
        Repo,
        containers::{Packing, zip},
        sieve,
    },
    terminal::{Terminal, has_tmux},
};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// A repository with two secrets, of which one is in two versions of a file and the other is gone
/// from `HEAD`, and a report of it.
pub struct Case {
    pub repo: Repo,
    pub kept: String,
    gone: String,
    report: PathBuf,
}

/// A command line of the shell.
fn review(args: &str) -> String {
    let binary = sieve::binary();
    format!("clear; {} review {args}; echo status: $?", binary.display())
}

/// A report of a repository, beside it.
fn reported(repo: &Repo) -> PathBuf {
    let report = repo.beside("report.json");
    let path = report.to_str().unwrap();
    let output = gitsieve(repo.path(), &["git", ".", "-q", "-f", "json", "-o", path]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    report
}

impl Case {
    pub fn new() -> Self {
        let repo = Repo::init();
        let (kept, gone) = (repo.plant(), repo.plant());
        let code = |first: &str| {
            format!(
                "# {first}\nimport os\n\ndef main():\n\ttoken = \"{kept}\"  # to do\n    return 12\n"
            )
        };
        repo.commit_file("src/app.py", code("one"), "Add the app");
        repo.commit_file("src/app.py", code("two"), "Change the app");
        repo.commit_file(
            "old/\u{1b}[31m.env",
            format!("TOKEN={gone}\n"),
            "Add a setting",
        );
        repo.remove("old/\u{1b}[31m.env");
        repo.commit("Take it out");
        let report = reported(&repo);
        Self {
            repo,
            kept,
            gone,
            report,
        }
    }

    pub fn terminal(&self, width: u16, height: u16, variables: &[(&str, &str)]) -> Terminal {
        Terminal::new(self.repo.path(), width, height, variables)
    }

    pub fn of_report(&self) -> String {
        review(&format!("'{}'", self.report.display()))
    }

    /// The same, with the number of the process in a file beside the repository.
    pub fn with_pid(&self) -> String {
        format!(
            "sh -c 'echo $$ > ../pid; exec {} review \"{}\"'; echo status: $?",
            sieve::binary().display(),
            self.report.display()
        )
    }

    pub fn pid(&self) -> String {
        let pid = fs::read_to_string(self.repo.beside("pid")).unwrap();
        pid.trim().to_owned()
    }

    fn baseline(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.repo.path().join(".gitsieve-baseline.jsonl")).unwrap();
        let lines = text.lines().skip(1);
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn assert_hidden(&self, screen: &str) {
        for secret in [&self.kept, &self.gone] {
            assert!(!sieve::leaks(screen.as_bytes(), secret), "{screen}");
        }
    }
}

#[test]
fn findings_are_decided_about_and_the_baseline_is_written() {
    if !has_tmux() {
        return;
    }
    let case = Case::new();
    let other = "{\"gitsieve_baseline\":1}\n{\"fingerprint\":\"v1:00000000000000000000000000000000\",\
                 \"status\":\"test\",\"reason\":\"another\",\"ticket\":7}\n";
    let file = case.repo.path().join(".gitsieve-baseline.jsonl");
    fs::write(&file, other).unwrap();
    let terminal = case.terminal(80, 24, &[]);
    let before = terminal.mode();
    terminal.command(&case.of_report());
    let screen = terminal.wait_for("2 of 2 open");
    assert!(screen.contains("? help"), "{screen}");
    // The lines around it, with the secret redacted.
    terminal.press(&["Tab", "G"]);
    let screen = terminal.wait_for("def main():");
    assert!(screen.contains("token = \"ghp_"), "{screen}");
    case.assert_hidden(&screen);
    terminal.press(&["Tab", "a"]);
    terminal.wait_for("reason");
    terminal.write("borne until OPS-17");
    terminal.press(&["Tab"]);
    terminal.write("ada");
    terminal.press(&["Enter"]);
    terminal.wait_for("1 of 2 open, 1 not written");
    terminal.press(&["j", "r"]);
    terminal.wait_for("revoked: ");
    terminal.write("rotated");
    terminal.press(&["Enter"]);
    terminal.wait_for("0 of 2 open, 2 not written");
    terminal.press(&["u"]);
    terminal.wait_for("1 of 2 open, 1 not written");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        other,
        "nothing is written unasked"
    );
    // Leaving asks, and staying is possible.
    terminal.press(&["q"]);
    terminal.wait_for("1 decision is not written.");
    terminal.press(&["Escape"]);
    terminal.wait_without("is not written.");
    // What somebody else writes meanwhile stays.
    fs::write(&file, other.replace("another", "edited")).unwrap();
    terminal.press(&["w"]);
    terminal.wait_for("1 decision written");
    terminal.press(&["q"]);
    terminal.wait_for("status: 0");
    terminal.assert_given_back(&before);
    let entries = case.baseline();
    assert_eq!(entries.len(), 2, "{entries:?}");
    let edited = entries.iter().find(|e| e["reason"] == "edited").unwrap();
    assert_eq!(edited["ticket"], 7);
    let ours = entries.iter().find(|e| e["status"] == "accepted").unwrap();
    assert_eq!(
        (&ours["reason"], &ours["owner"]),
        (&"borne until OPS-17".into(), &"ada".into())
    );
    // A scan takes it at its word.
    let output = gitsieve(case.repo.path(), &["git", ".", "-f", "json", "-q"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    case.assert_hidden(&fs::read_to_string(&file).unwrap());
}

#[test]
fn a_secret_is_shown_on_demand_until_the_next_key() {
    if !has_tmux() {
        return;
    }
    let case = Case::new();
    let terminal = case.terminal(120, 40, &[]);
    terminal.command(&case.of_report());
    terminal.wait_for("def main():");
    let (kept, gone) = (case.kept.as_str(), case.gone.as_str());
    terminal.press(&["x"]);
    let screen = terminal.wait_for(kept);
    assert!(
        !screen.contains(gone) && screen.contains("any key hides it"),
        "{screen}"
    );
    terminal.press(&["j"]);
    let screen = terminal.wait_for("TOKEN=ghp_");
    case.assert_hidden(&screen);
    // What acts on a terminal stands as text.
    assert!(screen.contains("old/\\u{1b}[31m.env"), "{screen}");
    terminal.press(&["k"]);
    let screen = terminal.wait_for("def main():");
    case.assert_hidden(&screen);
    terminal.press(&["q"]);
    terminal.wait_for("status: 0");
    // Nothing was written anywhere.
    let status = case.repo.git(&["status", "--porcelain"]);
    assert_eq!(status, "");
}

#[test]
fn one_decision_is_for_all_that_are_marked() {
    if !has_tmux() {
        return;
    }
    let case = Case::new();
    let terminal = case.terminal(80, 24, &[]);
    terminal.command(&case.of_report());
    terminal.wait_for("2 of 2 open");
    terminal.press(&["Space"]);
    let screen = terminal.wait_for("1 marked");
    assert!(screen.contains("\n+CRIT"), "{screen}");
    terminal.press(&["*"]);
    terminal.wait_for("2 marked");
    terminal.press(&["f"]);
    terminal.wait_for("false-positive: 2 findings");
    terminal.write("made for a test");
    terminal.press(&["Enter"]);
    let screen = terminal.wait_for("0 of 2 open, 2 not written");
    assert!(screen.contains("false-positive: 2 findings (u"), "{screen}");
    terminal.press(&["u"]);
    let screen = terminal.wait_for("undone; 0 more");
    assert!(
        screen.contains("2 of 2 open") && !screen.contains("not written"),
        "{screen}"
    );
    terminal.press(&["*", "t"]);
    terminal.wait_for("test: 2 findings");
    terminal.write("nothing behind it");
    terminal.press(&["Enter"]);
    terminal.wait_for("0 of 2 open, 2 not written");
    terminal.press(&["w"]);
    terminal.wait_for("2 decisions written");
    terminal.press(&["q"]);
    terminal.wait_for("status: 0");
    let entries = case.baseline();
    assert_eq!(entries.len(), 2, "{entries:?}");
    for entry in entries {
        assert_eq!(
            (&entry["status"], &entry["reason"]),
            (&"test".into(), &"nothing behind it".into())
        );
    }
}

#[test]
fn members_of_archives_and_utf_16_are_shown_by_their_lines() {
    if !has_tmux() {
        return;
    }
    let repo = Repo::init();
    let (packed, wide) = (repo.plant(), repo.plant());
    let code = |what: &str, token: &str| {
        format!(
            "# {what}\n# \u{e9}\u{1f980}\ndef of_{what}():\n    token = \"{token}\"\n    return 12\n"
        )
    };
    let inner = code("member", &packed);
    let entries = [
        ("other.txt", &b"nothing\n"[..], Packing::Stored),
        ("src/app.py", inner.as_bytes(), Packing::Deflated),
    ];
    repo.write("a.zip", zip(&entries));
    let text = format!("\u{feff}{}", code("wide", &wide));
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    repo.commit_file("b.py", units, "Add an archive and UTF-16");
    // What is read is the object: the files are gone.
    repo.remove("a.zip");
    repo.remove("b.py");
    repo.commit("Take them out");
    let report = reported(&repo);
    let terminal = Terminal::new(repo.path(), 100, 40, &[]);
    terminal.command(&review(&format!("'{}'", report.display())));
    terminal.wait_for("2 of 2 open");
    for (name, place, token, other) in [
        ("member", "a.zip!/src/app.py:4:", &packed, &wide),
        ("wide", "b.py:4:", &wide, &packed),
    ] {
        let screen = terminal.wait_for(&format!("def of_{name}():"));
        assert!(screen.contains(place), "{screen}");
        let line = screen.lines().find(|line| line.contains("token = \""));
        let line = line.unwrap_or_else(|| panic!("{screen}")).trim_start();
        assert!(line.starts_with(">  4 \u{2502} "), "{screen}");
        assert!(line.contains(&format!("\"{}", &token[..4])), "{line}");
        for secret in [token, other] {
            assert!(!sieve::leaks(screen.as_bytes(), secret), "{screen}");
        }
        terminal.press(&["x"]);
        let screen = terminal.wait_for(&format!("token = \"{token}\""));
        assert!(!sieve::leaks(screen.as_bytes(), other), "{screen}");
        terminal.press(&["j"]);
        let screen = terminal.wait_without(token);
        assert!(!sieve::leaks(screen.as_bytes(), token), "{screen}");
    }
    terminal.press(&["q"]);
    terminal.wait_for("status: 0");
}

#[test]
fn what_cannot_be_read_is_said_and_cannot_be_shown() {
    if !has_tmux() {
        return;
    }
    let case = Case::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let terminal = Terminal::new(elsewhere.path(), 100, 40, &[]);
    terminal.command(&case.of_report());
    let screen = terminal.wait_for("cannot be shown: no repository");
    case.assert_hidden(&screen);
    terminal.press(&["x"]);
    terminal.wait_for("it cannot be shown: ");
    terminal.press(&["e"]);
    terminal.wait_for("no such file in the working tree");
    terminal.press(&["q"]);
    terminal.wait_for("status: 0");
    // With the repository named it can; and the report may come through a pipe.
    let repo = case.repo.path().display();
    let piped = review(&format!("- --repo '{repo}' < '{}'", case.report.display()));
    terminal.command(&piped);
    terminal.wait_for("def main():");
    terminal.press(&["q"]);
    terminal.wait_for("status: 0");
}

#[test]
fn a_directory_is_scanned_and_reviewed() {
    if !has_tmux() {
        return;
    }
    let case = Case::new();
    let terminal = case.terminal(80, 24, &[]);
    terminal.command(&review(""));
    let screen = terminal.wait_for("2 of 2 open");
    case.assert_hidden(&screen);
    terminal.press(&["/"]);
    terminal.write("app.py");
    terminal.press(&["Enter"]);
    terminal.wait_for("1 shown: \"app.py\"");
    terminal.press(&["?"]);
    let screen = terminal.wait_for("Deciding");
    assert!(
        screen.contains("Ctrl-C") && screen.contains("Moving"),
        "{screen}"
    );
    terminal.press(&["q", "q"]);
    terminal.wait_for("status: 0");
    let none = case.repo.path().join(".gitsieve-baseline.jsonl");
    assert!(!none.exists());
}

#[test]
fn the_editor_gets_file_and_line_and_the_terminal_comes_back() {
    if !has_tmux() {
        return;
    }
    let case = Case::new();
    let editor = case.repo.beside("editor");
    let script = "#!/bin/sh\necho \"editing $*\"; stty -a | grep -o ' icanon'; read answer\n";
    fs::write(&editor, script).unwrap();
    let mut permissions = fs::metadata(&editor).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    fs::set_permissions(&editor, permissions).unwrap();
    let editor = format!("{} -x", editor.display());
    let terminal = case.terminal(100, 30, &[("EDITOR", &editor)]);
    terminal.command(&case.of_report());
    terminal.wait_for("2 of 2 open");
    terminal.press(&["e"]);
    let screen = terminal.wait_for("editing -x +5 ");
    assert!(screen.contains("src/app.py"), "{screen}");
    terminal.wait_for(" icanon");
    terminal.press(&["Enter"]);
    terminal.wait_for("2 of 2 open");
    terminal.press(&["j"]);
    terminal.wait_for("TOKEN=");
    terminal.press(&["q"]);
    terminal.wait_for("status: 0");
}

#[test]
fn small_screens_and_those_without_colours_work() {
    if !has_tmux() {
        return;
    }
    let case = Case::new();
    let terminal = case.terminal(80, 24, &[("NO_COLOR", "1")]);
    terminal.command(&case.of_report());
    terminal.wait_for("2 of 2 open");
    let colours = |text: &str| text.contains("\u{1b}[3") || text.contains("\u{1b}[9");
    let plain = terminal.coloured();
    // `[3m` is italics and `[39m` no colour.
    let plain = plain.replace("\u{1b}[39m", "").replace("\u{1b}[3m", "");
    assert!(!colours(&plain), "{plain:?}");
    assert!(plain.contains("\u{1b}[7m"), "{plain:?}");
    for (width, height) in [("30", "6"), ("8", "2"), ("200", "60")] {
        terminal.run(&["resize-window", "-x", width, "-y", height]);
        terminal.press(&["j", "Tab", "G", "Tab", "k", "?", "Escape"]);
    }
    terminal.wait_for("2 of 2 open");
    terminal.press(&["q"]);
    terminal.wait_for("status: 0");
    terminal.command("unset NO_COLOR");
    terminal.command(&case.of_report());
    terminal.wait_for("2 of 2 open");
    assert!(colours(&terminal.coloured()));
    terminal.press(&["q"]);
    terminal.wait_for("status: 0");
}

#[test]
fn without_a_terminal_it_is_refused_with_what_to_do() {
    let case = Case::new();
    let path = case.report.to_str().unwrap();
    let output = gitsieve(case.repo.path(), &["review", path]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(output.stdout, b"");
    let said = stderr(&output);
    assert!(said.contains("needs a terminal"), "{said}");
    assert!(said.contains("gitsieve report") && said.contains("gitsieve baseline"));
}
