//! Ways in which content writes other content.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A way of writing content in other characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Encoding {
    /// Base64 (RFC 4648), standard or URL-safe, in one line or wrapped.
    #[serde(rename = "base64")]
    Base64,
    /// Two hexadecimal digits a byte.
    #[serde(rename = "hex")]
    Hex,
    /// `%3D`, as in URLs (RFC 3986).
    #[serde(rename = "percent")]
    Percent,
    /// `\u003d`, `\u{3d}` and `\x3d`, as in JSON and most languages.
    #[serde(rename = "backslash")]
    Backslash,
    /// `&quot;`, `&#61;`, `&#x3d;`, as in HTML and XML.
    #[serde(rename = "html-entity")]
    Entity,
    /// UTF-16, the less significant byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the more significant byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
}

impl Encoding {
    /// Returns the name used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Percent => "percent",
            Self::Backslash => "backslash",
            Self::Entity => "html-entity",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
