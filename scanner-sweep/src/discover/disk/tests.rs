use super::super::testing::Lab;
use super::*;
use scanner_core::model::ScanIssue;
use std::os::unix::fs::symlink;

fn search(roots: &[PathBuf], options: &DiskOptions) -> Found {
    disk(roots, options, &AtomicBool::new(false))
}

fn below(root: &Path) -> Found {
    search(&[root.to_owned()], &DiskOptions::default())
}

fn names(found: &Found) -> Vec<&str> {
    found.repositories.iter().map(|it| &*it.name).collect()
}

/// What was an issue of this kind, and where.
fn issues(found: &Found, kind: IssueKind) -> Vec<&ScanIssue> {
    found
        .issues
        .iter()
        .filter(|issue| issue.kind == kind)
        .collect()
}

fn place(issue: &ScanIssue) -> &str {
    issue.path.as_deref().unwrap()
}

#[test]
fn bitbucket_is_known_by_ids_wherever_the_search_begins() {
    let lab = Lab::new();
    let repositories = "home/shared/data/repositories";
    for (id, slug) in [("9", "jira"), ("10", "fork")] {
        let path = format!("{repositories}/{id}");
        if id == "9" {
            lab.bare(&path);
        } else {
            // As the server makes a fork: sharing objects by an absolute path.
            lab.git(&[
                "clone",
                "-q",
                "--bare",
                "--shared",
                &format!("{repositories}/9"),
                &path,
            ]);
        }
        let project = if id == "9" { "ATLAS" } else { "~alice" };
        let config = format!(
            "#>*** kept by the server\n[bitbucket]\n\thierarchy = 8597e1f873a45c2b9d3f\n\tproject = \
             {project}\n\trepository = {slug}\n"
        );
        lab.write(&format!("{path}/repository-config"), &config);
    }
    lab.bare(&format!("{repositories}/11"));
    let options = DiskOptions {
        bitbucket_homes: vec![lab.path("home")],
        bitbucket_url: Some("https://git.example/".to_owned()),
    };
    let found = search(&[], &options);
    assert_eq!(names(&found), ["~alice/fork", "bitbucket:11", "ATLAS/jira"]);
    let jira = &found.repositories[2];
    assert_eq!(
        *jira,
        Discovered {
            key: "bitbucket:9".to_owned(),
            name: "ATLAS/jira".to_owned(),
            project: Some("ATLAS".to_owned()),
            path: lab.path("home/shared/data/repositories/9"),
            family: Some("8597e1f873a45c2b9d3f".to_owned()),
            web_url: Some("https://git.example/projects/ATLAS/repos/jira/browse".to_owned()),
        }
    );
    assert_eq!(found.repositories[0].family, jira.family);
    let notes = issues(&found, IssueKind::Note);
    assert_eq!(notes.len(), found.issues.len());
    assert!(
        place(notes[0]).ends_with("/11/repository-config"),
        "{notes:?}"
    );

    let keys = |found: Found| -> Vec<String> {
        let keys = found.repositories.into_iter().map(|it| it.key);
        keys.collect()
    };
    let expected = ["bitbucket:10", "bitbucket:11", "bitbucket:9"];
    assert_eq!(keys(found), expected);
    for root in ["home", "home/shared", repositories] {
        assert_eq!(keys(below(&lab.path(root))), expected, "{root}");
    }
    // Renamed and moved on the server: the same.
    let config = "[bitbucket]\nproject = NEW\nrepository = tracker\n";
    lab.write(&format!("{repositories}/9/repository-config"), config);
    let found = search(&[], &options);
    assert_eq!(names(&found)[2], "NEW/tracker");
    assert_eq!(keys(found), expected);
}

