//! The one mapping from what goes wrong to HTTP: statuses, bodies (management-api.md 1.2 and 2.1), headers,
//! and the one place where an internal error is logged.

use std::borrow::Cow;
use std::error::Error;

use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::{Conflict, PlaceError, StoreError};

use crate::wire::answer;
use crate::wire::reader::{Invalid, Part};

/// What a handler answers.
pub(crate) type Answer = Result<Response, ApiError>;

/// After how many seconds a caller may try again when the store does not answer.
pub(crate) const RETRY_AFTER_SECS: u64 = 1;

/// Why a call is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthenticationError {
    #[error("Missing authentication")]
    Missing,
    #[error("Invalid token")]
    Invalid,
    #[error("Invalid signature received for JSON Web Token validation")]
    Signature,
    #[error("Expired token received for JSON Web Token validation")]
    Expired,
}

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Endpoint,
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

/// Why a well-formed request cannot be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
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

/// Whatever a call to the Management API can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Unauthenticated(#[from] AuthenticationError),
    #[error("insufficient scope")]
    InsufficientScope(&'static [&'static str]),
    #[error("{}", .0.message())]
    Invalid(Invalid),
    #[error("{}", .0.message())]
    InvalidCursor(Invalid),
    #[error("the body is not JSON")]
    NotJson,
    #[error("the body is longer than {0} bytes")]
    BodyTooLarge(usize),
    #[error("the body did not arrive")]
    BodyIncomplete,
    #[error("not found: {0:?}")]
    NotFound(Missing),
    #[error("method not allowed")]
    MethodNotAllowed,
    #[error("too many requests")]
    TooManyRequests,
    #[error("refused: {0:?}")]
    Refused(Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Internal(&'static str, #[source] Box<dyn Error + Send + Sync>),
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// The body of every error of the Management API.
#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(rename = "statusCode")]
    status_code: u16,
    error: &'a str,
    message: &'a str,
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Attributes<'a>>,
}

#[derive(Serialize)]
struct Attributes<'a> {
    error: &'a str,
}

/// Status, message, `errorCode`.
pub(crate) type Described = (StatusCode, Cow<'static, str>, Option<&'static str>);

const fn described(status: StatusCode, message: &'static str, code: Option<&'static str>) -> Described {
    (status, Cow::Borrowed(message), code)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, message, error_code) = self.describe();
        self.log();
        let attributes = match &self {
            Self::Unauthenticated(AuthenticationError::Missing) => None,
            Self::Unauthenticated(_) => Some(Attributes { error: &message }),
            _ => None,
        };
        let body = ErrorBody {
            status_code: status.as_u16(),
            error: status.canonical_reason().unwrap_or("Error"),
            message: &message,
            error_code,
            attributes,
        };
        let mut response = answer::json(status, &body);
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, RETRY_AFTER_SECS.into())),
            _ => {}
        }
        response
    }
}

