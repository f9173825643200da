//! Outbound work of Headwater: the shell around the delivery core, and its destinations.
//!
//! The core in `domain::delivery` decides; here the log is read, requests are sent, positions are saved.
//! Nothing else in the project reaches customers' addresses. This crate never sees `web`: the two talk
//! through the store. Read `engine.rs` first, then `stream_task.rs`.

pub mod actions;
mod catch_up;
mod checkpoints;
pub mod destinations;
mod encryption;
mod engine;
mod erasures;
mod jobs;
mod live_stream;
pub mod outbound;
mod partner_event_sources;
mod probing;
mod reader;
mod retention;
mod shared;
mod snapshots;
mod stream_task;
mod window_budget;

pub use engine::{Engine, EngineDied};
pub use probing::ProbeWaits;
pub use shared::EngineSettings;
