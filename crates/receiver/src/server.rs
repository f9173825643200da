//! The HTTP around the reception.

use std::io;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::header::{ALLOW, HeaderMap, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use crate::reception::{Reception, Told};

/// The largest body that is taken; the largest event is far smaller.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

struct Served {
    reception: Reception,
    watch: Box<dyn Fn(&Told) + Send + Sync>,
}

/// Answers on every path until `end`; `watch` is told of each request. What has begun is finished.
///
/// # Errors
/// If the socket breaks.
pub async fn serve(
    listener: TcpListener,
    reception: Reception,
    watch: impl Fn(&Told) + Send + Sync + 'static,
    end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let served = Arc::new(Served { reception, watch: Box::new(watch) });
    let router = Router::new().fallback(receive).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(served);
    axum::serve(listener, router).with_graceful_shutdown(end).await
}

async fn receive(
    State(served): State<Arc<Served>>,
    method: Method,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let told = match body {
        _ if method != Method::POST => Told::refused(StatusCode::METHOD_NOT_ALLOWED, "events come by POST"),
        Err(rejection) => Told::refused(rejection.status(), rejection.body_text()),
        Ok(body) => served.reception.take(&headers, &body).await,
    };
    (served.watch)(&told);
    answer(told)
}

fn answer(told: Told) -> Response {
    let status = told.status();
    let Told::Refused { reason, .. } = told else { return status.into_response() };
    let body = Json(json!({"message": reason}));
    match status {
        StatusCode::UNAUTHORIZED => (status, [(WWW_AUTHENTICATE, "Bearer")], body).into_response(),
        StatusCode::METHOD_NOT_ALLOWED => (status, [(ALLOW, "POST")], body).into_response(),
        _ => (status, body).into_response(),
    }
}

#[cfg(test)]
mod tests;
