//! Which findings are shown.

use scanner_core::model::{Severity, TriageStatus};

/// What is decided about a finding, as the list tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is: it counts.
    Open,
    /// An entry of the baseline is over: it counts again.
    Ended(TriageStatus),
    /// An entry of the baseline says so.
    Decided(TriageStatus),
    /// A comment or the ignore file lets it pass.
    LetPass,
}

impl Standing {
    /// Whether the finding counts.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Ended(_))
    }

    /// In a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ended(_) => "ended",
            Self::Decided(TriageStatus::Accepted) => "accepted",
            Self::Decided(TriageStatus::FalsePositive) => "false",
            Self::Decided(TriageStatus::Revoked) => "revoked",
            Self::Decided(TriageStatus::Test) => "test",
            Self::LetPass => "let pass",
        }
    }
}

/// Which standings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Show {
    #[default]
    All,
    Open,
    Decided,
    Status(TriageStatus),
    LetPass,
}

impl Show {
    const ALL: [Self; 8] = [
        Self::All,
        Self::Open,
        Self::Decided,
        Self::Status(TriageStatus::Accepted),
        Self::Status(TriageStatus::FalsePositive),
        Self::Status(TriageStatus::Revoked),
        Self::Status(TriageStatus::Test),
        Self::LetPass,
    ];

    /// The next, around the end.
    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|one| *one == self);
        Self::ALL[at.map_or(0, |at| (at + 1) % Self::ALL.len())]
    }

    fn takes(self, standing: Standing) -> bool {
        match self {
            Self::All => true,
            Self::Open => standing.is_open(),
            Self::Decided => !standing.is_open(),
            Self::Status(status) => standing == Standing::Decided(status),
            Self::LetPass => standing == Standing::LetPass,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Open => "open",
            Self::Decided => "decided",
            Self::Status(status) => status.as_str(),
            Self::LetPass => "let pass",
        }
    }
}

/// Which findings are shown: all of this must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Least severity.
    severity: Option<Severity>,
    show: Show,
    /// In small letters; every word of it must occur.
    text: String,
}

impl Filter {
    /// Asks for the next higher severity at least; after the highest, for any.
    pub(crate) fn next_severity(&mut self) {
        self.severity = match self.severity {
            None => Some(Severity::Medium),
            Some(Severity::Low | Severity::Medium) => Some(Severity::High),
            Some(Severity::High) => Some(Severity::Critical),
            Some(Severity::Critical) => None,
        };
    }

    pub(crate) fn next_show(&mut self) {
        self.show = self.show.next();
    }

    pub(crate) fn search(&mut self, text: &str) {
        self.text = text.to_lowercase();
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a finding is shown; `text` is what can be searched of it, in small letters.
    pub(crate) fn takes(&self, severity: Severity, standing: Standing, text: &str) -> bool {
        self.severity.is_none_or(|least| severity >= least)
            && self.show.takes(standing)
            && self.text.split_whitespace().all(|word| text.contains(word))
    }

    /// In words; empty where all is shown.
    pub(crate) fn told(&self) -> String {
        let mut parts = Vec::new();
        if let Some(least) = self.severity {
            parts.push(match least {
                Severity::Critical => least.to_string(),
                _ => format!("{least} and above"),
            });
        }
        if self.show != Show::All {
            parts.push(self.show.word().to_owned());
        }
        if !self.text.is_empty() {
            parts.push(format!("\"{}\"", self.text));
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_filter_must_hold() {
        let mut filter = Filter::default();
        assert_eq!(filter.told(), "");
        filter.search("Config  TOKEN");
        filter.next_severity();
        filter.next_severity();
        filter.next_show();
        assert_eq!(filter.told(), "high and above, open, \"config  token\"");
        let text = "github-pat a token src/config.rs";
        assert!(filter.takes(Severity::Critical, Standing::Open, text));
        assert!(!filter.takes(Severity::Medium, Standing::Open, text));
        assert!(!filter.takes(Severity::High, Standing::LetPass, text));
        assert!(!filter.takes(Severity::High, Standing::Open, "config"));
    }

    #[test]
    fn filters_come_around_again() {
        let mut filter = Filter::default();
        for _ in 0..4 {
            filter.next_severity();
        }
        for _ in Show::ALL {
            filter.next_show();
        }
        assert_eq!(filter, Filter::default());
    }

    #[test]
    fn what_ended_counts_and_is_shown_with_what_is_open() {
        let ended = Standing::Ended(TriageStatus::Accepted);
        assert!(Show::Open.takes(ended));
        assert!(!Show::Decided.takes(ended));
        assert!(!Show::Status(TriageStatus::Accepted).takes(ended));
    }
}
