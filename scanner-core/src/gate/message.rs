//! What the person who pushes is told.
//!
//! Git shows every line behind `remote: `, web editors often the first one alone, servers cut
//! long output off or reject the push for it. So the first line stands by itself, lines fit
//! into 100 columns where what they name allows it, the whole stays below 16 KiB, and what does
//! not fit is counted. Paths, refs and reasons come from whoever pushes: each passes the
//! [`Redactor`], is made printable and cut, before it becomes part of a line.
//!
//! A text offers only ways out that exist on this server: it never says `git push -o` where
//! push options were not negotiated, because git then fails on the client.

mod finding;
mod lines;
mod remedy;
#[cfg(test)]
mod tests;

pub use finding::{Action, CommitFacts, Place, PlaceCommit, Spot, Told};

use crate::report::Redactor;
use bstr::BString;
use finding::counted;
use lines::{Block, Fields, assemble};
use std::collections::BTreeSet;

/// Texts are shorter than this.
pub const MAX_BYTES: usize = 16 << 10;

/// Most findings shown; the others are counted.
const MAX_FINDINGS: usize = 10;
/// Most notes, and most details of what is incomplete.
const MAX_NOTES: usize = 5;

/// What becomes of the push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passes; there may be warnings and notes.
    Passed,
    /// It is refused.
    Blocked,
    /// It would be refused, if the policy did more than audit.
    AuditOnly,
    /// It would be refused, and passes because of an exception that is recorded.
    LetThrough {
        /// The way the exception was asked for, such as `push option`.
        way: String,
        /// The reason given.
        reason: BString,
    },
}

/// The server, as far as it changes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Server {
    /// Shows standard error as it comes.
    #[default]
    Plain,
    /// Shows people only lines that begin with `GL-HOOK-ERR:`.
    GitLab,
    /// None: the text is for whoever pushes from this machine.
    Local,
}

/// Why a scan did not see everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortfall {
    /// Time ran out.
    Deadline,
    /// Objects are damaged, absent or cannot be read.
    Unreadable,
}

/// What a scan did not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// Why.
    pub why: Shortfall,
    /// How many commits were not scanned in full; 0 where that is not known.
    pub unscanned: u64,
    /// How many commits are new.
    pub commits: u64,
    /// What failed, for people; five are shown.
    pub details: Vec<String>,
    /// Whether the rest is scanned after the push.
    pub later: bool,
}

/// The ways to ask for an exception that exist here, for this user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// The push option's name, where the policy has one and push options were negotiated.
    pub push_option: Option<String>,
    /// The commit trailer's name, where the policy has one.
    pub trailer: Option<String>,
    /// Whether a comment `gitsieve:allow` on a secret's line counts.
    pub inline_comments: bool,
}

/// All that a text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What becomes of the push.
    pub outcome: Outcome,
    /// Where it is shown.
    pub server: Server,
    /// What was found and is not allowed, in the report's order.
    pub findings: Vec<Told>,
    /// A limit of the policy that the push exceeds: "it brings 2 GB of new objects, and ...".
    pub limit: Option<String>,
    /// What kept the scan from being done at all.
    pub failure: Option<String>,
    /// What the scan did not see.
    pub incomplete: Option<Incomplete>,
    /// Further remarks, such as on files too large to be scanned.
    pub notes: Vec<String>,
    /// How to ask for an exception.
    pub exceptions: Exceptions,
    /// Whom to ask.
    pub contact: Option<String>,
}

