//! Filters that can be left out, to measure what each is worth.

use std::str::FromStr;

/// One of the filters between a match and a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Allowlists of rules and of the configuration.
    Allowlist,
    /// Offline checks: checksums and structures, of every rule that asks for one.
    Check,
    /// The least entropy that rules ask for.
    Entropy,
    /// What a name says of the value given to it.
    Name,
    /// What the path says: tests, documentation, files that tools write.
    Path,
    /// Whether a value stands for a secret.
    Placeholder,
    /// Whether a value given to a name looks like a secret, and what else it may be.
    Value,
}

impl Filter {
    /// Every filter, by name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("allowlist", Self::Allowlist),
        ("check", Self::Check),
        ("entropy", Self::Entropy),
        ("name", Self::Name),
        ("path", Self::Path),
        ("placeholder", Self::Placeholder),
        ("value", Self::Value),
    ];
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, filter)| *filter).ok_or_else(|| {
            let names = Self::ALL.map(|(known, _)| known).join(", ");
            format!("unknown filter {name:?}: expected one of {names}")
        })
    }
}
