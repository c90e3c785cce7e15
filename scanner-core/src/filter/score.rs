//! From evidence to a confidence.
//!
//! A candidate collects points on a scale from 0 to 100: a rule starts with what its format is worth,
//! and every filter adds or takes some, each of them told by `gitsieve explain`. Learned weights were
//! refused: nobody could say why one finding was shown and another was not.

use crate::{extract::Form, model::Confidence};
use std::borrow::Cow;

/// From so many points a confidence is high.
pub const HIGH_POINTS: i32 = 75;
/// From so many points a confidence is medium.
pub const MEDIUM_POINTS: i32 = 45;
/// Below so many points the candidate of an assignment rule is dropped.
pub const LEAST_POINTS: i32 = 20;
/// What a proven secret has, wherever it stands.
pub const PROVEN_POINTS: i32 = 100;
/// What a check that fails takes.
pub const FAILED_POINTS: i32 = -30;
/// What it takes that a token has ended by its own word.
pub const EXPIRED_POINTS: i32 = -30;
/// What another half of the credential nearby gives.
pub const COMPANION_POINTS: i32 = 15;
/// What a placeholder takes from a rule with a format.
pub const PLACEHOLDER_POINTS: i32 = -50;
/// What any assignment starts with.
pub const ASSIGNMENT_POINTS: i32 = 30;

/// Returns the confidence that points stand for.
pub fn confidence(points: i32) -> Confidence {
    match points {
        HIGH_POINTS.. => Confidence::High,
        MEDIUM_POINTS.. => Confidence::Medium,
        _ => Confidence::Low,
    }
}

/// Returns the points that a rule of this confidence starts with.
pub fn of_rule(confidence: Confidence) -> i32 {
    match confidence {
        Confidence::High => 90,
        Confidence::Medium => 60,
        Confidence::Low => 30,
    }
}

/// Returns what the form of an assignment is worth.
pub fn of_form(form: Form, joined: bool) -> i32 {
    let points = match form {
        Form::Quoted | Form::Pair | Form::Element => 10,
        Form::Line | Form::Option | Form::Plain => 5,
        Form::Argument | Form::Call | Form::Comparison | Form::Default | Form::Parameter => 0,
        Form::Inline | Form::Spaced => -5,
        Form::Prose => -10,
    };
    points - if joined { 15 } else { 0 }
}

/// Kinds of places that say something about what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Written by tools: lock files, maps, minified and generated code.
    Generated,
    /// Translations.
    Translation,
    /// Tests and their data.
    Test,
    /// Documentation, examples, templates.
    Example,
    /// Source code, where a value without quotes is a name.
    Code,
    Other,
}

/// Returns the points of a match at a path, from those it has anywhere. A path alone takes no match of a
/// rule with a format of its own below a medium confidence.
pub fn at_path(points: i32, path: &[u8], form: Option<Form>) -> i32 {
    let (of_path, _) = of_path(path, form);
    let floor = match form {
        None => points.min(MEDIUM_POINTS),
        Some(_) => i32::MIN,
    };
    (points + of_path).max(floor)
}

/// Returns the path that says what a place is worth: in a member of a container, both of them.
pub fn full_path<'a>(path: &'a [u8], member: Option<&[u8]>) -> Cow<'a, [u8]> {
    match member {
        None => Cow::Borrowed(path),
        Some(member) => Cow::Owned([path, b"!/", member].concat()),
    }
}

/// Returns the points for a path, which may be empty where it is not known, and why. `form` is that of
/// an assignment; `None` for rules with a format of their own.
///
/// Tests and examples lower a confidence and never hide by themselves: what is found there is often real.
pub fn of_path(path: &[u8], form: Option<Form>) -> (i32, &'static str) {
    let unquoted = matches!(
        form,
        Some(Form::Line | Form::Plain | Form::Inline | Form::Spaced | Form::Prose)
    );
    match (place(path), form) {
        (Place::Generated, Some(_)) => (-40, "a file that tools write"),
        (Place::Generated, None) => (-15, "a file that tools write"),
        (Place::Translation, Some(_)) => (-40, "a translation"),
        (Place::Test, Some(_)) => (-10, "a test"),
        (Place::Test, None) => (-5, "a test"),
        (Place::Example, Some(_)) => (-8, "documentation or an example"),
        (Place::Example, None) => (-5, "documentation or an example"),
        (Place::Code, Some(_)) if unquoted => (-15, "source code, where values stand in quotes"),
        _ => (0, "an ordinary path"),
    }
}

