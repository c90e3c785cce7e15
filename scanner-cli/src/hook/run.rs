//! One run of the gate: what both hooks of a server share.
//!
//! The order matters. What can fail for reasons of the server (policy, rules, log) comes first and
//! blocks, because a gate that does not know its policy must not let pass. Files are opened before
//! the sandbox closes. The verdict is made before anything is told or recorded, and everything that
//! is told or recorded comes from it.

use super::{
    audit::{AuditLog, Reopen, host_name},
    courier::{Courier, Sinks},
    memory::PeakMemory,
    policy, sandbox,
    server::{Kind, Surroundings},
    spool::Spool,
};
use crate::{
    cmd::scan::now,
    exit::{CliError, ExitStatus},
    plan::{CONFIG_NAMES, RulePlan},
    rules,
};
use scanner_core::{
    gate::{
        audit::{AuditOrigin, AuditRecord, AuditRun, AuditVerdict},
        message::{Message, Outcome as Shown},
        policy::{AtDeadline, Effective, Mode, OnError, Policy},
        tell::{self, Audience},
        updates,
        verdict::{Outcome, Verdict},
    },
    model::{PushReport, RefUpdate},
    report::{Redactor, printable},
    rules::RuleSet,
    scan::{Scanner, ScannerBuilder},
    source::git::Repository,
};
use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A server that only asks what would be waits for the answer with a page open.
const DRY_RUN_DEADLINE: Duration = Duration::from_secs(1);

/// Least memory for content, however small the largest blob may be.
const LEAST_MEMORY_BYTES: u64 = 64 << 20;

/// One run.
pub(super) struct Run {
    pub(super) started: Instant,
    pub(super) time: SystemTime,
    hook: &'static str,
    pub(super) surroundings: Surroundings,
    pub(super) updates: Vec<RefUpdate>,
    policy: Policy,
    pub(super) effective: Effective,
    peak: PeakMemory,
    log: Option<AuditLog>,
    courier: Option<Courier>,
    /// What the sandbox holds; `None` where none was asked for.
    sandbox: Option<sandbox::Report>,
    pub(super) verbose: bool,
}

/// How a run ended.
pub(super) struct End<'a> {
    pub(super) verdict: AuditVerdict,
    pub(super) exit: ExitStatus,
    /// What was found and what was said of it, where a scan was made.
    pub(super) scan: Option<(&'a PushReport, &'a Verdict)>,
    pub(super) error: Option<String>,
}

/// Reads the environment and the policy.
fn setting(policy: Option<&Path>) -> Result<(Surroundings, Policy), CliError> {
    let usage = |error: &dyn std::fmt::Display| CliError::Usage(error.to_string());
    let surroundings =
        Surroundings::read(|name| env::var_os(name)).map_err(|error| usage(&error))?;
    let text = policy::read(policy)?;
    let origin = text.file.as_deref().unwrap_or("built-in policy");
    let policy = Policy::parse(&text.text, origin).map_err(|error| usage(&error))?;
    Ok((surroundings, policy))
}

/// An error in one line, as what git shows has.
fn one_line(error: &CliError) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ")
}

/// Says why the gate could not be set up at all, which blocks: nobody knows what it would say.
fn refuse(error: &CliError) -> ExitStatus {
    let kind = Surroundings::read(|name| env::var_os(name))
        .map_or_else(|_| Kind::Git, |surroundings| surroundings.kind);
    show_failure(Shown::Blocked, kind, one_line(error), None);
    ExitStatus::Usage
}

/// Says what kept the gate from its work, and whom to ask.
fn show_failure(outcome: Shown, server: Kind, failure: String, contact: Option<String>) {
    let mut message = Message::new(outcome);
    message.server = server.shows();
    message.failure = Some(failure);
    message.contact = contact;
    show(&message.text(&Redactor::default()));
}

