//! What the place of a repository says about it: how servers lay out their directories.
//!
//! - *Bitbucket Data Center*: `<home>/shared/data/repositories/<id>`, with a file
//!   `repository-config` that names project, slug and hierarchy. The id survives renames. How
//!   Bitbucket Mesh lays out its nodes is not confirmed; what is found there is a plain directory
//!   unless it looks the same.
//! - *GitLab*: `@hashed/ab/cd/<hash>.git`, the hash made of the project's id, so that it survives
//!   renames; `.wiki.git` and `.design.git` beside it; `@pools` of objects that forks share;
//!   `@snippets` and `@groups` of the same form; and in a cluster
//!   `@cluster/{repositories,pools}/ab/cd/<id>`. Older versions wrote `gitlab.fullpath` into the
//!   repository's configuration; where it is missing, nothing on disk tells the name.
//! - *Gitea and Forgejo*: `<root>/<owner>/<name>.git`. Nothing in the repository tells an id, so a
//!   renamed one is a new one. That both lay them out so is not confirmed by a source.
//! - Any other directory is known by its path.

use super::{Discovered, DiskOptions, Found, hex, shown, shown_path};
use scanner_core::{model::IssueKind, source::git::Settings};
use std::{io, path::Path};

/// Says what a repository is called. `path` is canonical; `root` is where the search for it began.
/// What could not be found out is put into the issues of `found`.
pub(super) fn identify(
    path: &Path,
    root: Option<&Path>,
    options: &DiskOptions,
    found: &mut Found,
) -> Discovered {
    bitbucket(path, options, found)
        .or_else(|| gitlab(path))
        .or_else(|| owned(path, root?))
        .unwrap_or_else(|| plain(path))
}

fn plain(path: &Path) -> Discovered {
    Discovered {
        key: path_key(path),
        name: shown_path(path),
        project: None,
        path: path.to_owned(),
        family: None,
        web_url: None,
    }
}

/// A path as a key. No two paths have the same.
pub(super) fn path_key(path: &Path) -> String {
    path.to_str().map_or_else(
        || {
            let bytes = path.as_os_str().as_encoded_bytes();
            format!("bytes:{}", hex(bytes))
        },
        str::to_owned,
    )
}

/// The names of the directories that a path leads through, the last first; `None` for what is not
/// text, which no server writes.
fn upwards(path: &Path) -> impl Iterator<Item = Option<&str>> {
    path.iter().rev().map(std::ffi::OsStr::to_str)
}

fn bitbucket(path: &Path, options: &DiskOptions, found: &mut Found) -> Option<Discovered> {
    let mut names = upwards(path);
    let id = names.next()??;
    if !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let file = path.join("repository-config");
    let mut discovered = Discovered {
        key: format!("bitbucket:{id}"),
        name: format!("bitbucket:{id}"),
        ..plain(path)
    };
    let settings = match Settings::read(&file) {
        Ok(settings) => settings,
        Err(error) => {
            let missing = error.kind() == io::ErrorKind::NotFound;
            let in_place =
                names.next() == Some(Some("repositories")) && names.next() == Some(Some("data"));
            if missing && !in_place {
                return None;
            }
            let message = format!("the name of this repository is not known: {error}");
            found.issue(IssueKind::Note, shown_path(&file), message);
            return Some(discovered);
        }
    };
    let text = |key: &str| {
        let value = settings.value(key).filter(|value| !value.is_empty());
        value.map(|value| shown(&value))
    };
    discovered.family = text("bitbucket.hierarchy");
    discovered.project = text("bitbucket.project");
    if let (Some(project), Some(slug)) = (&discovered.project, text("bitbucket.repository")) {
        discovered.name = format!("{project}/{slug}");
        let base = options.bitbucket_url.as_deref();
        discovered.web_url = base.and_then(|base| bitbucket_page(base, project, &slug));
    } else {
        let message = "it does not name project and repository";
        found.issue(IssueKind::Note, shown_path(&file), message);
    }
    Some(discovered)
}

/// The page of a repository on a Bitbucket Data Center server.
fn bitbucket_page(base: &str, project: &str, slug: &str) -> Option<String> {
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let (kind, owner) = match project.strip_prefix('~') {
        Some(user) => ("users", user),
        None => ("projects", project),
    };
    let base = base.trim_end_matches('/');
    (plain(owner) && plain(slug)).then(|| format!("{base}/{kind}/{owner}/repos/{slug}/browse"))
}

