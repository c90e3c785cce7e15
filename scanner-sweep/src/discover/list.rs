//! Reads a list of repositories.

use super::{Discovered, DiskOptions, Found, GitUrl, Remote, disk, shown};
use scanner_core::model::{IssueKind, Problem};
use std::{
    ffi::OsStr,
    io::{self, Read},
    path::PathBuf,
};

/// A longer list is not believed, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// How a list is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListFormat {
    /// One repository a line: a path or an address, and after a tab the name to call it by, if it
    /// shall not be that which its place tells. Lines that begin with `#` and empty ones do not
    /// count; white space at both ends does not either.
    #[default]
    Lines,
    /// A path or an address, and a NUL. Nothing has a meaning but the NUL.
    Nul,
}

/// Reads a list of paths and addresses; `file` is what to call it. Paths are taken from the current
/// directory on.
///
/// A path at which there is no repository is an issue, and the rest of the list is used: lists are
/// made at one time and used at another.
///
/// # Errors
/// When the list cannot be read, or everything in it that makes no sense, with its line (or the
/// number of the entry, where NUL divides them).
pub fn list(
    input: impl Read,
    file: &str,
    format: ListFormat,
    options: &DiskOptions,
) -> Result<Found, Vec<Problem>> {
    let mut text = Vec::new();
    let read = input.take(MAX_BYTES + 1).read_to_end(&mut text);
    let whole = |message: String| {
        vec![Problem {
            file: file.to_owned(),
            line: 0,
            message,
        }]
    };
    read.map_err(|error| whole(format!("this list cannot be read: {error}")))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(whole(format!(
            "this list has more than {MAX_BYTES} bytes: divide it"
        )));
    }
    let divider = match format {
        ListFormat::Lines => b'\n',
        ListFormat::Nul => 0,
    };
    let mut found = Found::default();
    let mut problems = Vec::new();
    for (entry, line) in text.split(|&byte| byte == divider).zip(1..) {
        let (place, name) = match format {
            ListFormat::Nul => (entry, None),
            ListFormat::Lines => {
                let entry = entry.trim_ascii();
                if entry.starts_with(b"#") && !entry.contains(&0) {
                    continue;
                }
                match entry.iter().position(|&byte| byte == b'\t') {
                    None => (entry, None),
                    Some(tab) => (
                        entry[..tab].trim_ascii_end(),
                        Some(entry[tab..].trim_ascii()),
                    ),
                }
            }
        };
        if place.is_empty() {
            continue;
        }
        let at = format!("{file}:{line}");
        if let Err(message) = add(&mut found, &at, place, name, options) {
            problems.push(Problem {
                file: file.to_owned(),
                line,
                message,
            });
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(problems)
    }
}

