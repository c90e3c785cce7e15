//! Of what the tests of the command share, what needs no command.

#[path = "../support/environment.rs"]
pub mod environment;
#[path = "../support/git_http.rs"]
pub mod git_http;
#[path = "../support/listener.rs"]
pub mod listener;
#[path = "../support/plant.rs"]
pub mod plant;
#[path = "../support/repo.rs"]
pub mod repo;
#[path = "../support/rng.rs"]
pub mod rng;
#[path = "../support/web.rs"]
pub mod web;

pub use repo::{ObjectFormat, Repo};
