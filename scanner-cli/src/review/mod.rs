//! The review of findings on a terminal: what was found, one by one, with what stands around it, and
//! what is decided about it.
//!
//! [`Model`] is all that is known and decided. [`keys`] makes messages of keys, [`Model::update`]
//! applies one and says what is to be done outside ([`Effect`]); neither reads, writes nor waits.
//! [`draw`](draw::draw) shows the model. [`session`] is the loop around them, with all that touches
//! the world: [`contents`] reads what stands around a secret, [`editor`] opens files, [`terminal`]
//! holds the terminal and gives it back.
//!
//! A secret is in the model only while it is revealed, as part of the excerpt that shows it. Nothing
//! here writes one anywhere but to the screen.

mod contents;
mod draw;
mod editor;
mod excerpt;
mod filter;
mod input;
mod keys;
mod model;
mod session;
mod syntax;
mod terminal;
#[cfg(test)]
mod testing;
mod update;
mod verdict;

pub(crate) use contents::Contents;
pub(crate) use model::Model;
pub(crate) use session::{Ended, Session};
pub(crate) use verdict::Verdict;

use excerpt::Excerpt;
use filter::Filter;
use input::{Field, Form, Input};
use update::{Effect, Message};
