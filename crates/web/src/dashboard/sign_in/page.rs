//! `GET /sign-in`

use askama::Template;

use crate::dashboard::error::{PageAnswer, PageError};
use crate::dashboard::form::{Filled, Form};
use crate::dashboard::layout::{self, Gate};
use crate::dashboard::toast::{local_path, see_other};
use crate::dashboard::visitor::Visitor;

#[derive(Template)]
#[template(path = "dashboard/sign_in.html")]
pub(super) struct SignIn {
    gate: Gate,
    form: Filled,
    /// Whether anybody could sign in.
    are_operators: bool,
}

impl SignIn {
    /// The page, with what was typed before.
    pub(super) async fn of(visitor: &Visitor, form: Filled) -> Result<Self, PageError> {
        let are_operators = !visitor.app.state.operators(visitor.served.id()).await?.is_empty();
        Ok(Self { gate: Gate::of(visitor), form, are_operators })
    }
}

/// Asks who it is; somebody who is signed in goes on.
pub(in crate::dashboard) async fn page(visitor: Visitor) -> PageAnswer {
    let to = visitor.query_text("to").unwrap_or_default();
    if visitor.signed_in.is_some() {
        return Ok(see_other(local_path(&to), None, visitor.is_https()));
    }
    let form = Form::of([("to", local_path(&to).to_owned())]);
    layout::page(&SignIn::of(&visitor, form.into()).await?)
}
