//! Actions (management-api.md 6.9): what a caller says of them, and the answers. Secrets come in here and never go out.

mod answer;
mod given;

pub(crate) use answer::{ActionAnswer, RunAnswer, VersionAnswer, paged};
pub(crate) use given::{read_changes, read_new, read_roll_back, read_test};
