//! How much memory the process held at most.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

/// The kernel's account, opened while files can be opened: a sandbox that is closed later does not
/// keep it from being read.
#[derive(Debug)]
pub(crate) struct PeakMemory(Option<File>);

impl PeakMemory {
    /// Opens the account, where the system has one.
    pub(crate) fn open() -> Self {
        Self(File::open("/proc/self/status").ok())
    }

    /// Returns the most memory that was resident so far, in KiB.
    pub(crate) fn kib(&mut self) -> Option<u64> {
        let file = self.0.as_mut()?;
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).ok()?;
        file.read_to_string(&mut text).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_grows_with_what_is_held() {
        let mut peak = PeakMemory::open();
        let before = peak.kib().unwrap();
        let held = vec![1u8; 300 << 20];
        let after = peak.kib().unwrap();
        assert!(
            after >= before && after >= held.len() as u64 / 1024,
            "{before} {after}"
        );
    }
}
