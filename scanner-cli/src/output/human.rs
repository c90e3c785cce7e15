//! The report for people: what was found, where it stands, who brought it and what to do.
//!
//! Whoever reads it may be in a hurry: the worst comes first, each finding starts with its
//! severity and ends with the way to revoke it, and what could not be scanned is said last, where
//! a terminal still shows it. Every text of the repository is redacted first and made printable
//! second: a path must neither give a secret away nor drive the terminal.

use super::style::{Role, Style};
use scanner_core::{
    model::{
        CommitInfo, Finding, IssueKind, ObjectId, Occurrence, Part, Proof, Receipt, ScanIssue,
        Severity, SkipReason, SuppressedBy, Suppression, Where,
    },
    report::{Redactor, ReportMeta, Reporter, ShowsSuppressed, position, printable, rfc3339},
};
use std::{
    fmt::{Display, Write as _},
    io::{self, Write},
    time::Duration,
};

/// Further occurrences shown unless all are asked for.
const OCCURRENCES_SHOWN: usize = 3;
/// Problems shown unless all are asked for.
const ISSUES_SHOWN: usize = 10;
/// Other halves of a credential shown unless all are asked for.
const PARTS_SHOWN: usize = 5;
/// Refs named with an occurrence.
const REFS_SHOWN: usize = 3;
/// Hexadecimal digits of an id: unambiguous in any repository of today.
const ID_DIGITS: usize = 12;
/// Column at which a finding's details begin.
const LABEL_WIDTH: usize = 12;
/// Widest position that others are aligned to.
const POSITION_WIDTH: usize = 48;
/// Stands for dates that no calendar has; as wide as a day.
const NO_DATE: &str = "(bad date)";

/// How to write.
#[derive(Debug, Clone)]
pub(crate) struct HumanOptions {
    pub(crate) style: Style,
    /// Every occurrence and every problem.
    pub(crate) verbose: bool,
    /// What was scanned.
    pub(crate) subject: String,
    /// What one piece of content is called.
    pub(crate) unit: &'static str,
    /// How long it took; left out when `None`.
    pub(crate) elapsed: Option<Duration>,
    /// Everything is staged and nothing committed yet: then that goes without saying, and there is
    /// nothing to revoke.
    pub(crate) uncommitted: bool,
    /// Findings that do not count, shown or not.
    pub(crate) suppressed: u64,
}

/// Writes the report for people.
#[derive(Debug)]
pub(crate) struct HumanReporter<W> {
    out: W,
    redactor: Redactor,
    options: HumanOptions,
    findings: [u64; 4],
    suppressed: u64,
    occurrences: u64,
}

const SEVERITIES: [Severity; 4] = [
    Severity::Critical,
    Severity::High,
    Severity::Medium,
    Severity::Low,
];

impl<W: Write> HumanReporter<W> {
    pub(crate) fn new(out: W, redactor: Redactor, options: HumanOptions) -> Self {
        Self {
            out,
            redactor,
            options,
            findings: [0; 4],
            suppressed: 0,
            occurrences: 0,
        }
    }

    /// A repository's text, fit to be shown.
    pub(super) fn text(&self, bytes: &[u8]) -> String {
        printable(&self.redactor.redact(bytes))
    }

    fn line(&mut self, label: &str, value: &str) -> io::Result<()> {
        let padding = " ".repeat(LABEL_WIDTH.saturating_sub(label.len()));
        let label = self.options.style.paint(Role::Dim, label);
        writeln!(self.out, "  {label}{padding}{value}")
    }

    fn secret(&self, finding: &Finding) -> String {
        let shown = if self.redactor.reveals() {
            printable(finding.secret.reveal())
        } else {
            finding.secret.redacted()
        };
        let proof = match finding.proof {
            Proof::Proven => "proven genuine by its own structure, ",
            Proof::Plausible => "",
            Proof::Failed => "fails the check of its structure, ",
        };
        let style = self.options.style;
        format!(
            "{}  {}",
            style.paint(Role::Strong, shown),
            style.paint(
                Role::Dim,
                format_args!("({proof}confidence {})", finding.confidence)
            )
        )
    }

    pub(super) fn position(&self, occurrence: &Occurrence) -> String {
        position(&self.redactor, occurrence)
    }

