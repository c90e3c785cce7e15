//! Where the objects of a push lie: in a quarantine, loose or packed, in the repository, in
//! another one; and what they may look like.

use crate::{
    checks::Doors,
    server::{Server, env_file, line_3, short, started, update},
    support::{ObjectFormat, Repo, repo::rewrite, rng::Rng},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Scenario 11: git keeps up to 99 objects of a push loose.
#[test]
fn loose_objects_in_quarantine_are_found() {
    let server = Server::new();
    let client = started(&server);
    let commit = client.commit_file("app.env", env_file(&client.plant()), "settings");
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("app.env"), short(&commit)]);
}

/// Scenario 11: a pack of 100 objects and more is kept, completed with what it refers to.
#[test]
fn thin_pack_in_quarantine_is_found() {
    let server = Server::new();
    let client = started(&server);
    let mut rng = Rng::new(11);
    let mut long: Vec<String> = (0..400).map(|_| rng.text(b"etaoin shrdlu", 60)).collect();
    client.commit_file("long.txt", long.join("\n"), "a long text");
    server.seed(&client, &["main:refs/heads/main"]);
    // Its only new line comes as a delta against what the server has.
    long.insert(200, format!("token = {}", client.plant()));
    client.write("long.txt", long.join("\n"));
    for number in 0..120 {
        client.write(&format!("many/{number}"), format!("{number}\n"));
    }
    let commit = client.commit("a secret among many");
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&["long.txt:201", short(&commit)]);
    // What the pack was completed with may be among them.
    assert!((121..=122).contains(&push.audit.blobs()));
    // And the same as a pack although it is small.
    server.repo.git(&["config", "receive.unpackLimit", "1"]);
    client.git(&["reset", "-q", "--hard", "main~1"]);
    let commit = client.commit_file("app.env", env_file(&client.plant()), "settings");
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("app.env"), short(&commit)]);
}

/// Scenario 11: what a thin pack was completed with is not the push's.
#[test]
fn base_of_a_delta_is_not_what_the_push_brings() {
    let server = Server::new();
    let client = started(&server);
    let mut rng = Rng::new(12);
    let mut long: Vec<String> = (0..400).map(|_| rng.text(b"etaoin shrdlu", 60)).collect();
    long.insert(200, format!("token = {}", client.plant()));
    client.commit_file("long.txt", long.join("\n"), "before the gate");
    server.seed(&client, &["main:refs/heads/main"]);
    long.remove(200);
    client.write("long.txt", long.join("\n"));
    for number in 0..120 {
        client.write(&format!("many/{number}"), format!("{number}\n"));
    }
    client.commit("take the secret out");
    let push = server.push(&client, &["main"]);
    push.assert_accepted().assert_silent();
    assert!(push.audit.fingerprints().is_empty());
}

/// A parent repository, a fork that borrows its objects, and a clone with a commit that the
/// parent has on `main` and the fork has not.
fn fork(name: &str, parent_name: &str, policy: &str) -> (Server, Server, Repo) {
    let parent = Server::at(parent_name, ObjectFormat::Sha1, "");
    let client = started(&parent);
    let fork = Server::at(name, ObjectFormat::Sha1, policy);
    borrow(&fork.repo, &parent.repo.objects());
    fork.seed(&client, &["main:refs/heads/main"]);
    client.commit_file("app.env", env_file(&client.plant()), "before the gate");
    parent.seed(&client, &["main:refs/heads/main"]);
    (parent, fork, client)
}

fn borrow(repo: &Repo, objects: &Path) {
    let file = repo.objects().join("info/alternates");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!("{}\n", objects.display())).unwrap();
}

/// Scenario 12: what the parent has never comes over the wire, and is new to the fork all the same.
#[test]
fn commit_of_the_parent_is_new_to_a_fork() {
    let (_parent, fork, client) = fork("fork.git", "parent.git", "");
    let push = fork.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("app.env"), short(&client.rev("main"))]);
    assert_eq!(push.audit.commits(), 1);
}

/// Scenario 12, with a process that may read only where objects are.
#[test]
fn sandboxed_gate_finds_what_a_fork_borrows() {
    let (_parent, mut fork, client) = fork("fork.git", "parent.git", "");
    fork.set_sandboxed();
    let push = fork.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("app.env"), short(&client.rev("main"))]);
    assert_ne!(push.audit.text("/sandbox"), "off");
    client.git(&["reset", "-q", "--hard", "main~1"]);
    client.commit_file("README", "More.\n", "edit");
    let push = fork.push(&client, &["main"]);
    push.assert_accepted().assert_silent();
}

