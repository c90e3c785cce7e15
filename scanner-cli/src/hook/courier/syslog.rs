//! Syslog as RFC 5424 writes it, over a local socket, UDP (RFC 5426) or TCP (RFC 6587, with
//! octet counting).

use scanner_core::{gate::policy::Syslog, report::rfc3339};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket},
    os::unix::net::UnixDatagram,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

/// Facility 10 (security and authorization), severity 5 (notice).
const PRIORITY: u8 = 10 * 8 + 5;
/// Most bytes of a datagram: what receivers take by default. TCP has no such limit.
const MAX_DATAGRAM_BYTES: usize = 8192;

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Target {
    Unix(PathBuf),
    /// `host:port`.
    Udp(String),
    Tcp(String),
}

impl Target {
    pub(super) fn new(syslog: &Syslog) -> Self {
        match syslog {
            Syslog::Unix(path) => Self::Unix(path.clone()),
            Syslog::Udp(address) => Self::Udp(address.clone()),
            Syslog::Tcp(address) => Self::Tcp(address.clone()),
        }
    }

    /// Sends an audit line.
    pub(super) fn send(&self, line: &[u8], host: &str, until: Instant) -> Result<(), String> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let header = header(host);
        let sent = match self {
            Self::Unix(path) => {
                let message = datagram(&header, line);
                UnixDatagram::unbound().and_then(|socket| {
                    socket.set_write_timeout(Some(left(until)?))?;
                    socket.send_to(&message, path).map(drop)
                })
            }
            Self::Udp(address) => {
                let message = datagram(&header, line);
                each(address, |address| {
                    let any = if address.is_ipv4() {
                        "0.0.0.0:0"
                    } else {
                        "[::]:0"
                    };
                    UdpSocket::bind(any)?.send_to(&message, address).map(drop)
                })
            }
            Self::Tcp(address) => {
                let message = [header.as_bytes(), line].concat();
                let frame = [format!("{} ", message.len()).as_bytes(), &message].concat();
                each(address, |address| {
                    let mut stream = TcpStream::connect_timeout(&address, left(until)?)?;
                    stream.set_write_timeout(Some(left(until)?))?;
                    stream.write_all(&frame)
                })
            }
        };
        sent.map_err(|error| error.to_string())
    }
}

/// Tries the addresses of a host until one takes the message.
fn each(address: &str, send: impl Fn(SocketAddr) -> io::Result<()>) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in address.to_socket_addrs()? {
        match send(address) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

/// All before the message, section 6.2: no structured data, and no byte order mark, which readers
/// of JSON stumble over.
fn header(host: &str) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let time = i64::try_from(now.as_secs())
        .ok()
        .and_then(|seconds| rfc3339(seconds, 0));
    let time = time.as_deref().unwrap_or("-");
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    let host: String = host.chars().take(255).map(plain).collect();
    let host = if host.is_empty() { "-" } else { &host };
    let process = std::process::id();
    format!("<{PRIORITY}>1 {time} {host} gitsieve {process} push - ")
}

/// The message for a transport that cuts long ones.
fn datagram(header: &str, line: &[u8]) -> Vec<u8> {
    let line = shortened(line, MAX_DATAGRAM_BYTES - header.len());
    [header.as_bytes(), &line].concat()
}

/// Takes entries from the lists of a line that is too long. Its counts still say how many there
/// were.
fn shortened(line: &[u8], max_bytes: usize) -> Vec<u8> {
    let mut out = line.to_vec();
    if out.len() <= max_bytes {
        return out;
    }
    let Ok(mut record) = serde_json::from_slice::<serde_json::Value>(line) else {
        out.truncate(max_bytes);
        return out;
    };
    let lists = ["findings", "refs", "issues"];
    while out.len() > max_bytes {
        let longest = lists
            .into_iter()
            .max_by_key(|name| record[*name].as_array().map_or(0, Vec::len));
        let list = longest.and_then(|name| record[name].as_array_mut());
        let Some(list) = list.filter(|list| !list.is_empty()) else {
            out.truncate(max_bytes);
            break;
        };
        list.truncate(list.len() / 2);
        out = record.to_string().into_bytes();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_lose_entries_of_lists_and_stay_json() {
        let line = serde_json::json!({
            "findings": vec!["x".repeat(50); 300],
            "refs": vec!["y".repeat(50); 200],
            "counts": { "findings": 300 },
        });
        let short = shortened(line.to_string().as_bytes(), 3000);
        assert!(short.len() <= 3000);
        let short: serde_json::Value = serde_json::from_slice(&short).unwrap();
        assert_eq!(short["counts"]["findings"], 300);
        let kept = short["findings"].as_array().unwrap().len();
        assert!(kept > 0 && kept < 300);
        let stubborn = format!("{{\"error\":\"{}\"}}", "z".repeat(5000));
        assert_eq!(shortened(stubborn.as_bytes(), 3000).len(), 3000);
        assert_eq!(shortened(b"{}", 3000), b"{}");
    }
}
