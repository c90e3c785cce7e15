//! What is a file of alerts, and what is none.

use super::*;

fn problems(text: &str) -> String {
    Config::parse(text, "/etc/gitsieve/alerts.toml")
        .unwrap_err()
        .to_string()
}

/// Every TOML block of the page for administrators is a valid file.
#[test]
fn files_of_the_documentation_are_valid() {
    let page = include_str!("../../../../scanner-cli/docs/alerts.md");
    let mut count = 0;
    for block in page.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let read = Config::parse(text, "/etc/gitsieve/alerts.toml");
        read.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        count += 1;
    }
    assert!(count >= 3, "{count}");
    for key in TOP
        .iter()
        .chain(LIMITS)
        .chain(smtp::KEYS)
        .chain(channel::KEYS)
    {
        let told = page.contains(&format!("`{key}`"))
            || page.contains(&format!("[{key}]"))
            || page.contains(&format!("\n{key} = "));
        assert!(told, "{key} is not documented");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_line() {
    let text = "[limits]\nper-hour = 0\n\n[smtp]\nhost = \"h\"\nfrom = \"nobody\"\nsecurty = 1\n\n\
         [[channel]]\nname = \"a b\"\nkind = \"mial\"\n\n[[channel]]\nname = \"x\"\nkind = \"slack\"\n\
         url-env = \"A\"\nurl-file = \"f\"\nto = [\"a@b.c\"]\n";
    let told = problems(text);
    for (line, words) in [
        (2, "whole number from 1"),
        (6, "ADDRESS"),
        (7, "did you mean \"security\"?"),
        (10, "short name"),
        (11, "did you mean \"mail\"?"),
        (16, "cannot stand beside"),
        (18, "another kind"),
    ] {
        let start = format!("/etc/gitsieve/alerts.toml:{line}: ");
        let found = told
            .lines()
            .any(|l| l.starts_with(&start) && l.contains(words));
        assert!(found, "{line} {words}:\n{told}");
    }
}

#[test]
fn what_would_lose_or_leak_something_is_refused() {
    let mail = "[[channel]]\nname = \"m\"\nkind = \"mail\"\n";
    let smtp = "[smtp]\nhost = \"mail.example.org\"\nfrom = \"a@example.org\"\n";
    let ok = "to = [\"b@example.org\"]\n";
    for (text, words) in [
        (String::new(), "no [[channel]]"),
        (format!("{mail}{ok}"), "needs [smtp]"),
        (format!("{smtp}{mail}"), "without \"to\""),
        (format!("{smtp}{mail}to = \"owners\"\n"), "owner-domains"),
        (format!("{smtp}{mail}to = \"owners\"\n"), "fallback"),
        (format!("{smtp}{mail}to = \"all\"\n"), "expected \"owners\""),
        (format!("{smtp}{mail}to = [\"x\"]\n"), "plain mail address"),
        (format!("{smtp}{mail}{ok}{mail}{ok}"), "a second channel"),
        (format!("{smtp}user = \"u\"\n{mail}{ok}"), "password-file"),
        (
            format!("{smtp}security = \"none\"\nuser = \"u\"\npassword-env = \"P\"\n{mail}{ok}"),
            "anyone on the way",
        ),
        (
            "[[channel]]\nname = \"s\"\nkind = \"slack\"\n".to_owned(),
            "url-file",
        ),
    ] {
        let told = problems(&text);
        assert!(told.contains(words), "{text}\n{told}");
    }
}
