//! Who looks at a page, signed in or not: what is known of them before the page is made.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::operator::{Operator, OperatorSession};
use store::{StoreError, TokenDigest};
use tokio_util::sync::CancellationToken;

use super::cookies::Cookie;
use super::error::PageError;
use super::preferences::Theme;
use super::times::Zone;
use super::toast::Toast;
use crate::call::Asked;
use crate::serve::{PeerAddress, Stopping};
use crate::state::App;
use crate::tenants::ServedTenant;
use crate::wire::reader::Field;

/// Somebody who looks at a page.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// The application.
    pub app: Arc<App>,
    /// Whose dashboard it is.
    pub served: Arc<ServedTenant>,
    /// Light or dark.
    pub theme: Theme,
    /// Where the clocks of the browser are.
    pub zone: Zone,
    /// What the page is to report.
    pub toast: Option<Toast>,
    /// The path and the query.
    pub path: String,
    /// From where they come.
    pub address: String,
    pub(super) stopping: CancellationToken,
    pub(super) asked: Arc<Asked>,
    pub(super) signed_in: Option<SignedIn>,
    pub(super) is_get: bool,
}

/// A session that holds.
#[derive(Clone)]
pub(super) struct SignedIn {
    pub(super) session: OperatorSession,
    pub(super) operator: Operator,
    pub(super) form_token: String,
}

/// What is kept of a token.
pub(super) fn token_digest(token: &str) -> TokenDigest {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("it is as long as a digest of SHA-256")
}

/// What the forms of a session carry: it follows from the token, and nothing about the token follows from it.
fn form_token(token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"headwater dashboard form"))
}

impl Visitor {
    /// Looks who it is.
    pub(super) async fn of(parts: &mut Parts, app: &Arc<App>) -> Result<Self, StoreError> {
        let served = Arc::clone(app.tenants.of_request(parts));
        let is_https = served.is_https();
        let read = |cookie: Cookie| cookie.read(&parts.headers, is_https);
        let (theme, zone) = (Theme::of(read(Cookie::Theme).as_deref()), Zone::of(read(Cookie::Zone).as_deref()));
        let toast = read(Cookie::Toast).and_then(|text| Toast::read(&text));
        let signed_in = match read(Cookie::Session) {
            Some(token) => signed_in(app, &served, &token).await?,
            None => None,
        };
        let peer = parts.extensions.get::<PeerAddress>();
        Ok(Self {
            app: Arc::clone(app),
            theme,
            zone,
            toast,
            path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            address: peer.map(|peer| peer.0.ip().to_canonical().to_string()).unwrap_or_default(),
            stopping: parts.extensions.get::<Stopping>().map(|Stopping(token)| token.clone()).unwrap_or_default(),
            asked: Arc::new(Asked::of(parts, app).await),
            signed_in,
            is_get: parts.method == axum::http::Method::GET,
            served,
        })
    }

    /// What the request says besides its body.
    pub(crate) fn asked(&self) -> Arc<Asked> {
        Arc::clone(&self.asked)
    }

    /// What the query says under a name, if it says anything.
    pub(crate) fn query_text(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        let found = form_urlencoded::parse(query.as_bytes()).find(|(given, _)| given == name);
        found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// A segment of the path, decoded.
    pub(crate) fn segment(&self, name: &'static str) -> Result<&str, PageError> {
        self.asked.segment(Field::new(name, "")).map_err(|_| PageError::NotFound)
    }

    /// The browser, as it says.
    pub(super) fn user_agent(&self) -> String {
        const CHARS_MAX: usize = 300;
        self.asked.user_agent().chars().take(CHARS_MAX).collect()
    }

    /// Whether cookies are for HTTPS.
    pub(super) fn is_https(&self) -> bool {
        self.served.is_https()
    }
}

/// The session that a token opens, if it holds; notes that it is used.
async fn signed_in(app: &App, served: &ServedTenant, token: &str) -> Result<Option<SignedIn>, StoreError> {
    let (now, limits) = (app.now(), app.settings.dashboard.sessions);
    let found = app.state.session_get(served.id(), token_digest(token)).await?;
    let Some((session, operator)) = found.filter(|(session, _)| limits.hold(session, now)) else { return Ok(None) };
    if limits.note(&session, now) {
        app.state.session_seen(&session.id, now).await?;
    }
    Ok(Some(SignedIn { session, operator, form_token: form_token(token) }))
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, PageError> {
        let known = parts.extensions.get::<Arc<Self>>().expect("serving.rs looks who it is before any page");
        Ok(Self::clone(known))
    }
}
