//! What holds for listings of every kind: shown on that of Bitbucket Data Center.

use super::{
    Server, bitbucket_data_center,
    fake::{Fake, Reply, everything, listing, token},
};
use crate::discover::Found;
use std::{
    net::TcpListener,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

const EMPTY: &str = r#"{"values": [], "isLastPage": true}"#;
const ONE: &str = r#"{"isLastPage": true, "values":
    [{"id": 1, "slug": "shop", "project": {"key": "P"}}]}"#;

fn all(server: &Server<'_>) -> Found {
    bitbucket_data_center(server, &[])
}

fn ask(fake: &Fake) -> (Found, Vec<Duration>) {
    listing(&fake.origin(), Some(&token("swordfish")), all)
}

fn seconds(pauses: &[Duration]) -> Vec<u64> {
    pauses.iter().map(Duration::as_secs).collect()
}

/// The only issue's text.
fn issue(found: &Found) -> &str {
    assert_eq!(found.issues.len(), 1, "{:?}", found.issues);
    &found.issues[0].message
}

#[test]
fn a_server_that_limits_requests_is_waited_for_as_long_as_it_says() {
    let fake = Fake::start(|count, _| match count {
        0 => Reply::status(429).with("Retry-After", "7"),
        1 => Reply::status(429),
        2 => Reply::status(429).with("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"),
        3 => Reply::status(429).with("Retry-After", "0"),
        // Its failures are counted apart.
        4 | 5 => Reply::status(500),
        _ => Reply::json(ONE),
    });
    let (found, pauses) = ask(&fake);
    assert_eq!(found.remotes.len(), 1);
    assert_eq!(found.issues, []);
    assert_eq!(seconds(&pauses), [7, 2, 4, 1, 16, 32]);
}

#[test]
fn patience_has_an_end() {
    let fake = Fake::start(|_, _| Reply::status(429).with("Retry-After", "60"));
    let (found, pauses) = ask(&fake);
    assert_eq!(seconds(&pauses), [60]);
    assert!(issue(&found).contains("wait 60 s longer"), "{found:?}");

    let fake = Fake::start(|_, _| Reply::status(429).with("Retry-After", "99999999999999999999"));
    let (found, pauses) = ask(&fake);
    assert!(pauses.len() < 10 && pauses.iter().sum::<Duration>() <= Duration::from_secs(100));
    assert!(issue(&found).contains("limits requests"), "{found:?}");
}

#[test]
fn failures_of_the_server_are_tried_again_a_few_times() {
    let fake = Fake::start(|count, _| match count {
        0 => Reply::status(500),
        1 => Reply::status(503).with("Retry-After", "9"),
        _ => Reply::json(ONE),
    });
    let (found, pauses) = ask(&fake);
    assert_eq!((found.remotes.len(), seconds(&pauses)), (1, vec![1, 9]));

    let fake = Fake::start(|_, _| Reply::status(502));
    let (found, pauses) = ask(&fake);
    assert_eq!((fake.asked().len(), seconds(&pauses)), (3, vec![1, 2]));
    assert!(issue(&found).contains("/rest/api/latest/repos: the server answers 502"));
}

#[test]
fn what_the_server_refuses_is_told_with_what_to_do_and_never_with_the_token() {
    for (status, todo) in [
        (401, "new one"),
        (403, "REPO_READ"),
        (404, "no such project"),
        (418, "418"),
    ] {
        let fake = Fake::start(move |_, _| Reply::status(status));
        let (found, pauses) = ask(&fake);
        let told = issue(&found);
        assert!(
            told.contains(todo) && told.contains("/rest/api/latest/repos: "),
            "{told}"
        );
        assert!(
            told.contains(&status.to_string()) && !told.contains("limit="),
            "{told}"
        );
        assert!(!everything(&found).contains("swordfish"));
        assert_eq!(pauses, []);
        assert_eq!(
            fake.asked()[0].header("authorization"),
            Some("Bearer swordfish")
        );
    }
}

