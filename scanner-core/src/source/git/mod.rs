//! Git repositories: object databases, indexes and working trees. The only users of gix.

mod delta;
mod inflate;
pub(crate) mod store;
mod traverse;

pub(crate) use inflate::Inflater;
pub use store::ObjectStore;
pub use traverse::Decoded;
pub(crate) use traverse::{LooseKinds, Selection};
