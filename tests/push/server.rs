//! A server repository whose pre-receive hook is the command under test, real pushes to it, and
//! what is checked after each of them.
//!
//! The hook is a shell script that keeps its standard input and runs the command three times in
//! the same quarantine: with one thread, with four, and for real. Each run has a directory of its
//! own for audit line, spool, ledger and temporary files, so that none sees what another left.

use crate::{
    audit::Line,
    checks::{self, Doors},
    support::{
        ObjectFormat, Repo,
        repo::hermetic_git,
        sieve::{binary, clear_environment},
    },
};
use std::{
    cell::RefCell,
    fmt::Write as _,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// The run that decides, and the two that must say the same.
const RUNS: [(&str, u32); 3] = [("one", 1), ("four", 4), ("real", 2)];

/// Longest a run by hand may take before it counts as hung.
const HUNG_AFTER: Duration = Duration::from_secs(120);

/// A bare repository with the gate in front of it.
#[derive(Debug)]
pub struct Server {
    pub repo: Repo,
    environment: Vec<(String, String)>,
    policy: RefCell<String>,
    sandboxed: bool,
}

impl Server {
    /// An empty SHA-1 repository under the built-in policy.
    pub fn new() -> Self {
        Self::with_policy("")
    }

    /// An empty SHA-1 repository under this policy. `{state}` in it stands for the directory of
    /// the run; where audit log, spool and deadline are not set, the tests' own are added.
    pub fn with_policy(policy: &str) -> Self {
        Self::at("srv.git", ObjectFormat::Sha1, policy)
    }

    /// An empty repository at `name` in a new directory.
    pub fn at(name: &str, format: ObjectFormat, policy: &str) -> Self {
        let repo = Repo::init_bare(name, format);
        for (key, value) in [("receive.autogc", "false"), ("gc.auto", "0")] {
            repo.git(&["config", key, value]);
        }
        let mut server = Self {
            repo,
            environment: Vec::new(),
            policy: RefCell::default(),
            sandboxed: false,
        };
        for (run, _) in RUNS {
            for part in ["spool", "tmp", "log"] {
                fs::create_dir_all(server.state(run).join(part)).unwrap();
            }
        }
        server.set_policy(policy);
        server.set_environment(&[]);
        server
    }

    /// Changes the policy.
    pub fn set_policy(&self, policy: &str) {
        policy.clone_into(&mut self.policy.borrow_mut());
        for (run, threads) in RUNS {
            let mut text = String::new();
            for (key, value) in [
                ("threads", threads.to_string()),
                ("deadline", "\"60s\"".to_owned()),
                ("spool", "\"{state}/spool\"".to_owned()),
                ("contact", "\"#appsec\"".to_owned()),
            ] {
                if !policy.lines().any(|line| line.starts_with(key)) {
                    writeln!(text, "{key} = {value}").unwrap();
                }
            }
            text += policy;
            if !policy.contains("[audit]") {
                text += "\n[audit]\npath = \"{state}/log/audit.jsonl\"\n";
            }
            let state = self.state(run);
            let text = text.replace("{state}", state.to_str().unwrap());
            fs::write(self.policy_file(run), text).unwrap();
        }
    }

    /// Sets what the server tells the hook: `BB_...`, `GL_...` and the like.
    pub fn set_environment(&mut self, variables: &[(&str, &str)]) {
        self.environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.install_hook(true);
    }

    /// Makes the hook give up what it does not need.
    pub fn set_sandboxed(&mut self) {
        self.sandboxed = true;
        self.install_hook(true);
    }

    /// Installs the hook without the two runs that only compare: what servers run.
    pub fn plain_hook(&self) {
        self.install_hook(false);
    }

    fn install_hook(&self, compares: bool) {
        let mut script = format!(
            "#!/bin/sh\nrun={}/$$\nmkdir -p \"$run\"\ncat >\"$run/stdin\"\n",
            quoted(self.state("runs"))
        );
        for (name, value) in &self.environment {
            writeln!(script, "export {name}={}", quoted(value)).unwrap();
        }
        script += "list() { [ -z \"$GIT_QUARANTINE_PATH\" ] || find \"$GIT_QUARANTINE_PATH\" | LC_ALL=C sort; }\n";
        script += "list >\"$run/before\"\n";
        for (run, _) in RUNS {
            if !compares && run != "real" {
                continue;
            }
            let call = format!(
                "TMPDIR={} {} hook pre-receive --policy {} {} <\"$run/stdin\" >\"$run/{run}.out\"",
                quoted(self.state(run).join("tmp")),
                quoted(binary()),
                quoted(self.policy_file(run)),
                if self.sandboxed { "--sandbox" } else { "" },
            );
            if run == "real" {
                writeln!(
                    script,
                    "{call} &\necho $! >\"$run/pid\"\nwait $!\nstatus=$?"
                )
            } else {
                writeln!(
                    script,
                    "{call} 2>\"$run/{run}.err\"\necho $? >\"$run/{run}.status\""
                )
            }
            .unwrap();
        }
        script += "list >\"$run/after\"\necho $status >\"$run/real.status\"\nexit $status\n";
        let hook = self.repo.path().join("hooks/pre-receive");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, script).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The directory of a run: `real`, `one` or `four`; `runs` holds what the script kept.
    pub fn state(&self, run: &str) -> PathBuf {
        self.repo.beside("state").join(run)
    }

    /// The policy file of a run.
    pub fn policy_file(&self, run: &str) -> PathBuf {
        self.repo.beside(&format!("state/{run}.toml"))
    }

    /// Lines of the audit log of a run.
    pub fn audit(&self, run: &str) -> Vec<Line> {
        Line::read(&self.state(run).join("log/audit.jsonl"))
    }

    /// Puts refs of a client on the server without asking the gate.
    pub fn seed(&self, client: &Repo, refspecs: &[&str]) {
        let url = client.path().to_str().unwrap();
        let mut all = vec!["fetch", "-q", "--no-write-fetch-head", "-u", url];
        all.extend(refspecs);
        self.repo.git(&all);
        self.repo.adopt_secrets(client);
    }

    /// The refs and what they point at.
    pub fn refs(&self) -> String {
        self.repo
            .git(&["for-each-ref", "--format=%(refname) %(objectname)"])
    }

    /// Whether the server has this object.
    pub fn has(&self, id: &str) -> bool {
        let out = self.repo.try_git(&["cat-file", "-e", id], b"");
        out.status.success()
    }

    /// Pushes these refs, with every check.
    pub fn push(&self, client: &Repo, refspecs: &[&str]) -> Push {
        self.attempt(client).run(refspecs)
    }

    /// A push to be set up.
    pub fn attempt<'a>(&'a self, client: &'a Repo) -> Attempt<'a> {
        Attempt {
            server: self,
            client,
            options: Vec::new(),
            url: self.repo.path().to_str().unwrap().to_owned(),
            doors: Doors::Equal,
            audited: true,
            repeatable: true,
        }
    }

    /// The hook run by hand in the server's repository, as a server does that keeps no quarantine.
    pub fn call(&self, stdin: impl Into<Vec<u8>>) -> Call<'_> {
        let mut variables: Vec<_> = self
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), Some(value.clone())))
            .collect();
        variables.push(("GIT_DIR".into(), Some(".".into())));
        Call {
            server: self,
            stdin: stdin.into(),
            variables,
            hook: "pre-receive",
            wrapped: Vec::new(),
            program: binary(),
            sandboxed: false,
            audited: true,
            runs: &RUNS,
            dir: self.repo.path().to_owned(),
        }
    }
}

