//! Addresses that git clones from. Whatever credentials they hold are taken out when they are
//! read, so that neither a key nor a message can show them.

use super::{Token, shown};
use std::fmt;

/// How git reaches a repository. Others (`ext::`, remote helpers, `http::`) run programs or are
/// not spoken by servers, and are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Over TLS.
    Https,
    /// Unencrypted.
    Http,
    /// By ssh, as an address or as `user@host:path`.
    Ssh,
    /// The unencrypted protocol of `git daemon`.
    Git,
    /// A directory of this machine.
    File,
}

impl Scheme {
    const ALL: [Self; 5] = [Self::Https, Self::Http, Self::Ssh, Self::Git, Self::File];

    /// The name that addresses begin with, and that git knows the protocol by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Git => "git",
            Self::File => "file",
        }
    }

    fn default_port(self) -> &'static str {
        match self {
            Self::Https => ":443",
            Self::Http => ":80",
            Self::Ssh => ":22",
            Self::Git => ":9418",
            Self::File => "",
        }
    }
}

/// An address without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GitUrl {
    scheme: Scheme,
    /// What stands between `://` and the path; for ssh with the user, who is part of the address.
    authority: String,
    /// Begins with a slash, except for ssh where it was not written so: `user@host:path` leaves it to
    /// the server where `path` begins, and no address with `://` says the same.
    path: String,
}

/// Why a text is no address to clone from. Does not quote it: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadUrl {
    /// No scheme that is used.
    #[error("not an address to clone from: expected https, http, ssh, git or file, then ://")]
    Scheme,
    /// A host that git or ssh could take for an option, or none.
    #[error("its host is missing or no host's name")]
    Host,
    /// No path.
    #[error("it names a server but no repository there")]
    Path,
    /// White space, control characters or others that never stand in an address.
    #[error("it holds white space or characters that no address has: write them as %XX")]
    Character,
    /// A query or a fragment, which git does not use and which often hold a token.
    #[error("remove what follows ? or #: git has no use for it")]
    Query,
}

impl GitUrl {
    /// Whether a text is meant as an address rather than as a path.
    pub fn is_meant(text: &str) -> bool {
        let scheme_like = |text: &str| {
            text.split_once("://").is_some_and(|(scheme, _)| {
                scheme.len() > 1
                    && scheme
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "+.-:".contains(c))
            })
        };
        scheme_like(text) || short_ssh(text).is_some()
    }

    /// Reads an address and takes the credentials out of it: `https://user:password@host` gives
    /// them as a token. A user without a password is dropped, except for ssh.
    ///
    /// # Errors
    /// When it is no address to clone from.
    pub fn parse(text: &str) -> Result<(Self, Option<Token>), BadUrl> {
        let strange =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '"' | '<' | '>');
        if let Some((address, path)) = short_ssh(text) {
            if path.contains(|c: char| c.is_control()) || address.contains(strange) {
                return Err(BadUrl::Character);
            }
            return Self::checked(Scheme::Ssh, address, path).map(|url| (url, None));
        }
        let (scheme, rest) = text.split_once("://").ok_or(BadUrl::Scheme)?;
        let scheme = Scheme::ALL
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(scheme))
            .ok_or(BadUrl::Scheme)?;
        if scheme == Scheme::File {
            if rest.contains(|c: char| c.is_control()) {
                return Err(BadUrl::Character);
            }
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            if !path.starts_with('/') || path.len() < 2 {
                return Err(BadUrl::Path);
            }
            let url = Self {
                scheme,
                authority: String::new(),
                path: path.to_owned(),
            };
            return Ok((url, None));
        }
        if rest.contains(strange) {
            return Err(BadUrl::Character);
        }
        if rest.contains(['?', '#']) {
            return Err(BadUrl::Query);
        }
        let (authority, path) = rest.split_at(rest.find('/').ok_or(BadUrl::Path)?);
        let (user_info, host) = match authority.rsplit_once('@') {
            Some((user_info, host)) => (Some(user_info), host),
            None => (None, authority),
        };
        let pair = user_info.and_then(|info| info.split_once(':'));
        if scheme == Scheme::Ssh {
            // ssh reads no password from an address, but people write one.
            let user = pair.map(|(user, _)| user).or(user_info);
            let address = user.map_or_else(|| host.to_owned(), |user| format!("{user}@{host}"));
            return Self::checked(scheme, &address, path).map(|url| (url, None));
        }
        let url = Self::checked(scheme, host, path)?;
        let token = pair
            .filter(|_| matches!(scheme, Scheme::Https | Scheme::Http))
            .map(|(user, password)| Token::basic(&decoded(user), &decoded(password)));
        Ok((url, token))
    }

    fn checked(scheme: Scheme, address: &str, path: &str) -> Result<Self, BadUrl> {
        let (user, host) = match address.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, address),
        };
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix(scheme.default_port()).unwrap_or(&host);
        let good_host =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if host.is_empty() || host.starts_with(['-', ':']) || !host.chars().all(good_host) {
            return Err(BadUrl::Host);
        }
        let good_user = |user: &str| {
            !user.starts_with('-')
                && user
                    .chars()
                    .all(|c| c.is_ascii_graphic() && !matches!(c, '@' | ':'))
        };
        if !user.is_none_or(good_user) {
            return Err(BadUrl::Host);
        }
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return Err(BadUrl::Path);
        }
        Ok(Self {
            scheme,
            authority: user.map_or_else(|| host.to_owned(), |user| format!("{user}@{host}")),
            path: path.to_owned(),
        })
    }

    /// How the repository is reached.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The address up to the path: `https://host:port`. A token is for one origin only.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority)
    }

    /// The host, without user and port.
    pub fn host(&self) -> &str {
        let host = self.authority.rsplit('@').next().unwrap_or_default();
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// The path of the repository, without `.git`, in its segments.
    pub(crate) fn segments(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".git").unwrap_or(&self.path);
        path.split('/')
            .filter(|part| !part.is_empty() && *part != "~")
            .collect()
    }

    /// What to call the repository: its path, without what all addresses of Bitbucket Data Center
    /// begin with.
    pub(crate) fn name(&self) -> (String, Option<String>) {
        if self.scheme == Scheme::File {
            return (shown(self.path.as_bytes()), None);
        }
        let mut segments = self.segments();
        if segments.len() > 2
            && segments[0] == "scm"
            && matches!(self.scheme, Scheme::Https | Scheme::Http)
        {
            segments.remove(0);
        }
        let project = match segments.split_last() {
            Some((_, owners)) if !owners.is_empty() => Some(shown(owners.join("/").as_bytes())),
            _ => None,
        };
        (shown(segments.join("/").as_bytes()), project)
    }
}

