//! Finds candidates.
