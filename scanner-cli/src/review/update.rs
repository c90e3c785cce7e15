//! What a message does to a review.

use super::{
    Form, Input, Model, Verdict,
    model::{Around, Focus, Mode},
};
use scanner_core::model::TriageStatus;

/// Lines that a page of the details is.
const DETAILS_PAGE: usize = 8;

/// What somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// Moves down, or up, in what has the focus.
    Move(isize),
    /// The same by screens.
    Page(isize),
    First,
    Last,
    NextOccurrence,
    PreviousOccurrence,
    SwitchFocus,
    Search,
    NextSeverity,
    NextShow,
    /// Ends what was begun: a question, a search, a filter.
    Back,
    /// Marks the finding that is looked at, or takes its mark away, and goes on.
    Mark,
    /// The same with all that are shown.
    MarkShown,
    Decide(TriageStatus),
    /// Takes the decision away.
    Clear,
    Undo,
    /// Shows the secret, or hides it again.
    Reveal,
    Hide,
    Edit,
    Save,
    Help,
    Leave,
    /// Leaves whatever is lost.
    LeaveAnyway,
    /// Saves and leaves.
    SaveAndLeave,
    Type(Typed),
    Submit,
    NextField,
    PreviousField,
}

/// A change of text that is being typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    Character(char),
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    Clear,
}

/// What is to be done outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Write the baseline.
    Save,
    /// Write the baseline, and leave if that went well.
    SaveAndLeave,
    Leave,
    /// Read what stands around with the secret in clear.
    Reveal,
    /// Open the file in an editor.
    Edit,
}

impl Model {
    /// Applies a message, and says what is to be done outside.
    pub(crate) fn update(&mut self, message: Message) -> Option<Effect> {
        self.note = None;
        if self.reveals() && !self.keeps_revealed(message) {
            self.around = Around::Unread;
        }
        match message {
            Message::Move(by) if self.focus == Focus::Details => {
                self.scroll = self.scroll.saturating_add_signed(by);
            }
            Message::Move(by) => self.go(self.row.saturating_add_signed(by)),
            Message::Page(by) if self.focus == Focus::Details => {
                let lines = by * DETAILS_PAGE.cast_signed();
                self.scroll = self.scroll.saturating_add_signed(lines);
            }
            Message::Page(by) => {
                let rows = self.rows.max(2) - 1;
                self.go(self.row.saturating_add_signed(by * rows.cast_signed()));
            }
            Message::First if self.focus == Focus::Details => self.scroll = 0,
            Message::First => self.go(0),
            Message::Last if self.focus == Focus::Details => self.scroll = usize::MAX / 2,
            Message::Last => self.go(usize::MAX),
            Message::NextOccurrence => self.turn_occurrence(true),
            Message::PreviousOccurrence => self.turn_occurrence(false),
            Message::SwitchFocus => {
                self.focus = match self.focus {
                    Focus::List => Focus::Details,
                    Focus::Details => Focus::List,
                };
            }
            Message::NextSeverity => {
                self.filter.next_severity();
                self.refilter();
            }
            Message::NextShow => {
                self.filter.next_show();
                self.refilter();
            }
            Message::Search => {
                let text = self.filter.text().to_owned();
                self.mode = Mode::Search(Input::new(&text), text);
            }
            Message::Type(typed) => self.type_text(typed),
            Message::NextField => self.turn_field(1),
            Message::PreviousField => self.turn_field(2),
            Message::Submit => self.submit(),
            Message::Back => self.back(),
            Message::Mark if self.focus == Focus::Details => {
                self.scroll = self.scroll.saturating_add(DETAILS_PAGE);
            }
            Message::Mark => {
                if let Some((number, _)) = self.current() {
                    self.turn_mark(number);
                    self.go(self.row + 1);
                }
            }
            Message::MarkShown => self.turn_marks_shown(),
            Message::Decide(status) => match *self.targets() {
                [] => self.warn("no finding is shown"),
                [number] => {
                    let form = Form::new(status, self.verdict(number), &self.owner);
                    self.mode = Mode::Decide(form);
                }
                _ => self.mode = Mode::Decide(Form::new(status, None, &self.owner)),
            },
            Message::Clear => self.clear_verdict(),
            Message::Undo => self.undo(),
            Message::Reveal if self.reveals() => self.around = Around::Unread,
            Message::Reveal => return self.current().map(|_| Effect::Reveal),
            Message::Hide => {}
            Message::Edit => return self.current().map(|_| Effect::Edit),
            Message::Save => return Some(Effect::Save),
            Message::SaveAndLeave => return Some(Effect::SaveAndLeave),
            Message::Help => self.mode = Mode::Help,
            Message::Leave if self.unsaved() > 0 && self.mode != Mode::Leave => {
                self.mode = Mode::Leave;
            }
            Message::Leave | Message::LeaveAnyway => return Some(Effect::Leave),
        }
        None
    }

