//! `POST /sign-in`

use axum::http::StatusCode;
use axum::response::Response;
use domain::operator::{OperatorEmail, PASSWORD_BYTES_MAX, SignInMethod};
use domain::secret::Secret;

use super::page::SignIn;
use crate::dashboard::error::PageAnswer;
use crate::dashboard::form::{Filled, Form};
use crate::dashboard::layout::page_with;
use crate::dashboard::sessions;
use crate::dashboard::visitor::Visitor;

/// Whoever types wrong is not told what of it.
const NO_MATCH: &str = "The email and password do not match. Check both and try again.";
const TOO_MANY: &str = "There were too many tries. Wait a minute and try again.";

/// Signs in with a password.
pub(in crate::dashboard) async fn sign_in(visitor: Visitor, form: Form) -> PageAnswer {
    let email = form.text("email").and_then(|email| OperatorEmail::parse(email).ok());
    let password = form.verbatim("password").to_owned();
    let now = visitor.app.clock.now().steady;
    if !visitor.app.sign_in_tries.take(visitor.served.id(), &visitor.address, email.as_ref(), now) {
        return again(&visitor, form, StatusCode::TOO_MANY_REQUESTS, TOO_MANY).await;
    }
    let known = match &email {
        Some(email) => visitor.app.state.operator_by_email(visitor.served.id(), email).await?,
        None => None,
    };
    let (operator, hash) = known.map_or((None, None), |(operator, hash)| (Some(operator), hash));
    // What nobody could have as their password is not hashed; everything else takes the same time for everybody.
    let is_right =
        password.len() <= PASSWORD_BYTES_MAX && visitor.app.passwords.matches(hash, Secret::new(password)).await?;
    match operator.filter(|_| is_right) {
        Some(operator) => {
            let to = form.text("to").unwrap_or_default();
            sessions::begin(&visitor, &operator, SignInMethod::Password, to).await
        }
        None => again(&visitor, form, StatusCode::UNPROCESSABLE_ENTITY, NO_MATCH).await,
    }
}

async fn again(visitor: &Visitor, form: Form, status: StatusCode, sentence: &str) -> PageAnswer {
    tracing::warn!(address = visitor.address, reason = sentence, "somebody could not sign in");
    let kept = [("email", form.verbatim("email").to_owned()), ("to", form.verbatim("to").to_owned())];
    let filled = Filled::with_fault(Form::of(kept), "password", sentence);
    let response: Response = page_with(status, &SignIn::of(visitor, filled).await?);
    Ok(response)
}
