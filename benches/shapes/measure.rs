//! What a command takes.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(10);
/// Of `/proc/PID/stat`: 100 on every Linux there is.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a command took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Seconds from start to end.
    pub(crate) wall: f64,
    /// Seconds of processors, in hundredths.
    pub(crate) cpu: f64,
    /// Most bytes of anonymous memory seen.
    pub(crate) anon: u64,
}

/// Runs a command with its output thrown away. Its status does not count: it may tell of findings.
pub(crate) fn measure(command: &str, arguments: &[&Path]) -> Result<Usage, Box<dyn Error>> {
    let cpu_before = children_seconds()?;
    let start = Instant::now();
    let mut child = Command::new(command)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("cannot run {command}: {e}"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut anon = 0;
    while child.try_wait()?.is_none() {
        // Gone already, or a system without it: then nothing is known of its memory.
        let status = fs::read_to_string(&status).unwrap_or_default();
        let kb = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
        anon = anon.max(kb.map_or(0, |kb: u64| kb << 10));
        thread::sleep(EVERY);
    }
    Ok(Usage {
        wall: start.elapsed().as_secs_f64(),
        cpu: children_seconds()? - cpu_before,
        anon,
    })
}

/// Seconds of processors that children took that have ended.
fn children_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat
        .rsplit_once(')')
        .ok_or("/proc/self/stat is not understood")?;
    // The 16th and 17th field; the first two are gone.
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: f64 = ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_SECOND)
}

/// Bytes of the files under a directory.
pub(crate) fn disk(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() {
            disk(&entry.path())?
        } else {
            meta.len()
        };
    }
    Ok(bytes)
}
