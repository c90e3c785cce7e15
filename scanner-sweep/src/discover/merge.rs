//! One list of repositories out of several.

use super::{Found, shown_path};
use scanner_core::{gate::Globs, model::IssueKind};
use std::{collections::HashMap, path::PathBuf};

/// Makes one of several, in their order, in which every repository stands once: the first mention
/// of a path, of a key and of an address counts, and a repository on this machine before the same
/// one to be mirrored. What is left out is said; two different directories with one key are an
/// issue that costs completeness, since only one of them is swept.
pub fn merge(all: impl IntoIterator<Item = Found>) -> Found {
    let mut merged = Found::default();
    let mut paths: HashMap<PathBuf, String> = HashMap::new();
    let mut keys: HashMap<String, String> = HashMap::new();
    let mut urls = HashMap::new();
    let mut remotes = Vec::new();
    for found in all {
        merged.issues.extend(found.issues);
        remotes.extend(found.remotes);
        for it in found.repositories {
            let place = shown_path(&it.path);
            let path = it.path.canonicalize().unwrap_or_else(|_| it.path.clone());
            if let Some(name) = paths.get(&path) {
                let message = format!("named twice, swept once, as {name}");
                merged.issue(IssueKind::Note, place, message);
            } else if let Some(other) = keys.get(&it.key) {
                let message = format!(
                    "not swept: it has the same key as {other}, {:?}. Is one a copy, or of another \
                     server? Sweep them with stores of their own",
                    it.key
                );
                merged.issue(IssueKind::Unreadable, place, message);
            } else {
                paths.insert(path, it.name.clone());
                keys.insert(it.key.clone(), place);
                merged.repositories.push(it);
            }
        }
    }
    for it in remotes {
        let place = it.url.to_string();
        let known = keys.get(&it.key).or_else(|| urls.get(&it.url));
        if let Some(other) = known {
            let message = format!("named twice, swept once, as {other}");
            merged.issue(IssueKind::Note, place, message);
        } else {
            keys.insert(it.key.clone(), place);
            urls.insert(it.url.clone(), it.name.clone());
            merged.remotes.push(it);
        }
    }
    merged
}

/// Which repositories are wanted, by their names. A `*` stops at slashes; `**` does not.
#[derive(Debug, Clone, Default)]
pub struct Select {
    include: Globs,
    exclude: Globs,
}

impl Select {
    /// Takes globs as given to `--include` and `--exclude`. Without any of the former everything is
    /// wanted.
    ///
    /// # Errors
    /// All that is no glob, with the option it was given to.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, Vec<String>> {
        let read = |option: &str, globs: &[String]| {
            Globs::of_repositories(globs.iter().map(String::as_str)).map_err(|wrong| {
                let wrong = wrong.into_iter();
                wrong.map(|it| format!("{option} {it}")).collect::<Vec<_>>()
            })
        };
        match (read("--include", include), read("--exclude", exclude)) {
            (Ok(include), Ok(exclude)) => Ok(Self { include, exclude }),
            (one, two) => {
                let wrong = [one.err(), two.err()].into_iter().flatten().flatten();
                Err(wrong.collect())
            }
        }
    }

    /// Whether a repository of this name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        (self.include.is_empty() || self.include.is_match(name)) && !self.exclude.is_match(name)
    }

    /// Leaves out what is not wanted, and says how many that are.
    pub fn apply(&self, found: &mut Found) {
        let count = |found: &Found| found.repositories.len() + found.remotes.len();
        let before = count(found);
        found.repositories.retain(|it| self.wants(&it.name));
        found.remotes.retain(|it| self.wants(&it.name));
        let left_out = before - count(found);
        if left_out > 0 {
            let message = format!("{left_out} of {before} repositories are not wanted by name");
            found.issue(IssueKind::Note, "--include, --exclude", message);
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::super::{Discovered, GitUrl, Remote};
    use super::*;
    use std::fs;

    fn local(key: &str, path: PathBuf) -> Found {
        let it = Discovered {
            key: key.to_owned(),
            name: format!("name of {key}"),
            project: None,
            path,
            family: None,
            web_url: None,
        };
        Found {
            repositories: vec![it],
            ..Found::default()
        }
    }

    fn remote(key: &str, url: &str) -> Found {
        let it = Remote {
            key: key.to_owned(),
            name: format!("name of {key}"),
            project: None,
            family: None,
            web_url: None,
            url: GitUrl::parse(url).unwrap().0,
            token: None,
        };
        Found {
            remotes: vec![it],
            ..Found::default()
        }
    }

    fn kinds(found: &Found) -> Vec<IssueKind> {
        found.issues.iter().map(|issue| issue.kind).collect()
    }

    #[test]
    fn the_first_mention_counts_and_the_others_are_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("a")).unwrap();
        fs::create_dir(path("b")).unwrap();
        std::os::unix::fs::symlink(path("a"), path("link")).unwrap();
        let merged = merge([
            remote("three", "https://h/x"),
            remote("four", "https://h/x"),
            remote("five", "https://h/y"),
            local("two", path("b")),
            local("one", path("a")),
            local("other", path("link")),
            local("five", path("gone")),
        ]);
        let keys: Vec<&str> = merged.repositories.iter().map(|it| &*it.key).collect();
        assert_eq!(keys, ["two", "one", "five"]);
        assert_eq!(merged.remotes.len(), 1);
        assert_eq!(kinds(&merged), [IssueKind::Note; 3]);
        assert!(merged.issues[0].path.as_ref().unwrap().ends_with("/link"));
        assert!(merged.issues[0].message.ends_with("name of one"));
    }

    #[test]
    fn two_directories_with_one_key_cost_completeness() {
        let merged = merge([local("k", "/no/a".into()), local("k", "/no/b".into())]);
        assert_eq!(merged.repositories.len(), 1);
        assert_eq!(kinds(&merged), [IssueKind::Unreadable]);
        let issue = &merged.issues[0];
        assert_eq!(issue.path.as_deref(), Some("/no/b"));
        assert!(issue.message.contains("/no/a"), "{}", issue.message);
    }

    #[test]
    fn names_are_chosen_by_globs() {
        let globs = |texts: &[&str]| {
            texts
                .iter()
                .map(|&text| text.to_owned())
                .collect::<Vec<_>>()
        };
        let select = Select::new(&globs(&["A/*", "**/keep"]), &globs(&["A/old-*"])).unwrap();
        let wanted = ["A/x", "A/old-x", "B/x", "g/h/keep"].map(|name| select.wants(name));
        assert_eq!(wanted, [true, false, false, true]);
        assert!(Select::default().wants("anything/at/all"));

        let mut found = merge([local("/srv/x", "/no/x".into()), remote("k", "https://h/y")]);
        Select::new(&[], &globs(&["* of k"]))
            .unwrap()
            .apply(&mut found);
        assert_eq!((found.repositories.len(), found.remotes.len()), (1, 0));
        assert!(found.issues[0].message.starts_with("1 of 2 "));

        let wrong = Select::new(&globs(&["a["]), &globs(&["", "{"])).unwrap_err();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].starts_with("--include \"a[\": ") && wrong[1].starts_with("--exclude "));
    }
}
