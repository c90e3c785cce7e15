//! Hooks that are put into repositories and taken out again, with real git running them.
//!
//! What a hook runs is a stand-in that notes its arguments and its input: what is tested here is
//! the way there.
#![cfg(unix)]

use crate::support::{
    Repo,
    sieve::{binary, clear_environment},
};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A directory with a program named gitsieve: the real one while hooks are installed.
struct Machine {
    holder: tempfile::TempDir,
    bin: PathBuf,
}

impl Machine {
    fn new() -> Self {
        Self::in_directory("bin")
    }

    fn in_directory(name: &str) -> Self {
        let holder = tempfile::tempdir().unwrap();
        let bin = holder.path().join(name);
        fs::create_dir(&bin).unwrap();
        symlink(binary(), bin.join("gitsieve")).unwrap();
        Self { holder, bin }
    }

    fn run(&self, dir: &Path, args: &[&str]) -> Output {
        let mut command = Command::new(self.bin.join("gitsieve"));
        clear_environment(&mut command);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut all = vec![self.bin.clone()];
        all.extend(std::env::split_paths(&path));
        command
            .args(args)
            .current_dir(dir)
            .env("PATH", std::env::join_paths(all).unwrap())
            .env("HOME", self.holder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn hook(&self, dir: &Path, args: &[&str]) -> String {
        let output = self.run(dir, &[&["hook"], args].concat());
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "hook {args:?}: {text}");
        text
    }

    fn refused(&self, dir: &Path, args: &[&str]) -> String {
        let output = self.run(dir, &[&["hook"], args].concat());
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "hook {args:?}: {text}");
        text
    }

    /// Puts a script in the program's place, which notes what it is given and ends with `status`.
    fn replace_program(&self, status: i32) {
        fs::remove_file(self.bin.join("gitsieve")).unwrap();
        let text = noting(&self.noted("gitsieve"), status, true);
        executable(&self.bin.join("gitsieve"), &text);
    }

    /// What the stand-in, or a hook, notes.
    fn noted(&self, name: &str) -> PathBuf {
        self.holder.path().join(format!("noted-{name}"))
    }

    fn note(&self, name: &str) -> String {
        fs::read_to_string(self.noted(name)).unwrap_or_default()
    }
}

/// A script that writes its arguments, and its input if it reads that, to a file.
fn noting(to: &Path, status: i32, reads: bool) -> String {
    let read = if reads { "cat" } else { "true" };
    format!(
        "#!/bin/sh\n{{ echo \"$@\"; {read}; }} >'{}'\nexit {status}\n",
        to.display()
    )
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn hook_file(repo: &Repo, name: &str) -> PathBuf {
    let hooks = repo.git_dir().join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    hooks.join(name)
}

/// Name, mode, and bytes or target of all files of a directory.
fn listing(directory: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let bytes = if meta.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                target.into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap_or_default()
            };
            (path, meta.mode(), bytes)
        })
        .collect();
    all.sort();
    all
}

fn server() -> (Repo, Repo) {
    let repo = Repo::init();
    repo.commit_file("a", "one\n", "start");
    let bare = Repo::clone_of(&repo, &["--bare"]);
    repo.git(&["remote", "add", "origin", bare.path().to_str().unwrap()]);
    (repo, bare)
}

#[test]
fn a_clone_gets_the_hooks_of_commits_and_pushes_and_a_server_that_of_what_comes_in() {
    let machine = Machine::new();
    let (repo, bare) = server();
    let clone_before = listing(hook_file(&repo, "x").parent().unwrap());
    let bare_before = listing(hook_file(&bare, "x").parent().unwrap());
    machine.hook(repo.path(), &["install"]);
    machine.hook(repo.path(), &["install", bare.path().to_str().unwrap()]);
    for (repo, there, absent) in [
        (&repo, &["pre-commit", "pre-push"][..], &["pre-receive"][..]),
        (
            &bare,
            &["pre-receive"],
            &["pre-commit", "pre-push", "post-receive"],
        ),
    ] {
        for name in there {
            let meta = hook_file(repo, name).metadata().unwrap();
            assert_eq!(meta.mode() & 0o111, 0o111, "{name}");
        }
        for name in absent {
            assert!(!hook_file(repo, name).exists(), "{name}");
        }
    }
    machine.hook(repo.path(), &["uninstall"]);
    machine.hook(bare.path(), &["uninstall"]);
    assert_eq!(listing(&repo.git_dir().join("hooks")), clone_before);
    assert_eq!(listing(&bare.git_dir().join("hooks")), bare_before);
    let again = machine.hook(repo.path(), &["uninstall"]);
    assert!(again.contains("no hook of gitsieve"), "{again}");
}

