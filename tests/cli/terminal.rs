//! A terminal for tests of what takes it: tmux, with a server of the test's own.

use crate::support::{environment::has_program, sieve};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

/// Longest that something may take to appear on the screen.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// How often the screen is looked at.
pub const PAUSE: Duration = Duration::from_millis(30);

/// Whether there is a tmux to test in.
pub fn has_tmux() -> bool {
    has_program("tmux", "-V")
}

/// A terminal with a shell in it.
pub struct Terminal {
    socket: PathBuf,
    _dir: tempfile::TempDir,
}

impl Terminal {
    pub fn new(directory: &Path, width: u16, height: u16, variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let terminal = Self {
            socket: dir.path().join("socket"),
            _dir: dir,
        };
        let (width, height) = (width.to_string(), height.to_string());
        let mut command = terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &width]);
        command.args(["-y", &height, "-c"]).arg(directory);
        command.args(["-e", "ENV=", "-e", "VISUAL="]);
        for (name, value) in variables {
            command.arg("-e").arg(format!("{name}={value}"));
        }
        let made = command.arg("sh").output().unwrap();
        assert!(made.status.success(), "{made:?}");
        // A shell may choose its prompt itself, by whose it is.
        terminal.command("PS1='ready> '");
        terminal.wait_until("prompt", |screen| {
            screen.lines().any(|line| line.starts_with("ready>"))
        });
        terminal
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        sieve::clear_environment(&mut command);
        command.env("TERM", "xterm-256color");
        command.arg("-S").arg(&self.socket).args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        let output = self.tmux(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        output
    }

    /// Presses keys, as tmux names them.
    pub fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Types text.
    pub fn write(&self, text: &str) {
        self.run(&["send-keys", "-l", "--", text]);
    }

    /// Types a command line of the shell.
    pub fn command(&self, line: &str) {
        self.write(line);
        self.press(&["Enter"]);
    }

    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p"]).stdout).into_owned()
    }

    /// The screen with the sequences that make its colours.
    pub fn coloured(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p", "-e"]).stdout).into_owned()
    }

    /// Waits until the screen is like that, and returns it.
    pub fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return screen;
            }
            assert!(started.elapsed() < DEADLINE, "no {what:?} in:\n{screen}");
            thread::sleep(PAUSE);
        }
    }

    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    pub fn wait_without(&self, text: &str) -> String {
        self.wait_until(&format!("absence of {text}"), |screen| {
            !screen.contains(text)
        })
    }

    /// Asserts that the shell has its terminal back as it was: no alternate screen, echo, lines.
    pub fn assert_given_back(&self, before: &str) {
        assert_eq!(self.mode(), before);
        assert_eq!(self.taken(), "0 1");
    }

    /// Whether the alternate screen is on, and the cursor shown: `0 1` where nothing took the terminal.
    pub fn taken(&self) -> String {
        let asked = self.run(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]);
        String::from_utf8_lossy(&asked.stdout).trim().to_owned()
    }

    /// What [`Self::assert_given_back`] compares with.
    pub fn mode(&self) -> String {
        self.command("clear; echo mode: $(stty -g)");
        let screen = self.wait_until("mode", |screen| {
            screen.lines().any(|line| line.starts_with("mode: "))
        });
        let mode = screen
            .lines()
            .find(|line| line.starts_with("mode: "))
            .unwrap();
        mode.to_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).output();
    }
}
