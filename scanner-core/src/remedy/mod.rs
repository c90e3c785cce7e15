//! What to do about secrets that were found: the rules that rewrite them out of a history, what they
//! touch, names for the new values, and an ordered list of steps.
//!
//! Pure logic: findings come in, text goes out, and the caller reads and writes files. Replacement
//! rules hold secrets in clear, because they cannot do their work otherwise; they are the only thing
//! here that does. Everything else passes a [`Redactor`](crate::report::Redactor) and is made
//! printable. Every pass is linear in the findings and their occurrences.

mod affected;
mod checklist;
mod names;
mod replace;
mod store;
#[cfg(test)]
mod testing;

pub use affected::{Affected, Surroundings, write_affected};
pub use checklist::{Checklist, FileNames};
pub use names::{VariableNames, name_before};
pub use replace::{ByHand, Replacements};
