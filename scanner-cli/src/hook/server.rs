//! What the environment of a hook says: which server calls, for whom, about which repository.
//!
//! Every server has variables of its own (Bitbucket Data Center `BB_*`, GitLab `GL_*`, GitHub
//! Enterprise Server `GITHUB_*`, Gitea and Forgejo `GITEA_*`), and git has some for all. None is
//! relied on: without them the repository is called by its directory, and nobody is the user.

use bstr::BString;
use scanner_core::{
    gate::message,
    source::git::{BadEnvironment, ObjectEnvironment, Repository},
};
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

/// Push options beyond this many are not looked at; git itself sets no limit.
const MOST_PUSH_OPTIONS: usize = 1000;

/// What kind of server calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bitbucket,
    GitLab,
    GitHub,
    Gitea,
    /// Git alone, or a server that says nothing of itself.
    Git,
}

/// What a hook's environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Surroundings {
    pub(crate) kind: Kind,
    /// The repository's name on the server, or its directory.
    pub(crate) repository: Vec<u8>,
    /// The repository's directory, as git names it.
    pub(crate) git_dir: PathBuf,
    /// Who pushes, where the server says.
    pub(crate) user: Option<String>,
    /// What caused the call, where the server says.
    pub(crate) trigger: Option<String>,
    /// Whether the server only asks what would be.
    pub(crate) dry_run: bool,
    /// The push options; `None` where client and server did not agree to have any.
    pub(crate) push_options: Option<Vec<BString>>,
    /// Where git says that objects are.
    pub(crate) objects: ObjectEnvironment,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Bitbucket => "bitbucket",
            Self::GitLab => "gitlab",
            Self::GitHub => "github",
            Self::Gitea => "gitea",
            Self::Git => "git",
        }
    }

    /// How this server shows what a hook says.
    pub(crate) fn shows(self) -> message::Server {
        match self {
            Self::GitLab => message::Server::GitLab,
            Self::Bitbucket | Self::GitHub | Self::Gitea | Self::Git => message::Server::Plain,
        }
    }
}

impl Surroundings {
    /// Reads the environment; `variable` gives one that is set.
    ///
    /// # Errors
    /// Where git's list of object directories makes no sense: objects may lie where it leads.
    pub(crate) fn read(
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, BadEnvironment> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).map(|value| value.to_string_lossy().into_owned());
        let pair = |owner: &str, name: &str| {
            let (owner, name) = (set(owner)?, set(name)?);
            Some([owner.as_encoded_bytes(), name.as_encoded_bytes()].join(&b'/'))
        };
        let single = |name: &str| Some(set(name)?.as_encoded_bytes().to_vec());
        let git_dir = set("GIT_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
        let named = [
            (Kind::Bitbucket, pair("BB_PROJECT_KEY", "BB_REPO_SLUG")),
            (Kind::GitLab, single("GL_PROJECT_PATH")),
            (Kind::GitHub, single("GITHUB_REPO_NAME")),
            (Kind::Gitea, pair("GITEA_REPO_USER_NAME", "GITEA_REPO_NAME")),
        ];
        let named = named
            .into_iter()
            .find_map(|(kind, name)| Some((kind, name?)));
        let kind = match &named {
            Some((kind, _)) => *kind,
            None if set("BB_HOOK_TYPE").is_some() => Kind::Bitbucket,
            None if set("GL_REPOSITORY").or_else(|| set("GL_ID")).is_some() => Kind::GitLab,
            None => Kind::Git,
        };
        let repository = named.map_or_else(|| directory_name(&git_dir), |(_, name)| name);
        let user = [
            "BB_USER_NAME",
            "GL_USERNAME",
            "GITHUB_USER_LOGIN",
            "GITEA_PUSHER_NAME",
            "REMOTE_USER",
        ];
        let trigger = [
            "BB_HOOK_TRIGGER_ID",
            "GL_PROTOCOL",
            "GITHUB_VIA",
            "GITEA_PUSH_TRIGGER",
        ];
        let first = |names: &[&str]| names.iter().find_map(|name| text(name));
        Ok(Self {
            kind,
            repository,
            git_dir,
            user: first(&user),
            trigger: first(&trigger),
            dry_run: text("BB_IS_DRY_RUN").is_some_and(|it| it.eq_ignore_ascii_case("true")),
            push_options: push_options(&variable),
            objects: ObjectEnvironment::parse(
                set("GIT_OBJECT_DIRECTORY").as_deref(),
                set("GIT_ALTERNATE_OBJECT_DIRECTORIES").as_deref(),
            )?,
        })
    }
}

