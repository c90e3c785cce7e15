//! The commands of the checklist that store a new value, run by a shell with programs that write down
//! what they were given: arguments, environment, standard input and the file they were to read.

use super::history::file_with;
use crate::support::{Repo, Sieve, environment::has_program, sieve};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

/// Names that a shell would take apart or act on, were they not quoted.
const NAME: &str = "DEPLOY 'KEY' \"x\" $(touch made) `touch made` *";
const FILE: &str = "the new; value $(touch made) 'x' \"y\" *";
const PLACE: &str = "team app/$(touch made) & 'more'";
const REPOSITORY: &str = "team/app";

/// Stands for every program: writes down what it was given, and does what the real one does with it.
const PROGRAM: &str = r#"#!/bin/sh
PATH=$REAL_PATH; export PATH
name=${0##*/}
printf '%s\n' "$name" >> "$LOG/started"
for argument; do printf '%s\0' "$argument"; done >> "$LOG/$name.arguments"
env >> "$LOG/$name.environment"
case $name in
    jq | rm) exec "$name" "$@" ;;
    stty) exit 0 ;;
esac
cat > "$LOG/$name.input"
for argument; do
    case $argument in --file=*) cat "${argument#--file=}" > "$LOG/$name.file" ;; esac
done
if [ -e "$LOG/refuses" ]; then echo "$name: permission denied" >&2; exit 7; fi
# What Infisical says of a value that it stored.
if [ "$name" = infisical ]; then cat "$LOG/$name.file"; fi
"#;

/// The commands of a checklist, after the line of settings with names put in.
fn list() -> &'static (String, Vec<String>) {
    static LIST: OnceLock<(String, Vec<String>)> = OnceLock::new();
    LIST.get_or_init(|| {
        let repo = Repo::init();
        let token = repo.plant();
        repo.commit_file("a.env", file_with(&token), "add");
        let list = repo.beside("todo");
        let args = ["remediate", "-q", "-o", list.to_str().unwrap()];
        let run = Sieve::new(&args).current_dir(repo.path()).run();
        assert_eq!(run.status, 0, "{}", run.stderr);
        let list = fs::read_to_string(list.join("checklist.md")).unwrap();
        let (_, part) = list.split_once("\n## 3. ").expect("part 3");
        let mut commands = commands(part);
        let settings = with_names(commands.remove(0));
        (settings, commands)
    })
}

/// The command in which this stands.
fn command(part: &str) -> &'static str {
    let mut found = list().1.iter().filter(|c| c.contains(part));
    let command = found.next().unwrap_or_else(|| panic!("no {part}"));
    assert!(found.next().is_none(), "two of {part}");
    command
}

/// Shells that people paste commands into.
fn shells() -> impl Iterator<Item = &'static str> {
    let shells = ["/bin/sh", "/bin/bash", "/bin/zsh"];
    shells.into_iter().filter(|shell| Path::new(shell).exists())
}

/// A directory to run commands in, and what the programs wrote down.
struct Desk {
    dir: tempfile::TempDir,
    shell: &'static str,
}

