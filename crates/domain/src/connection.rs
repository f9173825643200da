//! A connection: where users come from.

use crate::ids::{ClientId, ConnectionId};

/// The name of the connection that a first start makes.
pub const DATABASE_CONNECTION: &str = "Username-Password-Authentication";

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `con_…`
    pub id: ConnectionId,
    /// Unique in the tenant; never changes.
    pub name: String,
    /// `auth0` is a database.
    pub strategy: String,
    /// The applications that may use it.
    pub enabled_clients: Vec<ClientId>,
}

impl Connection {
    /// Whether its users are kept here rather than at an identity provider.
    pub fn is_database(&self) -> bool {
        self.strategy == "auth0"
    }
}
