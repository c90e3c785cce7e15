//! Packs `patterns/*.toml` into what `src/builtin.rs` includes.
//!
//! Reads and validates the files with the library's own code, so that what the build accepts is
//! what the loader accepts, and derives every rule's plan, the distinct literals and the hash. Any
//! problem fails the build as `file:line: message`.
#![allow(
    clippy::print_stdout,
    reason = "a build script talks to cargo on standard output"
)]

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_debug_implementations,
    reason = "shared with the library, which uses all of it"
)]
#[path = "src/model"]
mod model {
    mod problem;
    mod rule_info;
    pub use problem::Problem;
    pub(crate) use problem::suggestion;
    pub use rule_info::{Confidence, RuleInfo, Severity, UnknownLevel};
}

#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_debug_implementations,
    reason = "shared with the library, which uses all of it"
)]
#[path = "src/rules"]
mod rules {
    pub(crate) mod expression;
    pub(crate) mod file;
    pub(crate) mod frequency;
    pub(crate) mod gram;
    pub(crate) mod hash;
    pub(crate) mod literals;
    pub(crate) mod problem;
    pub(crate) mod resolve;
    pub(crate) mod rule;
    pub(crate) mod run;
    pub(crate) mod validator;
    pub(crate) use rule::{Allowlist, Companion, Literal, NameKind, Plan, Rule, SecretGroup};
    pub(crate) use run::Run;
    pub(crate) use validator::Validator;
}

#[allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    reason = "shared with the library, which uses all of it"
)]
#[path = "src/engine/set.rs"]
mod set;

#[allow(unreachable_pub, reason = "shared with the library's tests")]
#[path = "src/builtin/pack.rs"]
mod pack;

use pack::Packer;
use rules::{file, hash::rules_hash, problem::Problem, resolve::Draft, rule::Outline, rule::Rule};
use set::LiteralSet;

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let patterns = manifest.join("../patterns");
    for source in [
        "build.rs",
        "src/model/problem.rs",
        "src/model/rule_info.rs",
        "src/rules",
        "src/engine/set.rs",
        "src/builtin/pack.rs",
        "../patterns",
    ] {
        println!("cargo::rerun-if-changed={source}");
    }
    let mut draft = Draft::default();
    for path in rule_files(&patterns)? {
        let name = format!(
            "patterns/{}",
            path.file_name().unwrap_or_default().display()
        );
        println!("cargo::rerun-if-changed=../{name}");
        match file::parse(&fs::read_to_string(&path)?, &name) {
            Ok(file) => {
                draft.problems.extend(house_rules(&file));
                draft.add(file);
            }
            Err(problems) => draft.problems.extend(problems),
        }
    }
    draft.seal();
    draft.link();
    draft.problems.sort();
    for warning in &draft.warnings {
        println!("cargo::warning={warning}");
    }
    for problem in &draft.problems {
        println!("cargo::error={problem}");
    }
    let out = PathBuf::from(variable("OUT_DIR")?);
    fs::write(out.join("builtin_examples.txt"), examples(&draft)?)?;
    let allowlists = packed(|packer| packer.allowlists(&draft.allowlists));
    fs::write(out.join("builtin_allowlists.bin"), allowlists)?;
    let mut rules: Vec<Rule> = draft.rules.into_values().collect();
    for rule in &mut rules {
        rule.builtin = true;
    }
    let literals = LiteralSet::new(&rules);
    fs::write(
        out.join("builtin_literals.bin"),
        packed(|packer| distinct(&literals, packer)),
    )?;
    let mut starts = Vec::new();
    let bytes = packed(|packer| {
        for rule in &rules {
            starts.push(packer.bytes.len());
            packer.rule(rule);
        }
    });
    fs::write(out.join("builtin_rules.bin"), bytes)?;
    fs::write(out.join("builtin_tables.rs"), tables(&rules, &starts))
}

fn packed(write: impl FnOnce(&mut Packer)) -> Vec<u8> {
    let mut packer = Packer::default();
    write(&mut packer);
    packer.bytes
}

fn distinct(set: &LiteralSet, packer: &mut Packer) {
    for (number, (bytes, ignore_case)) in (0..).zip(set.literals()) {
        let uses = set.uses(number).iter();
        let uses: Vec<_> = uses.map(|u| [u.rule, u.before_min, u.before_max]).collect();
        packer.distinct_literal(bytes, *ignore_case, set.grams(number), &uses);
    }
}

/// Writes what is known of the rules without unpacking them. Numbers alone: pointers would be
/// relocated at every start.
fn tables(rules: &[Rule], starts: &[usize]) -> String {
    let outlines: Vec<Outline> = rules.iter().map(Outline::of).collect();
    let count = rules.len();
    let hash = rules_hash(rules);
    format!(
        "static OUTLINES: [Outline; {count}] = {outlines:?};\n\
         #[allow(clippy::unreadable_literal, reason = \"nobody reads them\")]\n\
         static STARTS: [u32; {count}] = {starts:?};\n\
         static HASH: [u8; 32] = {hash:?};\n"
    )
}

/// Writes the examples as one text: pointers to thousands of strings would all be relocated at
/// every start, for commands that few runs use. `src/builtin.rs` says how it is laid out.
fn examples(draft: &Draft) -> io::Result<String> {
    let mut text = String::new();
    for rule in &draft.examples {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\x1e{}\x1f{}\x1f{}",
            rule.rule_id, rule.file, rule.line
        );
        for list in [&rule.examples, &rule.negative_examples] {
            text.push('\x1d');
            for example in list {
                if example.template.contains(['\x1c', '\x1d', '\x1e', '\x1f']) {
                    return Err(io::Error::other(format!(
                        "{}:{}: write control characters as {{{{byte:N}}}}",
                        rule.file, example.line
                    )));
                }
                let _ = write!(text, "\x1c{}\x1f{}", example.line, example.template);
            }
        }
    }
    Ok(text)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|e| io::Error::other(format!("{name}: {e}")))
}

/// The rule files, sorted; none where the directory does not exist.
fn rule_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What we ask of our own rules beyond the format.
fn house_rules(file: &file::RuleFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |line, message: String| {
        problems.push(Problem {
            file: file.name.clone(),
            line,
            message,
        });
    };
    if let Some(extend) = &file.extend {
        let message = "key \"extend\" has no meaning in a built-in rule file";
        problem(extend.line, message.to_owned());
    }
    for rule in &file.rules {
        let id = &rule.id.value;
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !id.bytes().all(fits) {
            let message = format!("rule {id:?}: a built-in id is lower case with dashes");
            problem(rule.id.line, message);
        }
        if rule.description.is_none() {
            problem(rule.id.line, format!("rule {id:?} needs a description"));
        }
    }
    problems
}
