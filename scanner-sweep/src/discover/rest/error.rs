//! Why a document was not had from a server.

use crate::http::BadCertificates;
use std::time::Duration;

/// Why a document was not had. Holds neither tokens nor anything of a query; `path` is that of the
/// document's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestError {
    /// The server's address is none.
    #[error("the address of the server cannot be used: {reason}")]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// The certificates to check against cannot be read.
    #[error(transparent)]
    Certificates(#[from] BadCertificates),
    /// The server refuses.
    #[error("{path}: the server answers {status}{}", hint(*.status))]
    Status {
        /// See above.
        path: String,
        /// The status.
        status: u16,
    },
    /// The server asks for more patience than there is.
    #[error(
        "{path}: the server limits requests and wants us to wait {} s longer, more than allowed; \
         sweep at another time, or have the limit of this token's user raised",
        wait.as_secs()
    )]
    Busy {
        /// See above.
        path: String,
        /// How long to wait.
        wait: Duration,
    },
    /// The answer leads to another server, which shall not see the token.
    #[error(
        "{path}: the answer leads to {origin}, another server, and is not followed; name the \
         address under which the server knows itself"
    )]
    Elsewhere {
        /// See above.
        path: String,
        /// That server, or what stands in the place of one.
        origin: String,
    },
    /// No answer came.
    #[error("{path}: no answer from the server: {reason}")]
    Unreachable {
        /// See above.
        path: String,
        /// What went wrong.
        reason: String,
    },
    /// The answer is longer than any listing is.
    #[error("{path}: the answer has more than {max_bytes} bytes")]
    TooLarge {
        /// See above.
        path: String,
        /// The limit.
        max_bytes: u64,
    },
    /// The answer is not what such a server answers.
    #[error("{path}: the answer is not understood: {reason}; is this the address of Bitbucket?")]
    NotUnderstood {
        /// See above.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The pages of the listing do not come to an end.
    #[error("{path}: the pages of this listing repeat themselves or do not end")]
    Endless {
        /// See above.
        path: String,
    },
    /// Stopped from outside.
    #[error("{path}: the listing was stopped before its end")]
    Stopped {
        /// See above.
        path: String,
    },
}

fn hint(status: u16) -> &'static str {
    match status {
        401 => ": it does not accept the token; make a new one, or name the right file",
        403 => ": the token lacks the permission to read repositories (REPO_READ or read scope)",
        404 => {
            ": there is no such project or workspace here, or the address of the server is wrong"
        }
        _ => "",
    }
}
