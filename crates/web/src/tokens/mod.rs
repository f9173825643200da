//! Access tokens: who gets one, what is in it, and how others check it (management-api.md 2).

pub(crate) mod credentials;
pub(crate) mod discovery;
pub(crate) mod issue;
pub(crate) mod keys;
pub(crate) mod rotation;
pub(crate) mod secret_hash;
