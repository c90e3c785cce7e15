//! The ordered steps that end a leak, as Markdown with boxes to tick.
//!
//! The order is the point. A secret that was pushed is known: rewriting history first only tells
//! attackers where to look, and old commits stay to be had for weeks. So every secret is revoked,
//! its use looked up and its place taken before the history is rewritten, which is done once for
//! all of them.

use super::{Affected, ByHand, Replacements, Surroundings, store::STORE};
use std::io::{self, Write};

/// Most lines of a kind that are named for one secret; the rest is in the JSON file.
const NAMED: usize = 10;

/// Names of the files beside the list.
#[derive(Debug, Clone, Copy)]
pub struct FileNames<'a> {
    /// Rules of replacement.
    pub replacements: &'a str,
    /// Blobs to take out whole.
    pub blobs: &'a str,
    /// What is affected, as JSON.
    pub affected: &'a str,
}

/// All that the list is about.
#[derive(Debug)]
pub struct Checklist<'a> {
    /// What each secret touches, in the report's order.
    pub affected: &'a [Affected],
    /// `None` where the secrets are not known, because a report was read.
    pub replacements: Option<&'a Replacements>,
    /// What else holds objects.
    pub surroundings: &'a Surroundings,
    /// Whether everything was looked at.
    pub complete: bool,
    /// Names of files.
    pub files: FileNames<'a>,
}

impl Checklist<'_> {
    /// Writes the list.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let n = self.affected.len();
        let secrets = if n == 1 { "secret" } else { "secrets" };
        writeln!(out, "# Remediation of {n} {secrets}\n")?;
        writeln!(
            out,
            "Work from top to bottom: first part 1 for every secret, then part 2 once, then part 3. \
             Secrets are redacted here. `{}` has all commits, refs and paths.\n",
            self.files.affected
        )?;
        if self.replacements.is_some() {
            writeln!(
                out,
                "**`{}` holds the secrets in clear.** Commit it nowhere, send it to nobody, and \
                 delete it after part 2.\n",
                self.files.replacements
            )?;
        }
        if !self.complete {
            writeln!(
                out,
                "**Not everything was looked at, so there may be more.** `gitsieve` tells what is \
                 missing.\n"
            )?;
        }
        writeln!(out, "## 1. Each secret\n")?;
        for (at, one) in self.affected.iter().enumerate() {
            Self::secret(out, at + 1, one)?;
        }
        self.history(out)?;
        out.write_all(STORE.as_bytes())
    }

    fn secret(out: &mut dyn Write, number: usize, one: &Affected) -> io::Result<()> {
        writeln!(
            out,
            "### 1.{number} {} ({})\n",
            plain(&one.description),
            one.severity
        )?;
        writeln!(
            out,
            "{} of rule {}, {}\n",
            code(&one.redacted),
            code(&one.rule_id),
            one.fingerprint
        )?;
        let revoke = if one.revoke.is_empty() {
            "find out which service it opens, and revoke it there".to_owned()
        } else {
            plain(&one.revoke)
        };
        writeln!(out, "- [ ] **Revoke** it before anything else: {revoke}")?;
        for page in &one.references {
            writeln!(out, "      See {}", code(page))?;
        }
        let since = one
            .since
            .as_deref()
            .unwrap_or("the day it was first stored");
        writeln!(
            out,
            "- [ ] **Access logs**: look for uses that are not yours since {since}."
        )?;
        let name = &one.variable;
        writeln!(
            out,
            "- [ ] **Replace** it where it is used, by a new value stored as `{name}` (part 3)."
        )?;
        list(out, "Stands now in", one.current_paths.iter())?;
        if one.in_history {
            writeln!(
                out,
                "- [ ] **History**: rewrite it, with all others at once (part 2)."
            )?;
        } else {
            writeln!(
                out,
                "- [ ] **History**: nothing to rewrite; do not commit the file as it is."
            )?;
        }
        let gone = one.paths.difference(&one.current_paths);
        list(out, "Stood in", gone)?;
        list(out, "Introduced by", one.introduced.iter())?;
        list(out, "Also introduced by", one.also_introduced.iter())?;
        list(out, "Last seen in", one.last_seen.iter())?;
        list(out, "Branches and other refs", one.refs.iter())?;
        list(out, "Tags", one.tags.iter())?;
        list(out, "Pull requests", one.pull_requests.iter())?;
        if one.more_refs
            && let Some(commit) = one.introduced.first()
        {
            writeln!(out, "  - All refs: `git for-each-ref --contains {commit}`")?;
        }
        writeln!(out)
    }

    fn history(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "## 2. The history, once for all\n")?;
        if !self.affected.iter().any(|one| one.in_history) {
            return writeln!(out, "Nothing to do: no secret is in the history.\n");
        }
        out.write_all(BEFORE.as_bytes())?;
        let FileNames {
            replacements,
            blobs,
            ..
        } = self.files;
        let command = match self.replacements {
            None => {
                writeln!(
                    out,
                    "- [ ] Make the rules of replacement: `gitsieve remediate` on the repository. \
                     They are not beside this list, because a report does not hold the secrets."
                )?;
                String::new()
            }
            Some(made) => {
                let messages = if self.affected.iter().any(|one| one.in_messages) {
                    format!(" --replace-message ../{replacements}")
                } else {
                    String::new()
                };
                let strip = if made.blobs().is_empty() {
                    String::new()
                } else {
                    format!(" --strip-blobs-with-ids ../{blobs}")
                };
                format!(
                    "git filter-repo --sensitive-data-removal --replace-text \
                     ../{replacements}{messages}{strip}"
                )
            }
        };
        if !command.is_empty() {
            writeln!(
                out,
                "- [ ] Rewrite, in the mirror, with these files put beside it (git-filter-repo 2.47 or \
                 later; leave out `--sensitive-data-removal` with an older one):\n\n      {command}\n"
            )?;
        }
        if let Some(made) = self.replacements {
            by_hand(out, made, blobs)?;
        }
        out.write_all(AFTER.as_bytes())?;
        let around = self.surroundings;
        if !around.alternates.is_empty() {
            list(
                out,
                "This repository borrows objects from",
                around.alternates.iter(),
            )?;
        }
        let pulls = around.pull_request_refs.len();
        if pulls > 0 {
            writeln!(
                out,
                "  - It has {pulls} refs of pull requests. Which hold a commit: `git for-each-ref \
                 --contains COMMIT`"
            )?;
            list(out, "They are", around.pull_request_refs.iter())?;
        }
        out.write_all(CACHES.as_bytes())
    }
}

