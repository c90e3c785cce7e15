//! What fails: time runs out, the hook is killed, nothing can be written.

use crate::{
    checks::{self, Doors},
    refs::many_commits,
    server::{Push, Server, env_file, line_3, short, started, update},
    support::{Repo, rng::Rng, sieve::binary},
};
use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::{Duration, Instant},
};

/// Commits that take longer to scan than the deadlines below, even in a release build.
const SLOW: usize = 200;

/// [`SLOW`] commits on `main`, of text that nothing repeats, as `git fast-import` reads them.
static SLOW_COMMITS: LazyLock<String> = LazyLock::new(|| {
    let mut rng = Rng::new(17);
    let mut stream = String::new();
    for number in 0..SLOW {
        let mut content = String::new();
        for _ in 0..8_000 {
            writeln!(
                content,
                "key_{:016x} = token {:016x}",
                rng.next(),
                rng.next()
            )
            .unwrap();
        }
        writeln!(
            stream,
            "commit refs/heads/main\ncommitter C <c@example.org> {} +0000\ndata 4\nslow",
            1_710_000_000 + number
        )
        .unwrap();
        if number == 0 {
            stream += "from refs/heads/main^0\n";
        }
        writeln!(
            stream,
            "M 100644 inline slow/{number}.txt\ndata {}\n{content}",
            content.len()
        )
        .unwrap();
    }
    stream
});

fn slow_commits(client: &Repo) {
    client.git(&["config", "core.compression", "0"]);
    client.git_with(&["fast-import", "--quiet"], SLOW_COMMITS.as_bytes());
    client.git(&["reset", "-q", "--hard", "main"]);
}

/// Deadlines that end a scan of [`slow_commits`] in the middle, and before it began.
const DEADLINES: [&str; 2] = ["40ms", "1ms"];

/// Fails unless the pusher is told how much was left, where that is known.
fn assert_tells_what_is_left(push: &Push) {
    // The deadline may also come while commits are still being listed.
    let commits = push.audit.commits();
    assert!(commits <= SLOW as u64, "{:?}", push.audit);
    if commits == SLOW as u64 {
        push.assert_says(&[&format!("of {SLOW} commits")]);
    }
    if commits > 0 {
        assert!(push.audit.number("/counts/commits_unscanned") > 0);
    }
}

/// Scenario 17.
#[test]
fn deadline_refuses_what_was_not_scanned() {
    for deadline in DEADLINES {
        let server = Server::with_policy(&format!("deadline = \"{deadline}\"\n"));
        let client = started(&server);
        slow_commits(&client);
        let push = server
            .attempt(&client)
            .unrepeatable()
            .doors(Doors::Closed)
            .run(&["main"]);
        push.assert_failed(&["incomplete", "#appsec"]);
        assert_eq!(push.audit.verdict(), "blocked_incomplete");
        assert_tells_what_is_left(&push);
        checks::empty(&server.state("real").join("spool"));
    }
}

/// Scenario 17.
#[test]
fn open_deadline_lets_pass_and_says_so() {
    for deadline in DEADLINES {
        let policy = format!("deadline = \"{deadline}\"\nat-deadline = \"open\"\n");
        let server = Server::with_policy(&policy);
        let client = started(&server);
        slow_commits(&client);
        let push = server
            .attempt(&client)
            .unrepeatable()
            .doors(Doors::Closed)
            .run(&["main"]);
        push.assert_accepted().assert_says(&["scanned"]);
        assert_eq!(push.audit.verdict(), "allowed_incomplete");
        assert_tells_what_is_left(&push);
    }
}

/// Scenario 17: the newest commits first, the rest after the push.
#[test]
fn what_a_deadline_left_is_finished_after_the_push() {
    for deadline in DEADLINES {
        let policy = format!("deadline = \"{deadline}\"\nat-deadline = \"newest-first\"\n");
        let server = Server::with_policy(&policy);
        let client = started(&server);
        let old = client.rev("main");
        let token = client.plant();
        let guilty = client.commit_file("app.env", env_file(&token), "the oldest of them");
        slow_commits(&client);
        let push = server
            .attempt(&client)
            .unrepeatable()
            .doors(Doors::Closed)
            .run(&["main"]);
        push.assert_accepted().assert_says(&["scanned"]);
        assert_eq!(push.audit.verdict(), "allowed_incomplete");
        let spool = server.state("real").join("spool");
        assert_eq!(fs::read_dir(&spool).unwrap().count(), 1, "{deadline}");

        // Where git calls it: the quarantine is gone, and the ref has moved.
        let line = update(&old, &client.rev("main"), "refs/heads/main");
        let called = server.call(line.clone()).hook("post-receive").once().run();
        let said = &called.message;
        assert!(said.contains(&line_3("app.env")), "{deadline}: {said}");
        assert!(said.contains(short(&guilty)), "{deadline}: {said}");
        assert_eq!(called.audit.fingerprints().len(), 1);
        checks::empty(&spool);
        // Nothing is left to do.
        let called = server
            .call(line)
            .hook("post-receive")
            .once()
            .unaudited()
            .run();
        called.assert(0, &[]);
        assert_eq!(called.message, "");
    }
}

