//! `GET /api/v2/events`

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use store::{PlaceError, StoreError, TenantLog, Wanted};

use super::frames::{Ending, Frames};
use super::subscriber::{EventBody, Lifetime, Start};
use crate::call::{Authenticated, Call};
use crate::error::{Answer, ApiError, Refusal};
use crate::serve::Stopping;
use crate::wire::subscribe::{StartPoint, read_start, read_types};

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
/// Keeps a reverse proxy (nginx) from collecting an answer before it hands it on.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const NO_BUFFERING: HeaderValue = HeaderValue::from_static("no");

/// By what part of itself a connection's length differs from the usual, either way: readers who connected together
/// do not come back together.
const JITTER: f64 = 0.1;

/// Answers the tenant's events as they come, from where the caller was on.
pub(crate) async fn subscribe(
    caller: Authenticated,
    headers: HeaderMap,
    stopping: Option<Extension<Stopping>>,
) -> Answer {
    let call = caller.authorise(&["read:events"])?;
    let query = call.query();
    let start = read_start(&headers, &query, &call.served.offsets)?;
    let wanted = Wanted { tenant: call.tenant(), types: read_types(&query, &call.event_types().await?)? };
    let seat = call.app.seats.take(call.tenant()).ok_or(ApiError::Refused(Refusal::TooManyReaders))?;
    let position = match call.state().place_find(start.place()).await {
        Err(StoreError::Place(PlaceError::Ahead)) => return Err(ApiError::InvalidCursor(start.ahead())),
        found => found?,
    };
    let start = Start { position, is_told: matches!(start, StartPoint::Now) };
    let stopping = stopping.map(|Extension(Stopping(token))| token).unwrap_or_default();
    let lifetime = Lifetime { heartbeat: call.app.settings.readers.heartbeat, ends_after: ends_after(&call), stopping };
    let log: Arc<dyn TenantLog> = Arc::<dyn store::State>::clone(&call.app.state);
    let frames = Frames::new(call.tenant(), Arc::clone(&call.served.offsets), Arc::clone(&call.app.entropy));
    let mut response = Response::new(Body::new(EventBody::new(log, wanted, start, lifetime, frames, seat)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, NO_CACHE);
    headers.insert(BUFFERING, NO_BUFFERING);
    Ok(response)
}

/// After how long a connection ends: a few minutes, give or take, but never after its token.
fn ends_after(call: &Call) -> (Duration, Ending) {
    let mut random = [0_u8; 2];
    call.app.entropy.fill(&mut random);
    let cycle = jittered(call.app.settings.readers.cycle, u16::from_be_bytes(random));
    let token = call.expires_at().since(call.app.now());
    if token < cycle { (token, Ending::TokenExpired) } else { (cycle, Ending::Cycled) }
}

/// `span`, give or take up to the jitter; `random` tells how much.
fn jittered(span: Duration, random: u16) -> Duration {
    let part = f64::from(random) / f64::from(u16::MAX);
    span.mul_f64(1.0 - JITTER + 2.0 * JITTER * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jitter_is_a_tenth_either_way() {
        let secs = |random| jittered(Duration::from_secs(300), random).as_secs_f64().round();
        assert_eq!([secs(0), secs(u16::MAX / 2 + 1), secs(u16::MAX)], [270.0, 300.0, 330.0]);
    }
}
