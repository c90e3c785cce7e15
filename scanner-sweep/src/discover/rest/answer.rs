//! What the listings of both kinds of Bitbucket have in common.

use super::{
    super::{BadUrl, Found, GitUrl, Remote, Scheme},
    error::RestError,
};
use scanner_core::model::IssueKind;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a document. What is wrong is told by its place, not by its content.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8], path: &str) -> Result<T, RestError> {
    serde_json::from_slice(body).map_err(|error| RestError::NotUnderstood {
        path: path.to_owned(),
        reason: format!(
            "{} at line {}, column {}",
            match error.classify() {
                serde_json::error::Category::Data => "not the expected JSON",
                serde_json::error::Category::Eof => "JSON that ends too early",
                _ => "no JSON",
            },
            error.line(),
            error.column()
        ),
    })
}

/// The addresses that an entry offers to clone from, by the names that the server gives them.
pub(super) fn clone_links(entry: &Value) -> impl Iterator<Item = (&str, &str)> {
    let links = entry.pointer("/links/clone").and_then(Value::as_array);
    links.into_iter().flatten().filter_map(|link| {
        let text = |key| link.get(key).and_then(Value::as_str);
        Some((text("name")?, text("href")?))
    })
}

/// The address to clone from: over HTTP if the server offers that, by ssh otherwise.
pub(super) fn clone_url(entry: &Value) -> Option<Result<GitUrl, BadUrl>> {
    let named = |wanted: &[&str]| {
        let mut links = clone_links(entry);
        links
            .find(|(name, _)| wanted.contains(name))
            .map(|(_, href)| href)
    };
    let href = named(&["https", "http"]).or_else(|| named(&["ssh"]))?;
    // A name in the address is that of who asked, and no part of where the repository is.
    let parsed = GitUrl::parse(href).map(|(url, _)| url);
    // Only what reaches another machine: no server names directories of this one.
    Some(parsed.and_then(|url| match url.scheme() {
        Scheme::Https | Scheme::Http | Scheme::Ssh => Ok(url),
        Scheme::Git | Scheme::File => Err(BadUrl::Scheme),
    }))
}

/// Adds a repository, unless it has been listed already. An issue tells if it cannot be shown the
/// token because it lies on another server.
pub(super) fn add(found: &mut Found, remote: Remote, token_stays_behind: bool) {
    if token_stays_behind && matches!(remote.url.scheme(), Scheme::Https | Scheme::Http) {
        let message = format!(
            "it is to be cloned from {}, another server than was asked, and is not shown the token \
             there",
            remote.url.origin()
        );
        found.issue(IssueKind::Note, remote.name.clone(), message);
    }
    found.remotes.push(remote);
}
