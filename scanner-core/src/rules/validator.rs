//! Names of the offline checks, as rule files use them (`validate = ["github-crc32"]`).
//!
//! The checks themselves are in [`crate::filter::validate`]. They are named here because a rule
//! is data: the loader turns names into this enumeration and refuses those it does not know.

use std::fmt;

macro_rules! validators {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// An offline check of a secret. Each has a kebab-case name used in rule files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Validator {
            $($(#[$doc])+ $variant,)+
        }

        impl Validator {
            /// Every check, sorted by name.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the name used in rule files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

validators! {
    /// age X25519 identity: bech32 checksum (BIP-173).
    AgeKey = "age-key",
    /// Apify token: CRC-32 in base62, lower case first.
    ApifyCrc32 = "apify-crc32",
    /// Atlassian Cloud token: CRC-32 of all but the last eight characters, upper-case hexadecimal.
    AtlassianCrc32 = "atlassian-crc32",
    /// Atlassian Data Center token: base64 of a decimal id, a colon and 20 bytes.
    AtlassianDcToken = "atlassian-dc-token",
    /// Amazon Bedrock key: base64 of text that begins `BedrockAPIKey-`.
    AwsBedrockKey = "aws-bedrock-key",
    /// AWS access key id: four capitals and 16 base32 characters.
    AwsKeyId = "aws-key-id",
    /// Azure common annotated key: Marvin32 of the first 80 characters, where it can be told.
    AzureAnnotatedKey = "azure-annotated-key",
    /// Azure DevOps token of 52 base32 characters: CRC-32 interleaved with the random bytes.
    AzureDevopsPat = "azure-devops-pat",
    /// Azure identifiable key: provider signature and Marvin32 checksum.
    AzureIdentifiableKey = "azure-identifiable-key",
    /// Azure shared access signature: base64 of 32 bytes, percent-encoded or not.
    AzureSasSignature = "azure-sas-signature",
    /// Azure storage key: base64 of exactly 64 bytes.
    AzureStorageKey = "azure-storage-key",
    /// Bitcoin and BIP-32 private keys: base58 with a double SHA-256.
    Base58check = "base58check",
    /// Base64 of a PEM private key that is whole.
    Base64Pem = "base64-pem",
    /// HTTP basic credentials: base64 of printable `user:password`.
    BasicAuth = "basic-auth",
    /// Canva secret: CRC-32 of all but the last eight characters, lower-case hexadecimal.
    CanvaCrc32 = "canva-crc32",
    /// Cloudflare token: CRC-32 of the 40 characters after the prefix, lower-case hexadecimal.
    CloudflareCrc32 = "cloudflare-crc32",
    /// Discord bot token: the first part is the base64 of a decimal snowflake.
    DiscordToken = "discord-token",
    /// Entra ID application secret: Marvin32 in its last three characters, where it can be told.
    EntraSecret = "entra-secret",
    /// GitHub token: CRC-32 of the 30 characters after the prefix, six base62 digits.
    GithubCrc32 = "github-crc32",
    /// GitLab routable token: CRC-32 of all but the last seven characters, base36.
    GitlabRoutableCrc = "gitlab-routable-crc",
    /// Grafana API key: base64 of a JSON object with `k`, `n` and `id`.
    GrafanaApiKey = "grafana-api-key",
    /// Grafana Cloud token: base64 of a JSON object with `o`, `n` and `k`.
    GrafanaCloudToken = "grafana-cloud-token",
    /// Grafana service account token: CRC-32 of prefix and secret, little-endian hexadecimal.
    GrafanaCrc32 = "grafana-crc32",
    /// JFrog reference token: base64 of `reftkn:01:<expiry>:`.
    JfrogReferenceToken = "jfrog-reference-token",
    /// JSON web token: header and payload are JSON objects, the header names an algorithm.
    Jwt = "jwt",
    /// Laravel application key: base64 of 16 or 32 bytes.
    LaravelAppKey = "laravel-app-key",
    /// Letters of both cases and digits occur: true of any long random base62 or base64 text.
    MixedCaseDigits = "mixed-case-digits",
    /// Nostr private key: bech32 checksum (NIP-19).
    NostrNsec = "nostr-nsec",
    /// npm token: CRC-32 of the 30 characters after the prefix, six base62 digits.
    NpmCrc32 = "npm-crc32",
    /// 1Password service account token: base64 of a JSON object with the account's keys.
    OnepasswordToken = "onepassword-token",
    /// PEM private key: the body is DER or an OpenSSH key, and complete.
    Pem = "pem",
    /// PGP private key: the armor's CRC-24.
    PgpArmor = "pgp-armor",
    /// Polar token: CRC-32 of the 37 characters after the prefix, six base62 digits.
    PolarCrc32 = "polar-crc32",
    /// PuTTY key file: as many base64 lines as it says.
    PuttyKey = "putty-key",
    /// PyPI token: a version 2 macaroon that parses to its end.
    PypiMacaroon = "pypi-macaroon",
    /// A value that looks random: not a word, an identifier, a path, a placeholder or a template.
    RandomValue = "random-value",
    /// Password obscured by rclone: decodes to text under the key that rclone documents.
    RcloneObscured = "rclone-obscured",
    /// SaladCloud key: CRC-32 of the characters after the prefix, six base62 digits.
    SaladcloudCrc32 = "saladcloud-crc32",
    /// Laravel Sanctum token: CRC-32 of the 40 characters ahead, hexadecimal; older ones have none.
    SanctumCrc32 = "sanctum-crc32",
    /// Sentry organisation token: base64 of a JSON object with `iat`, `url` and `org`.
    SentryOrgToken = "sentry-org-token",
    /// Stellar secret seed: version byte and CRC-16 (SEP-23).
    StellarSeed = "stellar-seed",
    /// Vercel token: CRC-32 of the 50 characters after the prefix, six base62 digits.
    VercelCrc32 = "vercel-crc32",
    /// Zuplo key: CRC-32 of the 32 hexadecimal digits, as eight more.
    ZuploCrc32 = "zuplo-crc32",
}

impl Validator {
    /// Returns the check of that name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        let at = Self::ALL.binary_search_by(|v| v.name().cmp(name)).ok()?;
        Self::ALL.get(at).copied()
    }
}

impl fmt::Display for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_kebab_case_and_found_again() {
        for pair in Validator::ALL.windows(2) {
            assert!(pair[0].name() < pair[1].name(), "{pair:?}");
        }
        for &validator in Validator::ALL {
            let name = validator.name();
            assert_eq!(Validator::from_name(name), Some(validator));
            assert!(
                name.bytes()
                    .all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit())
            );
        }
        assert_eq!(Validator::from_name("crc"), None);
        assert_eq!(Validator::from_name(""), None);
    }
}
