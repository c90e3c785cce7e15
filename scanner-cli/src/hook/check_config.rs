//! `gitsieve hook check-config`: whether a policy can be used, and what it comes to.
//!
//! Everything that would stop a hook for its configuration is found here first: the policy's own
//! problems, and those of the rules that it or one of its overrides names. Problems are the result
//! and go where the result goes, one a line as `file:line: message`.

mod shown;

use super::policy::PolicyText;
use crate::{exit::ExitStatus, plan::RulePlan, rules};
use scanner_core::{
    gate::{
        describe::{Description, describe},
        policy::{Policy, RuleSelection},
    },
    report::printable,
};
use serde::Serialize;
use shown::{labelled, shown};
use std::{
    fmt::Write as _,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What is asked of a policy.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) policy: &'a PolicyText,
    /// A repository's name, as its server gives it.
    pub(crate) repository: Option<&'a str>,
    /// A user's name.
    pub(crate) user: Option<&'a str>,
    pub(crate) json: bool,
    /// Seconds since 1970, UTC.
    pub(crate) now_seconds: i64,
}

/// The answer, as JSON has it.
#[derive(Debug, Serialize)]
struct Answer {
    file: Option<String>,
    valid: bool,
    problems: Vec<String>,
    warnings: Vec<String>,
    /// How many rules a scan would use.
    rules: Option<usize>,
    policy: Option<Description>,
}

/// Checks a policy and writes what it comes to. The status is that of usage where a hook could
/// not work with it.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn run(question: &Question<'_>, out: &mut dyn Write) -> io::Result<ExitStatus> {
    let answer = answer(question);
    if question.json {
        serde_json::to_writer_pretty(&mut *out, &answer)?;
        out.write_all(b"\n")?;
    } else {
        out.write_all(answer.text().as_bytes())?;
    }
    Ok(if answer.valid {
        ExitStatus::Clean
    } else {
        ExitStatus::Usage
    })
}

fn answer(question: &Question<'_>) -> Answer {
    let PolicyText { text, file } = question.policy;
    let mut answer = Answer {
        file: file.clone(),
        valid: false,
        problems: Vec::new(),
        warnings: Vec::new(),
        rules: None,
        policy: None,
    };
    let policy = match Policy::parse(text, file.as_deref().unwrap_or_default()) {
        Ok(policy) => policy,
        Err(errors) => {
            answer.problems = errors.problems().iter().map(ToString::to_string).collect();
            return answer;
        }
    };
    let repository = question.repository.map(str::as_bytes);
    let description = describe(&policy, repository, question.user, question.now_seconds);
    let in_use = repository.map_or_else(
        || policy.for_all_others().rules,
        |repository| policy.for_repository(repository).rules,
    );
    answer.load(0, &in_use, true);
    for (line, selection) in policy.rule_selections() {
        if selection != in_use {
            answer.load(line, &selection, false);
        }
    }
    answer.warnings.extend(absent(&description));
    answer.policy = Some(description);
    answer.valid = answer.problems.is_empty();
    answer
}

impl Answer {
    /// Loads rules as a hook would; `line` is that of the override that chooses them.
    fn load(&mut self, line: u32, selection: &RuleSelection, in_use: bool) {
        match rules::load(&RulePlan::from(selection)) {
            Ok((rules, warnings)) => {
                if in_use {
                    self.rules = Some(rules.len());
                }
                self.warnings.extend(warnings);
            }
            Err(error) => {
                let place = match (line, &self.file) {
                    (0, Some(file)) => format!("{file}: "),
                    (line, Some(file)) => format!("{file}:{line}: "),
                    (_, None) => String::new(),
                };
                self.problems.push(format!("{place}{error}"));
            }
        }
        self.warnings.dedup();
    }

    fn text(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for problem in &self.problems {
            lines.extend(problem.lines().map(str::to_owned));
        }
        if let (Some(policy), true) = (&self.policy, self.valid) {
            let file = self.file.as_deref().unwrap_or("the built-in policy");
            lines.push(format!("{file} can be used"));
            lines.extend(shown(policy, self.rules.unwrap_or_default()));
            lines.extend(policy.notes.iter().map(|note| labelled("note", note)));
            lines.extend(self.warnings.iter().map(|w| labelled("warning", w)));
        } else {
            lines.push(format!(
                "{} problems: hooks refuse to work with this policy",
                self.problems.len()
            ));
        }
        let mut text = String::new();
        for line in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", printable(line.as_bytes()));
        }
        text
    }
}

