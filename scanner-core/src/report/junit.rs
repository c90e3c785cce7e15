//! JUnit XML, for servers that show tests: one suite a rule, one failing case for each place where
//! a secret stands.
//!
//! There is no standard; what is written here is what the readers of Jenkins, GitLab, Azure DevOps
//! and CircleCI share. Two things keep a silent success away: a clean scan has one passing case,
//! because a report without cases reads as "no tests ran", and an incomplete one has an error.

use super::{Redactor, ReportMeta, Reporter, ShowsSuppressed, printable, wording};
use crate::model::{Finding, Receipt, RuleInfo};
use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::Arc,
};

/// Writes JUnit XML. Findings come sorted by rule, so that one rule's cases are held at a time.
#[derive(Debug)]
pub struct JunitReporter<W> {
    out: W,
    redactor: Redactor,
    tool: String,
    suite: Option<Suite>,
    any: bool,
}

#[derive(Debug)]
struct Suite {
    rule: Arc<RuleInfo>,
    cases: String,
    failures: usize,
    skipped: usize,
}

impl<W: Write> JunitReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self {
            out,
            redactor,
            tool: String::new(),
            suite: None,
            any: false,
        }
    }

    fn end_suite(&mut self) -> io::Result<()> {
        let Some(suite) = self.suite.take() else {
            return Ok(());
        };
        self.any = true;
        let counts = [
            suite.failures + suite.skipped,
            suite.failures,
            0,
            suite.skipped,
        ];
        self.write_suite(
            &format!("{}.{}", self.tool, printable(suite.rule.id.as_bytes())),
            counts,
            &suite.cases,
        )
    }

    fn write_suite(&mut self, name: &str, counts: [usize; 4], cases: &str) -> io::Result<()> {
        let [tests, failures, errors, skipped] = counts;
        writeln!(
            self.out,
            "<testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" \
             errors=\"{errors}\" skipped=\"{skipped}\">\n{cases}</testsuite>",
            escape(name)
        )
    }

    /// What stands inside of a failing case.
    fn details(&self, finding: &Finding, at: usize) -> String {
        let occurrence = &finding.occurrences[at];
        let redactor = &self.redactor;
        let mut out = format!(
            "{}: {}\nseverity {}, confidence {}\n{}\n",
            wording::position(redactor, occurrence),
            wording::standing(occurrence.place),
            finding.rule.severity,
            finding.confidence,
            wording::secret(redactor, &finding.secret),
        );
        if let Some(commit) = &occurrence.introduced {
            let summary = wording::text(redactor, &commit.summary);
            let commit = wording::commit(redactor, commit);
            let _ = writeln!(out, "introduced in {commit}: {summary}");
        }
        let remedy = wording::remedy(&finding.rule);
        let _ = write!(out, "{remedy}\nfingerprint {}", finding.fingerprint);
        out
    }
}

impl<W: Write> Reporter for JunitReporter<W> {
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()> {
        meta.tool.clone_into(&mut self.tool);
        let tool = escape(meta.tool);
        writeln!(
            self.out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{tool}\">"
        )
    }

    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::OnDemand
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        if self
            .suite
            .as_ref()
            .is_none_or(|s| s.rule.id != finding.rule.id)
        {
            self.end_suite()?;
            self.suite = Some(Suite {
                rule: Arc::clone(&finding.rule),
                cases: String::new(),
                failures: 0,
                skipped: 0,
            });
        }
        let title = wording::title(&finding.rule);
        let mut cases = String::new();
        for (at, occurrence) in finding.occurrences.iter().enumerate() {
            let name = wording::name(&self.redactor, occurrence);
            let position = wording::position(&self.redactor, occurrence);
            let _ = write!(
                cases,
                "<testcase classname=\"{name}\" name=\"{case}\" file=\"{name}\" line=\"{line}\" \
                 time=\"0\">",
                name = escape(&name),
                case = escape(&format!("{title} at {position}")),
                line = occurrence.location.start_line,
            );
            if let Some(why) = &finding.suppression {
                let why = wording::suppression(&self.redactor, why);
                let _ = write!(cases, "<skipped message=\"{}\"/>", escape(&why));
            } else {
                let secret = wording::secret(&self.redactor, &finding.secret);
                let _ = write!(
                    cases,
                    "<failure message=\"{}\" type=\"{}\">{}</failure>",
                    escape(&format!("{title}: {secret}")),
                    finding.rule.severity,
                    escape(&self.details(finding, at))
                );
            }
            cases.push_str("</testcase>\n");
        }
        if let Some(suite) = &mut self.suite {
            suite.cases.push_str(&cases);
            let count = match finding.suppression {
                None => &mut suite.failures,
                Some(_) => &mut suite.skipped,
            };
            *count += finding.occurrences.len();
        }
        Ok(())
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        self.end_suite()?;
        let tool = escape(&self.tool);
        if let Some(left_out) = wording::left_out(receipt) {
            let issues: Vec<String> = receipt
                .issues
                .iter()
                .map(|issue| wording::issue(&self.redactor, issue))
                .collect();
            let case = format!(
                "<testcase classname=\"{tool}\" name=\"everything was scanned\" time=\"0\"><error \
                 message=\"{}\" type=\"incomplete\">{}</error></testcase>\n",
                escape(&left_out),
                escape(&issues.join("\n"))
            );
            self.write_suite(&format!("{}.scan", self.tool), [1, 0, 1, 0], &case)?;
        } else if !self.any {
            let case =
                format!("<testcase classname=\"{tool}\" name=\"no secrets found\" time=\"0\"/>\n");
            self.write_suite(&format!("{}.scan", self.tool), [1, 0, 0, 0], &case)?;
        }
        self.out.write_all(b"</testsuites>\n")?;
        self.out.flush()
    }
}

/// Text for an attribute or element of XML 1.0. What its production `Char` leaves out (most
/// controls, U+FFFE, U+FFFF) cannot be written at all, not even escaped as a reference: it shows
/// as U+FFFD. Line breaks are kept in attributes by writing them as references.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_xml_cannot_hold_is_replaced_and_what_it_reads_is_escaped() {
        assert_eq!(escape("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&apos;");
        assert_eq!(escape("]]>"), "]]&gt;");
        assert_eq!(
            escape("\0\x1b\u{ffff}x\n\t"),
            "\u{fffd}\u{fffd}\u{fffd}x&#10;&#9;"
        );
        assert_eq!(escape("Zoë 東京 🦀"), "Zoë 東京 🦀");
    }
}
