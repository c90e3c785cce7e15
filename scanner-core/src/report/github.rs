//! Workflow commands of GitHub Actions: lines that its runner shows beside the code.
//!
//! GitHub shows at most ten errors, ten warnings and ten notices of a step and drops the rest
//! silently, so no more are written; the last line says how many there are in all. A command is a
//! line that begins with `::`, so nothing of a repository may begin one: what is shown is printable,
//! hence in one line, and stands inside of a command.

use super::{Redactor, ReportMeta, Reporter, printable, wording, wording::Tally};
use crate::model::{Finding, Occurrence, Receipt, Severity, Where};
use std::{
    fmt::Write as _,
    io::{self, Write},
};

/// Annotations of one kind that GitHub shows of a step.
const SHOWN_OF_A_KIND: usize = 10;

/// Writes `::error file=...::message` for critical and high findings, `::warning` for medium and
/// `::notice` for low ones.
#[derive(Debug)]
pub struct GithubReporter<W> {
    out: W,
    redactor: Redactor,
    tool: String,
    tally: Tally,
    /// Errors, warnings and notices written.
    written: [usize; 3],
}

const KINDS: [&str; 3] = ["error", "warning", "notice"];

impl<W: Write> GithubReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self {
            out,
            redactor,
            tool: String::new(),
            tally: Tally::default(),
            written: [0; 3],
        }
    }

    /// The place that an annotation can point at: GitHub knows files of the commit checked out
    /// and no archive's members.
    fn place(&self, occurrence: &Occurrence) -> String {
        let in_tree = matches!(
            occurrence.place,
            Where::Head | Where::Index | Where::Worktree | Where::File
        );
        if !in_tree || occurrence.path.is_empty() {
            return String::new();
        }
        let path = wording::text(&self.redactor, &occurrence.path);
        let path = path.strip_prefix("./").unwrap_or(&path);
        let mut out = format!("file={},", property(path));
        if occurrence.member.is_none() {
            let at = occurrence.location;
            let _ = write!(out, "line={},endLine={},", at.start_line, at.end_line);
            // GitHub refuses columns of a place that spans lines.
            if at.start_line == at.end_line {
                let end = at.end_character.saturating_add(1);
                let _ = write!(out, "col={},endColumn={end},", at.start_character);
            }
        }
        out
    }
}

impl<W: Write> Reporter for GithubReporter<W> {
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()> {
        self.tool = printable(meta.tool.as_bytes());
        Ok(())
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.tally.add(finding);
        let kind = match finding.rule.severity {
            Severity::Critical | Severity::High => 0,
            Severity::Medium => 1,
            Severity::Low => 2,
        };
        // One error is kept for what could not be scanned.
        if self.written[kind] >= SHOWN_OF_A_KIND - usize::from(kind == 0) {
            return Ok(());
        }
        self.written[kind] += 1;
        let place = finding.occurrences.first().map(|o| self.place(o));
        let message = format!(
            "{} {} Fingerprint {}.",
            wording::sentence(&self.redactor, finding),
            wording::remedy(&finding.rule),
            finding.fingerprint
        );
        writeln!(
            self.out,
            "::{} {}title={}::{}",
            KINDS[kind],
            place.unwrap_or_default(),
            property(&wording::title(&finding.rule)),
            data(&message)
        )
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        if let Some(left_out) = wording::left_out(receipt) {
            let mut message = left_out;
            for issue in receipt.issues.iter().take(SHOWN_OF_A_KIND) {
                message.push('\n');
                message.push_str(&wording::issue(&self.redactor, issue));
            }
            let title = property(&format!("{}: incomplete", self.tool));
            writeln!(self.out, "::error title={title}::{}", data(&message))?;
        }
        let written = self.written.iter().sum::<usize>() as u64;
        let hidden = self.tally.findings() - written;
        let more = if hidden > 0 {
            format!(" ({hidden} of them not annotated: GitHub shows no more)")
        } else {
            String::new()
        };
        let summary = self.tally.sentence(receipt);
        writeln!(self.out, "{}: {summary}{more}.", self.tool)?;
        self.out.flush()
    }
}

/// Text after `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_end_neither_a_property_nor_a_command() {
        assert_eq!(
            data("100%\r\n::stop-commands::x"),
            "100%25%0D%0A::stop-commands::x"
        );
        assert_eq!(property("a,b:c%"), "a%2Cb%3Ac%25");
    }
}
