//! `gitsieve hook pre-receive`: decides whether a push passes.

use super::{
    glass::Ledger,
    run::{End, Run},
    spool::{Spool, Unfinished},
};
use crate::{
    args::ReceiveArgs,
    cmd::scan::now,
    exit::{CliError, ExitStatus},
};
use scanner_core::{
    gate::{
        audit::AuditVerdict,
        break_glass::JudgeContext,
        policy::{AtDeadline, Mode, OnError},
        tell,
        verdict::{Cause, Outcome, Verdict, judge},
    },
    model::PushReport,
    report::{Redactor, printable},
    scan::{KnownRefs, NoObserver, PushInput, PushOrder},
};
use std::sync::atomic::AtomicBool;

/// Checks what is being pushed.
pub(crate) fn run(args: &ReceiveArgs, verbose: bool) -> ExitStatus {
    match Run::begin("pre-receive", args.policy.file(), verbose) {
        Ok(run) => run.pre_receive(args.sandbox),
        Err(ended) => ended,
    }
}

impl Run {
    fn pre_receive(mut self, sandboxed: bool) -> ExitStatus {
        if self.effective.mode == Mode::Off || self.updates.iter().all(|u| u.new.is_none()) {
            return self.pass_unseen();
        }
        let scanner = match self.scanner() {
            Ok(scanner) => scanner,
            Err(error) => return self.fail(&error, OnError::Closed),
        };
        let opened = Ledger::open(&self.effective).and_then(|ledger| Ok((ledger, self.spool()?)));
        let (mut ledger, spool) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.fail(&error, OnError::Closed),
        };
        let input = self.input();
        if sandboxed {
            self.close_sandbox(spool.as_ref());
        }
        let scanned = scanner.scan_push(&input, &NoObserver, &AtomicBool::new(false));
        // Taking rules and tables apart costs a millisecond that the process ends anyway.
        std::mem::forget(scanner);
        let push = match scanned {
            Ok(push) => push,
            Err(error) => {
                let on_error = self.effective.on_error;
                return self.fail(&CliError::from(error), on_error);
            }
        };
        let mut verdict = self.judge(&push, ledger.as_mut());
        if let Some(spool) = spool.filter(|_| needs_finishing(&verdict))
            && let Err(error) = spool.add(&self.unfinished(&push))
        {
            self.say(&error.to_string());
            let late = self.effective.at_deadline == AtDeadline::NewestFirst;
            if late && self.effective.mode == Mode::Enforce {
                // What passes to be scanned later must be known, or it never will be.
                verdict.causes.push(Cause::Deadline);
                verdict.outcome = Outcome::BlockedIncomplete;
            }
        }
        self.finish(&push, &verdict)
    }

    fn input(&self) -> PushInput {
        PushInput {
            path: self.surroundings.git_dir.clone(),
            environment: self.surroundings.objects.clone(),
            updates: self.updates.clone(),
            known: if self.effective.trust_alternate_refs {
                KnownRefs::OwnAndBorrowed
            } else {
                KnownRefs::Own
            },
            order: match self.effective.at_deadline {
                AtDeadline::NewestFirst => PushOrder::NewestFirst,
                AtDeadline::Closed | AtDeadline::Open => PushOrder::Stored,
            },
        }
    }

    /// Opens the spool, where the policy has one, for what passes and is scanned later. Nothing
    /// passes when a server only asks.
    pub(super) fn spool(&self) -> Result<Option<Spool>, CliError> {
        let asked = self.surroundings.dry_run;
        let directory = self.effective.spool.as_deref().filter(|_| !asked);
        let opened = directory.map(Spool::open).transpose();
        opened.map_err(|error| CliError::Usage(error.to_string()))
    }

    fn unfinished(&self, push: &PushReport) -> Unfinished {
        Unfinished {
            time: self.time,
            directory: self.surroundings.directory(),
            repository: printable(&self.surroundings.repository),
            user: self.surroundings.user.clone(),
            updates: self.updates.clone(),
            unscanned: push.unscanned.clone(),
        }
    }

    fn judge(&self, push: &PushReport, ledger: Option<&mut Ledger>) -> Verdict {
        let user = self.surroundings.user.as_deref();
        let options = self.surroundings.push_options.as_deref();
        let context = JudgeContext {
            now_seconds: now().unwrap_or_default(),
            user,
            push_options: options,
            ledger: None,
        };
        match ledger {
            Some(ledger) if !self.surroundings.dry_run => ledger.judge(
                &self.effective,
                push,
                context,
                &self.surroundings.repository,
            ),
            _ => judge(&self.effective, push, &context),
        }
    }

    /// Tells and records a verdict.
    fn finish(mut self, push: &PushReport, verdict: &Verdict) -> ExitStatus {
        let redactor = Redactor::of_report(&push.report);
        self.tell(push, verdict, &redactor);
        let exit = match verdict.outcome.exit_status() {
            0 => ExitStatus::Clean,
            1 => ExitStatus::Findings(1),
            _ => ExitStatus::Usage,
        };
        let end = End {
            verdict: tell::audit_verdict(&verdict.outcome),
            exit,
            scan: Some((push, verdict)),
            error: None,
        };
        match self.record(&end, &redactor) {
            Ok(()) => exit,
            Err(error) => self.unrecorded(&error, exit),
        }
    }

    /// Lets a push pass that brings nothing, or that the policy does not want to see.
    fn pass_unseen(mut self) -> ExitStatus {
        if self.updates.is_empty() && !self.surroundings.dry_run {
            self.say("no refs were given on standard input, so that there is nothing to check");
        }
        let end = End {
            verdict: AuditVerdict::Allowed,
            exit: ExitStatus::Clean,
            scan: None,
            error: None,
        };
        match self.record(&end, &Redactor::default()) {
            Ok(()) => ExitStatus::Clean,
            Err(error) => self.unrecorded(&error, ExitStatus::Clean),
        }
    }
}

/// Whether a push passes and something of it is still to be scanned.
fn needs_finishing(verdict: &Verdict) -> bool {
    verdict.outcome.passes() && verdict.unscanned.deadline
}
