//! Style, script and mark: compiled in, and served under a name that changes with them, so that browsers keep them.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing;

use super::serving;
use crate::state::App;

/// Name, media type, content.
const ASSETS: [(&str, &str, &str); 4] = [
    ("tokens.css", "text/css; charset=utf-8", include_str!("../../assets/tokens.css")),
    ("app.css", "text/css; charset=utf-8", include_str!("../../assets/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("../../assets/app.js")),
    ("mark.svg", "image/svg+xml", include_str!("../../assets/mark.svg")),
];
/// How many digits of the digest name a version.
const VERSION_DIGITS: usize = 16;

/// The version of all of them together.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all = ASSETS.map(|(_, _, content)| content).concat();
    let digits = digest(&SHA256, all.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    digits.chars().take(VERSION_DIGITS).collect()
});

/// Where pages find them: `/assets/VERSION`.
pub(super) fn folder() -> String {
    format!("/assets/{}", *VERSION)
}

/// The files.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/assets/{version}/{name}", routing::get(asset))
}

async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    let found = ASSETS.iter().find(|(known, _, _)| *known == name && version == *VERSION);
    let Some((_, media_type, content)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = Response::new((*content).into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    serving::guard(headers);
    response
}