/// A line of the hook's standard input.
pub fn update(old: &str, new: &str, name: &str) -> String {
    let zero = |id: &str, other: &str| {
        if id.is_empty() {
            "0".repeat(other.len())
        } else {
            id.to_owned()
        }
    };
    format!("{} {} {name}\n", zero(old, new), zero(new, old))
}

/// For a POSIX shell.
pub fn quoted(text: impl AsRef<std::ffi::OsStr>) -> String {
    let text = text.as_ref().to_str().expect("temporary paths are UTF-8");
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A push to be set up.
#[derive(Debug)]
pub struct Attempt<'a> {
    server: &'a Server,
    client: &'a Repo,
    options: Vec<String>,
    url: String,
    doors: Doors,
    audited: bool,
    repeatable: bool,
}

/// What a push came to.
#[derive(Debug)]
pub struct Push {
    pub accepted: bool,
    /// The hook's exit status.
    pub status: i32,
    /// What the hook told the pusher.
    pub message: String,
    /// All that git wrote.
    pub client: String,
    /// The audit line; null where none was expected.
    pub audit: Line,
}

impl Attempt<'_> {
    /// Gives `git push` more options.
    pub fn options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|o| (*o).to_owned()));
        self
    }

    /// Pushes to this address.
    pub fn url(mut self, url: String) -> Self {
        self.url = url;
        self
    }

    /// What the other ways to scan the same commits are to find.
    pub fn doors(mut self, doors: Doors) -> Self {
        self.doors = doors;
        self
    }

    /// Expects no audit line: the policy cannot be read.
    pub fn unaudited(mut self) -> Self {
        self.audited = false;
        self
    }

    /// Expects no equal verdicts of the other two runs: time decides.
    pub fn unrepeatable(mut self) -> Self {
        self.repeatable = false;
        self
    }

    /// Runs git; returns what it wrote and whether it succeeded.
    pub fn git_push(&self, refspecs: &[&str]) -> Output {
        let mut args = vec!["push"];
        args.extend(self.options.iter().map(String::as_str));
        args.push(&self.url);
        args.extend(refspecs);
        self.client.try_git(&args, b"")
    }

    /// Pushes, and checks all that holds for every push.
    pub fn run(self, refspecs: &[&str]) -> Push {
        let server = self.server;
        server.repo.adopt_secrets(self.client);
        let runs = server.state("runs");
        drop(fs::remove_dir_all(&runs));
        let before = checks::snapshot(server.repo.path());
        let refs = server.refs();
        let known = checks::tips(&server.repo);
        let lines_before = server.audit("real").len();

        let out = self.git_push(refspecs);

        let client = String::from_utf8_lossy(&out.stderr).into_owned();
        let accepted = out.status.success();
        let run = checks::only_entry(&runs, &client);
        let kept = |name: &str| fs::read_to_string(run.join(name)).unwrap_or_default();
        let status: i32 = kept("real.status").trim().parse().unwrap_or(-1);
        assert!(
            (0..=2).contains(&status),
            "hook's status {status}: {client}"
        );
        assert_eq!(accepted, status == 0, "git and the hook disagree: {client}");
        assert_eq!(kept("real.out"), "", "the hook wrote to standard output");
        let message = checks::remote_lines(&client);
        checks::message(&message);
        assert_eq!(
            kept("before"),
            kept("after"),
            "the hook wrote into the quarantine"
        );

        checks::no_leaks(
            &server.repo.planted(),
            &[&out.stdout, &out.stderr],
            &[&server.repo.beside("state")],
        );
        for (name, _) in RUNS {
            checks::empty(&server.state(name).join("tmp"));
        }
        checks::no_quarantine(server.repo.path());
        server.repo.git(&["fsck", "--connectivity-only"]);
        if accepted {
            assert!(!client.contains("[remote rejected]"), "{client}");
        } else {
            assert_eq!(
                server.refs(),
                refs,
                "a ref moved although the push was refused"
            );
            checks::unchanged(&before, &checks::snapshot(server.repo.path()));
        }

        let mut lines = server.audit("real");
        assert_eq!(
            lines.len(),
            lines_before + usize::from(self.audited),
            "lines in the audit log; git said: {client}"
        );
        let audit = if self.audited {
            let line = lines.pop().unwrap();
            line.assert_sound(status);
            line
        } else {
            Line::default()
        };
        if self.repeatable {
            for twin in ["one", "four"] {
                let twin_status = kept(&format!("{twin}.status"));
                assert_eq!(twin_status.trim(), status.to_string(), "run `{twin}`");
                assert_eq!(kept(&format!("{twin}.out")), "", "run `{twin}`");
                let twin_message = kept(&format!("{twin}.err"));
                assert_eq!(
                    checks::lines(&twin_message),
                    checks::lines(&message),
                    "messages of run `{twin}` and the real one"
                );
                if self.audited {
                    let twin_line = server.audit(twin).pop().unwrap();
                    twin_line.assert_same_but_for_cost(&audit);
                }
            }
        }
        if self.audited && status != 2 {
            let stdin = kept("stdin");
            checks::other_doors(self.doors, server, self.client, &known, &stdin, &audit);
        }
        Push {
            accepted,
            status,
            message,
            client,
            audit,
        }
    }
}