/// Lock files: names in lower case.
const LOCKS: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "cargo.lock",
    "gemfile.lock",
    "pipfile.lock",
    "poetry.lock",
    "composer.lock",
    "go.sum",
    "flake.lock",
    "uv.lock",
    "bun.lock",
    "podfile.lock",
    "mix.lock",
    "packages.lock.json",
    "pubspec.lock",
    "gradle.lockfile",
    "terraform.lock.hcl",
];

/// Endings of source code.
const CODE: &[&str] = &[
    "c", "h", "cc", "cpp", "hpp", "cxx", "cs", "java", "kt", "kts", "scala", "go", "rs", "py",
    "js", "jsx", "ts", "tsx", "mjs", "rb", "php", "swift", "m", "mm", "lua", "pl", "pm", "ex",
    "exs", "erl", "hs", "clj", "vue", "svelte", "dart", "r", "groovy",
];

fn place(path: &[u8]) -> Place {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let ending = memchr::memrchr(b'.', name).map_or(&b""[..], |dot| &name[dot + 1..]);
    let is = |list: &[&str], text: &[u8]| list.iter().any(|l| l.as_bytes() == text);
    let has = |list: &[&str]| {
        list.iter()
            .any(|l| memchr::memmem::find(&lower, l.as_bytes()).is_some())
    };
    let folder = |list: &[&str]| {
        lower
            .split(|b| *b == b'/')
            .rev()
            .skip(1)
            .any(|part| is(list, part))
    };
    if is(LOCKS, name)
        || is(
            &[
                "map", "css", "scss", "less", "svg", "snap", "log", "cache", "replay", "har",
                "sum", "lock",
            ],
            ending,
        )
        || has(&[
            ".min.",
            ".bundle.",
            "-bundle.",
            ".generated.",
            "_generated.",
            ".pb.go",
            "/dist/",
            "/generated/",
            "zz_generated",
        ])
    {
        return Place::Generated;
    }
    if is(
        &[
            "po", "pot", "xlf", "xliff", "resx", "strings", "arb", "lproj",
        ],
        ending,
    ) || folder(&[
        "locale",
        "locales",
        "i18n",
        "translations",
        "lang",
        "l10n",
        "langs",
        "translation",
    ]) {
        return Place::Translation;
    }
    if folder(&[
        "test",
        "tests",
        "spec",
        "specs",
        "__tests__",
        "testdata",
        "testing",
        "fixtures",
        "fixture",
        "mocks",
        "mock",
        "__mocks__",
        "e2e",
        "cassettes",
    ]) || has(&[
        "_test.",
        "_spec.",
        ".test.",
        ".spec.",
        "tests.",
        "test.java",
        "test.kt",
        "test.cs",
        "test.php",
        "-test.",
    ]) || name.starts_with(b"test_")
    {
        return Place::Test;
    }
    if folder(&[
        "doc",
        "docs",
        "documentation",
        "example",
        "examples",
        "sample",
        "samples",
        "guide",
        "guides",
        "demo",
        "demos",
        "tutorial",
        "website",
    ]) || is(
        &[
            "md", "rst", "adoc", "asciidoc", "markdown", "example", "sample", "dist", "template",
            "tpl", "tmpl",
        ],
        ending,
    ) || has(&[".example.", ".sample.", "-example.", "-sample."])
    {
        return Place::Example;
    }
    if is(CODE, ending) {
        Place::Code
    } else {
        Place::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lower_and_never_hide_a_rule_with_a_format() {
        for path in [
            "tests/a.py",
            "docs/x.md",
            "src/a_test.go",
            "app/config.yml",
            "Cargo.lock",
            "x/y/spec/z.rb",
        ] {
            let (points, _) = of_path(path.as_bytes(), None);
            assert!(
                of_rule(Confidence::Medium) + points >= MEDIUM_POINTS,
                "{path}"
            );
            assert!(points <= 0, "{path}");
        }
        assert_eq!(of_path(b"src/main.py", Some(Form::Plain)).0, -15);
        assert_eq!(of_path(b"src/main.py", Some(Form::Quoted)).0, 0);
        assert_eq!(of_path(b"config/.env", Some(Form::Line)).0, 0);
        assert_eq!(of_path(b"", Some(Form::Line)).0, 0);
    }
}
