//! Servers that tell which repositories they have: asked, mirrored and swept through the command.
//! They answer as Bitbucket does, and git gets its repositories from them over HTTP.

use crate::{
    Farm, paths,
    support::{
        certificates::Certificates,
        git_http, plant,
        repo::hermetic_git,
        rng::Rng,
        sieve::{Run, Sieve, leaks},
        web::{Asked, Fake, Reply},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long the servers ask to be left alone, once.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where Bitbucket Data Center is installed on its server.
const BELOW: &str = "/bitbucket";

/// A repository that a server lists.
#[derive(Debug, Clone)]
struct Listed {
    id: u64,
    project: &'static str,
    slug: &'static str,
    archived: bool,
}

fn listed(id: u64, project: &'static str, slug: &'static str) -> Listed {
    Listed {
        id,
        project,
        slug,
        archived: false,
    }
}

/// What a server knows and notes.
#[derive(Debug, Default)]
struct State {
    /// The directory with `PROJECT/slug.git`.
    root: PathBuf,
    listed: Mutex<Vec<Listed>>,
    /// The value of `Authorization` that it takes for its list, and for git.
    rest: String,
    git: Mutex<String>,
    /// When the list was asked for.
    asked_at: Mutex<Vec<Instant>>,
    was_busy: AtomicBool,
    /// Arguments of all processes while git waited for an answer.
    arguments: Mutex<String>,
}

impl State {
    /// A refusal, or a request for patience.
    fn not_yet(&self, asked: &Asked) -> Option<Reply> {
        self.asked_at.lock().unwrap().push(Instant::now());
        if asked.header("authorization") != Some(&self.rest) {
            return Some(Reply::status(401));
        }
        let first = !self.was_busy.swap(true, Ordering::SeqCst);
        let seconds = PATIENCE.as_secs().to_string();
        first.then(|| Reply::status(429).with("Retry-After", seconds))
    }

    fn git(&self, asked: &Asked, path: &str) -> Reply {
        self.note_arguments();
        if asked.header("authorization") != Some(&*self.git.lock().unwrap()) {
            return Reply::status(401).with("WWW-Authenticate", "Basic realm=x");
        }
        git_http::answer(asked, path, &self.root, "robot")
    }

    /// What every user of this machine can see.
    fn note_arguments(&self) {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        for process in processes {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            *self.arguments.lock().unwrap() += &(line + "\n");
        }
    }

    /// One page of two, as far as the list has come.
    fn page(&self, start: usize, wanted: impl Fn(&Listed) -> bool) -> (Vec<Listed>, Option<usize>) {
        let all = self.listed.lock().unwrap();
        let all: Vec<Listed> = all.iter().filter(|one| wanted(one)).cloned().collect();
        let rest = all.get(start..).unwrap_or_default();
        let next = (rest.len() > 2).then_some(start + 2);
        (rest.iter().take(2).cloned().collect(), next)
    }

    fn repository(&self, project: &str, slug: &str) -> PathBuf {
        self.root.join(format!("{project}/{slug}.git"))
    }
}

/// What a target has for a name, after its `?`.
fn parameter<'a>(target: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = target.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| (key == name).then_some(value))
}

fn data_center(state: &State, asked: &Asked) -> Reply {
    let target = &asked.target;
    let Some(path) = target.strip_prefix(BELOW) else {
        return Reply::status(404);
    };
    if let Some(path) = path.strip_prefix("/scm") {
        return state.git(asked, path);
    }
    if !path.starts_with("/rest/api/latest/repos?") {
        return Reply::status(404);
    }
    if let Some(reply) = state.not_yet(asked) {
        return reply;
    }
    let everything = parameter(target, "archived") == Some("ALL");
    let project = parameter(target, "projectkey");
    // A start that only the page before it names.
    let start: usize = parameter(target, "start").unwrap().parse().unwrap();
    let (page, next) = state.page(start / 10, |one| {
        (everything || !one.archived) && project.is_none_or(|key| key == one.project)
    });
    let host = asked.header("host").unwrap();
    let values: Vec<Value> = page
        .iter()
        .map(|one| {
            let Listed { id, project, slug, .. } = one;
            json!({
                "id": id, "slug": slug, "project": {"key": project}, "hierarchyId": format!("h{id}"),
                "archived": one.archived,
                "links": {
                    "self": [{"href": format!("http://{host}{BELOW}/projects/{project}/repos/{slug}/browse")}],
                    "clone": [
                        {"name": "ssh", "href": format!("ssh://git@{host}/{project}/{slug}.git")},
                        {"name": "http", "href": format!("http://robot@{host}{BELOW}/scm/{project}/{slug}.git")},
                    ],
                },
            })
        })
        .collect();
    let mut page = json!({"values": values, "isLastPage": next.is_none()});
    if let Some(next) = next {
        page["nextPageStart"] = (next * 10).into();
    }
    Reply::json(page.to_string())
}

fn cloud(state: &State, asked: &Asked) -> Reply {
    let target = &asked.target;
    if asked.header("host") == Some("bitbucket.org") {
        return state.git(asked, target);
    }
    if asked.header("host") != Some("api.bitbucket.org")
        || !target.starts_with("/2.0/repositories/TEAM?")
    {
        return Reply::status(404);
    }
    if let Some(reply) = state.not_yet(asked) {
        return reply;
    }
    let start = parameter(target, "after").unwrap_or("0").parse().unwrap();
    let (page, next) = state.page(start, |_| true);
    let values: Vec<Value> = page
        .iter()
        .map(|one| {
            let name = format!("{}/{}", one.project, one.slug);
            json!({
                "uuid": format!("{{{:032x}}}", one.id), "full_name": name, "parent": null,
                "links": {
                    "html": {"href": format!("https://bitbucket.org/{name}")},
                    "clone": [{"name": "https", "href": format!("https://robot@bitbucket.org/{name}.git")}],
                },
            })
        })
        .collect();
    let mut page = json!({"values": values});
    if let Some(next) = next {
        let next =
            format!("https://api.bitbucket.org/2.0/repositories/TEAM?pagelen=2&after={next}");
        page["next"] = next.into();
    }
    Reply::json(page.to_string())
}

/// A farm whose repositories a server has, and its token.
struct Site {
    farm: Farm,
    state: Arc<State>,
    token: String,
}

impl Site {
    /// `user` and the token make up what the list takes; `git_user` and the token what git is let in
    /// with.
    fn new(user: Option<&str>, git_user: Option<&str>, repositories: Vec<Listed>) -> Self {
        let mut farm = Farm::new();
        for one in &repositories {
            farm.add(&format!("{}/{}.git", one.project, one.slug));
        }
        let token = Rng::new(u64::from(std::process::id())).text(b"abcdefghjkmnpqrstuvwxyz", 40);
        farm.secrets.push(token.clone());
        let mut header = |user: Option<&str>| match user {
            None => format!("Bearer {token}"),
            Some(user) => {
                let pair = STANDARD.encode(format!("{user}:{token}"));
                farm.secrets.push(pair.clone());
                format!("Basic {pair}")
            }
        };
        let (rest, git) = (header(user), header(git_user));
        let state = State {
            root: farm.root(),
            listed: Mutex::new(repositories),
            rest,
            git: Mutex::new(git),
            ..State::default()
        };
        let file = user.map_or_else(|| token.clone(), |user| format!("{user}:{token}"));
        fs::write(farm.dir.path().join("token"), file + "\n").unwrap();
        Self {
            farm,
            state: Arc::new(state),
            token,
        }
    }

    fn file(&self, name: &str) -> String {
        let path = self.farm.dir.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    /// A sweep with everything that could be chatty.
    fn sweep(&self, places: &[&str], variables: &[(&'static str, &str)]) -> (Run, Vec<String>) {
        let (token, mirrors) = (self.file("token"), self.file("mirrors"));
        let (metrics, sarif) = (
            self.file("out.prom"),
            format!("sarif={}", self.file("out.sarif")),
        );
        let mut all = vec!["sweep"];
        all.extend(places);
        if !places.contains(&"--token-file") {
            all.extend(["--token-file", &token]);
        }
        all.extend(["--mirrors", &mirrors, "-vvv", "-f", "json"]);
        all.extend(["--metrics-file", &metrics, "--report", &sarif]);
        let mut sieve = Sieve::new(&all)
            .variable("GITSIEVE_STORE", self.farm.store())
            .hiding(self.farm.secrets.clone());
        for (name, value) in variables {
            sieve = sieve.variable(name, value);
        }
        let run = sieve.run();
        let report: Value = serde_json::from_slice(&run.stdout).unwrap();
        let found = paths(&report);
        (run, found)
    }

    fn known(&self) -> Vec<String> {
        paths(&self.farm.json(&["report", "-f", "json"]))
    }

    fn mirrors(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.file("mirrors")).unwrap();
        let mut dirs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        dirs.retain(|path| path.is_dir());
        dirs.sort();
        dirs
    }

    /// What git says about a bare repository.
    fn ask(&self, dir: &Path, args: &[&str]) -> String {
        let mut git = hermetic_git(self.farm.dir.path(), 1_700_000_000);
        let output = git.arg("--git-dir").arg(dir).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn tip(&self, dir: &Path) -> String {
        self.ask(dir, &["rev-parse", "main"]).trim_end().to_owned()
    }

    /// Refs of some repositories, sorted.
    fn refs(&self, dirs: &[PathBuf]) -> Vec<String> {
        let refs = |dir: &PathBuf| self.ask(dir, &["for-each-ref"]);
        let mut all: Vec<String> = dirs.iter().map(refs).collect();
        all.sort();
        all
    }

    /// Nothing that is left on the disk, and nothing that others could see meanwhile, has the token.
    fn token_is_nowhere(&self) {
        let mut waiting = vec![self.farm.dir.path().to_owned()];
        let mut files = 0;
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                let entries = fs::read_dir(&path).unwrap();
                waiting.extend(entries.map(|entry| entry.unwrap().path()));
            } else if path != Path::new(&self.file("token")) {
                let content = fs::read(&path).unwrap();
                for secret in self.credentials() {
                    assert!(!leaks(&content, secret), "{}", path.display());
                }
                files += 1;
            }
        }
        assert!(files > 20, "{files} files");
        if cfg!(target_os = "linux") {
            let arguments = self.state.arguments.lock().unwrap();
            assert!(arguments.contains("remote-http"), "git was not seen");
            for secret in self.credentials() {
                assert!(!leaks(arguments.as_bytes(), secret));
            }
        }
    }

    /// The token, and what headers make of it.
    fn credentials(&self) -> impl Iterator<Item = &String> {
        let at = self.farm.secrets.iter().position(|one| *one == self.token);
        self.farm.secrets[at.unwrap()..].iter()
    }
}

/// Requests in which git asks for objects.
fn downloads(asked: &[Asked]) -> usize {
    let wants = |one: &&Asked| {
        let words = b"command=fetch";
        one.body.windows(words.len()).any(|window| window == words)
    };
    asked.iter().filter(wants).count()
}

#[test]
fn repositories_of_data_center_are_listed_mirrored_and_swept_night_after_night() {
    let mut old = listed(3, "PAY", "old");
    old.archived = true;
    let mut site = Site::new(
        None,
        None,
        vec![
            listed(7, "PAY", "ledger"),
            listed(1, "OTHER", "elsewhere"),
            listed(2, "PAY", "shop"),
            old,
        ],
    );
    let state = Arc::clone(&site.state);
    let fake = Fake::answering(move |_, asked| data_center(&state, asked));
    let url = format!("{}{BELOW}/", fake.origin());
    let places = ["--bitbucket-url", &url, "--project", "PAY"];
    let all = [
        "PAY/ledger/deploy.sh",
        "PAY/old/deploy.sh",
        "PAY/shop/deploy.sh",
    ];

    let (run, found) = site.sweep(&places, &[]);
    assert_eq!(
        (run.status, &*found),
        (1, &all.map(str::to_owned)[..]),
        "{}",
        run.stderr
    );
    let lists: Vec<String> = fake
        .targets()
        .into_iter()
        .filter(|t| t.contains("/rest/"))
        .collect();
    assert_eq!(
        lists.len(),
        3,
        "one to be told to wait, two pages: {lists:?}"
    );
    assert!(
        lists
            .iter()
            .all(|target| parameter(target, "archived") == Some("ALL"))
    );
    {
        let times = site.state.asked_at.lock().unwrap();
        assert!(times[1] - times[0] >= PATIENCE, "{times:?}");
    }
    let origins = ["ledger", "old", "shop"].map(|slug| site.state.repository("PAY", slug));
    assert_eq!(site.mirrors().len(), 3);
    assert_eq!(site.refs(&site.mirrors()), site.refs(&origins));
    assert_eq!(downloads(&fake.asked()), 3);

    // The second night: asked, and nothing got.
    let before = fake.asked().len();
    let (run, found) = site.sweep(&places, &[]);
    assert_eq!((run.status, found.len()), (0, 0), "{}", run.stderr);
    let words = "3 unchanged, 0 scanned (0 objects), 0 new findings";
    assert!(run.stderr.contains(words), "{}", run.stderr);
    let asked = &fake.asked()[before..];
    let fetched = asked
        .iter()
        .filter(|one| one.target.contains("/info/refs?"));
    assert_eq!((fetched.count(), downloads(asked)), (3, 0));

    // The third: somebody has pushed.
    let origin = site.state.repository("PAY", "shop");
    site.farm
        .git("..", &["clone", "-q", origin.to_str().unwrap(), "work"]);
    let secret = plant::github_token(&mut Rng::new(4_711));
    fs::write(site.file("work/b.env"), format!("B={secret}\n")).unwrap();
    site.farm.secrets.insert(0, secret);
    site.farm.git("../work", &["add", "-A"]);
    site.farm.git("../work", &["commit", "-q", "-m", "more"]);
    site.farm.git("../work", &["push", "-q", "origin", "main"]);
    let hook = Fake::start(|_, _| Reply::status(200));
    fs::write(site.file("hook"), hook.origin()).unwrap();
    let channel = "[[channel]]\nname = \"x\"\nkind = \"webhook\"\nurl-file = \"hook\"\n";
    fs::write(site.file("alerts.toml"), channel).unwrap();
    let alerts = site.file("alerts.toml");
    let (run, found) = site.sweep(&[&places[..], &["--alerts", &alerts]].concat(), &[]);
    assert_eq!(
        (run.status, &*found),
        (1, &["PAY/shop/b.env".to_owned()][..]),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("2 unchanged, 1 scanned"),
        "{}",
        run.stderr
    );

    let alert: Value = serde_json::from_slice(&hook.asked()[0].body).unwrap();
    let tip = site.tip(&origin);
    let page = format!("{url}projects/PAY/repos/shop/browse/b.env?at={tip}#1");
    assert_eq!(alert["findings"][0]["link"], page);

    // One is renamed: its mirror and what is known of it go with it.
    site.state.listed.lock().unwrap()[0].slug = "books";
    let books = site.state.repository("PAY", "books");
    fs::rename(site.state.repository("PAY", "ledger"), books).unwrap();
    let (run, found) = site.sweep(&places, &[]);
    assert_eq!((run.status, found.len()), (0, 0), "{}", run.stderr);
    assert_eq!(site.mirrors().len(), 3);
    let names = [
        "PAY/books/deploy.sh",
        "PAY/old/deploy.sh",
        "PAY/shop/b.env",
        "PAY/shop/deploy.sh",
    ];
    assert_eq!(site.known(), names);

    // One is deleted: its mirror stays until somebody removes it, and what is known of it too.
    let kept = site.mirrors();
    site.state
        .listed
        .lock()
        .unwrap()
        .retain(|one| one.slug != "shop");
    fs::remove_dir_all(origin).unwrap();
    let (run, _) = site.sweep(&places, &[]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!((site.mirrors(), site.known().len()), (kept, 4));
    let shop = site.mirrors().into_iter().find(|mirror| {
        let config = fs::read_to_string(mirror.join("config")).unwrap();
        config.contains("/scm/PAY/shop.git")
    });
    fs::remove_dir_all(shop.unwrap()).unwrap();
    let (run, _) = site.sweep(&places, &[]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stderr.contains("1 there no more"), "{}", run.stderr);
    assert_eq!(site.known(), names[..2]);

    site.token_is_nowhere();
    for mirror in site.mirrors() {
        let config = fs::read_to_string(mirror.join("config")).unwrap();
        assert!(
            config.contains(&fake.origin()) && !config.contains("robot"),
            "{config}"
        );
    }
}

#[test]
fn a_token_that_is_refused_costs_the_status_and_nothing_that_is_known() {
    let site = Site::new(
        None,
        None,
        vec![listed(1, "PAY", "ledger"), listed(2, "PAY", "shop")],
    );
    let state = Arc::clone(&site.state);
    let fake = Fake::answering(move |_, asked| data_center(&state, asked));
    let url = format!("{}{BELOW}", fake.origin());
    let places = ["--bitbucket-url", &url];
    let (run, found) = site.sweep(&places, &[]);
    assert_eq!((run.status, found.len()), (1, 2), "{}", run.stderr);

    let wrong = "not-the-token-of-this-server";
    fs::write(site.file("wrong"), wrong).unwrap();
    let (run, _) = site.sweep(
        &[&places[..], &["--token-file", &site.file("wrong")]].concat(),
        &[],
    );
    assert_eq!(run.status, 3, "{}", run.stderr);
    for words in ["answers 401", "make a new one, or name the right file"] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    assert!(!leaks(run.stderr.as_bytes(), wrong), "{}", run.stderr);
    assert_eq!(site.known().len(), 2);

    // It may list and may not read.
    *site.state.git.lock().unwrap() = "Bearer of-another-kind".to_owned();
    let (run, _) = site.sweep(&places, &[]);
    assert_eq!(run.status, 3, "{}", run.stderr);
    for words in ["PAY/ledger: ", "PAY/shop: ", "its last mirror is swept"] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    assert_eq!(site.known().len(), 2);
    site.token_is_nowhere();
}

/// The addresses of Bitbucket Cloud are reached by way of a proxy, which stands in for them.
#[test]
fn repositories_of_a_workspace_of_cloud_are_listed_mirrored_and_swept() {
    let repositories = ["one", "two", "three"].into_iter().zip(1..);
    let site = Site::new(
        Some("robot@example.org"),
        Some("x-bitbucket-api-token-auth"),
        repositories
            .map(|(slug, id)| listed(id, "TEAM", slug))
            .collect(),
    );
    let names = "DNS:api.bitbucket.org,DNS:bitbucket.org";
    let dir = site.farm.dir.path().join("tls");
    fs::create_dir(&dir).unwrap();
    let Some(certificates) = Certificates::make(&dir, names) else {
        return;
    };
    let state = Arc::clone(&site.state);
    let fake = Fake::proxy(certificates.tls(), move |_, asked| cloud(&state, asked));
    let proxy = [("HTTPS_PROXY", &*fake.origin())];
    let places = ["--bitbucket-workspace", "TEAM"];

    // Whose certificate nobody vouches for is not asked.
    let (run, found) = site.sweep(&places, &proxy);
    assert_eq!((run.status, found.len()), (3, 0), "{}", run.stderr);
    assert!(run.stderr.contains("--ca-file"), "{}", run.stderr);
    assert!(fake.asked().is_empty());

    let authority = certificates.authority.to_str().unwrap();
    let places = [&places[..], &["--ca-file", authority]].concat();
    let (run, found) = site.sweep(&places, &proxy);
    let all = [
        "TEAM/one/deploy.sh",
        "TEAM/three/deploy.sh",
        "TEAM/two/deploy.sh",
    ];
    assert_eq!(
        (run.status, &*found),
        (1, &all.map(str::to_owned)[..]),
        "{}",
        run.stderr
    );
    let times = site.state.asked_at.lock().unwrap().clone();
    assert_eq!(times.len(), 3, "one to be told to wait, two pages");
    assert!(times[1] - times[0] >= PATIENCE, "{times:?}");
    let origins = ["one", "two", "three"].map(|slug| site.state.repository("TEAM", slug));
    assert_eq!(site.refs(&site.mirrors()), site.refs(&origins));

    let before = fake.asked().len();
    let (run, _) = site.sweep(&places, &proxy);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let words = "3 unchanged, 0 scanned (0 objects), 0 new findings";
    assert!(run.stderr.contains(words), "{}", run.stderr);
    assert_eq!(
        (downloads(&fake.asked()), downloads(&fake.asked()[before..])),
        (3, 0)
    );
    site.token_is_nowhere();
}