/// Scenario 12.
#[test]
fn commit_of_the_parent_is_known_where_the_policy_trusts_it() {
    let policy = "trust-alternate-refs = true\n";
    let (_parent, fork, client) = fork("fork.git", "parent.git", policy);
    let push = fork.attempt(&client).doors(Doors::Closed).run(&["main"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 0);
    // What the parent has not is new in any case.
    client.commit_file("own.env", env_file(&client.plant()), "own");
    let push = fork.attempt(&client).doors(Doors::Closed).run(&["main"]);
    push.assert_blocked(&[&line_3("own.env")]);
}

/// Scenarios 12 and 13: git quotes a path in the list of alternates that holds a colon.
#[test]
fn alternates_with_odd_paths_are_found() {
    for (name, parent) in [
        ("a fork.git", "the parent.git"),
        ("a:b/fork.git", "c:d/parent.git"),
        ("\"q/fork.git", "\"r/parent.git"),
        ("back\\slash/fork.git", "e\\f/parent.git"),
    ] {
        let (_parent, fork, client) = fork(name, parent, "");
        let push = fork.push(&client, &["main"]);
        push.assert_blocked(&[&line_3("app.env")]);
        client.git(&["reset", "-q", "--hard", "main~1"]);
        client.commit_file("README", "More.\n", "edit");
        fork.push(&client, &["main"]).assert_accepted();
    }
}

/// Scenario 12: relative paths, and a fork of a fork.
#[test]
fn alternates_of_alternates_are_found() {
    let (parent, middle, client) = fork("middle.git", "parent.git", "");
    let holder = parent.repo.path().parent().unwrap();
    let target = holder.join("alias");
    std::os::unix::fs::symlink(middle.repo.path(), &target).unwrap();
    let leaf = Server::at("leaf.git", ObjectFormat::Sha1, "");
    let up = "../".repeat(leaf.repo.objects().components().count() - 1);
    let relative = format!(
        "{up}{}",
        target.join("objects").strip_prefix("/").unwrap().display()
    );
    borrow(&leaf.repo, Path::new(&relative));
    let push = leaf.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("app.env")]);
}

/// Scenario 12.
#[test]
fn missing_alternate_is_an_error_that_names_what_is_missing() {
    let (parent, fork, client) = fork("fork.git", "parent.git", "");
    let line = update(
        &client.rev("main~1"),
        &client.rev("main"),
        "refs/heads/main",
    );
    let aside = parent.repo.beside("aside");
    fs::rename(parent.repo.path(), &aside).unwrap();
    let called = fork.call(line).run();
    called.assert(2, &[]);
    assert!(
        called.message.contains(&client.rev("main")) || called.message.contains("parent.git"),
        "{}",
        called.message
    );
    fs::rename(&aside, parent.repo.path()).unwrap();
}

/// Copies the objects that `client` has and `server` has not to a directory of their own, as a
/// quarantine holds them.
fn quarantine(server: &Server, client: &Repo, name: &str) -> PathBuf {
    let dir = server.repo.beside(name);
    for id in client
        .git(&[
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objectname)",
        ])
        .lines()
    {
        if !server.has(id) {
            let file = client.loose_file(id);
            let to = dir.join(&id[..2]).join(&id[2..]);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(file, to).unwrap();
        }
    }
    dir
}

/// Scenario 13.
#[test]
fn lists_of_alternates_are_read_as_git_writes_them() {
    let server = Server::new();
    let client = started(&server);
    let old = client.rev("main");
    let middle = client.commit_file("b", "b\n", "b");
    let first = quarantine(&server, &client, "first");
    server.seed(&client, &["main:refs/heads/aside"]);
    let new = client.commit_file("app.env", env_file(&client.plant()), "settings");
    let second = quarantine(&server, &client, "second:with \"odd\" name");
    server.repo.adopt_secrets(&client);
    // What `b` brought lies in `first` alone.
    server.repo.git(&["update-ref", "-d", "refs/heads/aside"]);
    server
        .repo
        .git(&["-c", "gc.pruneExpire=now", "prune", "--expire=now"]);
    assert!(!server.has(&middle));
    let quoted = format!("\"{}\"", second.to_str().unwrap().replace('"', "\\\""));
    let real = server.repo.path().join("./objects");
    let line = update(&old, &new, "refs/heads/main");
    for (objects, alternates) in [
        (first.clone(), format!("{quoted}:{}", real.display())),
        (
            second.clone(),
            format!("{}:{}", first.display(), real.display()),
        ),
        (
            second.clone(),
            format!("/does/not/exist:{}:{}", first.display(), real.display()),
        ),
    ] {
        let called = server
            .call(line.clone())
            .env("GIT_OBJECT_DIRECTORY", &objects)
            .env("GIT_QUARANTINE_PATH", &objects)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &alternates)
            .run();
        called.assert(1, &[&line_3("app.env"), short(&new)]);
        assert_eq!(called.audit.commits(), 2);
    }
    let called = server.call(line).run();
    called.assert(2, &[short(&new)]);
}

/// Stores an object of this kind, whatever git thinks of it.
fn literally(repo: &Repo, kind: &str, bytes: &[u8]) -> String {
    let args = ["hash-object", "-t", kind, "-w", "--literally", "--stdin"];
    let id = repo.git_with(&args, bytes);
    String::from_utf8(id).unwrap().trim_end().to_owned()
}

fn raw(id: &str) -> Vec<u8> {
    (0..id.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap())
        .collect()
}