    fn refs(&self, occurrence: &Occurrence) -> Option<String> {
        let short_name = |name: &str| {
            ["refs/heads/", "refs/tags/", "refs/remotes/"]
                .iter()
                .find_map(|prefix| name.strip_prefix(prefix))
                .map_or_else(|| self.text(name.as_bytes()), |n| self.text(n.as_bytes()))
        };
        let named = || occurrence.refs.iter().filter(|name| *name != "HEAD");
        // What a reflog keeps is of interest only where nothing better names the place.
        let in_refs = named().any(|name| !is_reflog(name));
        let relevant = || named().filter(|name| !(in_refs && is_reflog(name)));
        let shown: Vec<String> = relevant()
            .take(REFS_SHOWN)
            .map(|name| short_name(name))
            .collect();
        if shown.is_empty() {
            return None;
        }
        let more = relevant().count() - shown.len();
        let more = if more > 0 {
            format!(" and {}", count(more as u64, "more ref"))
        } else {
            String::new()
        };
        Some(format!("{}{more}", shown.join(", ")))
    }

    /// Where it stands now, in words.
    pub(crate) fn standing(&self, occurrence: &Occurrence) -> String {
        let refs = self.refs(occurrence);
        let with = |text: &str| match &refs {
            Some(refs) => format!("{text}; in the history of {refs}"),
            None => text.to_owned(),
        };
        match occurrence.place {
            Where::Head => with("still in HEAD"),
            Where::Index => "staged, not committed yet".to_owned(),
            Where::Worktree => "in the working tree, not staged".to_owned(),
            Where::Ref => match &refs {
                Some(refs) => format!("not in HEAD, but in the history of {refs}"),
                None => "not in HEAD, but in the history of a ref".to_owned(),
            },
            Where::CommitMessage => with("in a commit's message"),
            Where::TagMessage => with("in a tag's message"),
            Where::Note => with("in a note"),
            Where::Unreachable => {
                "unreachable: no ref leads to it, but the object is still there (dangling, or \
                 kept by a reflog)"
                    .to_owned()
            }
            Where::File => "in a file".to_owned(),
            Where::Stdin => "on standard input".to_owned(),
        }
    }

    /// A commit in a line.
    pub(crate) fn commit(&self, commit: &CommitInfo) -> String {
        let mut date = date(commit);
        if date.is_empty() {
            date.push_str(NO_DATE);
        }
        let author = self.text(&commit.author);
        let email = self.text(&commit.email);
        let id = self
            .options
            .style
            .paint(Role::Strong, short(&commit.commit))
            .to_string();
        format!("{id}  {date}  {author} <{email}>")
    }

