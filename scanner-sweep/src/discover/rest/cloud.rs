//! Bitbucket Cloud.

use super::{
    super::{Found, Remote, Token, encoded, shown, web_link},
    answer::{add, clone_url, parse},
    client::{Client, Server, path_of},
    error::RestError,
};
use scanner_core::model::IssueKind;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The address of Bitbucket Cloud.
pub const BITBUCKET_CLOUD: &str = "https://api.bitbucket.org";

/// The address that repositories of [`BITBUCKET_CLOUD`] are cloned from.
const CLONES: &str = "https://bitbucket.org";

/// Forks of forks are followed to their origin this far.
const MAX_FORKS: usize = 100;

#[derive(Deserialize)]
struct Page {
    values: Vec<Value>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    uuid: String,
    full_name: String,
    parent: Option<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    uuid: String,
}

/// Lists the repositories of a workspace that the token may read. A repository is known by its UUID.
///
/// The token of a user is shown to git under the name that Bitbucket wants for it
/// (`x-bitbucket-api-token-auth`), and so is one of a workspace or project (`x-token-auth`).
pub fn bitbucket_cloud(server: &Server<'_>, workspace: &str) -> Found {
    let mut found = Found::default();
    let mut parents = HashMap::new();
    let listed =
        Client::new(server).and_then(|client| read(&client, workspace, &mut found, &mut parents));
    if let Err(error) = listed {
        let listed = found.remotes.len();
        let message = format!("repositories are missing ({listed} were listed): {error}");
        found.issue(IssueKind::Unreadable, shown(workspace.as_bytes()), message);
    } else if found.remotes.is_empty() {
        let message = "no repository in this workspace that the token may read";
        found.issue(IssueKind::Unreadable, shown(workspace.as_bytes()), message);
    }
    for remote in &mut found.remotes {
        remote.family = Some(family(&remote.key, &parents));
    }
    found
}

/// The origin of a fork, as far as it is known.
fn family(key: &str, parents: &HashMap<String, String>) -> String {
    let mut origin = key;
    for _ in 0..MAX_FORKS {
        match parents.get(origin) {
            Some(parent) => origin = parent,
            None => break,
        }
    }
    origin.to_owned()
}

fn read(
    client: &Client<'_>,
    workspace: &str,
    found: &mut Found,
    parents: &mut HashMap<String, String>,
) -> Result<(), RestError> {
    let base = client.base.url();
    let mut url = format!("{base}/2.0/repositories/{}?pagelen=100", encoded(workspace));
    let (mut visited, mut seen) = (HashSet::new(), HashSet::new());
    for _ in 0..client.limits().max_pages {
        let path = path_of(&url);
        if !visited.insert(url.clone()) {
            return Err(RestError::Endless { path });
        }
        let page: Page = parse(&client.get(&url)?, &path)?;
        let mut new = page.values.is_empty();
        for entry in &page.values {
            let Ok(it) = Repository::deserialize(entry) else {
                let message = "an entry of the server's list is not understood and left out";
                found.issue(IssueKind::Unreadable, path.clone(), message);
                new = true;
                continue;
            };
            let key = key(&it.uuid);
            if !seen.insert(key.clone()) {
                continue;
            }
            new = true;
            if let Some(parent) = &it.parent {
                parents.insert(key.clone(), self::key(&parent.uuid));
            }
            entry_found(client, entry, &it, key, found);
        }
        match page.next {
            None => return Ok(()),
            Some(_) if !new => return Err(RestError::Endless { path }),
            // Whether it is of the same origin is checked before it is asked for.
            Some(next) => url = next,
        }
    }
    let path = path_of(&url);
    Err(RestError::Endless { path })
}

fn key(uuid: &str) -> String {
    let id = uuid.trim_matches(['{', '}']).to_ascii_lowercase();
    format!("bitbucket-cloud:{}", shown(id.as_bytes()))
}