impl Desk {
    fn new(shell: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let desk = Self { dir, shell };
        for directory in ["bin", "log", "here"] {
            fs::create_dir(desk.path(directory)).unwrap();
        }
        for name in ["vault", "infisical", "curl", "gh", "jq", "rm", "stty"] {
            let program = desk.path("bin").join(name);
            fs::write(&program, PROGRAM).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("here").join(FILE)
    }

    /// Runs a command after the line that sets the names, as somebody would who pastes both. No other
    /// programs than those that write down what they are given can be found.
    fn run(&self, command: &str, input: Stdio) -> Output {
        let mut shell = Command::new(self.shell);
        sieve::clear_environment(&mut shell);
        let real = std::env::var("PATH").unwrap();
        let output = shell
            .args(["-c", &format!("{}\n{command}", list().0)])
            .env("PATH", self.path("bin"))
            .env("REAL_PATH", real)
            .env("LOG", self.path("log"))
            .current_dir(self.path("here"))
            .stdin(input)
            .output()
            .unwrap();
        assert!(!self.path("here").join("made").exists(), "{command}");
        output
    }

    /// Runs the command in which this stands on a value, and asserts that no program was told the value
    /// but by its standard input or a file.
    fn store(&self, part: &str, value: &str) -> Output {
        fs::write(self.file(), value).unwrap();
        let output = self.run(command(part), Stdio::null());
        self.assert_untold(value);
        for stream in [&output.stdout, &output.stderr] {
            assert!(!told(stream, value), "{output:?}");
        }
        output
    }

    fn assert_untold(&self, value: &str) {
        let mut looked = 0;
        for entry in fs::read_dir(self.path("log")).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.extension().unwrap_or_default().to_owned();
            if kind == "arguments" || kind == "environment" {
                let content = fs::read(&path).unwrap();
                assert!(!told(&content, value), "{}", path.display());
                looked += 1;
            }
        }
        assert!(looked >= 2, "no program was started");
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path("log").join(name)).unwrap()
    }

    fn arguments(&self, program: &str) -> Vec<String> {
        let all = self.log(&format!("{program}.arguments"));
        all.split_terminator('\0').map(str::to_owned).collect()
    }

    fn started(&self, program: &str) -> bool {
        let started = fs::read_to_string(self.path("log/started")).unwrap_or_default();
        started.lines().any(|line| line == program)
    }
}

/// Whether any line of a value stands in a text.
fn told(content: &[u8], value: &str) -> bool {
    let lines = value.lines().filter(|line| line.len() >= 8);
    let mut lines = lines.peekable();
    assert!(lines.peek().is_some(), "a value that can be looked for");
    lines.any(|line| sieve::contains(content, line.as_bytes()))
}

/// Commands of a part: a line of code each, and what goes on after it.
fn commands(part: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in part.lines() {
        let Some(code) = line.strip_prefix("      ") else {
            continue;
        };
        // What goes on stands farther to the right.
        if code.starts_with("  ") {
            let command = commands.last_mut().expect("something goes on");
            command.push('\n');
            command.push_str(code);
        } else {
            assert!(!goes_on, "{line}");
            commands.push(code.to_owned());
        }
        goes_on = code.ends_with("&&") || code.ends_with('\\');
    }
    commands
}

/// The line of settings with names put in as a shell takes them.
fn with_names(mut settings: String) -> String {
    for (placeholder, name) in [
        ("'NAME'", NAME),
        ("'FILE'", FILE),
        ("'PATH'", PLACE),
        ("'WORKSPACE/REPO'", REPOSITORY),
    ] {
        assert_eq!(settings.matches(placeholder).count(), 1, "{settings}");
        settings = settings.replace(placeholder, &format!("'{}'", name.replace('\'', r"'\''")));
    }
    settings
}

/// Values that would not survive a shell's reading, or that of a file of lines.
fn values() -> [String; 3] {
    let long = "a line that is long enough";
    [
        format!("\"{long}\" 'x' \\n \\\" $HOME `id` {} # \u{e9}", "${A}"),
        format!("  {long} in blanks "),
        format!("{long}\n\n\t\"second line, long enough\": |\n- 3\n"),
    ]
}

/// Each shell with each value.
fn cases() -> impl Iterator<Item = (&'static str, String)> {
    shells().flat_map(|shell| values().map(|value| (shell, value)))
}

/// Whether there is a jq.
fn has_jq() -> bool {
    has_program("jq", "--version")
}

