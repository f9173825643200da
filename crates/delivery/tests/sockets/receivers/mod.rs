//! Webhooks against receivers that behave well, badly and not at all, on real sockets.

mod addresses;
mod answers;
mod connections;
mod fixture;
mod requests;
mod tls;