impl Surroundings {
    /// The repository's directory, absolute where that can be told.
    pub(crate) fn directory(&self) -> PathBuf {
        std::fs::canonicalize(&self.git_dir).unwrap_or_else(|_| self.git_dir.clone())
    }

    /// Whether `git push -o` works here. Git says that no option came also where it never asked
    /// for any, so that without one the repository's configuration must tell; GitLab and GitHub
    /// always ask.
    pub(crate) fn takes_push_options(&self) -> bool {
        match &self.push_options {
            None => false,
            Some(options) if !options.is_empty() => true,
            Some(_) => {
                matches!(self.kind, Kind::GitLab | Kind::GitHub)
                    || Repository::open(&self.git_dir)
                        .is_ok_and(|repository| repository.advertises_push_options())
            }
        }
    }
}

/// The absolute path of a repository's directory, without `.git` at its end.
fn directory_name(git_dir: &std::path::Path) -> Vec<u8> {
    let absolute = std::fs::canonicalize(git_dir).unwrap_or_else(|_| git_dir.to_owned());
    let place = if absolute.file_name() == Some(OsStr::new(".git")) {
        absolute.parent().unwrap_or(&absolute)
    } else {
        &absolute
    };
    let bytes = place.as_os_str().as_encoded_bytes();
    bytes.strip_suffix(b".git").unwrap_or(bytes).to_vec()
}

/// The push options. A count that is no number is as if there were none: the phase took place.
fn push_options(variable: &impl Fn(&str) -> Option<OsString>) -> Option<Vec<BString>> {
    let count = variable("GIT_PUSH_OPTION_COUNT")?;
    let count: usize = count
        .to_str()
        .and_then(|count| count.parse().ok())
        .unwrap_or(0);
    let options = (0..count.min(MOST_PUSH_OPTIONS))
        .filter_map(|at| variable(&format!("GIT_PUSH_OPTION_{at}")))
        .map(|option| option.into_encoded_bytes().into());
    Some(options.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Surroundings {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Surroundings::read(find).unwrap()
    }

    #[test]
    fn every_server_is_known_by_its_variables() {
        for (variables, kind, repository, user) in [
            (
                &[
                    ("BB_PROJECT_KEY", "PRJ"),
                    ("BB_REPO_SLUG", "app"),
                    ("BB_USER_NAME", "ann"),
                ][..],
                Kind::Bitbucket,
                "PRJ/app",
                Some("ann"),
            ),
            (
                &[("GL_PROJECT_PATH", "group/sub/app"), ("GL_USERNAME", "bob")],
                Kind::GitLab,
                "group/sub/app",
                Some("bob"),
            ),
            (
                &[("GITHUB_REPO_NAME", "org/app"), ("GITHUB_USER_LOGIN", "cy")],
                Kind::GitHub,
                "org/app",
                Some("cy"),
            ),
            (
                &[
                    ("GITEA_REPO_USER_NAME", "org"),
                    ("GITEA_REPO_NAME", "app"),
                    ("GITEA_PUSHER_NAME", "di"),
                ],
                Kind::Gitea,
                "org/app",
                Some("di"),
            ),
            (
                &[("GIT_DIR", "/none/srv.git")],
                Kind::Git,
                "/none/srv",
                None,
            ),
        ] {
            let read = read(variables);
            assert_eq!((read.kind, read.user.as_deref()), (kind, user));
            assert_eq!(read.repository, repository.as_bytes());
            assert!(!read.dry_run);
        }
    }

    #[test]
    fn a_dry_run_and_empty_variables_are_understood() {
        let read = read(&[
            ("BB_IS_DRY_RUN", "true"),
            ("BB_HOOK_TYPE", "PRE"),
            ("BB_PROJECT_KEY", ""),
            ("BB_HOOK_TRIGGER_ID", "pull-request-merge"),
        ]);
        assert_eq!(read.kind, Kind::Bitbucket);
        assert!(read.dry_run);
        assert_eq!(read.trigger.as_deref(), Some("pull-request-merge"));
        assert_eq!(read.user, None);
    }

    #[test]
    fn push_options_exist_only_where_they_were_agreed_on() {
        assert_eq!(read(&[]).push_options, None);
        for count in ["0", "x", "-1", ""] {
            let read = read(&[("GIT_PUSH_OPTION_COUNT", count)]);
            assert_eq!(read.push_options, Some(vec![]), "{count:?}");
        }
        let many = read(&[
            ("GIT_PUSH_OPTION_COUNT", "10000"),
            ("GIT_PUSH_OPTION_0", "a b"),
        ]);
        assert_eq!(many.push_options, Some(vec!["a b".into()]));
    }
}