fn by_hand(out: &mut dyn Write, made: &Replacements, blobs: &str) -> io::Result<()> {
    if !made.blobs().is_empty() {
        writeln!(
            out,
            "      {} blobs in `{blobs}` go as a whole: they hold a secret inside an archive, a document \
             or UTF-16, where text is not replaced. Commit a clean version of their files afterwards.\n",
            made.blobs().len()
        )?;
    }
    if !made.by_hand().is_empty() {
        writeln!(out, "- [ ] By hand, because no rule can replace them:")?;
        for ByHand { fingerprint, why } in made.by_hand() {
            writeln!(out, "  - {fingerprint}: {why}")?;
        }
    }
    Ok(())
}

/// A line with what there is, or none.
fn list<'t>(
    out: &mut dyn Write,
    what: &str,
    all: impl Iterator<Item = &'t String>,
) -> io::Result<()> {
    let mut all = all.filter(|text| !text.is_empty());
    let shown: Vec<String> = all.by_ref().take(NAMED).map(|text| code(text)).collect();
    if shown.is_empty() {
        return Ok(());
    }
    let more = match all.count() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    writeln!(out, "  - {what} {}{more}", shown.join(", "))
}

/// Text as a code span, whatever backticks are in it.
fn code(text: &str) -> String {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    if longest == 0 {
        return format!("{fence}{text}{fence}");
    }
    format!("{fence} {text} {fence}")
}

/// Text of a rule in running text: what would be Markdown or HTML is not.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '<' | '>' | '[' | ']' | '*' | '\\' | '|' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

const BEFORE: &str = "\
- [ ] Tell everyone: push what is to be kept, then stop pushing. Merge or close open pull requests.
- [ ] Make a fresh mirror, with every ref, and a second one as a backup that few can read:

      git clone --mirror URL rewrite.git && cd rewrite.git

";

const AFTER: &str = "\
- [ ] Look again: `gitsieve git . --reachable-only` in the mirror must find none of these secrets. What it
      finds stands where text is not replaced (content with zero bytes, say): put the blob's id into a
      file for `--strip-blobs-with-ids`, or the path behind `--invert-paths --path`, and rewrite again.
      Notes keep naming the old commits: delete `refs/notes/*` where the secret is in one.
