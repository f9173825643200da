//! Around every page: who looks at it is found out before, errors become pages after, and the headers that keep a browser
//! from doing what no page of ours wants are set on all of them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::cookies::Cookie;
use super::error::{Fault, PageError, bare};
use super::visitor::Visitor;
use crate::state::App;

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Serves a page.
pub(super) async fn serve(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let visitor = match Visitor::of(&mut parts, &app).await {
        Ok(visitor) => Arc::new(visitor),
        Err(error) => return guarded(bare(error)),
    };
    parts.extensions.insert(Arc::clone(&visitor));
    let response = next.run(Request::from_parts(parts, body)).await;
    finished(response, &visitor)
}

/// Serves the page of an error.
pub(super) async fn fault(app: &Arc<App>, request: Request, error: PageError) -> Response {
    let (mut parts, _) = request.into_parts();
    match Visitor::of(&mut parts, app).await {
        Ok(visitor) => finished(error.page(&visitor), &visitor),
        Err(error) => guarded(bare(error)),
    }
}

fn finished(mut response: Response, visitor: &Visitor) -> Response {
    if let Some(error) = response.extensions_mut().remove::<Fault>().and_then(|fault| fault.take()) {
        response = error.page(visitor);
    }
    // A page has reported it; a redirection leaves it to the page that follows.
    if visitor.toast.is_some() && !response.status().is_redirection() {
        Cookie::Toast.clear(response.headers_mut(), visitor.is_https());
    }
    guarded(response)
}

fn guarded(mut response: Response) -> Response {
    guard(response.headers_mut());
    response
}

/// Sets the headers; a page is kept nowhere, unless it says so itself.
pub(super) fn guard(headers: &mut HeaderMap) {
    const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // With `no-referrer`, browsers would not say either from which page a form comes.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
