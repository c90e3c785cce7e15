//! Reports in any text form, by a template of the user's own.
//!
//! A template sees the document that the JSON report is (`meta`, `findings`, `receipt`): one shape,
//! which the published schema describes. It is trusted, as a program's options are; what it is
//! filled with is not. Whatever is undefined is an error, because a misspelt name would otherwise
//! be a report that leaves something out.

use super::{
    Redactor, ReportMeta, Reporter, ShowsSuppressed,
    document::{FindingDocument, MetaDocument, ReceiptDocument},
    printable,
};
use crate::model::{Finding, Receipt};
use minijinja::{
    AutoEscape, Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig, value::Serde,
};
use serde::Serialize;
use std::{
    error::Error as _,
    io::{self, Write},
};

/// Why a template cannot be used: names it and the line. Holds nothing of a report.
#[derive(Debug, thiserror::Error)]
#[error("template {name}{}: {reason}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct TemplateError {
    name: String,
    line: Option<usize>,
    reason: String,
}

impl TemplateError {
    fn new(name: &str, error: &minijinja::Error) -> Self {
        // Values may be part of an error's details, so only its kind is told for those that have
        // to do with them.
        let reason = match error.detail() {
            Some(detail) if error.kind() == minijinja::ErrorKind::SyntaxError => {
                format!("{}: {detail}", error.kind())
            }
            _ => error.kind().to_string(),
        };
        Self {
            name: name.to_owned(),
            line: error.line(),
            reason,
        }
    }
}

/// A template that was found to be sound.
///
/// The syntax is that of Jinja (minijinja). Filters beside the usual ones: `printable` escapes what
/// would act on a terminal, `csv` makes a quoted field of a table. Escaping for HTML is on where the
/// name ends in `.html`, `.htm` or `.xml` (before a final `.j2` or `.jinja`), and off otherwise.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    name: String,
}

impl Template {
    /// Compiles a template. `name` is the file's; it decides about escaping and stands in errors.
    ///
    /// # Errors
    /// [`TemplateError`] with the line, where the syntax is wrong.
    pub fn parse(name: &str, source: String) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut syntax = SyntaxConfig::builder();
        syntax.keep_trailing_newline(true);
        if let Ok(syntax) = syntax.build() {
            environment.set_syntax(syntax);
        }
        environment.set_auto_escape_callback(escaping);
        environment.add_filter("printable", |text: String| printable(text.as_bytes()));
        environment.add_filter("csv", |text: String| {
            let mut row = Vec::new();
            // A vector takes everything.
            let _ = super::table::write_row(&mut row, [text.as_str()]);
            String::from_utf8_lossy(row.trim_ascii_end()).into_owned()
        });
        environment
            .add_template_owned(name.to_owned(), source)
            .map_err(|error| TemplateError::new(name, &error))?;
        Ok(Self {
            environment,
            name: name.to_owned(),
        })
    }

    /// Fills the template with a document that is none of a report.
    ///
    /// # Errors
    /// [`TemplateError`] where the template asks for what the document does not have.
    pub fn render(&self, document: &impl Serialize) -> Result<String, TemplateError> {
        self.environment
            .get_template(&self.name)
            .and_then(|template| template.render(Value::from(Serde(document))))
            .map_err(|error| TemplateError::new(&self.name, &error))
    }
}

fn escaping(name: &str) -> AutoEscape {
    let name = [".j2", ".jinja"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name);
    if [".html", ".htm", ".xml"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        AutoEscape::Html
    } else {
        AutoEscape::None
    }
}

/// Renders a template. Holds the whole document until the end: a template may go through it as
/// often as it likes.
#[derive(Debug)]
pub struct TemplateReporter<'t, W> {
    out: W,
    redactor: Redactor,
    template: &'t Template,
    meta: Value,
    findings: Vec<Value>,
}

impl<'t, W: Write> TemplateReporter<'t, W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor, template: &'t Template) -> Self {
        Self {
            out,
            redactor,
            template,
            meta: Value::UNDEFINED,
            findings: Vec::new(),
        }
    }
}

impl<W: Write> Reporter for TemplateReporter<'_, W> {
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()> {
        self.meta = Value::from(Serde(MetaDocument::new(meta)));
        Ok(())
    }

    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::OnDemand
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let document = FindingDocument::new(finding, &self.redactor);
        self.findings.push(Value::from(Serde(document)));
        Ok(())
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        let name = self.template.name.as_str();
        let fail = |error: minijinja::Error| match write_failure(&error) {
            Some(kind) => kind.into(),
            None => io::Error::other(TemplateError::new(name, &error)),
        };
        let receipt = ReceiptDocument::new(receipt, &self.redactor);
        let document = context! {
            meta => std::mem::take(&mut self.meta),
            findings => std::mem::take(&mut self.findings),
            receipt => Value::from(Serde(receipt)),
        };
        let template = self.template.environment.get_template(name).map_err(fail)?;
        template
            .render_captured_to(document, &mut self.out)
            .map_err(fail)?;
        self.out.flush()
    }
}

/// Why the writer failed, where it is the writer and not the template.
fn write_failure(error: &minijinja::Error) -> Option<io::ErrorKind> {
    let cause = error.source()?.downcast_ref::<io::Error>()?;
    Some(cause.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_goes_by_the_name() {
        for name in ["a.html", "a.xml", "a.htm.j2", "x/a.html.jinja"] {
            assert!(matches!(escaping(name), AutoEscape::Html), "{name}");
        }
        for name in ["a.txt", "a.md.j2", "html", "a.json"] {
            assert!(matches!(escaping(name), AutoEscape::None), "{name}");
        }
    }

    #[test]
    fn an_error_names_the_template_and_the_line() {
        let error = Template::parse("t.txt", "a\n{% for %}".into()).unwrap_err();
        assert!(
            error.to_string().starts_with("template t.txt:2: "),
            "{error}"
        );
    }
    #[test]
    fn any_document_can_be_rendered_and_what_it_lacks_is_an_error() {
        let document = serde_json::json!({"who": "a<b", "findings": [1, 2]});
        let text = "{{ who }}: {{ findings | length }}, {{ who | tojson }}\n";
        let template = Template::parse("t.txt", text.into()).unwrap();
        let expected = "a<b: 2, \"a\\u003cb\"\n";
        assert_eq!(template.render(&document).unwrap(), expected);
        let template = Template::parse("t.txt", "\n{{ whom }}".into()).unwrap();
        let error = template.render(&document).unwrap_err().to_string();
        assert!(error.starts_with("template t.txt:2: "), "{error}");
    }
}
