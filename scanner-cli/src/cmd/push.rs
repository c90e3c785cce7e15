//! Checks what is about to be pushed, on the machine that pushes.

use super::{
    decisions,
    scan::{now, scanner},
};
use crate::{
    exit::{CliError, ExitStatus},
    interrupt,
    output::{self, Destination},
    plan::{PushPlan, ScanPlan},
};
use scanner_core::{
    gate::{
        break_glass::JudgeContext,
        message::Server,
        policy::Policy,
        tell::{self, Audience},
        updates,
        verdict::{Ruling, judge},
    },
    model::{Confidence, Finding, PushReport, Report, Severity, SuppressedBy},
    report::Redactor,
    scan::{NoObserver, PushInput},
};
use std::io::{self, Write};

pub(crate) fn run(plan: &ScanPlan, push: &PushPlan) -> Result<ExitStatus, CliError> {
    let usage = |error: &dyn std::fmt::Display| CliError::Usage(error.to_string());
    let input = updates::read(io::stdin().lock()).map_err(|error| usage(&error))?;
    let updates = updates::parse_pre_push(&input).map_err(|error| usage(&error))?;
    if updates.iter().all(|update| update.new.is_none()) {
        return Ok(ExitStatus::Clean);
    }
    let scanner = scanner(plan)?;
    let interrupted = interrupt::on_signal();
    let input = PushInput {
        path: push.path.clone(),
        environment: push.objects.clone(),
        updates,
        known: push.known.clone(),
        ..PushInput::default()
    };
    let key = scanner.fingerprint_key().id();
    let triage = decisions::load(&plan.triage, key.as_deref())?;
    let mut found = scanner.scan_push(&input, &NoObserver, &interrupted)?;
    let outcome = triage.apply(&mut found.report);
    // Taking rules and tables apart costs a millisecond that the process ends anyway.
    std::mem::forget(scanner);
    let decided = leave_out_decided(&mut found);
    let policy = policy(plan.exit.fail_on, plan.min_confidence);
    let policy = Policy::parse(&policy, "pre-push").map_err(|error| usage(&error))?;
    let effective = policy.for_all_others();
    let context = JudgeContext {
        now_seconds: now().unwrap_or_default(),
        user: None,
        push_options: None,
        ledger: None,
    };
    let verdict = judge(&effective, &found, &context);
    let findings = found.report.findings.iter().zip(&verdict.findings);
    let counted = Report {
        findings: findings
            .filter(|(_, judged)| matches!(judged.ruling, Ruling::Block | Ruling::Warn))
            .map(|(finding, _)| finding.clone())
            .collect(),
        receipt: found.report.receipt.clone(),
    };
    let status = ExitStatus::of_report(&counted, plan.exit);
    let audience = Audience {
        user: None,
        push_options_negotiated: false,
        server: Server::Local,
    };
    let message = tell::message(&effective, &verdict, &found, audience);
    let quiet = status == ExitStatus::Clean && plan.quiet;
    if !quiet {
        for notice in &plan.notices {
            output::notice(notice);
        }
        decisions::tell(&outcome, &plan.triage, &found.report, plan.verbose);
        if decided > 0 {
            output::notice(&format!(
                "let pass by the ignore file or a baseline: {decided} of the secrets in this push"
            ));
        }
        let text = message.text(&Redactor::of_report(&found.report));
        io::stderr()
            .write_all(text.as_bytes())
            .map_err(|error| Destination::Stdout.error(error))?;
    }
    Ok(status)
}

/// Leaves out what the ignore file or a baseline lets pass, and says how many that were. Comments
/// stay in: the policy has its own words for them.
fn leave_out_decided(found: &mut PushReport) -> usize {
    let report = &mut found.report;
    let before = report.findings.len();
    let decided = |f: &Finding| {
        let by = f.suppression.as_ref().map(|s| s.by);
        by.is_some_and(|by| by != SuppressedBy::Comment)
    };
    let keep: Vec<bool> = report.findings.iter().map(|f| !decided(f)).collect();
    for (finding, allowed) in report.findings.iter_mut().zip(&mut found.inline_allowed) {
        finding.suppression = None;
        for (occurrence, allowed) in finding.occurrences.iter().zip(allowed) {
            *allowed = occurrence.allowed_by.is_some() && !occurrence.path.is_empty();
        }
    }
    retain(&mut report.findings, &keep);
    retain(&mut found.novelty, &keep);
    retain(&mut found.inline_allowed, &keep);
    before - report.findings.len()
}

/// Keeps the items that have a `true` at their index.
fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next().is_none_or(|keep| *keep));
}

/// The policy that the options come to. What a partial clone lacks does not stop a push that does
/// not bring it either: the exit status sees to `--require-complete`.
fn policy(fail_on: Severity, least: Confidence) -> String {
    let mut text = "inline-comments = true\non-error = \"open\"\nat-deadline = \"open\"\n\
                    [verdict]\n"
        .to_owned();
    for severity in [
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ] {
        let action = if severity >= fail_on { "block" } else { "warn" };
        let of = |confidence| if confidence >= least { action } else { "off" };
        let line = format!(
            "{} = {{ high = \"{}\", medium = \"{}\", low = \"{}\" }}\n",
            severity.as_str(),
            of(Confidence::High),
            of(Confidence::Medium),
            of(Confidence::Low)
        );
        text.push_str(&line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use scanner_core::gate::policy::Action;

    #[test]
    fn options_become_a_policy() {
        let text = policy(Severity::High, Confidence::Medium);
        let effective = Policy::parse(&text, "test").unwrap().for_all_others();
        let action = |severity, confidence| effective.verdicts.action(severity, confidence);
        assert_eq!(
            action(Severity::Critical, Confidence::Medium),
            Action::Block
        );
        assert_eq!(action(Severity::Medium, Confidence::High), Action::Warn);
        assert_eq!(action(Severity::Critical, Confidence::Low), Action::Off);
    }
}
