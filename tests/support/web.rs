//! A web server on the loopback device that answers as told. Unit tests of other packages include
//! this file too.

use super::listener::{Connection, Listener};
use rustls::ServerConfig;
use std::{
    io::{BufRead, BufReader, Read, Write},
    sync::{Arc, Mutex},
};

/// What the server answers.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: body.into().into_bytes(),
        }
    }

    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::json(if status == 204 { "" } else { "sorry" })
        }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub target: String,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(n, value)| (n == name).then_some(value.as_str()))
    }
}

/// A listener; it ends with the value.
#[derive(Debug)]
pub struct Fake {
    listener: Listener,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// `http` or `https`.
    scheme: &'static str,
}

impl Fake {
    /// Answers each request by what `reply` makes of its number, from 0 on, and its target.
    pub fn start(reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::answering(move |count, asked| reply(count, &asked.target))
    }

    /// Answers each request by what `reply` makes of it and its number.
    pub fn answering(reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::serving(None, None, reply)
    }

    /// The same, over TLS.
    pub fn secured(
        tls: Arc<ServerConfig>,
        reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::serving(Some(tls), None, reply)
    }

    /// A proxy that takes the place of every server that a tunnel is asked for to, and speaks TLS in
    /// it. Requests tell by `host` which one was meant.
    pub fn proxy(
        tls: Arc<ServerConfig>,
        reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::serving(None, Some(tls), reply)
    }

    fn serving(
        at_once: Option<Arc<ServerConfig>>,
        in_tunnels: Option<Arc<ServerConfig>>,
        reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let scheme = if at_once.is_some() { "https" } else { "http" };
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let log = Arc::clone(&asked);
        let listener = Listener::start(move |mut connection| {
            if let Some(tls) = &at_once {
                connection.secure(tls);
            }
            let mut reader = BufReader::new(connection);
            while let Some(request) = read(&mut reader) {
                if let Some(tls) = in_tunnels.as_ref().filter(|_| request.method == "CONNECT") {
                    drop(reader.get_mut().write_all(b"HTTP/1.1 200 x\r\n\r\n"));
                    reader.get_mut().secure(tls);
                    continue;
                }
                let count = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.len() - 1
                };
                answer(reader.get_mut(), &reply(count, &request));
                break;
            }
        });
        Self {
            listener,
            asked,
            scheme,
        }
    }

    pub fn origin(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.listener.port())
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn targets(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.target).collect()
    }
}

fn read(reader: &mut BufReader<Connection>) -> Option<Asked> {
    let first = line(reader)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let line = self::line(reader)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut asked = Asked {
        method,
        target,
        headers,
        body: Vec::new(),
    };
    if asked.header("expect").is_some() {
        let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
        reader.get_mut().write_all(go_on).ok()?;
    }
    if asked.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = usize::from_str_radix(&line(reader)?, 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            asked.body.extend(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        let length = asked.header("content-length").unwrap_or("0").parse().ok()?;
        asked.body.resize(length, 0);
        reader.read_exact(&mut asked.body).ok()?;
    }
    Some(asked)
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

fn answer(connection: &mut Connection, reply: &Reply) {
    let mut answer = format!(
        "HTTP/1.1 {} x\r\nConnection: close\r\nContent-Length: {}\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        answer.extend([name, ": ", value, "\r\n"]);
    }
    let mut answer = (answer + "\r\n").into_bytes();
    answer.extend(&reply.body);
    // A client that has heard enough closes the connection.
    drop(connection.write_all(&answer));
}
