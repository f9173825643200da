//! What a request for a token can fail with (management-api.md 2.1).

use std::borrow::Cow;

use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::StoreError;

use super::{ApiError, RETRY_AFTER_SECS};
use crate::wire::answer;

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
