//! Real pushes, caught by a hook that keeps the quarantine; git says what is new.

use super::*;
use crate::{
    model::Where,
    rules::RuleSet,
    scan::{NoObserver, Scanner},
    source::git::testing::Lab,
};
use bstr::ByteSlice;
use std::{collections::BTreeSet, ffi::OsStr, fs, sync::atomic::AtomicBool};

const RULE: &str = r#"
    [[rules]]
    id = "acme"
    description = "Acme token"
    regex = '''acme_[a-z0-9]{16}'''
    keywords = ["acme_"]
"#;

/// A token that the rule matches.
fn token(n: usize) -> String {
    format!("{}_{n:016}", "acme")
}

/// A server that catches what is pushed, and a client.
struct Push {
    lab: Lab,
    format: &'static str,
}

impl Push {
    fn new(format: &'static str) -> Self {
        let lab = Lab::new();
        let object_format = format!("--object-format={format}");
        lab.git("", &["init", "-q", "-b", "main", &object_format, "client"]);
        lab.git(
            "",
            &[
                "init",
                "-q",
                "--bare",
                "-b",
                "main",
                &object_format,
                "server",
            ],
        );
        Self { lab, format }
    }

    fn commit(&self, files: &[(&str, &str)]) -> ObjectId {
        for (path, content) in files {
            self.lab.write(&format!("client/{path}"), content);
        }
        self.lab.git("client", &["add", "-A"]);
        self.lab.git(
            "client",
            &["commit", "-q", "--allow-empty", "-m", "message"],
        );
        self.lab.id("client", "HEAD")
    }

    /// Pushes for good.
    fn land(&self, specs: &[&str]) {
        let _ = fs::remove_file(self.lab.path("server/hooks/pre-receive"));
        let args = [&["push", "-q", "../server"], specs].concat();
        self.lab.git("client", &args);
    }

    /// Pushes, to be caught. Returns the input for a scan.
    fn catch(&self, specs: &[&str], unpack: bool) -> PushInput {
        let caught = self.lab.path("caught");
        let _ = fs::remove_dir_all(&caught);
        fs::create_dir(&caught).unwrap();
        let hook = self.lab.path("server/hooks/pre-receive");
        let script = format!(
            "#!/bin/sh\ncd {0} && cat >stdin\n\
             [ -z \"$GIT_OBJECT_DIRECTORY\" ] || cp -r \"$GIT_OBJECT_DIRECTORY\" q\nexit 1\n",
            caught.display()
        );
        fs::write(&hook, script).unwrap();
        make_executable(&hook);
        let limit = if unpack { "100000" } else { "1" };
        self.lab
            .git("server", &["config", "receive.unpackLimit", limit]);
        let dir = self.lab.path("client");
        let output = std::process::Command::new("git")
            .current_dir(dir)
            .args(["push", "-q", "../server"])
            .args(specs)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let text = fs::read(caught.join("stdin")).unwrap();
        let updates = text.lines().map(update).collect();
        let objects = self.lab.path("server/objects");
        let object_dir = caught.join("q");
        PushInput {
            path: self.lab.path("server"),
            environment: ObjectEnvironment::parse(
                object_dir.exists().then_some(object_dir.as_os_str()),
                Some(objects.as_os_str()).filter(|_| object_dir.exists()),
            )
            .unwrap(),
            updates,
            ..PushInput::default()
        }
    }