impl Message {
    /// Starts with an outcome and nothing to say.
    pub fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            server: Server::default(),
            findings: Vec::new(),
            limit: None,
            failure: None,
            incomplete: None,
            notes: Vec::new(),
            exceptions: Exceptions::default(),
            contact: None,
        }
    }

    /// Writes the text: whole lines of printable characters, fewer than [`MAX_BYTES`] bytes, empty
    /// where there is nothing to say. `redactor` must know all secrets of the push.
    pub fn text(&self, redactor: &Redactor) -> String {
        let fields = Fields::new(redactor);
        let prefix = match self.server {
            Server::Plain | Server::Local => "",
            Server::GitLab => "GL-HOOK-ERR: ",
        };
        let Some(first) = self.first_line(&fields) else {
            return String::new();
        };
        let shown = self.shown();
        let mut revoked = BTreeSet::new();
        let findings = shown
            .iter()
            .take(MAX_FINDINGS)
            .enumerate()
            .map(|(i, told)| {
                let revoke = told.action != Action::Old && revoked.insert(&told.remediation);
                told.block(i + 1, revoke, &fields)
            });
        assemble(prefix, &first, findings, shown.len(), self.tail(&fields))
    }

    /// Findings in the order of what they mean for the push.
    fn shown(&self) -> Vec<&Told> {
        let mut shown: Vec<&Told> = self.findings.iter().collect();
        shown.sort_by_key(|told| told.action);
        shown
    }

    fn of(&self, action: Action) -> Vec<&Told> {
        let of = self.findings.iter().filter(|told| told.action == action);
        of.collect()
    }

    fn first_line(&self, fields: &Fields<'_>) -> Option<String> {
        let head = match &self.outcome {
            Outcome::Passed => return self.first_line_of_passed(fields),
            Outcome::Blocked => "push blocked",
            Outcome::AuditOnly => "audit mode, would block",
            Outcome::LetThrough { .. } => "allowed by exception",
        };
        let cause = finding::headline(&self.of(Action::Blocked), fields)
            .or_else(|| Some(fields.sentence(self.failure.as_ref()?)))
            .or_else(|| Some(fields.sentence(self.limit.as_ref()?)))
            .or_else(|| {
                let text = self.incomplete.as_ref()?.text();
                Some(format!("the scan is incomplete: {text}"))
            });
        Some(match cause {
            Some(cause) => format!("gitsieve: {head}: {cause}"),
            None => format!("gitsieve: {head}"),
        })
    }

    fn first_line_of_passed(&self, fields: &Fields<'_>) -> Option<String> {
        let incomplete = self.incomplete.as_ref();
        let warning = finding::headline(&self.of(Action::Warned), fields)
            .or_else(|| {
                incomplete.map(|i| format!("the push passes without a full scan: {}", i.text()))
            })
            .or_else(|| Some(fields.sentence(self.failure.as_ref()?)));
        if let Some(warning) = warning {
            return Some(format!("gitsieve: warning: {warning}"));
        }
        let old = finding::headline(&self.of(Action::Old), fields);
        let note = old.map(|old| format!("not new in this push: {old}"));
        // The first of the notes is the first line then, and not said again.
        note.or_else(|| self.notes.first().map(|note| fields.sentence(note)))
            .map(|note| format!("gitsieve: note: {note}"))
    }

    fn tail(&self, fields: &Fields<'_>) -> Vec<Block> {
        let blocked = self.of(Action::Blocked);
        let warned = self.of(Action::Warned);
        let mut blocks = Vec::new();
        let stopped = self.outcome == Outcome::Blocked;
        match &self.outcome {
            Outcome::Blocked => {}
            Outcome::Passed if warned.is_empty() => {}
            Outcome::Passed => blocks.push(Block::of(
                "The push passes, so that the history on the server holds this from now on: revoke \
                 what is real.",
            )),
            Outcome::AuditOnly => blocks.push(Block::of(
                "The push passes, because the policy only audits for now. The history on the \
                 server holds this from now on: revoke what is real.",
            )),
            Outcome::LetThrough { way, reason } => blocks.push(Block::of(&format!(
                "Recorded, with what was found: {}, reason: {}",
                fields.name(way),
                fields.text(reason)
            ))),
        }
        if let Some(limit) = self.limit.as_ref().filter(|_| !blocked.is_empty()) {
            blocks.push(Block::of(&format!("Also, {}", fields.sentence(limit))));
        }
        if self.failure.is_some() && stopped {
            blocks.push(Block::of(
                "This is a fault of the server or of its configuration, not of your commits. Try \
                 again; if it stays, tell those who run this server.",
            ));
        }
        if let Some(incomplete) = &self.incomplete {
            blocks.push(incomplete.block(fields, stopped, blocked.is_empty() && warned.is_empty()));
        }
        let notes = self.notes.iter().skip(usize::from(self.first_is_note()));
        let notes: Vec<&String> = notes.collect();
        if !notes.is_empty() {
            let mut block = Block::default();
            for note in notes.iter().take(MAX_NOTES) {
                block.prose(&format!("Note: {}", fields.sentence(note)));
            }
            if let Some(more) = notes.len().checked_sub(MAX_NOTES).filter(|n| *n > 0) {
                block.prose(&format!("... and {}", counted(more as u64, "more note")));
            }
            blocks.push(block);
        }
        if stopped && !blocked.is_empty() {
            blocks.extend(remedy::blocks(&blocked, fields));
            blocks.push(self.exceptions_block(fields));
        } else if let Some(contact) = self.contact.as_ref().filter(|_| stopped) {
            blocks.push(Block::of(&format!(
                "Questions: {}",
                fields.sentence(contact)
            )));
        }
        blocks
    }

    /// Whether the first line is a note's.
    fn first_is_note(&self) -> bool {
        self.outcome == Outcome::Passed
            && self.findings.is_empty()
            && self.incomplete.is_none()
            && self.failure.is_none()
    }

    fn exceptions_block(&self, fields: &Fields<'_>) -> Block {
        let Exceptions {
            push_option,
            trailer,
            inline_comments,
        } = &self.exceptions;
        let mut block = Block::default();
        let mut ways = Vec::new();
        if let Some(name) = push_option {
            ways.push(format!("git push -o {}=\"<reason>\"", fields.name(name)));
        }
        if let Some(name) = trailer {
            let name = fields.name(name);
            ways.push(format!(
                "git commit --amend -s --trailer \"{name}: <reason>\" && git push"
            ));
        }
        if *inline_comments {
            ways.push("a comment `gitsieve:allow` on the secret's line".to_owned());
        }
        if !ways.is_empty() {
            block.prose(if self.server == Server::Local {
                "If it is no secret:"
            } else {
                "If it is no secret, or must be pushed as it is (this is recorded):"
            });
        }
        for (i, way) in ways.iter().enumerate() {
            let or = if i == 0 { "" } else { "or " };
            block.command(&format!("{or}{way}"));
        }
        if self.server == Server::Local {
            block.prose("`git push --no-verify` goes around this check, at your own risk.");
            return block;
        }
        let whom = match &self.contact {
            Some(contact) => fields.sentence(contact),
            None => "those who run this server".to_owned(),
        };
        let ask = if ways.is_empty() {
            "For an exception ask"
        } else {
            "Or ask"
        };
        block.prose(&format!(
            "{ask} {whom}, and give the id (v1:...) from above."
        ));
        block
    }
}

