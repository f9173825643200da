//! The API through its router, on a real store.
#![allow(clippy::unwrap_used, clippy::large_futures, clippy::disallowed_methods)]

mod client_grants;
mod clients;
mod connections;
mod deliveries;
mod described;
mod endpoints;
mod errors;
mod event_streams;
mod event_types;
mod group_roles;
mod groups;
mod health;
mod identities;
mod openapi;
mod organizations;
mod position;
mod publish;
mod rate_limit;
mod redeliveries;
mod resource_servers;
mod roles;
mod schema;
mod scim;
mod scim_groups;
mod scim_users;
mod server;
mod serving;
mod starting;
mod stats;
mod tenants;
mod test_events;
mod tokens;
mod users;
mod users_search;