#[test]
fn the_token_never_reaches_another_server() {
    let other = Fake::start(|_, _| Reply::json(ONE));
    let target = format!("{}/rest/api/latest/repos?x=secret", other.origin());
    for status in [301, 302, 303, 307, 308] {
        let target = target.clone();
        let fake = Fake::start(move |_, _| Reply::status(status).with("Location", target.clone()));
        let (found, _) = ask(&fake);
        let told = issue(&found);
        assert!(
            told.contains(&other.origin()) && !told.contains("secret"),
            "{told}"
        );
        assert!(found.remotes.is_empty());
    }
    let fake = Fake::start(|_, _| Reply::status(302).with("Location", "//127.0.0.1:1/x"));
    assert!(issue(&ask(&fake).0).contains("makes no sense"));
    assert!(other.asked().is_empty());
}

#[test]
fn redirects_to_the_same_server_are_followed_but_not_for_ever() {
    let fake = Fake::start(|_, target| {
        if target.starts_with("/moved") {
            Reply::json(ONE)
        } else {
            Reply::status(302).with("Location", "/moved")
        }
    });
    let (found, _) = ask(&fake);
    assert_eq!((found.remotes.len(), found.issues.len()), (1, 0));
    let authorization = |at: usize| fake.asked()[at].header("authorization").map(str::to_owned);
    assert_eq!(authorization(1), authorization(0));

    let fake = Fake::start(|_, _| Reply::status(302).with("Location", "/again"));
    let (found, _) = ask(&fake);
    assert!(issue(&found).contains("do not end"));
    assert_eq!(fake.asked().len(), 6);
}

#[test]
fn answers_that_are_none_are_told_by_place_and_not_by_content() {
    for (body, reason) in [
        ("<html>secret page</html>", "no JSON at line 1"),
        ("", "ends too early"),
        ("[]", "not the expected JSON"),
        (
            r#"{"values": "secret", "isLastPage": true}"#,
            "not the expected JSON",
        ),
        (r#"{"values": []}"#, "not the expected JSON"),
        (
            r#"{"values": [], "isLastPage": false}"#,
            "names no next one",
        ),
    ] {
        let fake = Fake::start(move |_, _| Reply::json(body));
        let (found, _) = ask(&fake);
        assert!(issue(&found).contains(reason), "{body}: {found:?}");
        assert!(!everything(&found).contains("secret"), "{found:?}");
    }
    let long = format!(
        "{{\"values\": [], \"isLastPage\": true, \"x\": \"{}\"}}",
        "x".repeat(10_000)
    );
    let fake = Fake::start(move |_, _| Reply::json(long.clone()));
    assert!(issue(&ask(&fake).0).contains("more than 10000 bytes"));
}

#[test]
fn a_server_that_is_not_there_is_tried_again_and_told() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (found, pauses) = listing(&format!("http://{closed}"), None, all);
    assert_eq!(seconds(&pauses), [1, 2]);
    assert!(
        issue(&found).contains("no answer from the server"),
        "{found:?}"
    );

    let (found, _) = listing(concat!("https://user:", "swordfish@h"), None, all);
    assert!(issue(&found).contains("give them as a token"));
    assert!(!everything(&found).contains("swordfish"));
}

#[test]
fn a_server_that_never_answers_costs_the_time_that_it_may() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let start = Instant::now();
    let found = all(&Server {
        url: &url,
        token: None,
        ca: None,
        limits: super::Limits {
            max_attempts: 1,
            timeout: Duration::from_millis(200),
            ..super::Limits::default()
        },
        pause: &|_| panic!("one attempt needs no pause"),
        interrupt: &AtomicBool::new(false),
    });
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(issue(&found).contains("timeout"), "{found:?}");
}

#[test]
fn certificates_that_cannot_be_read_are_told_before_anything_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let fake = Fake::start(|_, _| Reply::json(EMPTY));
    let ask = || {
        all(&Server {
            url: &fake.origin(),
            token: None,
            ca: Some(&file),
            limits: super::Limits::default(),
            pause: &|_| (),
            interrupt: &AtomicBool::new(false),
        })
    };
    assert!(issue(&ask()).contains("ca.pem"));
    std::fs::write(&file, "no certificate\n").unwrap();
    assert!(issue(&ask()).contains("holds no certificate"));
    assert!(fake.asked().is_empty());
}

#[test]
fn a_listing_that_is_stopped_says_so() {
    let fake = Fake::start(|_, _| Reply::json(EMPTY));
    let found = all(&Server {
        url: &fake.origin(),
        token: None,
        ca: None,
        limits: super::Limits::default(),
        pause: &|_| (),
        interrupt: &AtomicBool::new(true),
    });
    assert!(issue(&found).contains("stopped"));
    assert!(fake.asked().is_empty());
}
