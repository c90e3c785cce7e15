//! Hooks that `gitsieve hook install` put in place, as git runs them: on a server beside a hook
//! that was there, and in a clone before a commit and before a push.

use crate::{
    checks,
    server::{Server, env_file, line_3, quoted, started},
    support::{Repo, Sieve},
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Runs `gitsieve hook ARGS PATH`, which must succeed.
fn hook(args: &[&str], path: &Path) {
    let mut all = vec!["hook"];
    all.extend(args);
    all.push(path.to_str().unwrap());
    let run = Sieve::new(&all).run();
    assert_eq!(run.status, 0, "{all:?}: {}", run.stderr);
}

/// Puts a script in place of a hook.
fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Pushes; returns whether it landed and what git said, in which no secret may show.
fn push(client: &Repo, args: &[&str]) -> (bool, String) {
    let out = client.try_git(&[&["push"], args].concat(), b"");
    checks::no_leaks(&client.planted(), &[&out.stdout, &out.stderr], &[]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    (out.status.success(), said)
}

#[test]
fn installed_gate_runs_beside_the_hook_that_was_there() {
    let server = Server::new();
    let client = started(&server);
    let path = server.repo.path();
    let mark = server.repo.beside("mark");
    let earlier = path.join("hooks/pre-receive");
    script(&earlier, &format!("cat >{}", quoted(&mark)));
    let before = fs::read(&earlier).unwrap();
    let policy = server.policy_file("real");
    let policy = policy.to_str().unwrap();
    for _ in 0..2 {
        hook(&["install", "--pre-receive", "--policy", policy], path);
    }
    let url = path.to_str().unwrap();
    client.commit_file("app.env", env_file(&client.plant()), "settings");
    let (landed, said) = push(&client, &[url, "main"]);
    assert!(!landed && said.contains(&line_3("app.env")), "{said}");
    let input = fs::read_to_string(&mark).unwrap();
    assert_eq!(input.lines().count(), 1, "{input}");

    client.git(&["reset", "-q", "--hard", "main~1"]);
    client.commit_file("README", "More.\n", "edit");
    let (landed, said) = push(&client, &[url, "main"]);
    assert!(landed, "{said}");

    // A hook that was there and refuses, refuses still.
    hook(&["uninstall", "--pre-receive"], path);
    assert_eq!(fs::read(&earlier).unwrap(), before);
    script(&earlier, "echo no reason; exit 1");
    hook(&["install", "--pre-receive", "--policy", policy], path);
    client.commit_file("README", "Even more.\n", "edit");
    let (landed, said) = push(&client, &[url, "main"]);
    assert!(!landed && said.contains("no reason"), "{said}");
    hook(&["uninstall", "--pre-receive"], path);
    fs::remove_file(&earlier).unwrap();
    let (landed, said) = push(&client, &[url, "main"]);
    assert!(landed, "{said}");
}

#[test]
fn pre_push_stops_what_the_remote_lacks() {
    let server = Server::new();
    fs::remove_file(server.repo.path().join("hooks/pre-receive")).unwrap();
    let client = started(&server);
    let url = server.repo.path().to_str().unwrap();
    client.git(&["remote", "add", "origin", url]);
    client.git(&["fetch", "-q", "origin"]);
    hook(&["install", "--pre-push"], client.path());
    let (landed, said) = push(&client, &["-q", "origin", "main"]);
    assert!(landed, "{said}");

    let guilty = client.commit_file("app.env", env_file(&client.plant()), "settings");
    client.remove("app.env");
    client.commit("and gone");
    for refspec in ["main", "main:refs/heads/new", "main~1:refs/tags/v1"] {
        let (landed, said) = push(&client, &["-q", "origin", refspec]);
        assert!(!landed, "{refspec}: {said}");
        assert!(said.contains(&line_3("app.env")), "{refspec}: {said}");
        assert!(said.contains(&guilty[..7]), "{refspec}: {said}");
    }
    // To an address that has no name here, which leaves nothing known.
    let (landed, said) = push(&client, &["-q", url, "main"]);
    assert!(!landed && said.contains(&line_3("app.env")), "{said}");
    assert_eq!(server.refs().lines().count(), 1);

    // What the remote has is no longer the push's.
    let (landed, said) = push(&client, &["-q", "--no-verify", "origin", "main"]);
    assert!(landed, "{said}");
    client.commit_file("README", "More.\n", "edit");
    let (landed, said) = push(&client, &["-q", "origin", "main", "main:refs/heads/new"]);
    assert!(landed, "{said}");
    let (landed, said) = push(&client, &["-q", "origin", ":new"]);
    assert!(landed, "{said}");
}

#[test]
fn pre_commit_stops_what_is_staged() {
    let client = Repo::init();
    client.commit_file("README", "An example.\n", "start");
    hook(&["install", "--pre-commit"], client.path());
    client.write("app.env", env_file(&client.plant()));
    client.git(&["add", "-A"]);
    // The file is clean again, and what is staged is not.
    client.write("app.env", "name = example\n");
    let out = client.try_git(&["commit", "-q", "-m", "settings"], b"");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    checks::no_leaks(&client.planted(), &[&out.stdout, &out.stderr], &[]);
    assert!(!out.status.success(), "{said}");
    assert!(said.contains(&line_3("app.env")), "{said}");
    client.git(&["add", "-A"]);
    client.git(&["commit", "-q", "-m", "settings"]);
}
