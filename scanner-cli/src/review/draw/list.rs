//! The list of findings.

use super::{
    palette::{Palette, Part},
    put,
};
use crate::review::{Model, model::Focus};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};
use scanner_core::{
    model::Severity,
    report::{position, printable},
};

/// Columns of a rule's name.
const RULE_WIDTH: usize = 22;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, palette: Palette) {
    if model.visible().is_empty() && area.height > 0 {
        let text = if model.findings().is_empty() {
            " There is no finding."
        } else {
            " No finding is like that (Esc shows all)."
        };
        put(
            buffer,
            area,
            0,
            &Line::styled(text, palette.style(Part::Dim)),
        );
        return;
    }
    let shown = model.visible().iter().enumerate().skip(model.top);
    for (row, (at, &number)) in shown.take(area.height.into()).enumerate() {
        put(buffer, area, row, &line(model, number, palette));
        if at == model.row {
            let part = if model.focus == Focus::List {
                Part::Selected
            } else {
                Part::Resting
            };
            let row = Rect {
                y: area.y + u16::try_from(row).unwrap_or_default(),
                height: 1,
                ..area
            };
            buffer.set_style(row, palette.style(part));
        }
    }
}

fn line(model: &Model, number: usize, palette: Palette) -> Line<'static> {
    let finding = &model.findings()[number];
    let severity = finding.rule.severity;
    let standing = model.standing(number);
    let changed = if model.is_changed(number) { '*' } else { ' ' };
    let place = finding.occurrences.first();
    let place = place.map_or_else(String::new, |o| position(&model.redactor, o));
    let more = match finding.occurrences.len() {
        0 | 1 => String::new(),
        n => format!("  +{}", n - 1),
    };
    let rule: String = printable(finding.rule.id.as_bytes())
        .chars()
        .take(RULE_WIDTH)
        .collect();
    let mark = if model.marked().contains(&number) {
        "+"
    } else {
        " "
    };
    Line::from(vec![
        Span::styled(mark, palette.style(Part::Key)),
        Span::styled(
            format!("{} ", short(severity)),
            palette.style(Part::Severity(severity)),
        ),
        Span::styled(
            format!("{changed}{:<9}", standing.word()),
            palette.style(Part::Standing(standing)),
        ),
        Span::styled(format!("{rule:<RULE_WIDTH$}"), palette.style(Part::Strong)),
        Span::raw(format!("  {place}")),
        Span::styled(more, palette.style(Part::Dim)),
    ])
}

/// Of the same width.
fn short(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRIT",
        Severity::High => "HIGH",
        Severity::Medium => "MED ",
        Severity::Low => "LOW ",
    }
}
