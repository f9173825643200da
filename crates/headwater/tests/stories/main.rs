//! Stories over real sockets: the built binary, real receivers, real clients.
//!
//! Those that need Node or curl run where `cargo xtask test` says that they are there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod actions;
mod alerts;
mod client;
mod clients;
mod crashes;
mod described;
mod event_bridge;
mod examples;
mod faults;
mod healing;
mod https;
mod keys;
mod load;
mod main_job;
mod organizations;
mod outbox;
mod outgoing_bytes;
mod postgres;
#[allow(dead_code, reason = "shared with the tests of delivery, which ask more of it")]
#[path = "../../../delivery/tests/sockets/engine/receiver.rs"]
mod receiver;
#[allow(clippy::disallowed_methods, reason = "tests are at the edge, where the environment is read")]
#[path = "../../../web/tests/api/record.rs"]
mod record;
mod recovery;
mod registered_types;
mod secure_webhooks;
mod server;
mod starting;
mod stopping;
mod subscribing;