impl Push {
    /// Fails unless the push landed.
    pub fn assert_accepted(&self) -> &Self {
        assert!(self.accepted, "refused: {}", self.client);
        self
    }

    /// Fails unless findings or a limit of the policy blocked the push, in these words.
    pub fn assert_blocked(&self, words: &[&str]) -> &Self {
        assert_eq!(self.status, 1, "{}", self.client);
        self.assert_says(words)
    }

    /// Fails unless the push was refused because it could not be judged, in these words.
    pub fn assert_failed(&self, words: &[&str]) -> &Self {
        assert_eq!(self.status, 2, "{}", self.client);
        self.assert_says(words)
    }

    /// Fails unless the pusher was told all of these words.
    pub fn assert_says(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(
                self.message.contains(word),
                "no {word:?} in:\n{}",
                self.message
            );
        }
        self
    }

    /// Fails if the pusher was told anything.
    pub fn assert_silent(&self) -> &Self {
        assert_eq!(self.message, "", "the hook had nothing to say");
        self
    }
}

/// A run of the hook by hand, to be set up.
#[derive(Debug)]
pub struct Call<'a> {
    server: &'a Server,
    stdin: Vec<u8>,
    variables: Vec<(String, Option<String>)>,
    hook: &'static str,
    wrapped: Vec<String>,
    program: PathBuf,
    sandboxed: bool,
    audited: bool,
    runs: &'static [(&'static str, u32)],
    dir: PathBuf,
}

