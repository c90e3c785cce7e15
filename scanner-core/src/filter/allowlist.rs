//! Allowlists.