/// Directories and files that the policy names and that are not here. No problem by itself: the
/// check may run on another machine than the hooks.
fn absent(policy: &Description) -> Vec<String> {
    let parent = |path: &Option<PathBuf>| {
        let path = path.as_deref().and_then(Path::parent);
        path.map(Path::to_owned)
    };
    let named = [
        ("spool", policy.spool.clone()),
        ("ledger", parent(&policy.break_glass.ledger)),
        (
            "audit",
            parent(&policy.audit.path).filter(|path| !path.to_string_lossy().contains("{host}")),
        ),
    ];
    named
        .into_iter()
        .filter_map(|(what, path)| Some((what, path?)))
        .filter(|(_, path)| !path.is_dir())
        .map(|(what, path)| format!("{what}: there is no directory {} here", path.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn ask(text: &str, file: &str, json: bool) -> (ExitStatus, String) {
        let policy = PolicyText {
            text: text.to_owned(),
            file: Some(file.to_owned()),
        };
        let question = Question {
            policy: &policy,
            repository: Some("P/r"),
            user: Some("alice"),
            json,
            now_seconds: 1_796_000_000,
        };
        let mut out = Vec::new();
        let status = run(&question, &mut out).unwrap();
        (status, String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_a_policy_comes_to_is_shown() {
        let text = "spool = \"/no/such\"\n[break-glass]\ntrailer = \"Skip\"\nusers = [\"al*\"]\n\
                    [[allow]]\nrules = [\"a\"]\nreason = \"x\u{202e}y\"\nexpires = 2026-01-01\n\
                    [rules]\nonly = [\"github-*\"]\n\
                    [[override]]\nrepositories = [\"P/*\"]\nmode = \"audit\"\n";
        let (status, shown) = ask(text, "/etc/p.toml", false);
        assert_eq!(status, ExitStatus::Clean);
        for line in [
            "/etc/p.toml can be used\n",
            "mode                audit\n",
            "critical            block; at medium confidence block, at low off\n",
            "break-glass         trailer Skip, for al*\n",
            "override            line 11: P/*, applies\n",
            "note                mode \"audit\"",
            "ended 2026-01-01\n",
            "deadline            4s, then closed\n",
            "large content       over 50M is not scanned",
            "warning             spool: there is no directory /no/such here\n",
            "open to user        Skip: reason",
        ] {
            assert!(shown.contains(line), "{line}\n{shown}");
        }
        assert!(!shown.contains('\u{202e}') && shown.contains(", only github-*"));
        let (status, json) = ask(text, "/etc/p.toml", true);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(status, ExitStatus::Clean);
        assert_eq!(
            (&json["valid"], &json["policy"]["mode"]),
            (&true.into(), &"audit".into())
        );
    }

    #[test]
    fn problems_of_the_policy_and_of_its_rules_are_the_result() {
        let (status, shown) = ask("mode = 1\nx = 2\n", "p.toml", false);
        assert_eq!(status, ExitStatus::Usage);
        assert!(
            shown.starts_with("p.toml:1: ") && shown.contains("\np.toml:2: "),
            "{shown}"
        );

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p.toml");
        fs::write(dir.path().join("bad.toml"), "[[rules]]\nid = 1\n").unwrap();
        // The override does not hold for the repository asked about, and is checked all the same.
        let text = "\n[[override]]\nrepositories = [\"Q/*\"]\nrules = { files = [\"bad.toml\"] }\n";
        let (status, shown) = ask(text, file.to_str().unwrap(), false);
        assert_eq!(status, ExitStatus::Usage);
        assert!(
            shown.contains("p.toml:2: ") && shown.contains("bad.toml:2: "),
            "{shown}"
        );
        let (_, json) = ask(text, file.to_str().unwrap(), true);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["valid"], false);
        assert_eq!(json["problems"].as_array().map(Vec::len), Some(1));
    }
}
