//! Bitbucket Data Center.

use super::{
    super::{Found, GitUrl, Remote, encoded, shown, web_link},
    answer::{add, clone_url, parse},
    client::{Client, Server, path_of},
    error::RestError,
};
use scanner_core::model::IssueKind;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;

/// Repositories asked for at a time. The server may give fewer.
const PAGE: u32 = 250;

#[derive(Deserialize)]
struct Page {
    values: Vec<Value>,
    #[serde(rename = "isLastPage")]
    is_last: bool,
    #[serde(rename = "nextPageStart")]
    next_start: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    id: u64,
    slug: String,
    hierarchy_id: Option<String>,
    project: Project,
}

#[derive(Deserialize)]
struct Project {
    key: String,
}

/// Lists the repositories that the token may read, archived ones too, of some projects or, where
/// none is named, of all. A project that gives none is an issue.
///
/// A repository is known by the server's address and its id there, which survives renames; forks
/// share the server's `hierarchyId`. It is cloned from the address that the server names, which the
/// API's description leaves open, or from `<server>/scm/<project>/<slug>.git` where there is none.
pub fn bitbucket_data_center(server: &Server<'_>, projects: &[String]) -> Found {
    let mut listing = Listing::default();
    let client = match Client::new(server) {
        Ok(client) => client,
        Err(error) => return failed(listing.found, "Bitbucket", &error),
    };
    let place = client.base.url();
    let wanted: Vec<Option<&str>> = if projects.is_empty() {
        vec![None]
    } else {
        projects.iter().map(|key| Some(key.as_str())).collect()
    };
    for project in wanted {
        let before = listing.seen.len();
        if let Err(error) = listing.read(&client, project) {
            // The next project would meet the same.
            return failed(listing.found, &place, &error);
        }
        if let Some(project) = project
            && listing.seen.len() == before
        {
            let message = "no repository in this project: check that it exists, that its key is \
                           written so, and that the token may read it";
            let project = shown(project.as_bytes());
            listing.found.issue(IssueKind::Unreadable, project, message);
        }
    }
    listing.found
}

fn failed(mut found: Found, place: &str, error: &RestError) -> Found {
    let listed = found.remotes.len();
    let message = format!("repositories are missing ({listed} were listed): {error}");
    found.issue(IssueKind::Unreadable, place, message);
    found
}

#[derive(Default)]
struct Listing {
    found: Found,
    seen: HashSet<u64>,
}

impl Listing {
    fn read(&mut self, client: &Client<'_>, project: Option<&str>) -> Result<(), RestError> {
        let base = client.base.url();
        let filter = project.map(|key| format!("&projectkey={}", encoded(key)));
        let filter = filter.unwrap_or_default();
        let mut start = 0;
        for _ in 0..client.limits().max_pages {
            let url = format!(
                "{base}/rest/api/latest/repos?permission=REPO_READ&archived=ALL&limit={PAGE}\
                 &start={start}{filter}"
            );
            let path = path_of(&url);
            let page: Page = parse(&client.get(&url)?, &path)?;
            let mut new = page.values.is_empty();
            for entry in &page.values {
                new |= self.entry(client, entry, project);
            }
            if page.is_last {
                return Ok(());
            }
            match page.next_start {
                Some(next) if next > start && new => start = next,
                Some(_) => return Err(RestError::Endless { path }),
                None => {
                    let reason = "a page that is not the last names no next one".to_owned();
                    return Err(RestError::NotUnderstood { path, reason });
                }
            }
        }
        let path = path_of(&format!("{base}/rest/api/latest/repos"));
        Err(RestError::Endless { path })
    }

