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
pub(super) struct Webhook {
    agent: ureq::Agent,
    address: Address,
}

#[cfg(feature = "webhook")]
impl Webhook {
    /// Reads what is needed to post: the certificates above all.
    pub(super) fn new(address: &Address) -> Result<Self, String> {
        use ureq::tls::{RootCerts, TlsConfig};

        let mut tls = TlsConfig::builder();
        if let Some(path) = &address.ca {
            let certificates = certificates(path)
                .map_err(|why| format!("webhook: cannot read {}: {why}", path.display()))?;
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        let agent = ureq::Agent::config_builder()
            .tls_config(tls.build())
            // An audit line goes where it is meant to go, and nowhere else.
            .max_redirects(0)
            .user_agent(concat!("gitsieve/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: agent.into(),
            address: address.clone(),
        })
    }

    /// Posts a line. Any answer but 2xx is a failure.
    pub(super) fn send(&self, line: &[u8], until: Instant) -> Result<(), String> {
        let left = until.saturating_duration_since(Instant::now());
        let mut request = self
            .agent
            .post(&self.address.url)
            .header("Content-Type", "application/json")
            .config()
            .timeout_global(Some(left))
            .build();
        if let Some((name, value)) = &self.address.header {
            request = request.header(name, value);
        }
        request.send(line).map(drop).map_err(|error| what(&error))
    }
}

#[cfg(feature = "webhook")]
fn certificates(path: &std::path::Path) -> Result<Vec<ureq::tls::Certificate<'static>>, String> {
    use ureq::tls::PemItem;

    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut certificates = Vec::new();
    for item in ureq::tls::parse_pem(&bytes) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err("it is not PEM".to_owned()),
        }
    }
    if certificates.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(certificates)
}

#[cfg(feature = "webhook")]
fn what(error: &ureq::Error) -> String {
    use ureq::Error;

    match error {
        Error::StatusCode(_)
        | Error::Io(_)
        | Error::Timeout(_)
        | Error::HostNotFound
        | Error::ConnectionFailed
        | Error::TooManyRedirects
        | Error::Rustls(_)
        | Error::Tls(_) => error.to_string(),
        // The others may quote what was sent.
        _ => "the request cannot be made".to_owned(),
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
mod tests {
    use super::super::{
        Target,
        tests::{LINE, deliver, sinks, start},
    };
    use super::*;
    use crate::hook::courier::Sinks;
    use std::{
        fs,
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
        thread::{self, JoinHandle},
        time::Duration,
    };

    fn posting(url: &str, header: Option<&str>) -> Address {
        Address::new(&scanner_core::gate::policy::Webhook {
            url: Secret::new(url.as_bytes()),
            shown: String::new(),
            header: header.map(|value| ("X-Key".to_owned(), Secret::new(value.as_bytes()))),
            ca: None,
        })
    }

    /// Answers one request, and gives back what was asked.
    fn server(answer: &'static str) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/hook?token=abc", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut request, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let lower = line.to_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                request += &line;
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n").unwrap();
            request + std::str::from_utf8(&body).unwrap()
        });
        (address, server)
    }

    #[test]
    fn a_web_server_gets_the_line_with_its_header() {
        let (address, server) = server("204 No Content");
        let set = |s: &mut Sinks| {
            s.webhook = Some(posting(&address, Some("4711")));
        };
        assert_eq!(deliver(set, LINE), [""; 0]);
        let request = server.join().unwrap();
        assert!(
            request.starts_with("POST /hook?token=abc HTTP/1.1\r\n"),
            "{request}"
        );
        let lower = request.to_lowercase();
        assert!(
            lower.contains("\r\ncontent-type: application/json\r\n"),
            "{request}"
        );
        assert!(lower.contains("\r\nx-key: 4711\r\n"), "{request}");
        assert!(request.as_bytes().ends_with(LINE));
    }

    #[test]
    fn what_a_sink_refuses_is_said_without_its_tokens() {
        let (address, server) = server("500 Broken");
        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let set = |s: &mut Sinks| {
            s.webhook = Some(posting(&address, Some("4711")));
            s.syslog = Some(Target::Tcp(closed.to_string()));
        };
        let failed = deliver(set, LINE);
        server.join().unwrap();
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
