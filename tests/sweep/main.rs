//! Black-box tests of `gitsieve sweep`: what it finds over many repositories, what it remembers, and
//! that nothing is lost when it is killed or the disk is full.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    unreachable_pub,
    reason = "a test target is not a library: nothing is reachable"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "shared with test targets that use other parts of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod deploy;
#[cfg(target_os = "linux")]
mod nice;
#[cfg(unix)]
mod rest;
mod values;
#[cfg(all(feature = "postgres", target_os = "linux"))]
mod workers;

use serde_json::Value;
use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use support::{
    Sieve, plant,
    repo::hermetic_git,
    rng::Rng,
    sieve::{Run, binary, clear_environment, contains, leaks},
};
use tempfile::TempDir;

/// Bare repositories in a directory, and a store beside it.
struct Farm {
    dir: TempDir,
    secrets: Vec<String>,
}

impl Farm {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("repos")).unwrap();
        Self {
            dir,
            secrets: Vec::new(),
        }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("repos")
    }

    fn git(&self, below: &str, args: &[&str]) {
        let output = hermetic_git(&self.root().join(below), 1_700_000_000)
            .args(args)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Makes a bare repository with one commit of a file that holds a new secret.
    fn add(&mut self, name: &str) -> String {
        let token = plant::github_token(&mut Rng::new(self.secrets.len() as u64 + 1));
        self.add_file(name, &format!("TOKEN={token}\n"));
        self.secrets.push(token.clone());
        token
    }

    /// Makes a bare repository with one commit of a file.
    fn add_file(&self, name: &str, content: &str) {
        let clone = self.dir.path().join("clone");
        let _ = fs::remove_dir_all(&clone);
        fs::create_dir_all(self.root().join(name)).unwrap();
        self.git(name, &["init", "-q", "--bare", "-b", "main"]);
        self.git("..", &["init", "-q", "-b", "main", "clone"]);
        fs::write(clone.join("deploy.sh"), content).unwrap();
        self.git("../clone", &["add", "-A"]);
        self.git("../clone", &["commit", "-q", "-m", "message"]);
        let to = self.root().join(name);
        self.git("../clone", &["push", "-q", to.to_str().unwrap(), "main"]);
    }

    /// Gives a repository a commit that brings so many files of 12 KB.
    fn add_blobs(&self, name: &str, count: usize) {
        let mut rng = Rng::new(5);
        let mut stream = String::from("reset refs/heads/main\nfrom refs/heads/main^0\n");
        stream.push_str("commit refs/heads/main\ncommitter C <c@example.org> 1700000000 +0000\n");
        stream.push_str("data 1\nm\nfrom refs/heads/main^0\n");
        for n in 0..count {
            let text = format!("{n}\n{}", rng.text(b"abcdefgh \n", 12_000));
            writeln!(stream, "M 100644 inline f{n}\ndata {}\n{text}", text.len()).unwrap();
        }
        let mut import = hermetic_git(&self.root().join(name), 1_700_000_000)
            .args(["fast-import", "--quiet"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = import.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, stream.as_bytes()).unwrap();
        drop(input);
        assert!(import.wait().unwrap().success());
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("sweep.db")
    }

    fn run(&self, args: &[&str]) -> Run {
        let mut all = vec!["sweep"];
        all.extend_from_slice(args);
        Sieve::new(&all)
            .variable("GITSIEVE_STORE", self.store())
            .hiding(self.secrets.clone())
            .run()
    }

    /// Starts a sweep that may be killed; nobody hears what it says.
    fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(binary());
        clear_environment(&mut command);
        command
            .arg("sweep")
            .arg(self.root())
            .args(args)
            .env("GITSIEVE_STORE", self.store())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn sweep(&self, args: &[&str]) -> Run {
        let root = self.root();
        let mut all = vec![root.to_str().unwrap()];
        all.extend_from_slice(args);
        self.run(&all)
    }

    fn json(&self, args: &[&str]) -> Value {
        let run = self.run(args);
        serde_json::from_slice(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", run.stderr))
    }

    /// Findings that a store which remembers nothing has after one sweep.
    fn afresh(&self) -> Value {
        let store = self.dir.path().join("fresh.db");
        let (root, store) = (self.root(), store.to_str().unwrap().to_owned());
        let run = self.run(&[root.to_str().unwrap(), "--store", &store]);
        assert!(run.status <= 1, "{}", run.stderr);
        self.json(&["report", "--store", &store, "-f", "json"])["findings"].take()
    }

    fn known(&self) -> Value {
        self.json(&["report", "-f", "json"])["findings"].take()
    }
}

fn paths(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let occurrences = findings
        .iter()
        .flat_map(|f| f["occurrences"].as_array().unwrap());
    let mut paths: Vec<String> = occurrences
        .map(|o| o["path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_sweep_reports_what_is_new_and_the_store_what_there_is() {
    let mut farm = Farm::new();
    farm.add("a.git");
    farm.add("team/b.git");
    let run = farm.sweep(&["-f", "json"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 2);
    assert!(run.stderr.contains("2 scanned") && run.stderr.contains("2 new findings"));

    let run = farm.sweep(&["-f", "json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 0);
    assert!(
        run.stderr.contains("2 unchanged, 0 scanned"),
        "{}",
        run.stderr
    );

    farm.add("c.git");
    let run = farm.sweep(&["-f", "json"]);
    assert_eq!(run.status, 1);
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    let new = paths(&report);
    assert!(
        new.len() == 1 && new[0].ends_with("c.git/deploy.sh"),
        "{new:?}"
    );

    let all = farm.json(&["report", "-f", "json"]);
    let all = paths(&all);
    assert_eq!(all.len(), 3);
    // As Gitea would lay it out, and so by owner and name.
    assert_eq!(all[2], "team/b/deploy.sh");
    assert_eq!(paths(&farm.json(&["report", "--new", "-f", "json"])), new);
    let some = farm.json(&["report", "--exclude", "team/*", "-f", "json"]);
    assert_eq!(paths(&some).len(), 2);
    for format in ["human", "sarif", "html", "csv", "jsonl", "markdown"] {
        let run = farm.run(&["report", "-f", format]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(
            String::from_utf8_lossy(&run.stdout).contains("deploy.sh"),
            "{format}"
        );
    }

    let status = farm.json(&["status", "-f", "json"]);
    assert_eq!(status["totals"]["repositories"], 3);
    assert_eq!(status["totals"]["open"]["critical"], 3);
    assert_eq!(status["sweeps"][0]["counts"]["unchanged"], 2);
    assert_eq!(status["sweeps"].as_array().unwrap().len(), 3);
    let run = farm.run(&["status"]);
    assert!(String::from_utf8_lossy(&run.stdout).contains("3 critical"));

    let weeks = farm.json(&["status", "--weeks", "2", "-f", "json"])["weeks"].take();
    let week = |n: usize| ["new", "removed", "in_tips"].map(|key| weeks[n][key].as_u64().unwrap());
    assert_eq!(week(0), [0, 0, 0]);
    assert_eq!(week(1), [3, 0, 3]);
    let since = |day: &str| paths(&farm.json(&["report", "--since", day, "-f", "json"])).len();
    assert_eq!((since("2020-02-29"), since("2999-01-01")), (3, 0));
}

#[test]
fn metrics_are_written_for_operators() {
    let mut farm = Farm::new();
    farm.add("a.git");
    let file = farm.dir.path().join("gitsieve.prom");
    farm.sweep(&["--metrics-file", file.to_str().unwrap()]);
    let text = fs::read_to_string(file).unwrap();
    for line in [
        "gitsieve_repositories 1",
        "gitsieve_findings_open{severity=\"critical\"} 1",
        "gitsieve_sweep_repositories{outcome=\"complete\"} 1",
        "gitsieve_sweep_new_findings 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    // Every sample follows the two lines about its metric.
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(text.contains(&format!("# TYPE {name} gauge\n")), "{name}");
    }
}

#[test]
fn repositories_of_bitbucket_go_by_project_and_name() {
    let mut farm = Farm::new();
    let below = "home/shared/data/repositories/17";
    farm.add(below);
    let config =
        "[bitbucket]\n\thierarchy = 0123456789abcdef0123\n\tproject = PAY\n\trepository = ledger\n";
    fs::write(farm.root().join(below).join("repository-config"), config).unwrap();
    let home = farm.root().join("home");
    let run = farm.run(&["--bitbucket-home", home.to_str().unwrap(), "-f", "json"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(paths(&report), ["PAY/ledger/deploy.sh"]);
}

#[test]
fn decisions_of_people_count_and_a_changed_one_is_noticed() {
    let mut farm = Farm::new();
    farm.add("a.git");
    let report = farm.dir.path().join("report.json");
    farm.sweep(&["-f", "json", "-o", report.to_str().unwrap()]);
    let baseline = farm.dir.path().join("baseline.jsonl");
    let made = Sieve::new(&[
        "baseline",
        "create",
        "--from",
        report.to_str().unwrap(),
        "--baseline",
        baseline.to_str().unwrap(),
        "--reason",
        "rotated",
    ])
    .run();
    assert_eq!(made.status, 0, "{}", made.stderr);
    let run = farm.sweep(&["--baseline", baseline.to_str().unwrap()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let status = farm.json(&["status", "-f", "json"]);
    assert_eq!(status["totals"]["suppressed"], 1);
    farm.sweep(&[]);
    assert_eq!(
        farm.json(&["status", "-f", "json"])["totals"]["suppressed"],
        0
    );
}

#[test]
fn what_cannot_be_read_costs_the_status_and_stops_nothing() {
    let mut farm = Farm::new();
    farm.add("a.git");
    farm.add("b.git");
    farm.sweep(&[]);
    let head = farm.root().join("a.git/HEAD");
    fs::remove_file(&head).unwrap();
    let run = farm.sweep(&["--list", list(&farm, &["a.git", "b.git"]).to_str().unwrap()]);
    assert_eq!(run.status, 3, "{}", run.stderr);
    assert!(run.stderr.contains("a.git"), "{}", run.stderr);
    assert_eq!(
        farm.known().as_array().unwrap().len(),
        2,
        "nothing is taken for gone"
    );
}

fn list(farm: &Farm, names: &[&str]) -> PathBuf {
    let file = farm.dir.path().join("list");
    let paths: Vec<String> = names
        .iter()
        .map(|name| farm.root().join(name).display().to_string())
        .collect();
    fs::write(&file, paths.join("\n")).unwrap();
    file
}

#[test]
fn a_sweep_that_is_killed_goes_on_where_it_was() {
    let mut farm = Farm::new();
    for n in 0..12 {
        farm.add(&format!("r{n:02}.git"));
    }
    let mut whole = Duration::from_millis(400);
    for round in 0..8_u32 {
        let mut child = farm.start(&["--threads", "1"]);
        std::thread::sleep(whole * (round + 1) / 16);
        child.kill().unwrap();
        child.wait().unwrap();
        whole += Duration::from_millis(20);
    }
    let run = farm.sweep(&[]);
    assert!(run.status <= 1, "{}", run.stderr);
    assert_eq!(farm.known(), farm.afresh());
    assert_eq!(farm.known().as_array().unwrap().len(), 12);
}

#[test]
fn a_sweep_that_is_killed_inside_a_large_repository_does_not_begin_it_again() {
    const BLOBS: usize = 3_000;
    let mut farm = Farm::new();
    let token = farm.add("large.git");
    farm.add_blobs("large.git", BLOBS);

    let began = std::time::Instant::now();
    let whole = farm.afresh();
    let time = began.elapsed();
    assert!(whole.to_string().contains("deploy.sh") && !whole.to_string().contains(&token));
    let mut again = u64::MAX;
    for quarter in 1..4 {
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(farm.dir.path().join(format!("sweep.db{end}")));
        }
        let mut child = farm.start(&["--checkpoint", "20ms"]);
        std::thread::sleep(time * quarter / 4);
        child.kill().unwrap();
        child.wait().unwrap();
        farm.sweep(&[]);
        assert_eq!(farm.known(), whole);
        let status = farm.json(&["status", "-f", "json"]);
        again = again.min(status["sweeps"][0]["counts"]["objects"].as_u64().unwrap());
    }
    assert!(again < BLOBS as u64, "{again} objects were scanned again");
}

#[test]
fn a_disk_that_is_full_ends_the_sweep_and_costs_nothing_that_was_done() {
    let mut farm = Farm::new();
    for n in 0..6 {
        farm.add(&format!("r{n}.git"));
    }
    // A limit on the size of files, whose signal is ignored, looks like a full disk.
    let mut command = Command::new("sh");
    clear_environment(&mut command);
    let output = command
        .args(["-c", "trap '' XFSZ; ulimit -f 150; exec \"$0\" \"$@\""])
        .arg(binary())
        .arg("sweep")
        .arg(farm.root())
        .env("GITSIEVE_STORE", farm.store())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("the store"), "{error}");
    assert!(
        farm.secrets
            .iter()
            .all(|secret| !leaks(&output.stderr, secret))
    );
    let run = farm.sweep(&[]);
    assert!(run.status <= 1, "{}", run.stderr);
    assert_eq!(farm.known(), farm.afresh());
}

#[test]
fn mistakes_are_told_before_anything_is_done() {
    let farm = Farm::new();
    for (args, word) in [
        (&[][..], "nothing to sweep"),
        (&["/nowhere/at/all"][..], "/nowhere/at/all"),
        (&["--bitbucket-workspace", "team"][..], "--mirrors"),
        (&["report"][..], "no store"),
        (&["status", "-f", "sarif"][..], "formats human and json"),
        (&[".", "--include", "["][..], "--include"),
        (&[".", "--store", "mysql://host/db"][..], "--store"),
        (&[".", "--shard", "3/3"][..], "0/3"),
        (&["report", "--since", "2025-02-29"][..], "--since"),
    ] {
        let run = farm.run(args);
        assert_eq!(run.status, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(word), "{args:?}: {}", run.stderr);
    }
    assert!(!farm.store().exists());
}
