//! `gitsieve hook post-receive`: scans what a deadline cut off, after the push.
//!
//! The push has passed, so that nothing can be blocked any more: who pushed is told, and the run
//! is recorded like the one that let it pass. An entry of the spool is removed when its commits
//! were looked at, and stays for the next run when this one is killed.

use super::{
    run::{End, Run},
    spool::Entry,
};
use crate::{
    args::PostReceiveArgs,
    cmd::scan::now,
    exit::{CliError, ExitStatus},
};
use scanner_core::{
    gate::{
        break_glass::JudgeContext,
        policy::{AtDeadline, Mode},
        tell,
        verdict::judge,
    },
    report::Redactor,
    scan::{KnownRefs, NoObserver, PushInput, Scanner},
    source::git::ObjectEnvironment,
};
use std::sync::atomic::AtomicBool;

/// Finishes what is left of pushes to this repository.
pub(crate) fn run(args: &PostReceiveArgs, verbose: bool) -> ExitStatus {
    match Run::begin("post-receive", args.policy.file(), verbose) {
        Ok(run) => run.post_receive(),
        Err(ended) => ended,
    }
}

impl Run {
    fn post_receive(mut self) -> ExitStatus {
        match self.finish_all() {
            Ok(()) => ExitStatus::Clean,
            Err(error) => {
                self.say(&error.to_string());
                ExitStatus::Usage
            }
        }
    }

    fn finish_all(&mut self) -> Result<(), CliError> {
        let usage = |error: &dyn std::fmt::Display| CliError::Usage(error.to_string());
        let Some(spool) = self.spool()? else {
            return Ok(());
        };
        let listing = spool
            .list(&self.surroundings.directory())
            .map_err(|error| usage(&error))?;
        for problem in &listing.unreadable {
            self.say(problem);
        }
        if listing.entries.is_empty() {
            return Ok(());
        }
        let scanner = self.builder()?.build()?;
        // Nothing waits for this any more.
        self.effective.at_deadline = AtDeadline::Open;
        for entry in &listing.entries {
            self.finish_one(&scanner, entry)?;
            entry.remove().map_err(|error| usage(&error))?;
        }
        Ok(())
    }

    fn finish_one(&mut self, scanner: &Scanner, entry: &Entry) -> Result<(), CliError> {
        let left = &entry.push;
        let input = PushInput {
            path: self.surroundings.git_dir.clone(),
            environment: ObjectEnvironment::default(),
            updates: left.updates.clone(),
            // Where time ran out before it was known what is new, that is found out now.
            known: if left.unscanned.is_empty() {
                KnownRefs::OwnBefore
            } else {
                KnownRefs::AllBut(left.unscanned.clone())
            },
            ..PushInput::default()
        };
        let push = scanner.scan_push(&input, &NoObserver, &AtomicBool::new(false))?;
        let context = JudgeContext {
            now_seconds: now().unwrap_or_default(),
            user: left.user.as_deref(),
            push_options: None,
            ledger: None,
        };
        // A verdict that blocks says here what would have been.
        self.effective.mode = Mode::Audit;
        let verdict = judge(&self.effective, &push, &context);
        let redactor = Redactor::of_report(&push.report);
        self.tell(&push, &verdict, &redactor);
        self.updates.clone_from(&left.updates);
        self.surroundings.user.clone_from(&left.user);
        let end = End {
            verdict: tell::audit_verdict(&verdict.outcome),
            exit: ExitStatus::Clean,
            scan: Some((&push, &verdict)),
            error: None,
        };
        self.open_courier();
        self.record(&end, &redactor).map_err(CliError::Usage)
    }
}