    /// Why a finding does not count.
    fn suppression(&self, suppression: &Suppression) -> String {
        let by = match suppression.by {
            SuppressedBy::Comment => "a comment on its line",
            SuppressedBy::IgnoreFile => "an ignore file",
            SuppressedBy::Baseline => "the baseline",
        };
        let mut out = format!("{by} says: {}", suppression.status);
        for (before, text) in [
            (", ", Some(&suppression.reason)),
            ("; owner ", Some(&suppression.owner)),
            ("; until ", suppression.expires.as_ref()),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let _ = write!(out, "{before}{}", self.text(text.as_bytes()));
            }
        }
        out
    }

    /// The other halves of the credential, each once.
    fn parts(&mut self, finding: &Finding) -> io::Result<()> {
        let mut shown: Vec<&Part> = Vec::new();
        for part in finding.occurrences.iter().flat_map(|o| &o.parts) {
            let same = |p: &&Part| p.rule.id == part.rule.id && p.secret == part.secret;
            if !shown.iter().any(same) {
                shown.push(part);
            }
        }
        let limit = if self.options.verbose {
            shown.len()
        } else {
            PARTS_SHOWN
        };
        for part in shown.iter().take(limit) {
            let secret = if self.redactor.reveals() {
                printable(part.secret.reveal())
            } else {
                part.secret.redacted()
            };
            let about = format!(
                "({} at {}:{})",
                printable(part.rule.description.trim_end_matches('.').as_bytes()),
                part.location.start_line,
                part.location.start_column
            );
            let style = self.options.style;
            let text = format!(
                "{}  {}",
                style.paint(Role::Strong, secret),
                style.paint(Role::Dim, about)
            );
            self.line("with", &text)?;
        }
        let hidden = shown.len().saturating_sub(limit);
        if hidden > 0 {
            let rest = count(hidden as u64, "more part");
            self.line("", &format!("and {rest} (-v lists them)"))?;
        }
        Ok(())
    }

    fn first_occurrence(&mut self, occurrence: &Occurrence) -> io::Result<()> {
        let position = self
            .options
            .style
            .paint(Role::Strong, self.position(occurrence))
            .to_string();
        let encoded = encoded(occurrence);
        self.line("where", &format!("{position}{encoded}"))?;
        if !self.options.uncommitted {
            let standing = self.standing(occurrence);
            self.line("", &standing)?;
        }
        if let Some(commit) = &occurrence.introduced {
            let text = self.commit(commit);
            self.line("introduced", &text)?;
            let summary = self.text(&commit.summary);
            if !summary.is_empty() {
                self.line("", &summary)?;
            }
        }
        let again = occurrence.also_introduced_in.len();
        if again > 0 {
            let ids: Vec<String> = occurrence
                .also_introduced_in
                .iter()
                .take(if self.options.verbose {
                    again
                } else {
                    OCCURRENCES_SHOWN
                })
                .map(short)
                .collect();
            let rest = again - ids.len();
            let rest = if rest > 0 {
                format!(" and {rest} more")
            } else {
                String::new()
            };
            self.line("and again", &format!("{}{rest}", ids.join(", ")))?;
        }
        if let (Where::Ref, Some(last)) = (occurrence.place, &occurrence.last_seen) {
            self.line("last seen", &short(last))?;
        }
        Ok(())
    }

    fn other_occurrences(&mut self, others: &[Occurrence]) -> io::Result<()> {
        if others.is_empty() {
            return Ok(());
        }
        let shown = if self.options.verbose {
            others.len()
        } else {
            others.len().min(OCCURRENCES_SHOWN)
        };
        let positions: Vec<String> = others[..shown].iter().map(|o| self.position(o)).collect();
        let widths = positions.iter().map(|p| p.chars().count());
        let width = widths.max().unwrap_or(0).min(POSITION_WIDTH);
        for (index, (occurrence, position)) in others.iter().zip(&positions).enumerate() {
            let place = brief(occurrence.place);
            let encoded = encoded(occurrence);
            let mut text = format!("{position:width$}  {place}{encoded}");
            if let Some(commit) = &occurrence.introduced {
                let date = date(commit);
                let day = date.get(..10).unwrap_or(NO_DATE);
                let _ = write!(
                    text,
                    "  {}  {day}  {}",
                    short(&commit.commit),
                    self.text(&commit.author)
                );
            }
            self.line(if index == 0 { "also at" } else { "" }, text.trim_end())?;
        }
        if shown < others.len() {
            let rest = count((others.len() - shown) as u64, "more place");
            self.line("", &format!("and {rest} (-v lists them)"))?;
        }
        Ok(())
    }

    fn summary(&mut self, receipt: &Receipt) -> io::Result<()> {
        let style = self.options.style;
        let total: u64 = self.findings.iter().sum();
        if total == 0 {
            let text = if receipt.complete {
                style.paint(Role::Good, "No secrets found.")
            } else {
                style.paint(Role::Strong, "No secrets found in what could be scanned.")
            };
            writeln!(self.out, "{text}")?;
        } else {
            let by_severity: Vec<String> = SEVERITIES
                .iter()
                .zip(self.findings)
                .filter(|(_, n)| *n > 0)
                .map(|(severity, n)| {
                    let text = format!("{} {severity}", thousands(n));
                    style.paint(Role::Severity(*severity), text).to_string()
                })
                .collect();
            let total = count(total, "secret");
            writeln!(
                self.out,
                "{} in {}: {}.",
                style.paint(Role::Strong, format_args!("{total} found")),
                count(self.occurrences, "place"),
                by_severity.join(", ")
            )?;
        }
        let mut scanned = vec![count(receipt.blobs.scanned, self.options.unit)];
        for (n, noun) in [(receipt.commits, "commit"), (receipt.tags, "tag")] {
            if n > 0 {
                scanned.push(count(n, noun));
            }
        }
        let time = match self.options.elapsed {
            Some(elapsed) => format!(" in {}", seconds(elapsed)),
            None => String::new(),
        };
        let subject = printable(&self.redactor.redact(self.options.subject.as_bytes()));
        writeln!(
            self.out,
            "Scanned {subject}: {}, {}{time}.",
            scanned.join(", "),
            size(receipt.bytes)
        )?;
        if receipt.below_confidence > 0 {
            let more = count(receipt.below_confidence, "less likely finding");
            writeln!(
                self.out,
                "{more} not shown (--min-confidence low shows all)."
            )?;
        }
        Ok(())
    }

    pub(super) fn shortcomings(&mut self, receipt: &Receipt) -> io::Result<()> {
        let style = self.options.style;
        if !receipt.complete {
            let reasons: Vec<String> = receipt
                .blobs
                .skipped_by_reason
                .iter()
                .filter(|(_, n)| **n > 0)
                .map(|(reason, n)| format!("{} {}", thousands(*n), reason_text(*reason)))
                .collect();
            let skipped = if receipt.blobs.skipped > 0 {
                let skipped = count(receipt.blobs.skipped, self.options.unit);
                format!(" {skipped} not scanned: {}.", reasons.join(", "))
            } else {
                String::new()
            };
            let warning = style.paint(Role::Bad, "INCOMPLETE:");
            writeln!(
                self.out,
                "{warning} not everything could be scanned.{skipped}"
            )?;
        }
        let verbose = self.options.verbose;
        let relevant: Vec<&ScanIssue> = receipt
            .issues
            .iter()
            .filter(|issue| verbose || issue.kind != IssueKind::Note)
            .collect();
        let shown = if verbose {
            relevant.len()
        } else {
            ISSUES_SHOWN
        };
        for issue in relevant.iter().take(shown) {
            let mut text = format!("{:10}", issue.kind.as_str());
            if let Some(object) = &issue.object {
                let _ = write!(text, "  {object}");
            }
            if let Some(path) = &issue.path {
                let _ = write!(text, "  {}:", self.text(path.as_bytes()));
            }
            let message = self.text(issue.message.as_bytes());
            writeln!(self.out, "  {text}  {message}")?;
        }
        let hidden = relevant.len().saturating_sub(shown);
        if hidden > 0 {
            let rest = count(hidden as u64, "more problem");
            writeln!(self.out, "  and {rest} (-v lists them)")?;
        }
        Ok(())
    }
}

