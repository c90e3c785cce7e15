//! Mirrors of repositories on a real web server: git over HTTP, through `git http-backend`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    unreachable_pub,
    reason = "a test target is not a library: nothing is reachable"
)]

#[allow(
    dead_code,
    reason = "shared with test targets that use other parts of it"
)]
mod support;

#[path = "../push/http.rs"]
mod http;

use http::HttpServer;
use scanner_sweep::discover::{
    DiskOptions, ListFormat, Remote, list,
    mirror::{MirrorOptions, Mirrors},
};
use std::{path::Path, sync::atomic::AtomicBool, time::Duration};
use support::{ObjectFormat, Repo};

/// Another server's address as a list gives it, with a password.
fn listed(url: &str, password: &str) -> Remote {
    let url = url.replace("http://", &format!("http://alice:{password}@"));
    let options = DiskOptions::default();
    let mut found = list(url.as_bytes(), "list", ListFormat::Lines, &options).unwrap();
    assert_eq!(found.issues, []);
    found.remotes.remove(0)
}

fn refs(repository: &Repo, dir: &Path) -> String {
    repository.git(&["--git-dir", dir.to_str().unwrap(), "for-each-ref"])
}

#[test]
fn a_listed_address_is_cloned_and_fetched_over_http_without_keeping_its_password() {
    let server = Repo::init_bare("shop.git", ObjectFormat::Sha1);
    let client = Repo::init();
    client.commit_file("a", "one\n", "first");
    let push = |refs: &str| {
        let target = server.path().to_str().unwrap();
        client.git(&["push", "-q", "--force", target, refs]);
    };
    push("main:refs/heads/main");
    let web = HttpServer::start(&server, "alice");
    let password = client.plant();
    let remote = listed(&web.url(&server), &password);
    assert_eq!(remote.key, web.url(&server));
    assert_eq!(remote.name, "shop");

    let dir = server.beside("mirrors");
    let mirrors = Mirrors::open(&dir, MirrorOptions::default()).unwrap();
    let update = || {
        let time = Duration::from_secs(120);
        mirrors
            .update(&remote, time, &AtomicBool::new(false))
            .unwrap()
    };
    let mirror = update().path;
    assert_eq!(refs(&server, &mirror), refs(&server, server.path()));
    client.commit_file("a", "two\n", "second");
    push("main:refs/heads/main");
    push("main:refs/pull-requests/1/from");
    assert_ne!(refs(&server, &mirror), refs(&server, server.path()));
    assert_eq!(update().path, mirror);
    assert_eq!(refs(&server, &mirror), refs(&server, server.path()));
    server.git(&["--git-dir", mirror.to_str().unwrap(), "fsck", "--strict"]);

    let config = std::fs::read_to_string(mirror.join("config")).unwrap();
    assert!(
        config.contains(&web.url(&server)) && !config.contains(&password),
        "{config}"
    );
}