#[test]
fn gitlab_is_known_by_hashes_and_named_by_its_configuration() {
    let lab = Lab::new();
    let at = |dir: &str, last: &str| format!("storage/{dir}/6b/86/{last}");
    lab.bare(&at("@hashed", "6b86b2.git"));
    lab.bare(&at("@hashed", "6b86b2.wiki.git"));
    lab.bare(&at("@hashed", "6b86b2.design.git"));
    lab.bare(&at("@pools", "6b86c3.git"));
    lab.bare("storage/+gitaly/tmp/half-done.git");
    for kind in ["", ".wiki", ".design"] {
        let config = lab.path(&at("@hashed", &format!("6b86b2{kind}.git/config")));
        let config = config.to_str().unwrap().to_owned();
        lab.git(&["config", "-f", &config, "gitlab.fullpath", "group/sub/shop"]);
    }
    let found = below(&lab.path("storage"));
    let all: Vec<(&str, &str, Option<&str>)> = found
        .repositories
        .iter()
        .map(|it| (&*it.key, &*it.name, it.project.as_deref()))
        .collect();
    let group = Some("group/sub");
    assert_eq!(
        all,
        [
            (
                "gitlab:@hashed/6b/86/6b86b2.design",
                "group/sub/shop.design",
                group
            ),
            ("gitlab:@hashed/6b/86/6b86b2", "group/sub/shop", group),
            (
                "gitlab:@hashed/6b/86/6b86b2.wiki",
                "group/sub/shop.wiki",
                group
            ),
            ("gitlab:@pools/6b/86/6b86c3", "@pools/6b/86/6b86c3", None),
        ]
    );
    assert_eq!(found.issues.len(), 1);
    assert!(place(&found.issues[0]).ends_with("/+gitaly"));
}

#[test]
fn gitea_is_known_by_paths_and_named_by_owners() {
    let lab = Lab::new();
    lab.bare("repos/alice/shop.git");
    lab.bare("repos/alice/shop.wiki.git");
    lab.bare("repos/deep/er/x.git");
    lab.bare("repos/top.git");
    let found = below(&lab.path("repos"));
    let deep = lab.path("repos/deep/er/x.git");
    let top = lab.path("repos/top.git");
    assert_eq!(
        names(&found),
        [
            "alice/shop",
            "alice/shop.wiki",
            deep.to_str().unwrap(),
            top.to_str().unwrap()
        ]
    );
    let shop = &found.repositories[0];
    assert_eq!(shop.key, lab.path("repos/alice/shop.git").to_str().unwrap());
    assert_eq!(shop.project.as_deref(), Some("alice"));
}

#[test]
fn clones_count_once_and_what_belongs_to_them_does_not() {
    let lab = Lab::new();
    lab.clone_with_commit("src/app");
    lab.git(&["-C", "src/app", "worktree", "add", "-q", "../linked"]);
    // A repository within another, as a submodule's.
    lab.bare("src/app/.git/modules/part");
    lab.git(&["clone", "-q", "src/app", "src/app/nested"]);
    lab.write("src/plain/HEAD", "ref: refs/heads/main\n");
    lab.write("src/plain/readme/.git", "no pointer to a repository\n");
    let app = lab.path("src/app");
    let found = below(&lab.path("src"));
    assert_eq!(names(&found), [app.to_str().unwrap()]);
    let notes = issues(&found, IssueKind::Note);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(place(notes[0]), lab.path("src/linked").to_str().unwrap());
    assert_eq!(found.issues.len(), 1);

    let roots = [app.join(".git"), app.clone(), lab.path("src")];
    let found = search(&roots, &DiskOptions::default());
    assert_eq!(names(&found), [app.to_str().unwrap()]);
}

#[test]
fn links_are_not_followed_and_said_where_they_lead_out() {
    let lab = Lab::new();
    lab.bare("in/one.git");
    lab.bare("out/two.git");
    symlink(lab.path("out"), lab.path("in/leads-out")).unwrap();
    symlink(lab.path("in"), lab.path("in/loop")).unwrap();
    symlink(lab.path("nowhere"), lab.path("in/broken")).unwrap();
    symlink(lab.path("in"), lab.path("entry")).unwrap();
    let found = below(&lab.path("entry"));
    assert_eq!(names(&found), [lab.path("in/one.git").to_str().unwrap()]);
    assert_eq!(found.issues.len(), 1, "{:?}", found.issues);
    assert_eq!(
        place(&found.issues[0]),
        lab.path("in/leads-out").to_str().unwrap()
    );
    assert!(
        found.issues[0]
            .message
            .contains(lab.path("out").to_str().unwrap())
    );

    let both = [lab.path("in"), lab.path("out")];
    let found = search(&both, &DiskOptions::default());
    assert_eq!(found.repositories.len(), 2);
    assert_eq!(found.issues, []);
}

