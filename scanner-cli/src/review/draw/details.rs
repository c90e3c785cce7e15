//! All about the finding that is looked at.

use super::{
    palette::{Palette, Part},
    put,
};
use crate::review::{Excerpt, Model, excerpt::Kind, model::Around};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};
use scanner_core::{
    model::{Finding, Occurrence, Proof, SuppressedBy},
    report::{position, printable},
};

/// Column at which values begin.
const LABEL_WIDTH: usize = 12;
/// Places that are listed.
const PLACES_SHOWN: usize = 500;
/// Other halves of a credential that are listed.
const PARTS_SHOWN: usize = 20;

/// Draws, and returns how far it is scrolled in fact.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, palette: Palette) -> usize {
    let Some((number, finding)) = model.current() else {
        return 0;
    };
    if area.height == 0 {
        return model.scroll;
    }
    let mut page = Page::new(usize::from(area.width), palette);
    // First what a decision is made by; what it is called and where else it stands comes below.
    about(&mut page, model, number, finding);
    let occurrence = &finding.occurrences[model.occurrence];
    place(&mut page, model, finding, occurrence);
    around(&mut page, model);
    history(&mut page, model, occurrence);
    rule(&mut page, model, finding);
    others(&mut page, model, finding);
    let last = page.lines.len().saturating_sub(area.height.into());
    let scroll = model.scroll.min(last);
    for (row, line) in page
        .lines
        .iter()
        .skip(scroll)
        .take(area.height.into())
        .enumerate()
    {
        put(buffer, area, row, line);
    }
    scroll
}

/// Lines that are being made.
struct Page {
    lines: Vec<Line<'static>>,
    width: usize,
    palette: Palette,
}

impl Page {
    fn new(width: usize, palette: Palette) -> Self {
        Self {
            lines: Vec::new(),
            width: width.max(1),
            palette,
        }
    }

    fn span(&self, text: impl Into<String>, part: Part) -> Span<'static> {
        Span::styled(text.into(), self.palette.style(part))
    }

    /// A label and a text, which goes on below itself.
    fn field(&mut self, label: &str, text: &str, part: Option<Part>) {
        let room = self.width.saturating_sub(LABEL_WIDTH + 2).max(12);
        for (n, line) in wrap(text, room).into_iter().enumerate() {
            let label = if n == 0 { label } else { "" };
            let value = match part {
                Some(part) => self.span(line, part),
                None => Span::raw(line),
            };
            let label = self.span(format!(" {label:<LABEL_WIDTH$}"), Part::Dim);
            self.lines.push(Line::from(vec![label, value]));
        }
    }

    fn gap(&mut self) {
        self.lines.push(Line::default());
    }
}

/// Cuts a text into lines, at spaces where it has some.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let len = Span::raw(word.trim_end()).width();
        if used > 0 && used + len > width {
            lines.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            let len = Span::raw(c.encode_utf8(&mut [0; 4]).to_owned()).width();
            if used > 0 && used + len > width {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
            used += len;
        }
    }
    lines
}

fn about(page: &mut Page, model: &Model, number: usize, finding: &Finding) {
    let rule = &finding.rule;
    let proof = match finding.proof {
        Proof::Proven => ", proven genuine by its own structure",
        Proof::Plausible => "",
        Proof::Failed => ", fails the check of its structure",
    };
    let severity = page.span(
        format!(" {} ", rule.severity.as_str().to_uppercase()),
        Part::Severity(rule.severity),
    );
    let title = printable(rule.description.trim_end_matches('.').as_bytes());
    let title = page.span(format!(" {title}"), Part::Strong);
    page.lines.push(Line::from(vec![severity, title]));
    let confidence = format!(
        "{} ({} confidence{proof})",
        finding.secret.redacted(),
        finding.confidence
    );
    page.field("secret", &confidence, None);
    let standing = model.standing(number);
    match (model.verdict(number), &finding.suppression) {
        (Some(verdict), _) => {
            let unsaved = if model.is_changed(number) {
                " (not written yet)"
            } else if standing.is_open() {
                " (ended, so that it counts again)"
            } else {
                ""
            };
            page.field(
                "decided",
                &format!("{verdict}{unsaved}"),
                Some(Part::Standing(standing)),
            );
        }
        (None, Some(by)) => {
            let who = match by.by {
                SuppressedBy::Comment => "let pass by a comment on its line",
                SuppressedBy::IgnoreFile => "let pass by an ignore file",
                SuppressedBy::Baseline => "another baseline says",
            };
            let reason = model.redactor.redact_str(&by.reason);
            let reason = printable(reason.as_bytes());
            page.field(
                "decided",
                &format!("{who}: {} {reason}", by.status),
                Some(Part::Dim),
            );
        }
        (None, None) if model.is_changed(number) => {
            page.field("decided", "taken away (not written yet)", None);
        }
        (None, None) => page.field("decided", "nothing yet", None),
    }
}

