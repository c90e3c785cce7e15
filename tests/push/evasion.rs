//! Ways to get a secret past the gate, or to make it stumble over what is well: none may work.

use crate::{
    checks::Doors,
    server::{Server, env_file, line_3, short, started},
    support::{Repo, repo::hermetic_git},
};

/// A ref that makes git show another commit in place of one.
#[test]
fn replacements_hide_nothing() {
    let server = Server::new();
    let client = started(&server);
    let start = client.rev("main");
    let clean = client.commit_file("README", "More.\n", "edit");
    client.git(&["reset", "-q", "--hard", &start]);
    let guilty = client.commit_file("app.env", env_file(&client.plant()), "settings");
    let replacement = format!("{clean}:refs/replace/{guilty}");
    server.push(&client, &[&replacement]).assert_accepted();
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("app.env"), short(&guilty)]);

    // The same for content, and for both at once.
    let token = env_file(&client.plant());
    let blob = client.dangling_blob(&token);
    let other = client.dangling_blob("nothing\n");
    client.git(&["reset", "-q", "--hard", &start]);
    client.commit_file("blob.env", &token, "settings");
    let replacement = format!("{other}:refs/replace/{blob}");
    for refs in [&[&replacement[..], "main"][..], &["main"]] {
        let push = server.attempt(&client).doors(Doors::More).run(refs);
        push.assert_blocked(&[&line_3("blob.env")]);
    }
}

/// Commits whose dates say nothing of their order.
#[test]
fn odd_dates_hide_nothing() {
    const DATES: [u64; 6] = [1, 4_000_000_000, 0, 1_700_000_000, 3_999_999_999, 2];
    let commit = |client: &Repo, date: u64| {
        client.git(&["add", "-A"]);
        let date = format!("@{date} +0000");
        let status = hermetic_git(client.path(), 0)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .args(["commit", "-q", "--allow-empty", "-m", "odd"])
            .status()
            .unwrap();
        assert!(status.success());
    };
    let server = Server::new();
    let client = started(&server);
    // Known commits of odd dates, one with a secret from before the gate.
    for (number, date) in DATES.into_iter().enumerate() {
        client.write("known", format!("{number}\n"));
        if number == 2 {
            client.write("known.env", env_file(&client.plant()));
        }
        commit(&client, date);
    }
    server.seed(&client, &["main:refs/heads/main"]);
    client.git(&["checkout", "-q", "-b", "side", "main~3"]);
    client.write("side", "known too\n");
    commit(&client, 5);
    server.seed(&client, &["side:refs/heads/side"]);
    for (number, date) in DATES.into_iter().rev().enumerate() {
        client.write("new", format!("{number}\n"));
        commit(&client, date);
    }
    client.git(&["merge", "-q", "-m", "merge", "main"]);
    let push = server.push(&client, &["side:refs/heads/clean"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 7);

    for date in DATES {
        let token = client.plant();
        client.write("new.env", env_file(&token));
        commit(&client, date);
        client.remove("new.env");
        commit(&client, DATES[date as usize % 6]);
        let push = server.push(&client, &["side:refs/heads/guilty"]);
        push.assert_blocked(&[&line_3("new.env"), short(&client.rev("side~1"))]);
        assert_eq!(push.audit.commits(), 2, "{date}");
        client.git(&["reset", "-q", "--hard", "side~2"]);
    }
}

/// What one commit of a push adds does not become old by the next commit that touches the file.
#[test]
fn secret_does_not_become_old_within_a_push() {
    let server = Server::new();
    let client = started(&server);
    let content = env_file(&client.plant());
    let adding = client.commit_file("app.env", &content, "settings");
    client.commit_file("app.env", format!("{content}debug = true\n"), "edit");
    client.git(&["mv", "app.env", "moved.env"]);
    client.commit("move");
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("app.env"), short(&adding)]);
}

/// What was refused once is refused again, though the client thinks nothing of it.
#[test]
fn second_try_is_refused_like_the_first() {
    let server = Server::new();
    let client = started(&server);
    client.commit_file("app.env", env_file(&client.plant()), "settings");
    for _ in 0..2 {
        server.push(&client, &["main"]).assert_blocked(&["app.env"]);
    }
    client.commit_file("README", "More.\n", "edit");
    server.push(&client, &["main"]).assert_blocked(&["app.env"]);
}

/// Places of a commit other than its files.
#[test]
fn messages_and_notes_are_searched() {
    let server = Server::new();
    let client = started(&server);
    let message = format!("deploy\n\nwith token = {}\n", client.plant());
    let commit = client.commit_file("README", "More.\n", &message);
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&["github-pat", short(&commit)]);

    let note = format!("token = {}", client.plant());
    client.git(&["notes", "add", "-m", &note, "main~1"]);
    let push = server
        .attempt(&client)
        .doors(Doors::More)
        .run(&["refs/notes/commits"]);
    push.assert_blocked(&["github-pat"]);
}

/// A clone that has only the newest commits.
#[test]
fn push_from_a_shallow_clone_is_scanned() {
    let server = Server::new();
    let client = started(&server);
    for number in 0..4 {
        client.commit_file("README", format!("{number}\n"), "edit");
    }
    server.seed(&client, &["main:refs/heads/main"]);
    let shallow = Repo::clone_of(&client, &["--depth", "2"]);
    let commit = shallow.commit_file("app.env", env_file(&shallow.plant()), "settings");
    let push = server.attempt(&shallow).doors(Doors::Closed).run(&["main"]);
    push.assert_blocked(&[&line_3("app.env"), short(&commit)]);
    assert_eq!(push.audit.commits(), 1);
}

/// A server whose maintenance has packed refs and objects, and written every index it knows.
#[test]
fn maintained_repositories_are_read() {
    let server = Server::new();
    let client = started(&server);
    client.commit_file("old.env", env_file(&client.plant()), "before the gate");
    client.git(&["tag", "-a", "-m", "v1", "v1"]);
    server.seed(&client, &["main:refs/heads/main", "v1:refs/tags/v1"]);
    server.repo.git(&["repack", "-adq", "--write-bitmap-index"]);
    client.commit_file("README", "More.\n", "edit");
    server.seed(&client, &["main:refs/heads/main"]);
    server.repo.git(&["repack", "-dq"]);
    server.repo.git(&["pack-refs", "--all"]);
    server.repo.git(&["multi-pack-index", "write"]);
    server
        .repo
        .git(&["commit-graph", "write", "--reachable", "--changed-paths"]);
    client.commit_file("README", "Even more.\n", "edit");
    let push = server.push(&client, &["main"]);
    push.assert_accepted().assert_silent();
    assert_eq!(push.audit.commits(), 1);
    let commit = client.commit_file("app.env", env_file(&client.plant()), "settings");
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("app.env"), short(&commit)]);
    assert_eq!(push.audit.commits(), 1);
}

/// A branch may hold what another one lost: what the server threw away is new again, also where
/// its objects are still there.
#[test]
fn leftovers_of_deleted_branches_are_new() {
    let server = Server::new();
    let client = started(&server);
    client.git(&["checkout", "-q", "-b", "gone"]);
    let content = env_file(&client.plant());
    client.commit_file("app.env", &content, "before the gate");
    server.seed(&client, &["gone:refs/heads/gone"]);
    server.push(&client, &[":gone"]).assert_accepted();
    client.git(&["checkout", "-q", "main"]);
    // Its content alone, in another commit: git need not send it again.
    let commit = client.commit_file("other.env", &content, "the same elsewhere");
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&[&line_3("other.env"), short(&commit)]);
}
