//! `/sign-in/{token}`: a link that signs in once. Looking at it does not use it up, since programs look at links before
//! people do; the button on its page does.

use askama::Template;
use domain::operator::SignInMethod;

use crate::dashboard::error::PageAnswer;
use crate::dashboard::form::Form;
use crate::dashboard::layout::{Gate, page as page_of};
use crate::dashboard::sessions;
use crate::dashboard::toast::{Toast, see_other};
use crate::dashboard::visitor::{Visitor, token_digest};

#[derive(Template)]
#[template(path = "dashboard/sign_in_link.html")]
struct Link {
    gate: Gate,
    email: String,
    action: String,
}

/// Shows whom the link signs in.
pub(in crate::dashboard) async fn page(visitor: Visitor) -> PageAnswer {
    let token = visitor.segment("token")?.to_owned();
    let (tenant, now) = (visitor.served.id(), visitor.app.now());
    match visitor.app.state.sign_in_link_peek(tenant, token_digest(&token), now).await? {
        Some(operator) => {
            let action = format!("/sign-in/{token}");
            page_of(&Link { gate: Gate::of(&visitor), email: operator.email.to_string(), action })
        }
        None => Ok(used_up(&visitor)),
    }
}

/// Signs in.
pub(in crate::dashboard) async fn sign_in(visitor: Visitor, _form: Form) -> PageAnswer {
    let token = visitor.segment("token")?.to_owned();
    let (tenant, now) = (visitor.served.id(), visitor.app.now());
    match visitor.app.state.sign_in_link_take(tenant, token_digest(&token), now).await? {
        Some(operator) => sessions::begin(&visitor, &operator, SignInMethod::Link, "/").await,
        None => Ok(used_up(&visitor)),
    }
}

fn used_up(visitor: &Visitor) -> axum::response::Response {
    let toast = Toast::failed("The link does not work any more").saying("It signs in once, and not for long.");
    see_other("/sign-in", Some(&toast), visitor.is_https())
}
