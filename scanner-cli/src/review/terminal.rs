//! Takes the terminal, and gives it back however the program ends.

use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor::Show,
        event::{DisableBracketedPaste, EnableBracketedPaste},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};
use std::{
    fs::File,
    io::{self, IsTerminal, Stdout, stdin, stdout},
    os::fd::AsFd,
    panic,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Whether the terminal is taken.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is taken. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take() -> io::Result<Self> {
        give_back_on_panic();
        take()?;
        let made = Terminal::new(CrosstermBackend::new(stdout()));
        if made.is_err() {
            give_back();
        }
        Ok(Self { terminal: made? })
    }

    pub(super) fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }

    /// Runs something that wants the terminal for itself.
    pub(super) fn lend<T>(&mut self, run: impl FnOnce() -> T) -> io::Result<T> {
        give_back();
        let done = run();
        take()?;
        self.terminal.clear()?;
        Ok(done)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    let taken = enable_raw_mode()
        .and_then(|()| execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste));
    if taken.is_err() {
        give_back();
    }
    taken
}

/// Gives the terminal back, once. There is nobody to tell where that fails.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Lets a panic's message be seen: it would vanish with the screen that is given back after it.
fn give_back_on_panic() {
    static SET: Once = Once::new();
    SET.call_once(|| before_panic_message(give_back));
}

fn before_panic_message(run: impl Fn() + Send + Sync + 'static) {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        run();
        tell(info);
    }));
}

/// Where keys come from.
#[derive(Debug)]
pub(super) struct Keyboard(Option<File>);

/// What came from the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    Nothing,
    Something,
    /// There is no terminal any more.
    End,
}

impl Keyboard {
    /// The terminal itself where standard input is none.
    pub(super) fn new() -> io::Result<Self> {
        let piped = !stdin().is_terminal();
        Ok(Self(piped.then(|| File::open("/dev/tty")).transpose()?))
    }

    /// Waits for something to come. Whoever reads events without this waits for ever, at full
    /// speed, once the terminal is gone.
    pub(super) fn wait(&self, time: Duration) -> io::Result<Came> {
        let stdin = stdin();
        let fd = self.0.as_ref().map_or(stdin.as_fd(), File::as_fd);
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        let time = Timespec::try_from(time).ok();
        match poll(&mut fds, time.as_ref()) {
            Ok(_) => {}
            // A signal is looked at by whoever waits.
            Err(Errno::INTR) => return Ok(Came::Nothing),
            Err(error) => return Err(error.into()),
        }
        let came = fds[0].revents();
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        Ok(if came.intersects(gone) {
            Came::End
        } else if came.is_empty() {
            Came::Nothing
        } else {
            Came::Something
        })
    }
}

/// Returns a flag that is set when the program is asked to end.
pub(super) fn asked_to_end() -> Arc<AtomicBool> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // A system that refuses keeps the ordinary effect.
        let _ = flag::register(signal, Arc::clone(&asked));
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn the_terminal_is_given_back_before_a_panic_is_told() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let ours = std::thread::current().id();
        let original = panic::take_hook();
        let told = Arc::clone(&order);
        panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == ours {
                told.lock().unwrap().push("told");
            } else {
                original(info);
            }
        }));
        let given = Arc::clone(&order);
        before_panic_message(move || {
            if std::thread::current().id() == ours {
                given.lock().unwrap().push("given back");
            }
        });
        let caught = panic::catch_unwind(|| panic!("on purpose"));
        drop(panic::take_hook());
        assert!(caught.is_err());
        assert_eq!(*order.lock().unwrap(), ["given back", "told"]);
    }
}
