//! The text of a hook, and how it is known again.
//!
//! A hook is a few lines of POSIX shell that run the binary which made it: nothing to keep up to
//! date but that. Its second line says which version of this text it is and ends with the hash of
//! all else, so that any version can tell whether a hook was changed by hand.

use scanner_core::source::{HashKind, blob_id};
use std::{ffi::OsStr, path::PathBuf};

/// Begins the second line of every hook of ours.
const MARK: &[u8] = b"# gitsieve-hook ";
/// Version of the text: raised when an older one is to be replaced.
const VERSION: &str = "1";

/// A hook that Git knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    PreCommit,
    PrePush,
    PreReceive,
    PostReceive,
}

impl Hook {
    pub(crate) const ALL: [Self; 4] = [
        Self::PreCommit,
        Self::PrePush,
        Self::PreReceive,
        Self::PostReceive,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
            Self::PostReceive => "post-receive",
        }
    }

    /// Whether a push runs it where it arrives.
    pub(crate) fn is_of_server(self) -> bool {
        matches!(self, Self::PreReceive | Self::PostReceive)
    }

    /// Whether git tells it of refs on standard input.
    fn reads_input(self) -> bool {
        self != Self::PreCommit
    }

    /// What the hook says when there is no gitsieve any more. It fails then: a gate that opens
    /// when it breaks is none.
    fn lament(self) -> [&'static str; 2] {
        match self {
            Self::PreCommit => [
                "this commit was not checked for secrets, so it does not go through",
                "install it again, commit once without (git commit --no-verify), or delete $0",
            ],
            Self::PrePush => [
                "this push was not checked for secrets, so it does not go through",
                "install it again, push once without (git push --no-verify), or delete $0",
            ],
            Self::PreReceive => [
                "this push cannot be checked for secrets, so the server does not take it",
                "its administrator has to install gitsieve again",
            ],
            Self::PostReceive => [
                "what the check of earlier pushes put off cannot be finished",
                "its administrator has to install gitsieve again",
            ],
        }
    }
}

/// A hook to be made.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) hook: Hook,
    /// The program to run, by its absolute path.
    pub(crate) binary: PathBuf,
    /// A policy to hand on, for a server's hooks.
    pub(crate) policy: Option<PathBuf>,
    /// Whether it is the only file of its hook, so that one from before may stand beside it.
    pub(crate) alone: bool,
}

/// Who made a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A gitsieve of some version, and it is as it was made.
    Ours,
    /// A gitsieve, and somebody changed it.
    Edited,
    /// Somebody else.
    Foreign,
}

impl Script {
    /// Its bytes: paths need not be UTF-8.
    pub(crate) fn text(&self) -> Vec<u8> {
        let name = self.hook.name();
        let mut body = Vec::new();
        let mut line = |parts: &[&[u8]]| {
            body.extend(parts.concat());
            body.push(b'\n');
        };
        let fixed = |text: &str| text.as_bytes().to_vec();
        line(&[b"# Made by `gitsieve hook install`; `gitsieve hook uninstall` takes it away."]);
        line(&[b"gitsieve=", &quoted(self.binary.as_os_str())]);
        line(&[b"command -v \"$gitsieve\" >/dev/null 2>&1 || gitsieve=gitsieve"]);
        line(&[b"command -v \"$gitsieve\" >/dev/null 2>&1 || {"]);
        let [what, way] = self.hook.lament();
        line(&[&fixed(&format!(
            "\techo \"gitsieve: there is no gitsieve any more: {what}\" >&2"
        ))]);
        line(&[&fixed(&format!("\techo \"gitsieve: {way}\" >&2"))]);
        line(&[b"\texit 1"]);
        line(&[b"}"]);
        let mut call = fixed(&format!("\"$gitsieve\" hook {name}"));
        if let Some(policy) = &self.policy {
            call.extend(b" --policy ");
            call.extend(quoted(policy.as_os_str()));
        }
        if self.hook == Hook::PrePush {
            call.extend(b" \"$@\"");
        }
        if self.alone {
            // By its own name: another tool may have renamed this file and call it.
            line(&[b"# A hook from before gitsieve came runs first; if it fails, all does."]);
            line(&[&fixed(&format!("earlier=${{0%/*}}/{name}.before-gitsieve"))]);
            line(&[b"if [ -x \"$earlier\" ]; then"]);
            if self.hook.reads_input() {
                // Both read all of it. In a variable: no file to leave behind, and refs hold no
                // NUL. `printf` is built in, so that no limit on arguments applies.
                line(&[b"\tlines=$(cat)"]);
                line(&[
                    b"\tfeed() { [ -z \"$lines\" ] || printf '%s\\n' \"$lines\" 2>/dev/null; }",
                ]);
                line(&[b"\tfeed | \"$earlier\" \"$@\" || exit"]);
                line(&[b"\tfeed | ", &call]);
                line(&[b"\texit"]);
            } else {
                line(&[b"\t\"$earlier\" \"$@\" || exit"]);
            }
            line(&[b"fi"]);
        }
        line(&[b"exec ", &call]);

        let mut text = b"#!/bin/sh\n".to_vec();
        text.extend(MARK);
        text.extend(VERSION.as_bytes());
        let sum = digest(&text, &body);
        text.extend(format!(" {sum}\n").as_bytes());
        text.extend(body);
        text
    }
}

/// The hash of what stands before and after it.
fn digest(before: &[u8], after: &[u8]) -> String {
    blob_id(&[before, b"\n", after].concat(), HashKind::Sha1).to_string()
}

/// Tells who made a hook.
pub(super) fn origin(text: &[u8]) -> Origin {
    let mut lines = text.splitn(3, |byte| *byte == b'\n');
    let (Some(first), Some(second), Some(rest)) = (lines.next(), lines.next(), lines.next()) else {
        return Origin::Foreign;
    };
    if !second.starts_with(MARK) {
        return Origin::Foreign;
    }
    let split = second.iter().rposition(|byte| *byte == b' ');
    let (mark, sum) = second.split_at(split.unwrap_or(0));
    let expected = digest(&[first, b"\n", mark].concat(), rest);
    if sum.strip_prefix(b" ") == Some(expected.as_bytes()) {
        Origin::Ours
    } else {
        Origin::Edited
    }
}

/// A word that the shell takes for exactly these bytes.
pub(super) fn quoted(word: &OsStr) -> Vec<u8> {
    let mut out = vec![b'\''];
    for &byte in word.as_encoded_bytes() {
        if byte == b'\'' {
            out.extend(b"'\\''");
        } else {
            out.push(byte);
        }
    }
    out.push(b'\'');
    out
}
