//! The operations of the Management API, one a file. Each is five moves: authorise, parse, apply a rule of
//! the domain, one store verb, convert to the wire.

pub(crate) mod actions;
pub(crate) mod client_grants;
pub(crate) mod clients;
pub(crate) mod connections;
pub(crate) mod deliveries;
pub(crate) mod event_streams;
pub(crate) mod event_types;
pub(crate) mod events;
pub(crate) mod group_roles;
pub(crate) mod groups;
pub(crate) mod organization_groups;
pub(crate) mod organizations;
pub(crate) mod redeliveries;
pub(crate) mod resource_servers;
pub(crate) mod role_groups;
pub(crate) mod roles;
pub(crate) mod scim_configuration;
pub(crate) mod users;
