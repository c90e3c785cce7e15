//! Reviews for tests, of the report that all formats are tested on.

use super::{Effect, Message, Model, keys};
use crate::output::fixture;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use scanner_core::{
    model::{Fingerprint, Report, Secret, Severity},
    report::Redactor,
    triage::Baseline,
};

/// The day on which tests take place.
pub(crate) const TODAY: &str = "2030-06-15";

/// A review of a report with this baseline.
pub(crate) fn review(report: Report, baseline: &str) -> Model {
    let redactor = Redactor::of_report(&report);
    with(report, redactor, baseline)
}

fn with(report: Report, redactor: Redactor, baseline: &str) -> Model {
    let text = format!("{{\"gitsieve_baseline\":1}}\n{baseline}");
    let baseline = Baseline::parse(text.as_bytes(), "b").unwrap();
    Model::new(report, redactor, &baseline, Some(TODAY.to_owned()))
}

/// A review of the shared report: critical, high, low, low, and one that another baseline lets pass.
pub(crate) fn shared() -> Model {
    review(fixture::report(), "")
}

/// A review of many findings.
pub(crate) fn many(n: u32) -> Model {
    let base = fixture::report();
    let mut report = base.clone();
    report.findings = (0..n)
        .map(|i| {
            let mut finding = base.findings[(i % 4) as usize].clone();
            finding.secret = Secret::new(format!("secret-number-{i}").as_bytes());
            finding.fingerprint = Fingerprint::new(&finding.rule.id, &finding.secret);
            finding
        })
        .collect();
    report
        .findings
        .sort_by_key(|f| std::cmp::Reverse(f.rule.severity));
    assert!(n < 4 || report.findings[0].rule.severity == Severity::Critical);
    // As in what is read back.
    with(report, Redactor::default(), "")
}

/// Presses keys: characters, and `\n` for Enter, `\t` for Tab, `\u{1b}` for Escape, `\u{8}` for
/// Backspace, other control characters for letters with Ctrl. Returns the last effect.
pub(crate) fn press(model: &mut Model, keys: &str) -> Option<Effect> {
    let mut effect = None;
    for c in keys.chars() {
        let (code, modifiers) = match c {
            '\n' => (KeyCode::Enter, KeyModifiers::NONE),
            '\t' => (KeyCode::Tab, KeyModifiers::NONE),
            '\u{1b}' => (KeyCode::Esc, KeyModifiers::NONE),
            '\u{8}' => (KeyCode::Backspace, KeyModifiers::NONE),
            '\u{1}'..='\u{1a}' => {
                let letter = char::from(c as u8 - 1 + b'a');
                (KeyCode::Char(letter), KeyModifiers::CONTROL)
            }
            c => (KeyCode::Char(c), KeyModifiers::NONE),
        };
        let message: Option<Message> = keys::message(&model.mode, KeyEvent::new(code, modifiers));
        effect = message.and_then(|message| model.update(message));
    }
    effect
}
