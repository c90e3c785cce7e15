//! `--nice`: how the processes of a sweep stand among the others of the machine.

use crate::{
    Farm,
    support::sieve::{Sieve, binary, clear_environment},
};
use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(120);

/// A program of this name, by its whole path.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut all = env::split_paths(&path).map(|dir| dir.join(name));
    all.find(|path| path.is_file())
}

/// The class of input and output of a process or thread; `None` where `ionice` is not installed.
fn class(id: &str) -> Option<String> {
    let output = Command::new(program("ionice")?)
        .args(["-p", id])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split([':', '\n']).next().map(str::to_owned)
}

/// Niceness and class of a thread.
type Standing = (i32, Option<String>);

/// How the threads of a process stand; none of one that has ended.
fn threads(child: &Child) -> Vec<(String, i32)> {
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id()));
    let mut all = Vec::new();
    for task in tasks.into_iter().flatten().flatten() {
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        // proc(5): the name, in parentheses, is the second field, and niceness the 19th.
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        let nice = rest.split(' ').nth(16).unwrap().parse().unwrap();
        all.push((task.file_name().into_string().unwrap(), nice));
    }
    all
}

/// How the threads of a sweep stand while it scans.
fn while_it_scans(farm: &Farm, args: &[&str]) -> BTreeSet<Standing> {
    let mut command = Command::new(binary());
    clear_environment(&mut command);
    let mut child = command
        .arg("sweep")
        .arg(farm.root())
        .args(["--threads", "3"])
        .args(args)
        .env(
            "GITSIEVE_STORE",
            farm.dir.path().join(format!("{}.db", args.len())),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let signal = |name: &str, id: u32| {
        let mut kill = Command::new("kill");
        kill.args([name, &id.to_string()]);
        assert!(kill.status().unwrap().success());
    };
    let until = Instant::now() + PATIENCE;
    // Stopped, so that it does not end before it is asked about the last one.
    let all = loop {
        let runs = child.try_wait().unwrap().is_none();
        assert!(
            runs && Instant::now() < until,
            "it never scans with three threads"
        );
        signal("-STOP", child.id());
        thread::sleep(Duration::from_millis(20));
        let all = threads(&child);
        // It has others before it knows how nice it is to be, which end before it scans.
        let first = (child.id().to_string(), 19);
        if all.len() >= 3 && (args.is_empty() || all.contains(&first)) {
            break all;
        }
        signal("-CONT", child.id());
        thread::sleep(Duration::from_millis(10));
    };
    let standing = |(id, nice): (String, i32)| (nice, class(&id));
    let all = all.into_iter().map(standing).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    all
}

#[test]
fn every_thread_that_scans_lets_others_go_first() {
    let mut farm = Farm::new();
    farm.add("large.git");
    farm.add_blobs("large.git", 1_500);
    let idle = program("ionice").map(|_| "idle".to_owned());
    assert_eq!(
        while_it_scans(&farm, &["--nice"]),
        [(19, idle.clone())].into()
    );
    // Where it is not asked for, they stand as whoever started them.
    let usual = while_it_scans(&farm, &[]);
    assert!(usual.iter().all(|(nice, _)| *nice < 19), "{usual:?}");
    if idle.is_some() {
        assert!(usual.iter().all(|(_, class)| *class != idle), "{usual:?}");
    }
}

#[test]
fn so_does_git_that_makes_mirrors() {
    let mut farm = Farm::new();
    farm.add("a.git");
    let programs = farm.dir.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let (said, git) = (farm.dir.path().join("said"), program("git").unwrap());
    let script = format!(
        "#!/bin/sh\n{{ nice; ionice; }} >> '{}' 2>&1\nexec '{}' \"$@\"\n",
        said.display(),
        git.display()
    );
    fs::write(programs.join("git"), script).unwrap();
    fs::set_permissions(programs.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let list = farm.dir.path().join("list");
    let address = format!("file://{}\n", farm.root().join("a.git").display());
    fs::write(&list, address).unwrap();
    let path = env::var_os("PATH").unwrap();
    let path = env::join_paths([programs].into_iter().chain(env::split_paths(&path))).unwrap();
    let run = Sieve::new(&[
        Path::new("sweep"),
        Path::new("--nice"),
        Path::new("--list"),
        &list,
        Path::new("--mirrors"),
        &farm.dir.path().join("mirrors"),
    ])
    .variable("GITSIEVE_STORE", farm.store())
    .variable("PATH", path)
    .hiding(farm.secrets.clone())
    .run();
    assert_eq!(run.status, 1, "{}", run.stderr);
    let said = fs::read_to_string(said).unwrap();
    let expected = match program("ionice") {
        Some(_) => "19\nidle\n",
        None => "19\n",
    };
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn it_takes_no_value() {
    let farm = Farm::new();
    for args in [&["--nice=5", "."][..], &["--nice", "5"], &["--nice=", "."]] {
        let run = farm.run(args);
        assert_eq!(run.status, 2, "{args:?}: {}", run.stderr);
        assert!(!farm.store().exists());
    }
    let run = farm.run(&["--nice=5", "."]);
    assert!(run.stderr.contains("--nice"), "{}", run.stderr);
}