#[test]
fn git_runs_the_hooks_with_its_arguments_and_input() {
    let machine = Machine::new();
    let (repo, bare) = server();
    machine.hook(repo.path(), &["install"]);
    machine.hook(bare.path(), &["install"]);
    machine.replace_program(0);
    repo.commit_file("a", "two\n", "second");
    assert_eq!(machine.note("gitsieve"), "hook pre-commit\n");

    fs::remove_file(hook_file(&bare, "pre-receive")).unwrap();
    let (old, new) = (repo.rev("HEAD^"), repo.rev("HEAD"));
    repo.git(&["push", "-q", "origin", "main"]);
    let url = bare.path().display();
    assert_eq!(
        machine.note("gitsieve"),
        format!("hook pre-push origin {url}\nrefs/heads/main {new} refs/heads/main {old}\n")
    );
    machine.replace_program(1);
    assert!(
        !repo
            .try_git(&["commit", "-q", "--allow-empty", "-m", "x"], b"")
            .status
            .success()
    );
    assert!(
        !repo
            .try_git(&["push", "-q", "origin", "main:other"], b"")
            .status
            .success()
    );
}

#[test]
fn installing_again_changes_nothing_and_brings_up_to_date() {
    let machine = Machine::new();
    let (_, bare) = server();
    machine.hook(bare.path(), &["install"]);
    let file = hook_file(&bare, "pre-receive");
    let first = file.metadata().unwrap();
    let said = machine.hook(bare.path(), &["install"]);
    assert!(said.contains("installed already"), "{said}");
    let second = file.metadata().unwrap();
    assert_eq!(
        (first.ino(), first.mtime_nsec()),
        (second.ino(), second.mtime_nsec())
    );

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    machine.hook(bare.path(), &["install"]);
    assert_eq!(file.metadata().unwrap().mode() & 0o111, 0o111);

    let other = Machine::new();
    let said = other.hook(bare.path(), &["install"]);
    assert!(said.contains("brought up to date"), "{said}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(other.bin.to_str().unwrap()), "{text}");
    assert!(!hook_file(&bare, "pre-receive.before-gitsieve").exists());
}

#[test]
fn an_earlier_hook_runs_first_with_the_same_arguments_and_input() {
    let machine = Machine::new();
    let (repo, bare) = server();
    let earlier = hook_file(&repo, "pre-push");
    executable(&earlier, &noting(&machine.noted("earlier"), 0, true));
    let said = machine.hook(repo.path(), &["install", "--pre-push"]);
    assert!(said.contains("runs first"), "{said}");
    machine.replace_program(0);
    repo.git(&[
        "push",
        "-q",
        "origin",
        "main:refs/heads/one",
        "main:refs/heads/two",
    ]);
    let note = machine.note("earlier");
    assert_eq!(note.lines().count(), 3, "{note}");
    assert!(
        note.starts_with(&format!("origin {}\n", bare.path().display())),
        "{note}"
    );
    assert_eq!(machine.note("gitsieve"), format!("hook pre-push {note}"));
}

#[test]
fn the_status_of_an_earlier_hook_ends_the_commit() {
    let machine = Machine::new();
    let (repo, _) = server();
    let earlier = hook_file(&repo, "pre-commit");
    executable(&earlier, &noting(&machine.noted("earlier"), 37, false));
    machine.hook(repo.path(), &["install", "--pre-commit"]);
    machine.replace_program(0);
    let refused = repo.try_git(&["commit", "-q", "--allow-empty", "-m", "x"], b"");
    assert!(!refused.status.success());
    assert!(machine.noted("earlier").exists() && !machine.noted("gitsieve").exists());
    let direct = Command::new(&earlier)
        .current_dir(repo.path())
        .status()
        .unwrap();
    assert_eq!(direct.code(), Some(37));
    // Neither does git run a hook that is not executable.
    let aside = hook_file(&repo, "pre-commit.before-gitsieve");
    fs::set_permissions(&aside, fs::Permissions::from_mode(0o644)).unwrap();
    repo.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    assert!(machine.noted("gitsieve").exists());
}

#[test]
fn three_thousand_refs_reach_both_hooks() {
    let machine = Machine::new();
    let (repo, bare) = server();
    let head = repo.rev("HEAD");
    let long = "x".repeat(150);
    let refs: Vec<String> = (0..3000)
        .map(|n| format!("create refs/heads/{long}/{n:04} {head}\n"))
        .collect();
    repo.git_with(&["update-ref", "--stdin"], refs.concat().as_bytes());
    let earlier = hook_file(&bare, "pre-receive");
    executable(&earlier, &noting(&machine.noted("earlier"), 0, true));
    machine.hook(bare.path(), &["install"]);
    machine.replace_program(0);
    let push = repo.try_git(&["push", "-q", "origin", "refs/heads/*:refs/heads/*"], b"");
    assert!(push.status.success());
    let (before, ours) = (machine.note("earlier"), machine.note("gitsieve"));
    assert_eq!(before.lines().count(), 1 + 3000);
    assert_eq!(ours, format!("hook pre-receive{before}"));

    // One that does not read leaves the other one all of it, and makes no noise.
    executable(
        &hook_file(&bare, "pre-receive.before-gitsieve"),
        &noting(&machine.noted("earlier"), 0, false),
    );
    let delete = "refs/heads/*:refs/heads/moved/*";
    let push = repo.try_git(&["push", "-q", "origin", delete], b"");
    let said = String::from_utf8_lossy(&push.stderr).into_owned();
    assert!(push.status.success() && said.is_empty(), "{said}");
    assert_eq!(machine.note("gitsieve").lines().count(), 1 + 3001);

    // Its failure refuses the push, whatever else is said.
    executable(
        &hook_file(&bare, "pre-receive.before-gitsieve"),
        &noting(&machine.noted("earlier"), 1, false),
    );
    let push = repo.try_git(&["push", "-q", "origin", "main:refs/heads/last"], b"");
    assert!(!push.status.success());
    assert!(
        bare.try_git(&["rev-parse", "-q", "--verify", "refs/heads/last"], b"")
            .stdout
            .is_empty()
    );
}

#[test]
fn nothing_on_standard_input_stays_nothing() {
    let machine = Machine::new();
    let (_, bare) = server();
    let earlier = hook_file(&bare, "pre-receive");
    executable(&earlier, &noting(&machine.noted("earlier"), 0, true));
    machine.hook(bare.path(), &["install"]);
    machine.replace_program(0);
    let status = Command::new(&earlier)
        .current_dir(bare.path())
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(machine.note("earlier"), "\n");
    assert_eq!(machine.note("gitsieve"), "hook pre-receive\n");
}

#[test]
fn uninstalling_puts_back_what_was_there() {
    let machine = Machine::new();
    let (repo, _) = server();
    let pre_commit = hook_file(&repo, "pre-commit");
    fs::write(&pre_commit, b"#!/bin/sh\n# \xff\xfe no UTF-8\nexit 0").unwrap();
    fs::set_permissions(&pre_commit, fs::Permissions::from_mode(0o751)).unwrap();
    symlink("../../shared/hook", hook_file(&repo, "pre-push")).unwrap();
    let before = listing(&repo.git_dir().join("hooks"));
    machine.hook(repo.path(), &["install"]);
    assert_ne!(listing(&repo.git_dir().join("hooks")), before);
    machine.hook(repo.path(), &["uninstall", "--pre-push"]);
    assert!(hook_file(&repo, "pre-commit.before-gitsieve").exists());
    let said = machine.hook(repo.path(), &["uninstall"]);
    assert!(said.contains("the hook from before is back"), "{said}");
    assert_eq!(listing(&repo.git_dir().join("hooks")), before);
    // Nor is anything touched that was never ours.
    machine.hook(repo.path(), &["uninstall"]);
    assert_eq!(listing(&repo.git_dir().join("hooks")), before);
}

#[test]
fn what_was_changed_by_hand_or_by_others_stays() {
    let machine = Machine::new();
    let (repo, _) = server();
    machine.hook(repo.path(), &["install", "--pre-commit"]);
    let file = hook_file(&repo, "pre-commit");
    let ours = fs::read_to_string(&file).unwrap();
    let edited = ours.replace("exec ", "echo mine\nexec ");
    fs::write(&file, &edited).unwrap();
    for command in ["install", "uninstall"] {
        let said = machine.refused(repo.path(), &[command, "--pre-commit"]);
        assert!(said.contains("changed by hand"), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), edited);
    }
    // Another tool writes its own over ours, while one from before is put aside.
    fs::write(&file, "#!/bin/sh\n").unwrap();
    machine.hook(repo.path(), &["install", "--pre-commit"]);
    fs::write(&file, "#!/bin/sh\n# another\n").unwrap();
    let before = listing(&repo.git_dir().join("hooks"));
    for command in ["install", "uninstall"] {
        let said = machine.refused(repo.path(), &[command, "--pre-commit"]);
        assert!(said.contains("another tool"), "{said}");
        assert_eq!(listing(&repo.git_dir().join("hooks")), before);
    }
}

