//! The roles of a user in the tenant. Their changes raise nothing.

pub(crate) mod assign;
pub(crate) mod list;
pub(crate) mod remove;
