//! The groups that have a role (management-api.md 6.4).

pub(crate) mod assign;
pub(crate) mod list;
pub(crate) mod remove;