fn entry_found(
    client: &Client<'_>,
    entry: &Value,
    it: &Repository,
    key: String,
    found: &mut Found,
) {
    let name = shown(it.full_name.as_bytes());
    let url = match clone_url(entry) {
        Some(Ok(url)) => url,
        Some(Err(error)) => {
            let message = format!("the server names an address that is not used: {error}");
            return found.issue(IssueKind::Unreadable, name, message);
        }
        None => {
            let message = "the server names no address to clone it from";
            return found.issue(IssueKind::Unreadable, name, message);
        }
    };
    let api = &client.base.origin;
    let ours = url.origin() == *api || (api == BITBUCKET_CLOUD && url.origin() == CLONES);
    let for_git = |token: &Token| {
        token.as_user(if token.has_user() {
            "x-bitbucket-api-token-auth"
        } else {
            "x-token-auth"
        })
    };
    let page = entry.pointer("/links/html/href").and_then(Value::as_str);
    let remote = Remote {
        key,
        project: name
            .split_once('/')
            .map(|(workspace, _)| workspace.to_owned()),
        name,
        family: None,
        web_url: page.and_then(web_link),
        url,
        token: client.token().filter(|_| ours).map(for_git),
    };
    add(found, remote, !ours && client.token().is_some());
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, Reply, listing, token};
    use super::*;
    use std::sync::{Arc, OnceLock};

    fn entry(uuid: &str, name: &str, clone: &str, parent: Option<&str>) -> String {
        let parent = parent.map_or_else(
            || "null".to_owned(),
            |uuid| format!(r#"{{"uuid": "{{{uuid}}}"}}"#),
        );
        format!(
            r#"{{"uuid": "{{{uuid}}}", "full_name": "{name}", "parent": {parent}, "links":
            {{"html": {{"href": "https://bitbucket.org/{name}"}},
            "clone": [{{"name": "https", "href": "{clone}"}}]}}}}"#
        )
    }

    fn page(entries: &[String], next: Option<&str>) -> String {
        let next = next.map_or_else(String::new, |next| format!(r#", "next": "{next}""#));
        format!(
            r#"{{"pagelen": 100, "values": [{}]{next}}}"#,
            entries.join(",")
        )
    }

    /// A server whose answers hold its own address.
    fn fake(reply: impl Fn(&str, usize, &str) -> Reply + Send + Sync + 'static) -> Fake {
        let origin = Arc::new(OnceLock::<String>::new());
        let known = Arc::clone(&origin);
        let fake = Fake::start(move |count, target| reply(known.get().unwrap(), count, target));
        origin.set(fake.origin()).unwrap();
        fake
    }

    #[test]
    fn pages_are_followed_as_they_name_the_next_one_and_forks_share_a_family() {
        let fake = fake(|origin, count, _| {
            let clone = format!("{}/w/x.git", origin.replace("http://", "http://someone@"));
            let body = match count {
                0 => page(
                    &[entry("BB", "w/fork-of-fork", &clone, Some("aa"))],
                    Some(&format!("{origin}/2.0/strange?after=%7Bq%7D&x")),
                ),
                _ => page(
                    &[
                        entry("aa", "w/fork", &clone, Some("00")),
                        entry("cc", "w/own", "https://elsewhere.example/w/x.git", None),
                    ],
                    None,
                ),
            };
            Reply::json(body)
        });
        let token = token(concat!("me@example.com:", "swordfish"));
        let (found, _) = listing(&fake.origin(), Some(&token), |server| {
            bitbucket_cloud(server, "w/s")
        });
        assert_eq!(
            fake.targets(),
            [
                "/2.0/repositories/w%2Fs?pagelen=100",
                "/2.0/strange?after=%7Bq%7D&x"
            ]
        );
        let all: Vec<_> = found
            .remotes
            .iter()
            .map(|it| (&*it.key, &*it.name, it.family.as_deref().unwrap()))
            .collect();
        assert_eq!(
            all,
            [
                ("bitbucket-cloud:bb", "w/fork-of-fork", "bitbucket-cloud:00"),
                ("bitbucket-cloud:aa", "w/fork", "bitbucket-cloud:00"),
                ("bitbucket-cloud:cc", "w/own", "bitbucket-cloud:cc"),
            ]
        );
        let first = &found.remotes[0];
        assert_eq!(first.project.as_deref(), Some("w"));
        assert_eq!(
            first.web_url.as_deref(),
            Some("https://bitbucket.org/w/fork-of-fork")
        );
        assert_eq!(first.url.to_string(), format!("{}/w/x.git", fake.origin()));
        let expected = Token::basic(b"x-bitbucket-api-token-auth", b"swordfish");
        assert_eq!(first.token, Some(expected));
        // `printf %s me@example.com:swordfish | base64`
        assert_eq!(
            fake.asked()[1].header("authorization"),
            Some(concat!("Basic bWVAZXhhbXBs", "ZS5jb206c3dvcmRmaXNo"))
        );
        assert_eq!(found.remotes[2].token, None);
        assert_eq!(found.issues.len(), 1);
        assert!(
            found.issues[0]
                .message
                .contains("https://elsewhere.example")
        );
    }

    #[test]
    fn a_next_page_on_another_server_is_not_asked_for() {
        let other = Fake::start(|_, _| Reply::json(page(&[], None)));
        let next = format!("{}/2.0/repositories/w?page=2", other.origin());
        let fake = fake(move |origin, _, _| {
            let clone = format!("{origin}/w/x.git");
            Reply::json(page(&[entry("aa", "w/x", &clone, None)], Some(&next)))
        });
        let token = token("swordfish");
        let (found, _) = listing(&fake.origin(), Some(&token), |server| {
            bitbucket_cloud(server, "w")
        });
        assert_eq!(found.remotes.len(), 1);
        let git = Token::basic(b"x-token-auth", b"swordfish");
        assert_eq!(found.remotes[0].token, Some(git));
        assert!(
            found.issues[0].message.contains(&other.origin()),
            "{found:?}"
        );
        assert!(other.asked().is_empty());
    }

    #[test]
    fn pages_that_lead_back_end_the_listing() {
        let fake = fake(|origin, count, _| {
            let id = format!("{count}");
            let first = format!("{origin}/2.0/repositories/w?pagelen=100");
            let clone = format!("{origin}/w/x.git");
            Reply::json(page(&[entry(&id, "w/x", &clone, None)], Some(&first)))
        });
        let (found, _) = listing(&fake.origin(), None, |server| bitbucket_cloud(server, "w"));
        assert_eq!((found.remotes.len(), fake.asked().len()), (1, 1));
        assert!(
            found.issues[0].message.contains("repeat themselves"),
            "{found:?}"
        );
    }

    #[test]
    fn a_near_limit_slows_the_listing_down() {
        let fake = Fake::start(|_, _| {
            Reply::json(page(&[], None))
                .with("X-RateLimit-Limit", "1000")
                .with("X-RateLimit-NearLimit", "true")
        });
        let (found, pauses) = listing(&fake.origin(), None, |server| bitbucket_cloud(server, "w"));
        assert_eq!(pauses, [std::time::Duration::from_millis(3_600)]);
        assert!(
            found.issues[0]
                .message
                .contains("no repository in this workspace")
        );
    }

    #[test]
    fn forks_in_a_circle_have_a_family_too() {
        let parents = [("a", "b"), ("b", "a")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert!(["a", "b"].contains(&&*family("a", &parents.into_iter().collect())));
    }
}
