//! What an expansion could not look at: one issue a kind, however many members it concerns.

use crate::model::{IssueKind, ScanIssue};

/// Bytes of a name that an issue shows.
const NAME_BYTES: usize = 200;

/// Why content was not looked at, or not wholly. In the order in which issues tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Deeper than containers are opened.
    Depth,
    /// The sum of all members is too large.
    Size,
    /// The sum is too large for so small a container.
    Ratio,
    /// Too many members.
    Count,
    /// One member needs too much memory.
    Memory,
    /// It took too long.
    Time,
    /// Cannot be decoded.
    Damaged,
    /// Encrypted.
    Encrypted,
    /// Compressed or stored in a way that is not known here.
    Unsupported,
}

const KINDS: [Kind; 9] = [
    Kind::Depth,
    Kind::Size,
    Kind::Ratio,
    Kind::Count,
    Kind::Memory,
    Kind::Time,
    Kind::Damaged,
    Kind::Encrypted,
    Kind::Unsupported,
];

/// Notes of trouble, by kind.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// How often, and the first case: which member, and details.
    noted: [Option<(u32, String, String)>; KINDS.len()],
}

impl Trouble {
    /// Notes that the member `path` (empty: the content itself) was not looked at in full.
    pub(super) fn note(&mut self, kind: Kind, path: &[u8], detail: impl FnOnce() -> String) {
        match &mut self.noted[kind as usize] {
            Some((count, ..)) => *count = count.saturating_add(1),
            none => *none = Some((1, shown(path), detail())),
        }
    }

    /// The issues. `limits` says what a kind's limit is.
    pub(super) fn into_issues(self, limits: &super::Limits) -> Vec<ScanIssue> {
        let cases = KINDS.into_iter().zip(self.noted);
        cases
            .filter_map(|(kind, noted)| {
                let (count, first, detail) = noted?;
                let (issue, message) = say(kind, count, &first, &detail, limits);
                Some(ScanIssue {
                    kind: issue,
                    object: None,
                    path: None,
                    message,
                })
            })
            .collect()
    }
}

fn say(
    kind: Kind,
    count: u32,
    first: &str,
    detail: &str,
    limits: &super::Limits,
) -> (IssueKind, String) {
    let more = |noun: &str| match count {
        1 => String::new(),
        2 => format!(", and one more {noun}"),
        _ => format!(", and {} more {noun}s", count - 1),
    };
    match kind {
        Kind::Depth => (
            IssueKind::Limit,
            format!(
                "not opened: {first}{} inside more than {} containers; a larger archive depth \
                 opens them",
                more("member"),
                limits.max_depth
            ),
        ),
        Kind::Size => (
            IssueKind::Limit,
            format!(
                "expands to more than the {} bytes that an archive may: nothing after the first \
                 {detail} bytes of {first} was looked at",
                limits.max_bytes
            ),
        ),
        Kind::Ratio => (
            IssueKind::Limit,
            format!(
                "expands to more than {} times its size: nothing after the first {detail} bytes \
                 of {first} was looked at",
                limits.max_ratio
            ),
        ),
        Kind::Count => (
            IssueKind::Limit,
            format!(
                "has more than the {} members that are looked at: {first} and what follows was \
                 not",
                limits.max_members
            ),
        ),
        Kind::Memory => (
            IssueKind::Limit,
            format!(
                "needs more memory than there is for one archive: {first}: {detail}{}",
                more("such member")
            ),
        ),
        Kind::Time => (
            IssueKind::Limit,
            format!(
                "took longer than {} seconds to open: {first} and what follows was not looked at",
                limits.max_time.as_secs()
            ),
        ),
        Kind::Damaged => (
            IssueKind::Note,
            format!(
                "looks like a container but cannot be read in full: {first}: {detail}{}",
                more("such place")
            ),
        ),
        Kind::Encrypted => (
            IssueKind::Note,
            format!("encrypted, so not looked at: {first}{}", more("member")),
        ),
        Kind::Unsupported => (
            IssueKind::Note,
            format!("not looked at: {first} ({detail}){}", more("such member")),
        ),
    }
}

/// A path as an issue shows it.
fn shown(path: &[u8]) -> String {
    if path.is_empty() {
        return "the content itself".to_owned();
    }
    let cut = &path[..path.len().min(NAME_BYTES)];
    let dots = if cut.len() < path.len() { "..." } else { "" };
    format!("{}{dots}", String::from_utf8_lossy(cut))
}
