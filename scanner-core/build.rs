//! Turns `patterns/*.toml` into the table of built-in rules.
//!
//! Reads and validates the files with the library's own code, so that what the build accepts is
//! what the loader accepts, and derives every rule's plan. Any problem fails the build as
//! `file:line: message`.
#![allow(
    clippy::print_stdout,
    reason = "a build script talks to cargo on standard output"
)]

use std::{
    env,
    fmt::{Debug, Write as _},
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
    pub(crate) mod literals;
    pub(crate) mod problem;
    pub(crate) mod resolve;
    pub(crate) mod rule;
    pub(crate) mod validator;
    pub(crate) use validator::Validator;
}

use rules::{
    file,
    problem::Problem,
    resolve::Draft,
    rule::{Allowlist, Plan, Rule},
};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let patterns = manifest.join("../patterns");
    for source in [
        "build.rs",
        "src/model/problem.rs",
        "src/model/rule_info.rs",
        "src/rules",
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
    fs::write(out.join("builtin_rules.rs"), Table::of(&draft).text)
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

/// Writes the rows that `src/builtin.rs` declares.
struct Table {
    text: String,
}

impl Table {
    fn of(draft: &Draft) -> Self {
        let mut table = Self {
            text: String::from("static RULES: &[RuleRow] = &[\n"),
        };
        for rule in draft.rules.values() {
            table.rule(rule);
        }
        table
            .text
            .push_str("];\nstatic ALLOWLISTS: &[AllowlistRow] = &[\n");
        for allowlist in &draft.allowlists {
            table.allowlist(allowlist);
        }
        table.text.push_str("];\n");
        table
    }

    /// Writes `name: value,` where the value's debug form is Rust.
    fn field(&mut self, name: &str, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{name}: {value:?}, ");
    }

    fn path_field(&mut self, name: &str, value: &dyn Debug, of: &str) {
        let _ = write!(self.text, "{name}: {of}::{value:?}, ");
    }

    fn slice_field(&mut self, name: &str, value: &dyn Debug) {
        let _ = write!(self.text, "{name}: &{value:?}, ");
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let _ = write!(self.text, "b\"{}\"", bytes.escape_ascii());
    }

    fn rule(&mut self, rule: &Rule) {
        self.text.push_str("RuleRow { ");
        self.field("id", &rule.info.id);
        self.field("description", &rule.info.description);
        self.path_field("severity", &rule.info.severity, "Severity");
        self.path_field("confidence", &rule.info.confidence, "Confidence");
        self.field("remediation", &rule.info.remediation);
        self.slice_field("references", &rule.info.references);
        self.slice_field("tags", &rule.info.tags);
        self.field("regex", &rule.regex);
        self.field("unicode", &rule.unicode);
        self.path_field("secret_group", &rule.secret_group, "SecretGroup");
        self.field("entropy", &rule.entropy);
        self.plan(&rule.plan);
        self.field("path", &rule.path);
        self.text.push_str("allowlists: &[");
        for allowlist in &rule.allowlists {
            self.allowlist(allowlist);
        }
        self.text.push_str("], ");
        let checks: Vec<&str> = rule.validate.iter().map(|v| v.name()).collect();
        self.slice_field("validate", &checks);
        self.field("drop_if_invalid", &rule.drop_if_invalid);
        self.field("generic", &rule.generic);
        for (name, kind) in [("assignment", rule.assignment), ("judge", rule.judge)] {
            // Written as Rust, but for the type's name: `Some(NameKind::Key)`.
            let kind = kind.map_or("None".to_owned(), |kind| {
                format!("Some(NameKind::{kind:?})")
            });
            let _ = write!(self.text, "{name}: {kind}, ");
        }
        self.field("silent", &rule.silent);
        let companions: Vec<_> = rule
            .companions
            .iter()
            .map(|c| (&c.id, c.within_lines, c.within_columns, c.optional))
            .collect();
        self.slice_field("companions", &companions);
        self.text.push_str("},\n");
    }

    fn plan(&mut self, plan: &Plan) {
        match plan {
            Plan::Literals {
                literals,
                max_match_bytes,
            } => {
                self.text.push_str("plan: PlanRow::Literals(&[");
                for literal in literals {
                    self.text.push('(');
                    self.bytes(&literal.bytes);
                    let _ = write!(
                        self.text,
                        ", {}, {}, {}), ",
                        literal.ignore_case, literal.before_min, literal.before_max
                    );
                }
                let _ = write!(self.text, "], {max_match_bytes}), ");
            }
            Plan::WholeBlob { gate } => {
                self.text.push_str("plan: PlanRow::WholeBlob(&[");
                for word in gate {
                    self.bytes(word);
                    self.text.push_str(", ");
                }
                self.text.push_str("]), ");
            }
        }
    }

    fn allowlist(&mut self, allowlist: &Allowlist) {
        self.text.push_str("AllowlistRow { ");
        self.field("description", &allowlist.description);
        self.path_field("condition", &allowlist.condition, "Condition");
        self.path_field("regex_target", &allowlist.regex_target, "RegexTarget");
        self.slice_field("regexes", &allowlist.regexes);
        self.slice_field("stopwords", &allowlist.stopwords);
        self.slice_field("paths", &allowlist.paths);
        self.slice_field("commits", &allowlist.commits);
        self.text.push_str("},\n");
    }
}
