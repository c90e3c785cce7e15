//! `gitsieve hook pre-receive` and `post-receive`: one run of the gate.
//!
//! The order matters. What can fail for reasons of the server (policy, rules, log) comes first and
//! blocks, because a gate that does not know its policy must not let pass. Files are opened before
//! the sandbox closes. The verdict is made before anything is told or recorded, and everything that
//! is told or recorded comes from it.

use super::{
    audit::{AuditLog, Reopen, host_name},
    glass::Ledger,
    memory::PeakMemory,
    policy, sandbox,
    server::Surroundings,
};
use crate::{
    args::ReceiveArgs,
    cmd::scan::now,
    exit::{CliError, ExitStatus},
    plan::RulePlan,
    rules,
};
use scanner_core::{
    gate::{
        audit::{AuditOrigin, AuditRecord, AuditRun, AuditVerdict},
        break_glass::JudgeContext,
        message::{Message, Outcome as Shown},
        policy::{AtDeadline, Effective, Mode, OnError, Policy},
        tell::{self, Audience},
        updates,
        verdict::{Outcome, Verdict, judge},
    },
    model::{PushReport, RefUpdate},
    report::{Redactor, printable},
    rules::RuleSet,
    scan::{KnownRefs, NoObserver, PushInput, PushOrder, Scanner},
    source::git::Repository,
};
use std::{
    env,
    io::{self, Write},
    path::PathBuf,
    sync::atomic::AtomicBool,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A server that only asks what would be waits for the answer with a page open.
const DRY_RUN_DEADLINE: Duration = Duration::from_secs(1);

/// Least memory for content, however small the largest blob may be.
const LEAST_MEMORY_BYTES: u64 = 64 << 20;

/// One run.
struct Run {
    started: Instant,
    time: SystemTime,
    hook: &'static str,
    surroundings: Surroundings,
    updates: Vec<RefUpdate>,
    policy: Policy,
    effective: Effective,
    peak: PeakMemory,
    log: Option<AuditLog>,
    /// What the sandbox holds.
    sandbox: Option<sandbox::Report>,
    sandboxed: bool,
    verbose: bool,
}

/// How a run ended.
struct End<'a> {
    verdict: AuditVerdict,
    exit: ExitStatus,
    push: Option<&'a PushReport>,
    judged: Option<&'a Verdict>,
    error: Option<String>,
}

/// Checks what is being pushed.
pub(crate) fn pre_receive(args: &ReceiveArgs, verbose: bool) -> ExitStatus {
    let started = Instant::now();
    match Run::begin("pre-receive", started, args.policy.file(), verbose) {
        Ok(run) => run.pre_receive(args.sandbox),
        Err(error) => refuse(&error),
    }
}

/// Says why the gate could not be set up at all, which blocks: nobody knows what it would say.
fn refuse(error: &CliError) -> ExitStatus {
    let kind = Surroundings::read(|name| env::var_os(name)).map_or_else(
        |_| super::server::Kind::Git,
        |surroundings| surroundings.kind,
    );
    let mut message = Message::new(Shown::Blocked);
    message.server = kind.shows();
    message.failure = Some(error.to_string());
    show(&message.text(&Redactor::default()));
    ExitStatus::Usage
}