/// Writes to whoever pushes. Who has gone away need not be told.
fn show(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

impl Run {
    /// Reads what git and the server say, and the policy, and opens what the run is recorded in.
    /// Where any of that fails, the run has ended: nothing may pass.
    pub(super) fn begin(
        hook: &'static str,
        policy: Option<&Path>,
        verbose: bool,
    ) -> Result<Self, ExitStatus> {
        let (started, time) = (Instant::now(), SystemTime::now());
        let (surroundings, policy) = setting(policy).map_err(|error| refuse(&error))?;
        let mut effective = policy.for_repository(&surroundings.repository);
        if surroundings.dry_run {
            effective.deadline = effective.deadline.min(DRY_RUN_DEADLINE);
            effective.at_deadline = AtDeadline::Open;
        }
        let mut run = Self {
            started,
            time,
            hook,
            surroundings,
            updates: Vec::new(),
            policy,
            effective,
            peak: PeakMemory::open(),
            log: None,
            courier: None,
            sandbox: None,
            verbose,
        };
        let input = updates::read(io::stdin().lock());
        let updates = input.and_then(|input| updates::parse(&input));
        let updates = updates.map_err(|error| CliError::Usage(error.to_string()));
        match run.open_records().and(updates) {
            Ok(updates) => {
                run.updates = updates;
                Ok(run)
            }
            Err(error) => Err(run.fail(&error, OnError::Closed)),
        }
    }

    /// Opens what runs are recorded in. What cannot be opened is an error only where the policy
    /// asks for records.
    fn open_records(&mut self) -> Result<(), CliError> {
        let host = host_name();
        let audit = self.policy.audit();
        if let Some(path) = audit.path_on(&host) {
            match AuditLog::open(&path) {
                Ok(log) => self.log = Some(log),
                Err(error) if audit.required => return Err(CliError::Usage(error.to_string())),
                Err(_) => {}
            }
        }
        self.open_courier();
        Ok(())
    }

    /// Starts the sender of audit lines, where the policy has somewhere to send one, unless one
    /// waits already. It sends a single line.
    pub(super) fn open_courier(&mut self) {
        let sinks = Sinks::new(self.policy.audit(), host_name());
        if self.courier.is_none() && !sinks.is_empty() {
            let own = env::current_exe().map_err(|error| error.to_string());
            let started = own.and_then(|own| {
                let mut command = Command::new(own);
                command.args(["hook", "courier"]);
                Courier::start(command, sinks)
            });
            match started {
                Ok(courier) => self.courier = Some(courier),
                Err(error) if self.verbose => self.say(&error),
                Err(_) => {}
            }
        }
    }

    /// A scanner as the policy wants it, with what is left of the time.
    pub(super) fn scanner(&self) -> Result<Scanner, CliError> {
        let left = self
            .effective
            .deadline
            .saturating_sub(self.started.elapsed());
        Ok(self.builder()?.timeout(left).build()?)
    }

    /// A scanner as the policy wants it, with all the time in the world.
    pub(super) fn builder(&self) -> Result<ScannerBuilder, CliError> {
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
        let memory = effective.max_blob_bytes.saturating_mul(2);
        let mut builder = Scanner::builder()
            .rules(rules)
            .threads(effective.threads)
            .max_blob_bytes(effective.max_blob_bytes)
            .max_memory_bytes(memory.max(LEAST_MEMORY_BYTES))
            .min_confidence(effective.verdicts.least_confidence());
        if let Some(now) = now() {
            builder = builder.now(now);
        }
        Ok(builder)
    }

    /// Adds the allowlists over all rules of the configuration that the default branch holds. Its
    /// rules are left alone: who may push there may say what is no secret, not what is looked for.
    fn with_repository_config(&self, rules: RuleSet) -> RuleSet {
        let repository = Repository::open(&self.surroundings.git_dir);
        let text = repository.map(|repository| {
            let mut names = CONFIG_NAMES.iter();
            names.find_map(|name| repository.head_file(name.as_bytes()))
        });
        let Ok(Some(text)) = text else { return rules };
        let text = String::from_utf8_lossy(&text);
        let Ok(own) = RuleSet::parse(&text, "configuration of the default branch") else {
            self.say("the configuration of the default branch is not understood and not used");
            return rules;
        };
        rules.with_allowlists(own.rules.allowlists())
    }

    /// Takes from the process what the rest of the run does not need.
    pub(super) fn close_sandbox(&mut self, spool: Option<&Spool>) {
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
        let write: Vec<PathBuf> = spool.iter().map(|s| s.directory().to_owned()).collect();
        self.sandbox = Some(sandbox::apply(&sandbox::Request {
            read: &read,
            write: &write,
        }));
    }

    /// Ends a run that could not do its work.
    pub(super) fn fail(mut self, error: &CliError, on_error: OnError) -> ExitStatus {
        let passes = on_error == OnError::Open || self.effective.mode == Mode::Audit;
        let shown = if passes {
            Shown::Passed
        } else {
            Shown::Blocked
        };
        let contact = self.effective.contact.clone();
        show_failure(shown, self.surroundings.kind, one_line(error), contact);
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
            scan: None,
            error: Some(one_line(error)),
        };
        // What cannot be recorded either is on the pusher's screen at least.
        let _ = self.record(&end, &Redactor::default());
        exit
    }

    /// What becomes of a run whose line could not be written.
    pub(super) fn unrecorded(&self, error: &str, exit: ExitStatus) -> ExitStatus {
        if self.policy.audit().required && exit == ExitStatus::Clean {
            let kind = self.surroundings.kind;
            show_failure(Shown::Blocked, kind, error.to_owned(), None);
            return ExitStatus::Usage;
        }
        if self.verbose {
            self.say(error);
        }
        exit
    }

    /// Puts a run down, in the log and wherever else the policy says.
    ///
    /// # Errors
    /// Where the log does not have it.
    pub(super) fn record(&mut self, end: &End<'_>, redactor: &Redactor) -> Result<(), String> {
        let to_log = self.policy.audit().path.is_some();
        if !to_log && self.courier.is_none() {
            return Ok(());
        }
        let line = self.line(end, redactor);
        let written = match &mut self.log {
            Some(log) => {
                let reopen = if self.sandbox.is_some() {
                    Reopen::Forbidden
                } else {
                    Reopen::Allowed
                };
                log.append(&line, reopen).map_err(|error| error.to_string())
            }
            None if to_log => Err("the audit log cannot be opened".to_owned()),
            None => Ok(()),
        };
        if let Some(courier) = self.courier.take() {
            for failure in courier.deliver(&line) {
                if self.verbose {
                    self.say(&failure);
                }
            }
        }
        written
    }

    fn line(&mut self, end: &End<'_>, redactor: &Redactor) -> Vec<u8> {
        let (push, verdict) = (end.scan.map(|scan| scan.0), end.scan.map(|scan| scan.1));
        let findings = end
            .scan
            .map(|(push, verdict)| tell::audit_findings(verdict, push))
            .unwrap_or_default();
        let receipt = push.map(|push| &push.report.receipt);
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
            commits: push.map_or(0, |push| push.commits),
            unscanned: push.map_or(0, |push| push.unscanned.len() as u64),
            verdict: end.verdict,
            exit: end.exit.code(),
            mode: self.effective.mode.as_str().to_owned(),
            policy_hash: self.policy.hash().to_owned(),
            run: AuditRun {
                duration_ms: self.started.elapsed().as_millis() as u64,
                deadline_ms: Some(self.effective.deadline.as_millis() as u64),
                bytes_expanded: receipt.map_or(0, |receipt| receipt.bytes),
                bytes_stored: push.map_or(0, |push| push.stored_bytes),
                peak_rss_kib: self.peak.kib(),
                threads: self.effective.threads,
                sandbox: match &self.sandbox {
                    Some(report) => report.to_string(),
                    None => "off".to_owned(),
                },
            },
            bypass: verdict.and_then(|verdict| tell::audit_bypass(&verdict.outcome, user)),
            suppressed: verdict.map_or(0, |verdict| {
                let counts = verdict.counts;
                counts.allowed + counts.inline_allowed + counts.off
            }),
            findings: &findings,
            error: end.error.clone(),
        };
        record.to_line(redactor)
    }

    /// Tells whoever pushes of a verdict. Of a push that simply passes there is nothing to tell, and
    /// what a text would need is not looked up.
    pub(super) fn tell(&self, push: &PushReport, verdict: &Verdict, redactor: &Redactor) {
        if verdict.outcome == Outcome::Allowed && !self.verbose {
            return;
        }
        let audience = Audience {
            user: self.surroundings.user.as_deref(),
            push_options_negotiated: self.surroundings.takes_push_options(),
            server: self.surroundings.kind.shows(),
        };
        let message = tell::message(&self.effective, verdict, push, audience);
        show(&message.text(redactor));
    }

    /// Says one thing to whoever pushes.
    pub(super) fn say(&self, text: &str) {
        let mut message = Message::new(Shown::Passed);
        message.server = self.surroundings.kind.shows();
        message.notes = vec![text.to_owned()];
        show(&message.text(&Redactor::default()));
    }
}
