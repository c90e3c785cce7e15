//! What a push does to refs: creates, moves and deletes them, one or thousands, branches and
//! tags, and what of it is new.

use crate::{
    checks::Doors,
    http::HttpServer,
    server::{Server, env_file, line_3, short, started, update},
    support::{ObjectFormat, Repo, rng::Rng},
};
use std::{fmt::Write as _, time::Duration};

/// Scenario 1.
fn new_branch_whose_first_commit_holds_a_secret(url: impl FnOnce(&Repo) -> Option<String>) {
    let server = Server::new();
    let client = started(&server);
    let token = client.plant();
    let adding = client.commit_file("config/app.env", env_file(&token), "add the settings");
    client.commit_file("README", "More.\n", "edit");
    client.remove("config/app.env");
    let tip = client.commit("remove the settings");
    let mut attempt = server.attempt(&client);
    if let Some(url) = url(&server.repo) {
        attempt = attempt.url(url);
    }
    let push = attempt.run(&["HEAD:refs/heads/feature"]);
    push.assert_blocked(&[
        "github-pat",
        &line_3("config/app.env"),
        short(&adding),
        "#appsec",
        &token[token.len() - 4..],
    ]);
    assert!(
        !push.message.contains(short(&tip)),
        "the tip is clean: {}",
        push.message
    );
    assert!(push.client.contains("pre-receive hook declined"));
    assert!(!server.has(&tip) && !server.has(&adding));
    assert_eq!(push.audit.verdict(), "blocked");
    assert_eq!(push.audit.commits(), 3);
}

/// Scenario 1.
#[test]
fn new_branch_is_blocked_for_a_secret_that_its_tip_no_longer_holds() {
    new_branch_whose_first_commit_holds_a_secret(|_| None);
}

/// Scenario 1, as web servers do it.
#[test]
fn new_branch_is_blocked_over_http() {
    let mut http = None;
    new_branch_whose_first_commit_holds_a_secret(|server| {
        let listener = http.insert(HttpServer::start(server, "alice"));
        Some(listener.url(server))
    });
}