#[test]
fn a_tool_that_renames_our_hook_still_finds_the_one_from_before() {
    let machine = Machine::new();
    let (repo, _) = server();
    let file = hook_file(&repo, "pre-commit");
    executable(&file, &noting(&machine.noted("earlier"), 0, false));
    machine.hook(repo.path(), &["install", "--pre-commit"]);
    machine.replace_program(0);
    // As the pre-commit framework does it.
    fs::rename(&file, hook_file(&repo, "pre-commit.legacy")).unwrap();
    executable(&file, "#!/bin/sh\nexec \"$0.legacy\"\n");
    repo.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    assert!(machine.noted("earlier").exists() && machine.noted("gitsieve").exists());
}

#[test]
fn hooks_go_where_git_looks_for_them() {
    let machine = Machine::new();
    let (repo, _) = server();
    repo.git(&["config", "core.hooksPath", ".githooks"]);
    let below = repo.path().join("sub");
    fs::create_dir(&below).unwrap();
    machine.hook(&below, &["install", "--pre-commit"]);
    assert!(repo.path().join(".githooks/pre-commit").exists());
    assert!(!hook_file(&repo, "pre-commit").exists());
    machine.replace_program(1);
    let refused = repo.try_git(&["commit", "-q", "--allow-empty", "-m", "x"], b"");
    assert!(!refused.status.success());
}