    /// Takes in an entry; says whether it is none that was listed before.
    fn entry(&mut self, client: &Client<'_>, entry: &Value, project: Option<&str>) -> bool {
        let Ok(it) = Repository::deserialize(entry) else {
            let message = "an entry of the server's list is not understood and left out";
            self.found
                .issue(IssueKind::Unreadable, client.base.url(), message);
            return true;
        };
        // A server that does not know the filter lists everything.
        if project.is_some_and(|key| !key.eq_ignore_ascii_case(&it.project.key)) {
            return true;
        }
        if !self.seen.insert(it.id) {
            return false;
        }
        let base = &client.base;
        let name = format!("{}/{}", it.project.key, it.slug);
        let url = clone_url(entry).unwrap_or_else(|| {
            let url = format!(
                "{}/scm/{}/{}.git",
                base.url(),
                encoded(&it.project.key),
                encoded(&it.slug)
            );
            GitUrl::parse(&url).map(|(url, _)| url)
        });
        let url = match url {
            Ok(url) => url,
            Err(error) => {
                let message = format!("the server names an address that is not used: {error}");
                self.found
                    .issue(IssueKind::Unreadable, shown(name.as_bytes()), message);
                return true;
            }
        };
        let ours = url.origin() == base.origin;
        let page = entry.pointer("/links/self/0/href").and_then(Value::as_str);
        let remote = Remote {
            key: format!("bitbucket:{}/{}", base.place, it.id),
            name: shown(name.as_bytes()),
            project: Some(shown(it.project.key.as_bytes())),
            family: it.hierarchy_id.map(|id| shown(id.as_bytes())),
            web_url: page.and_then(web_link),
            url,
            token: client.token().filter(|_| ours).cloned(),
        };
        add(&mut self.found, remote, !ours && client.token().is_some());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, Reply, everything, listing, token};
    use super::*;