fn rule(page: &mut Page, model: &Model, finding: &Finding) {
    let rule = &finding.rule;
    page.field("rule", &printable(rule.id.as_bytes()), None);
    for note in &finding.notes {
        page.field(
            "note",
            &printable(model.redactor.redact_str(note).as_bytes()),
            None,
        );
    }
    if !rule.remediation.is_empty() {
        page.field("to do", &printable(rule.remediation.as_bytes()), None);
    }
}

fn place(page: &mut Page, model: &Model, finding: &Finding, occurrence: &Occurrence) {
    let n = finding.occurrences.len();
    let label = if n == 1 {
        "where".to_owned()
    } else {
        format!("place {}/{n}", model.occurrence + 1)
    };
    let at = position(&model.redactor, occurrence);
    page.field(&label, &at, Some(Part::Strong));
    page.field("", &model.teller.standing(occurrence), None);
    if !occurrence.encoding.is_empty() {
        let encodings: Vec<&str> = occurrence.encoding.iter().map(|e| e.as_str()).collect();
        page.field("encoded", &encodings.join(", then "), None);
    }
}

/// Who brought it, and with what.
fn history(page: &mut Page, model: &Model, occurrence: &Occurrence) {
    page.gap();
    if let Some(commit) = &occurrence.introduced {
        page.field("introduced", &model.teller.commit(commit), None);
        let summary = printable(&model.redactor.redact(&commit.summary));
        if !summary.is_empty() {
            page.field("", &summary, None);
        }
    }
    for (n, part) in occurrence.parts.iter().take(PARTS_SHOWN).enumerate() {
        let what = printable(part.rule.description.trim_end_matches('.').as_bytes());
        let line = part.location.start_line;
        let text = format!("{} ({what}, line {line})", part.secret.redacted());
        page.field(if n == 0 { "with" } else { "" }, &text, None);
    }
}

fn around(page: &mut Page, model: &Model) {
    page.gap();
    match &model.around {
        Around::Unread => page.field("", "...", Some(Part::Dim)),
        Around::Unavailable(why) => {
            let text = format!("What stands around it cannot be shown: {why}");
            page.field("", &printable(text.as_bytes()), Some(Part::Dim));
        }
        Around::Excerpt(excerpt) => {
            if excerpt.revealed {
                let text = "the secret is shown in clear; any key hides it";
                page.field("", text, Some(Part::Bad));
            }
            lines(page, excerpt);
        }
    }
}

fn lines(page: &mut Page, excerpt: &Excerpt) {
    let last = excerpt.lines.last().map_or(0, |line| line.number);
    let digits = last.to_string().len().max(3);
    let room = page.width.saturating_sub(digits + 4).max(8);
    let shift = shift(excerpt, room);
    for line in &excerpt.lines {
        let own = line.pieces.iter().any(|(_, kind)| *kind == Kind::Secret);
        let (mark, part) = if own {
            ('>', Part::Strong)
        } else {
            (' ', Part::Dim)
        };
        let number = page.span(format!("{mark}{:>digits$} \u{2502} ", line.number), part);
        let mut spans = vec![number];
        let mut skip = shift;
        if skip > 0 && !line.pieces.is_empty() {
            spans.push(page.span("\u{2026}", Part::Dim));
        }
        for (text, kind) in &line.pieces {
            let n = text.chars().count();
            let text: String = text.chars().skip(skip).collect();
            skip = skip.saturating_sub(n);
            spans.push(page.span(text, Part::Code(*kind)));
        }
        page.lines.push(Line::from(spans));
    }
}

/// Characters that are cut off at the left of all lines, so that the secret can be seen.
fn shift(excerpt: &Excerpt, room: usize) -> usize {
    for line in &excerpt.lines {
        let mut before = 0;
        for (text, kind) in &line.pieces {
            let len = text.chars().count();
            if *kind == Kind::Secret {
                return if before + len.min(room / 2) < room {
                    0
                } else {
                    before.saturating_sub(room / 3)
                };
            }
            before += len;
        }
    }
    0
}

fn others(page: &mut Page, model: &Model, finding: &Finding) {
    let all = &finding.occurrences;
    if all.len() > 1 {
        page.gap();
        for (n, occurrence) in all.iter().enumerate().take(PLACES_SHOWN) {
            let label = if n == 0 { "places" } else { "" };
            let mark = if n == model.occurrence { ">" } else { " " };
            let at = position(&model.redactor, occurrence);
            let commit = occurrence.introduced.as_ref();
            let commit =
                commit.map_or_else(String::new, |c| format!("  {:.12}", c.commit.to_string()));
            let place = occurrence.place.as_str();
            page.field(label, &format!("{mark} {at}  {place}{commit}"), None);
        }
        if all.len() > PLACES_SHOWN {
            let more = all.len() - PLACES_SHOWN;
            page.field(
                "",
                &format!("and {more} more (n and p go through them)"),
                None,
            );
        }
    }
    page.gap();
    page.field("fingerprint", finding.fingerprint.as_str(), Some(Part::Dim));
}
