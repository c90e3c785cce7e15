use super::super::{GitUrl, Token, testing::Lab};
use super::*;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    sync::atomic::Ordering,
    thread,
    time::Instant,
};

const LONG: Duration = Duration::from_secs(60);

fn remote(key: &str, url: &str) -> Remote {
    let (url, token) = GitUrl::parse(url).unwrap();
    Remote {
        key: key.to_owned(),
        name: "P/shop".to_owned(),
        project: Some("P".to_owned()),
        family: Some("family".to_owned()),
        web_url: None,
        url,
        token,
    }
}

/// A server's repository with one commit, and how to reach it.
fn server(lab: &Lab) -> Remote {
    lab.clone_with_commit("work");
    lab.git(&["clone", "-q", "--bare", "work", "server.git"]);
    remote(
        "key",
        &format!("file://{}", lab.path("server.git").display()),
    )
}

fn mirrors(lab: &Lab) -> Mirrors {
    Mirrors::open(&lab.path("mirrors"), MirrorOptions::default()).unwrap()
}

/// Mirrors whose git is this script. `$GIT` in it is the real one.
fn mirrors_with(lab: &Lab, script: &str) -> Mirrors {
    let git = lab.path("git-script");
    lab.write("git-script", &format!("#!/bin/sh\nGIT=git\n{script}\n"));
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    let options = MirrorOptions {
        git,
        grace: Duration::from_millis(300),
        ..MirrorOptions::default()
    };
    Mirrors::open(&lab.path("mirrors"), options).unwrap()
}

fn update(mirrors: &Mirrors, remote: &Remote) -> Result<Discovered, MirrorError> {
    mirrors.update(remote, LONG, &AtomicBool::new(false))
}

fn refs(lab: &Lab, repository: &str) -> String {
    lab.git(&["--git-dir", repository, "for-each-ref"])
}

/// Names in the directory of mirrors, without the lock.
fn kept(lab: &Lab) -> Vec<String> {
    let entries = fs::read_dir(lab.path("mirrors")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != ".lock").collect();
    names.sort();
    names
}

#[test]
fn the_first_update_clones_and_later_ones_fetch_everything() {
    let lab = Lab::new();
    let remote = server(&lab);
    let mirrors = mirrors(&lab);
    assert_eq!(mirrors.last(&remote), None);
    let first = update(&mirrors, &remote).unwrap();
    assert_eq!(first, remote.mirrored_at(mirrors.path(&remote)));
    let path = first.path.to_str().unwrap();
    assert_eq!(refs(&lab, path), refs(&lab, "server.git"));

    // A branch, a forced one, one that is gone, and refs of a kind that no clone has.
    lab.commit("work", "two");
    for args in [
        &["branch", "topic"][..],
        &[
            "push",
            "-q",
            "../server.git",
            "topic",
            "main",
            "main:refs/pull-requests/1/from",
        ],
        &["commit", "-q", "--amend", "-m", "another"],
        &["push", "-q", "--force", "../server.git", "main"],
    ] {
        lab.git(&[&["-C", "work"], args].concat());
    }
    update(&mirrors, &remote).unwrap();
    assert_eq!(refs(&lab, path), refs(&lab, "server.git"));
    assert!(refs(&lab, path).contains("refs/pull-requests/1/from"));
    lab.git(&[
        "--git-dir",
        "server.git",
        "update-ref",
        "-d",
        "refs/heads/topic",
    ]);
    update(&mirrors, &remote).unwrap();
    assert_eq!(refs(&lab, path), refs(&lab, "server.git"));
    assert!(!refs(&lab, path).contains("topic"));
    assert_eq!(mirrors.last(&remote), Some(first));
    assert_eq!(kept(&lab).len(), 1);
    assert!(!mirrors.path(&remote).join(BUSY).exists());
}