impl ApiError {
    pub(crate) fn describe(&self) -> Described {
        match self {
            Self::Unauthenticated(error) => (StatusCode::UNAUTHORIZED, Cow::Owned(error.to_string()), None),
            Self::InsufficientScope(any_of) => {
                let message = format!("Insufficient scope, expected any of: {}", any_of.join(","));
                (StatusCode::FORBIDDEN, Cow::Owned(message), Some("insufficient_scope"))
            }
            Self::Invalid(invalid) => {
                let code = match invalid.part {
                    Part::Payload => "invalid_body",
                    Part::Path => "invalid_uri",
                    Part::Query => "invalid_query_string",
                    Part::Header => "invalid_header",
                };
                (StatusCode::BAD_REQUEST, Cow::Owned(invalid.message().to_owned()), Some(code))
            }
            Self::InvalidCursor(invalid) => {
                (StatusCode::BAD_REQUEST, Cow::Owned(invalid.message().to_owned()), Some("invalid_cursor"))
            }
            Self::NotJson => {
                described(StatusCode::BAD_REQUEST, "Invalid request payload JSON format", Some("invalid_body"))
            }
            Self::BodyTooLarge(max) => {
                let message = format!("Payload content length greater than maximum allowed: {max}");
                (StatusCode::PAYLOAD_TOO_LARGE, Cow::Owned(message), None)
            }
            Self::BodyIncomplete => {
                described(StatusCode::REQUEST_TIMEOUT, "The request body did not arrive completely.", None)
            }
            Self::NotFound(missing) => missing.describe(),
            Self::MethodNotAllowed => {
                described(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for this path.", None)
            }
            Self::TooManyRequests => {
                described(StatusCode::TOO_MANY_REQUESTS, "Global limit has been reached", Some("too_many_requests"))
            }
            Self::Refused(refusal) => refusal.describe(),
            Self::Store(error) => describe_store(error),
            Self::Internal(..) => internal(),
        }
    }

    /// Our own trouble is logged here, once, with its whole chain; a caller's is the caller's to see.
    pub(crate) fn log(&self) {
        match self {
            Self::Store(StoreError::Stale | StoreError::Conflict(_) | StoreError::Place(_)) => {}
            Self::Store(_) | Self::Internal(..) => tracing::error!(error = chain(self), "a request failed"),
            _ => {}
        }
    }
}

impl Missing {
    const fn describe(self) -> Described {
        let (message, code) = match self {
            Self::Endpoint => ("Not Found", None),
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

impl Refusal {
    const fn describe(self) -> Described {
        match self {
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

const fn internal() -> Described {
    described(StatusCode::INTERNAL_SERVER_ERROR, "An internal server error occurred", None)
}

fn describe_store(error: &StoreError) -> Described {
    match error {
        StoreError::Stale => Refusal::Contended.describe(),
        StoreError::Conflict(conflict) => {
            let (message, code) = match conflict {
                Conflict::User => ("The user already exists.", "auth0_idp_error"),
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

/// Whatever a request for a token can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("wrong client id or secret")]
    Unauthorized,
    #[error("client {client_id} has no grant for {audience}")]
    NoGrant { client_id: String, audience: String },
    #[error("unknown audience {0}")]
    UnknownAudience(String),
    #[error("grant type not allowed for the client")]
    GrantTypeNotAllowed,
    #[error("unsupported grant type {0}")]
    UnsupportedGrantType(String),
    #[error("missing parameter {0}")]
    MissingParameter(&'static str),
    #[error("{0}")]
    InvalidRequest(&'static str),
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

/// The body of every error of the token endpoint.
#[derive(Serialize)]
struct TokenErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let (status, error, description) = self.describe();
        if let Self::Api(error) = &self {
            error.log();
        }
        let mut response = answer::json(status, &TokenErrorBody { error, error_description: &description });
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::UNAUTHORIZED => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"))),
            StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, RETRY_AFTER_SECS.into())),
            _ => {}
        }
        response
    }
}

impl TokenError {
    fn describe(&self) -> (StatusCode, &'static str, Cow<'static, str>) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "access_denied", Cow::Borrowed("Unauthorized")),
            Self::NoGrant { client_id, audience } => {
                let description = format!(
                    "Client \"{client_id}\" is not authorized to access resource server \"{audience}\". \
                     You need to create a \"client-grant\" associated to this API."
                );
                (StatusCode::FORBIDDEN, "access_denied", description.into())
            }
            Self::UnknownAudience(audience) => {
                let description = format!("Service not enabled within domain: {audience}");
                (StatusCode::FORBIDDEN, "access_denied", description.into())
            }
            Self::GrantTypeNotAllowed => {
                let description = "Grant type 'client_credentials' not allowed for the client.";
                (StatusCode::FORBIDDEN, "unauthorized_client", description.into())
            }
            Self::UnsupportedGrantType(given) => {
                let description = format!("Unsupported grant type: {given}");
                (StatusCode::BAD_REQUEST, "unsupported_grant_type", description.into())
            }
            Self::MissingParameter(name) => {
                let description = format!("Missing required parameter: {name}");
                (StatusCode::BAD_REQUEST, "invalid_request", description.into())
            }
            Self::InvalidRequest(description) => (StatusCode::BAD_REQUEST, "invalid_request", (*description).into()),
            Self::Api(error) => {
                let (status, message, _) = error.describe();
                let code = match status {
                    StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
                    _ if status.is_server_error() => "server_error",
                    _ => "invalid_request",
                };
                (status, code, message)
            }
        }
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Unknown paths.
pub(crate) async fn path_unknown() -> Answer {
    Err(ApiError::NotFound(Missing::Endpoint))
}

/// Known paths, wrong method.
pub(crate) async fn method_not_allowed() -> Answer {
    Err(ApiError::MethodNotAllowed)
}
