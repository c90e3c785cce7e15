//! Tells repositories from plain directories by their layout (gitrepository-layout(5)). Opens
//! nothing: whether a repository is sound is found out by whoever scans it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A clone or worktree: has `.git`.
    WorkingTree,
    /// A bare repository, or the `.git` directory of a clone.
    GitDirectory,
    /// A directory of objects alone, such as a quarantine or an alternate.
    Objects,
    /// Any other directory, or a file.
    Plain,
}

/// Looks at one path, not at its parents.
pub(crate) fn kind(path: &Path) -> Kind {
    let dot_git = path.join(".git");
    if dot_git.is_file() || (dot_git.is_dir() && dot_git.join("HEAD").symlink_metadata().is_ok()) {
        return Kind::WorkingTree;
    }
    let has = |name: &str| path.join(name).exists();
    if path.join("HEAD").symlink_metadata().is_ok()
        && (has("commondir") || has("objects") && (has("refs") || has("reftable")))
    {
        return Kind::GitDirectory;
    }
    if is_object_directory(path) {
        Kind::Objects
    } else {
        Kind::Plain
    }
}

/// The working tree at or above a directory that holds `.git`, as Git itself would find it.
pub(crate) fn around(directory: &Path) -> Option<PathBuf> {
    let absolute = fs::canonicalize(directory).ok()?;
    absolute
        .ancestors()
        .find(|place| kind(place) == Kind::WorkingTree)
        .map(Path::to_owned)
}

fn is_object_directory(path: &Path) -> bool {
    if path.join("info/alternates").is_file() {
        return true;
    }
    let names = |directory: &Path| {
        fs::read_dir(directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
    };
    if names(&path.join("pack")).any(|name| {
        Path::new(&name)
            .extension()
            .is_some_and(|e| e == "pack" || e == "idx")
    }) {
        return true;
    }
    let is_hex = |name: &str| name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut fan_out = names(path).filter(|name| name.len() == 2 && is_hex(name));
    fan_out.any(|name| {
        names(&path.join(name)).any(|rest| matches!(rest.len(), 38 | 62) && is_hex(&rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
    }

    #[test]
    fn layouts_are_told_apart() {
        let object = format!("loose/ab/{}", "0".repeat(38));
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        make(
            root,
            &[
                "clone/.git/HEAD",
                "clone/sub/file",
                "worktree/.git",
                "bare/HEAD",
                "bare/objects/pack/x.idx",
                "bare/refs/heads/main",
                "linked/HEAD",
                "linked/commondir",
                &object,
                "alternate/info/alternates",
                "plain/HEAD",
                "plain/ab/short",
                "plain/pack/readme",
                "odd/.git/config",
            ],
        );
        for (name, wanted) in [
            ("clone", Kind::WorkingTree),
            ("worktree", Kind::WorkingTree),
            ("clone/sub", Kind::Plain),
            ("clone/sub/file", Kind::Plain),
            ("bare", Kind::GitDirectory),
            ("linked", Kind::GitDirectory),
            ("bare/objects", Kind::Objects),
            ("loose", Kind::Objects),
            ("alternate", Kind::Objects),
            ("plain", Kind::Plain),
            ("odd", Kind::Plain),
            ("absent", Kind::Plain),
        ] {
            assert_eq!(kind(&root.join(name)), wanted, "{name}");
        }
        let top = fs::canonicalize(root.join("clone")).unwrap();
        assert_eq!(around(&root.join("clone/sub")), Some(top));
    }
}
