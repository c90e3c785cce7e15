//! A web server on the loopback device that answers as told, and what the tests of both listings
//! need.

use super::{Limits, Server};
use crate::discover::{Found, Token};
use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// What the server answers.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    pub(crate) fn json(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::json("sorry")
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A request: its target, and its headers in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) target: String,
    pub(crate) authorization: Option<String>,
}

/// A listener; it ends with the value.
#[derive(Debug)]
pub(crate) struct Fake {
    port: u16,
    stopped: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<Asked>>>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// Answers each request by what `reply` makes of its number, from 0 on, and its target.
    pub(crate) fn start(reply: impl Fn(usize, &str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stopped = Arc::new(AtomicBool::new(false));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (stop, log) = (Arc::clone(&stopped), Arc::clone(&asked));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let stream = stream.unwrap();
                let Some(request) = read(&stream) else {
                    continue;
                };
                let count = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.len() - 1
                };
                answer(&stream, &reply(count, &request.target));
            }
        });
        Self {
            port,
            stopped,
            asked,
            thread: Some(thread),
        }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.target).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut authorization = None;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                authorization = Some(value.to_owned());
            }
            Some(_) => {}
        }
    }
    Some(Asked {
        target,
        authorization,
    })
}

fn answer(mut stream: &TcpStream, reply: &Reply) {
    let mut head = format!(
        "HTTP/1.1 {} x\r\nConnection: close\r\nContent-Length: {}\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    // A client that has heard enough closes the connection.
    drop(stream.write_all(format!("{head}\r\n{}", reply.body).as_bytes()));
}

/// A token for tests. It is none of any server.
pub(crate) fn token(text: &str) -> Token {
    Token::parse(text.as_bytes()).unwrap()
}

/// Lists with a token and small limits; gives what was found and the pauses that were made.
pub(crate) fn listing(
    url: &str,
    token: Option<&Token>,
    list: impl Fn(&Server<'_>) -> Found,
) -> (Found, Vec<Duration>) {
    let pauses = RefCell::new(Vec::new());
    let interrupt = AtomicBool::new(false);
    let found = list(&Server {
        url,
        token,
        ca: None,
        limits: Limits {
            max_answer_bytes: 10_000,
            max_pages: 20,
            max_attempts: 3,
            max_wait: Duration::from_secs(100),
            timeout: Duration::from_secs(20),
        },
        pause: &|time| pauses.borrow_mut().push(time),
        interrupt: &interrupt,
    });
    (found, pauses.into_inner())
}

/// All that an outcome says, to look for what it must not say.
pub(crate) fn everything(found: &Found) -> String {
    format!("{found:?}")
}
