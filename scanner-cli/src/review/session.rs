//! The loop: draws, waits for keys, and does what they ask for outside of the model.

use super::{
    Contents, Effect, Message, Model,
    contents::Reveal,
    draw::{self, Palette},
    editor, keys,
    model::{Around, Mode},
    terminal::{Came, Keyboard, Screen, asked_to_end},
    update::Typed,
};
use crate::output::Style;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use std::{
    io,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// How often signals and the clock are looked at.
const TICK: Duration = Duration::from_millis(200);
/// How long a secret stays on the screen at most.
const REVEALED_FOR: Duration = Duration::from_secs(30);

/// Writes what is decided to the baseline. The error is for people.
pub(crate) type Save<'a> = dyn FnMut(&Model) -> Result<(), String> + 'a;

/// A review on a terminal.
pub(crate) struct Session<'a> {
    model: Model,
    contents: Contents,
    palette: Palette,
    save: &'a mut Save<'a>,
    revealed_at: Option<Instant>,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// How a review ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Left,
    /// By a signal, or because the terminal is gone; holds how many decisions are lost.
    Killed {
        unsaved: usize,
    },
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        model: Model,
        contents: Contents,
        style: Style,
        save: &'a mut Save<'a>,
    ) -> Self {
        Self {
            model,
            contents,
            palette: Palette::new(style),
            save,
            revealed_at: None,
        }
    }

    /// Runs until somebody leaves.
    ///
    /// # Errors
    /// When the terminal cannot be used.
    pub(crate) fn run(mut self) -> io::Result<Ended> {
        let killed = asked_to_end();
        let keyboard = Keyboard::new()?;
        let mut screen = Screen::take()?;
        loop {
            if killed.load(Ordering::Relaxed) || keyboard.wait(Duration::ZERO)? == Came::End {
                let unsaved = self.model.unsaved();
                return Ok(Ended::Killed { unsaved });
            }
            self.draw(&mut screen)?;
            // What stands around is read only where the reader stays.
            if let Some(place) = self.model.unread()
                && !event::poll(Duration::ZERO)?
            {
                let read = self.contents.around(&self.model.report, place, Reveal::No);
                self.model.set_around(match read {
                    Ok(excerpt) => Around::Excerpt(excerpt),
                    Err(why) => Around::Unavailable(why),
                });
                continue;
            }
            // Events may be held already that came together with others.
            if !event::poll(Duration::ZERO)? {
                if keyboard.wait(TICK)? == Came::Something {
                    continue;
                }
                let long = |at: Instant| at.elapsed() >= REVEALED_FOR;
                if self.revealed_at.is_some_and(long) {
                    self.revealed_at = None;
                    self.model.update(Message::Hide);
                }
                continue;
            }
            for message in messages(&self.model.mode, event::read()?) {
                let effect = self.model.update(message);
                if let Some(effect) = effect
                    && self.carry_out(effect, &mut screen)?
                {
                    return Ok(Ended::Left);
                }
            }
        }
    }

    fn draw(&mut self, screen: &mut Screen) -> io::Result<()> {
        let terminal = screen.terminal();
        let area = terminal.size()?.into();
        let rows = draw::list_rows(area, &self.model);
        self.model.set_rows(rows);
        let mut scroll = 0;
        terminal.draw(|frame| scroll = draw::draw(frame, &self.model, self.palette))?;
        self.model.set_scroll(scroll);
        Ok(())
    }

    /// Does what is to be done outside; says whether to leave.
    fn carry_out(&mut self, effect: Effect, screen: &mut Screen) -> io::Result<bool> {
        match effect {
            Effect::Leave => return Ok(true),
            Effect::Save => {
                self.save();
            }
            Effect::SaveAndLeave => return Ok(self.save()),
            Effect::Reveal => self.reveal(),
            Effect::Edit => self.edit(screen)?,
        }
        Ok(false)
    }

    fn save(&mut self) -> bool {
        self.model.mode = Mode::Browse;
        let n = self.model.unsaved();
        if n == 0 {
            self.model.tell("nothing to write");
            return true;
        }
        match (self.save)(&self.model) {
            Ok(()) => {
                self.model.set_saved();
                self.model.tell(match n {
                    1 => "1 decision written".to_owned(),
                    n => format!("{n} decisions written"),
                });
                true
            }
            Err(why) => {
                self.model.warn(why);
                false
            }
        }
    }

    fn reveal(&mut self) {
        let Some(place) = self.model.place() else {
            return;
        };
        match self.contents.around(&self.model.report, place, Reveal::Yes) {
            Ok(excerpt) => {
                self.model.set_around(Around::Excerpt(excerpt));
                self.revealed_at = Some(Instant::now());
            }
            Err(why) => self.model.warn(format!("it cannot be shown: {why}")),
        }
    }

    fn edit(&mut self, screen: &mut Screen) -> io::Result<()> {
        let Some(place) = self.model.place() else {
            return Ok(());
        };
        let occurrence = self.model.occurrence_at(place);
        let Some(path) = self.contents.path(occurrence) else {
            self.model
                .warn("there is no such file in the working tree (--repo PATH names another)");
            return Ok(());
        };
        // Lines of a member are not those of the file.
        let line = match occurrence.member {
            Some(_) => 1,
            None => occurrence.location.start_line,
        };
        if let Err(why) = screen.lend(|| editor::open(&path, line))? {
            self.model.warn(why);
        }
        Ok(())
    }
}

/// What an event asks for.
fn messages(mode: &Mode, event: Event) -> Vec<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            keys::message(mode, key).into_iter().collect()
        }
        Event::Paste(text) if matches!(mode, Mode::Search(..) | Mode::Decide(_)) => {
            let typed = |c| Message::Type(Typed::Character(c));
            text.chars().map(typed).collect()
        }
        _ => Vec::new(),
    }
}
