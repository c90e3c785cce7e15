//! Colours for a few lines of code: strings, comments, numbers and keywords.
//!
//! A handful of families cover what secrets stand in. What is shown are some lines out of the middle
//! of a file, so that no grammar could be sure of them either: a string or comment that began before
//! them is not known, and colours may be wrong until it ends.

use std::ops::Range;

/// What a piece of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Plain,
    Keyword,
    Text,
    Number,
    Comment,
}

/// How a family of languages is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    line_comments: &'static [&'static str],
    block_comment: Option<(&'static str, &'static str)>,
    quotes: &'static [char],
    keywords: &'static [&'static str],
}

const C_LIKE: Syntax = Syntax {
    line_comments: &["//"],
    block_comment: Some(("/*", "*/")),
    quotes: &['"', '\'', '`'],
    keywords: &[
        "abstract",
        "as",
        "async",
        "auto",
        "await",
        "bool",
        "boolean",
        "break",
        "byte",
        "case",
        "catch",
        "char",
        "class",
        "const",
        "continue",
        "def",
        "default",
        "defer",
        "delete",
        "do",
        "double",
        "else",
        "enum",
        "export",
        "extends",
        "false",
        "final",
        "finally",
        "float",
        "fn",
        "for",
        "foreach",
        "from",
        "func",
        "function",
        "go",
        "if",
        "impl",
        "implements",
        "import",
        "in",
        "int",
        "interface",
        "internal",
        "let",
        "long",
        "match",
        "mod",
        "mut",
        "namespace",
        "new",
        "nil",
        "null",
        "object",
        "override",
        "package",
        "private",
        "protected",
        "pub",
        "public",
        "readonly",
        "return",
        "self",
        "short",
        "signed",
        "sizeof",
        "static",
        "string",
        "struct",
        "super",
        "switch",
        "this",
        "throw",
        "throws",
        "trait",
        "true",
        "try",
        "type",
        "typedef",
        "typeof",
        "undefined",
        "unsafe",
        "unsigned",
        "use",
        "using",
        "val",
        "var",
        "void",
        "volatile",
        "when",
        "where",
        "while",
        "yield",
    ],
};

const SCRIPT: Syntax = Syntax {
    line_comments: &["#"],
    block_comment: None,
    quotes: &['"', '\'', '`'],
    keywords: &[
        "False", "None", "True", "and", "as", "assert", "async", "await", "begin", "break", "case",
        "class", "continue", "def", "del", "do", "done", "elif", "else", "elsif", "end", "ensure",
        "esac", "except", "export", "false", "fi", "finally", "for", "from", "function", "global",
        "if", "import", "in", "is", "lambda", "local", "module", "nil", "none", "not", "null",
        "or", "pass", "raise", "readonly", "require", "rescue", "return", "self", "set", "source",
        "then", "true", "try", "unless", "until", "while", "with", "yield",
    ],
};

const CONFIGURATION: Syntax = Syntax {
    line_comments: &["#", ";"],
    block_comment: None,
    quotes: &['"', '\''],
    keywords: &[
        "false", "no", "null", "off", "on", "true", "yes", "ENV", "FROM", "RUN", "ARG", "COPY",
    ],
};

const SQL: Syntax = Syntax {
    line_comments: &["--"],
    block_comment: Some(("/*", "*/")),
    quotes: &['"', '\'', '`'],
    keywords: &[
        "add",
        "all",
        "alter",
        "and",
        "as",
        "between",
        "by",
        "case",
        "create",
        "delete",
        "drop",
        "exists",
        "from",
        "grant",
        "group",
        "identified",
        "in",
        "index",
        "insert",
        "into",
        "is",
        "join",
        "key",
        "like",
        "not",
        "null",
        "on",
        "or",
        "order",
        "password",
        "primary",
        "select",
        "set",
        "table",
        "to",
        "union",
        "update",
        "user",
        "values",
        "view",
        "where",
        "with",
    ],
};

const MARKUP: Syntax = Syntax {
    line_comments: &[],
    block_comment: Some(("<!--", "-->")),
    quotes: &['"', '\''],
    keywords: &[],
};

const PLAIN: Syntax = Syntax {
    line_comments: &[],
    block_comment: None,
    quotes: &[],
    keywords: &[],
};

/// Longest string in which its end is looked for, in lines: an apostrophe is not the start of one.
const STRING_LINES: usize = 1;

impl Syntax {
    /// Goes by the name of a file.
    pub(crate) fn of(path: &[u8]) -> Self {
        let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_lowercase();
        let extension = name.rsplit_once('.').map_or(&*name, |(_, after)| after);
        match extension {
            "c" | "h" | "cc" | "cpp" | "hpp" | "cs" | "css" | "dart" | "go" | "gradle"
            | "groovy" | "java" | "js" | "json" | "json5" | "jsx" | "kt" | "kts" | "m" | "mjs"
            | "php" | "proto" | "rs" | "scala" | "scss" | "swift" | "ts" | "tsx" | "vue"
            | "zig" => C_LIKE,
            "bash" | "ex" | "exs" | "fish" | "jl" | "pl" | "pm" | "ps1" | "py" | "r" | "rb"
            | "sh" | "tcl" | "zsh" | "bashrc" | "profile" | "ipynb" | "rakefile" | "gemfile" => {
                SCRIPT
            }
            "cfg" | "cmake" | "conf" | "dockerfile" | "env" | "hcl" | "ini" | "properties"
            | "tf" | "tfvars" | "toml" | "yaml" | "yml" | "makefile" | "mk" | "npmrc" | "netrc" => {
                CONFIGURATION
            }
            "sql" | "psql" | "lua" => SQL,
            "htm" | "html" | "plist" | "svg" | "xml" | "xaml" | "csproj" | "pom" => MARKUP,
            _ if name.starts_with(".env") || name.starts_with("dockerfile") => CONFIGURATION,
            _ => PLAIN,
        }
    }

