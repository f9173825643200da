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
    "read:events", "Subscribe to events.";
    "create:events", "Publish events.";
    "read:event_types", "List and read registered event types.";
    "create:event_types", "Register event types.";
    "update:event_types", "Change registered event types.";
    "delete:event_types", "Remove registered event types.";
    "read:users", "List and read users.";
    "create:users", "Create users.";
    "update:users", "Change users.";
    "delete:users", "Delete users.";
    "read:users_app_metadata", "Read users' app metadata.";
    "update:users_app_metadata", "Change users' app metadata.";
    "read:connections", "List and read connections.";
    "create:connections", "Create connections.";
    "update:connections", "Change connections, and which applications may use them.";
    "delete:connections", "Delete connections.";
    "read:scim_config", "Read how connections are provisioned with SCIM.";
    "create:scim_config", "Have connections provisioned with SCIM.";
    "update:scim_config", "Change how connections are provisioned with SCIM.";
    "delete:scim_config", "Have connections provisioned with SCIM no longer.";
    "read:scim_token", "List SCIM tokens.";
    "create:scim_token", "Create SCIM tokens.";
    "delete:scim_token", "Revoke SCIM tokens.";
    "read:groups", "List and read groups.";
    "delete:groups", "Delete groups.";
    "read:group_members", "List the members of groups.";
    "read:group_roles", "List the roles of groups.";
    "create:group_roles", "Give roles to groups.";
    "delete:group_roles", "Take roles from groups.";
    "read:organization_groups", "List the groups of organizations.";
    "read:organization_group_roles", "List the roles of groups in organizations.";
    "create:organization_group_roles", "Give roles to groups in organizations.";
    "delete:organization_group_roles", "Take roles from groups in organizations.";
    "read:roles", "List and read roles.";
    "create:roles", "Create roles.";
    "update:roles", "Change roles.";
    "delete:roles", "Delete roles.";
    "read:role_members", "List the users who have a role.";
    "create:role_members", "Give roles to users.";
    "delete:role_members", "Take roles from users.";
    "read:organizations", "List and read organizations.";
    "create:organizations", "Create organizations.";
    "update:organizations", "Change organizations.";
    "delete:organizations", "Delete organizations.";
    "read:organization_members", "List the members of organizations.";
    "create:organization_members", "Add members to organizations.";
    "delete:organization_members", "Remove members from organizations.";
    "read:organization_member_roles", "List the roles of members of organizations.";
    "create:organization_member_roles", "Give roles to members of organizations.";
    "delete:organization_member_roles", "Take roles from members of organizations.";
    "read:organization_connections", "List and read the connections of organizations.";
    "create:organization_connections", "Enable connections for organizations.";
    "update:organization_connections", "Change the settings that organizations have for connections.";
    "delete:organization_connections", "Remove connections from organizations.";
    "read:clients", "List and read applications.";
    "create:clients", "Create applications.";
    "update:clients", "Change applications.";
    "delete:clients", "Delete applications.";
    "read:client_keys", "Read applications' secrets.";
    "update:client_keys", "Rotate applications' secrets.";
    "read:client_grants", "List and read client grants.";
    "create:client_grants", "Create client grants.";
    "update:client_grants", "Change client grants.";
    "delete:client_grants", "Delete client grants.";
    "read:actions", "List and read actions.";
    "create:actions", "Create, deploy and test actions.";
    "update:actions", "Change actions.";
    "delete:actions", "Delete actions.";
    "read:resource_servers", "List and read APIs.";
    "create:resource_servers", "Create APIs.";
    "update:resource_servers", "Change APIs.";
    "delete:resource_servers", "Delete APIs.";
}

/// Whether `name` is a scope of the Management API.
pub fn is_known(name: &str) -> bool {
    SCOPES.iter().any(|(known, _)| *known == name)
}
