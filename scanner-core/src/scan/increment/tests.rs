//! Histories that grow, shrink and are repacked between scans: what is left out must not show.

use super::*;
use crate::{
    model::Where,
    rules::{RuleChange, RuleSet},
    scan::{Input, NoObserver, Scanner},
    source::git::testing::Lab,
};
use proptest::prelude::*;
use std::sync::atomic::AtomicBool;

fn rule(id: &str) -> String {
    format!(
        "[[rules]]\nid = \"{id}\"\ndescription = \"x\"\nregex = '''{id}_[a-z0-9]{{16}}'''\n\
         keywords = [\"{id}_\"]\n"
    )
}

fn scanner(rules: &[&str]) -> Scanner {
    let text: String = rules.iter().map(|id| rule(id)).collect();
    let rules = RuleSet::parse(&text, "test").unwrap().rules;
    Scanner::builder().rules(rules).threads(2).build().unwrap()
}

fn token(rule: &str, n: usize) -> String {
    format!("{rule}_{n:016}")
}

/// What several scans of one repository have left.
#[derive(Debug, Default)]
struct Memory {
    clean: Mutex<CleanObjects>,
    marked: Mutex<IdSet>,
    /// Objects told of, each as often as it was.
    told: Mutex<Vec<ObjectId>>,
}

impl Memory {
    fn take_told(&self) -> Vec<ObjectId> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Checkpoint for Memory {
    fn every(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn scanned(&self, objects: ScannedObjects) {
        assert!(objects.directory.ends_with("objects"));
        let mut told = self.told.lock().unwrap();
        let CleanObjects { blobs, messages } = &objects.clean;
        told.extend(
            blobs
                .iter()
                .chain(messages.iter())
                .chain(objects.marked.iter()),
        );
        self.clean.lock().unwrap().merge(objects.clean);
        self.marked.lock().unwrap().merge(objects.marked);
    }
}

fn full(scanner: &Scanner, path: &Path) -> Report {
    let input = Input::Git(GitInput {
        path: path.to_owned(),
        ..GitInput::default()
    });
    scanner
        .scan(&input, &NoObserver, &AtomicBool::new(false))
        .unwrap()
}

fn new(scanner: &Scanner, path: &Path, memory: &Memory) -> Report {
    let clean = memory.clean.lock().unwrap().clone();
    scanner
        .scan_new(path, &clean, memory, &NoObserver, &AtomicBool::new(false))
        .unwrap()
}

/// Both reports, but for the bytes of what was read.
fn assert_same(mut a: Report, mut b: Report) {
    (a.receipt.bytes, b.receipt.bytes) = (0, 0);
    assert_eq!(a, b);
}

/// What happens to a repository between two scans.
#[derive(Debug, Clone)]
enum Step {
    /// A file (by number) gets this line, at this place of it.
    Line(u8, u8, String),
    /// A file is taken away.
    Remove(u8),
    Message(String),
    Tag(String),
    Branch(u8),
    Repack,
    Loosen,
    /// Branches and reflogs go; what only they held is pruned.
    Forget(u8),
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let text = || {
        prop_oneof![
            2 => (0..6_usize).prop_map(|n| token("acme", n)),
            1 => (0..6_usize).prop_map(|n| token("beta", n)),
            3 => "[a-z ]{0,30}",
        ]
    };
    let step = prop_oneof![
        6 => (0..4_u8, any::<u8>(), text()).prop_map(|(f, at, t)| Step::Line(f, at, t)),
        1 => (0..4_u8).prop_map(Step::Remove),
        1 => text().prop_map(Step::Message),
        1 => text().prop_map(Step::Tag),
        1 => (0..3_u8).prop_map(Step::Branch),
        1 => Just(Step::Repack),
        1 => Just(Step::Loosen),
        1 => (0..3_u8).prop_map(Step::Forget),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..6), 1..5)
}

/// A repository that steps are done to.
struct Story {
    lab: Lab,
    tags: usize,
}

impl Story {
    fn new() -> Self {
        let lab = Lab::new();
        lab.repository("r");
        Self { lab, tags: 0 }
    }

    fn path(&self) -> PathBuf {
        self.lab.path("r")
    }

    fn git(&self, args: &[&str]) -> String {
        self.lab.git("r", args)
    }

    fn has(&self, id: &ObjectId) -> bool {
        let all = self.git(&[
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objectname)",
        ]);
        all.lines().any(|line| line == id.to_string())
    }

