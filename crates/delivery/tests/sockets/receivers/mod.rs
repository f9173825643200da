//! Webhooks against receivers that behave well, badly and not at all, on real sockets.

mod addresses;
mod answers;
pub(crate) mod authority;
mod client_certificates;
mod connections;
mod encryption;
pub(crate) mod fixture;
mod hostile;
mod http2;
mod http2_floods;
mod proxies;
mod rebinding;
mod requests;
mod settings;
mod tls;
