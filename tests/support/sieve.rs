//! Runs the command and reads what it says.

pub use super::environment::clear_environment;

use super::{Repo, plant};
use serde_json::Value;
use std::{
    ffi::{OsStr, OsString},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Longest a run may take before it counts as hung.
const DEADLINE: Duration = Duration::from_secs(240);

/// Longest piece of a secret that output may show. The redacted form shows four characters at
/// each end.
const SHOWN_AT_MOST: usize = 11;

/// The command under test: the one this workspace builds, or `GITSIEVE_TEST_BIN`.
pub fn binary() -> PathBuf {
    std::env::var_os("GITSIEVE_TEST_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_gitsieve").into(), PathBuf::from)
}

/// One run of the command, to be set up.
#[derive(Debug, Default)]
pub struct Sieve {
    args: Vec<OsString>,
    cwd: Option<PathBuf>,
    input: Vec<u8>,
    secrets: Vec<String>,
    address_space_kib: Option<u64>,
    variables: Vec<(&'static str, OsString)>,
}

/// What a run gave.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// A run whose standard output was a JSON report.
#[derive(Debug)]
pub struct Scan {
    pub run: Run,
    pub json: Value,
}

impl Sieve {
    pub fn new<S: AsRef<OsStr>>(args: &[S]) -> Self {
        Self {
            args: args.iter().map(|arg| arg.as_ref().to_owned()).collect(),
            ..Self::default()
        }
    }

    /// `gitsieve git REPO -f json ARGS`; the repository's secrets must not show.
    pub fn git(repo: &Repo, args: &[&str]) -> Self {
        let mut all = vec![OsStr::new("git"), repo.path().as_os_str()];
        all.extend(["-f", "json"].map(OsStr::new));
        all.extend(args.iter().map(OsStr::new));
        Self::new(&all).hiding(repo.planted())
    }

    /// Runs in this directory.
    pub fn current_dir(mut self, dir: &Path) -> Self {
        self.cwd = Some(dir.to_owned());
        self
    }

