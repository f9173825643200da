//! Inbound HTTP of Headwater: tokens, the Management API, health.
//!
//! What comes in is parsed here into the domain's types, a domain rule is applied, one store verb is called,
//! and the result is written as the contract writes it. This crate alone knows the server's JSON. It must
//! never deliver anything, never see `delivery`, never read an ambient clock or the environment, and never
//! repeat a secret or a password in an answer or a log.
//!
//! Read `router.rs` first for what is served, then `call.rs` for how a call is checked, then any operation
//! under `management/`; `error.rs` is the one mapping from errors to HTTP. `dashboard/` has pages for people.

mod action_runner;
mod auth;
mod bootstrap;
mod call;
mod dashboard;
mod error;
mod event_types;
mod health;
mod management;
mod openapi;
mod payload;
mod principal;
mod pull;
mod rate_limit;
mod router;
mod scim;
mod serve;
mod settings;
mod stalling;
mod state;
mod tenants;
mod tokens;
mod wire;

pub use action_runner::ActionRunner;
pub use bootstrap::{BootstrapError, bootstrap};
pub use dashboard::{PasswordError, pages, password_hash};
pub use router::{Endpoint, endpoints, router};
pub use serve::{PeerAddress, serve};
pub use settings::{Bootstrap, Dashboard, PublicUrl, PublicUrlError, Readers, Settings, TenantSettings};
pub use state::{App, LoadError};
pub use tokens::rotation::{RotatedKeys, RotationError, signing_keys_rotate};
