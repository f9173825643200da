//! What is not there.

use axum::http::StatusCode;

use super::{Described, described};

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Endpoint,
    Action,
    ActionVersion,
    Stream,
    Delivery,
    Redelivery,
    User,
    Client,
    Connection,
    ScimConfiguration,
    ScimToken,
    Group,
    Grant,
    EventType,
    ResourceServer,
    Role,
    Organization,
    OrganizationConnection,
    Member,
    Identity,
}

impl Missing {
    pub(super) const fn describe(self) -> Described {
        let (message, code) = match self {
            Self::Endpoint => ("Not Found", None),
            Self::Action => ("That action does not exist.", None),
            Self::ActionVersion => ("That version of the action does not exist.", None),
            Self::Stream => ("The requested stream does not exist.", None),
            Self::Delivery => ("The event does not exist.", None),
            Self::Redelivery => ("The redelivery does not exist.", None),
            Self::User => ("The user does not exist.", Some("inexistent_user")),
            Self::Client => ("The client does not exist", Some("inexistent_client")),
            Self::ScimConfiguration => ("The SCIM configuration does not exist", Some("inexistent_scim_configuration")),
            Self::ScimToken => ("The SCIM token does not exist", Some("inexistent_scim_token")),
            Self::Group => ("The group does not exist.", Some("inexistent_group")),
            Self::Connection => ("The connection does not exist", Some("inexistent_connection")),
            Self::Grant => ("The grant does not exist.", Some("inexistent_client_grant")),
            Self::EventType => ("The event type is not registered.", Some("inexistent_event_type")),
            Self::ResourceServer => ("The resource server does not exist", Some("inexistent_resource_server")),
            Self::Role => ("The role does not exist.", None),
            Self::Organization => ("No organization found by that id or name", None),
            Self::OrganizationConnection => ("No connection found by that id", None),
            Self::Identity => ("The identity does not exist.", Some("inexistent_identity")),
            Self::Member => ("The user is not a member of the organization.", None),
        };
        described(StatusCode::NOT_FOUND, message, code)
    }
}
