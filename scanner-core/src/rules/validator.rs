//! Names of the offline checks that rules can ask for.

/// An offline check of a secret, by name in rule files (`validate = ["github-crc32"]`).
/// The checks themselves are in `filter::validate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Validator {
    /// A checksum of CRC-32 in base 62 at the end of a GitHub or npm token.
    GithubCrc32,
}

impl Validator {
    /// Every check.
    pub const ALL: &[Self] = &[Self::GithubCrc32];

    /// Returns the check of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|v| v.name() == name)
    }

    /// Returns the name used in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::GithubCrc32 => "github-crc32",
        }
    }
}
