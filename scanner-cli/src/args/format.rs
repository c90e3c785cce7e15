//! Formats of what is written, and reports beside the first.

use clap::{ValueEnum, builder::PossibleValue};
use scanner_core::report::ShowsSuppressed;
use std::path::PathBuf;

/// Formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// JSON Lines: one object a line, streamed.
    Jsonl,
    /// SARIF 2.1.0: code scanning, editors.
    Sarif,
    /// Comma-separated values, one row a place.
    Csv,
    /// JUnit XML: test reports of CI servers.
    Junit,
    /// GitLab's secret detection report.
    Gitlab,
    /// Annotations of GitHub Actions.
    Github,
    /// One HTML page that needs nothing else: filters, groups, a timeline.
    Html,
    /// Markdown: a comment or a job's summary (`rules list`: a table of rules).
    Markdown,
    /// JSON under the field names of gitleaks.
    GitleaksJson,
    /// CSV under the field names of gitleaks.
    GitleaksCsv,
    /// The template of --template.
    Template,
}

impl Format {
    /// Returns the name typed.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// When it shows findings that do not count; its reporter says the same.
    pub(crate) fn shows_suppressed(self) -> ShowsSuppressed {
        match self {
            Self::Gitlab | Self::Github | Self::GitleaksJson | Self::GitleaksCsv => {
                ShowsSuppressed::Never
            }
            Self::Sarif | Self::Html => ShowsSuppressed::Always,
            Self::Human
            | Self::Json
            | Self::Jsonl
            | Self::Csv
            | Self::Junit
            | Self::Markdown
            | Self::Template => ShowsSuppressed::OnDemand,
        }
    }
}

/// A further report: `FORMAT=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportArg {
    pub(crate) format: Format,
    pub(crate) file: PathBuf,
}

/// Parses `FORMAT=FILE`.
pub(super) fn report(text: &str) -> Result<ReportArg, String> {
    let (format, file) = text
        .split_once('=')
        .ok_or("expected FORMAT=FILE, such as sarif=report.sarif")?;
    let format = Format::from_str(format, false).map_err(|_| {
        let names: Vec<PossibleValue> = Format::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value)
            .collect();
        let names: Vec<&str> = names.iter().map(PossibleValue::get_name).collect();
        format!("no such format; there are {}", names.join(", "))
    })?;
    if file.is_empty() {
        return Err("expected a file after `=`".to_owned());
    }
    Ok(ReportArg {
        format,
        file: file.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_format_and_a_file() {
        let parsed = report("sarif=a=b.sarif").unwrap();
        assert_eq!(parsed.format, Format::Sarif);
        assert_eq!(parsed.file, PathBuf::from("a=b.sarif"));
        for wrong in ["sarif", "xml=a", "csv=", "=a"] {
            assert!(report(wrong).is_err(), "{wrong}");
        }
    }
}
