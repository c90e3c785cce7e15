//! A headless Chromium, spoken to by the DevTools protocol over pipes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// Names a Chromium; without it one is looked for, and tests that need one do nothing where there
/// is none.
const VARIABLE: &str = "GITSIEVE_TEST_BROWSER";

/// The browser to test with, if there is one.
pub(crate) fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE) {
        return Some(named.into());
    }
    let path = env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    env::split_paths(&path)
        .flat_map(|dir| names.map(|name| dir.join(name)))
        .find(|file| file.is_file())
}

/// A page in a browser of its own.
pub(crate) struct Page {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: Value,
    last_id: u64,
    /// Events that came while answers were waited for.
    events: Vec<Value>,
    _dir: TempDir,
}

impl Page {
    /// Opens a file.
    pub(crate) fn open(browser: &Path, file: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pipe = |name: &str| {
            let path = dir.path().join(name);
            assert!(
                Command::new("mkfifo")
                    .arg(&path)
                    .status()
                    .unwrap()
                    .success()
            );
            path
        };
        let (input, output) = (pipe("in"), pipe("out"));
        let profile = dir.path().join("profile");
        let mut user_data = OsString::from("--user-data-dir=");
        user_data.push(&profile);
        // The browser takes commands from descriptor 3 and answers on 4.
        let child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<\"$IN\" 4>\"$OUT\""])
            .arg(browser)
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-first-run",
            ])
            .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--window-size=1200,1600", "--hide-scrollbars"])
            .arg(user_data)
            .env("IN", &input)
            .env("OUT", &output)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = File::options().write(true).open(&input).unwrap();
        let from = BufReader::new(File::open(&output).unwrap());
        let mut page = Self {
            child,
            to,
            from,
            session: Value::Null,
            last_id: 0,
            events: Vec::new(),
            _dir: dir,
        };
        let target = page.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        page.session = page.call("Target.attachToTarget", &attach)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        let url = format!("file://{}", file.display());
        page.call("Page.navigate", &json!({ "url": url }));
        page.wait_for("document.documentElement?.dataset.ready === 'yes'");
        page
    }

    /// Asks the browser for something, and waits for the answer.
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": parameters });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap();
        loop {
            let mut answer = Vec::new();
            self.from.read_until(0, &mut answer).unwrap();
            assert_eq!(
                answer.pop(),
                Some(0),
                "the browser went away during {method}"
            );
            let mut answer: Value = serde_json::from_slice(&answer).unwrap();
            if answer["id"] == self.last_id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    /// The value of an expression in the page.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", &asked);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].take()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_for(&mut self, expression: &str) {
        for _ in 0..600 {
            if self.eval(expression) == true {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("never true: {expression}");
    }

    /// Clicks the middle of the first element that a selector selects.
    pub(crate) fn click(&mut self, selector: &str) {
        let place = self.eval(&format!(
            "(() => {{ const e = document.querySelector({selector:?}); \
             e.scrollIntoView({{ block: 'center' }}); const b = e.getBoundingClientRect(); \
             return [b.x + b.width / 2, b.y + b.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", &event);
        }
    }

    /// Types text where the focus is.
    pub(crate) fn insert(&mut self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// Presses a key that writes a character.
    pub(crate) fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "text": key });
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Shows the page as on a screen, or on paper, with light or dark colours.
    pub(crate) fn media(&mut self, media: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call(
            "Emulation.setEmulatedMedia",
            &json!({ "media": media, "features": features }),
        );
    }

    /// Writes a picture of the page into the directory that `GITSIEVE_TEST_PICTURES` names.
    pub(crate) fn picture(&mut self, name: &str) {
        let Some(directory) = env::var_os("GITSIEVE_TEST_PICTURES") else {
            return;
        };
        let shot = self.call("Page.captureScreenshot", &json!({ "format": "png" }));
        let png = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&directory).join(format!("{name}.png")), png).unwrap();
    }

    /// Closes the page; nothing may have failed in it, and nothing been loaded but itself.
    pub(crate) fn close(mut self) {
        self.eval("1");
        for event in std::mem::take(&mut self.events) {
            let of = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Runtime.exceptionThrown" => panic!("the script failed: {of}"),
                "Log.entryAdded" => panic!("the browser complains: {of}"),
                "Network.requestWillBeSent" => {
                    let url = of["request"]["url"].as_str().unwrap();
                    assert!(
                        url.starts_with("file://") && url.contains(".html"),
                        "loads {url}"
                    );
                }
                _ => {}
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Ends the browser with all its processes; by force where it does not hear.
        let _ = self
            .to
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let mut rest = Vec::new();
        while matches!(self.from.read_until(0, &mut rest), Ok(read) if read > 0) {
            rest.clear();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
