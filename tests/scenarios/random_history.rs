//! Random histories whose edits cut, move, copy and break up text around secrets, so that deltas
//! copy runs that begin and end everywhere in and beside them. Whatever happens, the delta-aware
//! scan says what the plain one says, and what a search of every blob says.

use super::{
    fixtures::prose,
    history::assert_counts,
    invariance::{assert_same, engines},
};
use crate::support::{
    Repo, Sieve,
    oracle::{self, histories},
    plant,
    rng::Rng,
    sieve::Scan,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

const COMMITS: usize = 80;
const BRANCHES: [&str; 4] = ["main", "one", "two", "three"];

/// What the rule of [`LONG_RULE`] matches begins with this.
const LONG_SIGN: &str = "unmistakably-longest-mark-";

/// A rule whose literal is about as long as any: seams must be searched as far as it reaches.
const LONG_RULE: &str = r#"
[extend]
useDefault = true

[[rules]]
id = "long-mark"
description = "A mark that is told by a long word"
regex = '''unmistakably-longest-mark-[0-9]{6}'''
keywords = ["unmistakably-longest-mark-"]
"#;

/// Files of one commit.
type Tree = BTreeMap<String, Vec<String>>;

/// What earlier edits left for later ones.
#[derive(Default)]
struct Remains {
    /// Files that were deleted.
    files: Vec<Vec<String>>,
    /// Lines that were broken in one place, and what they were before.
    broken: Vec<(String, String)>,
}

/// Adds or takes away one byte inside of what tells a secret by, somewhere in the files. The one
/// version is then stored as a delta of the other that has a seam in just that place.
fn break_in_the_middle(rng: &mut Rng, tree: &mut Tree, remains: &mut Remains) {
    let signs = [
        concat!("gh", "p_"),
        concat!("AK", "IA"),
        concat!("glp", "at-"),
        concat!("xo", "xb-"),
        concat!("PRIVATE", " KEY"),
        "BEGIN RSA",
        "password",
        "api_secret",
        "https://",
        LONG_SIGN,
    ];
    let mut places: Vec<(&mut String, usize, usize)> = Vec::new();
    for line in tree.values_mut().flatten() {
        let found = signs
            .iter()
            .find_map(|sign| Some((line.find(sign)?, sign.len())));
        if let Some((at, len)) = found {
            places.push((line, at, len));
        }
    }
    if places.is_empty() {
        return;
    }
    let which = rng.below(places.len());
    let (line, at, len) = places.swap_remove(which);
    let before = line.clone();
    let cut = at + rng.below(len);
    if rng.percent(30) {
        line.remove(cut);
    } else {
        line.insert(cut, *rng.pick(&[' ', 'q', '/']));
    }
    remains.broken.push((line.clone(), before));
}

/// One random edit of the files.
fn edit(rng: &mut Rng, repo: &Repo, tree: &mut Tree, remains: &mut Remains) {
    let names: Vec<String> = tree.keys().cloned().collect();
    let new_name = format!("d{}/file{}.txt", rng.below(3), rng.below(12));
    if names.is_empty() {
        tree.insert(new_name, prose(rng, 120));
        return;
    }
    let name = rng.pick(&names).clone();
    let kind = rng.below(20);
    if kind == 0 && names.len() > 2 {
        remains.files.extend(tree.remove(&name));
        return;
    }
    if kind == 1 && !remains.files.is_empty() {
        let content = rng.pick(&remains.files).clone();
        tree.insert(new_name, content);
        return;
    }
    if kind == 2 {
        let content = tree[&name].clone();
        tree.insert(new_name, content);
        return;
    }
    let fresh = if rng.percent(50) {
        let token = repo.plant();
        match rng.below(4) {
            0 => token,
            1 => format!("x = '{token}';"),
            2 => format!(
                "{} {token} {}",
                rng.text(b"abc ", 40),
                rng.text(b"xyz ", 40)
            ),
            _ => format!("{token} {token}"),
        }
    } else {
        match rng.below(12) {
            7.. => format!("see {LONG_SIGN}{}.", rng.text(b"0123456789", 6)),
            which => plant::anything(rng, which),
        }
    };
    if kind >= 17 {
        // A repair takes one byte away, or puts one back: what comes to stand there stands
        // across a seam of the delta.
        for line in tree.values_mut().flatten() {
            if let Some((_, before)) = remains.broken.iter().find(|(now, _)| now == line) {
                line.clone_from(before);
            }
        }
        return;
    }
    if kind >= 14 {
        break_in_the_middle(rng, tree, remains);
        return;
    }
    let lines = tree.get_mut(&name).expect("a name of this tree");
    if lines.is_empty() {
        lines.push(fresh);
        return;
    }
    let at = rng.below(lines.len());
    let len = (1 + rng.below(30)).min(lines.len() - at);
    match kind {
        3..=5 | 13 => lines.insert(at, fresh),
        6 => drop(lines.drain(at..at + len)),
        7 => {
            let block: Vec<String> = lines.drain(at..at + len).collect();
            let to = rng.below(lines.len() + 1);
            lines.splice(to..to, block);
        }
        8 => {
            let block = lines[at..at + len].to_vec();
            let to = rng.below(lines.len() + 1);
            lines.splice(to..to, block);
        }
        9 => {
            let more = prose(rng, 5);
            lines.splice(at..at, more);
        }
        // The rest strike in the middle of lines, preferring those with something in them.
        _ => {
            let odd: Vec<usize> = (0..lines.len())
                .filter(|i| {
                    lines[*i]
                        .bytes()
                        .any(|b| b.is_ascii_digit() || b"_-".contains(&b))
                })
                .collect();
            let at = if odd.is_empty() { at } else { *rng.pick(&odd) };
            let line = &mut lines[at];
            let cut = rng.below(line.len() + 1);
            match kind {
                10 => line.insert(cut, *rng.pick(&['A', 'z', '0', '_', ' ', '"'])),
                11 if cut < line.len() => drop(line.remove(cut)),
                12 => {
                    let tail = line.split_off(cut);
                    lines.insert(at + 1, tail);
                }
                _ if at + 1 < lines.len() => {
                    let next = lines.remove(at + 1);
                    lines[at].push_str(&next);
                }
                _ => {}
            }
        }
    }
}

/// A history of [`COMMITS`] commits on four branches with merges, made from a seed.
fn random_repo(seed: u64) -> Repo {
    let repo = Repo::init();
    let mut rng = Rng::new(seed);
    let mut stream = String::new();
    let mut tips: BTreeMap<&str, (usize, Tree)> = BTreeMap::new();
    let mut remains = Remains::default();
    for mark in 1..=COMMITS {
        let branch = *rng.pick(&BRANCHES);
        let start = tips.get(branch).cloned().or_else(|| {
            let all: Vec<_> = tips.values().cloned().collect();
            (!all.is_empty()).then(|| rng.pick(&all).clone())
        });
        let (from, mut tree) = start.map_or((None, Tree::new()), |(from, tree)| (Some(from), tree));
        let others: Vec<_> = tips
            .values()
            .filter(|(tip, _)| Some(*tip) != from)
            .cloned()
            .collect();
        let merged = (from.is_some() && !others.is_empty() && rng.percent(20))
            .then(|| rng.pick(&others).clone());
        if let Some((_, theirs)) = &merged {
            for (name, lines) in theirs {
                if !tree.contains_key(name) || rng.percent(50) {
                    tree.insert(name.clone(), lines.clone());
                }
            }
        }
        let edits = if merged.is_some() {
            rng.below(2)
        } else {
            1 + rng.below(6)
        };
        for _ in 0..edits {
            edit(&mut rng, &repo, &mut tree, &mut remains);
        }
        let message = format!("commit {mark}\n");
        writeln!(stream, "commit refs/heads/{branch}\nmark :{mark}").unwrap();
        let date = 1_600_000_000 + mark * 60;
        writeln!(stream, "committer C <c@example.org> {date} +0000").unwrap();
        write!(stream, "data {}\n{message}", message.len()).unwrap();
        if let Some(from) = from {
            writeln!(stream, "from :{from}").unwrap();
        }
        if let Some((other, _)) = merged {
            writeln!(stream, "merge :{other}").unwrap();
        }
        stream.push_str("deleteall\n");
        for (name, lines) in &tree {
            let content = lines.join("\n");
            write!(
                stream,
                "M 100644 inline {name}\ndata {}\n{content}\n",
                content.len()
            )
            .unwrap();
        }
        stream.push('\n');
        tips.insert(branch, (mark, tree));
    }
    repo.git_with(&["fast-import", "--quiet", "--force"], stream.as_bytes());
    let first = tips.keys().next().expect("commits were made");
    repo.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{first}")]);
    repo
}

/// Every place in every blob where a planted token stands between spaces, quotes or ends of
/// lines: token, blob, offset.
fn standing_alone(repo: &Repo) -> BTreeSet<(String, String, u64)> {
    let tokens = repo.planted();
    let mut out = BTreeSet::new();
    for (id, kind) in oracle::all_objects(repo) {
        if kind != "blob" {
            continue;
        }
        let content = String::from_utf8(repo.git_with(&["cat-file", "blob", &id], b"")).unwrap();
        let edge = |c: Option<char>| c.is_none_or(|c| " '\n".contains(c));
        for token in &tokens {
            for (at, _) in content.match_indices(token.as_str()) {
                let before = content[..at].chars().next_back();
                let after = content[at + token.len()..].chars().next();
                if edge(before) && edge(after) {
                    out.insert((token.clone(), id.clone(), at as u64));
                }
            }
        }
    }
    out
}

/// Every place where the scan says that a planted token stands: token, blob, offset.
fn reported(scan: &Scan, tokens: &[String]) -> BTreeSet<(String, String, u64)> {
    let mut out = BTreeSet::new();
    for finding in scan.findings() {
        let secret = finding["secret"].as_str().unwrap_or_default();
        if finding["rule_id"] != plant::GITHUB_RULE || !tokens.iter().any(|t| t == secret) {
            continue;
        }
        for occurrence in finding["occurrences"].as_array().unwrap() {
            let blob = occurrence["blob"].as_str().unwrap().to_owned();
            let start = occurrence["byte_start"].as_u64().unwrap();
            out.insert((secret.to_owned(), blob, start));
        }
    }
    out
}

fn assert_attribution(repo: &Repo, scan: &Scan) {
    let commits = oracle::all_commits(repo);
    let histories = histories(&commits);
    for finding in scan.findings() {
        for occurrence in finding["occurrences"].as_array().unwrap() {
            let text = |key: &str| occurrence[key].as_str().unwrap_or_default().to_owned();
            let Some(history) = histories.get(&(text("path"), text("blob"))) else {
                panic!("no commit holds {occurrence:#}");
            };
            assert_eq!(occurrence["introduced"]["commit"], history.introduced[0].1);
            let place = occurrence["where"].as_str().unwrap();
            assert_eq!(
                occurrence["last_seen"],
                oracle::last_seen(repo, place, history),
                "{occurrence:#}"
            );
            let mut also: Vec<&str> = history.introduced[1..]
                .iter()
                .map(|(_, id)| id.as_str())
                .collect();
            also.sort_unstable();
            let said: Vec<&str> = occurrence["also_introduced_in"]
                .as_array()
                .map(|ids| ids.iter().filter_map(|id| id.as_str()).collect())
                .unwrap_or_default();
            assert_eq!(said, also, "{occurrence:#}");
        }
    }
}

fn check(seed: u64) {
    let repo = random_repo(seed);
    repo.gc_aggressive();
    let deltas = repo.git(&[
        "verify-pack",
        "-v",
        repo.only_pack_file("idx").to_str().unwrap(),
    ]);
    assert!(
        deltas.contains("chain length = 5"),
        "the fixture's point: long delta chains"
    );

    // Edits make secrets that differ in one character, so they are told apart by their text.
    let config = repo.beside("rules.toml");
    std::fs::write(&config, LONG_RULE).unwrap();
    let config = config.to_str().unwrap();
    let base = ["--no-working-tree", "--show-secrets", "--config", config];
    let scan = Sieve::git(&repo, &base).showing().scan();
    scan.assert_complete();
    assert_counts(&repo, &scan);
    let said = reported(&scan, &repo.planted());
    let missed: Vec<_> = standing_alone(&repo).difference(&said).cloned().collect();
    assert!(missed.is_empty(), "seed {seed}: missed {missed:?}");
    assert!(
        said.len() > 30,
        "the fixture has many occurrences: {}",
        said.len()
    );
    let mut marks = scan.findings().iter().map(|f| &f["rule_id"]);
    assert!(marks.any(|id| id == "long-mark"), "the fixture has marks");
    assert_attribution(&repo, &scan);

    let bytes = String::from_utf8(scan.run.stdout).unwrap();
    let again = |what: &str, args: &[&str]| {
        let other = Sieve::git(&repo, &[&base, args].concat()).showing().scan();
        let what = format!("seed {seed}, {what}");
        assert_same(&what, &bytes, &String::from_utf8(other.run.stdout).unwrap());
    };
    again("one thread", &["--threads", "1"]);
    for engine in engines() {
        let other = Sieve::git(&repo, &[&base[..], &["--engine", engine]].concat())
            .showing()
            .scan();
        let found = other.json["findings"].to_string();
        assert_same(
            &format!("seed {seed}, {engine}"),
            &scan.json["findings"].to_string(),
            &found,
        );
    }
    repo.git(&["repack", "-q", "-a", "-d", "-f", "--depth=4", "--window=3"]);
    again("other deltas", &[]);
    repo.unpack_to_loose();
    again("loose", &[]);
}

#[test]
fn random_history_1() {
    check(1);
}

#[test]
fn random_history_2() {
    check(2);
}

#[test]
fn random_history_3() {
    check(3);
}

#[test]
fn random_history_4() {
    check(4);
}

#[test]
fn random_history_5() {
    check(5);
}

#[test]
fn random_history_6() {
    check(6);
}

#[test]
fn random_history_7() {
    check(7);
}

#[test]
fn random_history_8() {
    check(8);
}
