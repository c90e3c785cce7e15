//! What the tests of both listings need.

pub(crate) use crate::support::web::{Fake, Reply};

use super::{Limits, Server};
use crate::discover::{Found, Token};
use std::{cell::RefCell, sync::atomic::AtomicBool, time::Duration};

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