    /// What a scan finds: secret's number, novelty, path, place and commit.
    fn scan(input: &PushInput) -> (PushReport, Vec<Found>) {
        let report = scanner(1).scan_push(input, &NoObserver, &AtomicBool::new(false));
        let report = report.unwrap();
        let many = scanner(3).scan_push(input, &NoObserver, &AtomicBool::new(false));
        assert_eq!(many.unwrap(), report, "threads change nothing");
        let newest_first = PushInput {
            order: PushOrder::NewestFirst,
            ..input.clone()
        };
        let other = scanner(1).scan_push(&newest_first, &NoObserver, &AtomicBool::new(false));
        assert_eq!(other.unwrap(), report, "the order changes nothing");
        let mut found = Vec::new();
        for (finding, novelty) in report.report.findings.iter().zip(&report.novelty) {
            let secret = String::from_utf8(finding.secret.reveal().to_vec()).unwrap();
            for o in &finding.occurrences {
                found.push(Found {
                    secret: secret.clone(),
                    novelty: *novelty,
                    path: o.path.to_string(),
                    place: o.place,
                    commit: o.introduced.as_ref().map(|c| c.commit),
                    refs: o.refs.clone(),
                });
            }
        }
        (report, found)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    secret: String,
    novelty: Novelty,
    path: String,
    place: Where,
    commit: Option<ObjectId>,
    refs: Vec<String>,
}

fn scanner(threads: usize) -> Scanner {
    let rules = RuleSet::parse(RULE, "acme.toml").unwrap().rules;
    Scanner::builder()
        .rules(rules)
        .threads(threads)
        .min_confidence(crate::model::Confidence::Low)
        .build()
        .unwrap()
}

fn make_executable(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn update(line: &[u8]) -> RefUpdate {
    let mut words = line.splitn_str(3, " ");
    let mut id = || {
        let hex = words.next().unwrap();
        let zero = hex.iter().all(|b| *b == b'0');
        (!zero).then(|| ObjectId::from_hex(hex).unwrap())
    };
    let (old, new) = (id(), id());
    RefUpdate {
        name: words.next().unwrap().into(),
        old,
        new,
    }
}

#[test]
fn a_secret_that_a_later_commit_removes_is_found_where_it_came() {
    for (format, unpack) in [("sha1", true), ("sha1", false), ("sha256", false)] {
        let push = Push::new(format);
        push.commit(&[("a", "one\n"), ("dir/b", "two\n")]);
        push.land(&["main"]);
        let bad = push.commit(&[("dir/b", &format!("x\nkey = {}\n", token(1)))]);
        push.commit(&[("a", "more\n")]);
        push.commit(&[("dir/b", "two\n")]);
        let (report, found) = Push::scan(&push.catch(&["main", "main:other"], unpack));
        assert_eq!(report.commits, 3, "{}", push.format);
        assert_eq!(
            found,
            [Found {
                secret: token(1),
                novelty: Novelty::Introduced,
                path: "dir/b".into(),
                place: Where::Ref,
                commit: Some(bad),
                refs: vec!["refs/heads/main".into(), "refs/heads/other".into()],
            }]
        );
        assert!(
            report.report.receipt.complete,
            "{:?}",
            report.report.receipt
        );
        assert!(report.stored_bytes > 0);
    }
}

#[test]
fn an_old_secret_in_an_edited_or_moved_file_is_old() {
    for unpack in [true, false] {
        let push = Push::new("sha1");
        let filler = "line\n".repeat(200);
        push.commit(&[("a", &format!("{filler}{}\n", token(1))), ("b", "b\n")]);
        push.land(&["main"]);
        push.commit(&[("a", &format!("{filler}{}\nmore\n", token(1)))]);
        let (_, found) = Push::scan(&push.catch(&["main"], unpack));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].novelty, Novelty::Old);

        // A new one beside it is told with its own place.
        push.commit(&[("a", &format!("{filler}{}\n{}\n", token(1), token(2)))]);
        let (_, mut found) = Push::scan(&push.catch(&["main"], unpack));
        found.sort_by(|a, b| a.secret.cmp(&b.secret));
        let mut novelty: Vec<_> = found.iter().map(|f| (&f.secret, f.novelty)).collect();
        novelty.dedup();
        assert_eq!(
            novelty,
            [(&token(1), Novelty::Old), (&token(2), Novelty::Introduced)]
        );

        // Moved unchanged, nothing is new; moved and edited, the secret is old.
        push.lab.git("client", &["reset", "-q", "--hard", "HEAD~2"]);
        push.lab.git("client", &["mv", "a", "c"]);
        push.commit(&[]);
        let (_, found) = Push::scan(&push.catch(&["main"], unpack));
        assert_eq!(found, []);
        push.lab.git("client", &["rm", "-q", "c"]);
        push.commit(&[("d", &format!("{}\n", token(1)))]);
        let (_, found) = Push::scan(&push.catch(&["main"], unpack));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].novelty, Novelty::Old, "{found:?}");
    }
}

