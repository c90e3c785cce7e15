//! All that is known and decided in a review.

use super::{Excerpt, Filter, Form, Input, Verdict, filter::Standing};
use crate::output::{HumanOptions, HumanReporter, Style};
use scanner_core::{
    model::{Finding, Occurrence, Report},
    report::{Redactor, printable},
    triage::Baseline,
};
use std::{
    collections::BTreeSet,
    io::{Sink, sink},
};

/// What the keys mean now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    Browse,
    /// A text to search for is typed; holds the filter's text from before.
    Search(Input, String),
    /// A decision is typed.
    Decide(Form),
    Help,
    /// Whether to leave with decisions that are not saved.
    Leave,
}

/// What moves when keys of movement are pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    List,
    Details,
}

/// A word to the reader, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: String,
    pub(crate) bad: bool,
}

/// What stands around the occurrence that is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Around {
    /// It was not read yet.
    Unread,
    Excerpt(Excerpt),
    /// Why it cannot be had.
    Unavailable(String),
}

/// An occurrence by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) finding: usize,
    pub(crate) occurrence: usize,
}

/// What was decided about findings before a step changed it.
pub(super) type Step = Vec<(usize, Option<Verdict>)>;

/// A review.
#[derive(Debug)]
pub(crate) struct Model {
    pub(super) report: Report,
    pub(super) redactor: Redactor,
    /// Says things as the report for people does.
    pub(super) teller: HumanReporter<Sink>,
    /// What can be searched of each finding, in small letters.
    texts: Vec<String>,
    /// What is decided about each finding.
    verdicts: Vec<Option<Verdict>>,
    /// The same in the baseline's file.
    saved: Vec<Option<Verdict>>,
    /// What was decided before each step, the last one last.
    pub(super) undo: Vec<Step>,
    /// Numbers of the findings that are marked, shown or not: what is decided is for all of them.
    marked: BTreeSet<usize>,
    /// `YYYY-MM-DD`, UTC; `None` where the clock does not tell.
    today: Option<String>,
    pub(super) filter: Filter,
    /// Numbers of the findings that are shown.
    visible: Vec<usize>,
    /// Which of `visible` is looked at.
    pub(super) row: usize,
    /// Which of `visible` is the first on the screen.
    pub(super) top: usize,
    /// Rows of the list on the screen.
    pub(super) rows: usize,
    /// Which occurrence of the finding is looked at.
    pub(super) occurrence: usize,
    pub(super) around: Around,
    /// First line of the details on the screen.
    pub(super) scroll: usize,
    pub(super) focus: Focus,
    pub(super) mode: Mode,
    pub(super) note: Option<Note>,
    /// The last owner typed.
    pub(super) owner: String,
}

impl Model {
    /// Starts a review. `today` is `YYYY-MM-DD`, UTC; without it whatever ends is taken to have ended.
    pub(crate) fn new(
        report: Report,
        redactor: Redactor,
        baseline: &Baseline,
        today: Option<String>,
    ) -> Self {
        let texts = report.findings.iter().map(|f| searchable(f, &redactor));
        let texts = texts.collect();
        let options = HumanOptions {
            style: Style::Plain,
            verbose: true,
            subject: String::new(),
            unit: "",
            elapsed: None,
            uncommitted: false,
            suppressed: 0,
        };
        let teller = HumanReporter::new(sink(), redactor.clone(), options);
        let entry = |f: &Finding| baseline.get(&f.fingerprint).map(Verdict::from);
        let verdicts: Vec<Option<Verdict>> = report.findings.iter().map(entry).collect();
        let mut model = Self {
            texts,
            teller,
            saved: verdicts.clone(),
            verdicts,
            undo: Vec::new(),
            marked: BTreeSet::new(),
            today,
            filter: Filter::default(),
            visible: Vec::new(),
            row: 0,
            top: 0,
            rows: 1,
            occurrence: 0,
            around: Around::Unread,
            scroll: 0,
            focus: Focus::List,
            mode: Mode::Browse,
            note: None,
            owner: String::new(),
            report,
            redactor,
        };
        model.refilter();
        model
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        &self.report.findings
    }

    /// Numbers of the findings that are shown.
    pub(crate) fn visible(&self) -> &[usize] {
        &self.visible
    }

    /// The finding that is looked at, and its number; `None` where none is shown.
    pub(crate) fn current(&self) -> Option<(usize, &Finding)> {
        let number = *self.visible.get(self.row)?;
        Some((number, &self.report.findings[number]))
    }

    pub(crate) fn marked(&self) -> &BTreeSet<usize> {
        &self.marked
    }

    /// Marks a finding, or takes its mark away.
    pub(super) fn turn_mark(&mut self, number: usize) {
        if !self.marked.remove(&number) {
            self.marked.insert(number);
        }
    }

    /// Marks all that are shown; where all of them are marked, takes their marks away.
    pub(super) fn turn_marks_shown(&mut self) {
        let before = self.marked.len();
        self.marked.extend(&self.visible);
        if self.marked.len() == before {
            for number in &self.visible {
                self.marked.remove(number);
            }
        }
    }

