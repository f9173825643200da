//! Writes SCIM's answers: resources with their address and version, lists.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use domain::change::Revision;
use domain::clock::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json; charset=utf-8");
const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// An answer with a body.
pub(super) fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let body = serde_json::to_vec(body).expect("resources have text keys only, so they can be written as JSON");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, SCIM_JSON);
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The version of a resource, as `ETag` has it.
pub(super) fn version_of(revision: Revision) -> String {
    format!("W/\"{}\"", revision.0)
}

/// `meta` of a resource.
pub(super) fn meta_of(
    resource_type: &str,
    location: &str,
    revision: Revision,
    created_at: Timestamp,
    updated_at: Timestamp,
) -> Value {
    json!({
        "resourceType": resource_type,
        "created": created_at,
        "lastModified": updated_at,
        "location": location,
        "version": version_of(revision),
    })
}

/// A resource, as its `meta` says it.
pub(super) fn resource(status: StatusCode, resource: &Value) -> Response {
    let mut response = json(status, resource);
    for (name, member) in [(ETAG, "version"), (LOCATION, "location")] {
        let text = resource["meta"][member].as_str().unwrap_or_default();
        if let Ok(value) = HeaderValue::from_str(text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A page of a list.
pub(super) fn list(resources: &[Value], total: u64, start_index: u32) -> Response {
    let body = json!({
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    json(StatusCode::OK, &body)
}