/// Scenarios 2 and 28: a web server sets no HOME, and names the user.
#[test]
fn first_push_over_http_is_accepted_and_names_the_user() {
    let server = Server::new();
    let client = Repo::init();
    client.commit_file("README", "An example.\n", "start");
    let http = HttpServer::start(&server.repo, "alice");
    let url = http.url(&server.repo);
    let push = server.attempt(&client).url(url).run(&["main"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.text("/user"), "alice");
}

/// Scenario 2.
#[test]
fn first_push_to_an_empty_repository_is_accepted_when_clean() {
    let server = Server::new();
    let client = Repo::init();
    client.write("a/b/c.txt", "text\n");
    client.commit_file("README", "An example.\n", "start");
    client.commit_file("README", "More.\n", "edit");
    let push = server.push(&client, &["main"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.verdict(), "allowed");
    assert_eq!(push.audit.commits(), 2);
    assert_eq!(push.audit.blobs(), 3);
}

/// Scenario 2.
#[test]
fn first_push_is_blocked_for_a_secret_in_the_root_commit() {
    let server = Server::new();
    let client = Repo::init();
    let root = client.commit_file("deep/er/app.env", env_file(&client.plant()), "start");
    client.commit_file("README", "An example.\n", "edit");
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&["github-pat", &line_3("deep/er/app.env"), short(&root)]);
    assert_eq!(server.refs(), "");
}

/// Scenario 3.
#[test]
fn fast_forward_reads_what_it_changed_and_nothing_else() {
    let server = Server::new();
    let client = started(&server);
    client.commit_file("old.env", env_file(&client.plant()), "from before the gate");
    server.seed(&client, &["main:refs/heads/main"]);
    client.commit_file("src/main.c", "int main(void) { return 1; }\n", "edit");
    let push = server.push(&client, &["main"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 1);
    assert_eq!(push.audit.blobs(), 1);
    assert!(push.audit.fingerprints().is_empty());
}

/// Scenario 3: the policy says what a secret is worth that stood there before.
#[test]
fn edited_file_with_an_old_secret_is_a_note_unless_the_policy_says_otherwise() {
    for (policy, blocks, speaks) in [
        ("", false, true),
        ("old-secrets = \"off\"\n", false, false),
        ("old-secrets = \"note\"\n", false, true),
        ("old-secrets = \"block\"\n", true, true),
    ] {
        let server = Server::with_policy(policy);
        let client = started(&server);
        let old = env_file(&client.plant());
        client.commit_file("old.env", &old, "from before the gate");
        server.seed(&client, &["main:refs/heads/main"]);
        client.commit_file("old.env", format!("{old}debug = false\n"), "edit");
        let push = server.attempt(&client).doors(Doors::More).run(&["main"]);
        assert_eq!(push.accepted, !blocks, "{policy:?}: {}", push.client);
        assert_eq!(
            push.message.contains("old.env"),
            speaks,
            "{policy:?}: {}",
            push.message
        );
    }
}

/// Scenario 3: a file that is moved brings nothing.
#[test]
fn moved_file_with_an_old_secret_is_accepted() {
    let server = Server::new();
    let client = started(&server);
    let old = env_file(&client.plant());
    client.commit_file("old.env", &old, "from before the gate");
    server.seed(&client, &["main:refs/heads/main"]);
    client.git(&["mv", "old.env", "new.env"]);
    client.write("new.env", format!("{old}debug = false\n"));
    client.commit("move and edit");
    let push = server.attempt(&client).doors(Doors::More).run(&["main"]);
    push.assert_accepted();
}

/// Scenario 3: of two secrets in an edited file, the new one blocks.
#[test]
fn new_secret_beside_an_old_one_is_blocked() {
    let server = Server::new();
    let client = started(&server);
    let (old, new) = (client.plant(), client.plant());
    client.commit_file("old.env", env_file(&old), "from before the gate");
    server.seed(&client, &["main:refs/heads/main"]);
    let edited = format!("{}other = {new}\n", env_file(&old));
    let commit = client.commit_file("old.env", edited, "add another");
    let push = server.attempt(&client).doors(Doors::More).run(&["main"]);
    push.assert_blocked(&["old.env:4", short(&commit), &new[new.len() - 4..]]);
}

/// Scenario 4.
#[test]
fn force_push_is_judged_by_what_no_ref_holds() {
    let server = Server::new();
    let client = started(&server);
    let start = client.rev("main");
    client.commit_file("a", "a\n", "a");
    let known = client.commit_file("known.env", env_file(&client.plant()), "before the gate");
    server.seed(&client, &["main:refs/heads/main"]);
    // Back to a commit that the server has: nothing is new.
    client.git(&["reset", "-q", "--hard", &start]);
    client.commit_file("b", "b\n", "b");
    let push = server.attempt(&client).options(&["--force"]).run(&["main"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 1);

    let other = client.commit_file("c.env", env_file(&client.plant()), "c");
    client.git(&["reset", "-q", "--hard", &known]);
    let rewritten = client.commit_file("d.env", env_file(&client.plant()), "d");
    let push = server
        .attempt(&client)
        .options(&["--force"])
        .doors(Doors::More)
        .run(&["main"]);
    push.assert_blocked(&[short(&rewritten), &line_3("d.env")]);
    assert!(!push.message.contains("c.env"), "{}", push.message);
    assert!(!server.has(&other));
}

/// Scenario 4: commits that only the replaced ref holds are known still.
#[test]
fn force_push_back_and_forth_brings_nothing() {
    let server = Server::new();
    let client = started(&server);
    client.commit_file("known.env", env_file(&client.plant()), "before the gate");
    server.seed(&client, &["main:refs/heads/main"]);
    let push = server
        .attempt(&client)
        .options(&["--force"])
        .run(&["main~1:main"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 0);
    // Now no ref holds it, although the object is there: it is new again.
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("known.env")]);
}

/// Scenario 5a.
#[test]
fn tag_of_a_known_commit_brings_nothing() {
    let server = Server::new();
    let client = started(&server);
    client.git(&["tag", "light"]);
    let push = server.push(&client, &["light"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 0);
}

/// Scenario 5b.
#[test]
fn message_of_a_tag_is_searched() {
    let server = Server::new();
    let client = started(&server);
    let message = format!("first release\n\ntoken = {}\n", client.plant());
    client.git(&["tag", "-a", "v1", "-m", &message]);
    let push = server
        .attempt(&client)
        .doors(Doors::More)
        .run(&["refs/tags/v1"]);
    push.assert_blocked(&["github-pat", "v1"]);
    client.git(&["tag", "-a", "v2", "-m", "second release"]);
    server.push(&client, &["v2"]).assert_accepted();
}

/// Scenario 5c.
#[test]
fn commits_behind_tags_are_scanned() {
    let server = Server::new();
    let client = started(&server);
    let commit = client.commit_file("app.env", env_file(&client.plant()), "settings");
    client.git(&["tag", "-a", "inner", "-m", "inner"]);
    client.git(&["tag", "-a", "outer", "-m", "outer", "inner"]);
    client.git(&["tag", "light"]);
    for name in ["inner", "outer", "light"] {
        let push = server.push(&client, &[&format!("refs/tags/{name}")]);
        push.assert_blocked(&[&line_3("app.env"), short(&commit)]);
    }
}

/// Scenario 5d.
#[test]
fn tags_of_blobs_and_trees_are_scanned() {
    let server = Server::new();
    let client = started(&server);
    let clean = client.dangling_blob("nothing\n");
    let dirty = client.dangling_blob(env_file(&client.plant()));
    client.git(&["tag", "clean", &clean]);
    client.git(&["tag", "dirty", &dirty]);
    client.git(&["tag", "-a", "wrapped", "-m", "wrapped", &dirty]);
    let entry = format!("100644 blob {dirty}\tin-tree.env\n");
    let tree = String::from_utf8(client.git_with(&["mktree"], entry.as_bytes())).unwrap();
    client.git(&["tag", "tree", tree.trim_end()]);
    server.push(&client, &["clean"]).assert_accepted();
    for name in ["dirty", "wrapped", "tree"] {
        let push = server
            .attempt(&client)
            .doors(Doors::More)
            .run(&[&format!("refs/tags/{name}")]);
        push.assert_blocked(&["github-pat"]);
    }
}

/// Scenario 6.
#[test]
fn deleting_a_branch_is_accepted() {
    let server = Server::new();
    let client = started(&server);
    server.seed(&client, &["main:refs/heads/gone"]);
    let push = server.push(&client, &[":gone"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 0);
    assert!(push.audit.milliseconds() < 8_000, "{:?}", push.audit);
    assert!(!server.refs().contains("gone"));
}

/// Scenario 6: nothing of the repository is needed to let something be deleted.
#[test]
fn deleting_needs_no_repository() {
    let server = Server::new();
    let client = started(&server);
    let line = update(&client.rev("main"), "", "refs/heads/gone");
    let nowhere = server.repo.beside("nowhere");
    std::fs::create_dir(&nowhere).unwrap();
    let called = server.call(line).dir(&nowhere).run();
    called.assert(0, &[]);
    assert_eq!(called.message, "");
}

/// Scenario 7.
#[test]
fn every_line_of_a_mixed_push_is_read() {
    let server = Server::new();
    let client = started(&server);
    server.seed(&client, &["main:refs/heads/gone"]);
    client.commit_file("README", "More.\n", "edit");
    client.git(&["checkout", "-q", "-b", "clean"]);
    client.commit_file("clean", "clean\n", "clean");
    client.git(&["checkout", "-q", "-b", "zz-guilty", "main"]);
    let commit = client.commit_file("app.env", env_file(&client.plant()), "settings");
    let push = server.push(&client, &[":gone", "main", "clean", "zz-guilty"]);
    push.assert_blocked(&["zz-guilty", &line_3("app.env"), short(&commit)]);
    assert_eq!(push.audit.commits(), 3);
    let refs = push.audit.at("/refs").as_array().unwrap().len();
    assert_eq!(refs, 4);
    let push = server.push(&client, &[":gone", "main", "clean"]);
    push.assert_accepted().assert_silent();
}

/// Scenario 7: one branch's secret blocks once, however many refs reach it.
#[test]
fn commit_of_many_refs_is_reported_once() {
    let server = Server::new();
    let client = started(&server);
    client.commit_file("app.env", env_file(&client.plant()), "settings");
    let push = server.push(&client, &["main:one", "main:two", "main:three"]);
    push.assert_blocked(&[&line_3("app.env")]);
    let told = push.message.matches("rule github-pat").count();
    assert_eq!(told, 1, "{}", push.message);
    assert_eq!(push.audit.commits(), 1);
}

/// Scenario 7.
#[test]
fn three_thousand_refs_are_looked_at_together() {
    let server = Server::new();
    let client = started(&server);
    client.commit_file("README", "More.\n", "edit");
    let mut commands = String::new();
    for number in 0..3_000 {
        writeln!(commands, "create refs/heads/many/{number:04} main").unwrap();
    }
    client.git_with(&["update-ref", "--stdin"], commands.as_bytes());
    client.git(&["checkout", "-q", "-b", "many/zz-guilty"]);
    client.commit_file("app.env", env_file(&client.plant()), "settings");
    let push = server.push(&client, &["refs/heads/many/*:refs/heads/many/*"]);
    push.assert_blocked(&["zz-guilty", &line_3("app.env")]);
    assert!(push.audit.milliseconds() < 8_000, "{:?}", push.audit);
    client.git(&["checkout", "-q", "main"]);
    client.git(&["branch", "-q", "-D", "many/zz-guilty"]);
    let push = server.push(&client, &["refs/heads/many/*:refs/heads/many/*"]);
    push.assert_accepted().assert_silent();
    assert!(push.audit.milliseconds() < 8_000, "{:?}", push.audit);
    // And with as many known.
    server.repo.git(&["pack-refs", "--all"]);
    client.commit_file("README", "Even more.\n", "edit");
    let push = server.push(&client, &["main"]);
    push.assert_accepted();
    assert_eq!(push.audit.commits(), 1);
    assert!(push.audit.milliseconds() < 8_000, "{:?}", push.audit);
}

/// So many commits on `main` after the first, each with a file of its own below one of eight
/// directories, as `git fast-import` reads them; commit `guilty` also holds `secret`.
pub fn many_commits(client: &Repo, count: usize, guilty: usize, secret: &str) {
    let mut rng = Rng::new(8);
    let mut stream = String::new();
    for number in 0..count {
        let message = format!("edit {number}");
        let mut content = String::new();
        for _ in 0..40 {
            let line = rng.text(b"etaoin shrdlu cmfwyp", 60);
            writeln!(content, "{line}").unwrap();
        }
        if number == guilty {
            content += &env_file(secret);
        }
        write!(
            stream,
            "commit refs/heads/main\ncommitter C <c@example.org> {} +0000\ndata {}\n{message}\n",
            1_710_000_000 + number,
            message.len()
        )
        .unwrap();
        if number == 0 {
            stream += "from refs/heads/main^0\n";
        }
        writeln!(
            stream,
            "M 100644 inline dir{}/file{}.txt\ndata {}\n{content}",
            number % 8,
            number % 100,
            content.len()
        )
        .unwrap();
    }
    client.git_with(&["fast-import", "--quiet"], stream.as_bytes());
    client.git(&["reset", "-q", "--hard", "main"]);
}

/// Scenario 8.
#[test]
fn two_thousand_commits_are_scanned_without_a_cap() {
    let server = Server::new();
    let client = started(&server);
    let start = client.rev("main");
    let token = client.plant();
    many_commits(&client, 2_000, 1_000, &token);
    let guilty = client.rev("main~999");
    let listed = client.git(&["rev-list", "--objects", "main", &format!("^{start}")]);
    assert!(listed.lines().count() >= 8_000);
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&["dir0/file0.txt:43", short(&guilty)]);
    assert_eq!(push.audit.commits(), 2_000);
    assert_eq!(push.audit.blobs(), 2_000);
    assert!(push.audit.milliseconds() < 8_000, "{:?}", push.audit);
}

/// Scenario 8: git over HTTP sends large packs in pieces.
#[test]
fn two_thousand_commits_are_accepted_over_http_when_clean() {
    let server = Server::new();
    let client = started(&server);
    many_commits(&client, 2_000, usize::MAX, "");
    let http = HttpServer::start(&server.repo, "alice");
    let url = http.url(&server.repo);
    let push = server.attempt(&client).url(url).run(&["main"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 2_000);
}

/// Scenario 10.
#[test]
fn merge_of_what_the_server_has_brings_only_itself() {
    let server = Server::new();
    let client = started(&server);
    let start = client.rev("main");
    client.commit_file("old.env", env_file(&client.plant()), "before the gate");
    server.seed(&client, &["main:refs/heads/main"]);
    client.git(&["checkout", "-q", "-b", "topic", &start]);
    client.commit_file("topic", "topic\n", "topic");
    client.git(&["merge", "-q", "--no-ff", "-m", "take main in", "main"]);
    let push = server.push(&client, &["topic"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 2);
    assert!(push.audit.fingerprints().is_empty());
}

/// Scenario 10.
#[test]
fn secret_that_only_the_merge_holds_is_blocked() {
    let server = Server::new();
    let client = started(&server);
    client.git(&["checkout", "-q", "-b", "topic"]);
    client.commit_file("shared.env", "name = topic\n", "topic");
    client.git(&["checkout", "-q", "main"]);
    client.commit_file("shared.env", "name = main\n", "main");
    server.seed(&client, &["main:refs/heads/main", "topic:refs/heads/topic"]);
    client.try_git(&["merge", "-q", "topic"], b"");
    client.write("shared.env", env_file(&client.plant()));
    let merge = client.commit("merge, resolved badly");
    assert!(
        client
            .git(&["rev-list", "--parents", "-1", "HEAD"])
            .matches(' ')
            .count()
            == 2
    );
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("shared.env"), short(&merge)]);
    assert_eq!(push.audit.commits(), 1);
}

/// Scenario 20.
#[test]
fn sha256_repositories_get_the_same_verdicts() {
    let server = Server::at("srv.git", ObjectFormat::Sha256, "");
    let client = Repo::init_as(ObjectFormat::Sha256);
    client.commit_file("README", "An example.\n", "start");
    server
        .push(&client, &["main"])
        .assert_accepted()
        .assert_silent();
    server.push(&client, &["main:gone"]).assert_accepted();
    server
        .push(&client, &[":gone"])
        .assert_accepted()
        .assert_silent();
    let commit = client.commit_file("app.env", env_file(&client.plant()), "settings");
    client.git(&["tag", "-a", "v1", "-m", "v1"]);
    for name in ["main", "v1"] {
        let push = server.push(&client, &[name]);
        push.assert_blocked(&[&line_3("app.env"), short(&commit)]);
        assert_eq!(push.audit.commits(), 1);
    }
    let called = server
        .call(update(&"a".repeat(64), "", "refs/heads/x"))
        .run();
    called.assert(0, &[]);
    assert!(called.took < Duration::from_secs(5));
}
