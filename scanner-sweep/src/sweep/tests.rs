//! Sweeps over real repositories that change in between.

use super::*;
use crate::store::Which;
use scanner_core::scan::ScanError;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

#[cfg(all(feature = "postgres", target_os = "linux"))]
mod shared;
mod values;

fn rule(id: &str) -> String {
    format!(
        "[[rules]]\nid = \"{id}\"\ndescription = \"x\"\nregex = '''{id}_[a-z0-9]{{16}}'''\n\
         keywords = [\"{id}_\"]\n"
    )
}

fn rules(ids: &[&str]) -> RuleSet {
    let text: String = ids.iter().map(|id| rule(id)).collect();
    RuleSet::parse(&text, "test").unwrap().rules
}

fn token(rule: &str, n: usize) -> String {
    format!("{rule}_{n:016}")
}

struct Make;

impl MakeScanner for Make {
    fn scanner(&self, rules: RuleSet, threads: usize) -> Result<Scanner, ScanError> {
        Scanner::builder().rules(rules).threads(threads).build()
    }
}

/// A directory with repositories, and a store beside them.
struct Farm {
    dir: TempDir,
}

impl Farm {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("repos")).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("repos").join(name)
    }

    fn git(&self, name: &str, args: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.path(name))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C")
            .envs(["AUTHOR", "COMMITTER"].into_iter().flat_map(|who| {
                [
                    (format!("GIT_{who}_NAME"), "Name"),
                    (format!("GIT_{who}_EMAIL"), "name@example.com"),
                    (format!("GIT_{who}_DATE"), "2024-01-02T03:04:05+0000"),
                ]
            }))
            .args(args)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?} in {name}: {error}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn repository(&self, name: &str) {
        self.git("", &["init", "-q", "-b", "main", name]);
        self.commit(name, "readme", "hello\n");
    }

    fn fork(&self, parent: &str, name: &str) {
        self.git("", &["clone", "-q", "--shared", parent, name]);
    }

    fn commit(&self, name: &str, file: &str, content: &str) {
        fs::write(self.path(name).join(file), content).unwrap();
        self.git(name, &["add", "-A"]);
        self.git(name, &["commit", "-q", "--allow-empty", "-m", "message"]);
    }

    fn store_path(&self) -> PathBuf {
        self.dir.path().join("sweep.db")
    }

    fn store(&self) -> Store {
        Store::open(&self.store_path()).unwrap()
    }

    fn discover(&self) -> Vec<Discovered> {
        let mut names: Vec<String> = fs::read_dir(self.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let one = |name: String| Discovered {
            path: self.path(&name),
            key: format!("test:{name}"),
            name,
            project: None,
            family: None,
            web_url: None,
        };
        names.into_iter().map(one).collect()
    }

    fn sweep_with(&self, store: &Store, rules: &RuleSet, full: bool) -> Swept {
        let triage = Triage::new(None);
        let settings = Settings {
            full,
            ..settings(rules, &triage)
        };
        let never = AtomicBool::new(false);
        sweep(
            store,
            &self.discover(),
            &settings,
            &Make,
            &NoSweepObserver,
            &never,
        )
        .unwrap()
    }

    fn sweep(&self, store: &Store) -> Swept {
        self.sweep_with(store, &rules(&["acme"]), false)
    }
}

fn settings<'a>(rules: &'a RuleSet, triage: &'a Triage) -> Settings<'a> {
    Settings {
        rules,
        triage,
        shaping: String::new(),
        decode_depth: 3,
        archives: true,
        threads: 2,
        full: false,
        deadline: None,
        checkpoint_every: Duration::from_secs(3600),
        host: "test".into(),
        worker: Worker {
            name: "test".into(),
            lease: Duration::from_secs(60),
        },
        seal: None,
        found_everything: true,
    }
}

/// What stands in a store of present findings: repository and document.
fn present(store: &Store) -> Vec<(String, String)> {
    let all = store.findings(Which::Present).unwrap();
    all.into_iter()
        .map(|f| (f.repository, f.document))
        .collect()
}

/// What a store that remembers nothing has after one sweep.
fn afresh(farm: &Farm, rules: &RuleSet) -> Vec<(String, String)> {
    let path = farm.dir.path().join("fresh.db");
    for end in ["", "-wal", "-shm", ".lock"] {
        let _ = fs::remove_file(farm.dir.path().join(format!("fresh.db{end}")));
    }
    let store = Store::open(&path).unwrap();
    farm.sweep_with(&store, rules, false);
    present(&store)
}