/// Writes to whoever pushes. Who has gone away need not be told.
fn show(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

impl Run {
    fn begin(
        hook: &'static str,
        started: Instant,
        policy: Option<&std::path::Path>,
        verbose: bool,
    ) -> Result<Self, CliError> {
        let time = SystemTime::now();
        let usage = |error: &dyn std::fmt::Display| CliError::Usage(error.to_string());
        let surroundings =
            Surroundings::read(|name| env::var_os(name)).map_err(|error| usage(&error))?;
        let input = updates::read(io::stdin().lock()).map_err(|error| usage(&error))?;
        let updates = updates::parse(&input).map_err(|error| usage(&error))?;
        let text = policy::read(policy)?;
        let origin = text.file.as_deref().unwrap_or("built-in policy");
        let policy = Policy::parse(&text.text, origin).map_err(|error| usage(&error))?;
        let mut effective = policy.for_repository(&surroundings.repository);
        if surroundings.dry_run {
            effective.deadline = effective.deadline.min(DRY_RUN_DEADLINE);
            effective.at_deadline = AtDeadline::Open;
        }
        Ok(Self {
            started,
            time,
            hook,
            surroundings,
            updates,
            policy,
            effective,
            peak: PeakMemory::open(),
            log: None,
            sandbox: None,
            sandboxed: false,
            verbose,
        })
    }

    fn pre_receive(mut self, sandboxed: bool) -> ExitStatus {
        self.sandboxed = sandboxed;
        if let Err(error) = self.open_log()
            && self.policy.audit().required
        {
            return self.fail(&error, OnError::Closed);
        }
        if self.effective.mode == Mode::Off || self.updates.iter().all(|u| u.new.is_none()) {
            return self.pass_unseen();
        }
        let prepared = self.prepare();
        let (scanner, input, mut ledger) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.fail(&error, OnError::Closed),
        };
        self.close_sandbox();
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
        let verdict = self.judge(&push, ledger.as_mut());
        self.finish(&push, &verdict)
    }

    /// Opens the audit log.
    fn open_log(&mut self) -> Result<(), CliError> {
        let host = host_name();
        if let Some(path) = self.policy.audit().path_on(&host) {
            let log = AuditLog::open(&path).map_err(|error| CliError::Usage(error.to_string()))?;
            self.log = Some(log);
        }
        Ok(())
    }

    /// Puts together what a scan needs.
    fn prepare(&self) -> Result<(Scanner, PushInput, Option<Ledger>), CliError> {
        let effective = &self.effective;
        let (mut rules, warnings) = rules::load(&RulePlan::from(&effective.rules))?;
        if self.verbose {
            for warning in warnings {
                self.say(&format!("warning: {warning}"));
            }
        }
        if effective.repository_config {
            rules = self.with_repository_config(rules);
        }
        let left = effective.deadline.saturating_sub(self.started.elapsed());
        let mut builder = Scanner::builder()
            .rules(rules)
            .threads(effective.threads)
            .max_blob_bytes(effective.max_blob_bytes)
            .max_memory_bytes(
                effective
                    .max_blob_bytes
                    .saturating_mul(2)
                    .max(LEAST_MEMORY_BYTES),
            )
            .min_confidence(effective.verdicts.least_confidence())
            .timeout(left);
        if let Some(now) = now() {
            builder = builder.now(now);
        }
        let ledger = Ledger::open(effective)?;
        let input = PushInput {
            path: self.surroundings.git_dir.clone(),
            environment: self.surroundings.objects.clone(),
            updates: self.updates.clone(),
            known: if effective.trust_alternate_refs {
                KnownRefs::OwnAndBorrowed
            } else {
                KnownRefs::Own
            },
            order: match effective.at_deadline {
                AtDeadline::NewestFirst => PushOrder::NewestFirst,
                AtDeadline::Closed | AtDeadline::Open => PushOrder::Stored,
            },
        };
        Ok((builder.build()?, input, ledger))
    }

    /// Adds the allowlists over all rules of the configuration that the default branch holds. Its
    /// rules are left alone: who may push there may say what is no secret, not what is looked for.
    fn with_repository_config(&self, rules: RuleSet) -> RuleSet {
        let repository = Repository::open(&self.surroundings.git_dir);
        let text = repository.map(|repository| {
            let names = crate::plan::CONFIG_NAMES.iter();
            names
                .filter_map(|name| repository.head_file(name.as_bytes()))
                .next()
        });
        let Ok(Some(text)) = text else { return rules };
        let text = String::from_utf8_lossy(&text);
        match RuleSet::parse(&text, "configuration of the default branch") {
            Ok(own) => {
                let mut allowlists = rules.allowlists().to_vec();
                allowlists.extend(own.rules.allowlists().iter().cloned());
                RuleSet::new(rules.rules().to_vec(), allowlists)
            }
            Err(_) => {
                self.say(
                    "note: the configuration of the default branch is not understood and not used",
                );
                rules
            }
        }
    }

    fn close_sandbox(&mut self) {
        if !self.sandboxed {
            return;
        }
        let mut read = vec![self.surroundings.git_dir.clone()];
        if let Ok(repository) = Repository::open(&self.surroundings.git_dir) {
            read.extend(repository.common_dir().map(ToOwned::to_owned));
            read.extend(repository.object_dirs().iter().cloned());
            if self.effective.trust_alternate_refs {
                let lenders = repository.object_dirs().iter().skip(1);
                read.extend(lenders.filter_map(|dir| dir.parent().map(ToOwned::to_owned)));
            }
        }
        read.extend(self.surroundings.objects.object_dir.clone());
        read.extend(self.surroundings.objects.alternates.iter().cloned());
        let write: Vec<PathBuf> = self.effective.spool.iter().cloned().collect();
        self.sandbox = Some(sandbox::apply(&sandbox::Request {
            read: &read,
            write: &write,
        }));
    }

    fn judge(&self, push: &PushReport, ledger: Option<&mut Ledger>) -> Verdict {
        let user = self.surroundings.user.as_deref();
        let options = self.surroundings.push_options.as_deref();
        let seconds = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let context = JudgeContext {
            now_seconds: seconds.as_secs() as i64,
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
        let message = tell::message(&self.effective, verdict, push, self.audience());
        let text = message.text(&redactor);
        let quiet = verdict.outcome == Outcome::Allowed && !self.verbose;
        if !quiet {
            show(&text);
        }
        let mut exit = match verdict.outcome.exit_status() {
            0 => ExitStatus::Clean,
            1 => ExitStatus::Findings(1),
            _ => ExitStatus::Usage,
        };
        let end = End {
            verdict: tell::audit_verdict(&verdict.outcome),
            exit,
            push: Some(push),
            judged: Some(verdict),
            error: None,
        };
        if let Err(error) = self.record(&end, &redactor) {
            exit = self.unrecorded(&error, exit);
        }
        exit
    }

    /// Lets a push pass that brings nothing, or that the policy does not want to see.
    fn pass_unseen(mut self) -> ExitStatus {
        if self.updates.is_empty() && !self.surroundings.dry_run {
            self.say(
                "note: no refs were given on standard input, so that there is nothing to check",
            );
        }
        let end = End {
            verdict: AuditVerdict::Allowed,
            exit: ExitStatus::Clean,
            push: None,
            judged: None,
            error: None,
        };
        match self.record(&end, &Redactor::default()) {
            Ok(()) => ExitStatus::Clean,
            Err(error) => self.unrecorded(&error, ExitStatus::Clean),
        }
    }

    /// Ends a run that could not do its work.
    fn fail(mut self, error: &CliError, on_error: OnError) -> ExitStatus {
        let passes = on_error == OnError::Open || self.effective.mode == Mode::Audit;
        let shown = if passes {
            Shown::Passed
        } else {
            Shown::Blocked
        };
        let mut message = Message::new(shown);
        message.server = self.surroundings.kind.shows();
        message.failure = Some(error.to_string());
        message.contact = self.effective.contact.clone();
        show(&message.text(&Redactor::default()));
        let exit = if passes {
            ExitStatus::Clean
        } else {
            ExitStatus::Usage
        };
        let end = End {
            verdict: if passes {
                AuditVerdict::AllowedIncomplete
            } else {
                AuditVerdict::Error
            },
            exit,
            push: None,
            judged: None,
            error: Some(error.to_string()),
        };
        // What cannot be recorded either is on the pusher's screen at least.
        let _ = self.record(&end, &Redactor::default());
        exit
    }

    /// What becomes of a run whose line could not be written.
    fn unrecorded(&self, error: &str, exit: ExitStatus) -> ExitStatus {
        if self.policy.audit().required && exit == ExitStatus::Clean {
            let mut message = Message::new(Shown::Blocked);
            message.server = self.surroundings.kind.shows();
            message.failure = Some(error.to_owned());
            show(&message.text(&Redactor::default()));
            return ExitStatus::Usage;
        }
        self.say(&format!("note: {error}"));
        exit
    }

    fn record(&mut self, end: &End<'_>, redactor: &Redactor) -> Result<(), String> {
        let configured = self.policy.audit().path.is_some();
        if !configured {
            return Ok(());
        }
        let line = self.line(end, redactor);
        let Some(log) = &mut self.log else {
            return Err("the audit log cannot be opened".to_owned());
        };
        let reopen = if self.sandbox.is_some() {
            Reopen::Forbidden
        } else {
            Reopen::Allowed
        };
        log.append(&line, reopen).map_err(|error| error.to_string())
    }

    fn line(&mut self, end: &End<'_>, redactor: &Redactor) -> Vec<u8> {
        let findings = match (end.judged, end.push) {
            (Some(verdict), Some(push)) => tell::audit_findings(verdict, push),
            _ => Vec::new(),
        };
        let receipt = end.push.map(|push| &push.report.receipt);
        let nanos = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let user = self.surroundings.user.as_deref();
        let record = AuditRecord {
            time: self.time,
            run_id: format!("{:x}-{:x}", nanos.as_nanos(), std::process::id()),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            origin: AuditOrigin {
                host: host_name(),
                repository: printable(&self.surroundings.repository),
                user: self.surroundings.user.clone(),
                server: self.surroundings.kind.as_str().to_owned(),
                trigger: self.surroundings.trigger.clone(),
                hook: self.hook.to_owned(),
                dry_run: self.surroundings.dry_run,
            },
            refs: &self.updates,
            receipt,
            commits: end.push.map_or(0, |push| push.commits),
            unscanned: end.push.map_or(0, |push| push.unscanned.len() as u64),
            verdict: end.verdict,
            exit: end.exit.code(),
            mode: self.effective.mode.as_str().to_owned(),
            policy_hash: self.policy.hash().to_owned(),
            run: AuditRun {
                duration_ms: self.started.elapsed().as_millis() as u64,
                deadline_ms: Some(self.effective.deadline.as_millis() as u64),
                bytes_expanded: receipt.map_or(0, |receipt| receipt.bytes),
                bytes_stored: end.push.map_or(0, |push| push.stored_bytes),
                peak_rss_kib: self.peak.kib(),
                threads: self.effective.threads,
                sandbox: match &self.sandbox {
                    Some(report) => report.to_string(),
                    None => "off".to_owned(),
                },
            },
            bypass: end
                .judged
                .and_then(|verdict| tell::audit_bypass(&verdict.outcome, user)),
            suppressed: end.judged.map_or(0, |verdict| {
                let counts = verdict.counts;
                counts.allowed + counts.inline_allowed + counts.off
            }),
            findings: &findings,
            error: end.error.clone(),
        };
        record.to_line(redactor)
    }

    fn audience(&self) -> Audience<'_> {
        Audience {
            user: self.surroundings.user.as_deref(),
            push_options_negotiated: self.surroundings.push_options.is_some(),
            server: self.surroundings.kind.shows(),
        }
    }

    /// Says one thing to whoever pushes.
    fn say(&self, text: &str) {
        let mut message = Message::new(Shown::Passed);
        message.server = self.surroundings.kind.shows();
        message.notes = vec![text.trim_start_matches("note: ").to_owned()];
        show(&message.text(&Redactor::default()));
    }
}
