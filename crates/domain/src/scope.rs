//! The permissions of the Management API.

macro_rules! scopes {
    ($($name:literal, $about:literal;)*) => {
        /// Every scope that can be granted for the Management API, with one sentence on it
        /// (management-api.md 6.10).
        pub const SCOPES: &[(&str, &str)] = &[$(($name, $about),)*];
    };
}

scopes! {
    "read:event_streams", "List and read event streams.";
    "create:event_streams", "Create event streams.";
    "update:event_streams", "Change event streams and send test events.";
    "delete:event_streams", "Delete event streams.";
    "read:event_deliveries", "Read failed deliveries.";
    "update:event_deliveries", "Redeliver failed deliveries.";
    "create:events", "Publish events.";
    "read:users", "List and read users.";
    "create:users", "Create users.";
    "update:users", "Change users.";
    "delete:users", "Delete users.";
    "read:users_app_metadata", "Read users' app metadata.";
    "update:users_app_metadata", "Change users' app metadata.";
    "read:clients", "List and read applications.";
    "create:clients", "Create applications.";
    "update:clients", "Change applications.";
    "delete:clients", "Delete applications.";
    "update:client_keys", "Rotate applications' secrets.";
    "read:client_grants", "List and read client grants.";
    "create:client_grants", "Create client grants.";
    "update:client_grants", "Change client grants.";
    "delete:client_grants", "Delete client grants.";
    "read:resource_servers", "List and read APIs.";
}

/// Whether `name` is a scope of the Management API.
pub fn is_known(name: &str) -> bool {
    SCOPES.iter().any(|(known, _)| *known == name)
}
