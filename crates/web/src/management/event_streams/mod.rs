//! Event streams (management-api.md 3.2 to 3.7, 3.11).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod dry_run;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod seek;
pub(crate) mod stats;
pub(crate) mod test;
pub(crate) mod update;
