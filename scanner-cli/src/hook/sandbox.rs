//! Takes from the process what scanning does not need.
//!
//! A scan reads a repository that strangers write to, and needs nothing else: no other files, no
//! network, no programs. What the kernel has of Landlock and seccomp makes sure of that even if a
//! decoder could be talked into more. Best effort: [`Report`] says what holds, and goes into the
//! audit line, so that nobody believes in a sandbox that is not there.
//!
//! The seccomp filter denies calls, and does not list those allowed: which calls the allocator,
//! threads and the C library make differs between their versions, and a call that a list forgot
//! would refuse every push after an update. What is denied fails with EPERM instead of killing,
//! for the same reason. Landlock carries the load; the filter covers what it does not know
//! (programs to run, other protocols, other processes) and kernels without it.
//!
//! There is no limit on the size of files: it would count the whole audit log, which other runs
//! fill at the same time, and end this run by a signal. Nor on processes, which are counted per
//! user, and this one's threads among them; nor on address space, which mapped packs take.
//!
//! It holds for the calling thread and those it starts: apply it before there are others.

use std::{fmt, path::PathBuf};

/// What a process still needs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Request<'a> {
    /// Directories and files to be read: the repository, object directories, alternates.
    pub(crate) read: &'a [PathBuf],
    /// Directories in which files are made and renamed: the spool. Where there is one, only
    /// Landlock keeps other files from being written.
    pub(crate) write: &'a [PathBuf],
}

/// What holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    holds: Vec<String>,
    /// What does not hold, and why.
    pub(crate) missing: Vec<String>,
}

impl fmt::Display for Report {
    /// Such as `landlock-v7+seccomp+rlimit`; `none` where nothing holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.holds.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.holds.join("+"))
    }
}

impl Report {
    fn add(&mut self, name: &str, outcome: Result<String, String>) {
        match outcome {
            Ok(holds) => self.holds.push(holds),
            Err(why) => self.missing.push(format!("{name}: {why}")),
        }
    }
}

/// Closes the sandbox around the calling thread, as far as the kernel can.
#[cfg(target_os = "linux")]
pub(crate) fn apply(request: &Request<'_>) -> Report {
    let mut report = Report::default();
    // Landlock first: the filter forbids nothing that it needs, but opens files itself.
    report.add("landlock", linux::landlock(request));
    report.add("seccomp", linux::seccomp(!request.write.is_empty()));
    report.add("rlimit", linux::limits());
    report
}

/// Says that there is none.
#[cfg(not(target_os = "linux"))]
pub(crate) fn apply(_request: &Request<'_>) -> Report {
    let mut report = Report::default();
    report.add("sandbox", Err("there is one for Linux alone".to_owned()));
    report
}

