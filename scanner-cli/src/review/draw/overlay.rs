//! What stands above the rest: a question, a form, the help.

use super::{
    palette::{Palette, Part},
    put,
};
use crate::review::{Field, Form, Input, Model, keys::HELP, model::Mode};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::{Block, Clear, Widget},
};

/// Widest box.
const WIDTH: u16 = 76;

/// Draws what the mode asks for, and returns where the cursor is, if there is one.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    footer: Rect,
    model: &Model,
    palette: Palette,
) -> Option<Position> {
    match &model.mode {
        Mode::Browse => None,
        Mode::Search(input, _) => {
            let label = " search: ";
            Clear.render(footer, buffer);
            put(
                buffer,
                footer,
                0,
                &Line::styled(label, palette.style(Part::Strong)),
            );
            let left = u16::try_from(label.len()).unwrap_or_default();
            let field = Rect {
                x: footer.x + left.min(footer.width),
                width: footer.width.saturating_sub(left),
                ..footer
            };
            Some(line(buffer, field, input))
        }
        Mode::Decide(form) => decide(buffer, area, form, model, palette),
        Mode::Help => {
            help(buffer, area, palette);
            None
        }
        Mode::Leave => {
            let n = model.unsaved();
            let inside = framed(buffer, area, 3, " Leave? ", palette);
            let said = match n {
                1 => "1 decision is not written.".to_owned(),
                n => format!("{n} decisions are not written."),
            };
            put(buffer, inside, 0, &Line::raw(said));
            let keys = [
                ("y", " write and leave   "),
                ("n", " leave without   "),
                ("Esc", " stay"),
            ];
            let spans = keys
                .map(|(key, what)| [Span::styled(key, palette.style(Part::Key)), Span::raw(what)]);
            put(buffer, inside, 2, &Line::from(spans.concat()));
            None
        }
    }
}

/// Clears a box in the middle, draws its border, and returns its inside.
fn framed(buffer: &mut Buffer, area: Rect, rows: u16, title: &str, palette: Palette) -> Rect {
    let width = WIDTH.min(area.width);
    let height = (rows + 2).min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    Clear.render(place, buffer);
    let block = Block::bordered()
        .border_style(palette.style(Part::Dim))
        .title(Line::styled(title, palette.style(Part::Strong)));
    let inside = block.inner(place);
    block.render(place, buffer);
    Rect {
        x: inside.x + 1.min(inside.width),
        width: inside.width.saturating_sub(2),
        ..inside
    }
}

/// What a decision is about: a secret, or how many findings.
fn about(model: &Model) -> String {
    let targets = model.targets();
    if let [number] = *targets {
        return model.findings()[number].secret.redacted();
    }
    let marked = model.marked();
    let shown = model
        .visible()
        .iter()
        .filter(|n| marked.contains(n))
        .count();
    let hidden = match targets.len() - shown {
        0 => String::new(),
        n => format!(", {n} of which are not shown"),
    };
    format!("{} findings{hidden}", targets.len())
}

fn decide(
    buffer: &mut Buffer,
    area: Rect,
    form: &Form,
    model: &Model,
    palette: Palette,
) -> Option<Position> {
    let title = format!(" {}: {} ", form.status, about(model));
    let rows = if area.height >= 9 { 7 } else { 3 };
    let inside = framed(buffer, area, rows, &title, palette);
    let compact = inside.height < 7;
    let mut cursor = None;
    for (n, field) in Field::ALL.into_iter().enumerate() {
        // Where there is little room, the field that is typed in is shown alone.
        if compact && field != form.field {
            continue;
        }
        let row = if compact { 0 } else { 2 * n };
        let active = field == form.field;
        let part = if active { Part::Strong } else { Part::Dim };
        put(
            buffer,
            inside,
            row,
            &Line::styled(field.label(), palette.style(part)),
        );
        let below = u16::try_from(row + 1).unwrap_or_default();
        if below >= inside.height {
            continue;
        }
        let at = Rect {
            y: inside.y + below,
            height: 1,
            ..inside
        };
        let place = line(buffer, at, form.get(field));
        if active {
            cursor = Some(place);
        }
    }
    if let Some(problem) = &form.problem {
        let row = usize::from(inside.height).saturating_sub(1);
        put(
            buffer,
            inside,
            row,
            &Line::styled(problem.clone(), palette.style(Part::Bad)),
        );
    }
    cursor
}

/// Draws text that is being typed so that the cursor can be seen, and returns where that is.
fn line(buffer: &mut Buffer, area: Rect, input: &Input) -> Position {
    let (before, after) = input.parts();
    let room = usize::from(area.width).saturating_sub(1);
    let mut shown = before;
    while Span::raw(shown).width() > room {
        let mut chars = shown.chars();
        chars.next();
        shown = chars.as_str();
    }
    put(buffer, area, 0, &Line::raw(format!("{shown}{after}")));
    let column = u16::try_from(Span::raw(shown).width()).unwrap_or_default();
    Position {
        x: area.x + column.min(area.width.saturating_sub(1)),
        y: area.y,
    }
}

fn help(buffer: &mut Buffer, area: Rect, palette: Palette) {
    let mut lines = Vec::new();
    for (title, keys) in HELP {
        lines.push(Line::styled(title, palette.style(Part::Strong)));
        for (key, what) in keys {
            lines.push(Line::from(vec![
                Span::styled(format!("  {key:<18}"), palette.style(Part::Key)),
                Span::raw(*what),
            ]));
        }
    }
    let rows = u16::try_from(lines.len()).unwrap_or_default();
    let inside = framed(buffer, area, rows, " Keys ", palette);
    for (row, line) in lines.iter().enumerate() {
        put(buffer, inside, row, line);
    }
}
