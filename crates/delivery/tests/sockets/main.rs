//! Delivery over real sockets: destinations against receivers of all kinds, and the engine over a real store.
#![allow(clippy::unwrap_used, missing_docs)]

mod actions;
mod engine;
mod event_bridge;
mod receivers;
