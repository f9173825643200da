//! SCIM 2.0 (RFC 7643, 7644): how identity providers keep the users and groups of a connection up to date. It has a
//! media type, tokens and errors of its own; read `call.rs` first. One operation a file.

mod answer;
mod call;
pub(crate) mod discovery;
mod error;
pub(crate) mod groups;
mod list;
pub(crate) mod me;
mod request;
pub(crate) mod users;

pub(crate) use call::hash_of;
