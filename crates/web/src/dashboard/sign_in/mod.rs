//! Coming and going: with a password, by a link that works once.

pub(super) mod link;
pub(super) mod page;
pub(super) mod password;
pub(super) mod sign_out;
pub(crate) mod tries;