/// What a run by hand came to.
#[derive(Debug)]
pub struct Called {
    pub status: i32,
    pub message: String,
    /// The audit line; null where none was expected.
    pub audit: Line,
    pub took: Duration,
}

impl Call<'_> {
    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        let value = value.as_ref().to_str().unwrap().to_owned();
        self.variables.push((name.to_owned(), Some(value)));
        self
    }

    /// Removes a variable.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.push((name.to_owned(), None));
        self
    }

    /// Runs in this directory.
    pub fn dir(mut self, dir: &Path) -> Self {
        dir.clone_into(&mut self.dir);
        self
    }

    /// Runs another hook than pre-receive.
    pub fn hook(mut self, hook: &'static str) -> Self {
        self.hook = hook;
        self
    }

    /// Runs the command by this program, which is given the command's words.
    pub fn by(mut self, words: &[&str]) -> Self {
        self.wrapped = words.iter().map(|w| (*w).to_owned()).collect();
        self
    }

    /// Runs this copy of the command.
    pub fn program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// Asks the command to give up what it does not need.
    pub fn sandboxed(mut self) -> Self {
        self.sandboxed = true;
        self
    }

    /// Expects no audit line.
    pub fn unaudited(mut self) -> Self {
        self.audited = false;
        self
    }

    /// Runs once, without those that compare.
    pub fn once(mut self) -> Self {
        self.runs = &RUNS[2..];
        self
    }

    /// Runs the hook, and checks all that holds for every run.
    pub fn run(self) -> Called {
        let before = checks::snapshot(self.server.repo.path());
        let mut all: Vec<Called> = Vec::new();
        for (run, _) in self.runs {
            all.push(self.one(run));
        }
        checks::unchanged(&before, &checks::snapshot(self.server.repo.path()));
        let real = all.pop().unwrap();
        for twin in all {
            assert_eq!(
                twin.status, real.status,
                "{}\n{}",
                twin.message, real.message
            );
            assert_eq!(checks::lines(&twin.message), checks::lines(&real.message));
            if self.audited {
                twin.audit.assert_same_but_for_cost(&real.audit);
            }
        }
        real
    }

    fn one(&self, run: &str) -> Called {
        let server = self.server;
        let state = server.state(run);
        let mut words = self.wrapped.clone();
        words.push(self.program.to_str().unwrap().to_owned());
        let mut command = Command::new(&words[0]);
        clear_environment(&mut command);
        command
            .args(&words[1..])
            .args(["hook", self.hook, "--policy"])
            .arg(server.policy_file(run))
            .args(self.sandboxed.then_some("--sandbox"))
            .env("HOME", &state)
            .env("TMPDIR", state.join("tmp"))
            .current_dir(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let lines_before = server.audit(run).len();
        let started = Instant::now();
        let mut child = command.spawn().expect("the command starts");
        let mut stdin = child.stdin.take().unwrap();
        let out = std::thread::scope(|scope| {
            let input = &self.stdin;
            // A command that does not read its input breaks the pipe; its status tells.
            scope.spawn(move || drop(stdin.write_all(input)));
            child.wait_with_output().expect("the command ran")
        });
        let took = started.elapsed();
        assert!(took < HUNG_AFTER, "took {took:?}");
        let message = String::from_utf8(out.stderr.clone()).expect("the message is UTF-8");
        let status = out.status.code().unwrap_or(-1);
        assert!((0..=2).contains(&status), "{}: {message}", out.status);
        assert_eq!(out.stdout, b"", "the hook wrote to standard output");
        checks::message(&message);
        checks::no_leaks(&server.repo.planted(), &[&out.stderr], &[&state]);
        if state.join("tmp").exists() {
            checks::empty(&state.join("tmp"));
        }
        let mut lines = server.audit(run);
        assert_eq!(
            lines.len(),
            lines_before + usize::from(self.audited),
            "lines in the audit log; the hook said: {message}"
        );
        let audit = if self.audited {
            let line = lines.pop().unwrap();
            line.assert_sound(status);
            line
        } else {
            Line::default()
        };
        Called {
            status,
            message,
            audit,
            took,
        }
    }
}

impl Called {
    /// Fails unless the hook ended with this status, and said these words.
    pub fn assert(&self, status: i32, words: &[&str]) -> &Self {
        assert_eq!(self.status, status, "{}", self.message);
        for word in words {
            assert!(
                self.message.contains(word),
                "no {word:?} in:\n{}",
                self.message
            );
        }
        self
    }
}

/// `git` with the server's environment, for what runs beside the hook.
pub fn git_in(dir: &Path) -> Command {
    hermetic_git(dir, 1_800_000_000)
}

/// A file with the token in its third line.
pub fn env_file(token: &str) -> String {
    format!("# settings\nname = example\ntoken = {token}\n")
}

/// What a place in this file looks like in a message.
pub fn line_3(path: &str) -> String {
    format!("{path}:3")
}

/// As much of a commit's id as a message shows at least.
pub fn short(id: &str) -> &str {
    &id[..7]
}

/// A clone with one clean commit on `main`, which is on the server too.
pub fn started(server: &Server) -> Repo {
    let client = Repo::init();
    client.write("src/main.c", "int main(void) { return 0; }\n");
    client.commit_file("README", "An example.\n", "start");
    server.seed(&client, &["main:refs/heads/main"]);
    client
}