impl<W: Write> Reporter for HumanReporter<W> {
    fn begin(&mut self, _: &ReportMeta<'_>) -> io::Result<()> {
        Ok(())
    }

    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::OnDemand
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let rule = &finding.rule;
        let style = self.options.style;
        let mut severity = rule.severity.as_str().to_uppercase();
        let mut role = Role::Severity(rule.severity);
        if finding.suppression.is_some() {
            severity = format!("suppressed {}", rule.severity);
            role = Role::Dim;
            self.suppressed += 1;
        } else {
            let at = SEVERITIES.iter().position(|s| *s == rule.severity);
            self.findings[at.unwrap_or_default()] += 1;
            self.occurrences += finding.occurrences.len() as u64;
        }
        // Rules come from files, which need not be anyone's own.
        let title = printable(rule.description.trim_end_matches('.').as_bytes());
        writeln!(
            self.out,
            "{}  {}  {}",
            style.paint(role, severity),
            style.paint(Role::Strong, title),
            style.paint(
                Role::Dim,
                format_args!("[{}]", printable(rule.id.as_bytes()))
            )
        )?;
        let secret = self.secret(finding);
        self.line("secret", &secret)?;
        if let Some(suppression) = &finding.suppression {
            let why = self.suppression(suppression);
            self.line("because", &why)?;
        }
        self.parts(finding)?;
        for note in &finding.notes {
            let note = self.text(note.as_bytes());
            self.line("note", &note)?;
        }
        if let Some((first, others)) = finding.occurrences.split_first() {
            self.first_occurrence(first)?;
            self.other_occurrences(others)?;
        }
        if !rule.remediation.is_empty() && !self.options.uncommitted {
            self.line("to do", &printable(rule.remediation.as_bytes()))?;
        }
        self.line("fingerprint", finding.fingerprint.as_str())?;
        writeln!(self.out)
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        self.summary(receipt)?;
        self.shortcomings(receipt)?;
        let hidden = self.options.suppressed.saturating_sub(self.suppressed);
        for (n, what) in [
            (self.suppressed, "not counted"),
            (hidden, "not shown (--show-suppressed shows all)"),
        ] {
            if n > 0 {
                writeln!(self.out, "{} {what}.", count(n, "suppressed finding"))?;
            }
        }
        self.out.flush()
    }
}

/// Says how a secret is encoded where it stands, and who lets it pass there; nothing where neither
/// is so.
fn encoded(occurrence: &Occurrence) -> String {
    let mut encodings = occurrence.encoding.iter();
    let text = match encodings.next() {
        None => String::new(),
        Some(outermost) => encodings.fold(format!(", {outermost}-encoded"), |text, encoding| {
            format!("{text}, {encoding} in it")
        }),
    };
    match occurrence.allowed_by {
        None => text,
        Some(SuppressedBy::Comment) => format!("{text}, let pass by a comment"),
        Some(_) => format!("{text}, let pass by the ignore file"),
    }
}

