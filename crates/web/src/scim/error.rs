//! From what goes wrong to SCIM's errors (RFC 7644, 3.12).

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::scim::ScimFault;
use serde::Serialize;
use store::{Conflict, StoreError};

use super::answer;
use crate::error::{ApiError, RETRY_AFTER_SECS};

/// What an operation answers.
pub(crate) type ScimAnswer = Result<Response, ScimError>;

const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Whatever a SCIM request can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScimError {
    #[error("expected a SCIM token of this connection that holds: Authorization: Bearer TOKEN")]
    Unauthenticated,
    #[error("the token does not allow {0}")]
    NotAllowed(&'static str),
    #[error(transparent)]
    Fault(#[from] ScimFault),
    #[error("{0} does not exist")]
    NotFound(&'static str),
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("the resource was changed since: get it again")]
    Changed,
    #[error("the resource is being changed by other requests at the same time; try again")]
    Contended,
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<StoreError> for ScimError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    schemas: [&'static str; 1],
    status: String,
    #[serde(rename = "scimType", skip_serializing_if = "Option::is_none")]
    scim_type: Option<&'a str>,
    detail: &'a str,
}

impl ScimError {
    /// Status, `scimType` and what to say.
    fn describe(&self) -> (StatusCode, Option<&'static str>, String) {
        let said = self.to_string();
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, None, said),
            Self::NotAllowed(_) => (StatusCode::FORBIDDEN, None, said),
            Self::Fault(fault) => (StatusCode::BAD_REQUEST, Some(fault.scim_type), said),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, None, said),
            Self::Unsupported(_) => (StatusCode::NOT_IMPLEMENTED, None, said),
            Self::Changed => (StatusCode::PRECONDITION_FAILED, None, said),
            Self::Contended | Self::Api(ApiError::Store(StoreError::Stale)) => {
                (StatusCode::CONFLICT, None, Self::Contended.to_string())
            }
            Self::Api(ApiError::Store(StoreError::Conflict(conflict))) => {
                let taken = match conflict {
                    Conflict::Group => "displayName is taken by another group of this connection",
                    _ => "userName, the user's id or e-mail address is taken by another user of this connection",
                };
                (StatusCode::CONFLICT, Some("uniqueness"), taken.to_owned())
            }
            Self::Api(error) => {
                let (status, said, _) = error.describe();
                let scim_type = (status == StatusCode::BAD_REQUEST).then_some("invalidSyntax");
                (status, scim_type, said.into_owned())
            }
        }
    }
}

impl IntoResponse for ScimError {
    fn into_response(self) -> Response {
        if let Self::Api(error) = &self {
            error.log();
        }
        let (status, scim_type, detail) = self.describe();
        let body = ErrorBody { schemas: [SCHEMA], status: status.as_str().to_owned(), scim_type, detail: &detail };
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
