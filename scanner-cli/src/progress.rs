//! Progress on standard error.
//!
//! Scanning threads only add to two counters; a thread of its own looks at them a few times a
//! second and draws. A scan that is over before the first look draws nothing at all.

use indicatif::{
    DecimalBytes, HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle,
};
use scanner_core::scan::{Observer, Phase};
use std::{
    fmt::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Time before anything is drawn: most scans of a small repository are over by then.
const FIRST_LOOK: Duration = Duration::from_millis(300);
/// Time between looks.
const LOOK: Duration = Duration::from_millis(100);

/// Draws until dropped, and then clears what it drew.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    objects: AtomicU64,
    bytes: AtomicU64,
    over: AtomicBool,
    /// The running phase, with a number that tells it from the one before.
    phase: Mutex<(u32, Option<PhaseInfo>)>,
}

#[derive(Debug, Clone, Copy)]
struct PhaseInfo {
    phase: Phase,
    objects: u64,
    bytes: u64,
    began: Instant,
}

impl Progress {
    pub(crate) fn start() -> Self {
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("progress".into())
            .spawn(move || draw(&shared));
        // Without a thread there is no progress to see, and the scan is none the worse.
        Self {
            state,
            thread: thread.ok(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Observer for Progress {
    fn phase(&self, phase: Phase, objects: u64, bytes: u64) {
        let mut current = self
            .state
            .phase
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.state.objects.store(0, Ordering::Relaxed);
        self.state.bytes.store(0, Ordering::Relaxed);
        *current = (
            current.0.wrapping_add(1),
            Some(PhaseInfo {
                phase,
                objects,
                bytes,
                began: Instant::now(),
            }),
        );
    }

    fn progress(&self, objects: u64, bytes: u64) {
        self.state.objects.fetch_add(objects, Ordering::Relaxed);
        self.state.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn draw(state: &State) {
    let mut bar: Option<(u32, PhaseInfo, ProgressBar)> = None;
    thread::park_timeout(FIRST_LOOK);
    while !state.over.load(Ordering::Acquire) {
        let (number, info) = *state.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(info) = info
            && bar.as_ref().is_none_or(|(shown, ..)| *shown != number)
        {
            if let Some((.., old)) = bar.take() {
                old.finish_and_clear();
            }
            bar = Some((number, info, bar_for(info)));
        }
        if let Some((_, info, bar)) = &bar {
            let (objects, bytes) = (
                state.objects.load(Ordering::Relaxed),
                state.bytes.load(Ordering::Relaxed),
            );
            bar.set_position(if info.counts_bytes() { bytes } else { objects });
        }
        thread::park_timeout(LOOK);
    }
    if let Some((.., bar)) = bar {
        bar.finish_and_clear();
    }
}

impl PhaseInfo {
    /// Bytes say best how far a phase is; objects where bytes are not known ahead.
    fn counts_bytes(self) -> bool {
        self.bytes > 0 || self.objects == 0 && matches!(self.phase, Phase::Blobs | Phase::Files)
    }

    /// Units a second since the phase began. Indicatif's own estimate would begin at the first
    /// look, with a leap.
    fn rate(self, position: u64) -> u64 {
        let elapsed_ms = self.began.elapsed().as_millis().max(1);
        u64::try_from(u128::from(position) * 1000 / elapsed_ms).unwrap_or(u64::MAX)
    }

    fn template(self) -> &'static str {
        match (self.counts_bytes(), self.bytes.max(self.objects) > 0) {
            (true, true) => {
                "{msg:24} [{bar:28}] {percent:>3} %  {decimal_bytes}/{decimal_total_bytes}  {rate}  {left}"
            }
            (true, false) => "{msg:24} {spinner} {decimal_bytes}  {rate}",
            (false, true) => {
                "{msg:24} [{bar:28}] {percent:>3} %  {human_pos}/{human_len}  {rate}  {left}"
            }
            (false, false) => "{msg:24} {spinner} {human_pos}",
        }
    }

    fn label(self) -> &'static str {
        match self.phase {
            Phase::Index => "Reading indexes",
            Phase::Blobs => "Scanning blobs",
            Phase::Trees => "Reading trees",
            Phase::Commits => "Scanning commits",
            Phase::Attribution => "Naming commits",
            Phase::Files => "Scanning files",
        }
    }
}

fn bar_for(info: PhaseInfo) -> ProgressBar {
    let total = if info.counts_bytes() {
        info.bytes
    } else {
        info.objects
    };
    let bar = if total > 0 {
        ProgressBar::new(total)
    } else {
        ProgressBar::new_spinner()
    };
    let style = ProgressStyle::with_template(info.template())
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", move |state: &ProgressState, out: &mut dyn Write| {
            let rate = info.rate(state.pos());
            let _ = if info.counts_bytes() {
                write!(out, "{}/s", DecimalBytes(rate))
            } else {
                write!(out, "{}/s", HumanCount(rate))
            };
        })
        .with_key("left", move |state: &ProgressState, out: &mut dyn Write| {
            let total = state.len().unwrap_or_default();
            let left = total.saturating_sub(state.pos()) / info.rate(state.pos()).max(1);
            let _ = write!(out, "{:#} left", HumanDuration(Duration::from_secs(left)));
        })
        .progress_chars("=> ");
    bar.with_style(style).with_message(info.label())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [Phase; 6] = [
        Phase::Index,
        Phase::Blobs,
        Phase::Trees,
        Phase::Commits,
        Phase::Attribution,
        Phase::Files,
    ];

    #[test]
    fn every_phase_has_a_template_that_parses() {
        for phase in PHASES {
            for (objects, bytes) in [(0, 0), (5, 0), (0, 5), (5, 5)] {
                let info = PhaseInfo {
                    phase,
                    objects,
                    bytes,
                    began: Instant::now(),
                };
                assert!(ProgressStyle::with_template(info.template()).is_ok());
                assert!(bytes > 0 || objects == 0 || !info.counts_bytes());
            }
        }
    }

    #[test]
    fn a_new_phase_starts_counting_anew_and_dropping_ends_the_thread() {
        let progress = Progress::start();
        progress.phase(Phase::Blobs, 10, 100);
        progress.progress(1, 50);
        assert_eq!(progress.state.bytes.load(Ordering::Relaxed), 50);
        progress.phase(Phase::Trees, 10, 0);
        assert_eq!(progress.state.bytes.load(Ordering::Relaxed), 0);
        let state = Arc::clone(&progress.state);
        drop(progress);
        assert_eq!(Arc::strong_count(&state), 1);
    }
}
