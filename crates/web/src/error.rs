//! The one mapping from what goes wrong to HTTP: statuses, bodies (management-api.md 1.2 and 2.1), headers,
//! and the one place where an internal error is logged. What is not there, what is refused, and what the store says are
//! put into words in files of their own; so is what a request for a token can fail with.

mod missing;
mod refusal;
mod stored;
mod token;

use std::borrow::Cow;
use std::error::Error;

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::StoreError;

use crate::wire::answer;
use crate::wire::reader::{Invalid, Part};

pub(crate) use missing::Missing;
pub(crate) use refusal::Refusal;
pub(crate) use token::TokenError;

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
    #[error("the action cannot run: {0}")]
    ActionFails(String),
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
            Self::ActionFails(reason) => {
                let message = format!("The action cannot be deployed, because it cannot run: {reason}");
                (StatusCode::BAD_REQUEST, Cow::Owned(message), Some("action_build_failed"))
            }
            Self::Store(error) => stored::describe(error),
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

const fn internal() -> Described {
    described(StatusCode::INTERNAL_SERVER_ERROR, "An internal server error occurred", None)
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

/// Known paths, wrong method.
pub(crate) async fn method_not_allowed() -> Answer {
    Err(ApiError::MethodNotAllowed)
}