#[test]
fn what_did_not_change_is_not_read_again() {
    let farm = Farm::new();
    for n in 0..5 {
        farm.repository(&format!("r{n}"));
    }
    farm.commit("r1", "secret", &token("acme", 1));
    let store = farm.store();
    let first = farm.sweep(&store);
    assert_eq!((first.counts.scanned, first.counts.unchanged), (5, 0));
    assert_eq!((first.counts.new_findings, first.counts.objects), (1, 12));
    let second = farm.sweep(&store);
    assert_eq!((second.counts.scanned, second.counts.unchanged), (0, 5));
    assert_eq!((second.counts.new_findings, second.counts.objects), (0, 0));
    farm.commit("r3", "secret", &token("acme", 1));
    let third = farm.sweep(&store);
    assert_eq!((third.counts.scanned, third.counts.unchanged), (1, 4));
    assert_eq!((third.counts.new_findings, third.counts.objects), (1, 2));
    assert_eq!(present(&store), afresh(&farm, &rules(&["acme"])));
}

#[test]
fn what_git_repacks_is_not_scanned_again() {
    let farm = Farm::new();
    farm.repository("r");
    for n in 0..20 {
        farm.commit("r", "file", &format!("line\n{n}\n"));
    }
    farm.commit("r", "secret", &token("acme", 1));
    let store = farm.store();
    farm.sweep(&store);
    farm.git("r", &["gc", "-q", "--prune=now"]);
    let after = farm.sweep(&store);
    // The blob with the secret, and nothing else.
    assert_eq!((after.counts.scanned, after.counts.objects), (1, 1));
    assert_eq!(after.counts.new_findings, 0);
    assert_eq!(farm.sweep(&store).counts.unchanged, 1);
    assert_eq!(present(&store), afresh(&farm, &rules(&["acme"])));
}

#[test]
fn what_forks_share_is_scanned_once_and_found_in_each() {
    let farm = Farm::new();
    farm.repository("parent");
    farm.commit("parent", "secret", &token("acme", 1));
    for n in 0..3 {
        // Named so that forks come first where only names decide.
        farm.fork("parent", &format!("a{n}"));
    }
    farm.commit("a1", "own", &token("acme", 2));
    let store = farm.store();
    let swept = farm.sweep(&store);
    // Two blobs and two commits of the parent, one of each of the one fork; the blob with the
    // secret in each of three forks again.
    assert_eq!(swept.counts.objects, 4 + 2 + 3);
    assert_eq!(swept.counts.new_findings, 5);
    assert_eq!(present(&store), afresh(&farm, &rules(&["acme"])));
}

#[test]
fn only_rules_that_changed_search_again() {
    let farm = Farm::new();
    farm.repository("r");
    farm.commit("r", "one", &token("acme", 1));
    farm.commit("r", "two", &token("beta", 1));
    farm.fork("r", "fork");
    let store = farm.store();
    farm.sweep(&store);
    let both = rules(&["acme", "beta"]);
    let swept = farm.sweep_with(&store, &both, false);
    // In each, the two blobs in which something is found; all others are read by the new rule alone.
    assert_eq!(swept.counts.objects, 4);
    assert_eq!(swept.counts.new_findings, 2);
    assert_eq!(present(&store), afresh(&farm, &both));
    let without = farm.sweep_with(&store, &rules(&["beta"]), false);
    assert_eq!(
        (without.counts.objects, without.counts.gone_findings),
        (4, 2)
    );
    assert_eq!(present(&store), afresh(&farm, &rules(&["beta"])));
}

#[test]
fn a_full_sweep_trusts_nothing_that_is_remembered() {
    let farm = Farm::new();
    farm.repository("r");
    farm.commit("r", "one", &token("acme", 1));
    let store = farm.store();
    let first = farm.sweep(&store);
    let full = farm.sweep_with(&store, &rules(&["acme"]), true);
    assert_eq!(full.counts.objects, first.counts.objects);
    assert_eq!(full.counts.new_findings, 0);
}

