//! APIs that tokens can be for (management-api.md 6.8). Only the Management API exists.

pub(crate) mod get;
pub(crate) mod list;