#[test]
fn messages_tags_trees_and_blobs_are_looked_at() {
    let push = Push::new("sha1");
    push.commit(&[("a", "one\n")]);
    push.land(&["main"]);
    let message = format!("uses {}", token(1));
    push.lab
        .git("client", &["commit", "-q", "--allow-empty", "-m", &message]);
    let note = format!("also {}", token(2));
    push.lab.git("client", &["tag", "-a", "-m", &note, "v1"]);
    push.lab
        .git("client", &["tag", "-a", "-m", "x", "v2", "v1"]);
    push.lab.write("client/x", token(3));
    let blob = push.lab.git("client", &["hash-object", "-w", "x"]);
    push.lab
        .git("client", &["update-ref", "refs/blobs/x", &blob]);
    push.lab.write("client/x", token(4));
    push.lab.git("client", &["add", "x"]);
    let tree = push.lab.git("client", &["write-tree"]);
    push.lab
        .git("client", &["update-ref", "refs/trees/x", &tree]);
    let (report, mut found) =
        Push::scan(&push.catch(&["main", "v2", "refs/blobs/x", "refs/trees/x"], true));
    found.sort_by(|a, b| a.secret.cmp(&b.secret));
    let shown: Vec<_> = found
        .iter()
        .map(|f| (f.place, f.path.as_str(), f.refs.join(" ")))
        .collect();
    assert_eq!(
        shown,
        [
            (
                Where::CommitMessage,
                "",
                "refs/heads/main refs/tags/v2".to_owned()
            ),
            (Where::TagMessage, "", String::new()),
            (Where::Ref, "", "refs/blobs/x".to_owned()),
            (Where::Ref, "x", String::new()),
        ]
    );
    assert_eq!(report.tips.len(), 4);
    assert!(report.tips[0].message.starts_with(b"uses"));
}

#[test]
fn a_merge_brings_its_own_content_and_not_the_history_it_joins() {
    let push = Push::new("sha1");
    push.commit(&[("a", &token(1)), ("b", "b\n")]);
    let base = push.lab.id("client", "HEAD").to_string();
    push.lab.git("client", &["rm", "-q", "a"]);
    push.commit(&[("c", "c\n")]);
    push.land(&["main"]);
    push.lab
        .git("client", &["checkout", "-q", "-b", "topic", &base]);
    push.commit(&[("d", "d\n")]);
    push.lab
        .git("client", &["merge", "-q", "--no-commit", "main"]);
    push.lab.write("client/b", token(2));
    let merge = push.commit(&[]);
    let (report, found) = Push::scan(&push.catch(&["topic"], false));
    assert_eq!(report.commits, 2);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].path.as_str(), found[0].commit),
        ("b", Some(merge))
    );
}

#[test]
fn what_a_deleted_branch_left_behind_is_new_again() {
    let push = Push::new("sha1");
    push.commit(&[("a", "one\n")]);
    push.land(&["main"]);
    push.lab.git("client", &["checkout", "-q", "-b", "topic"]);
    let bad = push.commit(&[("s", &token(1))]);
    push.land(&["topic"]);
    push.land(&[":topic"]);
    let (report, found) = Push::scan(&push.catch(&["topic"], true));
    assert_eq!(report.commits, 1);
    assert_eq!(found[0].commit, Some(bad));
    // Under any ref that is still there it is known.
    push.land(&["topic:kept"]);
    let (report, found) = Push::scan(&push.catch(&["topic"], true));
    assert_eq!((report.commits, found.len()), (0, 0));
}

#[test]
fn a_deletion_brings_nothing() {
    let push = Push::new("sha1");
    push.commit(&[("a", &token(1))]);
    push.land(&["main", "main:gone"]);
    let (report, found) = Push::scan(&push.catch(&[":gone"], true));
    assert_eq!((report.commits, found.len(), report.tips.len()), (0, 0, 0));
}

#[test]
fn a_comment_on_the_line_is_told() {
    let push = Push::new("sha1");
    let text = format!("a = {} # gitsieve:allow\nb = {}\n", token(1), token(2));
    push.commit(&[("a", &text)]);
    let (report, _) = Push::scan(&push.catch(&["main"], true));
    let mut asked: Vec<_> = report
        .report
        .findings
        .iter()
        .zip(&report.inline_allowed)
        .map(|(f, asked)| (f.secret.reveal().to_vec(), asked.clone()))
        .collect();
    asked.sort();
    assert_eq!(asked[0].1, [true]);
    assert_eq!(asked[1].1, [false]);
}

