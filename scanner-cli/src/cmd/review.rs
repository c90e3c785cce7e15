//! `gitsieve review`: goes through findings on a terminal.

use super::{decisions, scan};
use crate::{
    exit::{CliError, ExitStatus},
    output::{self, Destination},
    plan::{Origin, ReviewPlan},
    review::{Contents, Ended, Model, Session, Verdict},
};
use scanner_core::{
    model::rfc3339,
    report::Redactor,
    triage::{Baseline, Decision, InvalidDay},
};
use std::path::Path;

pub(crate) fn run(plan: ReviewPlan) -> Result<ExitStatus, CliError> {
    let ReviewPlan {
        origin,
        root,
        baseline: file,
        style,
        quiet,
    } = plan;
    let (report, redactor) = match origin {
        Origin::Scan(mut plan) => {
            let report = scan::found(&mut plan)?.0;
            let redactor = Redactor::of_report(&report);
            (report, redactor)
        }
        Origin::Report { from, triage } => {
            let mut report = decisions::report_of(&from)?.report;
            let key_id = report.receipt.fingerprint_key.clone();
            decisions::load(&triage, key_id.as_deref())?.apply(&mut report);
            // What is read back holds no secret.
            (report, Redactor::default())
        }
    };
    if !report.receipt.complete && !quiet {
        output::notice("INCOMPLETE: not everything was looked at, so there may be more");
    }
    let key_id = report.receipt.fingerprint_key.clone();
    let baseline = existing(&file, key_id.as_deref())?;
    if !quiet {
        baseline.repeated().iter().for_each(|problem| {
            output::notice(&format!("warning: {problem}"));
        });
    }
    let contents = Contents::new(&report, Some(&root));
    let model = Model::new(report, redactor, &baseline, today());
    let mut save =
        |model: &Model| write(model, &file, key_id.as_deref()).map_err(|error| error.to_string());
    let ended = Session::new(model, contents, style, &mut save).run();
    match ended.map_err(|source| Destination::Stdout.error(source))? {
        Ended::Killed { unsaved } if unsaved > 0 => {
            output::notice(&format!(
                "ended by a signal; decisions not written: {unsaved}"
            ));
            Ok(ExitStatus::Incomplete)
        }
        Ended::Killed { .. } | Ended::Left => Ok(ExitStatus::Clean),
    }
}

/// `YYYY-MM-DD`, UTC.
fn today() -> Option<String> {
    let mut text = rfc3339(scan::now()?, 0)?;
    text.truncate("2026-12-31".len());
    Some(text)
}

/// The baseline as it is now, or an empty one.
fn existing(file: &Path, key_id: Option<&str>) -> Result<Baseline, CliError> {
    if file.symlink_metadata().is_ok() {
        return decisions::baseline_of(file, key_id);
    }
    Ok(Baseline::new(&file.display().to_string(), key_id))
}

/// Writes what changed into the baseline as it is in the file by now: somebody may have changed it
/// meanwhile.
fn write(model: &Model, file: &Path, key_id: Option<&str>) -> Result<(), CliError> {
    let mut baseline = existing(file, key_id)?;
    let changes = model.changes();
    let decisions: Vec<Option<Decision>> = changes
        .iter()
        .map(|(_, verdict)| verdict.map(Verdict::decision).transpose())
        .collect::<Result<_, InvalidDay>>()
        .map_err(|error| CliError::Usage(error.to_string()))?;
    let pairs = changes.iter().zip(&decisions);
    baseline.revise(
        pairs.map(|((finding, _), decision)| (*finding, decision.as_ref())),
        model.redactor(),
        scan::now(),
    );
    Destination::File(file.to_owned())
        .write_all(&baseline.text())
        .map(drop)
}