#[test]
fn what_is_gone_is_said_and_what_cannot_be_read_is_not_taken_for_gone() {
    let farm = Farm::new();
    for name in ["broken", "deleted", "rewritten", "whole"] {
        farm.repository(name);
        farm.commit(name, "secret", &token("acme", 1));
    }
    let store = farm.store();
    farm.sweep(&store);

    fs::remove_dir_all(farm.path("deleted")).unwrap();
    farm.git("rewritten", &["reset", "-q", "--hard", "HEAD~1"]);
    farm.git("rewritten", &["reflog", "expire", "--expire=now", "--all"]);
    farm.git("rewritten", &["gc", "-q", "--prune=now"]);
    let id = farm.git("broken", &["rev-parse", "HEAD:secret"]);
    let object = farm
        .path("broken")
        .join(".git/objects")
        .join(&id[..2])
        .join(&id[2..]);
    let mut permissions = fs::metadata(&object).unwrap().permissions();
    #[expect(
        clippy::permissions_set_readonly_false,
        reason = "the file is about to be damaged"
    )]
    permissions.set_readonly(false);
    fs::set_permissions(&object, permissions).unwrap();
    fs::write(&object, "damaged").unwrap();
    farm.commit("broken", "more", "more\n");

    let swept = farm.sweep(&store);
    assert_eq!(swept.counts.gone, 1);
    assert_eq!(swept.counts.gone_findings, 2);
    assert_eq!((swept.counts.incomplete, swept.counts.unchanged), (1, 1));
    assert!(
        swept.troubles["broken"].contains("not scanned"),
        "{:?}",
        swept.troubles
    );
    let names: Vec<String> = present(&store).into_iter().map(|f| f.0).collect();
    assert_eq!(names, ["broken", "whole"]);
    // What could not be read is tried again, without anything having changed.
    assert_eq!(farm.sweep(&store).counts.incomplete, 1);
}

#[test]
fn a_directory_that_is_no_repository_stops_nothing() {
    let farm = Farm::new();
    farm.repository("r");
    fs::create_dir(farm.path("empty")).unwrap();
    let store = farm.store();
    let swept = farm.sweep(&store);
    assert_eq!((swept.counts.failed, swept.counts.scanned), (1, 1));
    assert!(swept.troubles.contains_key("empty"));
}

#[test]
fn what_was_done_before_a_stop_is_not_done_again() {
    /// Stops the sweep as soon as one repository is done.
    struct StopAfterOne<'a>(&'a AtomicBool);
    impl SweepObserver for StopAfterOne<'_> {
        fn ended(&self, _: &str, _: &Visited) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let farm = Farm::new();
    for n in 0..4 {
        farm.repository(&format!("r{n}"));
        farm.commit(&format!("r{n}"), "secret", &token("acme", n));
    }
    let store = farm.store();
    let (rules, triage) = (rules(&["acme"]), Triage::new(None));
    let mut settings = settings(&rules, &triage);
    settings.threads = 1;
    let (mut rounds, mut objects) = (0, 0);
    loop {
        let stop = AtomicBool::new(false);
        let swept = sweep(
            &store,
            &farm.discover(),
            &settings,
            &Make,
            &StopAfterOne(&stop),
            &stop,
        )
        .unwrap();
        objects += swept.counts.objects;
        rounds += 1;
        assert!(rounds < 10);
        if !swept.stopped {
            break;
        }
        assert!(swept.counts.left > 0 || swept.counts.unchanged == 3);
    }
    assert!(rounds >= 3, "{rounds}");
    assert_eq!(objects, 16);
    assert_eq!(present(&store), afresh(&farm, &rules));
}

/// Does something to a repository when its scan begins: after it was looked at.
struct Meanwhile<F>(F);

impl<F: Fn(&str) + Sync> SweepObserver for Meanwhile<F> {
    fn begun(&self, name: &str) {
        self.0(name);
    }
}

