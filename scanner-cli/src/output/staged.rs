//! What a developer sees whose commit is stopped: what, where, and the ways on. Short, because it
//! stands between two commands.

use super::{
    human::{HumanOptions, HumanReporter, count},
    style::{Role, Style},
};
use scanner_core::{
    model::{Finding, Novelty, Report, Severity, StagedReport, SuppressedBy},
    report::{Redactor, Reporter},
};
use std::{
    io::{self, Write},
    time::Duration,
};

/// Files named in the commands that are proposed.
const FILES_SHOWN: usize = 3;
/// Places of secrets that do not count.
const PLACES_SHOWN: usize = 3;

/// What is staged, sorted by what follows from it.
#[derive(Debug)]
pub(crate) struct Staged {
    /// What the commit brings, with the places that no comment lets pass.
    introduced: Report,
    /// What `HEAD` has already.
    old: Vec<Finding>,
    /// What comments let pass, with those places.
    allowed: Vec<Finding>,
    /// What the ignore file or a baseline lets pass.
    decided: Vec<Finding>,
    /// Knows all secrets of all of these.
    redactor: Redactor,
    /// There is no commit yet.
    unborn: bool,
}

/// How to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StagedOptions {
    pub(crate) style: Style,
    /// Every place and problem, and a word when all is well.
    pub(crate) verbose: bool,
    /// Whether the commit is stopped.
    pub(crate) stopped: bool,
    /// Least severity that stops it.
    pub(crate) least: Severity,
    pub(crate) elapsed: Duration,
}

impl Staged {
    pub(crate) fn new(found: StagedReport) -> Self {
        let StagedReport { report, novelty } = found;
        let redactor = Redactor::of_report(&report);
        let unborn = report.receipt.tips.is_empty();
        let mut staged = Self {
            introduced: Report {
                findings: Vec::new(),
                receipt: report.receipt,
            },
            old: Vec::new(),
            allowed: Vec::new(),
            decided: Vec::new(),
            redactor,
            unborn,
        };
        for (finding, novelty) in report.findings.into_iter().zip(novelty) {
            if novelty == Novelty::Old {
                staged.old.push(finding);
                continue;
            }
            let by = finding.suppression.as_ref().map(|s| s.by);
            if by.is_some_and(|by| by != SuppressedBy::Comment) {
                staged.decided.push(finding);
                continue;
            }
            let only = |by: fn(Option<SuppressedBy>) -> bool| {
                let mut part = finding.clone();
                part.occurrences.retain(|o| by(o.allowed_by));
                (!part.occurrences.is_empty()).then_some(part)
            };
            let by_comment = only(|by| by == Some(SuppressedBy::Comment));
            let by_file = only(|by| by.is_some_and(|by| by != SuppressedBy::Comment));
            staged.allowed.extend(by_comment);
            staged.decided.extend(by_file);
            staged.introduced.findings.extend(only(|by| by.is_none()));
        }
        staged
    }

    /// What decides.
    pub(crate) fn introduced(&self) -> &Report {
        &self.introduced
    }

    /// Whether there is anything to tell.
    pub(crate) fn is_worth_a_word(&self) -> bool {
        let any = |findings: &[Finding]| !findings.is_empty();
        any(&self.introduced.findings)
            || any(&self.old)
            || any(&self.allowed)
            || any(&self.decided)
            || !self.introduced.receipt.complete
    }

    /// Tells it.
    pub(crate) fn write(&self, out: &mut Vec<u8>, options: StagedOptions) -> io::Result<()> {
        let style = options.style;
        let findings = &self.introduced.findings;
        let mut human = HumanReporter::new(
            &mut *out,
            self.redactor.clone(),
            HumanOptions {
                style,
                verbose: options.verbose,
                subject: String::new(),
                unit: "file",
                elapsed: None,
                uncommitted: true,
                suppressed: 0,
            },
        );
        for finding in findings {
            human.finding(finding)?;
        }
        human.shortcomings(&self.introduced.receipt)?;
        let files = self.files(&human);
        let notes = [
            (
                &self.old,
                "stood in what this commit changes before, so it does not stop it",
            ),
            (&self.allowed, "let pass by a comment"),
            (&self.decided, "let pass by the ignore file or a baseline"),
        ]
        .map(|(findings, why)| note(&human, findings, why, options.verbose));
        drop(human);
        for note in notes.iter().flatten() {
            writeln!(out, "gitsieve: {note}")?;
        }
        let receipt = &self.introduced.receipt;
        let secrets = count(findings.len() as u64, "secret");
        match (findings.is_empty(), options.stopped) {
            (true, true) => writeln!(
                out,
                "gitsieve: {}",
                style.paint(
                    Role::Bad,
                    "this commit is stopped: not all of it was checked"
                )
            )?,
            (true, false) if options.verbose => {
                let blobs = count(receipt.blobs.scanned, "staged file");
                let time = options.elapsed.as_millis();
                writeln!(out, "gitsieve: no new secret in {blobs}, {time} ms")?;
            }
            (true, false) => {}
            (false, false) => writeln!(
                out,
                "gitsieve: {secrets} in this commit, none of severity {} or above, so it passes",
                options.least
            )?,
            (false, true) => {
                let stopped = format!("{secrets} in this commit, so it is stopped");
                writeln!(out, "gitsieve: {}", style.paint(Role::Bad, stopped))?;
            }
        }
        if !options.stopped {
            return Ok(());
        }
        if !findings.is_empty() {
            let unstage = if self.unborn {
                "git rm --cached"
            } else {
                "git restore --staged"
            };
            writeln!(
                out,
                "  take it out of the file, then: git add {files} (git add -p for parts)\n  \
                 or leave the file out:  {unstage} {files}\n  \
                 or, if it is no secret: put `gitsieve:allow` into a comment on its line, its\n    \
                 fingerprint into .gitsieveignore, or an allowlist into .gitsieve.toml"
            )?;
        }
        writeln!(
            out,
            "  git commit --no-verify commits unchecked, at your own risk: whoever can read the\n    \
             repository can then read the secret, also after it is deleted again"
        )
    }

    /// The files with secrets, as arguments.
    fn files<W: Write>(&self, human: &HumanReporter<W>) -> String {
        let places = self.introduced.findings.iter().flat_map(|f| &f.occurrences);
        let mut files: Vec<String> = places.map(|o| word(&human.text(&o.path))).collect();
        files.sort();
        files.dedup();
        if files.len() > FILES_SHOWN {
            files.truncate(FILES_SHOWN);
            files.push("...".to_owned());
        }
        files.join(" ")
    }
}

/// Findings that do not count, in a line.
fn note<W: Write>(
    human: &HumanReporter<W>,
    findings: &[Finding],
    why: &str,
    all: bool,
) -> Option<String> {
    if findings.is_empty() {
        return None;
    }
    let mut places: Vec<String> = findings
        .iter()
        .flat_map(|f| {
            let rule = human.text(f.rule.id.as_bytes());
            let occurrences = f.occurrences.iter();
            occurrences.map(move |o| format!("{} [{rule}]", human.position(o)))
        })
        .collect();
    let shown = if all { places.len() } else { PLACES_SHOWN };
    if places.len() > shown {
        let more = places.len() - shown;
        places.truncate(shown);
        places.push(format!("and {more} more (-v lists them)"));
    }
    let secrets = count(findings.len() as u64, "secret");
    Some(format!("{secrets} {why}: {}", places.join(", ")))
}

/// A path as a word for a shell.
fn word(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@,:=".contains(c);
    if path.chars().all(plain) && !path.starts_with('-') {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}