fn assert_went_well(output: &Output) {
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn vault_and_github_read_the_value_from_standard_input() {
    for (shell, value) in cases() {
        for (part, program, arguments) in [
            (
                "vault kv patch",
                "vault",
                vec!["kv", "patch", "-mount=secret", PLACE],
            ),
            (
                "vault kv put",
                "vault",
                vec!["kv", "put", "-mount=secret", PLACE],
            ),
            ("gh secret", "gh", vec!["secret", "set", NAME]),
        ] {
            let desk = Desk::new(shell);
            assert_went_well(&desk.store(part, &value));
            let mut wanted: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
            if program == "vault" {
                wanted.push(format!("{NAME}=-"));
            }
            assert_eq!(desk.arguments(program), wanted);
            assert_eq!(desk.log(&format!("{program}.input")), value);
        }
    }
}

#[test]
fn infisical_reads_a_file_that_is_private_and_gone_afterwards() {
    if !has_jq() {
        return;
    }
    for (shell, value) in cases() {
        let desk = Desk::new(shell);
        assert_went_well(&desk.store("infisical", &value));
        let file = format!("--file={FILE}.yaml");
        assert_eq!(
            desk.arguments("infisical"),
            ["secrets", "set", "--env=prod", &file]
        );
        // JSON is YAML: a map from names to texts.
        let read: Value = serde_json::from_str(&desk.log("infisical.file")).unwrap();
        assert_eq!(read, json!({ NAME: value }));
        let left: Vec<_> = fs::read_dir(desk.path("here")).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

#[test]
fn bitbucket_gets_json_on_standard_input_of_curl() {
    if !has_jq() {
        return;
    }
    for (shell, value) in cases() {
        let desk = Desk::new(shell);
        assert_went_well(&desk.store("bitbucket.org", &value));
        let url = format!(
            "https://api.bitbucket.org/2.0/repositories/{REPOSITORY}/pipelines_config/variables/"
        );
        assert_eq!(
            desk.arguments("curl"),
            [
                "--netrc",
                "--fail",
                "-H",
                "Content-Type: application/json",
                "--data-binary",
                "@-",
                &url
            ]
        );
        let body: Value = serde_json::from_str(&desk.log("curl.input")).unwrap();
        assert_eq!(body, json!({"key": NAME, "value": value, "secured": true}));
    }
}

#[test]
fn what_a_program_refuses_fails_and_is_said() {
    if !has_jq() {
        return;
    }
    let programs = [
        ("vault kv patch", "vault"),
        ("vault kv put", "vault"),
        ("infisical", "infisical"),
        ("bitbucket.org", "curl"),
        ("gh secret", "gh"),
    ];
    for (shell, (part, program)) in shells().flat_map(|shell| programs.map(|p| (shell, p))) {
        let desk = Desk::new(shell);
        fs::write(desk.path("log/refuses"), "").unwrap();
        let output = desk.store(part, &values()[0]);
        assert_eq!(output.status.code(), Some(7), "{part}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(&format!("{program}: permission denied")),
            "{said}"
        );
        let left: Vec<_> = fs::read_dir(desk.path("here")).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");

        // Without its file nothing is stored, least of all nothing as the value.
        let desk = Desk::new(shell);
        let output = desk.run(command(part), Stdio::null());
        assert!(!output.status.success(), "{part}: {output:?}");
        assert!(!output.stderr.is_empty(), "{part}");
        assert!(!desk.started(program), "{part}");
    }
}

#[test]
fn the_value_is_typed_into_a_private_file_that_can_be_deleted() {
    for shell in shells() {
        let value = values()[1].clone();
        let desk = Desk::new(shell);
        let typed = desk.path("typed");
        fs::write(&typed, format!("{value}\nanother line\n")).unwrap();
        let typed = fs::File::open(&typed).unwrap();
        assert_went_well(&desk.run(command("stty"), typed.into()));
        desk.assert_untold(&value);
        assert_eq!(desk.arguments("stty"), ["-echo", "echo"]);
        assert_eq!(fs::read_to_string(desk.file()).unwrap(), value);
        let mode = desk.file().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_went_well(&desk.run(list().1.last().unwrap(), Stdio::null()));
        assert!(!desk.file().exists());
    }
}