/// Where an occurrence stands, in a word or two of the same width.
fn brief(place: Where) -> &'static str {
    match place {
        Where::Head => "in HEAD    ",
        Where::Index => "staged     ",
        Where::Worktree => "working dir",
        Where::Ref => "history    ",
        Where::CommitMessage | Where::TagMessage => "message    ",
        Where::Note => "note       ",
        Where::Unreachable => "unreachable",
        Where::File => "file       ",
        Where::Stdin => "stdin      ",
    }
}

fn is_reflog(name: &str) -> bool {
    name.ends_with("@{reflog}")
}

fn reason_text(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::TooLarge => "too large",
        SkipReason::Corrupt => "corrupt",
        SkipReason::Missing => "missing",
        SkipReason::Interrupted => "cut off by time or interruption",
        SkipReason::Unreadable => "unreadable",
    }
}

fn short(id: &ObjectId) -> String {
    let mut text = id.to_string();
    text.truncate(ID_DIGITS);
    text
}

/// `2024-02-29 23:59:59 +01:00`, in the author's own offset; empty for impossible dates.
fn date(commit: &CommitInfo) -> String {
    rfc3339(commit.seconds, commit.offset_minutes).map_or_else(String::new, |date| {
        let (time, offset) = date.split_at(date.len() - "+00:00".len());
        format!("{} {offset}", time.replace('T', " "))
    })
}

pub(super) fn count(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(n))
}