impl Incomplete {
    fn text(&self) -> String {
        let part = match self.unscanned {
            0 => "some of it".to_owned(),
            n => format!("{n} of {}", counted(self.commits.max(n), "commit")),
        };
        match self.why {
            Shortfall::Deadline => format!("{part} not scanned in time"),
            Shortfall::Unreadable => format!("{part} cannot be read"),
        }
    }

    fn block(&self, fields: &Fields<'_>, stopped: bool, is_cause: bool) -> Block {
        let mut block = Block::default();
        if !is_cause {
            block.prose(&format!("The scan is incomplete: {}.", self.text()));
        }
        for detail in self.details.iter().take(MAX_NOTES) {
            block.item(&fields.sentence(detail));
        }
        if let Some(more) = self.details.len().checked_sub(MAX_NOTES).filter(|n| *n > 0) {
            block.item(&format!("... and {more} more"));
        }
        match (self.why, stopped, is_cause) {
            (Shortfall::Deadline, true, true) => block.prose(
                "Nothing was found in what was scanned. Push fewer commits at a time, oldest \
                 first (git push <remote> <commit>:<branch>), or try again when the server is \
                 less busy.",
            ),
            (Shortfall::Unreadable, true, true) => block.prose(
                "Nothing was found in what was scanned. Try again; if it stays, tell those who \
                 run this server.",
            ),
            (_, false, _) if self.later => {
                block.prose(
                    "The rest is scanned after the push; what is found there is followed up.",
                );
            }
            _ => {}
        }
        block
    }
}
