//! Nouns, rules and the deciding core of Headwater.
//!
//! Nothing here does I/O, reads a clock, draws randomness or is async: time and random bytes come in as
//! arguments, decisions go out as values. That is what lets `delivery` be simulated, thousands of schedules
//! a run. Read `event.rs` and `stream.rs` first, then `delivery/mod.rs`.

pub mod account;
pub mod action;
pub mod catalog;
pub mod certificate;
pub mod change;
pub mod clock;
pub mod connection;
pub mod delivery;
pub mod delivery_settings;
pub mod destination;
pub mod encryption;
pub mod erasure;
pub mod event;
pub mod expression;
pub mod group;
pub mod ids;
pub mod operator;
pub mod organization;
pub mod place;
pub mod proxy;
pub mod publish;
pub mod rate_limit;
pub mod recovery;
pub mod redelivery;
pub mod registered_type;
pub mod resource_server;
pub mod role;
pub mod scim;
pub mod scope;
pub mod secret;
pub mod signing;
pub mod stream;
pub mod stream_event;
pub mod subscription;
pub mod test_event;
pub mod transport;
pub mod user;
pub mod user_form;
pub mod user_search;
