//! How to take secrets out of what is being pushed.
//!
//! Nothing of a refused push is on the server, so that rewriting its commits disturbs nobody. The
//! commands are git's own, work on any machine, and name the commits of this very push.

use super::{
    finding::{PlaceCommit, Spot, Told, counted, short},
    lines::{Block, Fields},
};
use bstr::{BStr, ByteSlice};
use std::collections::{BTreeMap, BTreeSet};

/// Most commits and tags named; the others are counted.
const MAX_NAMED: usize = 5;

/// What must be rewritten.
#[derive(Default)]
struct Work<'a> {
    commits: BTreeMap<crate::model::CommitId, PlaceCommit>,
    in_messages: bool,
    in_files: bool,
    tags: BTreeSet<&'a BStr>,
    objects: bool,
}

impl<'a> Work<'a> {
    fn new(told: &[&'a Told]) -> Self {
        let mut work = Self::default();
        for place in told.iter().flat_map(|told| &told.places) {
            match place.spot {
                Spot::CommitMessage => work.in_messages = true,
                Spot::TagMessage => {
                    work.tags.insert(place.name.as_bstr());
                }
                Spot::Object if place.commits.is_empty() => work.objects = true,
                Spot::File | Spot::Object => work.in_files = true,
            }
            work.commits
                .extend(place.commits.iter().map(|c| (c.id, *c)));
        }
        work
    }

    /// What to do once git has stopped at a commit.
    fn edit(&self) -> &'static str {
        match (self.in_files, self.in_messages) {
            (false, true) => "take the secret out of the message",
            (true, true) => "take the secrets out of the files and the message",
            _ => "take the secret out of the file",
        }
    }

    /// The command that takes up what was edited: a message is edited in it.
    fn amend(&self) -> &'static str {
        if self.in_files {
            "git commit -a --amend"
        } else {
            "git commit --amend"
        }
    }
}

/// The blocks that say how, for findings that are all meant to go.
pub(super) fn blocks(told: &[&Told], fields: &Fields<'_>) -> Vec<Block> {
    let work = Work::new(told);
    let mut blocks = Vec::new();
    if !work.commits.is_empty() {
        blocks.push(commits(&work));
    }
    if !work.tags.is_empty() {
        blocks.push(tags(&work.tags, fields));
    }
    if work.objects {
        let mut block = Block::default();
        block.prose("What a ref points at without a commit cannot be edited: push another object.");
        blocks.push(block);
    }
    let mut block = Block::default();
    block.prose(
        "Revoke a secret that anyone else may have seen: taking it out does not make it safe again.",
    );
    blocks.push(block);
    blocks
}

fn commits(work: &Work<'_>) -> Block {
    let mut commits: Vec<&PlaceCommit> = work.commits.values().collect();
    // Dates may lie; git's own order would need the history.
    commits.sort_by_key(|commit| (commit.facts.map(|facts| facts.seconds), commit.id));
    let mut block = Block::default();
    if commits.iter().all(|commit| commit.is_tip) {
        let which = match commits.as_slice() {
            [one] => format!("It is in the last commit ({}): ", short(&one.id)),
            _ => "On each branch it is in the last commit. There, ".to_owned(),
        };
        block.prose(&format!("{which}{}, then", work.edit()));
        block.command(work.amend());
        block.command("git push");
        return block;
    }
    let named = commits.iter().take(MAX_NAMED).map(|c| short(&c.id));
    let named: Vec<String> = named.collect();
    let more = match commits.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let several = commits.len() > 1;
    block.prose(&if several {
        let n = counted(commits.len() as u64, "commit");
        format!("It is in {n}: {}{more}.", named.join(", "))
    } else {
        format!("It is in commit {}, which is not the last one.", named[0])
    });
    let (this, before) = if several {
        ("these", "the oldest of them")
    } else {
        ("this one", "it")
    };
    block.prose(&format!(
        "Deleting it in a later commit is not enough: the push would still bring {this}. Start \
         from the commit before {before}:"
    ));
    let parents = |commit: &PlaceCommit| commit.facts.map(|facts| facts.parents);
    let merges = commits.iter().any(|commit| parents(commit) > Some(1));
    let option = if merges { "--rebase-merges " } else { "" };
    let oldest = commits[0];
    block.command(&match parents(oldest) {
        Some(0) => format!("git rebase -i {option}--root"),
        _ => format!("git rebase -i {option}{}^", short(&oldest.id)),
    });
    if parents(oldest).is_none() {
        block.command("  (--root in place of the id where it is the first commit of all)");
    }
    block.command(match (several, merges) {
        (_, true) => "  (write `break` on a line after each merge, `edit` before others, and save)",
        (true, false) => "  (write `edit` before each of them, and save)",
        (false, false) => "  (write `edit` before it, and save)",
    });
    block.command(&format!("  (where git stops, {})", work.edit()));
    block.command(&format!("{} && git rebase --continue", work.amend()));
    block.command("git push");
    block
}

fn tags(names: &BTreeSet<&BStr>, fields: &Fields<'_>) -> Block {
    let mut block = Block::default();
    block.prose("Make the tag again with another message, then push it again:");
    for name in names.iter().take(MAX_NAMED) {
        let argument = fields.argument(name);
        let name = argument.as_deref().unwrap_or("<tag>");
        block.command(&format!("git tag -a -f {name} \"{name}^{{}}\""));
    }
    if let Some(more) = names.len().checked_sub(MAX_NAMED).filter(|n| *n > 0) {
        block.command(&format!("... and {more} more"));
    }
    block
}