    /// Cuts a text into tokens, in order and without gaps.
    pub(crate) fn tokens(&self, text: &str) -> Vec<(Range<usize>, Token)> {
        let mut out: Vec<(Range<usize>, Token)> = Vec::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let (len, token) = self.next(&text[at..], c, text[..at].chars().next_back());
            match out.last_mut() {
                Some((range, last)) if *last == token => range.end = at + len,
                _ => out.push((at..at + len, token)),
            }
            at += len;
        }
        out
    }

    /// The token at the start of `rest`, which begins with `c` and follows `before`.
    fn next(&self, rest: &str, c: char, before: Option<char>) -> (usize, Token) {
        let line_end = rest.find('\n').unwrap_or(rest.len());
        // `#` in the middle of a word or of an address is no comment.
        let free = before.is_none_or(|c| c.is_whitespace() || ";{}()".contains(c));
        if free && self.line_comments.iter().any(|mark| rest.starts_with(mark)) {
            return (line_end, Token::Comment);
        }
        if let Some((open, close)) = self.block_comment
            && rest.starts_with(open)
        {
            let end = rest[open.len()..].find(close);
            let end = end.map_or(rest.len(), |end| open.len() + end + close.len());
            return (end, Token::Comment);
        }
        if self.quotes.contains(&c)
            && let Some(len) = string(rest, c)
        {
            return (len, Token::Text);
        }
        let joins = before.is_some_and(is_word);
        if c.is_ascii_digit() && !joins {
            let number = |c: char| c.is_ascii_hexdigit() || "xXoO._".contains(c);
            return (length_while(rest, number), Token::Number);
        }
        if is_word(c) {
            let len = length_while(rest, is_word);
            let word = &rest[..len];
            let lower = self.line_comments == SQL.line_comments;
            let found = self.keywords.contains(&word)
                || lower && self.keywords.contains(&&*word.to_ascii_lowercase());
            let token = if found && !joins {
                Token::Keyword
            } else {
                Token::Plain
            };
            return (len, token);
        }
        (c.len_utf8(), Token::Plain)
    }
}

/// The length of a string that a quote begins; `None` where none ends it soon.
fn string(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let mut lines = 0;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' if quote != '`' => {
                lines += 1;
                if lines >= STRING_LINES {
                    return None;
                }
            }
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn length_while(text: &str, takes: impl Fn(char) -> bool) -> usize {
    text.find(|c| !takes(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens that are not plain, as `kind:text`.
    fn told(path: &str, text: &str) -> Vec<String> {
        let tokens = Syntax::of(path.as_bytes()).tokens(text);
        let whole: String = tokens
            .iter()
            .map(|(range, _)| &text[range.clone()])
            .collect();
        assert_eq!(whole, text, "tokens have no gaps");
        tokens
            .iter()
            .filter(|(_, token)| *token != Token::Plain)
            .map(|(range, token)| format!("{token:?}:{}", &text[range.clone()]))
            .collect()
    }

    #[test]
    fn strings_comments_numbers_and_keywords_are_told_apart() {
        assert_eq!(
            told("src/a.rs", "let x1 = \"a \\\" // b\"; // 7\nreturn 0xff;"),
            [
                "Keyword:let",
                "Text:\"a \\\" // b\"",
                "Comment:// 7",
                "Keyword:return",
                "Number:0xff"
            ]
        );
        assert_eq!(
            told("a/deploy.sh", "if x#y; then # done\n"),
            ["Keyword:if", "Keyword:then", "Comment:# done"]
        );
        assert_eq!(
            told(".env.local", "KEY='a b' ; no"),
            ["Text:'a b'", "Comment:; no"]
        );
        assert_eq!(
            told("q.SQL", "SELECT 'x' -- y"),
            ["Keyword:SELECT", "Text:'x'", "Comment:-- y"]
        );
        assert_eq!(
            told("a.xml", "<a b=\"c\"><!-- d\n e -->"),
            ["Text:\"c\"", "Comment:<!-- d\n e -->"]
        );
        assert!(told("README", "if \"x\" # //").is_empty());
    }

    #[test]
    fn an_apostrophe_and_text_of_any_language_are_no_string() {
        assert_eq!(told("a.py", "# it's\nx = don't\n"), ["Comment:# it's"]);
        assert_eq!(
            told("a.js", "\u{e9}tat = '\u{6771}\u{4eac}'"),
            ["Text:'\u{6771}\u{4eac}'"]
        );
        assert!(told("a.go", "/* never ends \u{1f980}")[0].starts_with("Comment"));
        assert_eq!(told("a.ts", ""), [""; 0]);
    }
}
