//! The Events API as a reader uses it (docs/events-api.md): `GET /api/v2/events`, connected again and again.
//!
//! `frames.rs` takes the bytes apart; `refusal.rs` and `backoff.rs` say whether and when to connect again;
//! `subscription.rs` is the reader; `line.rs` and `span.rs` are what its commands write and read alike.

mod backoff;
mod error;
mod frames;
mod line;
mod message;
mod refusal;
pub(crate) mod span;
mod subscription;
pub(crate) mod types;

pub(crate) use error::SubscribeError;
pub(crate) use line::{short, style_of, time_of_day};
pub(crate) use message::{EventSubject, StreamedEvent};
pub(crate) use subscription::{Reconnects, Signal, Start, Subscription, Wish};
