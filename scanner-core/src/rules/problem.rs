//! What is wrong with rule files: all of it, each with its place.

pub use crate::model::Problem;
pub(crate) use crate::model::suggestion;
use std::fmt;

/// Everything wrong with the rule files that were to be loaded, sorted by file and line.
/// Displays one problem a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleErrors {
    problems: Vec<Problem>,
}

impl RuleErrors {
    /// Makes a value of at least one problem.
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self { problems }
    }

    /// Returns the problems, sorted by file and line; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_display_sorted_one_a_line_without_repeats() {
        let at = |line, message: &str| Problem {
            file: "a.toml".to_owned(),
            line,
            message: message.to_owned(),
        };
        let errors = RuleErrors::new(vec![
            at(9, "late"),
            at(2, "early"),
            at(9, "late"),
            at(0, "x"),
        ]);
        assert_eq!(
            errors.to_string(),
            "a.toml: x\na.toml:2: early\na.toml:9: late"
        );
    }
}
