//! Comments beside a secret that ask to let it pass.

use crate::model::{Finding, ObjectId, Occurrence};
use bstr::ByteSlice;

/// What such a comment says, anywhere on the secret's line.
const PASS_WORDS: [&[u8]; 2] = [b"gitsieve:allow", b"gitleaks:allow"];

/// For each finding, whether a comment on the line of each occurrence asks to let it pass. `read`
/// gives the bytes of a blob. What stands in a member of a container, or in no file, cannot be
/// commented: its lines are not lines of a blob.
pub(super) fn allowed(
    findings: &[Finding],
    mut read: impl FnMut(&ObjectId) -> Option<Vec<u8>>,
) -> Vec<Vec<bool>> {
    let mut last: Option<(ObjectId, Vec<u8>)> = None;
    let mut asks = |occurrence: &Occurrence| {
        if occurrence.member.is_some() || occurrence.path.is_empty() {
            return false;
        }
        let content = match &mut last {
            Some((id, content)) if *id == occurrence.blob => content,
            last => {
                let content = read(&occurrence.blob).unwrap_or_default();
                &mut last.insert((occurrence.blob, content)).1
            }
        };
        let at = occurrence.location;
        let first = at.start_line.saturating_sub(1) as usize;
        let count = at.end_line.saturating_sub(at.start_line) as usize + 1;
        let mut lines = content.lines().skip(first).take(count);
        lines.any(|line| PASS_WORDS.iter().any(|word| line.contains_str(word)))
    };
    let of = |finding: &Finding| finding.occurrences.iter().map(&mut asks).collect();
    findings.iter().map(of).collect()
}
