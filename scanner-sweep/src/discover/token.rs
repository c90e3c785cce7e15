//! Tokens for servers, which never show.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use scanner_core::model::Secret;
use std::{
    env, fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Longest token, in bytes.
const MAX_BYTES: usize = 8 << 10;

/// What a server is shown to be let in. `Debug` says only of which kind it is; there is no
/// `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    user: Option<String>,
    secret: Secret,
}

/// Why there is no token. Never holds any part of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token from {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The environment variable is not set.
    #[error("the environment variable {name} is not set: put the token into it")]
    NotSet {
        /// The variable.
        name: String,
    },
    /// It is there but cannot be sent.
    #[error(
        "{from} holds no token: expected one line of visible ASCII characters, a token or \
         USER:TOKEN, of at most {MAX_BYTES} bytes"
    )]
    NotAToken {
        /// The file or variable.
        from: String,
    },
}

impl Token {
    /// Reads a file with a token, or with `USER:TOKEN`; white space at both ends is no part of it.
    ///
    /// # Errors
    /// When it cannot be read or holds no token.
    pub fn from_file(path: &Path) -> Result<Self, TokenError> {
        let text =
            read_bounded(path, MAX_BYTES as u64 * 2).map_err(|source| TokenError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
        Self::parse(&text).ok_or_else(|| TokenError::NotAToken {
            from: super::shown_path(path),
        })
    }

    /// Takes a token, or `USER:TOKEN`, from an environment variable.
    ///
    /// # Errors
    /// When it is not set or holds no token.
    pub fn from_variable(name: &str) -> Result<Self, TokenError> {
        let text = env::var_os(name).ok_or_else(|| TokenError::NotSet {
            name: name.to_owned(),
        })?;
        Self::parse(text.as_encoded_bytes()).ok_or_else(|| TokenError::NotAToken {
            from: name.to_owned(),
        })
    }

    /// Takes `TOKEN` or `USER:TOKEN`; `None` for what could not be sent.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        // Anything else could end a header and begin another one.
        if text.is_empty() || text.len() > MAX_BYTES || !text.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let colon = text.iter().position(|&byte| byte == b':');
        let (user, secret) = match colon {
            None => (None, text),
            Some(at) => (Some(&text[..at]), &text[at + 1..]),
        };
        if secret.is_empty() || user.is_some_and(<[u8]>::is_empty) {
            return None;
        }
        Some(Self {
            user: user.map(|user| String::from_utf8_lossy(user).into_owned()),
            secret: Secret::new(secret),
        })
    }

    /// A user's name and password, as an address may hold them. They may hold any bytes.
    pub(crate) fn basic(user: &[u8], password: &[u8]) -> Self {
        Self {
            user: Some(String::from_utf8_lossy(user).into_owned()),
            secret: Secret::new(password),
        }
    }

    /// The same token under another user's name.
    #[cfg(feature = "rest")]
    pub(crate) fn as_user(&self, user: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            secret: self.secret.clone(),
        }
    }

    /// Whether it comes with a user's name.
    #[cfg(feature = "rest")]
    pub(crate) fn has_user(&self) -> bool {
        self.user.is_some()
    }

    /// The value of an `Authorization` header. It is a secret.
    pub(crate) fn header(&self) -> String {
        let secret = self.secret.reveal();
        match &self.user {
            None => format!("Bearer {}", String::from_utf8_lossy(secret)),
            Some(user) => {
                let pair = [user.as_bytes(), b":", secret].concat();
                format!("Basic {}", STANDARD.encode(pair))
            }
        }
    }

    /// Text in which the token, and the header it makes, are replaced by `***`.
    pub(crate) fn cut_from(&self, text: &str) -> String {
        let header = self.header();
        let encoded = header.split_once(' ').map_or("", |(_, value)| value);
        let secret = String::from_utf8_lossy(self.secret.reveal());
        let mut text = text.replace(encoded, "***");
        if !secret.is_empty() {
            text = text.replace(&*secret, "***");
        }
        text
    }
}

/// Reads a file, and no more of it than so many bytes.
pub(crate) fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut text)?;
    Ok(text)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.user {
            None => "Token(bearer)",
            Some(_) => "Token(basic)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_alone_is_a_bearer_and_one_with_a_user_is_basic() {
        let token = Token::parse(b" abc123\n").unwrap();
        assert_eq!(token.header(), "Bearer abc123");
        let token = Token::parse(b"Aladdin:open:sesame\r\n").unwrap();
        // `printf %s Aladdin:open:sesame | base64`
        let encoded = concat!("QWxhZGRp", "bjpvcGVuOnNlc2FtZQ==");
        assert_eq!(token.header(), format!("Basic {encoded}"));
        for bad in [
            &b""[..],
            b" \n",
            b"two words",
            b"a\nb: c",
            b":x",
            b"x:",
            b"\xff",
        ] {
            assert_eq!(Token::parse(bad), None);
        }
        assert_eq!(Token::parse(&vec![b'x'; MAX_BYTES + 1]), None);
    }

    #[test]
    fn neither_debug_nor_an_error_shows_any_of_it() {
        let token = Token::parse(b"user:swordfish").unwrap();
        assert_eq!(format!("{token:?}"), "Token(basic)");
        let encoded = token.header();
        let told = format!("remote: {encoded} swordfish?");
        assert_eq!(token.cut_from(&told), "remote: Basic *** ***?");

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "swordfish\nand more\n").unwrap();
        let error = Token::from_file(&path).unwrap_err().to_string();
        assert!(
            !error.contains("swordfish") && error.contains("token"),
            "{error}"
        );
        std::fs::write(&path, "swordfish\n").unwrap();
        assert_eq!(
            Token::from_file(&path).unwrap().header(),
            "Bearer swordfish"
        );
        let error = Token::from_file(&dir.path().join("none")).unwrap_err();
        assert!(matches!(error, TokenError::Unreadable { .. }));
        let error = Token::from_variable("GITSIEVE_TEST_NO_SUCH_TOKEN").unwrap_err();
        assert!(error.to_string().contains("GITSIEVE_TEST_NO_SUCH_TOKEN"));
    }
}
