//! Any bytes may stand where Git keeps a pack, its index, a loose object and packed refs: the
//! scan ends, without a panic and without more memory than it was given.
//!
//! The input is cut in four, at the places that its first three numbers say. A good corpus starts
//! from a real pack and its index.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    rules::RuleSet,
    scan::{GitInput, Input, NoObserver, Scanner},
};
use std::{
    fs,
    path::Path,
    sync::{LazyLock, atomic::AtomicBool},
};

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| {
    Scanner::builder()
        .rules(RuleSet::builtin())
        .threads(1)
        .max_memory_bytes(64 << 20)
        .build()
        .expect("the built-in rules can be used")
});

/// Writes a repository whose parts are the parts of `data`.
fn write_repository(path: &Path, data: &[u8]) -> std::io::Result<()> {
    let pack = path.join("objects/pack");
    fs::create_dir_all(&pack)?;
    fs::create_dir_all(path.join("objects/ab"))?;
    fs::create_dir_all(path.join("refs"))?;
    fs::write(path.join("HEAD"), "ref: refs/heads/main\n")?;
    let (lengths, mut rest) = data.split_at(data.len().min(6));
    let mut part = |n: usize| {
        let length = lengths
            .get(2 * n..2 * n + 2)
            .map_or(0, |two| usize::from(u16::from_le_bytes([two[0], two[1]])));
        let (part, tail) = rest.split_at(length.min(rest.len()));
        rest = tail;
        part
    };
    fs::write(path.join("packed-refs"), part(0))?;
    let name = "0123456789abcdef0123456789abcdef01234567";
    fs::write(path.join("objects/ab").join(&name[2..]), part(1))?;
    fs::write(pack.join(format!("pack-{name}.idx")), part(2))?;
    fs::write(pack.join(format!("pack-{name}.pack")), rest)
}

fuzz_target!(|data: &[u8]| {
    let dir = tempfile::tempdir().expect("a temporary directory");
    write_repository(dir.path(), data).expect("a writable temporary directory");
    let input = Input::Git(GitInput {
        path: dir.path().to_owned(),
        ..GitInput::default()
    });
    // Refusing to open it is an answer too.
    drop(SCANNER.scan(&input, &NoObserver, &AtomicBool::new(false)));
});
