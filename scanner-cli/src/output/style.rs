//! Colours: a handful of ANSI sequences need no dependency.

use scanner_core::model::Severity;
use std::fmt;

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Coloured,
}

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Severity(Severity),
    /// A label or an aside.
    Dim,
    /// What the eye looks for.
    Strong,
    Good,
    Bad,
}

impl Style {
    /// Returns `text` as it shows in a role.
    pub(crate) fn paint<T: fmt::Display>(self, role: Role, text: T) -> Painted<T> {
        Painted {
            code: (self == Self::Coloured).then(|| role.code()),
            text,
        }
    }
}

impl Role {
    fn code(self) -> &'static str {
        match self {
            Self::Severity(Severity::Critical) | Self::Bad => "1;31",
            Self::Severity(Severity::High) => "31",
            Self::Severity(Severity::Medium) => "33",
            Self::Severity(Severity::Low) => "36",
            Self::Dim => "2",
            Self::Strong => "1",
            Self::Good => "32",
        }
    }
}

pub(crate) struct Painted<T> {
    code: Option<&'static str>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\x1b[{code}m{}\x1b[0m", self.text),
            None => self.text.fmt(f),
        }
    }
}
