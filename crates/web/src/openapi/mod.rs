//! What is served, described for machines: `GET /api/v2/openapi.json`.
//!
//! Requests are read by hand, so nothing of this can be derived from code. It is data beside it: a file an area in
//! `areas/`, with what several share in `components.json`. Tests compare it with the table of endpoints, with the
//! scopes that handlers ask for, and with every answer that any test of this crate gets.

mod area;
mod document;

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::tenants::ForTenant;
use crate::wire::answer;

/// The description but for the server's address, without its first brace.
static REST: LazyLock<String> = LazyLock::new(|| {
    let text = document::document().to_string();
    text.strip_prefix('{').expect("the description is an object").to_owned()
});

/// Answers the description, with the address that this tenant's clients use.
pub(crate) async fn describe(ForTenant(tenant): ForTenant) -> Response {
    let servers = json!([{"url": tenant.public_url.as_str()}]);
    answer::json_text(StatusCode::OK, format!("{{\"servers\":{servers},{}", *REST))
}
