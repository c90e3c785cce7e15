//! Git over HTTP: a listener that hands every request to `git http-backend`, as a web server with
//! CGI does.

use crate::support::{Repo, environment::clear_environment};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// A listener on the loopback device; it ends with the value.
#[derive(Debug)]
pub struct HttpServer {
    port: u16,
    stopped: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Serves the bare repository to everybody as `user`.
    pub fn start(repository: &Repo, user: &'static str) -> Self {
        repository.git(&["config", "http.receivepack", "true"]);
        let root = repository.path().parent().expect("a parent").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let root = root.clone();
                // One request a connection, and one thread a connection.
                std::thread::spawn(move || answer(&stream.expect("a connection"), &root, user));
            }
        });
        Self {
            port,
            stopped,
            listener: Some(thread),
        }
    }

    /// Where the repository is to be reached.
    pub fn url(&self, repository: &Repo) -> String {
        let name = repository.path().file_name().expect("a name");
        format!("http://127.0.0.1:{}/{}", self.port, name.to_string_lossy())
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
    }
}

/// The parts of a request that CGI hands on.
struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n == name);
        found.next().map(|(_, value)| value.as_str())
    }

    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let line = line(&mut reader)?;
        let mut words = line.split(' ');
        let method = words.next()?.to_owned();
        let target = words.next()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let mut headers = Vec::new();
        loop {
            let line = self::line(&mut reader)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self {
            method,
            path,
            query,
            headers,
            body: Vec::new(),
        };
        if request.header("expect").is_some() {
            let mut out: &TcpStream = stream;
            out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        if request.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = line_of_chunk(&mut reader)?;
                let mut chunk = vec![0; size + 2];
                reader.read_exact(&mut chunk).ok()?;
                request.body.extend(&chunk[..size]);
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = request.header("content-length") {
            request.body = vec![0; length.parse().ok()?];
            reader.read_exact(&mut request.body).ok()?;
        }
        Some(request)
    }
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

fn line_of_chunk(reader: &mut impl BufRead) -> Option<usize> {
    usize::from_str_radix(&line(reader)?, 16).ok()
}

fn answer(stream: &TcpStream, root: &Path, user: &str) {
    let Some(request) = Request::read(stream) else {
        return;
    };
    let mut child = backend(&request, root, user)
        .spawn()
        .expect("git is installed");
    let mut stdin = child.stdin.take().expect("was piped");
    let out = std::thread::scope(|scope| {
        let body = &request.body;
        scope.spawn(move || drop(stdin.write_all(body)));
        child.wait_with_output().expect("git ran")
    });
    let split = out
        .stdout
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a CGI answer has a head");
    let head = String::from_utf8_lossy(&out.stdout[..split]).into_owned();
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK")
        .to_owned();
    let mut answer =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\n{head}\r\n\r\n").into_bytes();
    answer.extend(&out.stdout[split + 4..]);
    let mut writer: &TcpStream = stream;
    // A client that went away needs no answer.
    drop(writer.write_all(&answer));
}

fn backend(request: &Request, root: &Path, user: &str) -> Command {
    let mut command = Command::new("git");
    clear_environment(&mut command);
    command
        .arg("http-backend")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_TRANSLATED", translated(root, &request.path))
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query)
        .env("REQUEST_METHOD", &request.method)
        .env("REMOTE_USER", user)
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (header, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        if let Some(value) = request.header(header) {
            command.env(variable, value);
        }
    }
    // Dechunked already, so the length is known.
    command.env("CONTENT_LENGTH", request.body.len().to_string());
    command
}

fn translated(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}
