//! The audit line, as somebody who reads the log sees it.

use jsonschema::Validator;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

/// What two runs of the same push need not have in common.
const COSTS: &[&str] = &[
    "time",
    "run_id",
    "duration_ms",
    "peak_rss_kib",
    "threads",
    "policy_hash",
];

/// One line of the audit log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line(Value);

impl Line {
    /// All lines of a log, which is empty where there is no file. Every line must be whole.
    pub fn read(log: &Path) -> Vec<Self> {
        let text = fs::read_to_string(log).unwrap_or_default();
        assert!(
            text.is_empty() || text.ends_with('\n'),
            "the last line of {} is cut",
            log.display()
        );
        text.lines()
            .map(|line| Self(serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))))
            .collect()
    }

    /// Fails unless the line is of the documented form, agrees with the exit status and tells
    /// what the run cost.
    pub fn assert_sound(&self, status: i32) {
        static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scanner-core/schema");
            let text = fs::read_to_string(root.join("audit.schema.json")).unwrap();
            jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
        });
        if let Err(error) = SCHEMA.validate(&self.0) {
            panic!("{error} in {:#}", self.0);
        }
        let verdicts: &[&str] = match status {
            0 => &[
                "allowed",
                "allowed_incomplete",
                "allowed_bypass",
                "allowed_audit",
            ],
            1 => &["blocked"],
            _ => &["blocked_incomplete", "error"],
        };
        let verdict = self.verdict();
        assert!(verdicts.contains(&verdict), "status {status}: {verdict}");
        assert_eq!(self.number("/exit"), u64::try_from(status).unwrap());
        assert!(self.peak_rss() > 1 << 20, "{:#}", self.0);
    }

    /// Fails unless both lines say the same but for what a run costs.
    pub fn assert_same_but_for_cost(&self, other: &Self) {
        let stripped = |line: &Self| {
            let mut value = line.0.clone();
            let fields = value.as_object_mut().expect("an audit line is an object");
            for cost in COSTS {
                fields.remove(*cost);
            }
            value
        };
        assert_eq!(stripped(self), stripped(other), "audit lines of two runs");
    }

    /// A value, by its path.
    pub fn at(&self, pointer: &str) -> &Value {
        self.0
            .pointer(pointer)
            .unwrap_or_else(|| panic!("no {pointer} in {:#}", self.0))
    }

    /// A number, by its path.
    pub fn number(&self, pointer: &str) -> u64 {
        self.at(pointer)
            .as_u64()
            .unwrap_or_else(|| panic!("{pointer} is no number in {:#}", self.0))
    }

    /// A text, by its path.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer)
            .as_str()
            .unwrap_or_else(|| panic!("{pointer} is no text in {:#}", self.0))
    }

    pub fn verdict(&self) -> &str {
        self.text("/verdict")
    }

    /// Wall time in milliseconds.
    pub fn milliseconds(&self) -> u64 {
        self.number("/duration_ms")
    }

    /// Peak resident memory in bytes.
    pub fn peak_rss(&self) -> u64 {
        self.number("/peak_rss_kib") << 10
    }

    pub fn commits(&self) -> u64 {
        self.number("/counts/commits")
    }

    pub fn blobs(&self) -> u64 {
        self.number("/counts/blobs_scanned")
    }

    /// How much content was left out because of its size.
    pub fn too_large(&self) -> u64 {
        self.number("/counts/skipped_by_reason/too-large")
    }

    /// Fingerprints of all findings, whatever became of them.
    pub fn fingerprints(&self) -> BTreeSet<String> {
        self.at("/findings")
            .as_array()
            .unwrap_or_else(|| panic!("no list in {:#}", self.0))
            .iter()
            .map(|finding| finding["fingerprint"].as_str().unwrap().to_owned())
            .collect()
    }
}
