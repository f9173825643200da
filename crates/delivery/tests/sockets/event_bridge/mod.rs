//! Streams to EventBridge against an endpoint that answers as AWS does.

pub(crate) mod fixture;
mod requests;
mod roles;
mod settings;
mod trouble;
