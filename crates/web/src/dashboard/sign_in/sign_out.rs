//! `POST /sign-out`

use crate::dashboard::cookies::Cookie;
use crate::dashboard::error::PageAnswer;
use crate::dashboard::form::Form;
use crate::dashboard::operator::SignedIn;
use crate::dashboard::toast::{Toast, see_other};

/// Ends the session.
pub(in crate::dashboard) async fn sign_out(signed_in: SignedIn, _form: Form) -> PageAnswer {
    let operator = signed_in.anyone();
    operator.state().session_end(operator.tenant(), &operator.person().id, operator.session()).await?;
    let mut response = see_other("/sign-in", Some(&Toast::done("You are signed out")), operator.is_https());
    Cookie::Session.clear(response.headers_mut(), operator.is_https());
    Ok(response)
}
