//! Where a finding can be looked at on its server.
//!
//! The address of a repository's page tells which kind of server it is: those of Bitbucket Data
//! Center and of Bitbucket Cloud have forms of their own. There a link leads to the file in the
//! commit that introduced the secret, or to the commit where its message holds it; everywhere else
//! to the repository.

use crate::discover::{encoded, web_link};
use serde_json::Value;

/// A kind of server, and what comes before the parts of its addresses.
enum Server<'a> {
    /// `https://host/projects/KEY/repos/SLUG`, or a user's.
    DataCenter(&'a str),
    /// `https://bitbucket.org/WORKSPACE/SLUG`.
    Cloud(&'a str),
}

/// Returns the address for a finding, as a JSON report has it, in the repository of this page.
pub(super) fn to(page: &str, finding: &Value) -> Option<String> {
    let page = web_link(page)?;
    let exact = Server::of(&page).and_then(|server| server.link(&finding["occurrences"][0]));
    // Paths may be longer than what is fit for a link.
    Some(exact.as_deref().and_then(web_link).unwrap_or(page))
}

impl<'a> Server<'a> {
    fn of(page: &'a str) -> Option<Self> {
        if page.contains(['?', '#']) {
            return None;
        }
        let page = page.trim_end_matches('/');
        let rest = page.split_once("://")?.1;
        let mut parts = rest.split('/');
        if parts.next()?.eq_ignore_ascii_case("bitbucket.org") {
            return (parts.count() == 2).then_some(Self::Cloud(page));
        }
        let page = page.strip_suffix("/browse")?;
        let mut parts = page.rsplit('/').skip(1);
        let is_ours = parts.next() == Some("repos")
            && parts.next().is_some_and(|owner| !owner.is_empty())
            && matches!(parts.next(), Some("projects" | "users"));
        is_ours.then_some(Self::DataCenter(page))
    }

    fn link(&self, occurrence: &Value) -> Option<String> {
        let id = |value: &Value| {
            let text = value.as_str()?;
            let is_one = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_one.then(|| text.to_owned())
        };
        let place = occurrence["where"].as_str()?;
        if place == "commit-message" {
            let commit = id(&occurrence["blob"])?;
            let (Self::DataCenter(page) | Self::Cloud(page)) = self;
            return Some(format!("{page}/commits/{commit}"));
        }
        let commit = id(&occurrence["introduced"]["commit"])?;
        let path = occurrence["path"].as_str()?;
        // One that is no text, or in which a secret was redacted, is not what the server knows.
        let is_whole = occurrence["path_bytes"].is_null() && !path.contains('*');
        if path.is_empty() || !is_whole {
            return None;
        }
        let parts: Vec<String> = path.split('/').map(encoded).collect();
        let path = parts.join("/");
        // Lines of what is inside of a file are none of the file's.
        let line = occurrence["start_line"].as_u64();
        let line = line.filter(|_| occurrence["member"].is_null());
        let anchor = |before: &str| line.map_or_else(String::new, |n| format!("#{before}{n}"));
        Some(match self {
            Self::DataCenter(page) => {
                format!("{page}/browse/{path}?at={commit}{}", anchor(""))
            }
            Self::Cloud(page) => format!("{page}/src/{commit}/{path}{}", anchor("lines-")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    const DATA_CENTER: &str = "https://h:7990/bb/projects/PAY/repos/shop/browse";
    const CLOUD: &str = "https://bitbucket.org/team/shop";

    fn finding(path: &str, more: &Value) -> Value {
        let mut occurrence = json!({
            "path": path, "where": "head", "start_line": 7, "blob": COMMIT,
            "introduced": {"commit": COMMIT},
        });
        for (key, value) in more.as_object().unwrap() {
            occurrence[key] = value.clone();
        }
        json!({"occurrences": [occurrence]})
    }

    fn link(page: &str, path: &str, more: &Value) -> String {
        to(page, &finding(path, more)).unwrap()
    }

    #[test]
    fn a_link_leads_to_the_line_of_the_file_in_the_commit_where_the_kind_of_server_is_known() {
        let plain = json!({});
        for (page, expected) in [
            (
                DATA_CENTER,
                format!("https://h:7990/bb/projects/PAY/repos/shop/browse/src/a.env?at={COMMIT}#7"),
            ),
            (
                "https://h/users/ada/repos/shop/browse",
                format!("https://h/users/ada/repos/shop/browse/src/a.env?at={COMMIT}#7"),
            ),
            (
                CLOUD,
                format!("https://bitbucket.org/team/shop/src/{COMMIT}/src/a.env#lines-7"),
            ),
        ] {
            assert_eq!(link(page, "src/a.env", &plain), expected);
        }
        for page in [
            "https://git.example/team/shop",
            "https://bitbucket.org.example/team/shop",
            "https://bitbucket.org/team",
            "https://bitbucket.org/team/shop?x=y",
            "https://h/projects/PAY/repos/shop",
            "https://h/projects/PAY/repos/shop/browse#x",
            "https://h/x/PAY/repos/shop/browse",
        ] {
            assert_eq!(link(page, "src/a.env", &plain), page);
        }
        assert_eq!(
            to(
                "javascript://h/projects/A/repos/b/browse",
                &finding("a", &plain)
            ),
            None
        );
    }

    /// Reserved and other characters by RFC 3986, section 2.
    #[test]
    fn paths_are_encoded_so_that_nothing_in_them_ends_them() {
        let path = "a b/c#d?e%f&g+h/\u{e9}\u{202e}/\"<>'`\\\n";
        let expected = "a%20b/c%23d%3Fe%25f%26g%2Bh/%C3%A9%E2%80%AE/%22%3C%3E%27%60%5C%0A";
        let of = |page: &str| link(page, path, &json!({}));
        assert!(of(DATA_CENTER).contains(&format!("/browse/{expected}?at={COMMIT}#7")));
        assert!(of(CLOUD).contains(&format!("/src/{COMMIT}/{expected}#lines-7")));
    }

    #[test]
    fn what_the_server_has_no_line_for_leads_as_near_as_it_can() {
        let inside = link(DATA_CENTER, "a.zip", &json!({"member": "b/c"}));
        assert!(
            inside.ends_with(&format!("/browse/a.zip?at={COMMIT}")),
            "{inside}"
        );
        let message = json!({"where": "commit-message", "introduced": null});
        for (page, before) in [
            (DATA_CENTER, "/repos/shop/commits/"),
            (CLOUD, "/shop/commits/"),
        ] {
            let link = link(page, "", &message);
            assert!(link.ends_with(&format!("{before}{COMMIT}")), "{link}");
        }
        for (path, more) in [
            ("a", json!({"introduced": null})),
            ("a", json!({"introduced": {"commit": "../../x"}})),
            ("a", json!({"path_bytes": "ff"})),
            ("key-ab****yz", json!({})),
            ("", json!({"where": "tag-message"})),
        ] {
            assert_eq!(link(DATA_CENTER, path, &more), DATA_CENTER, "{path} {more}");
        }
        assert_eq!(link(CLOUD, &"x".repeat(3_000), &json!({})), CLOUD);
    }
}
