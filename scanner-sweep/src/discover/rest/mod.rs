//! Asks servers which repositories they have.
//!
//! A listing that ends early gives what was listed until then and an issue. Servers are not
//! trusted: answers are bounded, pages that repeat themselves end the listing, and the token goes
//! to the one origin that was named and nowhere else, whatever the answers say.

mod answer;
mod client;
mod cloud;
mod data_center;
mod error;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use client::{Limits, Server};
pub use cloud::{BITBUCKET_CLOUD, bitbucket_cloud};
pub use data_center::bitbucket_data_center;
pub use error::RestError;
