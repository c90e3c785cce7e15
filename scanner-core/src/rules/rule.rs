//! One validated rule, ready for the engines.

use super::{run::Run, validator::Validator};
use crate::model::RuleInfo;
use std::sync::Arc;

/// A validated rule. Made by the loader or from the built-in table; never by hand.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What reports show.
    pub info: Arc<RuleInfo>,
    /// The expression's source. Compiled lazily, `unicode` as below, never multi-line by default.
    pub regex: String,
    /// Whether the expression needs Unicode classes; without, `\w`, `\b` and case folding are
    /// ASCII, as in RE2.
    pub unicode: bool,
    /// A run of bytes that every match of the expression has, if there is a long one.
    pub run: Option<Run>,
    /// Capture group that holds the secret. Where a rule file names none, the first group that
    /// took part is the secret.
    pub secret_group: SecretGroup,
    /// Smallest Shannon entropy of the secret in bits a byte; 0 for none.
    pub entropy: f64,
    /// How candidates are found.
    pub plan: Plan,
    /// Only content at a path that matches is searched. Unknown paths (Git blobs before
    /// attribution) are searched and settled when the path is known.
    pub path: Option<String>,
    /// What to leave out.
    pub allowlists: Vec<Allowlist>,
    /// Offline checks of the secret, all of which must hold for `proven`.
    pub validate: Vec<Validator>,
    /// Whether a failed check drops the match (only for families whose check is certain)
    /// instead of lowering its confidence.
    pub drop_if_invalid: bool,
    /// A generic rule gives way to any other rule whose secret overlaps its own.
    pub generic: bool,
    /// The expression finds a word in a name, and the secret is the value given to a name of this
    /// kind. `secret_group` has no meaning then, and the confidence comes from name, value, syntax
    /// and path.
    pub assignment: Option<NameKind>,
    /// The secret is judged as the value of an assignment to such a name would be: placeholders and
    /// references are dropped, and how random it looks moves the confidence.
    pub judge: Option<NameKind>,
    /// Whether it comes with the library. Values that only stand for a secret (`XXXX`, `EXAMPLE`,
    /// sequences) lower its confidence; rules that others write are taken at their word.
    pub builtin: bool,
    /// Rules whose secrets belong to this rule's: the other half of a pair.
    pub companions: Vec<Companion>,
    /// Searched as a companion of others, and never reported by itself.
    pub silent: bool,
}

/// What a search must know of every rule, whether it meets it or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// Longest match in bytes; 0 for a rule that searches whole blobs.
    pub max_match_bytes: u32,
    /// Whether the secret is the value of an assignment.
    pub assignment: bool,
    /// Whether it has companions.
    pub companions: bool,
}

impl Outline {
    /// Returns the outline of a rule.
    pub fn of(rule: &Rule) -> Self {
        Self {
            max_match_bytes: match rule.plan {
                Plan::Literals {
                    max_match_bytes, ..
                } => max_match_bytes,
                Plan::WholeBlob { .. } => 0,
            },
            assignment: rule.assignment.is_some(),
            companions: !rule.companions.is_empty(),
        }
    }
}

/// Of what kind a secret is whose name tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    /// A password: people may have thought it up.
    Password,
    /// A key, token or other secret that machines make.
    Key,
}

impl NameKind {
    /// Returns the name used in rule files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Key => "key",
        }
    }
}

impl std::str::FromStr for NameKind {
    type Err = UnknownNameKind;

    fn from_str(text: &str) -> Result<Self, UnknownNameKind> {
        match text {
            "password" => Ok(Self::Password),
            "key" => Ok(Self::Key),
            _ => Err(UnknownNameKind(text.to_owned())),
        }
    }
}

/// A kind of name that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of name {0:?}: expected password or key")]
pub struct UnknownNameKind(String);

/// A rule whose secret belongs to another rule's, and how near it must stand. Distances are
/// between the places where the secrets start, in the same content; without either, anywhere in
/// it is near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// The other rule's id.
    pub id: String,
    /// Most lines between them.
    pub within_lines: Option<u32>,
    /// Most columns between them, whatever their lines.
    pub within_columns: Option<u32>,
    /// Whether the rule reports without it too.
    pub optional: bool,
}

