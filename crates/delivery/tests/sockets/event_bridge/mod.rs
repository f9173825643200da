//! Streams to EventBridge against an endpoint that answers as AWS does.

mod fixture;
mod requests;
mod roles;
mod trouble;