#[test]
fn what_happens_to_a_repository_during_the_sweep_loses_nothing() {
    let farm = Farm::new();
    for name in ["committed", "deleted", "repacked"] {
        farm.repository(name);
        farm.commit(name, "secret", &token("acme", 1));
    }
    let store = farm.store();
    let (rules, triage) = (rules(&["acme"]), Triage::new(None));
    let meanwhile = Meanwhile(|name: &str| match name {
        "committed" => farm.commit(name, "more", &token("acme", 2)),
        "deleted" => fs::remove_dir_all(farm.path(name)).unwrap(),
        _ => drop(farm.git(name, &["gc", "-q", "--prune=now"])),
    });
    let never = AtomicBool::new(false);
    let settings = settings(&rules, &triage);
    let found = farm.discover();
    let swept = sweep(&store, &found, &settings, &Make, &meanwhile, &never).unwrap();
    assert_eq!((swept.counts.failed, swept.counts.scanned), (1, 2));
    assert!(swept.troubles.contains_key("deleted"));
    // What changed after the look at it is looked at again the next time.
    let again = farm.sweep(&store);
    assert_eq!((again.counts.scanned, again.counts.gone), (2, 1));
    assert_eq!(present(&store), afresh(&farm, &rules));
}

#[test]
fn a_deadline_that_is_over_leaves_all_for_later() {
    let farm = Farm::new();
    farm.repository("r");
    let store = farm.store();
    let (rules, triage) = (rules(&["acme"]), Triage::new(None));
    let mut settings = settings(&rules, &triage);
    settings.deadline = Some(Instant::now());
    let never = AtomicBool::new(false);
    let swept = sweep(
        &store,
        &farm.discover(),
        &settings,
        &Make,
        &NoSweepObserver,
        &never,
    )
    .unwrap();
    assert_eq!((swept.counts.left, swept.stopped), (1, true));
    assert_eq!(store.sweeps(1).unwrap()[0].counts.as_ref().unwrap().left, 1);
}

#[test]
fn no_secret_is_in_the_store() {
    let farm = Farm::new();
    farm.repository("r");
    let token = token("acme", 1);
    farm.commit("r", "secret", &token);
    farm.commit("r", &format!("path-{token}"), &token);
    farm.git(
        "r",
        &[
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            &format!("subject {token}"),
        ],
    );
    let author = format!("A {token} <{token}@example.com>");
    farm.git(
        "r",
        &[
            "commit",
            "-q",
            "--allow-empty",
            "--author",
            &author,
            "-m",
            &token,
        ],
    );
    farm.git("r", &["branch", &format!("branch-{token}")]);
    let store = farm.store();
    farm.sweep(&store);
    assert_eq!(store.findings(Which::Present).unwrap().len(), 1);
    drop(store);
    for end in ["", "-wal"] {
        let file = farm.dir.path().join(format!("sweep.db{end}"));
        let bytes = fs::read(&file).unwrap_or_default();
        assert!(
            !bytes.windows(token.len()).any(|w| w == token.as_bytes()),
            "{}",
            file.display()
        );
    }
}