/// Lines within which an optional companion is looked for where its rule does not say.
pub const DEFAULT_COMPANION_LINES: u32 = 10;

/// Which capture group is the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretGroup {
    /// This group; 0 is the whole match.
    Group(u32),
    /// The first group that took part and is not empty, else the whole match (gitleaks'
    /// default).
    FirstNonEmpty,
}

/// How a rule's candidates are found. Every match of the rule that counts is one that its plan
/// leads to; this *defines* the rule's matches, for every engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Each occurrence of one of `literals` is a candidate.
    ///
    /// With a literal at `[s, e)`, the candidate's match starts in
    /// `[s - before_max, s - before_min]`, contains `[s, e)`, and is found by a leftmost-first
    /// search of the expression over
    /// `[s - before_max, s - before_min + max_match_bytes)` clipped to the content, with look-around
    /// seeing the bytes outside.
    Literals {
        /// At least one.
        literals: Vec<Literal>,
        /// Longest match in bytes: from the expression when bounded, else the rule's
        /// `max_length` or the default.
        max_match_bytes: u32,
    },
    /// The expression is searched over the whole content if any of `gate` (case-insensitive,
    /// lower case) occurs in it anywhere, or always when `gate` is empty. For rules whose
    /// expression has no usable literal. Slow.
    WholeBlob {
        /// Lower-case words.
        gate: Vec<Vec<u8>>,
    },
}

/// A literal that every match found through it contains.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Literal {
    /// The bytes, at least [`MIN_LITERAL_BYTES`]; ASCII letters in lower case if
    /// `ignore_case`.
    pub bytes: Vec<u8>,
    /// Whether ASCII letters match in either case.
    pub ignore_case: bool,
    /// Fewest bytes of a match ahead of this literal.
    pub before_min: u32,
    /// Most bytes of a match ahead of this literal.
    pub before_max: u32,
}

/// Shortest literal the engines take.
pub const MIN_LITERAL_BYTES: usize = 3;
/// Longest literal kept; longer ones are cut (a prefix is as necessary as the whole). Around every
/// seam of a delta, less than so much is searched on either side, and most of what is searched is
/// seams: a few bytes more make no literal rarer, and every search longer.
pub const MAX_LITERAL_BYTES: usize = 16;
/// Longest word of a [`Plan::WholeBlob`]'s gate; longer ones are cut. Longer than a literal,
/// because what a shorter gate lets through is searched for matches.
pub(super) const MAX_GATE_BYTES: usize = 24;
/// Longest match of a rule whose expression is unbounded and that sets no `max_length`.
pub const DEFAULT_MAX_MATCH_BYTES: u32 = 8192;
/// Most bytes that look-around may read on either side of a match (one UTF-8 character).
pub const LOOK_AROUND_BYTES: usize = 4;

/// How the parts of an allowlist combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// Any part that holds allows.
    #[default]
    Or,
    /// All parts given must hold.
    And,
}

/// What an allowlist's expressions are tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegexTarget {
    /// The secret.
    #[default]
    Secret,
    /// The whole match.
    Match,
    /// The lines that the match touches.
    Line,
}

/// One allowlist: matches that it covers are dropped.
#[derive(Debug, Clone, Default)]
pub struct Allowlist {
    /// For people.
    pub description: String,
    /// How the parts combine.
    pub condition: Condition,
    /// What `regexes` are tried on.
    pub regex_target: RegexTarget,
    /// Expressions; any that matches makes this part hold.
    pub regexes: Vec<String>,
    /// Lower-case words; any contained in the secret (case-insensitive) makes this part hold.
    pub stopwords: Vec<String>,
    /// Expressions on the path; any that matches makes this part hold.
    pub paths: Vec<String>,
    /// Commit ids (lower-case hexadecimal); the introducing commit among them makes this hold.
    pub commits: Vec<String>,
}
