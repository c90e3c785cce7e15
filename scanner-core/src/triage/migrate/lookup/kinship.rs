//! Whether two scanners' rules may mean the same, by their names: `aws-access-token`, `AWS Access
//! Key` and `AWS` do.

/// How near two rules are, from the farthest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kinship {
    /// Of different providers.
    None,
    /// One of them takes secrets of any provider, or is not named.
    Possible,
    /// So many words in common.
    Words(usize),
    /// The same name.
    Same,
}

/// Words that say nothing about whose secret it is.
const IDLE: &[&str] = &[
    "access", "api", "app", "client", "detector", "id", "key", "keys", "new", "of", "old",
    "secret", "the", "token", "v1", "v2",
];
/// Words of rules that take secrets of any provider.
const GENERIC: &[&str] = &[
    "assignment",
    "auth",
    "base64",
    "basic",
    "credential",
    "credentials",
    "curl",
    "dsn",
    "entropy",
    "generic",
    "hex",
    "high",
    "keyword",
    "passwd",
    "password",
    "uri",
    "url",
    "username",
];

/// Compares a foreign rule's name with an id of ours.
pub(super) fn kinship(theirs: &str, ours: &str) -> Kinship {
    if theirs.eq_ignore_ascii_case(ours) {
        return Kinship::Same;
    }
    let (theirs, ours) = (words(theirs), words(ours));
    let common = theirs.iter().filter(|word| ours.contains(word)).count();
    if common > 0 {
        return Kinship::Words(common);
    }
    let generic = |words: &[String]| {
        words.is_empty() || words.iter().any(|word| GENERIC.contains(&word.as_str()))
    };
    if generic(&theirs) || generic(&ours) {
        Kinship::Possible
    } else {
        Kinship::None
    }
}

fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let mut words: Vec<String> = words
        .map(str::to_ascii_lowercase)
        .filter(|word| !word.is_empty() && !IDLE.contains(&word.as_str()))
        .take(16)
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_provider_are_kin_and_those_of_two_are_not() {
        assert_eq!(kinship("github-pat", "github-pat"), Kinship::Same);
        assert_eq!(kinship("GitHub Token", "github-pat"), Kinship::Words(1));
        assert_eq!(kinship("AWS", "aws-access-key-id"), Kinship::Words(1));
        assert_eq!(kinship("slack-bot-token", "github-pat"), Kinship::None);
        assert_eq!(kinship("generic-api-key", "github-pat"), Kinship::Possible);
        assert_eq!(kinship("Secret Keyword", "github-pat"), Kinship::Possible);
        assert_eq!(kinship("", "github-pat"), Kinship::Possible);
        assert!(
            kinship("github-oauth", "github-oauth") > kinship("GitHub OAuth x", "github-oauth")
        );
    }
}