#[test]
fn one_store_takes_one_sweep_at_a_time() {
    let farm = Farm::new();
    let (one, other) = (farm.store(), farm.store());
    let lock = one.lock().unwrap();
    assert!(matches!(other.lock(), Err(StoreError::InUse(_))));
    drop(lock);
    assert!(other.lock().is_ok());
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_other_files_too() {
    let farm = Farm::new();
    drop(farm.store());
    let connection = rusqlite::Connection::open(farm.store_path()).unwrap();
    connection
        .execute("UPDATE meta SET value = '999' WHERE name = 'schema'", [])
        .unwrap();
    drop(connection);
    assert!(matches!(
        Store::open(&farm.store_path()),
        Err(StoreError::Newer { found: 999, .. })
    ));
    let other = farm.dir.path().join("other");
    fs::write(
        &other,
        "this is no database, and long enough to be seen as none of that kind",
    )
    .unwrap();
    assert!(matches!(Store::open(&other), Err(StoreError::Open { .. })));
}

/// More findings than one statement writes come, stay and go.
fn keeps_many_findings(farm: &Farm, store: &Store) {
    let many: Vec<String> = (0..331).map(|n| token("acme", n)).collect();
    farm.repository("many");
    farm.commit("many", "secrets", &many.join("\n"));
    let swept = farm.sweep(store);
    assert_eq!(swept.counts.new_findings, 331);
    assert_eq!(present(store), afresh(farm, &rules(&["acme"])));
    farm.commit("many", "more", &token("acme", 400));
    assert_eq!(farm.sweep(store).counts.new_findings, 1);
    assert_eq!(present(store), afresh(farm, &rules(&["acme"])));

    farm.git("many", &["reset", "-q", "--hard", "HEAD~2"]);
    farm.commit("many", "some", &many[100..103].join("\n"));
    farm.git("many", &["reflog", "expire", "--expire=now", "--all"]);
    farm.git("many", &["gc", "-q", "--prune=now"]);
    let swept = farm.sweep(store);
    assert_eq!(
        (swept.counts.new_findings, swept.counts.gone_findings),
        (0, 329)
    );
    assert_eq!(present(store), afresh(farm, &rules(&["acme"])));
    let all = store.findings(Which::All).unwrap();
    let gone = all.iter().filter(|f| f.tracked.gone_at.is_some());
    assert_eq!((all.len(), gone.count()), (332, 329));
}

#[test]
fn many_findings_are_kept() {
    let farm = Farm::new();
    keeps_many_findings(&farm, &farm.store());
}

#[test]
fn a_loss_of_power_costs_the_last_transactions_and_no_finding() {
    let farm = Farm::new();
    for n in 0..6 {
        let name = format!("r{n}");
        farm.repository(&name);
        farm.commit(&name, "secret", &token("acme", n));
    }
    let store = farm.store();
    farm.sweep(&store);
    let expected = afresh(&farm, &rules(&["acme"]));
    // What the disk holds when power is lost: the file as it was last synchronised, and of the log
    // after it as much as was written by chance, its last page perhaps in part. Nothing has been moved
    // from the log into the file yet, so that what is lost may be everything.
    let log = farm.store_path().with_extension("db-wal");
    let log = fs::read(log).unwrap();
    assert!(log.len() > 20_000, "{}", log.len());
    let (mut lost, mut kept) = (0, 0);
    for part in 0..=12 {
        let image = farm.dir.path().join(format!("image{part}.db"));
        fs::copy(farm.store_path(), &image).unwrap();
        let mut log = log[..log.len() * part / 12].to_vec();
        let torn = log.len().saturating_sub(100);
        log[torn..].fill(0xA5);
        fs::write(image.with_extension("db-wal"), log).unwrap();
        let store = Store::open(&image).unwrap();
        match present(&store).len() {
            0 => lost += 1,
            _ => kept += 1,
        }
        let swept = farm.sweep(&store);
        assert_eq!(present(&store), expected, "{part}");
        assert_eq!(swept.counts.failed, 0, "{part}");
        assert_eq!(farm.sweep(&store).counts.unchanged, 6, "{part}");
    }
    assert!(lost > 0 && kept > 0, "{lost} {kept}");
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

fn exists(path: &Path) -> bool {
    path.join(".git").exists()
}

#[test]
fn sweep_after_sweep_the_store_says_what_one_sweep_of_it_all_would() {
    for seed in 0..4 {
        let farm = Farm::new();
        says_what_one_sweep_would(&farm, &farm.store(), seed);
    }
}

/// Changes repositories at random and sweeps, again and again.
fn says_what_one_sweep_would(farm: &Farm, store: &Store, seed: u64) {
    let mut numbers = Numbers(seed);
    farm.repository("r0");
    farm.fork("r0", "r1");
    farm.repository("r2");
    let mut used = vec!["acme"];
    for round in 0..5 {
        for _ in 0..numbers.below(5) {
            let name = format!("r{}", numbers.below(3));
            if !exists(&farm.path(&name)) {
                farm.fork("r0", &name);
            }
            match numbers.below(8) {
                0 => drop(farm.git(&name, &["gc", "-q"])),
                1 => drop(farm.git(&name, &["repack", "-q", "-a", "-d", "-l"])),
                2 if name == "r2" => {
                    farm.git(&name, &["reset", "-q", "--hard", "HEAD~0"]);
                    farm.git(&name, &["reflog", "expire", "--expire=now", "--all"]);
                }
                3 if name == "r1" => fs::remove_dir_all(farm.path("r1")).unwrap(),
                _ => {
                    let rule = ["acme", "beta", "none"][numbers.below(3)];
                    let file = format!("f{}", numbers.below(3));
                    farm.commit(&name, &file, &token(rule, numbers.below(4)));
                }
            }
        }
        if round == 3 {
            used.push("beta");
        }
        let rules = rules(&used);
        farm.sweep_with(store, &rules, false);
        assert_eq!(
            present(store),
            afresh(farm, &rules),
            "seed {seed}, round {round}"
        );
    }
}