/// Permissions do not stop the superuser, whom tests may run as; a path longer than the system
/// takes stops everybody.
#[test]
fn a_directory_that_cannot_be_read_is_said_and_the_rest_is_found() {
    let lab = Lab::new();
    lab.bare("root/a.git");
    lab.bare("root/z.git");
    let long = |letter: &str, count: usize| vec![letter.repeat(200); count].join("/");
    // More than 4,096 bytes are reached by moving a long path below another.
    fs::create_dir_all(lab.path("moved").join(long("y", 15))).unwrap();
    let deep = lab.path("root/m").join(long("x", 12));
    fs::create_dir_all(&deep).unwrap();
    fs::rename(lab.path("moved"), deep.join("moved")).unwrap();
    let found = below(&lab.path("root"));
    assert_eq!(found.repositories.len(), 2, "{:?}", names(&found));
    assert_eq!(found.issues.len(), 1, "{:?}", found.issues);
    assert_eq!(found.issues[0].kind, IssueKind::Unreadable);
    assert!(place(&found.issues[0]).contains("/moved/"));
    assert!(
        found.issues[0].message.contains("too long"),
        "{}",
        found.issues[0].message
    );
}

#[test]
fn depth_has_an_end_and_empty_and_missing_roots_are_said() {
    let lab = Lab::new();
    fs::create_dir_all(lab.path("deep").join(vec!["d"; MAX_DEPTH].join("/"))).unwrap();
    let found = search(
        &[lab.path("deep"), lab.path("gone")],
        &DiskOptions::default(),
    );
    let kinds: Vec<_> = found
        .issues
        .iter()
        .map(|issue| (issue.kind, place(issue)))
        .collect();
    let bottom = lab.path("deep").join(vec!["d"; MAX_DEPTH].join("/"));
    assert_eq!(
        kinds,
        [
            (IssueKind::Unreadable, lab.path("gone").to_str().unwrap()),
            (IssueKind::Limit, bottom.to_str().unwrap()),
            (IssueKind::Unreadable, lab.path("deep").to_str().unwrap()),
        ]
    );
}

#[test]
fn damaged_repositories_and_lone_objects_are_told_apart() {
    let lab = Lab::new();
    lab.bare("root/no-head.git");
    fs::remove_file(lab.path("root/no-head.git/HEAD")).unwrap();
    lab.bare("root/whole.git");
    fs::create_dir(lab.path("root/shared")).unwrap();
    fs::rename(
        lab.path("root/whole.git/objects"),
        lab.path("root/shared/objects"),
    )
    .unwrap();
    let found = below(&lab.path("root"));
    assert_eq!(
        names(&found),
        [lab.path("root/no-head.git").to_str().unwrap()]
    );
    assert_eq!(found.issues.len(), 1, "{:?}", found.issues);
    assert_eq!(
        place(&found.issues[0]),
        lab.path("root/shared/objects").to_str().unwrap()
    );
}

#[test]
fn a_search_that_is_stopped_says_so() {
    let lab = Lab::new();
    lab.bare("root/a.git");
    let found = disk(
        &[lab.path("root")],
        &DiskOptions::default(),
        &AtomicBool::new(true),
    );
    assert!(found.repositories.is_empty());
    assert_eq!(found.issues[0].kind, IssueKind::Limit);
}

#[test]
fn nothing_is_written() {
    let lab = Lab::new();
    lab.clone_with_commit("root/app");
    lab.bare("root/b.git");
    // Times of change would tell of anything made, removed or written.
    let state = || {
        let mut all = Vec::new();
        let mut waiting = vec![lab.path("root")];
        while let Some(path) = waiting.pop() {
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                waiting.extend(
                    fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            }
            all.push((path, meta.modified().unwrap(), meta.len()));
        }
        all.sort();
        all
    };
    let before = state();
    assert_eq!(below(&lab.path("root")).repositories.len(), 2);
    assert_eq!(state(), before);
}