    pub(super) fn take_marks(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.marked)
    }

    /// Numbers of the findings that a decision is for: those that are marked, else the one that is
    /// looked at.
    pub(crate) fn targets(&self) -> Vec<usize> {
        if self.marked.is_empty() {
            return self
                .current()
                .map(|(number, _)| number)
                .into_iter()
                .collect();
        }
        self.marked.iter().copied().collect()
    }

    /// Where it is looked at.
    pub(crate) fn place(&self) -> Option<Place> {
        let (finding, _) = self.current()?;
        Some(Place {
            finding,
            occurrence: self.occurrence,
        })
    }

    /// The occurrence at a place.
    pub(crate) fn occurrence_at(&self, place: Place) -> &Occurrence {
        &self.report.findings[place.finding].occurrences[place.occurrence]
    }

    pub(crate) fn verdict(&self, number: usize) -> Option<&Verdict> {
        self.verdicts[number].as_ref()
    }

    pub(crate) fn standing(&self, number: usize) -> Standing {
        match &self.verdicts[number] {
            Some(verdict) if self.has_ended(verdict) => Standing::Ended(verdict.status),
            Some(verdict) => Standing::Decided(verdict.status),
            None if self.report.findings[number].suppression.is_some() => Standing::LetPass,
            None => Standing::Open,
        }
    }

    fn has_ended(&self, verdict: &Verdict) -> bool {
        // Days written so sort as they follow each other.
        let over = |last: &String| self.today.as_ref().is_none_or(|today| last < today);
        verdict.expires.as_ref().is_some_and(over)
    }

    /// Whether what is decided is not in the file yet.
    pub(crate) fn is_changed(&self, number: usize) -> bool {
        self.verdicts[number] != self.saved[number]
    }

    /// What is to be saved: each finding with what is decided about it now.
    pub(crate) fn changes(&self) -> Vec<(&Finding, Option<&Verdict>)> {
        let numbers = (0..self.verdicts.len()).filter(|&n| self.is_changed(n));
        numbers
            .map(|n| (&self.report.findings[n], self.verdicts[n].as_ref()))
            .collect()
    }

    /// How many decisions are not saved. Looks at all findings.
    pub(crate) fn unsaved(&self) -> usize {
        let pairs = self.verdicts.iter().zip(&self.saved);
        pairs.filter(|(now, saved)| now != saved).count()
    }

    /// How many findings count.
    pub(crate) fn open(&self) -> usize {
        let numbers = 0..self.verdicts.len();
        numbers.filter(|&n| self.standing(n).is_open()).count()
    }

    /// Takes note that all changes are in the file.
    pub(crate) fn set_saved(&mut self) {
        self.saved.clone_from(&self.verdicts);
    }

    /// Sets what is decided, and returns what was before.
    pub(super) fn set_verdict(&mut self, number: usize, to: Option<Verdict>) -> Option<Verdict> {
        std::mem::replace(&mut self.verdicts[number], to)
    }

    /// Shows what the filter takes, and stays at the finding that is looked at, or else in its row.
    pub(super) fn refilter(&mut self) {
        let current = self.current().map(|(number, _)| number);
        let takes = |&n: &usize| {
            let severity = self.report.findings[n].rule.severity;
            self.filter
                .takes(severity, self.standing(n), &self.texts[n])
        };
        self.visible = (0..self.texts.len()).filter(takes).collect();
        let same = current.and_then(|number| self.visible.binary_search(&number).ok());
        if let Some(row) = same {
            self.row = row;
        } else {
            self.row = self.row.min(self.visible.len().saturating_sub(1));
            self.look_anew();
        }
        self.keep_in_sight();
    }

    /// Goes to a row.
    pub(super) fn go(&mut self, row: usize) {
        let row = row.min(self.visible.len().saturating_sub(1));
        if row != self.row {
            self.row = row;
            self.look_anew();
        }
        self.keep_in_sight();
    }

    /// Goes to a finding, if it is shown.
    pub(super) fn go_to(&mut self, number: usize) {
        if let Ok(row) = self.visible.binary_search(&number) {
            self.go(row);
        }
    }

    /// Another finding is looked at.
    fn look_anew(&mut self) {
        self.occurrence = 0;
        self.scroll = 0;
        self.around = Around::Unread;
    }

    pub(super) fn keep_in_sight(&mut self) {
        self.top = self
            .top
            .min(self.row)
            .max((self.row + 1).saturating_sub(self.rows.max(1)));
    }

    /// Takes note of how many rows of the list are on the screen.
    pub(crate) fn set_rows(&mut self, rows: usize) {
        self.rows = rows;
        // No empty rows below where there is something above.
        self.top = self.top.min(self.visible.len().saturating_sub(rows));
        self.keep_in_sight();
    }

    /// Takes note of how far the details could be scrolled.
    pub(crate) fn set_scroll(&mut self, scroll: usize) {
        self.scroll = scroll;
    }

    /// Says something until the next key.
    pub(crate) fn tell(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.note = Some(Note { text, bad: false });
    }

    /// Says that something went wrong.
    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.note = Some(Note { text, bad: true });
    }

    /// Where something is to be read of what stands around.
    pub(crate) fn unread(&self) -> Option<Place> {
        let place = self.place()?;
        (self.around == Around::Unread).then_some(place)
    }

    pub(crate) fn set_around(&mut self, around: Around) {
        self.around = around;
    }

    /// Whether a secret is on the screen in clear.
    pub(crate) fn reveals(&self) -> bool {
        matches!(&self.around, Around::Excerpt(excerpt) if excerpt.revealed)
    }
}

fn searchable(finding: &Finding, redactor: &Redactor) -> String {
    let mut text = format!(
        "{} {} {}",
        finding.rule.id, finding.rule.description, finding.fingerprint
    );
    let mut last: &[u8] = b"";
    for occurrence in &finding.occurrences {
        for part in [Some(&occurrence.path), occurrence.member.as_ref()] {
            // Occurrences of a path follow each other.
            if let Some(part) = part.filter(|part| ***part != *last) {
                text.push(' ');
                text.push_str(&printable(&redactor.redact(part)));
                last = part;
            }
        }
    }
    text.to_lowercase()
}