/// `user@host:path`, which git takes for ssh. It takes `host:path` so too, but that may as well be a
/// path.
fn short_ssh(text: &str) -> Option<(&str, &str)> {
    let (address, path) = text.split_once(':')?;
    let host_like = address.len() > 1 && !address.contains('/') && !path.is_empty();
    // `ext::` and other helpers.
    (host_like && !path.starts_with(':') && !path.starts_with("//") && address.contains('@'))
        .then_some((address, path))
}

/// Text with its `%XX` decoded.
fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let value = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    out
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scheme,
            authority,
            path,
        } = self;
        if path.starts_with('/') {
            write!(f, "{}://{authority}{path}", scheme.as_str())
        } else {
            write!(f, "{authority}:{path}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, Option<Token>) {
        let (url, token) = GitUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (url.to_string(), token)
    }

    #[test]
    fn credentials_are_taken_out_wherever_they_stand() {
        let (url, token) = parsed(concat!(
            "HTTPS://al%20ice:",
            "p%40ss:word@Git.Example:443/scm/P/shop.git/"
        ));
        assert_eq!(url, "https://git.example/scm/P/shop.git");
        // `printf '%s' 'al ice:p@ss:word' | base64`
        let encoded = concat!("YWwgaWNl", "OnBAc3M6d29yZA==");
        assert_eq!(token.unwrap().header(), format!("Basic {encoded}"));
        assert_eq!(
            parsed("https://alice@host:8443/x"),
            ("https://host:8443/x".to_owned(), None)
        );
        assert_eq!(
            parsed(concat!("https://a:", "b@c@host/x")).0,
            "https://host/x"
        );
        assert_eq!(
            parsed(concat!("ssh://git:", "pw@host:7999/p/x.git")),
            ("ssh://git@host:7999/p/x.git".to_owned(), None)
        );
    }

    #[test]
    fn every_form_that_git_knows_is_brought_into_one() {
        assert_eq!(parsed("git@host:group/x.git").0, "git@host:group/x.git");
        assert_eq!(parsed("git@host:/srv/x.git").0, "ssh://git@host/srv/x.git");
        assert_eq!(
            parsed("file:///srv/git/a b.git").0,
            "file:///srv/git/a b.git"
        );
        assert_eq!(parsed("git://host/x").0, "git://host/x");
        assert_eq!(parsed("http://[::1]:80/x").0, "http://[::1]/x");
    }

    #[test]
    fn what_could_run_something_or_hide_something_is_refused() {
        for (text, error) in [
            ("ext::sh -c touch% /tmp/x", BadUrl::Scheme),
            ("http::https://host/x", BadUrl::Scheme),
            ("ftp://host/x", BadUrl::Scheme),
            ("ssh://-oProxyCommand=x/y", BadUrl::Host),
            ("ssh://-l@host/y", BadUrl::Host),
            ("git@-oProxyCommand=x:y", BadUrl::Host),
            ("https:///x", BadUrl::Host),
            ("https://host", BadUrl::Path),
            ("https://host/", BadUrl::Path),
            ("file://host/x", BadUrl::Path),
            ("https://host/x?token=abc", BadUrl::Query),
            ("https://host/a b", BadUrl::Character),
            ("https://host\\@evil/x", BadUrl::Character),
        ] {
            assert_eq!(GitUrl::parse(text).map(drop), Err(error), "{text}");
        }
    }

    #[test]
    fn paths_are_not_taken_for_addresses() {
        for path in [
            "/srv/git/x.git",
            "a:b",
            "C:\\x",
            "./x@y:z/w",
            "x.git",
            "dir/a://b",
        ] {
            assert!(!GitUrl::is_meant(path), "{path}");
        }
        for url in ["https://h/x", "git@h:x", "ext::x://y", "foo://x"] {
            assert!(GitUrl::is_meant(url), "{url}");
        }
    }

    #[test]
    fn names_are_what_people_call_the_repository() {
        let name = |text: &str| {
            let (url, _) = GitUrl::parse(text).unwrap();
            url.name()
        };
        let owned = |name: &str, project: &str| (name.to_owned(), Some(project.to_owned()));
        assert_eq!(
            name("https://h/scm/PROJ/shop.git"),
            owned("PROJ/shop", "PROJ")
        );
        assert_eq!(
            name("git@h:group/sub/x.git"),
            owned("group/sub/x", "group/sub")
        );
        assert_eq!(name("https://h/x.git"), ("x".to_owned(), None));
        assert_eq!(name("file:///srv/x.git"), ("/srv/x.git".to_owned(), None));
        assert_eq!(GitUrl::parse("ssh://git@h:7999/x").unwrap().0.host(), "h");
    }
}