#[test]
fn a_directory_that_others_share_needs_a_word() {
    let machine = Machine::new();
    let (repo, _) = server();
    let shared = machine.holder.path().join("all hooks");
    // Set for all repositories: git knows, and nobody else reads it.
    fs::write(
        machine.holder.path().join(".gitconfig"),
        "[core]\n\thooksPath = ~/all hooks\n",
    )
    .unwrap();
    let said = machine.refused(repo.path(), &["install", "--pre-commit"]);
    assert!(
        said.contains("--hooks-path") && said.contains("all hooks"),
        "{said}"
    );
    assert!(!shared.exists() && !hook_file(&repo, "pre-commit").exists());
    let named = shared.to_str().unwrap();
    machine.hook(
        repo.path(),
        &["install", "--pre-commit", "--hooks-path", named],
    );
    assert!(shared.join("pre-commit").exists());
    machine.hook(repo.path(), &["uninstall", "--hooks-path", named]);
    assert!(!shared.join("pre-commit").exists());

    // So does a link.
    fs::remove_file(machine.holder.path().join(".gitconfig")).unwrap();
    fs::remove_dir_all(repo.git_dir().join("hooks")).unwrap();
    symlink(&shared, repo.git_dir().join("hooks")).unwrap();
    machine.refused(repo.path(), &["install", "--pre-commit"]);
    assert_eq!(listing(&shared), []);
}

#[test]
fn a_directory_that_husky_rewrites_is_refused_with_the_way_that_lasts() {
    let machine = Machine::new();
    let (repo, _) = server();
    repo.git(&["config", "core.hooksPath", ".husky/_"]);
    repo.write(".husky/_/h", "#!/usr/bin/env sh\n");
    let said = machine.refused(repo.path(), &["install"]);
    assert!(said.contains(".husky/pre-commit"), "{said}");
}