- [ ] Force-push every branch and tag (lift the protection of branches for it, and put it back):

      git push --force --mirror URL

      A server refuses its own refs (`refs/pull-requests/*`, `refs/pull/*`, `refs/merge-requests/*`):
      what it says about those is expected, and the next but one step is about them.
- [ ] Tell everyone to clone anew. A merge or pull from an old clone brings the secret back; work that was
      not pushed is moved with `git rebase --onto`. A pre-receive hook (`gitsieve hook pre-receive`) refuses
      what comes back.
- [ ] On the server, end what keeps the old commits: `git reflog expire --expire=now --all && git gc
      --prune=now` in the repository. Bitbucket Data Center, GitLab and Gitea have a housekeeping job for
      it; on GitHub and Bitbucket Cloud, ask the support.
- [ ] Forks and pull requests: old commits stay in every fork, in what a fork borrows from, and in refs of
      pull requests, and can be read there by their id. Rewrite or delete forks; delete the pull requests,
      or have an administrator delete their refs.
";

const CACHES: &str = "\
- [ ] Caches: CI workspaces and artifacts, mirrors, container images and packages built from old commits,
      code search, log files, backups, and pages that show a commit.
- [ ] Delete the files with secrets in clear (`shred -u` where the disk allows it), and the mirrors.

";

#[cfg(test)]
mod tests {
    use super::super::testing::finding;
    use super::*;
    use crate::{model::Finding, report::Redactor};

    const FILES: FileNames<'static> = FileNames {
        replacements: "r.txt",
        blobs: "b.txt",
        affected: "a.json",
    };

    fn text(found: &[Finding], known: bool) -> String {
        let redactor = Redactor::new(found.iter().map(|f| f.secret.clone()));
        let of = |f: &Finding| Affected::of(f, "ACME_TOKEN".into(), &redactor);
        let affected: Vec<Affected> = found.iter().map(of).collect();
        let made = Replacements::of(found);
        let surroundings = Surroundings {
            alternates: vec!["/srv/git/parent".into()],
            pull_request_refs: vec!["refs/pull/1/head".into()],
        };
        let list = Checklist {
            affected: &affected,
            replacements: known.then_some(&made),
            surroundings: &surroundings,
            complete: true,
            files: FILES,
        };
        let mut out = Vec::new();
        list.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn steps_stand_in_the_order_in_which_they_help() {
        let text = text(&[finding("acme", b"long-enough-secret", "a`b.env")], true);
        let mut from = 0;
        for step in [
            "Revoke** it before anything else: Revoke it at https://acme.example",
            "https://acme.example/docs",
            "Access logs",
            "stored as `ACME_TOKEN`",
            "`` a`b.env ``",
            "Also introduced by",
            "Tags `refs/tags/v1`",
            "--replace-text ../r.txt\n",
            "git push --force",
            "clone anew",
            "gc",
            "Forks and pull requests",
            "/srv/git/parent",
            "refs/pull/1/head",
            "Caches",
            "vault kv put",
            "infisical",
            "secured: true",
        ] {
            let at = text[from..].find(step);
            from += at.unwrap_or_else(|| panic!("{step} is missing or too early: {text}"));
        }
        assert!(!text.contains("long-enough-secret"));
    }

    #[test]
    fn what_is_said_depends_on_where_the_secret_stands_and_what_is_known() {
        let mut found = finding("acme", b"abc", "a.zip");
        found.occurrences[0].member = Some("m".into());
        let here = text(std::slice::from_ref(&found), true);
        assert!(here.contains("--strip-blobs-with-ids ../b.txt"), "{here}");
        assert!(here.contains("no rule can replace"), "{here}");
        found.occurrences[0].place = crate::model::Where::CommitMessage;
        let message = text(std::slice::from_ref(&found), true);
        assert!(message.contains("--replace-message"), "{message}");
        let unknown = text(std::slice::from_ref(&found), false);
        assert!(!unknown.contains("filter-repo --"), "{unknown}");
        found.occurrences[0].place = crate::model::Where::Worktree;
        let outside = text(&[found], true);
        assert!(outside.contains("Nothing to do"), "{outside}");
    }
}
