//! Makes the repositories, by `git fast-import`.

use std::{
    error::Error,
    fmt::Write as _,
    io::{BufWriter, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Secrets in each repository.
pub(crate) const SECRETS: usize = 4;

/// What a repository is like.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// Size of the whole shape.
    pub(crate) size: u64,
    /// Makes a bare repository of a size.
    pub(crate) make: fn(&Path, u64) -> Result,
}

/// All shapes; what the size counts is said at the function that makes it.
pub(crate) const SHAPES: &[Shape] = &[
    Shape {
        name: "loose",
        size: 500_000,
        make: loose,
    },
    Shape {
        name: "packs",
        size: 300,
        make: packs,
    },
    Shape {
        name: "chain",
        size: 4_000,
        make: chain,
    },
    Shape {
        name: "revisions",
        size: 50_000,
        make: revisions,
    },
    Shape {
        name: "trees",
        size: 400,
        make: trees,
    },
    Shape {
        name: "commits",
        size: 5_000_000,
        make: commits,
    },
];

/// So many loose objects, nearly all of them blobs of a few lines.
fn loose(repository: &Path, size: u64) -> Result {
    const FILES: u64 = 1_000;
    // More objects than this would stay a pack.
    let mut import = Import::start(repository, &["-c", "fastimport.unpackLimit=2000000"])?;
    let mut text = Text::new(1);
    let blobs = size - size / FILES * 2;
    for number in 0..blobs {
        if number % FILES == 0 {
            import.commit(number / FILES)?;
        }
        let mut content = text.lines(4);
        content.push_str(&secret_at(number, blobs));
        let path = format!("d{}/f{}", number % FILES / 50, number % FILES);
        import.file(&path, content.as_bytes())?;
    }
    import.end()
}

/// So many packs of a hundred commits each.
fn packs(repository: &Path, size: u64) -> Result {
    const COMMITS: u64 = 100;
    let mut text = Text::new(2);
    for pack in 0..size {
        let mut import = Import::start(repository, &["-c", "fastimport.unpackLimit=0"])?;
        for number in 0..COMMITS {
            if number == 0 && pack > 0 {
                import.go_on(number)?;
            } else {
                import.commit(number)?;
            }
            let mut content = text.lines(40);
            content.push_str(&secret_at(pack * COMMITS + number, size * COMMITS));
            let path = format!("d{}/f{}", number % 10, number);
            import.file(&path, content.as_bytes())?;
        }
        import.end()?;
    }
    Ok(())
}

/// A file of a megabyte with so many revisions in one chain of deltas, each with another half of it
/// new: 2 GB in one pack at the whole size.
fn chain(repository: &Path, size: u64) -> Result {
    const LINES: usize = 16_000;
    let mut import = Import::start(repository, &["-c", "core.compression=0"])?;
    let mut text = Text::new(3);
    let (mut old, mut new) = (text.lines(LINES / 2), text.lines(LINES / 2));
    for number in 0..size {
        import.commit(number)?;
        let secret = secret_at(number, size);
        import.file("file", format!("{old}{secret}{new}").as_bytes())?;
        old = std::mem::replace(&mut new, text.lines(LINES / 2));
    }
    import.end()
}

/// A file of 20 KB with so many revisions, each with another line changed.
fn revisions(repository: &Path, size: u64) -> Result {
    const LINES: usize = 400;
    let mut import = Import::start(repository, &[])?;
    let mut text = Text::new(4);
    let mut lines: Vec<String> = (0..LINES).map(|_| text.lines(1)).collect();
    for number in 0..size {
        import.commit(number)?;
        let secret = secret_at(number, size);
        lines[text.below(LINES as u64) as usize] = if secret.is_empty() {
            text.lines(1)
        } else {
            secret
        };
        import.file("file", lines.concat().as_bytes())?;
    }
    import.end()
}

/// So many commits, each of which changes one of 100,000 files in one directory.
fn trees(repository: &Path, size: u64) -> Result {
    const FILES: u64 = 100_000;
    let mut import = Import::start(repository, &[])?;
    let mut text = Text::new(5);
    import.commit(0)?;
    for number in 0..FILES {
        import.file(&format!("f{number}"), text.lines(1).as_bytes())?;
    }
    for number in 0..size {
        import.commit(number + 1)?;
        let mut content = text.lines(1);
        content.push_str(&secret_at(number, size));
        let path = format!("f{}", text.below(FILES));
        import.file(&path, content.as_bytes())?;
    }
    import.end()
}

/// So many commits of three files, a tree of its own each.
fn commits(repository: &Path, size: u64) -> Result {
    const BLOBS: u64 = 1_000;
    let mut import = Import::start(repository, &["-c", "core.compression=1"])?;
    for number in 0..size {
        import.commit(number)?;
        // The digits of the number, to the base of BLOBS: the files that differ from the commit before.
        let mut unit = 1;
        for path in ["a", "b", "c"] {
            if number % unit == 0 {
                let digit = number / unit % BLOBS;
                import.file(path, format!("{digit}\n").as_bytes())?;
            }
            unit *= BLOBS;
        }
        let secret = secret_at(number, size);
        if !secret.is_empty() {
            import.file("s", secret.as_bytes())?;
        }
    }
    import.end()
}

/// A line with a secret at [`SECRETS`] places of so many, and nothing elsewhere.
fn secret_at(number: u64, of: u64) -> String {
    let secrets = SECRETS as u64;
    let nth = (0..secrets).find(|nth| of * nth / secrets == number);
    // One secret a place, however small the size; made here, so that no source holds it.
    nth.map_or_else(String::new, |nth| {
        let mut text = Text::new(1_000 + nth);
        let body: String = (0..30).map(|_| text.letter()).collect();
        let mut check = crc32fast::hash(body.as_bytes());
        let mut tail = [0; 6];
        for digit in tail.iter_mut().rev() {
            *digit = ALPHABET[(check % 62) as usize];
            check /= 62;
        }
        let tail = String::from_utf8_lossy(&tail).into_owned();
        format!("token = \"ghp_{body}{tail}\"\n")
    })
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Text that is the same each time (SplitMix64).
struct Text {
    state: u64,
}

impl Text {
    fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    fn letter(&mut self) -> char {
        char::from(ALPHABET[self.below(62) as usize])
    }

    /// Lines of some 60 bytes that look a little like a program's.
    fn lines(&mut self, count: usize) -> String {
        const WORDS: [&str; 16] = [
            "let", "count", "buffer", "return", "while", "node", "index", "value", "struct",
            "error", "length", "state", "const", "offset", "result", "path",
        ];
        let mut out = String::with_capacity(count * 64);
        for _ in 0..count {
            for _ in 0..5 {
                let word = WORDS[self.below(16) as usize];
                // Writing to a string cannot fail.
                let _ = write!(out, "{word}_{:x} ", self.below(1 << 20));
            }
            out.push('\n');
        }
        out
    }
}

/// A run of `git fast-import`.
struct Import {
    child: Child,
    to: BufWriter<std::process::ChildStdin>,
}

impl Import {
    fn start(repository: &Path, config: &[&str]) -> Result<Self> {
        if !repository.exists() {
            let made = git(&["init", "-q", "--bare", "-b", "main"])
                .arg(repository)
                .status()?;
            if !made.success() {
                return Err("git init failed".into());
            }
        }
        let mut child = git(config)
            .arg("--git-dir")
            .arg(repository)
            .args([
                "fast-import",
                "--quiet",
                "--depth=4095",
                "--max-pack-size=20g",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let to = child.stdin.take().ok_or("git fast-import takes no input")?;
        Ok(Self {
            child,
            to: BufWriter::with_capacity(1 << 16, to),
        })
    }

    /// Begins the first commit of this run on the last one of the run before.
    fn go_on(&mut self, number: u64) -> Result {
        self.commit(number)?;
        Ok(writeln!(self.to, "from refs/heads/main^0")?)
    }

    /// Begins a commit, on the one before in this run.
    fn commit(&mut self, number: u64) -> Result {
        let when = 1_600_000_000 + number;
        let message = format!("change {number}\n");
        Ok(write!(
            self.to,
            "commit refs/heads/main\ncommitter A <a@example.org> {when} +0000\ndata {}\n{message}\n",
            message.len()
        )?)
    }

    /// Puts a file into the commit.
    fn file(&mut self, path: &str, content: &[u8]) -> Result {
        writeln!(self.to, "M 100644 inline {path}\ndata {}", content.len())?;
        self.to.write_all(content)?;
        Ok(writeln!(self.to)?)
    }

    fn end(mut self) -> Result {
        self.to.flush()?;
        drop(self.to);
        if self.child.wait()?.success() {
            Ok(())
        } else {
            Err("git fast-import failed".into())
        }
    }
}

/// Git without the user's configuration.
fn git(arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(arguments);
    git
}
