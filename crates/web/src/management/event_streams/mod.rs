//! Event streams (management-api.md 3.2 to 3.6).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod seek;
pub(crate) mod update;