/// Scenario 17: a deadline never lets a secret pass that was found.
#[test]
fn secret_that_was_found_in_time_blocks_in_every_mode() {
    for mode in ["closed", "open", "newest-first"] {
        // Long enough for the newest commit, too short for all.
        let policy = format!("deadline = \"100ms\"\nat-deadline = \"{mode}\"\n");
        let server = Server::with_policy(&policy);
        let client = started(&server);
        slow_commits(&client);
        client.commit_file("app.env", env_file(&client.plant()), "the newest of them");
        let push = server
            .attempt(&client)
            .unrepeatable()
            .doors(Doors::Closed)
            .run(&["main"]);
        if mode == "newest-first" {
            push.assert_blocked(&[&line_3("app.env")]);
        }
        assert!(
            push.status == 1 || !push.message.contains("app.env"),
            "{mode}: {}",
            push.client
        );
        // It stops in time: a server kills hooks that do not.
        assert!(push.audit.milliseconds() < 8_000, "{:?}", push.audit);
    }
}

/// The spool is what a closed sandbox leaves open.
#[test]
fn sandboxed_gate_writes_the_spool() {
    let policy = "deadline = \"40ms\"\nat-deadline = \"newest-first\"\n";
    let mut server = Server::with_policy(policy);
    server.set_sandboxed();
    let client = started(&server);
    slow_commits(&client);
    let push = server
        .attempt(&client)
        .unrepeatable()
        .doors(Doors::Closed)
        .run(&["main"]);
    push.assert_accepted().assert_says(&["scanned"]);
    let spool = server.state("real").join("spool");
    assert_eq!(fs::read_dir(&spool).unwrap().count(), 1);
}

/// What cannot be finished later is not let through.
#[test]
fn newest_first_refuses_where_the_spool_cannot_be_written() {
    let policy =
        "deadline = \"1ms\"\nat-deadline = \"newest-first\"\nspool = \"/dev/null/spool\"\n";
    let server = Server::with_policy(policy);
    let client = started(&server);
    slow_commits(&client);
    let push = server
        .attempt(&client)
        .unrepeatable()
        .doors(Doors::Closed)
        .run(&["main"]);
    push.assert_failed(&["/dev/null/spool"]);
}

/// How many pushes are killed; `benches/push.sh` takes 200.
fn kills() -> u64 {
    std::env::var("GITSIEVE_TEST_KILLS").map_or(40, |count| count.parse().unwrap())
}

/// The directory of the hook's run that has begun, once it has.
fn begun(runs: &Path) -> Option<PathBuf> {
    let entry = fs::read_dir(runs).ok()?.next()?.ok()?;
    let started = fs::read_to_string(entry.path().join("pid")).ok()?;
    started.ends_with('\n').then(|| entry.path())
}

/// Scenario 18.
#[test]
fn killed_hook_lets_nothing_pass_and_leaves_nothing() {
    let mut server = Server::new();
    let client = started(&server);
    let token = client.plant();
    many_commits(&client, 300, 150, &token);
    server.repo.adopt_secrets(&client);
    server.plain_hook();
    let before = checks::snapshot(server.repo.path());
    let runs = server.state("runs");
    let url = server.repo.path().to_str().unwrap().to_owned();
    let mut rng = Rng::new(18);
    let (mut killed, mut finished) = (0, 0);
    for number in 0..kills() {
        drop(fs::remove_dir_all(&runs));
        let mut push = crate::server::git_in(client.path());
        push.args(["push", "-q", &url, "main"])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped());
        let child = push.spawn().unwrap();
        let started = Instant::now();
        let run = loop {
            if let Some(run) = begun(&runs) {
                break run;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "no hook runs");
            std::thread::sleep(Duration::from_micros(200));
        };
        std::thread::sleep(Duration::from_micros(rng.below(60_000) as u64));
        // The command, or the script that waits for it.
        let victim = if number % 4 == 3 {
            run.file_name().unwrap().to_str().unwrap().to_owned()
        } else {
            fs::read_to_string(run.join("pid"))
                .unwrap()
                .trim()
                .to_owned()
        };
        let kill = Command::new("kill").args(["-9", &victim]).output().unwrap();
        if kill.status.success() {
            killed += 1;
        } else {
            finished += 1;
        }
        let out = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success(), "push {number} landed: {said}");
        assert!(said.contains("pre-receive hook declined"), "{said}");
        checks::no_quarantine(server.repo.path());
        checks::unchanged(&before, &checks::snapshot(server.repo.path()));
        checks::no_leaks(
            &server.repo.planted(),
            &[&out.stderr],
            &[&server.repo.beside("state")],
        );
        // Fails on a line that is cut.
        server.audit("real");
    }
    assert!(killed > 0, "all {finished} had finished");
    // Another run clears away what the killed ones left.
    server.set_environment(&[]);
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&["github-pat"]);
    checks::empty(&server.state("real").join("spool"));
}

