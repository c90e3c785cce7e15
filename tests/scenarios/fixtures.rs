//! Repositories that several tests use.

use super::history::file_with;
use crate::support::{ObjectFormat, Repo, plant, rng::Rng};

/// Lines of ordinary text.
pub fn prose(rng: &mut Rng, lines: usize) -> Vec<String> {
    (0..lines)
        .map(|_| {
            let words: Vec<String> = (0..8)
                .map(|_| {
                    let len = 2 + rng.below(8);
                    rng.text(b"etaoinshrdlucmfw", len)
                })
                .collect();
            words.join(" ")
        })
        .collect()
}

/// A SHA-1 repository with secrets in every place of a history.
pub fn every_place() -> Repo {
    every_place_as(ObjectFormat::Sha1)
}

/// A repository with secrets in every place of a history. The same content, whatever the format.
pub fn every_place_as(format: ObjectFormat) -> Repo {
    let repo = Repo::init_as(format);
    let mut rng = Rng::new(7);
    let mut lines = prose(&mut rng, 300);
    let save = |lines: &[String]| repo.write("long.txt", lines.join("\n") + "\n");
    save(&lines);
    repo.commit_file("head.env", file_with(&repo.plant()), "start");
    for step in 0..12 {
        lines.insert(20 * step, format!("token: {}", repo.plant()));
        lines.insert(15 * step + 3, plant::anything(&mut rng, step));
        let moved = lines.remove(rng.below(lines.len()));
        lines.push(moved);
        save(&lines);
        repo.commit("edit the long text");
    }
    repo.remove("head.env");
    repo.commit("remove the file");
    repo.git(&["checkout", "-q", "-b", "side", "HEAD~4"]);
    repo.commit_file("side/side.env", file_with(&repo.plant()), "side");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    repo.write("evil.env", file_with(&repo.plant()));
    repo.commit("merge side, and something else");
    repo.git(&["mv", "side/side.env", "renamed.env"]);
    repo.commit("rename");
    repo.git(&[
        "tag",
        "-a",
        "v1",
        "-m",
        &format!("release\n\nwith {}", repo.plant()),
    ]);
    repo.git(&["notes", "add", "-m", &format!("note: {}", repo.plant())]);
    repo.git(&["checkout", "-q", "-b", "gone"]);
    repo.commit_file("gone.env", file_with(&repo.plant()), "soon gone");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["branch", "-q", "-D", "gone"]);
    repo.dangling_blob(file_with(&repo.plant()));
    repo.write("long.txt", file_with(&repo.plant()));
    // A message of its own: git's would hold an abbreviated id.
    repo.git(&["stash", "push", "-q", "-m", "set aside"]);
    repo.commit_file("last", "clean\n", &format!("message with {}", repo.plant()));
    repo
}
