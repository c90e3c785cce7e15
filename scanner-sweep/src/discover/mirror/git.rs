//! Runs git for a mirror: with nothing of this process's surroundings that could lead it astray,
//! without asking anybody anything, and not for longer than it may take.

use super::{
    super::{Remote, Scheme},
    MirrorOptions,
};
use scanner_core::report::printable;
use std::{
    collections::VecDeque,
    env,
    ffi::OsString,
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

/// Most bytes kept of what git says: the last ones, where the reason is.
const MAX_MESSAGE_BYTES: usize = 4 << 10;
/// How often it is looked whether to stop.
const TICK: Duration = Duration::from_millis(50);
/// How long the last words of git are waited for once it has ended: what it started may live on and
/// keep its output open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Variables of git that are left as they are: where its programs, keys, certificates and proxies
/// are is for the operator to say. All others, such as `GIT_DIR`, are taken away.
const KEPT: &[&str] = &[
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_VERSION",
    "GIT_PROXY_COMMAND",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
];

/// Why git did not do what it should. Holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The program cannot be started.
    #[error("cannot run {program}: {reason}; install git, or name it")]
    NotRun {
        /// The program.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// It failed.
    #[error("git {what} failed ({status}): {message}")]
    Failed {
        /// `clone` or `fetch`.
        what: &'static str,
        /// How it ended.
        status: String,
        /// The end of what it said, printable.
        message: String,
    },
    /// The time for it was over.
    #[error("git {what} took longer than {} s and was ended", .deadline.as_secs_f32())]
    TooLong {
        /// `clone` or `fetch`.
        what: &'static str,
        /// The time that it had.
        deadline: Duration,
    },
    /// Stopped from outside.
    #[error("git {what} was stopped before its end")]
    Stopped {
        /// `clone` or `fetch`.
        what: &'static str,
    },
}

/// One call of git.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) remote: &'a Remote,
    pub(super) deadline: Duration,
    pub(super) interrupt: &'a AtomicBool,
}

/// How to call git.
#[derive(Debug)]
pub(super) struct Git {
    options: MirrorOptions,
}

impl Git {
    pub(super) fn new(options: MirrorOptions) -> Self {
        Self { options }
    }

    /// Clones into a directory that is not there.
    pub(super) fn clone(&self, into: &Path, run: &Run<'_>) -> Result<(), GitError> {
        let mut command = self.command(run.remote);
        command
            // No template, so no hooks.
            .args(["clone", "--mirror", "--quiet", "--template=", "--"])
            .arg(run.remote.url.to_string())
            .arg(into);
        self.run("clone", command, run)
    }

    /// Fetches everything into a mirror. The address is the one that is known now, not the one that
    /// was cloned from.
    pub(super) fn fetch(&self, mirror: &Path, run: &Run<'_>) -> Result<(), GitError> {
        let mut command = self.command(run.remote);
        command
            .arg("--git-dir")
            .arg(mirror)
            .args([
                "fetch",
                "--quiet",
                "--prune",
                "--force",
                "--no-write-fetch-head",
            ])
            .args(["--no-recurse-submodules", "--"])
            .arg(run.remote.url.to_string())
            .arg("+refs/*:refs/*");
        self.run("fetch", command, run)
    }