fn thousands(n: impl Display) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if value < 999.95 {
            return if unit == "bytes" {
                count(bytes, "byte")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

fn seconds(elapsed: Duration) -> String {
    let s = elapsed.as_secs_f64();
    if s < 1.0 {
        format!("{:.0} ms", s * 1000.0)
    } else if s < 60.0 {
        format!("{s:.1} s")
    } else {
        format!(
            "{} min {} s",
            elapsed.as_secs() / 60,
            elapsed.as_secs() % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::fixture;
    use scanner_core::{
        model::{BlobCounts, Report},
        report::{Suppressed, is_disruptive, write_report},
    };

    const META: ReportMeta<'static> = ReportMeta {
        tool: "gitsieve",
        version: "0",
        repository: None,
    };

    fn render(report: &Report, redactor: Redactor, style: Style, verbose: bool) -> String {
        render_with(report, redactor, style, verbose, Suppressed::LeftOut)
    }

    fn render_with(
        report: &Report,
        redactor: Redactor,
        style: Style,
        verbose: bool,
        show: Suppressed,
    ) -> String {
        let options = HumanOptions {
            style,
            verbose,
            subject: "/srv/app.git (history)".into(),
            unit: "blob",
            elapsed: Some(Duration::from_millis(3210)),
            uncommitted: false,
            suppressed: report.findings.len() as u64 - report.open().count() as u64,
        };
        let mut out = Vec::new();
        let mut reporter = HumanReporter::new(&mut out, redactor, options);
        write_report(&mut reporter, &META, report, show).expect("a Vec takes everything");
        String::from_utf8(out).expect("the report is text")
    }

    fn plain(verbose: bool) -> String {
        let report = fixture::report();
        render(&report, Redactor::of_report(&report), Style::Plain, verbose)
    }

    #[test]
    fn a_finding_says_what_where_who_and_what_to_do() {
        let text = plain(false);
        let first = text.split("\n\n").next().unwrap_or_default();
        let wanted = "\
CRITICAL  GitHub personal access token  [github-pat]
  secret      ghp_****************3Gh4  (proven genuine by its own structure, confidence high)
  with        pri**************com  (Name of an account at 11:4)
  note        for account 0123
  where       src/config.rs:12:9
              still in HEAD; in the history of main, v1, x and 1 more ref
  introduced  c1c1c1c1c1c1  2024-02-29 23:59:59 +01:00  Ada Lovelace <ada@example.com>
              Add token ghp_****************3Gh4 and AKI**************7Q7
  and again   c2c2c2c2c2c2, c3c3c3c3c3c3
  also at     keys/AKI**************7Q7.txt:1:9   history      c5c5c5c5c5c5  (bad date)  Evil\\u{1b}[2J\\u{202e}liame
              new\\nline.txt:2:9                   unreachable
              message of commit b0b0b0b0b0b0:3:9  message
              and 1 more place (-v lists them)
  to do       Revoke it under Settings > Developer settings > Tokens.";
        assert!(first.starts_with(wanted), "{first}");
    }

    #[test]
    fn an_encoded_secret_is_said_to_be_encoded() {
        let text = plain(false);
        let wanted = "where       deploy.sh:7:9, base64-encoded, utf-16le in it\n";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn the_summary_counts_and_incompleteness_comes_last() {
        let text = plain(false);
        let wanted = "
4 secrets found in 11 places: 1 critical, 1 high, 2 low.
Scanned /srv/app.git (history): 262,343 blobs, 71,000 commits, 1 tag, 8.1 GB in 3.2 s.
3 less likely findings not shown (--min-confidence low shows all).
INCOMPLETE: not everything could be scanned. 3 blobs not scanned: 1 too large, 2 corrupt.
  corrupt     d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1  objects/pack/pack-\\u{1b}[31m.pack:  bad \\u{202e} near AKI**************7Q7
1 suppressed finding not shown (--show-suppressed shows all).
";
        assert!(text.ends_with(wanted), "{text}");
        assert!(plain(true).contains("something small"));
    }

    #[test]
    fn no_secret_and_nothing_that_drives_a_terminal_is_printed() {
        let report = fixture::report();
        for style in [Style::Plain, Style::Coloured] {
            let redactor = Redactor::of_report(&report);
            let text = render_with(&report, redactor, style, true, Suppressed::Shown);
            for secret in fixture::secrets() {
                let shown = printable(&secret);
                let alone = |at: usize| {
                    !text[at + shown.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
                };
                assert!(
                    !text.match_indices(&shown).any(|(at, _)| alone(at)),
                    "{text}"
                );
            }
            let ours = text
                .replace("\x1b[1;31m", "")
                .replace("\x1b[31m", "")
                .replace("\x1b[36m", "")
                .replace("\x1b[1m", "")
                .replace("\x1b[2m", "")
                .replace("\x1b[0m", "");
            assert!(
                !ours.chars().any(|c| c != '\n' && is_disruptive(c)),
                "{ours:?}"
            );
            assert_eq!(style == Style::Plain, ours == text);
        }
    }

    #[test]
    fn secrets_are_shown_on_demand_and_still_cannot_drive_a_terminal() {
        let report = fixture::report();
        let text = render_with(
            &report,
            Redactor::reveal(),
            Style::Plain,
            true,
            Suppressed::Shown,
        );
        for secret in fixture::secrets() {
            assert!(text.contains(&printable(&secret)));
        }
    }

    #[test]
    fn a_suppressed_finding_is_marked_and_not_counted() {
        let report = fixture::report();
        let redactor = Redactor::of_report(&report);
        let text = render_with(&report, redactor, Style::Plain, false, Suppressed::Shown);
        let wanted = "
suppressed low  Assignment of a password  [generic]
  secret      cor***************ery  (confidence high)
  because     the baseline says: false-positive, looks like AKI**************7Q7\\u{202e} but | is <none>; owner @ada\\u{1b}[31m; until 2031-12-31
";
        assert!(text.contains(wanted), "{text}");
        assert!(text.contains("4 secrets found in 11 places"));
        assert!(
            text.ends_with("1 suppressed finding not counted.\n"),
            "{text}"
        );
    }

    #[test]
    fn a_clean_scan_says_so_and_an_incomplete_one_does_not() {
        let mut report = Report::default();
        report.receipt.complete = true;
        report.receipt.blobs = BlobCounts {
            seen: 1,
            scanned: 1,
            ..BlobCounts::default()
        };
        let show = |report: &Report| render(report, Redactor::default(), Style::Plain, false);
        assert_eq!(
            show(&report),
            "No secrets found.\nScanned /srv/app.git (history): 1 blob, 0 bytes in 3.2 s.\n"
        );
        report.receipt.complete = false;
        let text = show(&report);
        assert!(text.starts_with("No secrets found in what could be scanned."));
        assert!(text.contains("INCOMPLETE"));
    }

    #[test]
    fn quantities_are_easy_to_read() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1_000), "1.0 kB");
        assert_eq!(size(999_960), "1.0 MB");
        assert_eq!(size(5_000_000_000_000), "5.0 TB");
        assert_eq!(seconds(Duration::from_millis(12)), "12 ms");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 5 s");
    }
}
