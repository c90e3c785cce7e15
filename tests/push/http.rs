//! A bare repository on a web server.

use crate::support::{
    Repo, git_http,
    web::{Fake, Reply},
};

/// A listener on the loopback device; it ends with the value.
#[derive(Debug)]
pub struct HttpServer(Fake);

impl HttpServer {
    /// Serves the bare repository to everybody as `user`.
    pub fn start(repository: &Repo, user: &'static str) -> Self {
        repository.git(&["config", "http.receivepack", "true"]);
        let root = repository.path().parent().expect("a parent").to_owned();
        Self(Fake::answering(move |_, asked| -> Reply {
            git_http::answer(asked, &asked.target, &root, user)
        }))
    }

    /// Where the repository is to be reached.
    pub fn url(&self, repository: &Repo) -> String {
        let name = repository.path().file_name().expect("a name");
        format!("{}/{}", self.0.origin(), name.to_string_lossy())
    }
}
