//! What every store promises, written against the ports [`store::State`] and [`store::Log`] alone, and what
//! each backend promises besides.
//!
//! A rule of the contract is a function over a [`backend::Backend`]; `suite.rs` lists them all, and a backend
//! runs the list by one line (see `sqlite/mod.rs`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

#[macro_use]
mod suite;

mod accounts;
mod actions;
mod alerts;
mod backend;
mod changes;
mod checkpoints;
mod connections;
mod erasure;
mod failures;
mod group_roles;
mod log;
mod many_failures;
mod organizations;
mod partner_event_sources;
mod positions;
mod probes;
mod publish;
mod redeliveries;
mod registered_types;
mod resealing;
mod retention;
mod revisions;
mod samples;
mod scim;
mod secrets;
mod snapshots;
mod sqlite;
mod statistics;
mod streams;
mod tenant_log;