    /// Sets a variable of the environment.
    pub fn variable(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name, value.as_ref().to_owned()));
        self
    }

    /// Gives this on standard input.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Fails the test if output shows more than the ends of one of these.
    pub fn hiding(mut self, secrets: Vec<String>) -> Self {
        self.secrets.extend(secrets);
        self
    }

    /// Lets secrets show: for `--show-secrets`.
    pub fn showing(mut self) -> Self {
        self.secrets.clear();
        self
    }

    /// Limits the address space, so that a huge allocation fails.
    pub fn address_space_kib(mut self, kib: u64) -> Self {
        self.address_space_kib = Some(kib);
        self
    }

    /// Runs the command. Whatever it does, it must end, with a documented status, without a
    /// panic and without showing a secret.
    pub fn run(self) -> Run {
        let mut command = if let Some(kib) = self.address_space_kib {
            let mut shell = Command::new("sh");
            shell
                .arg("-c")
                .arg(format!("ulimit -v {kib}; exec \"$0\" \"$@\""))
                .arg(binary());
            shell
        } else {
            Command::new(binary())
        };
        clear_environment(&mut command);
        let home = tempfile::tempdir().expect("a temporary directory");
        command
            .args(&self.args)
            .env("HOME", home.path())
            .envs(self.variables)
            .current_dir(self.cwd.as_deref().unwrap_or(home.path()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let mut stdin = child.stdin.take().expect("was piped");
        let mut stdout = child.stdout.take().expect("was piped");
        let mut stderr = child.stderr.take().expect("was piped");
        let input = self.input;
        let (status, stdout, stderr) = std::thread::scope(|scope| {
            // A command that does not read its input breaks the pipe; its status tells.
            scope.spawn(move || drop(stdin.write_all(&input)));
            let out = scope.spawn(move || {
                let mut bytes = Vec::new();
                stdout.read_to_end(&mut bytes).expect("a readable pipe");
                bytes
            });
            let err = scope.spawn(move || {
                let mut bytes = Vec::new();
                stderr.read_to_end(&mut bytes).expect("a readable pipe");
                bytes
            });
            let started = Instant::now();
            let status = loop {
                if let Some(status) = child.try_wait().expect("a child") {
                    break Some(status);
                }
                if started.elapsed() > DEADLINE {
                    child.kill().expect("a running child");
                    child.wait().expect("a killed child");
                    break None;
                }
                std::thread::sleep(Duration::from_millis(2));
            };
            (
                status,
                out.join().expect("reader"),
                err.join().expect("reader"),
            )
        });
        let shown = format!("gitsieve {:?}", self.args);
        for secret in &self.secrets {
            for (name, bytes) in [("stdout", &stdout), ("stderr", &stderr)] {
                assert!(!leaks(bytes, secret), "{shown}: {name} shows a secret");
            }
        }
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        let status = status.unwrap_or_else(|| panic!("{shown} hangs; stderr:\n{stderr}"));
        assert!(!stderr.contains("panicked"), "{shown} panics:\n{stderr}");
        let status = status
            .code()
            .unwrap_or_else(|| panic!("{shown}: killed by {status}; stderr:\n{stderr}"));
        assert!(
            (0..=3).contains(&status),
            "{shown}: status {status}; stderr:\n{stderr}"
        );
        Run {
            status,
            stdout,
            stderr,
        }
    }

    /// Runs the command, which must write a JSON report.
    pub fn scan(self) -> Scan {
        let shown = format!("gitsieve {:?}", self.args);
        let run = self.run();
        let json = serde_json::from_slice(&run.stdout).unwrap_or_else(|e| {
            panic!(
                "{shown}: no JSON report ({e}); status {}; stdout:\n{}\nstderr:\n{}",
                run.status,
                String::from_utf8_lossy(&run.stdout),
                run.stderr
            )
        });
        Scan { run, json }
    }
}

/// Whether more than the ends of a secret show in `output`.
pub fn leaks(output: &[u8], secret: &str) -> bool {
    secret
        .as_bytes()
        .windows(SHOWN_AT_MOST + 1)
        .any(|piece| contains(output, piece))
}

/// Whether `needle` stands in `haystack`.
pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    position(haystack, needle).is_some()
}

