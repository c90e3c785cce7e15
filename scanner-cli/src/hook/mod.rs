//! What stands behind `gitsieve hook`, beside the scan itself.

pub(crate) mod install;
