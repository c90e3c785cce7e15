//! The one exact stage: candidate to match.
