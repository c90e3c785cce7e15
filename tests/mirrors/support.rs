//! Of what the tests of the command share, what needs no command.

#[path = "../support/environment.rs"]
pub mod environment;
#[path = "../support/plant.rs"]
pub mod plant;
#[path = "../support/repo.rs"]
pub mod repo;
#[path = "../support/rng.rs"]
pub mod rng;

pub use repo::{ObjectFormat, Repo};