fn add(
    found: &mut Found,
    at: &str,
    place: &[u8],
    name: Option<&[u8]>,
    options: &DiskOptions,
) -> Result<(), String> {
    if place.contains(&0) {
        return Err("a NUL: if NULs divide this list, say so by an option".to_owned());
    }
    if name.is_some_and(|name| name.contains(&b'\t')) {
        return Err(
            "more than one tab: expected a path or an address, a tab and a name".to_owned(),
        );
    }
    let name = name.map(shown);
    if let Some(text) = std::str::from_utf8(place)
        .ok()
        .filter(|text| GitUrl::is_meant(text))
    {
        let (url, token) = GitUrl::parse(text).map_err(|error| error.to_string())?;
        let (usual, project) = url.name();
        found.remotes.push(Remote {
            key: url.to_string(),
            name: name.unwrap_or(usual),
            project,
            family: None,
            web_url: None,
            url,
            token,
        });
        return Ok(());
    }
    let path = path(place)?;
    let outcome = disk::at(&path, options, found);
    // What was meant as an address may hold a password.
    let what = if place.contains(&b'@') {
        "this path".to_owned()
    } else {
        shown(place)
    };
    match outcome {
        Ok(Some(it)) => {
            let name = name.unwrap_or(it.name);
            found.repositories.push(Discovered { name, ..it });
        }
        Ok(None) => {
            let message = format!("{what} is no repository");
            found.issue(IssueKind::Unreadable, at, message);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = format!("{what} does not exist");
            found.issue(IssueKind::Unreadable, at, message);
        }
        Err(error) => {
            let message = format!("{what} cannot be looked at: {error}");
            found.issue(IssueKind::Unreadable, at, message);
        }
    }
    Ok(())
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "elsewhere not every text is a path"
)]
fn path(bytes: &[u8]) -> Result<PathBuf, String> {
    use std::os::unix::ffi::OsStrExt;
    Ok(PathBuf::from(OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> Result<PathBuf, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    Ok(PathBuf::from(OsStr::new(text)))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::super::testing::Lab;
    use super::*;
    use std::path::Path;

    fn read(text: &[u8], format: ListFormat) -> Result<Found, Vec<String>> {
        list(text, "list.txt", format, &DiskOptions::default())
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn lines_hold_a_path_or_an_address_and_perhaps_a_name() {
        let lab = Lab::new();
        lab.bare("a#b.git");
        lab.bare("c.git");
        lab.bare("home/data/repositories/7");
        let at = |name: &str| lab.path(name).to_str().unwrap().to_owned();
        let text = format!(
            "# a comment\n\n  {}  \r\n{}\tTEAM/c\nhttps://me:{}@git.example/scm/P/x.git\n\
             git@h:o/r.git\tnamed here\n{}",
            at("a#b.git"),
            at("c.git"),
            "swordfish",
            at("home/data/repositories/7")
        );
        let found = read(text.as_bytes(), ListFormat::Lines).unwrap();
        let local: Vec<_> = found
            .repositories
            .iter()
            .map(|it| (&*it.key, &*it.name))
            .collect();
        let (a, c) = (at("a#b.git"), at("c.git"));
        assert_eq!(
            local,
            [(&*a, &*a), (&*c, "TEAM/c"), ("bitbucket:7", "bitbucket:7")]
        );
        let remote: Vec<_> = found
            .remotes
            .iter()
            .map(|it| (&*it.key, &*it.name))
            .collect();
        assert_eq!(
            remote,
            [
                ("https://git.example/scm/P/x.git", "P/x"),
                ("git@h:o/r.git", "named here")
            ]
        );
        assert!(found.remotes[0].token.is_some());
        assert!(!format!("{found:?}").contains("swordfish"));
    }

    #[test]
    fn nul_divides_what_may_hold_anything() {
        let lab = Lab::new();
        lab.bare("a\n\tb#.git");
        let mut text = lab
            .path("a\n\tb#.git")
            .to_str()
            .unwrap()
            .as_bytes()
            .to_vec();
        text.extend(b"\0https://h/x\0");
        let found = read(&text, ListFormat::Nul).unwrap();
        assert_eq!(found.repositories.len(), 1);
        assert!(found.repositories[0].name.ends_with("/a\\n\\tb#.git"));
        assert_eq!(
            Path::new(&found.repositories[0].key),
            lab.path("a\n\tb#.git")
        );
        assert_eq!(found.remotes.len(), 1);
        let wrong = read(&text, ListFormat::Lines).unwrap_err();
        assert!(wrong[0].contains("NUL"), "{wrong:?}");
    }

    #[test]
    fn all_that_makes_no_sense_is_told_at_once_with_its_line() {
        let text = concat!(
            "https://h\n\next::sh://x\nhttps://u:",
            "hidden@h/x?y\n/a\tb\tc\n"
        );
        let wrong = read(text.as_bytes(), ListFormat::Lines).unwrap_err();
        let lines: Vec<&str> = wrong
            .iter()
            .map(|it| &it[..it.find(": ").unwrap()])
            .collect();
        assert_eq!(
            lines,
            ["list.txt:1", "list.txt:3", "list.txt:4", "list.txt:5"]
        );
        assert!(!wrong.concat().contains("hidden"), "{wrong:?}");
    }

    #[test]
    fn a_path_without_a_repository_is_an_issue_and_the_rest_is_used() {
        let lab = Lab::new();
        lab.bare("a.git");
        let at = |name: &str| lab.path(name).to_str().unwrap().to_owned();
        let text = format!(
            "{}\n{}\n{}\nu:hidden@h:x\n",
            at("gone"),
            at(""),
            at("a.git")
        );
        let found = read(text.as_bytes(), ListFormat::Lines).unwrap();
        assert_eq!(found.repositories.len(), 1);
        let told: Vec<_> = found
            .issues
            .iter()
            .map(|issue| (issue.kind, issue.path.as_deref().unwrap()))
            .collect();
        let lost = IssueKind::Unreadable;
        assert_eq!(
            told,
            [
                (lost, "list.txt:1"),
                (lost, "list.txt:2"),
                (lost, "list.txt:4")
            ]
        );
        assert!(found.issues[0].message.ends_with("/gone does not exist"));
        assert!(!format!("{found:?}").contains("hidden"));
    }

    #[test]
    fn a_list_that_cannot_be_read_says_why() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is on fire"))
            }
        }
        let wrong = list(Broken, "-", ListFormat::Lines, &DiskOptions::default()).unwrap_err();
        assert_eq!(
            wrong[0].to_string(),
            "-: this list cannot be read: the disk is on fire"
        );
    }
}
