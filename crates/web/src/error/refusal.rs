//! What is well-formed and cannot be done.

use axum::http::StatusCode;

use super::{Described, described};

/// Why a well-formed request cannot be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    ActionInUse,
    ActionUnchecked,
    ConnectionUnknown,
    PasswordWeak,
    PagingTooFar,
    TooManyFailures,
    ScimUnsupported,
    TooManyScimTokens,
    AlreadyWaiting,
    TooManyReaders,
    LinkedToItself,
    PrimaryIdentity,
    SystemApi,
    TooManyRedeliveries,
    RedeliveryEnded,
    StreamDisabled,
    Contended,
}

impl Refusal {
    pub(super) const fn describe(self) -> Described {
        match self {
            Self::ActionInUse => described(
                StatusCode::CONFLICT,
                "Event streams have this action as their destination. Delete them first, or force it, which disables them.",
                Some("action_in_use"),
            ),
            Self::ActionUnchecked => described(
                StatusCode::SERVICE_UNAVAILABLE,
                "Whether the action can run could not be found out at the moment. Try again shortly.",
                None,
            ),
            Self::ConnectionUnknown => {
                described(StatusCode::BAD_REQUEST, "The connection does not exist.", Some("inexistent_connection"))
            }
            Self::PasswordWeak => {
                described(StatusCode::BAD_REQUEST, "PasswordStrengthError: Password is too weak", None)
            }
            Self::PagingTooFar => described(
                StatusCode::BAD_REQUEST,
                "You can only page through the first 1000 records.",
                Some("invalid_paging"),
            ),
            Self::ScimUnsupported => described(
                StatusCode::BAD_REQUEST,
                "SCIM is not supported for connections with this strategy; use an enterprise connection.",
                Some("operation_not_supported"),
            ),
            Self::TooManyScimTokens => described(
                StatusCode::CONFLICT,
                "The maximum number of SCIM tokens of this connection is reached. Delete one first.",
                Some("too_many_scim_tokens"),
            ),
            Self::TooManyFailures => {
                described(StatusCode::CONFLICT, "The event stream has too many failed deliveries to be enabled.", None)
            }
            Self::AlreadyWaiting => {
                described(StatusCode::CONFLICT, "The event is not in a state that allows redelivery.", None)
            }
            Self::TooManyReaders => described(
                StatusCode::FORBIDDEN,
                "Maximum concurrent event stream connections reached. Please close existing connections.",
                None,
            ),
            Self::LinkedToItself => described(
                StatusCode::BAD_REQUEST,
                "Main identity and the new one are the same.",
                Some("operation_not_supported"),
            ),
            Self::PrimaryIdentity => described(
                StatusCode::BAD_REQUEST,
                "Main identity can't be unlinked; delete the user, or unlink the others.",
                Some("operation_not_supported"),
            ),
            Self::SystemApi => described(
                StatusCode::BAD_REQUEST,
                "The Management API cannot be deleted, and only its token_lifetime can be changed.",
                Some("operation_not_supported"),
            ),
            Self::TooManyRedeliveries => described(
                StatusCode::CONFLICT,
                "The event stream has too many redeliveries under way. Wait for one to end, or cancel one.",
                None,
            ),
            Self::RedeliveryEnded => {
                described(StatusCode::CONFLICT, "The redelivery has ended and cannot be changed any more.", None)
            }
            Self::StreamDisabled => described(
                StatusCode::BAD_REQUEST,
                "Sending events to disabled event streams is not supported.",
                Some("operation_not_supported"),
            ),
            Self::Contended => described(
                StatusCode::CONFLICT,
                "The object is being changed by other requests at the same time. Try again.",
                Some("concurrent_changes"),
            ),
        }
    }
}
