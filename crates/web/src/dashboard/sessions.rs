//! Signing in: a session begins, and the browser gets the token that opens it.

use axum::response::Response;
use domain::ids::{SessionId, random_text};
use domain::operator::{Operator, OperatorSession, SignInMethod};

use super::cookies::Cookie;
use super::error::PageError;
use super::toast::{local_path, see_other};
use super::visitor::{Visitor, token_digest};

/// The length of a token, 5.95 bits a character.
pub(super) const TOKEN_CHARS: usize = 43;

/// Signs an operator in, and goes on with `to`.
pub(super) async fn begin(
    visitor: &Visitor,
    operator: &Operator,
    method: SignInMethod,
    to: &str,
) -> Result<Response, PageError> {
    let (app, now) = (&visitor.app, visitor.app.now());
    let limits = app.settings.dashboard.sessions;
    let token = random_text(&*app.entropy, TOKEN_CHARS);
    let session = OperatorSession {
        id: SessionId::generate(&*app.entropy),
        operator: operator.id.clone(),
        method,
        began_at: now,
        seen_at: now,
        ends_at: now.plus(limits.absolute),
        address: visitor.address.clone(),
        user_agent: visitor.user_agent(),
    };
    app.state.session_begin(session, token_digest(&token)).await?;
    tracing::info!(operator = operator.email.as_str(), address = visitor.address, "an operator signed in");
    let mut response = see_other(local_path(to), None, visitor.is_https());
    Cookie::Session.set(response.headers_mut(), visitor.is_https(), &token, Some(limits.absolute));
    Ok(response)
}
