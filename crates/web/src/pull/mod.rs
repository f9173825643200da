//! The Events API: readers who come and fetch, over Server-Sent Events (management-api.md 4, docs/events-api.md).
//!
//! `subscribe.rs` is the operation; `subscriber.rs` is one connection, which reads only when its socket asks for
//! more; `frames.rs` writes what goes over the wire; `seats.rs` counts who is connected.

mod frames;
pub(crate) mod seats;
pub(crate) mod subscribe;
mod subscriber;
