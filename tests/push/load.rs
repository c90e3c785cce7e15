//! Many pushes at once, while git rewrites the packs below them.

use crate::{
    checks,
    server::{Server, env_file, git_in, started},
    support::Repo,
};
use std::{
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
};

/// How many pushes run at once.
fn pushes() -> usize {
    std::env::var("GITSIEVE_TEST_PUSHES").map_or(20, |count| count.parse().unwrap())
}

/// A clone with so many branches, every third of which holds a secret; the names of all.
fn branches(server: &Server, count: usize) -> (Repo, Vec<(String, bool)>) {
    let client = started(server);
    let mut names = Vec::new();
    for number in 0..count {
        let name = format!("topic-{number}");
        client.git(&["checkout", "-q", "-b", &name, "main"]);
        for file in 0..20 {
            client.write(&format!("{name}/{file}.txt"), format!("{number} {file}\n"));
        }
        let guilty = number % 3 == 0;
        if guilty {
            client.write("app.env", env_file(&client.plant()));
        }
        client.commit(&name);
        names.push((name, guilty));
    }
    server.repo.adopt_secrets(&client);
    (client, names)
}

/// Pushes all branches at once; returns for each whether it landed, and what git said.
fn push_all(client: &Repo, pushes: &[(String, &Server)]) -> Vec<(bool, String)> {
    let children: Vec<_> = pushes
        .iter()
        .map(|(name, server)| {
            git_in(client.path())
                .args(["push", "-q", server.repo.path().to_str().unwrap(), name])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    children
        .into_iter()
        .map(|child| {
            let out = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            (out.status.success(), said)
        })
        .collect()
}

/// Fails unless every branch got its own verdict, and each push its line in the log.
fn check(server: &Server, names: &[(String, bool)], said: &[(bool, String)]) {
    for ((name, guilty), (landed, said)) in names.iter().zip(said) {
        assert_eq!(*landed, !guilty, "{name}: {said}");
        if *guilty {
            assert!(said.contains("app.env:3"), "{name}: {said}");
        }
        checks::no_leaks(&server.repo.planted(), &[said.as_bytes()], &[]);
    }
    checks::no_leaks(&server.repo.planted(), &[], &[&server.repo.beside("state")]);
    checks::no_quarantine(server.repo.path());
    checks::empty(&server.state("real").join("tmp"));
    let mut verdicts: Vec<String> = server
        .audit("real")
        .iter()
        .map(|line| line.verdict().to_owned())
        .collect();
    verdicts.sort();
    let mut expected: Vec<&str> = names
        .iter()
        .map(|(_, guilty)| if *guilty { "blocked" } else { "allowed" })
        .collect();
    expected.sort_unstable();
    assert_eq!(verdicts, expected);
    server.repo.git(&["fsck", "--connectivity-only"]);
    let landed = names.iter().filter(|(_, guilty)| !guilty).count();
    assert_eq!(server.refs().lines().count(), landed + 1);
}

/// Scenario 26.
#[test]
fn pushes_at_once_get_the_verdicts_of_pushes_one_by_one() {
    let server = Server::new();
    server.plain_hook();
    let (client, names) = branches(&server, pushes());
    let all: Vec<_> = names
        .iter()
        .map(|(name, _)| (name.clone(), &server))
        .collect();
    let said = push_all(&client, &all);
    check(&server, &names, &said);
}

/// Scenario 26.
#[test]
fn pushes_at_once_to_many_repositories_do_not_disturb_each_other() {
    let servers: Vec<Server> = (0..5).map(|_| Server::new()).collect();
    let (client, names) = branches(&servers[0], pushes());
    for server in &servers {
        server.plain_hook();
        server.seed(&client, &["main:refs/heads/main"]);
    }
    let all: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(number, (name, _))| (name.clone(), &servers[number % 5]))
        .collect();
    let said = push_all(&client, &all);
    for (number, server) in servers.iter().enumerate() {
        let mine = |index: &usize| index % 5 == number;
        let names: Vec<_> = (0..names.len())
            .filter(mine)
            .map(|i| names[i].clone())
            .collect();
        let said: Vec<_> = (0..said.len())
            .filter(mine)
            .map(|i| said[i].clone())
            .collect();
        check(server, &names, &said);
    }
}

/// Scenario 26: packs that vanish while they are read.
#[test]
fn repacking_under_the_hook_changes_no_verdict() {
    let server = Server::new();
    server.plain_hook();
    // Loose objects are git's own race: repack removes a directory that a push is about to fill.
    server.repo.git(&["config", "receive.unpackLimit", "1"]);
    let (client, names) = branches(&server, pushes());
    let done = AtomicBool::new(false);
    let path = server.repo.path();
    let said = std::thread::scope(|scope| {
        let repacking = scope.spawn(|| {
            let mut times = 0;
            while !done.load(Ordering::SeqCst) {
                // One that is disturbed by a push tries again.
                let out = git_in(path).args(["repack", "-adq"]).output().unwrap();
                times += usize::from(out.status.success());
            }
            times
        });
        let mut said = Vec::new();
        for pair in names.chunks(4) {
            let pushes: Vec<_> = pair
                .iter()
                .map(|(name, _)| (name.clone(), &server))
                .collect();
            said.extend(push_all(&client, &pushes));
        }
        done.store(true, Ordering::SeqCst);
        assert!(repacking.join().unwrap() > 0, "nothing was repacked");
        said
    });
    check(&server, &names, &said);
}

/// Scenario 26, as servers are: every push leaves a pack, and every few packs git makes one of
/// them, below those that still read.
#[test]
fn packs_that_come_and_go_change_no_verdict() {
    let server = Server::new();
    server.plain_hook();
    for (key, value) in [
        ("receive.unpackLimit", "1"),
        ("receive.autogc", "true"),
        ("gc.auto", "6700"),
        ("gc.autoPackLimit", "25"),
        ("gc.autoDetach", "false"),
    ] {
        server.repo.git(&["config", key, value]);
    }
    let (client, names) = branches(&server, 5 * pushes());
    let all: Vec<_> = names
        .iter()
        .map(|(name, _)| (name.clone(), &server))
        .collect();
    let said = push_all(&client, &all);
    check(&server, &names, &said);
}
