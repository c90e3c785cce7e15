//! Calls that are not pushes: dry runs, edits in a browser, merges of pull requests; and what
//! else the hook may be given or not be given: environment and standard input.

use crate::{
    server::{Server, env_file, line_3, short, started, update},
    support::Repo,
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    time::Duration,
};

/// A Bitbucket server that names this trigger.
fn bitbucket(trigger: &str, dry: bool) -> Server {
    let mut server = Server::new();
    server.set_environment(&[
        ("BB_PROJECT_KEY", "PROJ"),
        ("BB_REPO_SLUG", "shop"),
        ("BB_USER_NAME", "alice"),
        ("BB_HOOK_TRIGGER_ID", trigger),
        ("BB_HOOK_TYPE", "PRE"),
        ("BB_IS_DRY_RUN", if dry { "true" } else { "false" }),
        ("BB_MERGE_HASH", ""),
    ]);
    server
}

/// The commits of `client`'s `main` in the server's repository, on no branch of it: as a server
/// has them that keeps no quarantine.
fn without_quarantine(server: &Server, client: &Repo) {
    server.seed(client, &["main:refs/heads/aside"]);
    server.repo.git(&["update-ref", "-d", "refs/heads/aside"]);
}

/// Scenario 24.
#[test]
fn dry_run_without_input_passes_at_once() {
    let server = bitbucket("pull-request-merge", true);
    started(&server);
    let called = server.call("").run();
    called.assert(0, &[]);
    assert_eq!(called.message, "");
    assert_ne!(called.audit.verdict(), "blocked");
    assert!(called.audit.milliseconds() < 8_000, "{:?}", called.audit);
}

/// Scenario 24.
#[test]
fn dry_run_with_input_is_judged() {
    let server = bitbucket("pull-request-merge", true);
    let client = started(&server);
    let old = client.rev("main");
    let new = client.commit_file("app.env", env_file(&client.plant()), "settings");
    without_quarantine(&server, &client);
    let called = server.call(update(&old, &new, "refs/heads/main")).run();
    called.assert(1, &[&line_3("app.env")]);
    assert!(called.audit.milliseconds() < 8_000, "{:?}", called.audit);
}

/// Scenario 25.
#[test]
fn file_edit_with_a_secret_is_blocked_with_a_first_line_that_says_it_all() {
    let server = bitbucket("file-edit", false);
    let client = started(&server);
    let old = client.rev("main");
    let new = client.commit_file("app.env", env_file(&client.plant()), "edited in a browser");
    without_quarantine(&server, &client);
    let called = server.call(update(&old, &new, "refs/heads/main")).run();
    called.assert(1, &[&line_3("app.env"), short(&new)]);
    let first = called.message.lines().next().unwrap();
    assert!(first.contains("blocked"), "{first}");
    assert!(first.contains("app.env:3"), "{first}");
    assert!(first.contains("GitHub"), "{first}");
}

/// Scenario 25.
#[test]
fn merge_of_a_scanned_branch_brings_only_the_merge() {
    let server = bitbucket("pull-request-merge", false);
    let client = started(&server);
    client.git(&["checkout", "-q", "-b", "topic"]);
    client.commit_file("old.env", env_file(&client.plant()), "before the gate");
    client.git(&["checkout", "-q", "main"]);
    client.commit_file("README", "More.\n", "edit");
    server.seed(&client, &["main:refs/heads/main", "topic:refs/heads/topic"]);
    let old = client.rev("main");
    client.git(&["merge", "-q", "--no-ff", "-m", "merge", "topic"]);
    without_quarantine(&server, &client);
    let line = update(&old, &client.rev("main"), "refs/heads/main");
    let called = server.call(line).run();
    called.assert(0, &[]);
    assert_eq!(called.audit.commits(), 1);
    assert!(called.audit.fingerprints().is_empty());
}

/// GitLab shows people in the browser only lines that begin so.
#[test]
fn gitlab_shows_every_line() {
    let mut server = Server::new();
    server.set_environment(&[
        ("GL_ID", "user-1"),
        ("GL_PROJECT_PATH", "group/sub/shop"),
        ("GL_PROTOCOL", "web"),
        ("GL_REPOSITORY", "project-7"),
        ("GL_USERNAME", "alice"),
    ]);
    let client = started(&server);
    client.commit_file("app.env", env_file(&client.plant()), "settings");
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("app.env")]);
    for line in push.message.lines().filter(|line| !line.is_empty()) {
        assert!(line.starts_with("GL-HOOK-ERR:"), "{}", push.message);
    }
    assert_eq!(push.audit.text("/repository"), "group/sub/shop");
    assert_eq!(push.audit.text("/user"), "alice");
    assert_eq!(push.audit.text("/trigger"), "web");
    assert_eq!(push.audit.text("/server"), "gitlab");
}

