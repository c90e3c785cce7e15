//! The documents for administrators say what the command does.

use crate::support::Sieve;
use std::{fs, path::PathBuf};

fn documents() -> Vec<(PathBuf, String)> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        all.push((path, text));
    }
    assert!(all.len() >= 6, "{all:?}");
    all
}

/// Every policy of the documents, with its line.
fn policies(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.trim()) {
            (None, "```toml") => open = Some((number + 1, String::new())),
            (Some(_), "```") => found.extend(open.take()),
            (Some((_, policy)), _) => {
                policy.push_str(line);
                policy.push('\n');
            }
            (None, _) => {}
        }
    }
    found
}

#[test]
fn policies_of_the_documents_are_valid() {
    let dir = tempfile::tempdir().unwrap();
    let rule = "[[rules]]\nid = \"acme-key\"\ndescription = \"Acme key\"\nregex = '''acme_[a-f0-9]{24}'''\n";
    fs::write(
        dir.path().join("team.toml"),
        "[extend]\nuseDefault = true\n",
    )
    .unwrap();
    fs::create_dir(dir.path().join("extra-rules")).unwrap();
    fs::write(dir.path().join("extra-rules/acme.toml"), rule).unwrap();
    fs::write(dir.path().join("ca.pem"), "").unwrap();
    let file = dir.path().join("policy.toml");
    let mut count = 0;
    for (path, text) in documents() {
        // The TOML of alerts is no policy; its own test is where it is read.
        if path.ends_with("alerts.md") {
            continue;
        }
        for (line, policy) in policies(&text) {
            fs::write(&file, &policy).unwrap();
            let args = ["hook", "check-config", "--policy", file.to_str().unwrap()];
            let run = Sieve::new(&args).run();
            let said = String::from_utf8_lossy(&run.stdout) + run.stderr.as_str();
            let shown = path.display();
            assert_eq!(run.status, 0, "{shown}:{line}:\n{policy}\n{said}");
            count += 1;
        }
    }
    assert!(count >= 10, "only {count} found");
}

/// Links between the documents, and to them.
#[test]
fn links_of_the_documents_lead_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = documents();
    all.push((
        root.join("README.md"),
        fs::read_to_string(root.join("README.md")).unwrap(),
    ));
    for (path, text) in all {
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().unwrap();
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            let file = target.split('#').next().unwrap();
            let to = path.parent().unwrap().join(file);
            assert!(to.exists(), "{}: {target}", path.display());
        }
    }
}
