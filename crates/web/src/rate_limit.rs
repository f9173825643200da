//! Limiting of requests, and the headers by which clients wait (management-api.md 1.3): on every answer of the API,
//! whether there is a limit or not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::clock::Timestamp;
use domain::ids::TenantId;
use domain::rate_limit::{RateLimit, Taken, TokenBucket};

use crate::error::ApiError;
use crate::state::App;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What is limited, and says so.
const API: &str = "/api/v2/";

/// What the headers say where nothing is limited.
const UNLIMITED: u32 = 1000;

/// How full the buckets of the tenants are.
#[derive(Default)]
pub(crate) struct Buckets(Mutex<HashMap<TenantId, TokenBucket>>);

impl Buckets {
    fn take(&self, tenant: TenantId, limit: RateLimit, now: Duration) -> Taken {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.entry(tenant).or_insert_with(|| TokenBucket::full(limit, now)).take(limit, now)
    }
}

/// Refuses a request for which there is no room, before anything else is looked at.
pub(crate) async fn limit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(API) {
        return next.run(request).await;
    }
    let now = app.clock.now();
    let (parts, body) = request.into_parts();
    let (limit, taken) = match app.settings.rate_limit {
        None => (UNLIMITED, Taken { is_taken: true, remaining: UNLIMITED, next_in: Duration::ZERO }),
        Some(limit) => (limit.burst, app.buckets.take(app.tenants.of_request(&parts).id(), limit, now.steady)),
    };
    let wait_s = taken.next_in.as_millis().div_ceil(1000).max(1);
    let wait_s = u64::try_from(wait_s).unwrap_or(u64::MAX);
    let mut response = if taken.is_taken {
        next.run(Request::from_parts(parts, body)).await
    } else {
        let mut refused = ApiError::TooManyRequests.into_response();
        refused.headers_mut().insert(RETRY_AFTER, wait_s.into());
        refused
    };
    set_headers(&mut response, limit, taken.remaining, now.wall, wait_s);
    response
}

fn set_headers(response: &mut Response, limit: u32, remaining: u32, now: Timestamp, wait_s: u64) {
    let reset = u64::try_from(now.as_secs()).unwrap_or(0) + wait_s;
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(limit));
    headers.insert(REMAINING, HeaderValue::from(remaining));
    headers.insert(RESET, HeaderValue::from(reset));
}