/// Makes a program that leaves a mark when it runs.
fn trap(dir: &Path) -> (String, std::path::PathBuf) {
    let mark = dir.join("mark");
    let program = dir.join("trap.sh");
    fs::write(&program, format!("#!/bin/sh\ntouch '{}'\n", mark.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (program.to_str().unwrap().to_owned(), mark)
}

/// Scenario 28.
#[test]
fn configuration_of_users_and_repositories_runs_nothing_and_changes_nothing() {
    let server = Server::new();
    let client = started(&server);
    let old = client.rev("main");
    let new = client.commit_file("app.env", env_file(&client.plant()), "settings");
    without_quarantine(&server, &client);
    let home = server.repo.beside("home");
    fs::create_dir(&home).unwrap();
    let (program, mark) = trap(&home);
    let hostile = format!(
        "[core]\n\tfsmonitor = {program}\n\tpager = {program}\n\tsshCommand = {program}\n\
         \thooksPath = {0}\n\tattributesFile = {0}/attributes\n\
         [diff]\n\texternal = {program}\n[filter \"x\"]\n\tsmudge = {program}\n\
         [include]\n\tpath = {0}/absent\n[safe]\n\tdirectory = /nowhere\n[gc]\n\tauto = 1\n",
        home.display()
    );
    fs::write(home.join(".gitconfig"), format!("{hostile}[broken\n")).unwrap();
    let config = server.repo.path().join("config");
    let before = fs::read_to_string(&config).unwrap();
    fs::write(&config, before + &hostile).unwrap();
    let line = update(&old, &new, "refs/heads/main");
    server
        .call(line.clone())
        .env("HOME", &home)
        .run()
        .assert(1, &[&line_3("app.env")]);
    // Nothing but the path of programs, and a locale that has no UTF-8.
    let mut bare = server.call(line).env("LC_ALL", "C");
    for name in ["HOME", "TMPDIR", "LD_LIBRARY_PATH"] {
        bare = bare.without(name);
    }
    bare.run().assert(1, &[&line_3("app.env")]);
    assert!(!mark.exists(), "a program of a configuration ran");
}

/// Scenario 28: git itself refuses to work here ("dubious ownership").
#[test]
fn repository_of_another_user_is_scanned() {
    let server = Server::new();
    let client = started(&server);
    let old = client.rev("main");
    let new = client.commit_file("app.env", env_file(&client.plant()), "settings");
    without_quarantine(&server, &client);
    let line = update(&old, &new, "refs/heads/main");
    // Where the tests do not run as root, nothing changes hands, and this is one more call.
    let _ = chown(server.repo.path(), Some(12_345), Some(12_345));
    server.call(line).run().assert(1, &[&line_3("app.env")]);
}

/// GIT_DIR decides, not the current directory.
#[test]
fn repository_is_where_git_says() {
    let server = Server::new();
    let client = started(&server);
    let old = client.rev("main");
    let new = client.commit_file("app.env", env_file(&client.plant()), "settings");
    without_quarantine(&server, &client);
    let line = update(&old, &new, "refs/heads/main");
    let elsewhere = server.repo.beside("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    server
        .call(line.clone())
        .dir(&elsewhere)
        .env("GIT_DIR", server.repo.path())
        .run()
        .assert(1, &[&line_3("app.env")]);
    server
        .call(line.clone())
        .without("GIT_DIR")
        .run()
        .assert(1, &[&line_3("app.env")]);
    server
        .call(line)
        .dir(&elsewhere)
        .without("GIT_DIR")
        .run()
        .assert(2, &[]);
}

/// Scenario 29.
#[test]
fn empty_input_passes_with_a_note() {
    let server = Server::new();
    started(&server);
    let called = server.call("").run();
    called.assert(0, &[]);
    assert_ne!(called.message, "");
}

/// Scenario 29.
#[test]
fn malformed_input_is_refused_with_the_number_of_its_line() {
    let server = Server::new();
    let client = started(&server);
    let id = client.rev("main");
    let good = update("", &id, "refs/heads/x");
    for bad in [
        format!("{id} {id}\n"),
        format!("{id}\n"),
        "\n".to_owned(),
        format!("{id} zz{} refs/heads/x\n", &id[2..]),
        format!("{} {id} refs/heads/x\n", &id[1..]),
        format!("{id} {id} \n"),
        format!("{id} {} refs/heads/x\n", "0".repeat(64)),
    ] {
        let called = server.call(format!("{good}{good}{bad}")).run();
        called.assert(2, &["line 3"]);
    }
}

/// Scenario 29.
#[test]
fn odd_input_is_read_as_it_is_meant() {
    let server = Server::new();
    let client = started(&server);
    let old = client.rev("main");
    let new = client.commit_file("app.env", env_file(&client.plant()), "settings");
    without_quarantine(&server, &client);
    let line = |name: &[u8]| {
        let mut line = update(&old, &new, "").into_bytes();
        line.pop();
        line.extend(name);
        line
    };
    for name in [
        &b"refs/heads/main"[..],
        b"refs/heads/with space\n",
        b"refs/heads/main\r\n",
        b"refs/heads/\xff\xfe\n",
        b"refs/heads/\x1b[31mred\n",
    ] {
        let called = server.call(line(name)).run();
        called.assert(1, &[&line_3("app.env")]);
    }
}

/// Scenario 29.
#[test]
fn endless_input_is_refused_within_bounds() {
    let server = Server::new();
    let client = started(&server);
    let line = update("", &client.rev("main"), "refs/heads/x");
    let called = server
        .call(line.repeat((100 << 20) / line.len()))
        .once()
        .run();
    called.assert(2, &[]);
    assert!(called.took < Duration::from_secs(10), "{:?}", called.took);
    assert!(called.audit.peak_rss() < 256 << 20, "{:?}", called.audit);
    let called = server.call("a".repeat(100 << 20)).once().run();
    called.assert(2, &[]);
}