fn gitlab(path: &Path) -> Option<Discovered> {
    let names: Vec<&str> = path
        .iter()
        .map(|name| name.to_str().unwrap_or(""))
        .collect();
    let at = names.iter().rposition(|name| name.starts_with('@'))?;
    let below = names.get(at..)?;
    let digits = |text: &&str| {
        text.len() == 2
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let stem = match below {
        ["@hashed" | "@pools" | "@snippets" | "@groups", ab, cd, last]
            if digits(ab) && digits(cd) =>
        {
            last.strip_suffix(".git")?
        }
        ["@cluster", "repositories" | "pools", ab, cd, last] if digits(ab) && digits(cd) => {
            last.strip_suffix(".git").unwrap_or(last)
        }
        _ => return None,
    };
    let place = [&below[..below.len() - 1], &[stem]].concat().join("/");
    let mut discovered = Discovered {
        key: format!("gitlab:{place}"),
        name: shown(place.as_bytes()),
        ..plain(path)
    };
    let settings = Settings::read(&path.join("config")).ok();
    let full = settings.and_then(|settings| settings.value("gitlab.fullpath"));
    if let Some(full) = full.filter(|full| !full.is_empty()) {
        let mut name = shown(&full);
        discovered.project = name.rsplit_once('/').map(|(group, _)| group.to_owned());
        for kind in [".wiki", ".design"] {
            if stem.ends_with(kind) && !name.ends_with(kind) {
                name += kind;
            }
        }
        discovered.name = name;
    }
    Some(discovered)
}

fn owned(path: &Path, root: &Path) -> Option<Discovered> {
    let below = path.strip_prefix(root).ok()?;
    let mut names = below.iter();
    let (owner, last) = (names.next()?.to_str()?, names.next()?.to_str()?);
    let name = last.strip_suffix(".git").filter(|name| !name.is_empty())?;
    if names.next().is_some() {
        return None;
    }
    Some(Discovered {
        name: shown(format!("{owner}/{name}").as_bytes()),
        project: Some(shown(owner.as_bytes())),
        ..plain(path)
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_path_that_is_not_text_has_a_key_of_its_own() {
        use std::os::unix::ffi::OsStrExt;
        let path = |bytes: &'static [u8]| Path::new(std::ffi::OsStr::from_bytes(bytes));
        assert_eq!(path_key(path(b"/srv/x")), "/srv/x");
        assert_eq!(path_key(path(b"/\xff")), "bytes:2fff");
    }

    #[test]
    fn gitlab_is_known_by_the_form_of_its_paths() {
        let key = |path: &str| gitlab(Path::new(path)).map(|it| it.key);
        let hash = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
        assert_eq!(
            key(&format!("/x/@hashed/6b/86/{hash}.git")),
            Some(format!("gitlab:@hashed/6b/86/{hash}"))
        );
        assert_eq!(
            key(&format!("/x/@hashed/6b/86/{hash}.wiki.git")),
            Some(format!("gitlab:@hashed/6b/86/{hash}.wiki"))
        );
        assert_eq!(
            key("/x/@cluster/repositories/6f/96/54771"),
            Some("gitlab:@cluster/repositories/6f/96/54771".to_owned())
        );
        for other in [
            "/x/@hashed/6b/x.git",
            "/x/@home/6b/86/a.git",
            "/x/@hashed/6B/86/a.git",
        ] {
            assert_eq!(key(other), None, "{other}");
        }
    }

    #[test]
    fn pages_are_made_of_plain_names_only() {
        let page = |project: &str, slug: &str| bitbucket_page("https://h/bb/", project, slug);
        assert_eq!(
            page("ATLAS", "jira").unwrap(),
            "https://h/bb/projects/ATLAS/repos/jira/browse"
        );
        assert_eq!(
            page("~alice", "x.y").unwrap(),
            "https://h/bb/users/alice/repos/x.y/browse"
        );
        assert_eq!(page("A", "b/../../admin"), None);
    }

    #[test]
    fn a_numbered_directory_is_bitbuckets_only_with_its_file_or_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let known = |below: &str, config: Option<&str>| {
            let path = dir.path().join(below);
            fs::create_dir_all(&path).unwrap();
            if let Some(config) = config {
                fs::write(path.join("repository-config"), config).unwrap();
            }
            let mut found = Found::default();
            let it = bitbucket(&path, &DiskOptions::default(), &mut found);
            (
                it.map(|it| (it.key, it.name, it.family)),
                found.issues.len(),
            )
        };
        let config = "[bitbucket]\nhierarchy = 85\nproject = P\nrepository = r\n";
        let some = |name: &str, family: Option<&str>| {
            let key = "bitbucket:12".to_owned();
            Some((key, name.to_owned(), family.map(str::to_owned)))
        };
        assert_eq!(known("a/12", Some(config)), (some("P/r", Some("85")), 0));
        assert_eq!(known("a/12x", Some(config)), (None, 0));
        assert_eq!(known("b/12", None), (None, 0));
        assert_eq!(
            known("data/repositories/12", None),
            (some("bitbucket:12", None), 1)
        );
        assert_eq!(known("c/12", Some("[bad")), (some("bitbucket:12", None), 1));
        assert_eq!(
            known("d/12", Some("[bitbucket]\nhierarchy = 9\n")),
            (some("bitbucket:12", Some("9")), 1)
        );
    }
}
