//! Why objects cannot be read.

use super::delta::DeltaError;

const BROKEN: &str = "its pack entry has an unreadable header or its delta chain has no base";

/// Why an object could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("it is not in the repository")]
    Absent,
    #[error("{0}")]
    Corrupt(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("its file cannot be read")]
    Unreadable(#[source] std::io::Error),
}

impl ReadError {
    /// An entry that cannot be decoded for what the pack says of it.
    pub(crate) fn broken() -> Self {
        Self::Corrupt(BROKEN.to_owned())
    }

    pub(crate) fn too_large(bytes: u64) -> Self {
        Self::TooLarge(format!("it has {bytes} bytes, more than the limit"))
    }
}

impl From<DeltaError> for ReadError {
    fn from(error: DeltaError) -> Self {
        match error {
            DeltaError::TooLarge => Self::TooLarge(error.to_string()),
            other => Self::Corrupt(other.to_string()),
        }
    }
}
