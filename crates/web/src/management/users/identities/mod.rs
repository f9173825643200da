//! The identities of a user: linking another user, and giving an identity a user of its own again.

pub(crate) mod link;
pub(crate) mod unlink;
