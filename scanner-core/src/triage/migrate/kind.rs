//! Whose decisions, and how to tell.

use super::{Foreign, ForeignError, detect_secrets, gitleaks, noseyparker, trufflehog};

/// Bytes from the start in which a format shows itself.
const LOOKED_AT_BYTES: usize = 64 << 10;
/// Largest file, in bytes.
const MAX_FILE_BYTES: usize = 512 << 20;

/// A format of another scanner's decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForeignKind {
    /// `.gitleaksignore`: `COMMIT:PATH:RULE:LINE` or `PATH:RULE:LINE`, one a line.
    GitleaksIgnore,
    /// A JSON report of gitleaks, as its `--baseline-path` takes it.
    GitleaksReport,
    /// `.secrets.baseline` of detect-secrets.
    DetectSecrets,
    /// JSON lines of trufflehog.
    Trufflehog,
    /// The JSON or JSON Lines report of Nosey Parker.
    NoseyParker,
    /// The YAML baseline of Kingfisher.
    #[cfg(feature = "import")]
    Kingfisher,
}

impl ForeignKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::GitleaksIgnore,
        Self::GitleaksReport,
        Self::DetectSecrets,
        Self::Trufflehog,
        Self::NoseyParker,
        #[cfg(feature = "import")]
        Self::Kingfisher,
    ];

    /// The other scanner's name.
    pub fn tool(self) -> &'static str {
        match self {
            Self::GitleaksIgnore | Self::GitleaksReport => "gitleaks",
            Self::DetectSecrets => "detect-secrets",
            Self::Trufflehog => "trufflehog",
            Self::NoseyParker => "Nosey Parker",
            #[cfg(feature = "import")]
            Self::Kingfisher => "Kingfisher",
        }
    }

    /// Whether [`super::ForeignEntry::number`] is a line.
    pub(super) fn has_lines(self) -> bool {
        match self {
            Self::GitleaksIgnore => true,
            Self::GitleaksReport | Self::DetectSecrets | Self::Trufflehog | Self::NoseyParker => {
                false
            }
            #[cfg(feature = "import")]
            Self::Kingfisher => true,
        }
    }

    /// Tells the kind from a file's name, or from how its content starts.
    pub fn detect(name: &str, content: &[u8]) -> Option<Self> {
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        if name.ends_with(".gitleaksignore") {
            return Some(Self::GitleaksIgnore);
        }
        if name.ends_with(".secrets.baseline") {
            return Some(Self::DetectSecrets);
        }
        let start = &content[..content.len().min(LOOKED_AT_BYTES)];
        let start = String::from_utf8_lossy(start);
        let start = start.trim_start_matches('\u{feff}').trim_start();
        #[cfg(feature = "import")]
        if start.contains("ExactFindings:") {
            return Some(Self::Kingfisher);
        }
        if !start.starts_with(['{', '[']) {
            return None;
        }
        let has = |key: &str| start.contains(&format!("\"{key}\""));
        if has("RuleID") {
            Some(Self::GitleaksReport)
        } else if has("DetectorName") {
            Some(Self::Trufflehog)
        } else if has("plugins_used") || has("hashed_secret") {
            Some(Self::DetectSecrets)
        } else if has("finding_id") || has("rule_name") {
            Some(Self::NoseyParker)
        } else {
            None
        }
    }

    /// Reads a file of this kind.
    ///
    /// # Errors
    /// What is wrong with the file as a whole. What is wrong with an entry is a note.
    pub fn read(self, content: &[u8]) -> Result<Foreign, ForeignError> {
        if content.len() > MAX_FILE_BYTES {
            let message = format!("larger than {} MiB", MAX_FILE_BYTES >> 20);
            return Err(ForeignError { line: 0, message });
        }
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        match self {
            Self::GitleaksIgnore => Ok(gitleaks::ignore(content)),
            Self::GitleaksReport => gitleaks::report(content),
            Self::DetectSecrets => detect_secrets::read(content),
            Self::Trufflehog => trufflehog::read(content),
            Self::NoseyParker => noseyparker::read(content),
            #[cfg(feature = "import")]
            Self::Kingfisher => super::kingfisher::read(content),
        }
    }
}
