//! Writes answers: JSON, and the content type that the contract wants on every answer, even an empty one.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An answer with a body.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let body = serde_json::to_vec(body).expect("wire types have text keys only, so they can be written as JSON");
    with_body(status, Body::from(body))
}

/// An answer whose body is JSON already.
pub(crate) fn json_text(status: StatusCode, body: String) -> Response {
    with_body(status, Body::from(body))
}

/// An answer without a body.
pub(crate) fn no_content() -> Response {
    with_body(StatusCode::NO_CONTENT, Body::empty())
}

fn with_body(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