    fn command(&self, remote: &Remote) -> Command {
        let mut command = Command::new(&self.options.git);
        for (name, _) in env::vars_os() {
            let is_gits = name.as_encoded_bytes().starts_with(b"GIT_");
            if is_gits && !KEPT.iter().any(|kept| name == *kept) {
                command.env_remove(name);
            }
        }
        let scheme = remote.url.scheme();
        command
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            // Whatever an address is rewritten to, no other protocol is spoken.
            .env("GIT_ALLOW_PROTOCOL", scheme.as_str());
        if scheme == Scheme::Ssh
            && env::var_os("GIT_SSH_COMMAND").is_none()
            && env::var_os("GIT_SSH").is_none()
        {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        let settings = self.settings(remote);
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (i, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{i}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{i}"), value);
        }
        command
    }

    /// Configuration that is stronger than that of any file, and that other users of this machine
    /// cannot see, as they could arguments.
    fn settings(&self, remote: &Remote) -> Vec<(String, OsString)> {
        let mut settings: Vec<(String, OsString)> = [
            ("core.hooksPath", "/dev/null"),
            ("protocol.ext.allow", "never"),
            // What tidies up has to be done when git is: nothing may be left running.
            ("gc.autoDetach", "false"),
            ("maintenance.autoDetach", "false"),
            ("credential.interactive", "false"),
        ]
        .map(|(key, value)| (key.to_owned(), value.into()))
        .into();
        if let Some(ca) = &self.options.ca {
            settings.push(("http.sslCAInfo".to_owned(), ca.into()));
        }
        if let Some(token) = &remote.token {
            let key = format!("http.{}/.extraHeader", remote.url.origin());
            settings.push(("http.followRedirects".to_owned(), "false".into()));
            // Helpers are not asked, and are not given what is not theirs to keep.
            settings.push(("credential.helper".to_owned(), "".into()));
            settings.push((key, format!("Authorization: {}", token.header()).into()));
        }
        settings
    }

    fn run(&self, what: &'static str, mut command: Command, run: &Run<'_>) -> Result<(), GitError> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let start = Instant::now();
        let started = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = started.map_err(|error| GitError::NotRun {
            program: printable(self.options.git.as_os_str().as_encoded_bytes()),
            reason: error.to_string(),
        })?;
        let words = Words::of(&mut child);
        let mut silent = false;
        let ended = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) => {}
                Err(error) => break Err(failed(what, "unknown", &error.to_string())),
            }
            if run.interrupt.load(Ordering::Relaxed) {
                break Err(GitError::Stopped { what });
            }
            let left = run.deadline.saturating_sub(start.elapsed());
            if left.is_zero() {
                let deadline = run.deadline;
                break Err(GitError::TooLong { what, deadline });
            }
            // What git says ends when git does, or a little before.
            if silent {
                thread::sleep(Duration::from_millis(1));
            } else {
                silent = words.ended_within(left.min(TICK));
            }
        };
        let status = match ended {
            Ok(status) => status,
            Err(error) => {
                self.end(&mut child);
                return Err(error);
            }
        };
        if status.success() {
            return Ok(());
        }
        if !silent {
            words.ended_within(LAST_WORDS);
        }
        let text = String::from_utf8_lossy(&words.last()).into_owned();
        let text = match &run.remote.token {
            Some(token) => token.cut_from(&text),
            None => text,
        };
        Err(failed(what, &status.to_string(), &text))
    }

    /// Ends git and all that it started, and waits for it.
    fn end(&self, child: &mut Child) {
        signal(child, false);
        let end = Instant::now() + self.options.grace;
        while Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(5));
        }
        // What it started may outlive it.
        signal(child, true);
        drop(child.kill());
        drop(child.wait());
    }
}

fn failed(what: &'static str, status: &str, said: &str) -> GitError {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(|line| printable(line.as_bytes())).collect();
    GitError::Failed {
        what,
        status: status.to_owned(),
        message: lines.join("; "),
    }
}

/// Sends a signal to git's process group: to end, or to be killed.
#[cfg(unix)]
fn signal(child: &Child, kill: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let signal = if kill { Signal::KILL } else { Signal::TERM };
    if let Ok(id) = i32::try_from(child.id())
        && let Some(group) = Pid::from_raw(id)
    {
        // A group that is gone needs no signal.
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(not(unix))]
fn signal(_child: &Child, _kill: bool) {}

/// The end of what a child says, read by a thread of its own that ends when nobody has the pipe
/// open any more.
struct Words {
    kept: Arc<Mutex<VecDeque<u8>>>,
    end: Receiver<()>,
}

impl Words {
    fn of(child: &mut Child) -> Self {
        let kept: Arc<Mutex<VecDeque<u8>>> = Arc::default();
        let (sender, end) = mpsc::channel();
        if let Some(stream) = child.stderr.take() {
            let kept = Arc::clone(&kept);
            thread::spawn(move || {
                keep(stream, &kept);
                // Nobody left to hear is no failure.
                let _ = sender.send(());
            });
        }
        Self { kept, end }
    }

    /// Waits for the end of what is said; says whether it came.
    fn ended_within(&self, time: Duration) -> bool {
        self.end.recv_timeout(time) != Err(RecvTimeoutError::Timeout)
    }

    /// The last of what was said until now.
    fn last(&self) -> Vec<u8> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().copied().collect()
    }
}

fn keep(mut stream: impl Read, kept: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 4 << 10];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&buffer[..read]);
                let over = kept.len().saturating_sub(MAX_MESSAGE_BYTES);
                kept.drain(..over);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
}
