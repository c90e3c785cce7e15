//! Markdown, for a comment on a pull request or the summary of a job.
//!
//! Text of a repository stands in code spans alone, and what would end one or a table's cell comes
//! escaped as control characters do (`\u{60}`, `\u{7c}`). Inside of code nothing is markup, HTML,
//! a link or a mention, in every dialect; there is no set of backslashes of which that is true.

use super::{Redactor, ReportMeta, Reporter, ShowsSuppressed, printable, wording, wording::Tally};
use crate::model::{Finding, IssueKind, Receipt};
use std::{
    fmt::Write as _,
    io::{self, Write},
};

/// Findings shown: some 300 bytes each, and GitHub takes 65,536 characters in a comment.
const FINDINGS_SHOWN: usize = 100;
/// Problems shown.
const ISSUES_SHOWN: usize = 20;
/// Longest text in a cell, in characters.
const CELL_CHARACTERS: usize = 120;

/// Writes the totals, a table of findings (at most 100, the worst first) and what could not be
/// scanned.
#[derive(Debug)]
pub struct MarkdownReporter<W> {
    out: W,
    redactor: Redactor,
    tool: String,
    tally: Tally,
    /// Held back until the totals are known, which stand above.
    rows: String,
    shown: usize,
    hidden_suppressed: u64,
    suppressed_rows: String,
    suppressed_shown: usize,
}

impl<W: Write> MarkdownReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self {
            out,
            redactor,
            tool: String::new(),
            tally: Tally::default(),
            rows: String::new(),
            shown: 0,
            hidden_suppressed: 0,
            suppressed_rows: String::new(),
            suppressed_shown: 0,
        }
    }

    /// What the tables of findings have in common.
    fn row(&self, finding: &Finding) -> String {
        let first = finding.occurrences.first();
        let place = first.map_or_else(String::new, |o| {
            let others = finding.occurrences.len() - 1;
            let more = if others > 0 {
                format!(" and {}", wording::count(others as u64, "other place"))
            } else {
                String::new()
            };
            format!("{}{more}", code(&wording::position(&self.redactor, o)))
        });
        format!(
            "| {} | {} | {} | {place} |",
            finding.rule.severity,
            prose(&wording::title(&finding.rule)),
            code(&wording::secret(&self.redactor, &finding.secret)),
        )
    }

    fn problems(&mut self, receipt: &Receipt) -> io::Result<()> {
        let Some(left_out) = wording::left_out(receipt) else {
            return Ok(());
        };
        writeln!(self.out, "\n**Incomplete.** {left_out}\n")?;
        let relevant = || receipt.issues.iter().filter(|i| i.kind != IssueKind::Note);
        for issue in relevant().take(ISSUES_SHOWN) {
            let issue = code(&wording::issue(&self.redactor, issue));
            writeln!(self.out, "- {issue}")?;
        }
        let hidden = relevant().count().saturating_sub(ISSUES_SHOWN);
        if hidden > 0 {
            let more = wording::count(hidden as u64, "more problem");
            writeln!(self.out, "- and {more}")?;
        }
        Ok(())
    }
}

impl<W: Write> Reporter for MarkdownReporter<W> {
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()> {
        self.tool = prose(&printable(meta.tool.as_bytes()));
        Ok(())
    }

    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::OnDemand
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        if let Some(why) = &finding.suppression {
            if self.suppressed_shown < FINDINGS_SHOWN {
                self.suppressed_shown += 1;
                let row = self.row(finding);
                let why = code(&wording::suppression(&self.redactor, why));
                let _ = writeln!(self.suppressed_rows, "{row} {why} |");
            } else {
                self.hidden_suppressed += 1;
            }
            return Ok(());
        }
        self.tally.add(finding);
        if self.shown < FINDINGS_SHOWN {
            self.shown += 1;
            let first = finding.occurrences.first();
            let standing = first.map_or("", |o| wording::standing(o.place));
            let commit = first
                .and_then(|o| o.introduced.as_deref())
                .map(|commit| code(&wording::commit(&self.redactor, commit)))
                .unwrap_or_default();
            let row = self.row(finding);
            let _ = writeln!(self.rows, "{row} {standing} | {commit} |");
        }
        Ok(())
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        let findings = self.tally.findings();
        let summary = self.tally.sentence(receipt);
        writeln!(self.out, "### {}\n\n{summary}.", self.tool)?;
        if findings > 0 {
            writeln!(self.out, "\n| severity | secrets |\n|---|--:|")?;
            for (severity, n) in self.tally.by_severity() {
                writeln!(self.out, "| {severity} | {n} |")?;
            }
            write!(
                self.out,
                "\n| severity | what | secret | where | state | introduced |\n\
                 |---|---|---|---|---|---|\n{}",
                self.rows
            )?;
            let hidden = findings - self.shown as u64;
            if hidden > 0 {
                let more = wording::count(hidden, "more secret");
                writeln!(self.out, "\nAnd {more}.")?;
            }
        }
        if !self.suppressed_rows.is_empty() {
            write!(
                self.out,
                "\n**Suppressed**, not counted:\n\n| severity | what | secret | where | why |\n\
                 |---|---|---|---|---|\n{}",
                self.suppressed_rows
            )?;
            if self.hidden_suppressed > 0 {
                writeln!(self.out, "\nAnd {} more.", self.hidden_suppressed)?;
            }
        }
        self.problems(receipt)?;
        self.out.flush()
    }
}

/// A code span of printable text, cut at [`CELL_CHARACTERS`].
pub(super) fn code(text: &str) -> String {
    let mut out = String::from("`");
    for (n, c) in text.chars().enumerate() {
        if n == CELL_CHARACTERS {
            out.push('…');
            break;
        }
        match c {
            '`' => out.push_str("\\u{60}"),
            '|' => out.push_str("\\u{7c}"),
            c => out.push(c),
        }
    }
    if out.len() == 1 {
        return String::new();
    }
    out.push('`');
    out
}

/// Text as it is where no character of it can be markup, a link or a mention; a code span
/// otherwise.
pub(super) fn prose(text: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '(' | ')' | ',' | '\'');
    if text.chars().all(harmless) && text.chars().count() <= CELL_CHARACTERS {
        text.to_owned()
    } else {
        code(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_stays_in_its_cell_and_is_no_markup() {
        assert_eq!(code("a|b`c"), "`a\\u{7c}b\\u{60}c`");
        assert_eq!(code("<b>@team **x**"), "`<b>@team **x**`");
        assert_eq!(code(""), "");
        assert_eq!(code(&"x".repeat(500)).chars().count(), CELL_CHARACTERS + 3);
        assert_eq!(prose("GitHub token (classic)"), "GitHub token (classic)");
        for acts in [
            "@team",
            "www.x.org",
            "a_b_",
            "<x>",
            "#1",
            "[a](b)",
            "a|b",
            "https://x",
        ] {
            assert!(prose(acts).starts_with('`'), "{acts}");
        }
    }
}
