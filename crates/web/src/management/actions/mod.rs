//! `/api/v2/actions`

pub(crate) mod list;
