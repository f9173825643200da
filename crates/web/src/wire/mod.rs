//! The server's JSON: reading requests, writing answers, and the conversions to and from the domain.

pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod client_grant;
pub(crate) mod cloud_event;
pub(crate) mod connection;
pub(crate) mod delivery;
pub(crate) mod delivery_filter;
pub(crate) mod event_stream;
pub(crate) mod group;
pub(crate) mod identity;
pub(crate) mod listing;
pub(crate) mod organization;
pub(crate) mod paging;
pub(crate) mod position;
pub(crate) mod query;
pub(crate) mod reader;
pub(crate) mod redelivery;
pub(crate) mod registered_type;
pub(crate) mod resource_server;
pub(crate) mod role;
pub(crate) mod scim;
pub(crate) mod stats;
pub(crate) mod subscribe;
pub(crate) mod test_event;
pub(crate) mod user;
pub(crate) mod user_search;
