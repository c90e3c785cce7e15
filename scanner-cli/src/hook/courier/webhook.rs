//! Posting a line to a web server. Nothing that fails is told with the address or the header,
//! which may hold a token.

use scanner_core::{gate::policy, model::Secret};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, time::Instant};

/// Where to post, as the child is told. Its address and header are secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Address {
    url: String,
    header: Option<(String, String)>,
    /// Certificates that the server's is checked against, instead of those of the web.
    ca: Option<PathBuf>,
}

impl Address {
    pub(super) fn new(webhook: &policy::Webhook) -> Self {
        let text = |secret: &Secret| String::from_utf8_lossy(secret.reveal()).into_owned();
        let header = webhook.header.as_ref();
        Self {
            url: text(&webhook.url),
            header: header.map(|(name, value)| (name.clone(), text(value))),
            ca: webhook.ca.clone(),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("ca", &self.ca)
            .finish_non_exhaustive()
    }
}

/// A web server to post to.
#[cfg(feature = "webhook")]
#[derive(Debug)]
pub(super) struct Webhook(scanner_sweep::http::Poster);

#[cfg(feature = "webhook")]
impl Webhook {
    /// Reads what is needed to post: the certificates above all.
    pub(super) fn new(address: &Address) -> Result<Self, String> {
        let secret = |text: &String| Secret::new(text.as_bytes());
        let header = address.header.as_ref();
        let to = policy::Webhook {
            url: secret(&address.url),
            shown: String::new(),
            header: header.map(|(name, value)| (name.clone(), secret(value))),
            ca: address.ca.clone(),
        };
        let poster = scanner_sweep::http::Poster::new(to);
        poster
            .map(Self)
            .map_err(|error| format!("webhook: {error}"))
    }

    /// Posts a line. Any answer but 2xx is a failure.
    pub(super) fn send(&self, line: &[u8], until: Instant) -> Result<(), String> {
        let left = until.saturating_duration_since(Instant::now());
        match self
            .0
            .post(line, left)
            .map_err(|error| error.reason)?
            .status
        {
            200..=299 => Ok(()),
            status => Err(format!("http status: {status}")),
        }
    }
}

/// Stands for a web server where the program was built without the means to reach one.
#[cfg(not(feature = "webhook"))]
#[derive(Debug)]
pub(super) enum Webhook {}

#[cfg(not(feature = "webhook"))]
impl Webhook {
    /// Says so.
    pub(super) fn new(_address: &Address) -> Result<Self, String> {
        Err("webhook: this program was built without the feature `webhook`".to_owned())
    }

    pub(super) fn send(&self, _line: &[u8], _until: Instant) -> Result<(), String> {
        match *self {}
    }
}

#[cfg(all(test, feature = "webhook"))]
#[path = "../../../../tests/support"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with test targets that use other parts of it"
)]
mod support {
    pub mod listener;
    pub mod web;
}

#[cfg(all(test, feature = "webhook"))]
mod tests {
    use super::super::{
        Target,
        tests::{LINE, deliver, sinks, start},
    };
    use super::support::web::{Fake, Reply};
    use super::*;
    use crate::hook::courier::Sinks;
    use std::{fs, net::TcpListener, thread, time::Duration};

    fn posting(url: &str, header: Option<&str>) -> Address {
        Address::new(&scanner_core::gate::policy::Webhook {
            url: Secret::new(url.as_bytes()),
            shown: String::new(),
            header: header.map(|value| ("X-Key".to_owned(), Secret::new(value.as_bytes()))),
            ca: None,
        })
    }

    #[test]
    fn a_web_server_gets_the_line_with_its_header() {
        let server = Fake::start(|_, _| Reply::status(204));
        let address = format!("{}/hook?token=abc", server.origin());
        let set = |s: &mut Sinks| {
            s.webhook = Some(posting(&address, Some("4711")));
        };
        assert_eq!(deliver(set, LINE), [""; 0]);
        let asked = server.asked().remove(0);
        assert_eq!(
            (&*asked.method, &*asked.target),
            ("POST", "/hook?token=abc")
        );
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(asked.header("x-key"), Some("4711"));
        assert_eq!(asked.body, LINE);
    }

    #[test]
    fn what_a_sink_refuses_is_said_without_its_tokens() {
        let server = Fake::start(|_, _| Reply::status(500));
        let address = format!("{}/hook?token=abc", server.origin());
        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let set = |s: &mut Sinks| {
            s.webhook = Some(posting(&address, Some("4711")));
            s.syslog = Some(Target::Tcp(closed.to_string()));
        };
        let failed = deliver(set, LINE);
        assert_eq!(server.asked().len(), 1);
        assert_eq!(failed.len(), 2, "{failed:?}");
        assert!(
            failed[0].starts_with("syslog: ") && failed[0].contains("refused"),
            "{failed:?}"
        );
        assert_eq!(failed[1], "webhook: http status: 500");

        let set =
            |s: &mut Sinks| s.webhook = Some(posting(&format!("http://{closed}/?token=abc"), None));
        let failed = deliver(set, LINE);
        assert!(failed[0].starts_with("webhook: "), "{failed:?}");
        assert!(!failed[0].contains("abc"), "{failed:?}");
    }

    #[test]
    fn a_server_that_never_answers_costs_the_budget_and_leaves_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let budget = Duration::from_millis(300);
        let mut sinks = sinks(budget);
        let address = format!("http://{}/", listener.local_addr().unwrap());
        sinks.webhook = Some(posting(&address, None));
        let courier = start(sinks);
        let id = courier.child.id();
        let start = Instant::now();
        let failed = courier.deliver(LINE);
        assert!(start.elapsed() < budget + Duration::from_millis(500));
        assert_eq!(failed.len(), 1, "{failed:?}");
        gone(id);
    }

    /// Returns once no process has this id, which is not given anew so soon.
    fn gone(id: u32) {
        let path = format!("/proc/{id}/stat");
        let end = Instant::now() + Duration::from_secs(2);
        while fs::metadata(&path).is_ok() {
            assert!(
                Instant::now() < end,
                "{}",
                fs::read_to_string(&path).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}