    fn take_all(&mut self, steps: &[Step]) {
        for step in steps {
            self.take(step);
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Line(file, at, line) => {
                let path = format!("r/f{file}");
                let old = std::fs::read_to_string(self.lab.path(&path)).unwrap_or_default();
                let mut lines: Vec<&str> = old.lines().collect();
                lines.insert(usize::from(*at) % (lines.len() + 1), line);
                self.lab.write(&path, lines.join("\n") + "\n");
                self.commit("edit");
            }
            Step::Remove(file) => {
                let _ = std::fs::remove_file(self.lab.path(&format!("r/f{file}")));
                self.commit("remove");
            }
            Step::Message(text) => self.commit(text),
            Step::Tag(text) => {
                self.tags += 1;
                let message = format!("tag {text}");
                self.git(&["tag", "-a", "-m", &message, &format!("t{}", self.tags)]);
            }
            Step::Branch(n) => {
                self.git(&["checkout", "-q", "-B", &format!("b{n}"), "HEAD"]);
            }
            Step::Repack => {
                self.git(&["repack", "-q", "-a", "-d"]);
            }
            Step::Loosen => {
                let packs = self.path().join(".git/objects/pack");
                for entry in std::fs::read_dir(packs).unwrap().flatten() {
                    if entry.path().extension().is_some_and(|e| e == "pack") {
                        let away = self.lab.path("away.pack");
                        std::fs::rename(entry.path(), &away).unwrap();
                        let _ = std::fs::remove_file(entry.path().with_extension("idx"));
                        let pack = std::fs::read(&away).unwrap();
                        self.lab.git_with("r", &["unpack-objects", "-q"], &pack);
                    }
                }
            }
            Step::Forget(n) => {
                self.git(&["checkout", "-q", "--detach"]);
                let name = format!("b{n}");
                if self.git(&["branch", "--list", &name]).contains(&name) {
                    self.git(&["branch", "-q", "-D", &name]);
                }
                self.git(&["reflog", "expire", "--expire=now", "--all"]);
                self.git(&["gc", "-q", "--prune=now"]);
            }
        }
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&[
            "commit",
            "-q",
            "--allow-empty",
            "--allow-empty-message",
            "-m",
            message,
        ]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_was_clean_may_be_left_out(rounds in steps()) {
        let (mut story, memory) = (Story::new(), Memory::default());
        let scanner = scanner(&["acme", "beta"]);
        let mut seen = std::collections::BTreeSet::new();
        for round in &rounds {
            story.take_all(round);
            assert_same(new(&scanner, &story.path(), &memory), full(&scanner, &story.path()));
            // Nothing clean is read twice, and everything is told of.
            let marked = memory.marked.lock().unwrap().clone();
            for id in memory.take_told() {
                prop_assert!(seen.insert(id) || marked.contains(&id), "{} again", id);
            }
            let all = story.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"]);
            for line in all.lines().filter(|line| !line.ends_with("tree")) {
                let id = ObjectId::from_hex(&line.as_bytes()[..40]).unwrap();
                prop_assert!(seen.contains(&id), "{} is not told of", line);
            }
        }
    }

    #[test]
    fn a_changed_rule_is_tried_on_what_was_clean(rounds in steps()) {
        let (mut story, memory) = (Story::new(), Memory::default());
        let (old, both) = (scanner(&["acme"]), scanner(&["acme", "beta"]));
        for (n, round) in rounds.iter().enumerate() {
            story.take_all(round);
            if n % 2 == 0 {
                new(&old, &story.path(), &memory);
            }
        }
        let was = old.rules().identities();
        let change = both.rules().changed_since(&was);
        prop_assert_eq!(&change, &RuleChange::Rules(vec!["beta".to_owned()]));
        let clean = memory.clean.lock().unwrap().clone();
        let again = Memory::default();
        let report = scanner(&["beta"])
            .search_again(&story.path(), &clean, &again, &NoObserver, &AtomicBool::new(false))
            .unwrap();
        prop_assert!(report.receipt.complete && report.findings.is_empty());
        let tried: std::collections::BTreeSet<ObjectId> = again.take_told().into_iter().collect();
        let here = |id: &ObjectId| story.has(id);
        let due = clean.blobs.iter().chain(clean.messages.iter()).filter(here);
        prop_assert_eq!(tried, due.collect());
        let memory = Memory { clean: again.clean, ..Memory::default() };
        assert_same(new(&both, &story.path(), &memory), full(&both, &story.path()));
    }
}

#[test]
fn a_scan_that_is_stopped_leaves_what_it_finished() {
    let story = Story::new();
    for n in 0..40 {
        story
            .lab
            .write(&format!("r/f{n}"), format!("{n} {}", token("acme", n)));
    }
    story.commit("many");
    let (scanner, memory) = (scanner(&["acme"]), Memory::default());
    let stop = AtomicBool::new(true);
    let cut = scanner
        .scan_new(
            &story.path(),
            &CleanObjects::default(),
            &memory,
            &NoObserver,
            &stop,
        )
        .unwrap();
    assert!(!cut.receipt.complete);
    assert_same(
        new(&scanner, &story.path(), &memory),
        full(&scanner, &story.path()),
    );
}

#[test]
fn objects_of_an_alternate_are_told_of_with_its_directory() {
    let story = Story::new();
    story
        .lab
        .git("", &["clone", "-q", "--bare", "--shared", "r", "fork.git"]);
    let scanner = scanner(&["acme"]);
    let (parent, fork) = (Memory::default(), Memory::default());
    new(&scanner, &story.path(), &parent);
    let clean = parent.clean.lock().unwrap().clone();
    let report = scanner
        .scan_new(
            &story.lab.path("fork.git"),
            &clean,
            &fork,
            &NoObserver,
            &AtomicBool::new(false),
        )
        .unwrap();
    assert_eq!(fork.take_told(), []);
    assert_same(report, full(&scanner, &story.lab.path("fork.git")));
}

#[test]
fn where_a_secret_stands_is_worked_out_anew() {
    let story = Story::new();
    let (scanner, memory) = (scanner(&["acme"]), Memory::default());
    story.lab.write("r/f", token("acme", 1));
    story.commit("add");
    let place = |report: Report| report.findings[0].occurrences[0].place;
    assert_eq!(place(new(&scanner, &story.path(), &memory)), Where::Head);
    story.git(&["rm", "-q", "f"]);
    story.commit("remove");
    assert_eq!(place(new(&scanner, &story.path(), &memory)), Where::Ref);
}
