//! What the filters say of one candidate, for people who ask why.

/// What one filter looked at and decided. Never holds a secret's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The filter: `expression`, `entropy`, `check`, `name`, `value`, `syntax`, `path`, `allowlist`.
    pub filter: &'static str,
    /// What it saw.
    pub value: String,
    /// What it asks for, or how many points it gave.
    pub threshold: String,
    /// Whether the candidate went on.
    pub kept: bool,
}

/// Takes down the steps, or nothing: a scan passes one that is off, for which nothing is formatted.
#[derive(Debug, Default)]
pub struct Trace {
    steps: Option<Vec<Step>>,
}

impl Trace {
    /// Takes nothing down.
    pub const fn off() -> Self {
        Self { steps: None }
    }

    /// Takes everything down.
    pub const fn on() -> Self {
        Self {
            steps: Some(Vec::new()),
        }
    }

    /// Takes down a step. `describe` gives value and threshold, and runs only when it is wanted.
    pub fn note(
        &mut self,
        filter: &'static str,
        kept: bool,
        describe: impl FnOnce() -> (String, String),
    ) {
        if let Some(steps) = &mut self.steps {
            let (value, threshold) = describe();
            steps.push(Step {
                filter,
                value,
                threshold,
                kept,
            });
        }
    }

    /// Takes down points for or against a candidate.
    pub fn points(&mut self, filter: &'static str, points: i32, reason: &str) {
        self.note(filter, true, || (reason.to_owned(), format!("{points:+}")));
    }

    /// The steps, in order.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps.unwrap_or_default()
    }
}
