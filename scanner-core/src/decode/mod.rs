//! Views of encoded content.
