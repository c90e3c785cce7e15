//! What is refused, and what is printed without any scan.

use crate::{gitsieve, stderr, stdout};
use std::{fs, path::Path};

#[test]
fn wrong_usage_exits_with_2_and_says_why_on_stderr_only() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["--no-such-option"][..],
        &["no-such-path"],
        &["git", "."],
        &["git", ".", "--range", "main"],
        &["dir"],
        &["--format", "xml", "."],
        &["--fail-on", "severe", "."],
        &["--threads", "-1", "."],
        &["--max-memory", "0", "."],
        &["--config", "absent.toml", "."],
        &["--rules", "absent.toml", "."],
        &["--rule", "no-such-rule", "."],
        &["--output", "absent/report.json", "."],
        &["--output", ".", "."],
        &["completions", "tcl"],
        &["man", "nothing"],
        &["rules", "list", "--threads", "2"],
        &["rules", "list", "--format", "jsonl"],
        &["rules", "show", "no-such-rule"],
        &["rules", "list", "--format", "sarif"],
        &["rules", "show", "github-pat", "--format", "markdown"],
        &["explain", "x", "--format", "csv"],
        &["hook", "check-config", "--format", "junit"],
        &["--format", "template", "."],
        &["--format", "json", "--template", "Cargo.toml", "."],
        &["--template", "absent.txt", "."],
        &["--report", "sarif", "."],
        &["--report", "sarif=absent/x", "."],
        &["--report", "sarif=-", "."],
        &["--report", "sarif=x", "--report", "csv=./x", "."],
        &["-f", "gitlab", "--show-suppressed", "."],
    ] {
        let output = gitsieve(dir.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(stderr(&output).contains("error:"), "{args:?}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn messages_cannot_drive_a_terminal() {
    let output = gitsieve(Path::new("."), &["dir", "absent\x1b[31m\u{202e}"]);
    assert_eq!(output.status.code(), Some(2));
    let message = stderr(&output);
    assert!(message.contains("\\u{1b}[31m\\u{202e}"), "{message}");
    assert!(!message.contains('\x1b'));
}

#[test]
fn broken_rules_exit_with_2_and_are_named_by_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("bad.toml"),
        "[[rules]]\nid = \"x\"\nregex = '''('''\n",
    )
    .unwrap();
    let output = gitsieve(dir.path(), &["--rules", "bad.toml", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("bad.toml:"), "{}", stderr(&output));
}

#[test]
fn help_names_every_exit_status_and_version_is_one_line() {
    let here = Path::new(".");
    let help = gitsieve(here, &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = stdout(&help);
    for line in [
        "  0  ",
        "  1  ",
        "  2  ",
        "  3  ",
        "  4  ",
        "Examples:",
        "NO_COLOR",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    let version = stdout(&gitsieve(here, &["--version"]));
    assert_eq!(version, format!("gitsieve {}\n", env!("CARGO_PKG_VERSION")));
    // What generates text takes no options of a scan.
    let man = stdout(&gitsieve(here, &["man", "--help"]));
    assert!(
        man.contains("COMMAND") && !man.contains("--threads"),
        "{man}"
    );
}

#[test]
fn completions_and_manual_pages_come_for_every_shell_and_command() {
    let here = Path::new(".");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = gitsieve(here, &["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("gitsieve"), "{shell}");
    }
    let page = stdout(&gitsieve(here, &["man"]));
    assert!(
        page.contains(".TH gitsieve 1") && page.contains("Exit status"),
        "{page}"
    );
    for command in [
        "git",
        "dir",
        "stdin",
        "rules",
        "explain",
        "completions",
        "man",
    ] {
        let page = stdout(&gitsieve(here, &["man", command]));
        assert!(
            page.contains(&format!(".TH gitsieve-{command} 1")),
            "{page}"
        );
    }
}

#[test]
fn a_configuration_that_is_found_is_named_unless_quiet() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".git")).unwrap();
    fs::write(dir.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    // Broken, so that the command ends before it looks at the repository.
    fs::write(
        dir.path().join(".gitleaks.toml"),
        "[[rules]]\nunheard_of = 1\n",
    )
    .unwrap();
    let output = gitsieve(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let message = stderr(&output);
    assert!(
        message.contains("using the configuration ./.gitleaks.toml"),
        "{message}"
    );
    assert!(message.contains(".gitleaks.toml:"), "{message}");
    let quiet = stderr(&gitsieve(dir.path(), &["--quiet"]));
    assert!(!quiet.contains("using the configuration"), "{quiet}");
}