    fn entry(id: u64, project: &str, slug: &str, more: &str) -> String {
        format!(r#"{{"id": {id}, "slug": "{slug}", "project": {{"key": "{project}"}}{more}}}"#)
    }

    fn page(entries: &[String], next: Option<u64>) -> String {
        let values = entries.join(",");
        match next {
            None => format!(r#"{{"values": [{values}], "isLastPage": true}}"#),
            Some(next) => {
                format!(r#"{{"values": [{values}], "isLastPage": false, "nextPageStart": {next}}}"#)
            }
        }
    }

    fn names(found: &Found) -> Vec<&str> {
        found.remotes.iter().map(|it| &*it.name).collect()
    }

    #[test]
    fn every_page_is_asked_for_as_the_last_one_says() {
        let fake = Fake::start(|_, target| {
            let (entries, next): (Vec<_>, _) = if target.contains("&start=0") {
                (
                    vec![entry(1, "A", "one", ""), entry(2, "A", "two", "")],
                    Some(7),
                )
            } else if target.contains("&start=7") {
                // A page may be empty where permissions hide what is on it.
                (vec![], Some(30))
            } else {
                // One that moved from an earlier page while they were read.
                (
                    vec![entry(2, "A", "two", ""), entry(3, "~bob", "three", "")],
                    None,
                )
            };
            Reply::json(page(&entries, next))
        });
        let url = format!("{}/bitbucket/", fake.origin());
        let (found, _) = listing(&url, None, |server| bitbucket_data_center(server, &[]));
        assert_eq!(names(&found), ["A/one", "A/two", "~bob/three"]);
        assert_eq!(found.issues, []);
        let start =
            "/bitbucket/rest/api/latest/repos?permission=REPO_READ&archived=ALL&limit=250&start=";
        assert_eq!(
            fake.targets(),
            ["0", "7", "30"].map(|at| format!("{start}{at}"))
        );
    }

    #[test]
    fn an_entry_becomes_a_repository_with_links_family_and_a_key_that_survives_renames() {
        let origin = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
        let known = origin.clone();
        let fake = Fake::start(move |count, _| {
            let origin = known.get().unwrap();
            let links = format!(
                r#", "hierarchyId": "85ab", "links": {{"self": [{{"href": "{origin}/projects/A/repos/s/browse"}}],
                "clone": [{{"name": "ssh", "href": "ssh://git@h:7999/a/s.git"}},
                {{"name": "http", "href": "http://alice@{}/scm/a/s.git"}}]}}"#,
                origin.trim_start_matches("http://")
            );
            let slug = if count == 0 { "s" } else { "renamed" };
            Reply::json(page(&[entry(42, "A", slug, &links)], None))
        });
        origin.set(fake.origin()).unwrap();
        let token = token("swordfish");
        let ask = || {
            listing(&fake.origin(), Some(&token), |server| {
                bitbucket_data_center(server, &[])
            })
            .0
        };
        let found = ask();
        let place = fake.origin().trim_start_matches("http://").to_owned();
        let expected = Remote {
            key: format!("bitbucket:{place}/42"),
            name: "A/s".to_owned(),
            project: Some("A".to_owned()),
            family: Some("85ab".to_owned()),
            web_url: Some(format!("http://{place}/projects/A/repos/s/browse")),
            url: GitUrl::parse(&format!("http://{place}/scm/a/s.git"))
                .unwrap()
                .0,
            token: Some(token.clone()),
        };
        assert_eq!(found.remotes, [expected]);
        assert!(!everything(&found).contains("swordfish"));
        let renamed = ask();
        assert_eq!(renamed.remotes[0].key, found.remotes[0].key);
        assert_eq!(names(&renamed), ["A/renamed"]);
    }

    #[test]
    fn the_token_stays_with_the_server_and_addresses_of_this_machine_are_refused() {
        let link = |name: &str, href: &str| {
            format!(
                r#", "links": {{"self": [{{"href": "javascript:alert(1)"}}], "clone": [{{"name": "{name}", "href": "{href}"}}]}}"#
            )
        };
        let entries = [
            entry(
                1,
                "A",
                "other",
                &link("http", "https://evil.example/scm/a/x.git"),
            ),
            entry(2, "A", "ssh", &link("ssh", "ssh://git@h:7999/a/x.git")),
            entry(3, "A", "file", &link("http", "file:///etc")),
            entry(4, "A", "option", &link("ssh", "ssh://-oProxyCommand=x/y")),
            entry(5, "A", "a b", ""),
            r#"{"id": "six"}"#.to_owned(),
        ];
        let fake = Fake::start(move |_, _| Reply::json(page(&entries, None)));
        let token = token("swordfish");
        let (found, _) = listing(&fake.origin(), Some(&token), |server| {
            bitbucket_data_center(server, &[])
        });
        assert_eq!(names(&found), ["A/other", "A/ssh", "A/a b"]);
        assert!(found.remotes.iter().all(|it| it.web_url.is_none()));
        let with_token: Vec<bool> = found.remotes.iter().map(|it| it.token.is_some()).collect();
        assert_eq!(with_token, [false, false, true]);
        assert_eq!(
            found.remotes[2].url.to_string(),
            format!("{}/scm/A/a%20b.git", fake.origin())
        );
        let kinds: Vec<IssueKind> = found.issues.iter().map(|issue| issue.kind).collect();
        let lost = IssueKind::Unreadable;
        assert_eq!(kinds, [IssueKind::Note, lost, lost, lost]);
    }

    #[test]
    fn projects_are_asked_for_by_key_and_one_without_repositories_is_said() {
        // This server does not know the filter.
        let fake = Fake::start(|_, _| {
            Reply::json(page(
                &[entry(1, "A", "one", ""), entry(2, "B", "two", "")],
                None,
            ))
        });
        let projects = ["b", "~no&body"].map(str::to_owned);
        let (found, _) = listing(&fake.origin(), None, |server| {
            bitbucket_data_center(server, &projects)
        });
        assert_eq!(names(&found), ["B/two"]);
        let ends: Vec<bool> = ["&projectkey=b", "&projectkey=~no%26body"]
            .iter()
            .zip(fake.targets())
            .map(|(end, target)| target.ends_with(end))
            .collect();
        assert_eq!(ends, [true, true]);
        assert_eq!(found.issues.len(), 1);
        assert_eq!(found.issues[0].path.as_deref(), Some("~no&body"));
    }

    #[test]
    fn pages_that_repeat_themselves_end_the_listing_and_keep_what_was_listed() {
        let same = |next: fn(usize) -> u64| {
            Fake::start(move |count, _| {
                Reply::json(page(&[entry(1, "A", "one", "")], Some(next(count))))
            })
        };
        // The start stands still; or it moves and the content does not.
        for (fake, requests) in [(same(|_| 0), 1), (same(|count| count as u64 + 1), 2)] {
            let (found, _) = listing(&fake.origin(), None, |server| {
                bitbucket_data_center(server, &[])
            });
            assert_eq!(names(&found), ["A/one"]);
            assert!(
                found.issues[0].message.contains("repeat themselves"),
                "{found:?}"
            );
            assert!(
                found.issues[0].message.contains("1 were listed"),
                "{found:?}"
            );
            assert_eq!(fake.asked().len(), requests);
        }
        // New content for ever.
        let fake = Fake::start(|count, _| {
            let id = count as u64;
            Reply::json(page(&[entry(id, "A", "one", "")], Some(id + 1)))
        });
        let (found, _) = listing(&fake.origin(), None, |server| {
            bitbucket_data_center(server, &[])
        });
        assert_eq!((found.remotes.len(), fake.asked().len()), (20, 20));
        assert!(found.issues[0].message.contains("do not end"), "{found:?}");
    }
}
