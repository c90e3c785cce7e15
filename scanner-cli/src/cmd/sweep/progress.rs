//! Shows how a sweep goes.

use crate::output;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use scanner_core::report::printable;
use scanner_sweep::{
    store::VisitOutcome,
    sweep::{SweepObserver, Visited},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Time between two turns of what shows that something is alive.
const TICK: Duration = Duration::from_millis(120);

/// Tells of repositories as they come: a bar over all and a line for each that is being scanned on a
/// terminal, lines about what went wrong anywhere.
pub(super) struct Told {
    bars: Option<Bars>,
    verbose: bool,
    quiet: bool,
}

struct Bars {
    multi: MultiProgress,
    all: ProgressBar,
    running: Mutex<HashMap<String, ProgressBar>>,
}

impl Told {
    pub(super) fn new(draw: bool, verbose: bool, quiet: bool) -> Self {
        Self {
            bars: draw.then(Bars::new),
            verbose,
            quiet,
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            // A line between bars would be written over.
            Some(bars) => bars.multi.suspend(|| output::text(text)),
            None => output::text(text),
        }
    }
}

impl Bars {
    fn new() -> Self {
        let multi = MultiProgress::new();
        let all = multi.add(ProgressBar::new(0));
        let style = "{msg:24} [{bar:28}] {percent:>3} %  {human_pos}/{human_len}  {eta} left";
        let style = ProgressStyle::with_template(style);
        all.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        Self {
            multi,
            all,
            running: Mutex::default(),
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(bars) = &self.bars {
            bars.all.finish_and_clear();
            drop(bars.multi.clear());
        }
    }
}

impl SweepObserver for Told {
    fn surveying(&self, repositories: usize) {
        if let Some(bars) = &self.bars {
            bars.all.set_message("Looking at repositories");
            bars.all.set_length(repositories as u64);
        }
    }

    fn scanning(&self, repositories: usize) {
        if let Some(bars) = &self.bars {
            bars.all.set_message("Scanning repositories");
            bars.all.set_length(repositories as u64);
            bars.all.enable_steady_tick(TICK);
        }
    }

    fn begun(&self, name: &str) {
        if let Some(bars) = &self.bars {
            let bar = bars.multi.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("  {spinner} {elapsed:>4} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(printable(name.as_bytes()));
            bar.enable_steady_tick(TICK);
            let mut running = bars.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.insert(name.to_owned(), bar);
        }
    }

    fn ended(&self, name: &str, visited: &Visited) {
        if let Some(bars) = &self.bars {
            let mut running = bars.running.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bar) = running.remove(name) {
                bar.finish_and_clear();
            }
            bars.all.inc(1);
        }
        if self.quiet {
            return;
        }
        let message = visited.message.as_deref();
        match visited.outcome {
            VisitOutcome::Failed => {
                self.line(&format!(
                    "{name}: not scanned: {}",
                    message.unwrap_or_default()
                ));
            }
            VisitOutcome::Incomplete => {
                self.line(&format!(
                    "{name}: not scanned in full: {}",
                    message.unwrap_or_default()
                ));
            }
            VisitOutcome::Complete if self.verbose => {
                let (new, gone) = visited.findings;
                let objects = visited.objects;
                self.line(&format!(
                    "{name}: {objects} objects, {new} new findings, {gone} gone"
                ));
            }
            VisitOutcome::TakenOver => {
                self.line(&format!("{name}: another worker has taken it over"));
            }
            VisitOutcome::Complete => {}
        }
    }
}
