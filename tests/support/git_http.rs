//! Git over HTTP: requests are handed to `git http-backend`, as a web server with CGI does.

use super::{
    environment::clear_environment,
    web::{Asked, Reply},
};
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Answers a request for a repository below `root`, to everybody as `user`. `path` is the request's,
/// as far as it is below `root`, with what comes after a `?`.
pub fn answer(asked: &Asked, path: &str, root: &Path, user: &str) -> Reply {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut command = Command::new("git");
    clear_environment(&mut command);
    command
        .arg("http-backend")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_TRANSLATED", root.join(path.trim_start_matches('/')))
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &asked.method)
        .env("REMOTE_USER", user)
        .env("REMOTE_ADDR", "127.0.0.1")
        // Dechunked already, so the length is known.
        .env("CONTENT_LENGTH", asked.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (header, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        if let Some(value) = asked.header(header) {
            command.env(variable, value);
        }
    }
    let mut child = command.spawn().expect("git is installed");
    let mut stdin = child.stdin.take().expect("was piped");
    let out = std::thread::scope(|scope| {
        // A backend that does not read it breaks the pipe; its answer tells.
        scope.spawn(move || drop(stdin.write_all(&asked.body)));
        child.wait_with_output().expect("git ran")
    });
    let split = out
        .stdout
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a CGI answer has a head");
    let head = String::from_utf8_lossy(&out.stdout[..split]).into_owned();
    let mut reply = Reply {
        status: 200,
        headers: Vec::new(),
        body: out.stdout[split + 4..].to_vec(),
    };
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name == "Status" {
            let code = value.split(' ').next().unwrap_or_default();
            reply.status = code.parse().expect("a status is a number");
        } else if name != "Content-Length" {
            // The web server knows it.
            reply.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    reply
}
