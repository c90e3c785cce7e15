//! Finds the repositories of a sweep: on disk, in a list, or by asking a server.
//!
//! Every way of finding gives a [`Found`]; [`merge`] makes one of several, and [`Select`] leaves
//! out what is not wanted. Repositories on other machines are [`Remote`] until
//! [`Mirrors`](mirror::Mirrors) has made a copy of them to scan.
//!
//! Nothing found is fatal: a directory that cannot be read, a listing that ends early and a
//! repository that is named twice become issues, and the rest is used. An issue of any kind but
//! [`IssueKind::Note`] means that repositories may be missing.
//!
//! Names, paths and addresses come from servers and directories that others write to. Names and
//! messages are made printable here; keys and paths are as they are.

mod disk;
mod git_url;
mod layout;
mod list;
mod merge;
pub mod mirror;
#[cfg(feature = "rest")]
pub mod rest;
mod shard;
#[cfg(test)]
mod testing;
mod token;

pub use disk::{DiskOptions, at, disk};
pub use git_url::{BadUrl, GitUrl, Scheme};
pub use list::{ListFormat, list};
pub use merge::{Select, merge};
pub use shard::Shard;
#[cfg(feature = "alerts")]
pub(crate) use token::read_bounded;
pub use token::{Token, TokenError};

use scanner_core::{
    model::{IssueKind, ScanIssue},
    report::printable,
};
use std::path::PathBuf;

/// Longest name shown, in characters: what servers call repositories is much shorter.
const MAX_NAME_CHARS: usize = 512;

/// A repository to sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// What the store knows it by: never the same for two repositories of one sweep, and the same in
    /// every sweep, wherever the server moves the directory as long as it names the repository. For a
    /// plain directory its canonical path.
    pub key: String,
    /// What people know it by: `PROJECT/slug`, `owner/name`, or the path.
    pub name: String,
    /// The project, group or owner, where the layout tells.
    pub project: Option<String>,
    /// The directory to scan.
    pub path: PathBuf,
    /// Forks of one origin share this, where the layout tells; object directories that are joined by
    /// alternates are found out by the sweep itself.
    pub family: Option<String>,
    /// The page of the repository on its server, for links in reports.
    pub web_url: Option<String>,
}

/// A repository on another machine, to be mirrored before it is swept. The fields that it shares
/// with [`Discovered`] mean the same there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// See [`Discovered::key`].
    pub key: String,
    /// See [`Discovered::name`].
    pub name: String,
    /// See [`Discovered::project`].
    pub project: Option<String>,
    /// See [`Discovered::family`].
    pub family: Option<String>,
    /// See [`Discovered::web_url`].
    pub web_url: Option<String>,
    /// Where to clone it from.
    pub url: GitUrl,
    /// What to show the server, where it is known. Never for any other server than that of `url`.
    pub token: Option<Token>,
}

impl Remote {
    /// The same repository, once it has been mirrored to `path`.
    pub fn mirrored_at(&self, path: PathBuf) -> Discovered {
        Discovered {
            key: self.key.clone(),
            name: self.name.clone(),
            project: self.project.clone(),
            path,
            family: self.family.clone(),
            web_url: self.web_url.clone(),
        }
    }
}

/// What a way of finding repositories gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Repositories on this machine, in a fixed order.
    pub repositories: Vec<Discovered>,
    /// Repositories to be mirrored, in a fixed order.
    pub remotes: Vec<Remote>,
    /// What went wrong or was left out, in the order in which it was met.
    pub issues: Vec<ScanIssue>,
}

impl Found {
    fn issue(&mut self, kind: IssueKind, place: impl Into<String>, message: impl Into<String>) {
        self.issues.push(ScanIssue {
            kind,
            object: None,
            path: Some(place.into()),
            message: message.into(),
        });
    }
}

/// Text that somebody else chose, fit to be a name.
fn shown(bytes: &[u8]) -> String {
    let text = printable(bytes);
    match text.char_indices().nth(MAX_NAME_CHARS) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

/// Text as a part of an address: RFC 3986's unreserved characters stay, all others are
/// percent-encoded.
#[cfg(any(feature = "alerts", feature = "rest"))]
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
    out
}

/// A path as shown.
fn shown_path(path: &std::path::Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

/// An address that may be linked to from a report: of the web, and without anything that a browser
/// or a reader could take for something else.
#[cfg(any(feature = "alerts", feature = "rest", test))]
pub(crate) fn web_link(text: &str) -> Option<String> {
    let scheme = text.split_once("://")?.0.to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '`' | '\'' | '\\');
    (matches!(scheme.as_str(), "http" | "https")
        && text.len() <= 2_048
        && text.chars().all(plain)
        && !authority(text).contains('@'))
    .then(|| text.to_owned())
}

/// The part of an address between `://` and the path.
#[cfg(any(feature = "alerts", feature = "rest", test))]
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_become_links() {
        for good in ["https://git.example/x", "http://h:7990/projects/~A/repos/b"] {
            assert_eq!(web_link(good).as_deref(), Some(good));
        }
        for bad in [
            "javascript://x/%0aalert(1)",
            "/relative",
            "https://h/\"><b>",
            "https://h/a b",
            "https://name@h/x",
            "file:///etc/passwd",
            "https://h/\u{202e}x",
        ] {
            assert_eq!(web_link(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_are_printable_and_not_endless() {
        assert_eq!(shown(b"a\x1b[31m\xff"), "a\\u{1b}[31m\\xff");
        let long = shown("é".repeat(10_000).as_bytes());
        assert_eq!(long.chars().count(), MAX_NAME_CHARS + 3);
    }
}
