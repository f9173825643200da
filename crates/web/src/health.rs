//! Whether the process lives, and whether it can do its work.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::state::App;
use crate::wire::answer;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> Response {
    answer::json(StatusCode::OK, &Health { status: "alive", missing: Vec::new() })
}

/// `GET /readyz`: the store answers and takes changes; else what is missing.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.state.check().await {
        Ok(()) => answer::json(StatusCode::OK, &Health { status: "ready", missing: Vec::new() }),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let missing = vec![format!("store: {error}")];
            answer::json(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "not ready", missing })
        }
    }
}
