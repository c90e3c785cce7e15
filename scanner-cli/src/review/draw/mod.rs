//! Shows a review.
//!
//! Only what is on the screen is made: a list of a hundred thousand findings costs as much as a
//! short one.

mod details;
mod list;
mod overlay;
mod palette;

pub(crate) use palette::Palette;

use super::{
    Model,
    model::{Focus, Mode},
};
use palette::Part;
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

/// From this width on the details stand beside the list.
const WIDE: u16 = 110;
/// Widest list beside details.
const LIST_WIDTH: u16 = 64;
/// Rows that list and details need together to be shown at once.
const BOTH_ROWS: u16 = 10;

/// Which parts of the screen show what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    title: Rect,
    list: Rect,
    /// Between the two.
    border: Rect,
    details: Rect,
    footer: Rect,
}

impl Layout {
    fn of(area: Rect, model: &Model) -> Self {
        Self::new(area, model.focus, model.findings().len())
    }

    fn new(area: Rect, focus: Focus, findings: usize) -> Self {
        let row = |y: u16| Rect {
            y,
            height: 1,
            ..area
        };
        let body = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(2),
            ..area
        };
        let none = Rect { height: 0, ..body };
        let (mut list, mut border, mut details) = (none, none, none);
        if area.width >= WIDE {
            let width = (area.width * 2 / 5).min(LIST_WIDTH);
            list = Rect { width, ..body };
            border = Rect {
                x: area.x + width,
                width: 1,
                ..body
            };
            details = Rect {
                x: area.x + width + 2,
                width: area.width - width - 2,
                ..body
            };
        } else if body.height >= BOTH_ROWS {
            let most = (body.height / 3).max(4);
            // A short list leaves its room to the details; a filter moves nothing.
            let height = u16::try_from(findings).map_or(most, |n| n.clamp(2, most));
            list = Rect { height, ..body };
            border = row(body.y + height);
            details = Rect {
                y: body.y + height + 1,
                height: body.height - height - 1,
                ..body
            };
        } else if focus == Focus::List {
            list = body;
        } else {
            details = body;
        }
        Self {
            title: row(area.y),
            list,
            border,
            details,
            footer: row(area.bottom().saturating_sub(1)),
        }
    }
}

/// Rows of the list on a screen of this size.
pub(crate) fn list_rows(area: Rect, model: &Model) -> usize {
    usize::from(Layout::of(area, model).list.height)
}

/// Shows a review, and returns how far the details were scrolled in fact.
pub(crate) fn draw(frame: &mut Frame<'_>, model: &Model, palette: Palette) -> usize {
    let area = frame.area();
    if area.height < 3 || area.width < 10 {
        let line = Line::raw("too small");
        put(frame.buffer_mut(), area, 0, &line);
        return model.scroll;
    }
    let layout = Layout::of(area, model);
    let buffer = frame.buffer_mut();
    title(buffer, layout.title, model, palette);
    list::draw(buffer, layout.list, model, palette);
    border(buffer, layout.border, model, palette);
    let scroll = details::draw(buffer, layout.details, model, palette);
    footer(buffer, layout.footer, model, palette);
    if let Some(cursor) = overlay::draw(buffer, area, layout.footer, model, palette) {
        frame.set_cursor_position(cursor);
    }
    scroll
}

/// Puts a line into a row of an area; what is too long is cut.
fn put(buffer: &mut Buffer, area: Rect, row: usize, line: &Line<'_>) {
    let row = u16::try_from(row).unwrap_or(u16::MAX);
    if row < area.height && area.width > 0 {
        buffer.set_line(area.x, area.y + row, line, area.width);
    }
}

fn title(buffer: &mut Buffer, area: Rect, model: &Model, palette: Palette) {
    buffer.set_style(area, palette.style(Part::Bar));
    let all = model.findings().len();
    let mut text = format!(" {} of {all} open", model.open());
    let unsaved = model.unsaved();
    if unsaved > 0 {
        text = format!("{text}, {unsaved} not written");
    }
    let marked = model.marked().len();
    if marked > 0 {
        text = format!("{text}, {marked} marked");
    }
    put(buffer, area, 0, &Line::raw(text.clone()));
    let told = model.filter.told();
    if !told.is_empty() {
        let shown = format!("{} shown: {told} ", model.visible().len());
        let width = Span::raw(&shown).width();
        let free = usize::from(area.width).saturating_sub(Span::raw(&text).width() + 2);
        let start = usize::from(area.width).saturating_sub(width.min(free));
        let right = Rect {
            x: area.x + u16::try_from(start).unwrap_or(area.width),
            width: area.width - u16::try_from(start).unwrap_or(area.width),
            ..area
        };
        put(buffer, right, 0, &Line::raw(shown));
    }
}

fn border(buffer: &mut Buffer, area: Rect, model: &Model, palette: Palette) {
    if area.height == 0 {
        return;
    }
    let style = palette.style(Part::Border);
    if area.width == 1 {
        for row in 0..area.height {
            put(buffer, area, row.into(), &Line::styled("\u{2502}", style));
        }
        return;
    }
    put(
        buffer,
        area,
        0,
        &Line::styled("\u{2500}".repeat(area.width.into()), style),
    );
    if model.focus == Focus::Details {
        put(
            buffer,
            area,
            0,
            &Line::styled("\u{2500}\u{2500} details ", palette.style(Part::Strong)),
        );
    }
}

fn footer(buffer: &mut Buffer, area: Rect, model: &Model, palette: Palette) {
    if let Some(note) = &model.note {
        let part = if note.bad { Part::Bad } else { Part::Good };
        let text = format!(" {}", note.text.replace('\n', " "));
        put(buffer, area, 0, &Line::styled(text, palette.style(part)));
        return;
    }
    let keys: &[(&str, &str)] = match &model.mode {
        Mode::Search(..) => &[("Enter", "search"), ("Esc", "as it was")],
        Mode::Decide(_) => &[
            ("Enter", "decide"),
            ("Tab", "next field"),
            ("Esc", "not now"),
        ],
        Mode::Help => &[("any key", "back")],
        Mode::Leave => &[],
        Mode::Browse if !model.marked().is_empty() => &[
            ("a f r t c", "decide about all that are marked"),
            ("Space", "mark"),
            ("*", "all shown"),
            ("Esc", "none"),
        ],
        Mode::Browse => &[
            ("?", "help"),
            ("a", "accept"),
            ("f", "false"),
            ("r", "revoked"),
            ("t", "test"),
            ("u", "undo"),
            ("/", "search"),
            ("w", "write"),
            ("q", "quit"),
        ],
    };
    let mut spans = vec![Span::raw(" ")];
    for (key, what) in keys {
        spans.push(Span::styled(*key, palette.style(Part::Key)));
        spans.push(Span::styled(format!(" {what}  "), palette.style(Part::Dim)));
    }
    put(buffer, area, 0, &Line::from(spans));
}

#[cfg(test)]
mod tests;
