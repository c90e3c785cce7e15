//! Finds the repositories of a sweep.

use std::path::PathBuf;

/// A repository to sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// What the store knows it by: never the same for two repositories of one sweep, and the same in
    /// every sweep, wherever the server moves the directory as long as it names the repository. For a
    /// plain directory its canonical path.
    pub key: String,
    /// What people know it by: `PROJECT/slug`, `owner/name`, or the path.
    pub name: String,
    /// The project, group or owner, where the layout tells.
    pub project: Option<String>,
    /// The directory to scan.
    pub path: PathBuf,
    /// Forks of one origin share this, where the layout tells; object directories that are joined by
    /// alternates are found out by the sweep itself.
    pub family: Option<String>,
    /// The page of the repository on its server, for links in reports.
    pub web_url: Option<String>,
}
