//! What a key asks for.

use super::{
    model::Mode,
    update::{Message, Typed},
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use scanner_core::model::TriageStatus;

/// Keys by what they are for, as the help screen lists them.
pub(crate) const HELP: [(&str, &[(&str, &str)]); 4] = [
    (
        "Moving",
        &[
            (
                "j k PgDn PgUp g G",
                "next, previous finding; by screens; first, last",
            ),
            (
                "Tab, Enter",
                "to the details and back: then these keys scroll them",
            ),
            ("n p", "next, previous place of this finding"),
        ],
    ),
    (
        "Showing",
        &[
            ("/", "search rule, description, path and fingerprint"),
            ("s", "least severity: medium, high, critical, any"),
            ("o", "all, open, decided, accepted, false-positive, ..."),
            ("Esc", "back; shows all again"),
            (
                "x",
                "show the secret in clear until the next key, at most 30 s",
            ),
            ("e", "open the file in $VISUAL or $EDITOR"),
        ],
    ),
    (
        "Deciding",
        &[
            (
                "Space, *",
                "mark one, all shown: what is decided is for all of them",
            ),
            ("a", "accepted: a real secret whose risk is borne"),
            ("f", "false positive: no secret"),
            ("r", "revoked: opens nothing any more"),
            ("t", "test: opens nothing that matters"),
            ("c", "take the decision away: it counts again"),
            ("u", "undo, as often as there is something"),
        ],
    ),
    (
        "Ending",
        &[
            ("w", "write the baseline"),
            ("q, Ctrl-C", "leave; asks where something is not written"),
        ],
    ),
];

/// Returns what a key asks for; `None` where it means nothing now.
pub(crate) fn message(mode: &Mode, key: KeyEvent) -> Option<Message> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control && matches!(key.code, KeyCode::Char('c')) {
        return Some(Message::Leave);
    }
    // Some terminals send it for Escape and a key that follows at once.
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    match mode {
        Mode::Browse => browse(key.code, control),
        Mode::Search(..) | Mode::Decide(_) => text(key.code, control),
        Mode::Help => Some(Message::Back),
        Mode::Leave => match key.code {
            KeyCode::Char('y' | 'w') => Some(Message::SaveAndLeave),
            KeyCode::Char('n' | 'q') => Some(Message::LeaveAnyway),
            _ => Some(Message::Back),
        },
    }
}

fn browse(code: KeyCode, control: bool) -> Option<Message> {
    if control {
        return match code {
            KeyCode::Char('d' | 'f') => Some(Message::Page(1)),
            KeyCode::Char('u' | 'b') => Some(Message::Page(-1)),
            KeyCode::Char('s') => Some(Message::Save),
            _ => None,
        };
    }
    Some(match code {
        KeyCode::Char('j') | KeyCode::Down => Message::Move(1),
        KeyCode::Char('k') | KeyCode::Up => Message::Move(-1),
        KeyCode::PageDown => Message::Page(1),
        KeyCode::PageUp | KeyCode::Char('b') => Message::Page(-1),
        KeyCode::Char('g') | KeyCode::Home => Message::First,
        KeyCode::Char('G') | KeyCode::End => Message::Last,
        KeyCode::Char('n') | KeyCode::Right => Message::NextOccurrence,
        KeyCode::Char('p') | KeyCode::Left => Message::PreviousOccurrence,
        KeyCode::Tab | KeyCode::BackTab | KeyCode::Enter => Message::SwitchFocus,
        KeyCode::Char('/') => Message::Search,
        KeyCode::Char('s') => Message::NextSeverity,
        KeyCode::Char('o') => Message::NextShow,
        KeyCode::Esc => Message::Back,
        KeyCode::Char('x') => Message::Reveal,
        KeyCode::Char('e') => Message::Edit,
        KeyCode::Char(' ') => Message::Mark,
        KeyCode::Char('*') => Message::MarkShown,
        KeyCode::Char('a') => Message::Decide(TriageStatus::Accepted),
        KeyCode::Char('f') => Message::Decide(TriageStatus::FalsePositive),
        KeyCode::Char('r') => Message::Decide(TriageStatus::Revoked),
        KeyCode::Char('t') => Message::Decide(TriageStatus::Test),
        KeyCode::Char('c') => Message::Clear,
        KeyCode::Char('u') => Message::Undo,
        KeyCode::Char('w') => Message::Save,
        KeyCode::Char('?') | KeyCode::F(1) => Message::Help,
        KeyCode::Char('q') => Message::Leave,
        _ => return None,
    })
}

fn text(code: KeyCode, control: bool) -> Option<Message> {
    if control {
        return match code {
            KeyCode::Char('u') => Some(Message::Type(Typed::Clear)),
            KeyCode::Char('a') => Some(Message::Type(Typed::Home)),
            KeyCode::Char('e') => Some(Message::Type(Typed::End)),
            _ => None,
        };
    }
    Some(match code {
        KeyCode::Char(c) => Message::Type(Typed::Character(c)),
        KeyCode::Backspace => Message::Type(Typed::Backspace),
        KeyCode::Delete => Message::Type(Typed::Delete),
        KeyCode::Left => Message::Type(Typed::Left),
        KeyCode::Right => Message::Type(Typed::Right),
        KeyCode::Home => Message::Type(Typed::Home),
        KeyCode::End => Message::Type(Typed::End),
        KeyCode::Enter => Message::Submit,
        KeyCode::Tab | KeyCode::Down => Message::NextField,
        KeyCode::BackTab | KeyCode::Up => Message::PreviousField,
        KeyCode::Esc => Message::Back,
        _ => return None,
    })
}
