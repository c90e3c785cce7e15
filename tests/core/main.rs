//! Tests of the library as a whole: what its parts may know of each other, and that every test
//! file is run.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod architecture;
