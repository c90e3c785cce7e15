//! One labelled piece of content, and the file that holds many.

use crate::Outcome;
use serde::{Deserialize, Serialize};
use std::{
    fmt, fs,
    io::{BufRead, BufReader, BufWriter, Write},
    ops::Range,
    path::Path,
};

/// What a secret is, as far as the targets tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    Provider,
    PrivateKey,
    Url,
    AuthHeader,
    Generic,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Provider => "provider",
            Self::PrivateKey => "private key",
            Self::Url => "URL",
            Self::AuthHeader => "auth header",
            Self::Generic => "generic",
        })
    }
}

/// What a sample is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Half {
    Tuning,
    Test,
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tuning => "tuning",
            Self::Test => "test",
        })
    }
}

/// A small file with one labelled place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sample {
    /// `owner/name` that lent the lines around.
    pub repository: String,
    pub path: String,
    pub content: String,
    /// Bytes of the labelled place.
    pub label: Range<usize>,
    /// Whether a secret stands there.
    pub secret: bool,
    /// Of a secret: its group.
    pub group: Option<Group>,
    /// Credential kind, class of value, or what the negative looks like.
    pub kind: String,
    /// How it is written down.
    pub syntax: String,
    /// Rules of which one should answer, by id; empty where any may.
    #[serde(default)]
    pub rule: String,
}

impl Sample {
    /// The half that the repository's name falls into.
    pub fn half(&self) -> Half {
        if (fnv1a(self.repository.as_bytes()) >> 32).is_multiple_of(2) {
            Half::Tuning
        } else {
            Half::Test
        }
    }

    /// Whether the path says test, example or documentation.
    pub fn aside(&self) -> bool {
        is_aside(&self.path)
    }
}

/// FNV-1a: a hash that never changes.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Whether a path says test, example or documentation: such places may lower confidence.
pub fn is_aside(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [
        "test", "spec", "example", "sample", "doc", "fixture", "mock", "demo",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

pub fn write(path: &Path, samples: &[Sample]) -> Outcome<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    for sample in samples {
        serde_json::to_writer(&mut file, sample)?;
        file.write_all(b"\n")?;
    }
    Ok(file.flush()?)
}

pub fn read(path: &Path) -> Outcome<Vec<Sample>> {
    BufReader::new(fs::File::open(path)?)
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect()
}