/// Where `needle` first stands in `haystack`.
pub fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|b| *b == first) {
        if haystack[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// What is expected of one occurrence of a planted token.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub place: &'a str,
    pub path: &'a str,
    /// The content as stored.
    pub content: &'a [u8],
    pub blob: &'a str,
    pub introduced: Option<&'a str>,
    pub last_seen: Option<&'a str>,
}

impl Scan {
    /// The findings.
    pub fn findings(&self) -> &[Value] {
        self.json["findings"]
            .as_array()
            .expect("`findings` is an array")
    }

    /// The finding of a planted GitHub token, if any.
    pub fn finding(&self, token: &str) -> Option<&Value> {
        let tail = &token[token.len() - 4..];
        let mut found = self.findings().iter().filter(|finding| {
            finding["rule_id"] == plant::GITHUB_RULE
                && finding["redacted"]
                    .as_str()
                    .is_some_and(|text| text.ends_with(tail))
        });
        let first = found.next();
        assert!(
            found.next().is_none(),
            "one rule and one secret give one finding"
        );
        first
    }

    /// Whether a planted GitHub token was found.
    pub fn found(&self, token: &str) -> bool {
        self.finding(token).is_some()
    }

    /// Every occurrence of a planted GitHub token, which must have been found.
    pub fn occurrences(&self, token: &str) -> &[Value] {
        let Some(finding) = self.finding(token) else {
            panic!("the planted token was not found in {:#}", self.json);
        };
        finding["occurrences"]
            .as_array()
            .expect("`occurrences` is an array")
    }

    /// The only occurrence of a planted GitHub token.
    pub fn only(&self, token: &str) -> &Value {
        let all = self.occurrences(token);
        assert_eq!(all.len(), 1, "one occurrence expected: {all:#?}");
        &all[0]
    }

    /// The only occurrence of a planted GitHub token at this path.
    pub fn at_path(&self, token: &str, path: &str) -> &Value {
        let all: Vec<&Value> = self
            .occurrences(token)
            .iter()
            .filter(|o| o["path"] == path)
            .collect();
        assert_eq!(
            all.len(),
            1,
            "one at {path} expected: {:#?}",
            self.occurrences(token)
        );
        all[0]
    }

    /// Fails unless the token's only occurrence at the expected path is as expected, to the
    /// byte.
    pub fn assert_found(&self, token: &str, expected: &Expected<'_>) {
        let occurrence = self.at_path(token, expected.path);
        assert_eq!(occurrence["where"], expected.place, "{occurrence:#}");
        assert_eq!(occurrence["blob"], expected.blob, "{occurrence:#}");
        assert_position(occurrence, expected.content, token.as_bytes());
        let introduced = &occurrence["introduced"]["commit"];
        assert_eq!(
            introduced.as_str(),
            expected.introduced,
            "introduced: {occurrence:#}"
        );
        assert_eq!(
            occurrence["last_seen"].as_str(),
            expected.last_seen,
            "last seen: {occurrence:#}"
        );
    }

    /// Fails unless the scan found exactly these tokens, looked at everything and says so.
    pub fn assert_exactly(&self, tokens: &[&str]) {
        for token in tokens {
            self.occurrences(token);
        }
        assert_eq!(
            self.findings().len(),
            tokens.len(),
            "findings: {:#}",
            self.json["findings"]
        );
        assert_eq!(
            self.run.status,
            i32::from(!tokens.is_empty()),
            "{}",
            self.run.stderr
        );
        self.assert_complete();
    }

    /// Fails unless the receipt says that everything was looked at.
    pub fn assert_complete(&self) {
        let receipt = &self.json["receipt"];
        assert_eq!(receipt["complete"], true, "{receipt:#}");
        let costly = self.issues().iter().find(|issue| issue["kind"] != "note");
        assert!(costly.is_none(), "{receipt:#}");
        assert_eq!(receipt["blobs"]["skipped"], 0, "{receipt:#}");
    }

    /// A number of the receipt, by its path: `/blobs/scanned`.
    pub fn receipt(&self, pointer: &str) -> u64 {
        self.json["receipt"]
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("no number {pointer} in {:#}", self.json["receipt"]))
    }

    /// The problems met.
    pub fn issues(&self) -> &[Value] {
        self.json["receipt"]["issues"]
            .as_array()
            .expect("`issues` is an array")
    }

    /// Whether an issue names this object or file, in any of its fields.
    pub fn has_issue_about(&self, name: &str) -> bool {
        self.issues()
            .iter()
            .any(|issue| issue.to_string().contains(name))
    }
}

/// Fails unless an occurrence's bytes, lines and columns are where `secret` first stands in
/// `content`.
pub fn assert_position(occurrence: &Value, content: &[u8], secret: &[u8]) {
    let start = position(content, secret).expect("the fixture holds the secret");
    let end = start + secret.len();
    let point = |at: usize| {
        let before = &content[..at];
        let line = before.split(|b| *b == b'\n').count();
        let column = at
            - before
                .iter()
                .rposition(|b| *b == b'\n')
                .map_or(0, |p| p + 1)
            + 1;
        (line as u64, column as u64)
    };
    let (start_line, start_column) = point(start);
    let (end_line, end_column) = point(end - 1);
    for (name, value) in [
        ("byte_start", start as u64),
        ("byte_end", end as u64),
        ("start_line", start_line),
        ("start_column", start_column),
        ("end_line", end_line),
        ("end_column", end_column),
    ] {
        assert_eq!(
            occurrence[name].as_u64(),
            Some(value),
            "{name} of {occurrence:#}"
        );
    }
}
