//! Colours, and what stands for them where there are none.

use crate::{
    output,
    review::{excerpt::Kind, filter::Standing, syntax::Token},
};
use ratatui::style::{Color, Modifier, Style};
use scanner_core::model::Severity;

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(super) coloured: bool,
}

/// What something on the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Bar,
    Border,
    Key,
    Dim,
    Strong,
    Good,
    Bad,
    Selected,
    /// Selected, while keys move something else.
    Resting,
    Severity(Severity),
    Standing(Standing),
    Code(Kind),
}

impl Palette {
    pub(crate) fn new(style: output::Style) -> Self {
        Self {
            coloured: style == output::Style::Coloured,
        }
    }

    pub(super) fn style(self, part: Part) -> Style {
        let (colour, modifier) = look(part);
        let style = Style::new().add_modifier(modifier);
        match colour {
            Some(colour) if self.coloured => style.fg(colour),
            _ => style,
        }
    }
}

/// The sixteen colours that every terminal has and lets its user choose; never black or white, which
/// may be the background.
fn look(part: Part) -> (Option<Color>, Modifier) {
    let none = Modifier::empty();
    match part {
        Part::Bar | Part::Selected => (None, Modifier::REVERSED),
        Part::Resting => (None, Modifier::UNDERLINED),
        Part::Border | Part::Dim | Part::Standing(Standing::LetPass) => (None, Modifier::DIM),
        Part::Key => (Some(Color::Cyan), Modifier::BOLD),
        Part::Strong => (None, Modifier::BOLD),
        Part::Bad | Part::Severity(Severity::Critical) => (Some(Color::Red), Modifier::BOLD),
        Part::Severity(Severity::High) => (Some(Color::Red), none),
        Part::Severity(Severity::Medium) | Part::Standing(Standing::Ended(_)) => {
            (Some(Color::Yellow), none)
        }
        Part::Severity(Severity::Low) => (Some(Color::Cyan), none),
        Part::Standing(Standing::Open) => (None, none),
        Part::Good | Part::Standing(Standing::Decided(_)) => (Some(Color::Green), none),
        Part::Code(Kind::Secret) => (
            Some(Color::Yellow),
            Modifier::REVERSED.union(Modifier::BOLD),
        ),
        Part::Code(Kind::OtherSecret) => (Some(Color::Yellow), Modifier::UNDERLINED),
        Part::Code(Kind::Code(token)) => match token {
            Token::Plain => (None, none),
            Token::Keyword => (Some(Color::Magenta), none),
            Token::Text => (Some(Color::Green), none),
            Token::Number => (Some(Color::Cyan), none),
            Token::Comment => (None, Modifier::DIM.union(Modifier::ITALIC)),
        },
    }
}
