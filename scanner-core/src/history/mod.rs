//! Names the commits that introduced what was found.
