//! Text that is being typed.

use super::Verdict;
use scanner_core::{
    model::TriageStatus,
    report::is_disruptive,
    triage::{Decision, InvalidDay},
};

/// Longest text of a field, in characters.
const MAX_CHARACTERS: usize = 500;

/// One line of text with a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Input {
    text: String,
    /// In bytes; on a character's border.
    cursor: usize,
}

impl Input {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            cursor: text.len(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor, and what from there on.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Puts a character in; those that act on a terminal, and those beyond the longest text, are left
    /// out.
    pub(crate) fn insert(&mut self, c: char) {
        if is_disruptive(c) || self.text.chars().count() >= MAX_CHARACTERS {
            return;
        }
        self.text.insert(self.cursor, c);
        self.cursor += c.len_utf8();
    }

    pub(crate) fn backspace(&mut self) {
        if let Some(c) = self.text[..self.cursor].chars().next_back() {
            self.cursor -= c.len_utf8();
            self.text.remove(self.cursor);
        }
    }

    pub(crate) fn delete(&mut self) {
        if self.cursor < self.text.len() {
            self.text.remove(self.cursor);
        }
    }

    pub(crate) fn left(&mut self) {
        let before = self.text[..self.cursor].chars().next_back();
        self.cursor -= before.map_or(0, char::len_utf8);
    }

    pub(crate) fn right(&mut self) {
        let next = self.text[self.cursor..].chars().next();
        self.cursor += next.map_or(0, char::len_utf8);
    }

    pub(crate) fn home(&mut self) {
        self.cursor = 0;
    }

    pub(crate) fn end(&mut self) {
        self.cursor = self.text.len();
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What a decision is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Reason,
    Owner,
    Expires,
}

impl Field {
    pub(crate) const ALL: [Self; 3] = [Self::Reason, Self::Owner, Self::Expires];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Reason => "reason",
            Self::Owner => "owner (optional)",
            Self::Expires => "last day (optional, YYYY-MM-DD)",
        }
    }
}

/// A decision that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) status: TriageStatus,
    fields: [Input; 3],
    pub(crate) field: Field,
    /// What is wrong with what was typed.
    pub(crate) problem: Option<String>,
}

impl Form {
    /// Starts with what is decided so far; `owner` is the last one typed.
    pub(crate) fn new(status: TriageStatus, now: Option<&Verdict>, owner: &str) -> Self {
        let [reason, own, expires] = match now {
            Some(now) => [
                &*now.reason,
                &*now.owner,
                now.expires.as_deref().unwrap_or_default(),
            ],
            None => ["", owner, ""],
        };
        Self {
            status,
            fields: [reason, own, expires].map(Input::new),
            field: Field::Reason,
            problem: None,
        }
    }

    pub(crate) fn get(&self, field: Field) -> &Input {
        &self.fields[field as usize]
    }

    pub(crate) fn active(&mut self) -> &mut Input {
        &mut self.fields[self.field as usize]
    }

    /// Goes to the field that is so many farther, around the end.
    pub(crate) fn turn(&mut self, by: usize) {
        let at = (self.field as usize + by) % Field::ALL.len();
        self.field = Field::ALL[at];
    }

    /// The decision, if all is there; else what is missing, with the cursor on it.
    pub(crate) fn verdict(&mut self) -> Option<Verdict> {
        let [reason, owner, expires] = [Field::Reason, Field::Owner, Field::Expires]
            .map(|field| self.get(field).text().trim().to_owned());
        if reason.is_empty() {
            self.field = Field::Reason;
            self.problem = Some("say why, for whoever reads the baseline".to_owned());
            return None;
        }
        let verdict = Verdict {
            status: self.status,
            reason,
            owner,
            expires: Some(expires).filter(|day| !day.is_empty()),
        };
        let checked: Result<Decision, InvalidDay> = verdict.decision();
        if let Err(error) = checked {
            self.field = Field::Expires;
            self.problem = Some(error.to_string());
            return None;
        }
        Some(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Input {
        let mut input = Input::default();
        text.chars().for_each(|c| input.insert(c));
        input
    }

    #[test]
    fn text_is_edited_by_characters_and_takes_none_that_act() {
        let mut input = typed("zo\u{eb}\u{1b}[\u{202e}!");
        assert_eq!(input.text(), "zo\u{eb}[!");
        input.left();
        input.left();
        input.backspace();
        assert_eq!(input.parts(), ("zo", "[!"));
        input.delete();
        input.home();
        input.left();
        input.backspace();
        assert_eq!(input.parts(), ("", "zo!"));
        input.end();
        input.right();
        input.delete();
        assert_eq!(input.parts(), ("zo!", ""));
        assert_eq!(typed(&"x".repeat(9_999)).text().len(), MAX_CHARACTERS);
    }

    #[test]
    fn a_decision_needs_a_reason_and_a_day_that_exists() {
        let mut form = Form::new(TriageStatus::Accepted, None, "ada");
        assert_eq!(form.verdict(), None);
        assert!(form.problem.is_some());
        *form.active() = typed("  a test key ");
        form.turn(2);
        assert_eq!(form.field, Field::Expires);
        *form.active() = typed("2031-02-29");
        assert_eq!(form.verdict(), None);
        assert_eq!(form.field, Field::Expires);
        *form.active() = typed("2032-02-29");
        let verdict = form.verdict().unwrap();
        assert_eq!(
            verdict.to_string(),
            "accepted: a test key; owner ada; until 2032-02-29"
        );
        let again = Form::new(TriageStatus::Revoked, Some(&verdict), "bob");
        assert_eq!(again.get(Field::Owner).text(), "ada");
    }
}