/// A generator of small numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// New commits and blobs are those that `git rev-list --objects` lists, in histories with merges,
/// moves, reverts, rewritten and deleted branches.
#[test]
fn new_commits_and_blobs_are_those_that_git_lists() {
    for seed in 0..8 {
        let push = Push::new(if seed % 3 == 2 { "sha256" } else { "sha1" });
        let mut dice = Dice(seed);
        push.commit(&[("f0", "start\n"), ("d/f1", "start\n")]);
        push.land(&["main"]);
        let git = |args: &[&str]| push.lab.git("client", args);
        for step in 0..14 {
            match dice.roll(7) {
                0 => {
                    git(&[
                        "checkout",
                        "-q",
                        "-B",
                        &format!("b{}", dice.roll(3)),
                        "HEAD",
                    ]);
                }
                1 => {
                    let branches =
                        git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
                    let names: Vec<&str> = branches.lines().collect();
                    let other = names[dice.roll(names.len() as u64) as usize];
                    git(&["merge", "-q", "-X", "ours", "-m", "merge", other]);
                }
                2 => {
                    git(&["mv", "d", &format!("m{step}")]);
                    push.commit(&[("d/f1", &format!("moved {step}\n"))]);
                }
                3 if step > 3 => {
                    git(&["checkout", "-q", "HEAD~1", "--", "."]);
                    push.commit(&[]);
                }
                _ => {
                    let path = format!("d{}/f{}", dice.roll(3), dice.roll(4));
                    push.commit(&[(&path, &format!("{}\n", dice.roll(40)))]);
                }
            }
            if dice.roll(3) == 0 {
                push.land(&["--force", "HEAD:refs/heads/landed"]);
            }
        }
        let specs = ["--force", "refs/heads/*:refs/heads/*"];
        let input = push.catch(&specs, seed % 2 == 0);
        let known = push
            .lab
            .git("server", &["for-each-ref", "--format=^%(objectname)"]);
        let mut args = vec!["rev-list", "--objects", "--no-object-names"];
        let tips: Vec<String> = input
            .updates
            .iter()
            .filter_map(|u| Some(u.new?.to_string()))
            .collect();
        args.extend(tips.iter().map(String::as_str));
        args.extend(known.lines());
        let listed = git(&args);
        let kinds: BTreeSet<(String, String)> = listed
            .lines()
            .map(|id| (git(&["cat-file", "-t", id]), id.to_owned()))
            .collect();
        let of_kind = |kind: &str| -> BTreeSet<String> {
            let some = kinds.iter().filter(|(k, _)| k == kind);
            some.map(|(_, id)| id.clone()).collect()
        };
        let (commits, blobs) = new_objects(&input);
        assert_eq!(commits, of_kind("commit"), "seed {seed}");
        assert_eq!(blobs, of_kind("blob"), "seed {seed}");
        let (report, _) = Push::scan(&input);
        assert_eq!(report.commits as usize, commits.len());
        assert!(report.report.receipt.complete);
    }
}

/// Ids of new commits, and of the blobs that they add and that did not stand before.
fn new_objects(input: &PushInput) -> (BTreeSet<String>, BTreeSet<String>) {
    let scanner = scanner(1);
    let context = crate::source::testing::context(1);
    let run = Run {
        scanner: &scanner,
        observer: &NoObserver,
        context: &context,
    };
    let mut seen = (BTreeSet::new(), BTreeSet::new());
    prepare(&run, input, |mut scan| {
        scan.find_changes(true);
        let stood = scan.stood_before();
        seen.0 = scan.new.commits.iter().map(|c| c.id.to_string()).collect();
        let added = scan.changed.added.iter().filter(|id| !stood.contains(id));
        seen.1 = added.map(ToString::to_string).collect();
    })
    .unwrap();
    seen
}

#[test]
fn the_environment_may_name_the_repository_itself() {
    let push = Push::new("sha1");
    push.commit(&[("a", &token(1))]);
    push.land(&["main:kept"]);
    let mut input = push.catch(&["main:other"], true);
    let objects = push.lab.path("server/objects");
    input.environment =
        ObjectEnvironment::parse(Some(objects.as_os_str()), Some(OsStr::new(""))).unwrap();
    let (report, found) = Push::scan(&input);
    assert_eq!((report.commits, found.len()), (0, 0));
}

#[test]
fn what_another_scan_did_not_come_to_is_found_after_the_push() {
    let push = Push::new("sha1");
    push.commit(&[("a", "one\n")]);
    push.land(&["main"]);
    let bad = push.commit(&[("s", &format!("{}\n", token(1)))]);
    push.commit(&[("a", "two\n")]);
    let mut input = push.catch(&["main"], true);
    let before = Push::scan(&input).1;
    push.land(&["main"]);
    // The quarantine is gone, and the refs have moved.
    input.environment = ObjectEnvironment::default();
    let (report, found) = Push::scan(&input);
    assert_eq!((report.commits, found.len()), (0, 0));
    input.known = KnownRefs::OwnBefore;
    assert_eq!(Push::scan(&input).1, before);
    input.known = KnownRefs::AllBut(vec![bad]);
    let (report, found) = Push::scan(&input);
    assert_eq!(report.commits, 1);
    assert_eq!((found.len(), found[0].commit), (1, Some(bad)));
    assert_eq!(found[0].novelty, Novelty::Introduced);
}
