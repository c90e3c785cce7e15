//! Getting one document from a server, with patience and without trust.

use super::{
    super::{BadUrl, GitUrl, Scheme, Token, authority, shown},
    error::RestError,
};
use crate::http::{self, retry_after, text};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use ureq::{Agent, http::HeaderMap};

/// Redirects followed for one document, all to the same origin.
const MAX_REDIRECTS: u32 = 5;
/// The first pause after a failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What a listing may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one answer.
    pub max_answer_bytes: u64,
    /// Pages of one listing.
    pub max_pages: u32,
    /// Attempts to get one page, where the server is not reached or fails.
    pub max_attempts: u32,
    /// Time waited for one page in all, where the server asks for patience.
    pub max_wait: Duration,
    /// Time that one attempt may take.
    pub timeout: Duration,
}

impl Default for Limits {
    /// 16 MiB, 10,000 pages, 5 attempts, 15 minutes and one minute.
    fn default() -> Self {
        Self {
            max_answer_bytes: 16 << 20,
            max_pages: 10_000,
            max_attempts: 5,
            max_wait: Duration::from_secs(15 * 60),
            timeout: Duration::from_secs(60),
        }
    }
}

/// A server to ask, and how.
pub struct Server<'a> {
    /// Its address, with the path under which it is installed: `https://git.example/bitbucket`.
    pub url: &'a str,
    /// What lets us in.
    pub token: Option<&'a Token>,
    /// A PEM file with the certificates that the server's is checked against, instead of those of
    /// the web.
    pub ca: Option<&'a Path>,
    /// What it may cost.
    pub limits: Limits,
    /// How to wait.
    pub pause: &'a dyn Fn(Duration),
    /// Ends the listing early when set.
    pub interrupt: &'a AtomicBool,
}

impl std::fmt::Debug for Server<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("token", &self.token)
            .field("ca", &self.ca)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A server's address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// `https://host:port`.
    pub(super) origin: String,
    /// `host:port/path`, without a slash at the end.
    pub(super) place: String,
}

impl Base {
    fn parse(url: &str) -> Result<Self, RestError> {
        let address = |reason: &str| RestError::Address {
            reason: reason.to_owned(),
        };
        // The path of a server may be empty, that of a repository may not.
        let stem = url.trim_end_matches('/');
        let (parsed, _) = GitUrl::parse(&format!("{stem}/x")).map_err(|error| match error {
            BadUrl::Scheme => address("it begins with neither https:// nor http://"),
            other => address(&other.to_string()),
        })?;
        if !matches!(parsed.scheme(), Scheme::Https | Scheme::Http) {
            return Err(address("it begins with neither https:// nor http://"));
        }
        if authority(url).contains('@') {
            return Err(address("it holds credentials; give them as a token"));
        }
        let whole = parsed.to_string();
        let place = whole.trim_end_matches("/x").split_once("://");
        Ok(Self {
            origin: parsed.origin(),
            place: place.map_or_else(String::new, |(_, place)| place.to_owned()),
        })
    }

    /// The address itself.
    pub(super) fn url(&self) -> String {
        let scheme = self
            .origin
            .split_once("://")
            .map_or("", |(scheme, _)| scheme);
        format!("{scheme}://{}", self.place)
    }
}

/// The origin of an address that a server gave: `https://host:port`; `None` for anything strange.
pub(super) fn origin(url: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    let (scheme, _) = url.split_once("://")?;
    let authority = authority(url);
    if !url.chars().all(plain) || authority.contains('@') {
        return None;
    }
    let (url, _) = GitUrl::parse(&format!("{scheme}://{authority}/x")).ok()?;
    Some(url.origin())
}

/// Gets documents from one server.
pub(super) struct Client<'a> {
    server: &'a Server<'a>,
    agent: Agent,
    pub(super) base: Base,
    /// The value of the header that lets us in.
    authorization: Option<String>,
}

/// What to do about an answer.
enum Answer {
    Body(Vec<u8>),
    Follow(String),
    /// To be asked again, after what the server wants, if it says so.
    Again {
        wait: Option<Duration>,
        failure: RestError,
    },
}

impl<'a> Client<'a> {
    pub(super) fn new(server: &'a Server<'a>) -> Result<Self, RestError> {
        let base = Base::parse(server.url)?;
        Ok(Self {
            server,
            // Redirects are followed here, where it is known whether the token may go along.
            agent: http::agent(server.ca)?,
            base,
            authorization: server.token.map(Token::header),
        })
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.server.limits
    }

    pub(super) fn token(&self) -> Option<&Token> {
        self.server.token
    }

    /// Gets a document of the server's own origin.
    pub(super) fn get(&self, url: &str) -> Result<Vec<u8>, RestError> {
        let mut url = url.to_owned();
        let (mut redirects, mut pauses, mut failures) = (0, 0, 0);
        let mut waited = Duration::ZERO;
        loop {
            let path = path_of(&url);
            if self.server.interrupt.load(Ordering::Relaxed) {
                return Err(RestError::Stopped { path });
            }
            if origin(&url).as_deref() != Some(&*self.base.origin) {
                return Err(elsewhere(&path, &url));
            }
            let (wait, failure) = match self.ask(&url, &path)? {
                Answer::Body(body) => return Ok(body),
                Answer::Follow(target) => {
                    redirects += 1;
                    if redirects > MAX_REDIRECTS {
                        return Err(RestError::Endless { path });
                    }
                    if origin(&target).as_deref() != Some(&*self.base.origin) {
                        return Err(elsewhere(&path, &target));
                    }
                    url = target;
                    continue;
                }
                Answer::Again { wait, failure } => (wait, failure),
            };
            // To be asked for patience is no failure.
            failures += u32::from(!matches!(failure, RestError::Busy { .. }));
            if failures >= self.limits().max_attempts {
                return Err(failure);
            }
            let doubled = FIRST_PAUSE.saturating_mul(1 << pauses.min(6));
            pauses += 1;
            let wait = wait.unwrap_or(doubled).max(FIRST_PAUSE);
            waited = waited.saturating_add(wait);
            if waited > self.limits().max_wait {
                return Err(match failure {
                    RestError::Busy { path, .. } => RestError::Busy { path, wait },
                    other => other,
                });
            }
            (self.server.pause)(wait);
        }
    }