#[test]
fn linked_worktrees_and_submodules_find_the_hooks_of_their_repository() {
    let machine = Machine::new();
    let (repo, _) = server();
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
    machine.hook(&linked, &["install", "--pre-commit"]);
    assert!(hook_file(&repo, "pre-commit").exists());

    let parent = Repo::init();
    parent.git(&[
        "submodule",
        "--quiet",
        "add",
        repo.path().to_str().unwrap(),
        "sub",
    ]);
    machine.hook(&parent.path().join("sub"), &["install", "--pre-commit"]);
    assert!(
        parent
            .git_dir()
            .join("modules/sub/hooks/pre-commit")
            .exists()
    );
    assert!(!hook_file(&parent, "pre-commit").exists());

    machine.replace_program(1);
    for (repo, dir) in [(&repo, &*linked), (&parent, Path::new("sub"))] {
        let dir = dir.to_str().unwrap();
        let args = ["-C", dir, "commit", "-q", "--allow-empty", "-m", "x"];
        assert!(!repo.try_git(&args, b"").status.success(), "{dir}");
    }
}

#[test]
fn without_a_program_every_hook_fails_and_says_the_way_out() {
    let machine = Machine::new();
    let (repo, bare) = server();
    machine.hook(repo.path(), &["install"]);
    machine.hook(bare.path(), &["install"]);
    fs::remove_file(machine.bin.join("gitsieve")).unwrap();
    let say = |output: Output| {
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let commit = ["commit", "-q", "--allow-empty", "-m", "x"];
    let said = say(repo.try_git(&commit, b""));
    assert!(
        said.contains("--no-verify") && said.contains("hooks/pre-commit"),
        "{said}"
    );
    repo.git(&["commit", "-q", "--allow-empty", "-m", "x", "--no-verify"]);
    let said = say(repo.try_git(&["push", "-q", "origin", "main"], b""));
    assert!(said.contains("git push --no-verify"), "{said}");
    let said = say(repo.try_git(&["push", "-q", "--no-verify", "origin", "main"], b""));
    assert!(said.contains("administrator"), "{said}");

    // One on PATH does.
    let path = std::env::var("PATH").unwrap();
    executable(&machine.bin.join("elsewhere"), "");
    let elsewhere = machine.holder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    executable(
        &elsewhere.join("gitsieve"),
        &noting(&machine.noted("gitsieve"), 0, false),
    );
    let status = Command::new(hook_file(&repo, "pre-commit"))
        .current_dir(repo.path())
        .env("PATH", format!("{}:{path}", elsewhere.display()))
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(machine.note("gitsieve"), "hook pre-commit\n");
}

#[test]
fn any_path_is_quoted_right() {
    let machine = Machine::in_directory("it's \"a\" $HOME `x` \\dir");
    let (repo, bare) = server();
    let policy = machine.bin.join("po'licy.toml");
    fs::write(&policy, "mode = \"audit\"\n").unwrap();
    machine.hook(
        bare.path(),
        &["install", "--policy", policy.to_str().unwrap()],
    );
    machine.replace_program(0);
    repo.git(&["push", "-q", "origin", "main:refs/heads/new"]);
    let note = machine.note("gitsieve");
    let wanted = format!("hook pre-receive --policy {}\n", policy.display());
    assert!(note.starts_with(&wanted), "{note}");
}

#[test]
fn a_policy_with_a_spool_brings_the_hook_that_works_it_off() {
    let machine = Machine::new();
    let (repo, bare) = server();
    fs::write(bare.beside("policy.toml"), "spool = \"/var/spool/x\"\n").unwrap();
    machine.hook(bare.path(), &["install", "--policy", "../policy.toml"]);
    for name in ["pre-receive", "post-receive"] {
        let text = fs::read_to_string(hook_file(&bare, name)).unwrap();
        let policy = bare.beside("policy.toml");
        assert!(
            text.contains(&format!("--policy '{}'", policy.display())),
            "{text}"
        );
    }
    machine.hook(bare.path(), &["uninstall", "--pre-receive"]);
    assert!(!hook_file(&bare, "post-receive").exists());
    let said = machine.refused(bare.path(), &["install", "--policy", "../absent"]);
    assert!(said.contains("absent"), "{said}");
    // With one that says nothing useful, every push would be stopped.
    fs::write(bare.beside("bad.toml"), "mode = \"off\"\nmood = 1\n").unwrap();
    let said = machine.refused(bare.path(), &["install", "--policy", "../bad.toml"]);
    assert!(
        said.contains("bad.toml:2:") && said.contains("mood"),
        "{said}"
    );
    assert!(!hook_file(&bare, "pre-receive").exists());
    let said = machine.refused(repo.path(), &["install", "--policy", "a"]);
    assert!(said.contains("--pre-receive"), "{said}");
    machine.refused(bare.path(), &["install", "--pre-commit"]);
}

#[test]
fn directories_of_hooks_get_one_more_file() {
    let machine = Machine::new();
    let (_, gitea) = server();
    let many = hook_file(&gitea, "pre-receive.d");
    fs::create_dir(&many).unwrap();
    executable(&many.join("gitea"), "#!/bin/sh\n");
    machine.hook(gitea.path(), &["install"]);
    assert!(many.join("gitsieve").exists() && !hook_file(&gitea, "pre-receive").exists());
    machine.replace_program(3);
    let status = Command::new(many.join("gitsieve"))
        .stdin(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(3));
    assert_eq!(listing(&many).len(), 2);

    let machine = Machine::new();
    machine.hook(gitea.path(), &["uninstall"]);
    assert_eq!(listing(&many).len(), 1);

    let (_, gitlab) = server();
    let custom = gitlab.path().join("custom_hooks/pre-receive.d");
    fs::create_dir_all(&custom).unwrap();
    machine.hook(gitlab.path(), &["install"]);
    assert!(custom.join("gitsieve").exists());
}

#[test]
fn bitbucket_gets_a_script_and_the_calls() {
    let machine = Machine::new();
    let dir = machine.holder.path();
    let args = [
        "hook",
        "install",
        "--bitbucket",
        "--policy",
        "/etc/gitsieve/p.toml",
    ];
    let output = machine.run(dir, &args);
    assert_eq!(output.status.code(), Some(0));
    let script = String::from_utf8(output.stdout).unwrap();
    assert!(
        script.starts_with("#!/bin/sh\n") && script.len() < 2048,
        "{script}"
    );
    assert!(
        script.contains(" hook pre-receive --policy '/etc/gitsieve/p.toml'\n"),
        "{script}"
    );
    let calls = String::from_utf8(output.stderr).unwrap();
    for part in [
        "-F type=PRE",
        "X-Atlassian-Token: no-check",
        "/rest/api/latest/hook-scripts\n",
        "/rest/api/latest/projects/PROJECT/hook-scripts/ID",
        "feature.hook.scripts=true",
    ] {
        assert!(calls.contains(part), "{part}: {calls}");
    }
    let file = dir.join("hook.sh");
    let named = [
        "hook",
        "install",
        "--bitbucket",
        "-q",
        "-o",
        file.to_str().unwrap(),
    ];
    let output = machine.run(dir, &named);
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    let status = Command::new("sh").arg("-n").arg(&file).status().unwrap();
    assert!(status.success());
    machine.replace_program(1);
    let status = Command::new("sh")
        .arg(&file)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(machine.note("gitsieve"), "hook pre-receive\n");

    let machine = Machine::new();
    let calls = machine.hook(dir, &["uninstall", "--bitbucket"]);
    assert!(calls.contains("-X DELETE"), "{calls}");
    let said = machine.refused(dir, &["install", "--bitbucket", "--policy", "p.toml"]);
    assert!(said.contains("absolute"), "{said}");
}

#[test]
fn what_cannot_be_written_is_an_error_with_the_place_and_leaves_nothing() {
    let machine = Machine::new();
    let (repo, _) = server();
    let hooks = repo.git_dir().join("hooks");
    fs::remove_dir_all(&hooks).unwrap();
    fs::write(&hooks, "not a directory").unwrap();
    let said = machine.refused(repo.path(), &["install", "--pre-commit"]);
    assert!(said.contains("hooks/pre-commit"), "{said}");
    fs::remove_file(&hooks).unwrap();
    fs::create_dir_all(hooks.join("pre-commit")).unwrap();
    let said = machine.refused(repo.path(), &["install", "--pre-commit"]);
    assert!(said.contains("hooks/pre-commit"), "{said}");
    // The superuser may write anywhere but there.
    let said = machine.refused(repo.path(), &["install", "--hooks-path", "/proc/self"]);
    assert!(said.contains("/proc/self/pre-commit"), "{said}");
    let outside = repo.beside("plain");
    fs::create_dir(&outside).unwrap();
    machine.refused(&outside, &["install"]);
    assert_eq!(listing(&outside), []);
}
