//! Views of encoded content: what it means as UTF-8, and where each part of it stands.

pub mod utf16;