/// Makes everything below `dir` writable by nobody, or as before by its owner.
fn set_writable(dir: &Path, writable: bool) {
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        let mode = if writable { 0o755 } else { 0o555 };
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
        for entry in fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                dirs.push(entry.path());
            }
        }
    }
}

/// Whether the tests run as root, whom permissions do not bind.
fn is_root() -> bool {
    Path::new("/proc/self")
        .metadata()
        .is_ok_and(|info| std::os::unix::fs::MetadataExt::uid(&info) == 0)
}

/// Scenario 27: as a user who can write neither the repository nor the temporary directory.
#[test]
fn nothing_needs_to_be_written_but_the_audit_line() {
    let server = Server::new();
    let client = started(&server);
    let old = client.rev("main");
    let new = client.commit_file("app.env", env_file(&client.plant()), "settings");
    server.seed(&client, &["main:refs/heads/aside"]);
    server.repo.git(&["update-ref", "-d", "refs/heads/aside"]);
    let line = update(&old, &new, "refs/heads/main");

    let holder = server.repo.path().parent().unwrap();
    // Whoever runs the hook reads everything and writes the log.
    fs::set_permissions(holder, fs::Permissions::from_mode(0o755)).unwrap();
    for run in ["one", "four", "real"] {
        let log = server.state(run).join("log");
        fs::set_permissions(&log, fs::Permissions::from_mode(0o777)).unwrap();
    }
    set_writable(server.repo.path(), false);
    let nowhere = server.repo.beside("nowhere");
    let program = holder.join("gitsieve");
    fs::copy(binary(), &program).unwrap();
    let mut call = server.call(line).program(&program).env("TMPDIR", &nowhere);
    if is_root() {
        let words = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ];
        call = call.by(&words);
    }
    let called = call.run();
    set_writable(server.repo.path(), true);
    called.assert(1, &[&line_3("app.env")]);
}

/// Scenario 27: the device that is always full.
#[test]
fn audit_line_that_cannot_be_written_refuses_only_where_it_is_required() {
    for (required, accepted) in [
        ("", true),
        ("required = false\n", true),
        ("required = true\n", false),
    ] {
        for path in ["/dev/full", "/dev/null/audit.jsonl"] {
            let server = Server::with_policy(&format!("[audit]\npath = \"{path}\"\n{required}"));
            let client = started(&server);
            client.commit_file("README", "More.\n", "edit");
            let push = server.attempt(&client).unaudited().run(&["main"]);
            assert_eq!(
                push.accepted, accepted,
                "{path} {required}: {}",
                push.client
            );
            if !accepted {
                push.assert_failed(&["audit"]);
            }
        }
    }
}

/// A log that cannot be written never lets a secret pass.
#[test]
fn secret_blocks_whatever_becomes_of_the_audit_line() {
    let server = Server::with_policy("[audit]\npath = \"/dev/full\"\n");
    let client = started(&server);
    client.commit_file("app.env", env_file(&client.plant()), "settings");
    let push = server.attempt(&client).unaudited().run(&["main"]);
    push.assert_blocked(&[&line_3("app.env")]);
}

/// The same verdicts from a process that may neither write the repository nor reach a network.
#[test]
fn sandboxed_hook_says_the_same() {
    let server = Server::new();
    let client = started(&server);
    let old = client.rev("main");
    let new = client.commit_file("app.env", env_file(&client.plant()), "settings");
    server.seed(&client, &["main:refs/heads/aside"]);
    server.repo.git(&["update-ref", "-d", "refs/heads/aside"]);
    let line = update(&old, &new, "refs/heads/main");
    let plain = server.call(line.clone()).run();
    let boxed = server.call(line).sandboxed().run();
    boxed.assert(1, &[&line_3("app.env")]);
    assert_eq!(boxed.message, plain.message);
}