    /// Whether a secret that is shown stays on the screen: only while its own lines are scrolled. What
    /// hides it must see that it is shown.
    fn keeps_revealed(&self, message: Message) -> bool {
        match message {
            Message::Reveal => true,
            Message::Move(_) | Message::Page(_) | Message::Mark => self.focus == Focus::Details,
            _ => false,
        }
    }

    fn turn_occurrence(&mut self, forward: bool) {
        let Some((_, finding)) = self.current() else {
            return;
        };
        let n = finding.occurrences.len();
        if n > 1 {
            let by = if forward { 1 } else { n - 1 };
            self.occurrence = (self.occurrence + by) % n;
            self.around = Around::Unread;
            self.scroll = 0;
        }
    }

    fn type_text(&mut self, typed: Typed) {
        let input = match &mut self.mode {
            Mode::Search(input, _) => input,
            Mode::Decide(form) => {
                form.problem = None;
                form.active()
            }
            _ => return,
        };
        match typed {
            Typed::Character(c) => input.insert(c),
            Typed::Backspace => input.backspace(),
            Typed::Delete => input.delete(),
            Typed::Left => input.left(),
            Typed::Right => input.right(),
            Typed::Home => input.home(),
            Typed::End => input.end(),
            Typed::Clear => input.clear(),
        }
        if let Mode::Search(input, _) = &self.mode {
            let text = input.text().to_owned();
            self.filter.search(&text);
            self.refilter();
        }
    }

    fn turn_field(&mut self, by: usize) {
        if let Mode::Decide(form) = &mut self.mode {
            form.turn(by);
        }
    }

    fn submit(&mut self) {
        let Mode::Decide(form) = &mut self.mode else {
            // A search is in effect already.
            self.mode = Mode::Browse;
            return;
        };
        let Some(verdict) = form.verdict() else {
            return;
        };
        self.mode = Mode::Browse;
        self.owner.clone_from(&verdict.owner);
        self.decide(&self.targets(), Some(&verdict));
    }

    /// Ends what was begun last.
    fn back(&mut self) {
        match std::mem::replace(&mut self.mode, Mode::Browse) {
            Mode::Search(_, before) => {
                self.filter.search(&before);
                self.refilter();
            }
            Mode::Browse if self.focus == Focus::Details => self.focus = Focus::List,
            Mode::Browse if self.filter != super::Filter::default() => {
                self.filter = super::Filter::default();
                self.refilter();
            }
            Mode::Browse => {
                self.take_marks();
            }
            Mode::Decide(_) | Mode::Help | Mode::Leave => {}
        }
    }

    fn clear_verdict(&mut self) {
        let mut decided = self.targets();
        decided.retain(|&number| self.verdict(number).is_some());
        if decided.is_empty() {
            self.warn("there is no decision in the baseline to take away");
        } else {
            self.decide(&decided, None);
        }
    }

    /// Decides about findings, so that it can be undone in one step, and goes on where the filter no
    /// longer shows the one that is looked at.
    fn decide(&mut self, numbers: &[usize], verdict: Option<&Verdict>) {
        let mut told = match verdict {
            Some(verdict) => verdict.status.to_string(),
            None => "decision taken away".to_owned(),
        };
        if numbers.len() > 1 {
            told = format!("{told}: {} findings", numbers.len());
        }
        let before = |&number: &usize| (number, self.set_verdict(number, verdict.cloned()));
        let step = numbers.iter().map(before).collect();
        self.undo.push(step);
        self.take_marks();
        self.refilter();
        self.tell(format!("{told} (u undoes it, w writes the baseline)"));
    }

    fn undo(&mut self) {
        let Some(step) = self.undo.pop() else {
            self.warn("nothing to undo");
            return;
        };
        let first = step.first().map(|(number, _)| *number);
        for (number, before) in step {
            self.set_verdict(number, before);
        }
        self.refilter();
        if let Some(number) = first {
            self.go_to(number);
        }
        let left = self.undo.len();
        self.tell(format!("undone; {left} more can be"));
    }
}

#[cfg(test)]
mod tests;
