//! What becomes of the terminal when a review is ended from outside.

use super::{
    review::Case,
    terminal::{DEADLINE, PAUSE, has_tmux},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Instant,
};

fn kill(signal: &str, pid: &str) {
    let killed = Command::new("kill").args([signal, pid]).status();
    assert!(killed.unwrap().success());
}

#[test]
fn every_signal_that_ends_it_gives_the_terminal_back() {
    if !has_tmux() {
        return;
    }
    let case = Case::new();
    let terminal = case.terminal(120, 40, &[]);
    let before = terminal.mode();
    for signal in ["-TERM", "-HUP", "-INT"] {
        terminal.command(&case.with_pid());
        terminal.wait_for("2 of 2 open");
        // While a secret is in clear, too.
        terminal.press(&["x"]);
        terminal.wait_for("any key hides it");
        assert!(terminal.taken().starts_with("1 "), "no alternate screen");
        kill(signal, &case.pid());
        let screen = terminal.wait_for("status: 0");
        assert!(!screen.contains(&case.kept), "{screen}");
        terminal.assert_given_back(&before);
    }
}

#[test]
fn signals_and_control_c_give_the_terminal_back() {
    if !has_tmux() {
        return;
    }
    let case = Case::new();
    let terminal = case.terminal(80, 24, &[]);
    let before = terminal.mode();
    terminal.command(&case.of_report());
    terminal.wait_for("2 of 2 open");
    terminal.press(&["C-c"]);
    terminal.wait_for("status: 0");
    terminal.assert_given_back(&before);
    // With something to lose it asks first, and a signal does not wait for an answer.
    terminal.command(&case.with_pid());
    terminal.wait_for("2 of 2 open");
    terminal.press(&["t"]);
    terminal.wait_for("reason");
    terminal.write("x");
    terminal.press(&["Enter"]);
    terminal.wait_for("1 not written");
    terminal.press(&["C-c"]);
    terminal.wait_for("1 decision is not written.");
    kill("-TERM", &case.pid());
    let screen = terminal.wait_for("status: 3");
    assert!(screen.contains("decisions not written: 1"), "{screen}");
    terminal.assert_given_back(&before);
}

#[test]
fn a_terminal_that_goes_away_ends_the_review() {
    if !has_tmux() || !Path::new("/proc/self").exists() {
        return;
    }
    let case = Case::new();
    let terminal = case.terminal(80, 24, &[]);
    terminal.command(&case.with_pid());
    terminal.wait_for("2 of 2 open");
    let process = PathBuf::from(format!("/proc/{}", case.pid()));
    assert!(process.exists());
    drop(terminal);
    let started = Instant::now();
    while process.exists() {
        assert!(started.elapsed() < DEADLINE, "it is running still");
        thread::sleep(PAUSE);
    }
}