#[test]
fn an_empty_repository_has_a_mirror_too() {
    let lab = Lab::new();
    lab.bare("server.git");
    let remote = remote(
        "key",
        &format!("file://{}", lab.path("server.git").display()),
    );
    let mirrors = mirrors(&lab);
    update(&mirrors, &remote).unwrap();
    update(&mirrors, &remote).unwrap();
}

#[test]
fn what_fails_is_told_and_leaves_nothing_half_done() {
    let lab = Lab::new();
    let gone = remote("key", &format!("file://{}", lab.path("gone.git").display()));
    let mirrors = mirrors(&lab);
    let error = update(&mirrors, &gone).unwrap_err().to_string();
    assert!(
        error.starts_with("file:///") && error.contains("git clone failed"),
        "{error}"
    );
    assert!(error.contains("does not"), "{error}");
    assert_eq!(kept(&lab), [""; 0]);

    let there = server(&lab);
    let made = update(&mirrors, &there).unwrap();
    fs::rename(lab.path("server.git"), lab.path("away.git")).unwrap();
    assert!(
        update(&mirrors, &there)
            .unwrap_err()
            .to_string()
            .contains("git fetch failed")
    );
    assert_eq!(mirrors.last(&there), Some(made));
}

#[test]
fn what_killed_runs_left_is_removed() {
    let lab = Lab::new();
    let remote = server(&lab);
    let path = {
        let mirrors = mirrors(&lab);
        update(&mirrors, &remote).unwrap().path
    };
    lab.write("mirrors/.incoming-x/objects/pack/tmp_pack_1", "half");
    let mirror = path
        .strip_prefix(lab.path(""))
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let left = [
        BUSY,
        "packed-refs.lock",
        "HEAD.lock",
        "refs/heads/main.lock",
        "objects/pack/tmp_pack_2",
        "objects/tmp_objdir-incoming-3/pack/x",
    ];
    for name in left {
        lab.write(&format!("{mirror}/{name}"), "");
    }
    lab.commit("work", "two");
    lab.git(&[
        "-C",
        "work",
        "push",
        "-q",
        "../server.git",
        "main",
        "main:other",
    ]);
    let mirrors = mirrors(&lab);
    assert_eq!(kept(&lab).len(), 1);
    update(&mirrors, &remote).unwrap();
    assert_eq!(refs(&lab, &mirror), refs(&lab, "server.git"));
    for name in left {
        assert!(!path.join(name).exists(), "{name}");
    }
    assert!(!path.join("objects/tmp_objdir-incoming-3").exists());
}

#[test]
fn a_directory_of_mirrors_is_for_one_at_a_time() {
    let lab = Lab::new();
    let open = || Mirrors::open(&lab.path("mirrors"), MirrorOptions::default());
    let first = open().unwrap();
    assert!(matches!(open().unwrap_err(), MirrorError::InUse { .. }));
    drop(first);
    open().unwrap();
    lab.write("file", "");
    let error = Mirrors::open(&lab.path("file"), MirrorOptions::default()).unwrap_err();
    assert!(matches!(error, MirrorError::Directory { .. }));
}

#[test]
fn names_of_directories_are_safe_whatever_the_key_is() {
    let long = "x".repeat(100_000);
    let keys = [
        "../../etc/passwd",
        "..",
        "/",
        "",
        ".incoming-x",
        ".lock",
        "-option",
        "bitbucket:git.example/12",
        "https://h/Repo",
        "https://h/repo",
        "https://h/re\0po\n",
        "日本",
        &long,
    ];
    let names: Vec<String> = keys.iter().map(|key| directory(key)).collect();
    for name in &names {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let stem = name.strip_suffix(".git").unwrap();
        assert!(stem.chars().all(plain) && !stem.starts_with('-'), "{name}");
        assert!(stem.len() <= MAX_SHOWN + 17, "{name}");
    }
    let different: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(different.len(), keys.len());
    assert!(names[7].starts_with("bitbucket-git-example-12-"));
}