    fn ask(&self, url: &str, path: &str) -> Result<Answer, RestError> {
        let path = path.to_owned();
        let mut request = self
            .agent
            .get(url)
            .header("Accept", "application/json")
            .config()
            .timeout_global(Some(self.limits().timeout))
            .build();
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) => return unanswered(path, &error),
        };
        let status = response.status().as_u16();
        let headers = response.headers();
        let again = |failure| {
            Ok(Answer::Again {
                wait: retry_after(headers),
                failure,
            })
        };
        match status {
            200..=299 => {}
            301 | 302 | 303 | 307 | 308 => {
                let target = text(headers, "location").unwrap_or_default();
                let target = match target.strip_prefix('/') {
                    Some(rest) if !rest.starts_with('/') => format!("{}{target}", self.base.origin),
                    _ => target.to_owned(),
                };
                return Ok(Answer::Follow(target));
            }
            429 => {
                let wait = Duration::ZERO;
                return again(RestError::Busy { path, wait });
            }
            500..=599 => return again(RestError::Status { path, status }),
            _ => return Err(RestError::Status { path, status }),
        }
        let pause = near_limit(headers);
        let max_bytes = self.limits().max_answer_bytes;
        match response
            .body_mut()
            .with_config()
            .limit(max_bytes)
            .read_to_vec()
        {
            Ok(body) => {
                if let Some(pause) = pause {
                    (self.server.pause)(pause);
                }
                Ok(Answer::Body(body))
            }
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(RestError::TooLarge { path, max_bytes }),
            Err(error) => unanswered(path, &error),
        }
    }
}

fn elsewhere(path: &str, url: &str) -> RestError {
    RestError::Elsewhere {
        path: path.to_owned(),
        origin: origin(url).unwrap_or_else(|| "an address that makes no sense".to_owned()),
    }
}

/// What to do when no answer came. A date in `Retry-After` is not understood: the usual pause stands
/// in for it.
fn unanswered(path: String, error: &ureq::Error) -> Result<Answer, RestError> {
    let http::NoAnswer { passing, reason } = http::no_answer(error);
    let failure = RestError::Unreachable { path, reason };
    if passing {
        let wait = None;
        Ok(Answer::Again { wait, failure })
    } else {
        Err(failure)
    }
}

/// Bitbucket Cloud says beforehand that its limit, so many requests an hour, is near: requests are
/// then spread over the hour.
fn near_limit(headers: &HeaderMap) -> Option<Duration> {
    if !text(headers, "x-ratelimit-nearlimit")?.eq_ignore_ascii_case("true") {
        return None;
    }
    let limit = text(headers, "x-ratelimit-limit").and_then(|limit| limit.trim().parse().ok());
    let limit: u32 = limit.unwrap_or(1_000);
    Some(Duration::from_secs(3_600) / limit.clamp(360, 36_000))
}

/// The path of an address, to be shown: a query may hold what it likes.
pub(super) fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    let end = path.find(['?', '#']).unwrap_or(path.len());
    shown(&path.as_bytes()[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_server_has_no_credentials_and_is_of_the_web() {
        let base = Base::parse("HTTPS://Git.Example:443/bitbucket/").unwrap();
        assert_eq!(base.origin, "https://git.example");
        assert_eq!(base.place, "git.example/bitbucket");
        assert_eq!(base.url(), "https://git.example/bitbucket");
        assert_eq!(Base::parse("http://h:7990").unwrap().place, "h:7990");
        for bad in [
            concat!("https://me:", "pw@h"),
            "https://me@h",
            "ssh://h",
            "git.example",
            "https://h?x=pw",
        ] {
            let error = Base::parse(bad).unwrap_err().to_string();
            assert!(!error.contains("pw"), "{error}");
        }
    }

    #[test]
    fn origins_are_compared_by_what_is_connected_to() {
        let same = |url: &str| origin(url).as_deref() == Some("https://h");
        assert!(same("https://h/x?y#z") && same("https://H:443") && same("https://h?https://x"));
        for other in [
            "http://h/",
            "https://h:8443/",
            "https://h.evil/",
            "https://h@evil/",
            "https://evil#@h/",
            "https://evil\\@h/",
            "https://h /",
            "//h/",
            "h",
        ] {
            assert!(!same(other), "{other}");
        }
    }

    #[test]
    fn a_near_limit_spreads_requests_over_the_hour() {
        let mut headers = HeaderMap::new();
        let value = |text: &'static str| ureq::http::HeaderValue::from_static(text);
        headers.insert("x-ratelimit-limit", value("1000"));
        assert_eq!(near_limit(&headers), None);
        headers.insert("x-ratelimit-nearlimit", value("true"));
        assert_eq!(near_limit(&headers), Some(Duration::from_millis(3_600)));
        headers.insert("x-ratelimit-limit", value("0"));
        assert_eq!(near_limit(&headers), Some(Duration::from_secs(10)));
    }

    #[test]
    fn paths_are_shown_without_queries() {
        assert_eq!(path_of("https://h/a/b?token=x#y"), "/a/b");
        assert_eq!(path_of("https://h"), "/");
        assert_eq!(path_of("https://h/\x1b[1m"), "/\\u{1b}[1m");
    }
}