/// Scenario 19b and c: git checks the shape of objects only where it is told to.
#[test]
fn malformed_objects_are_read_leniently() {
    let server = Server::new();
    let client = started(&server);
    let parent = client.rev("main");
    let blob = client.dangling_blob(env_file(&client.plant()));
    let people = "author A <a@example.org> 1 +0000\ncommitter A <a@example.org> 1 +0000\n";
    for (name, mode, people, message) in [
        ("mode", "000000", people.to_owned(), "zero mode".as_bytes()),
        (
            "author",
            "100644",
            "author\ncommitter <<<>> x\n".to_owned(),
            b"bad author",
        ),
        ("nothing", "100644", String::new(), b"no author"),
        (
            "bytes",
            "100644",
            people.replace("A <", "\u{1}\u{2} <"),
            b"\xff\xfe\xfa",
        ),
        (
            "time",
            "100644",
            people.replace(" 1 ", " 99999999999999999999 "),
            b"late",
        ),
    ] {
        // What git takes for a submodule and does not send: a mode that it does not know.
        let absent = raw(&client.dangling_blob("absent\n"));
        let first = [format!("{mode} a\0").as_bytes(), &absent].concat();
        let second = [b"100644 odd.env\0", &raw(&blob)[..]].concat();
        let entry = [first, second].concat();
        let tree = literally(&client, "tree", &entry);
        let head = format!("tree {tree}\nparent {parent}\n{people}\n");
        let commit = [head.as_bytes(), message, b"\n"].concat();
        let commit = literally(&client, "commit", &commit);
        let push = server
            .attempt(&client)
            .doors(Doors::More)
            .run(&[&format!("{commit}:refs/heads/{name}")]);
        push.assert_blocked(&["github-pat", "odd.env:3"]);
    }
}

/// Scenario 19b: what git takes for a submodule, it does not send, and does not miss.
#[test]
fn entry_of_an_unknown_mode_is_not_missing() {
    let server = Server::new();
    let client = started(&server);
    let absent = client.dangling_blob("absent\n");
    let entry = [b"000000 a\0", &raw(&absent)[..]].concat();
    let tree = literally(&client, "tree", &entry);
    let commit = client.git(&["commit-tree", "-p", "main", "-m", "odd", &tree]);
    let push = server.push(&client, &[&format!("{commit}:refs/heads/mode")]);
    assert!(!server.has(&absent));
    push.assert_accepted();
}

/// Scenario 19d.
#[test]
fn object_that_is_missing_is_an_error_that_names_it() {
    for (policy, status) in [("", 2), ("on-error = \"open\"\n", 0)] {
        let server = Server::with_policy(policy);
        let client = started(&server);
        let old = client.rev("main");
        let blob = client.blob_id("b\n");
        let new = client.commit_file("b", "b\n", "b");
        server.seed(&client, &["main:refs/heads/aside"]);
        server.repo.unpack_to_loose();
        server.repo.git(&["update-ref", "-d", "refs/heads/aside"]);
        fs::remove_file(server.repo.loose_file(&blob)).unwrap();
        let called = server.call(update(&old, &new, "refs/heads/main")).run();
        called.assert(status, &[short(&blob)]);
    }
}

/// Scenario 19e.
#[test]
fn damaged_object_is_an_error_that_names_it() {
    for (policy, status) in [("", 2), ("on-error = \"open\"\n", 0)] {
        let server = Server::with_policy(policy);
        let client = started(&server);
        let old = client.rev("main");
        let blob = client.blob_id("some text\n");
        let new = client.commit_file("b", "some text\n", "b");
        server.seed(&client, &["main:refs/heads/aside"]);
        server.repo.unpack_to_loose();
        server.repo.git(&["update-ref", "-d", "refs/heads/aside"]);
        rewrite(&server.repo.loose_file(&blob), |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x55;
        });
        let called = server.call(update(&old, &new, "refs/heads/main")).run();
        called.assert(status, &[short(&blob)]);
    }
}

/// A secret blocks, whatever else cannot be read.
#[test]
fn secret_beside_a_damaged_object_blocks_even_where_errors_are_let_through() {
    let server = Server::with_policy("on-error = \"open\"\n");
    let client = started(&server);
    let old = client.rev("main");
    let blob = client.blob_id("some text\n");
    client.write("b", "some text\n");
    let new = client.commit_file("app.env", env_file(&client.plant()), "both");
    server.seed(&client, &["main:refs/heads/aside"]);
    server.repo.unpack_to_loose();
    server.repo.git(&["update-ref", "-d", "refs/heads/aside"]);
    fs::remove_file(server.repo.loose_file(&blob)).unwrap();
    let called = server.call(update(&old, &new, "refs/heads/main")).run();
    called.assert(1, &[&line_3("app.env")]);
}

/// Scenario 19: a tip that is nowhere is never "nothing new".
#[test]
fn tip_that_is_nowhere_is_an_error() {
    let server = Server::new();
    let client = started(&server);
    let line = update(&client.rev("main"), &"ab".repeat(20), "refs/heads/main");
    server.call(line).run().assert(2, &["abababa"]);
}