#[test]
fn the_token_is_in_no_argument_and_no_file() {
    let lab = Lab::new();
    let mut remote = server(&lab);
    remote.token = Token::parse(b"swordfish");
    let log = lab.path("log").display().to_string();
    let mirrors = mirrors_with(
        &lab,
        &format!("echo \"$@\" >>{log}.arguments\nenv >>{log}.environment\nexec $GIT \"$@\""),
    );
    let path = update(&mirrors, &remote).unwrap().path;
    update(&mirrors, &remote).unwrap();
    let arguments = fs::read_to_string(format!("{log}.arguments")).unwrap();
    assert_eq!(arguments.lines().count(), 2);
    assert!(!arguments.contains("swordfish"), "{arguments}");
    // Git was told, twice.
    let environment = fs::read_to_string(format!("{log}.environment")).unwrap();
    assert_eq!(
        environment
            .matches("Authorization: Bearer swordfish")
            .count(),
        2
    );
    for expected in [
        "GIT_TERMINAL_PROMPT=0",
        "GIT_ALLOW_PROTOCOL=file",
        "protocol.ext.allow",
    ] {
        assert_eq!(environment.matches(expected).count(), 2, "{expected}");
    }
    let mut waiting = vec![path];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(9).any(|window| window == b"swordfish");
            assert!(!found, "{}", path.display());
        }
    }
}

/// Answers git's first request and gives back its head.
fn web_server(status: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/scm/p/x.git", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut head = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0);
        }
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        head
    });
    (url, thread)
}

#[test]
fn a_web_server_is_shown_the_token_and_no_message_is() {
    let lab = Lab::new();
    let mirrors = mirrors(&lab);
    let (url, server) = web_server("403 Forbidden");
    let mut there = remote("key", &url);
    there.token = Token::parse(b"swordfish");
    let error = update(&mirrors, &there).unwrap_err().to_string();
    let head = server.join().unwrap();
    assert!(head.starts_with("GET /scm/p/x.git/info/refs"), "{head}");
    assert_eq!(
        head.matches("Authorization: Bearer swordfish\r\n").count(),
        1,
        "{head}"
    );
    assert!(
        error.contains("403") && !error.contains("swordfish"),
        "{error}"
    );

    // Credentials of a listed address go the same way.
    let (url, server) = web_server("403 Forbidden");
    let there = remote(
        "other",
        &url.replace("http://", concat!("http://alice:", "swordfish@")),
    );
    let error = update(&mirrors, &there).unwrap_err();
    let head = server.join().unwrap();
    // `printf %s alice:swordfish | base64`
    let encoded = concat!("YWxpY2U6", "c3dvcmRmaXNo");
    assert!(
        head.contains(&format!("Authorization: Basic {encoded}\r\n")),
        "{head}"
    );
    for told in [error.to_string(), format!("{error:?} {there:?}")] {
        assert!(
            !told.contains("swordfish") && !told.contains(encoded),
            "{told}"
        );
    }
}

#[test]
fn a_server_that_sends_us_elsewhere_does_not_get_the_token_there() {
    let lab = Lab::new();
    let mirrors = mirrors(&lab);
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let target = format!(
        "302 Found\r\nLocation: http://{}/x.git/info/refs?service=git-upload-pack",
        other.local_addr().unwrap()
    );
    let (url, server) = web_server(target.leak());
    let mut there = remote("key", &url);
    there.token = Token::parse(b"swordfish");
    let error = update(&mirrors, &there).unwrap_err().to_string();
    server.join().unwrap();
    assert!(error.contains("git clone failed"), "{error}");
    assert!(other.accept().is_err(), "somebody came");
}

