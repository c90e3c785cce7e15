//! Takes values out of the syntaxes in which people write them.

mod assignment;

pub use assignment::{AFTER_BYTES, Assignment, BEFORE_BYTES, Form, assignment};
