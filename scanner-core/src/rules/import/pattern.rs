//! Expressions of other tools, made to mean the same in our reading.

use crate::rules::expression::{self, Expression};
use regex_syntax::hir::{
    self, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look,
};

/// An expression in our syntax.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) source: String,
    pub(super) max_length: Option<u32>,
    hir: Hir,
}

impl Pattern {
    /// Takes an expression in the syntax of Rust's regex crate (Nosey Parker, Kingfisher).
    pub(super) fn of_rust(text: &str) -> Result<Self, String> {
        let hir = [false, true]
            .into_iter()
            .map(|unicode| expression::parse_hir(text, unicode))
            .reduce(Result::or)
            .and_then(Result::ok);
        let Some(hir) = hir else {
            // Our reading says what is wrong, and where.
            return Err(match Expression::parse(text, None) {
                Err(error) => error,
                Ok(_) => "the expression is not one of Rust's regex crate".to_owned(),
            });
        };
        Self::of_hir(text, hir)
    }

    /// Takes an expression in RE2's syntax that is tried on single lines without their line break
    /// (Bitbucket). The second value is whether it started or ended in text that may be anything.
    pub(super) fn of_re2_line(text: &str) -> Result<(Self, bool), String> {
        let original = Expression::parse(text, None)?;
        let (inner, was_open) = without_margins(&original.hir);
        let inner = within_line(&inner);
        if inner.properties().minimum_len() == Some(0) {
            return Err("it matches lines whatever they hold".to_owned());
        }
        if inner == original.hir {
            let source = original.source;
            return Ok((
                Self {
                    source,
                    max_length: None,
                    hir: inner,
                },
                was_open,
            ));
        }
        Ok((Self::of_hir("", inner)?, was_open))
    }

    /// Keeps `text` if our reading of it is this structure, else writes the structure.
    fn of_hir(text: &str, hir: Hir) -> Result<Self, String> {
        let same = |text: &str| {
            Expression::parse(text, None)
                .ok()
                .filter(|ours| ours.hir == hir)
                .map(|ours| ours.source)
        };
        let source = if text.is_empty() { None } else { same(text) };
        let source = if let Some(source) = source {
            source
        } else {
            let mut printed = String::new();
            hir::print::Printer::new()
                .print(&hir, &mut printed)
                .map_err(|_| "the expression cannot be written".to_owned())?;
            // Checks limits too: what is too large for the loader says so here.
            Expression::parse(&printed, None)?.source
        };
        Ok(Self {
            source,
            max_length: None,
            hir,
        })
    }

    /// Whether matches may be of any length.
    pub(super) fn is_unbounded(&self) -> bool {
        self.hir.properties().maximum_len().is_none()
    }

    /// Number of capture groups.
    pub(super) fn groups(&self) -> usize {
        self.hir.properties().explicit_captures_len()
    }

    /// Index of the group of this name, in any case.
    pub(super) fn group(&self, name: &str) -> Option<u32> {
        group(&self.hir, name)
    }
}

/// The parser bounds how deep expressions nest, so that recursion over them is bounded.
fn group(hir: &Hir, name: &str) -> Option<u32> {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let named = capture.name.as_deref();
            if named.is_some_and(|n| n.eq_ignore_ascii_case(name)) {
                return Some(capture.index);
            }
            group(&capture.sub, name)
        }
        HirKind::Repetition(repetition) => group(&repetition.sub, name),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => {
            subs.iter().find_map(|sub| group(sub, name))
        }
        _ => None,
    }
}

/// Takes `.*` off both ends, with the line's start and end beyond them. Returns whether there was
/// any.
fn without_margins(hir: &Hir) -> (Hir, bool) {
    let HirKind::Concat(subs) = hir.kind() else {
        return if is_anything(hir) {
            (Hir::empty(), true)
        } else {
            (hir.clone(), false)
        };
    };
    let anchor = |hir: &Hir| matches!(hir.kind(), HirKind::Look(look) if look_is_line(*look));
    let mut rest = subs.as_slice();
    let mut open = false;
    while let Some((first, after)) = rest.split_first() {
        if is_anything(first) {
            (rest, open) = (after, true);
        } else if anchor(first) && after.first().is_some_and(is_anything) {
            rest = after;
        } else {
            break;
        }
    }
    while let Some((last, ahead)) = rest.split_last() {
        if is_anything(last) {
            (rest, open) = (ahead, true);
        } else if anchor(last) && ahead.last().is_some_and(is_anything) {
            rest = ahead;
        } else {
            break;
        }
    }
    (Hir::concat(rest.to_vec()), open)
}

fn look_is_line(look: Look) -> bool {
    matches!(
        look,
        Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF
    )
}

/// Whether it is `.*` in one of its forms.
fn is_anything(hir: &Hir) -> bool {
    let HirKind::Repetition(repetition) = hir.kind() else {
        return false;
    };
    // All but a line break is all that a line holds.
    let all = match repetition.sub.kind() {
        HirKind::Class(Class::Bytes(class)) => {
            let mut class = class.clone();
            class.push(ClassBytesRange::new(b'\n', b'\n'));
            class.ranges() == [ClassBytesRange::new(0, 0xff)]
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.push(ClassUnicodeRange::new('\n', '\n'));
            class.ranges() == [ClassUnicodeRange::new('\0', char::MAX)]
        }
        _ => false,
    };
    all && repetition.min == 0 && repetition.max.is_none()
}

/// The same expression, tried on text of many lines: no class takes a line break, and the text's
/// start and end are a line's.
fn within_line(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) => hir.clone(),
        HirKind::Look(look) => Hir::look(match look {
            Look::Start => Look::StartLF,
            Look::End => Look::EndLF,
            other => *other,
        }),
        HirKind::Class(Class::Bytes(class)) => {
            let mut class = class.clone();
            class.difference(&ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]));
            Hir::class(Class::Bytes(class))
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.sub = Box::new(within_line(&repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => {
            let mut capture = capture.clone();
            capture.sub = Box::new(within_line(&capture.sub));
            Hir::capture(capture)
        }
        HirKind::Concat(subs) => Hir::concat(subs.iter().map(within_line).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.iter().map(within_line).collect()),
    }
}
