//! Who may import whom, read off the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Modules of the core and the modules each may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("rules", &["model", "builtin"]),
    ("builtin", &["rules", "model"]),
    ("engine", &["rules"]),
    ("decode", &["model"]),
    ("extract", &["model"]),
    ("filter", &["decode", "extract", "rules", "model"]),
    (
        "confirm",
        &["engine", "extract", "filter", "rules", "model"],
    ),
    ("container", &["model"]),
    ("source", &["model"]),
    (
        "inspect",
        &[
            "scan",
            "source",
            "engine",
            "confirm",
            "container",
            "decode",
            "filter",
            "report",
            "rules",
            "model",
        ],
    ),
    ("history", &["source", "model"]),
    ("remedy", &["report", "model"]),
    ("report", &["model"]),
    ("config", &["model"]),
    ("gate", &["config", "report", "model"]),
    ("triage", &["report", "model"]),
    (
        "scan",
        &[
            "source",
            "engine",
            "confirm",
            "container",
            "decode",
            "extract",
            "filter",
            "history",
            "rules",
            "model",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The code of a file without comments, which may link to anything, and without its unit tests,
/// which may use anything.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Names of the modules that `crate::` paths of a text start with, grouped imports included.
fn used(text: &str) -> BTreeSet<String> {
    let word = |s: &str| {
        s.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut out = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        // `scanner_core::` of documentation ends in the same letters.
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            out.insert(word(rest));
            continue;
        };
        let mut depth = 1;
        let mut start = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => start = true,
                c if start && depth == 1 && c.is_alphabetic() => {
                    out.insert(word(&group[i..]));
                    start = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    out
}

#[test]
fn modules_use_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let src = root().join("scanner-core/src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut wrong = Vec::new();
    let mut met = BTreeSet::new();
    for file in &files {
        let below = file.strip_prefix(&src).unwrap();
        let top = below.iter().next().unwrap().to_str().unwrap();
        let module = top.strip_suffix(".rs").unwrap_or(top);
        let is_test = below.ends_with("tests.rs") || below.ends_with("pattern_tests.rs");
        if module == "lib" || is_test {
            continue;
        }
        let Some(may) = allowed.get(module) else {
            wrong.push(format!("{module}: a module that this test does not know"));
            continue;
        };
        met.insert(module.to_owned());
        for name in used(&code(file)) {
            let is_module = allowed.contains_key(name.as_str());
            if is_module && name != module && !may.contains(&name.as_str()) {
                wrong.push(format!("{}: {module} must not use {name}", below.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        met.len(),
        MAY_USE.len(),
        "every module listed exists: {met:?}"
    );
}

#[test]
fn imports_are_read_in_every_form() {
    let text = "use crate::{model::{A, B}, rules::C,\n source};\nlet x = crate::engine::build();\n\
                let y = scanner_core::scan::new();\n";
    let names: Vec<String> = used(text).into_iter().collect();
    assert_eq!(names, ["engine", "model", "rules", "source"]);
}

/// A file of tests that no `mod` line names would silently never run.
#[test]
fn every_test_file_is_part_of_a_test() {
    for target in ["core", "cli", "scenarios", "sweep", "mirrors"] {
        let dir = root().join("tests").join(target);
        let main = fs::read_to_string(dir.join("main.rs")).unwrap();
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if stem != "main" && path.extension().is_some_and(|e| e == "rs") {
                let named = main.contains(&format!("mod {stem};"));
                assert!(named, "tests/{target}/main.rs does not name {stem}");
            }
        }
    }
}