#[test]
fn what_git_says_is_printable_and_without_the_token() {
    let lab = Lab::new();
    let mut remote = server(&lab);
    remote.token = Token::parse(b"swordfish");
    let mirrors = mirrors_with(
        &lab,
        "head -c 100000 /dev/zero | tr '\\0' x >&2\n\
         printf '\\n\\033[31mremote: swordfish is wrong\\n' >&2\nexit 128",
    );
    let error = update(&mirrors, &remote).unwrap_err().to_string();
    assert!(
        error.ends_with("\\u{1b}[31mremote: *** is wrong"),
        "{error}"
    );
    assert!(error.len() < 2 * 4_096, "{}", error.len());

    let missing = MirrorOptions {
        git: lab.path("no-such-git"),
        ..MirrorOptions::default()
    };
    drop(mirrors);
    let mirrors = Mirrors::open(&lab.path("mirrors"), missing).unwrap();
    let error = update(&mirrors, &remote).unwrap_err().to_string();
    assert!(
        error.contains("no-such-git") && error.contains("install git"),
        "{error}"
    );
}

/// Returns once the process that a file names has ended, waited for or not.
fn gone(file: &Path) {
    let id = fs::read_to_string(file).unwrap();
    let stat = || fs::read_to_string(format!("/proc/{}/stat", id.trim()));
    let end = Instant::now() + Duration::from_secs(5);
    while stat().is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Instant::now() < end, "it is still there");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_git_that_hangs_is_ended_with_all_that_it_started() {
    let lab = Lab::new();
    let remote = server(&lab);
    let pids = lab.path("pids");
    // Neither it nor its child heeds a request to end.
    let script = format!(
        "trap '' TERM\nsleep 1000 &\necho $! >{0}.new\nmv {0}.new {0}\nwhile :; do sleep 0.1; done",
        pids.display()
    );
    let mirrors = mirrors_with(&lab, &script);
    let start = Instant::now();
    let error = mirrors
        .update(&remote, Duration::from_secs(1), &AtomicBool::new(false))
        .unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    let too_long = matches!(
        &error,
        MirrorError::Git {
            error: GitError::TooLong { .. },
            ..
        }
    );
    assert!(too_long, "{error}");
    gone(&pids);
    assert_eq!(kept(&lab), [""; 0]);

    fs::remove_file(&pids).unwrap();
    let stop = AtomicBool::new(false);
    let error = thread::scope(|scope| {
        scope.spawn(|| {
            while !pids.exists() {
                thread::sleep(Duration::from_millis(5));
            }
            stop.store(true, Ordering::Relaxed);
        });
        mirrors.update(&remote, LONG, &stop).unwrap_err()
    });
    let stopped = matches!(
        &error,
        MirrorError::Git {
            error: GitError::Stopped { .. },
            ..
        }
    );
    assert!(stopped, "{error}");
    gone(&pids);
}

/// A program left in the background that keeps git's output open, as ssh does that keeps a
/// connection for later.
#[test]
fn what_git_leaves_running_is_not_waited_for() {
    let lab = Lab::new();
    let remote = server(&lab);
    let mirrors = mirrors_with(&lab, "$GIT \"$@\" || exit\nsleep 30 &");
    let start = Instant::now();
    update(&mirrors, &remote).unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn hooks_of_a_mirror_do_not_run() {
    let lab = Lab::new();
    let remote = server(&lab);
    let mirrors = mirrors(&lab);
    let path = update(&mirrors, &remote).unwrap().path;
    let ran = lab.path("ran");
    let hook = path.join("hooks/reference-transaction");
    assert!(!path.join("hooks").exists());
    fs::create_dir(path.join("hooks")).unwrap();
    fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    lab.commit("work", "two");
    lab.git(&["-C", "work", "push", "-q", "../server.git", "main"]);
    update(&mirrors, &remote).unwrap();
    assert!(!ran.exists());
    // It would have: this test can fail.
    lab.git(&[
        "--git-dir",
        path.to_str().unwrap(),
        "update-ref",
        "refs/heads/x",
        "HEAD",
    ]);
    assert!(ran.exists());
}
