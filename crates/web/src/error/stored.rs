//! What the store says.

use std::borrow::Cow;

use axum::http::StatusCode;
use store::{Conflict, PlaceError, StoreError};

use super::{Described, Refusal, described, internal};
use crate::wire::reader::{Invalid, Part};

/// What is wrong with the action that a stream is to have as its destination.
fn of_action(reason: &str) -> Described {
    let place = "destination.configuration.action_id";
    let invalid = Invalid::new(Part::Payload, reason, place, "The action that runs for each event.");
    (StatusCode::BAD_REQUEST, Cow::Owned(invalid.message().to_owned()), Some("invalid_body"))
}

pub(super) fn describe(error: &StoreError) -> Described {
    match error {
        StoreError::Stale => Refusal::Contended.describe(),
        StoreError::Conflict(conflict) => {
            let (message, code) = match conflict {
                Conflict::User => ("The user already exists.", "auth0_idp_error"),
                Conflict::ActionUnknown => return of_action("The action does not exist"),
                Conflict::ActionUndeployed => return of_action("The action is not deployed; deploy it first"),
                Conflict::Action => ("The action already exists.", "resource_conflict"),
                Conflict::ActionsFull => ("You have as many actions as there can be; delete one.", "too_many_entities"),
                Conflict::StreamName => ("Event stream name already in use.", "event_stream_conflict"),
                Conflict::StreamsFull => {
                    ("You have reached the maximum number of event streams for your account.", "event_stream_conflict")
                }
                Conflict::Grant => ("A client grant for this client and API already exists.", "resource_conflict"),
                Conflict::Client => ("The client already exists.", "resource_conflict"),
                Conflict::ConnectionName => ("A connection with the same name already exists", "resource_conflict"),
                Conflict::TypeName => ("The event type is already registered.", "resource_conflict"),
                Conflict::TypesFull => {
                    ("As many event types are registered as there can be; delete one.", "too_many_entities")
                }
                Conflict::TypeSubscribed => (
                    "An event stream subscribes to the event type; take it out of the subscriptions first.",
                    "event_type_subscribed",
                ),
                Conflict::ScimConfiguration => {
                    ("A SCIM configuration for this connection already exists", "resource_conflict")
                }
                Conflict::ScimUser => ("The user already exists.", "auth0_idp_error"),
                Conflict::Operator => ("The operator already exists.", "resource_conflict"),
                Conflict::TooManyOperators => {
                    ("The tenant has as many operators as it may have. Remove one first.", "resource_conflict")
                }
                Conflict::Group => ("A group with the same name already exists", "resource_conflict"),
                Conflict::ResourceServer => {
                    ("A resource server with the same identifier already exists", "resource_conflict")
                }
                Conflict::Role => ("The role already exists.", "resource_conflict"),
                Conflict::OrganizationName => {
                    ("An organization with this name already exists", "organization_conflict")
                }
                Conflict::OrganizationConnection => {
                    ("The connection is already enabled for the organization", "organization_conflict")
                }
            };
            described(StatusCode::CONFLICT, message, Some(code))
        }
        StoreError::Place(PlaceError::Expired) => described(
            StatusCode::GONE,
            "Cursor points to data no longer available in the stream.",
            Some("cursor_expired"),
        ),
        StoreError::Place(PlaceError::Ahead) => described(
            StatusCode::BAD_REQUEST,
            "The offset lies beyond the end of the log; use one that this server gave.",
            Some("invalid_body"),
        ),
        StoreError::Unavailable { .. } => described(
            StatusCode::SERVICE_UNAVAILABLE,
            "The store does not answer at the moment. Try again shortly.",
            None,
        ),
        StoreError::Corrupt { .. }
        | StoreError::Damaged { .. }
        | StoreError::InUse { .. }
        | StoreError::Newer { .. }
        | StoreError::WrongMasterKey => internal(),
    }
}