#[cfg(target_os = "linux")]
mod linux {
    use super::Request;
    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus,
        Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
        path_beneath_rules,
    };
    use rustix::process::{Resource, Rlimit, setrlimit};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };
    use std::collections::BTreeMap;

    /// The version tried here. What later ones add is not asked for; of earlier ones, all is.
    const TRIED: ABI = ABI::V7;

    pub(super) fn landlock(request: &Request<'_>) -> Result<String, String> {
        let status = restrict(request).map_err(|error| error.to_string())?;
        let LandlockStatus::Available { effective_abi, .. } = status.landlock else {
            return Err("the kernel has it not, or not enabled".to_owned());
        };
        if status.ruleset == RulesetStatus::NotEnforced {
            return Err("the kernel does not enforce it".to_owned());
        }
        Ok(format!("landlock-v{}", effective_abi.min(TRIED)))
    }

    fn restrict(request: &Request<'_>) -> Result<landlock::RestrictionStatus, RulesetError> {
        // `AccessFs::from_read` would allow to run programs.
        let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
        let write = read | AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::RemoveFile;
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(TRIED))?
            .handle_access(AccessNet::from_all(TRIED))?
            .scope(Scope::from_all(TRIED))?
            .create()?
            .add_rules(path_beneath_rules(request.read, read))?
            .add_rules(path_beneath_rules(request.write, write))?
            .restrict_self()
    }

    /// Denied to every run.
    const DENIED: &[libc::c_long] = &[
        // Network, and what could do it unseen.
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        // Programs.
        libc::SYS_execve,
        libc::SYS_execveat,
        // Other processes.
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_tgkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        // Who the process is and what it sees.
        libc::SYS_setuid,
        libc::SYS_setgid,
        libc::SYS_setreuid,
        libc::SYS_setregid,
        libc::SYS_setresuid,
        libc::SYS_setresgid,
        libc::SYS_setfsuid,
        libc::SYS_setfsgid,
        libc::SYS_setgroups,
        libc::SYS_capset,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_chroot,
        libc::SYS_pivot_root,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_open_by_handle_at,
        // The kernel.
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        // Names and attributes of files.
        libc::SYS_truncate,
        libc::SYS_mkdirat,
        libc::SYS_mknodat,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_fchownat,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
    ];

    /// Calls of the older kind, which newer machines have not.
    #[cfg(target_arch = "x86_64")]
    const DENIED_OLD: &[libc::c_long] = &[
        libc::SYS_mkdir,
        libc::SYS_rmdir,
        libc::SYS_mknod,
        libc::SYS_link,
        libc::SYS_symlink,
        libc::SYS_chown,
        libc::SYS_lchown,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const DENIED_OLD: &[libc::c_long] = &[];

    /// Denied where no file is to be made. `openat2` takes its flags by reference, where a filter
    /// cannot see them; nothing here uses it.
    const DENIED_WRITES: &[libc::c_long] = &[
        libc::SYS_openat2,
        libc::SYS_unlinkat,
        libc::SYS_renameat2,
        libc::SYS_fchmodat,
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        libc::SYS_renameat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rename,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_unlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chmod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_creat,
    ];

    /// Calls that open files, and which of their arguments the flags are.
    const OPENING: &[(libc::c_long, u8)] = &[
        (libc::SYS_openat, 2),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, 1),
    ];

    /// The x32 calls of an x86-64 kernel pass the filter's check of the architecture, under numbers
    /// of their own: the same with this bit, and for some calls others.
    #[cfg(target_arch = "x86_64")]
    const X32_BIT: libc::c_long = 0x4000_0000;
    /// `execve`, `ptrace`, `rt_sigqueueinfo`, `kexec_load`, `rt_tgsigqueueinfo`,
    /// `process_vm_readv`, `process_vm_writev`, `execveat`.
    #[cfg(target_arch = "x86_64")]
    const X32_OWN: &[libc::c_long] = &[520, 521, 524, 528, 536, 539, 540, 545];

    pub(super) fn seccomp(writes: bool) -> Result<String, String> {
        let filter = filter(writes).map_err(|error| error.to_string())?;
        seccompiler::apply_filter(&filter).map_err(|error| error.to_string())?;
        Ok("seccomp".to_owned())
    }

    fn filter(writes: bool) -> Result<BpfProgram, seccompiler::Error> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        let denied = DENIED.iter().chain(DENIED_OLD);
        let names = if writes { &[] } else { DENIED_WRITES };
        rules.extend(denied.chain(names).map(|&call| (call, Vec::new())));
        let openings = if writes { &[] } else { OPENING };
        for &(call, flags) in openings {
            let with = |mask: i32, value: i32| {
                SeccompRule::new(vec![SeccompCondition::new(
                    flags,
                    SeccompCmpArgLen::Dword,
                    SeccompCmpOp::MaskedEq(mask.cast_unsigned().into()),
                    value.cast_unsigned().into(),
                )?])
            };
            let to_write = vec![
                with(libc::O_ACCMODE, libc::O_WRONLY)?,
                with(libc::O_ACCMODE, libc::O_RDWR)?,
                with(libc::O_CREAT, libc::O_CREAT)?,
                with(libc::O_TRUNC, libc::O_TRUNC)?,
            ];
            rules.insert(call, to_write);
        }
        #[cfg(target_arch = "x86_64")]
        {
            let own = X32_OWN.iter().map(|&call| (call, Vec::new()));
            let x32: Vec<_> = rules.clone().into_iter().chain(own).collect();
            rules.extend(x32.into_iter().map(|(call, rule)| (call | X32_BIT, rule)));
        }
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EPERM as u32),
            std::env::consts::ARCH.try_into()?,
        )?;
        Ok(filter.try_into()?)
    }

    /// No core file, which would hold what was scanned.
    pub(super) fn limits() -> Result<String, String> {
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(Resource::Core, none).map_err(|error| error.to_string())?;
        Ok("rlimit".to_owned())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::hook::{
        audit::{AuditLog, Reopen},
        courier,
        spool::{Spool, Unfinished},
    };
    use std::{
        env,
        fs::{self, File},
        io,
        net::{TcpListener, TcpStream, UdpSocket},
        os::unix::net::UnixDatagram,
        path::Path,
        process::Command,
        thread,
        time::SystemTime,
    };

    /// Names the directory of the test that runs this binary again, for there is no way out of a
    /// sandbox.
    const CHILD: &str = "GITSIEVE_TEST_SANDBOX";

    fn in_child(test: &str, dir: &Path) {
        let path = format!("hook::sandbox::tests::{test}");
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", &path, "--nocapture", "--test-threads=1"])
            .env(CHILD, dir)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}{errors}");
        assert!(text.contains("1 passed"), "{text}");
    }

    fn denied<T>(what: &str, result: io::Result<T>) {
        let Err(error) = result else {
            panic!("{what} is possible");
        };
        assert_eq!(
            error.kind(),
            io::ErrorKind::PermissionDenied,
            "{what}: {error}"
        );
    }

    #[test]
    fn a_sandboxed_process_can_only_read_what_it_is_given() {
        let Some(dir) = env::var_os(CHILD).map(PathBuf::from) else {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("repository")).unwrap();
            fs::write(dir.path().join("repository/config"), "[core]").unwrap();
            fs::write(dir.path().join("other"), "x").unwrap();
            in_child(
                "a_sandboxed_process_can_only_read_what_it_is_given",
                dir.path(),
            );
            let text = fs::read_to_string(dir.path().join("audit.jsonl")).unwrap();
            assert_eq!(text, "1\n");
            return;
        };
        let repository = dir.join("repository");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = UnixDatagram::bind(dir.join("log")).unwrap();
        let courier = courier::tests::start_to(dir.join("log"));
        let mut audit = AuditLog::open(&dir.join("audit.jsonl")).unwrap();
        let report = apply(&Request {
            read: std::slice::from_ref(&repository),
            write: &[],
        });
        let text = report.to_string();
        assert!(
            text.ends_with("seccomp+rlimit"),
            "{text} {:?}",
            report.missing
        );

        denied("to make a file", File::create(repository.join("new")));
        denied(
            "to write a file",
            File::options().append(true).open(repository.join("config")),
        );
        denied(
            "to rename",
            fs::rename(repository.join("config"), repository.join("c")),
        );
        denied("to delete", fs::remove_file(repository.join("config")));
        denied("to make a directory", fs::create_dir(repository.join("d")));
        denied("TCP", TcpStream::connect(address));
        denied("UDP", UdpSocket::bind("127.0.0.1:0"));
        denied("a local socket", UnixDatagram::unbound());
        denied("to listen", TcpListener::bind("127.0.0.1:0"));
        denied("a program", Command::new("/bin/true").status());
        let own = rustix::process::getpid();
        let signal = rustix::process::kill_process(own, rustix::process::Signal::CONT);
        denied("a signal", signal.map_err(io::Error::from));
        if text.starts_with("landlock") {
            denied("to read elsewhere", fs::read(dir.join("other")));
            denied("to read the system", fs::read("/etc/passwd"));
        }

        let config = fs::read(repository.join("config")).unwrap();
        assert_eq!(config, b"[core]");
        assert_eq!(fs::read_dir(&repository).unwrap().count(), 1);
        audit.append(b"1\n", Reopen::Forbidden).unwrap();
        assert_eq!(courier.deliver(b"{}\n"), [""; 0]);
        assert!(socket.recv(&mut [0; 100]).unwrap() > 0);
        let inherited = thread::spawn(move || {
            let listener = TcpListener::bind("127.0.0.1:0");
            denied("to listen in a thread", listener);
            fs::read(repository.join("config")).unwrap()
        });
        assert_eq!(inherited.join().unwrap(), b"[core]");
    }

    #[test]
    fn a_spool_can_be_written_and_nothing_else() {
        let Some(dir) = env::var_os(CHILD).map(PathBuf::from) else {
            let dir = tempfile::tempdir().unwrap();
            for name in ["repository", "spool"] {
                fs::create_dir(dir.path().join(name)).unwrap();
            }
            in_child("a_spool_can_be_written_and_nothing_else", dir.path());
            assert_eq!(fs::read_dir(dir.path().join("spool")).unwrap().count(), 1);
            return;
        };
        let (repository, spool) = (dir.join("repository"), dir.join("spool"));
        let queue = Spool::open(&spool).unwrap();
        let report = apply(&Request {
            read: std::slice::from_ref(&repository),
            write: std::slice::from_ref(&spool),
        });
        let entry = Unfinished {
            time: SystemTime::now(),
            directory: repository.clone(),
            repository: "PROJ/repo".into(),
            user: None,
            updates: Vec::new(),
            unscanned: Vec::new(),
        };
        queue.add(&entry).unwrap();
        let listing = queue.list(&repository).unwrap();
        assert_eq!(listing.entries[0].push.repository, "PROJ/repo");
        denied("a program", Command::new("/bin/true").status());
        if report.to_string().starts_with("landlock") {
            denied(
                "to write the repository",
                fs::write(repository.join("a"), "x"),
            );
            denied("to make a directory", fs::create_dir(spool.join("d")));
        }
    }

    #[test]
    fn what_is_missing_is_said_and_never_claimed() {
        let mut report = Report::default();
        assert_eq!(report.to_string(), "none");
        report.add("landlock", Err("no".to_owned()));
        report.add("rlimit", Ok("rlimit".to_owned()));
        assert_eq!(report.to_string(), "rlimit");
        assert_eq!(report.missing, ["landlock: no"]);
    }
}
