//! Who is signed in, and what they may do. A page takes [`SignedIn`], which can do nothing but become an [`Operator`] by
//! naming the role that the page needs. So no page can forget to.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use domain::ids::{SessionId, TenantId};
use domain::operator::{self, OperatorRole};
use serde_json::Value;
use store::State;

use super::act;
use super::error::PageError;
use super::layout::{Layout, Section};
use super::toast::{Toast, see_other};
use super::visitor::Visitor;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::state::App;

/// A request of somebody who is signed in.
pub(crate) struct SignedIn(Operator);

/// Somebody who may look at a page, or do what it offers. Of the page and its visitor, [`Visitor`] knows the rest.
#[derive(Clone)]
pub(crate) struct Operator {
    visitor: Visitor,
    person: operator::Operator,
    session: SessionId,
    form_token: String,
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageError> {
        let mut visitor = Visitor::from_request_parts(parts, app).await?;
        let Some(signed_in) = visitor.signed_in.take() else {
            return Err(PageError::SignedOut { to: visitor.is_get.then_some(visitor.path) });
        };
        let (session, form_token) = (signed_in.session.id, signed_in.form_token);
        Ok(Self(Operator { visitor, person: signed_in.operator, session, form_token }))
    }
}

impl SignedIn {
    /// Lets the request go on if the operator has this role, or one that may more.
    pub(crate) fn at_least(self, role: OperatorRole) -> Result<Operator, PageError> {
        if self.0.person.role >= role { Ok(self.0) } else { Err(PageError::Forbidden(role)) }
    }

    /// Lets the request go on, whatever the role.
    pub(crate) fn anyone(self) -> Operator {
        self.0
    }
}

impl Deref for Operator {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl Operator {
    /// Who they are.
    pub(crate) fn person(&self) -> &operator::Operator {
        &self.person
    }

    /// The session that they use.
    pub(crate) fn session(&self) -> &SessionId {
        &self.session
    }

    /// Whether they may do what needs this role: for what a page offers to some only.
    pub(crate) fn may(&self, role: OperatorRole) -> bool {
        self.person.role >= role
    }

    /// What forms of this session carry.
    pub(super) fn form_token(&self) -> &str {
        &self.form_token
    }

    /// The store.
    pub(crate) fn state(&self) -> &dyn State {
        &*self.visitor.app.state
    }

    /// Whose state it is.
    pub(crate) fn tenant(&self) -> TenantId {
        self.visitor.served.id()
    }

    /// What is around a page of this section.
    pub(crate) fn layout(&self, section: Section) -> Layout {
        Layout::of_operator(self, section)
    }

    /// A caller of an operation of the API that only reads, whatever the operator's role.
    pub(crate) fn reader(&self) -> Authenticated {
        Authenticated::of_operator(&self.visitor, &self.person, operator::reads)
    }

    /// Does what changes something: writes into the audit log what is about to be done on what, does it as a caller of
    /// the API's own operation, and notes what came of it. Answers the operation's body. There is no other way to an
    /// operation that changes something.
    ///
    /// # Errors
    /// [`PageError::Forbidden`] if the operator's role does not allow it, else what the operation refuses it with.
    pub(crate) async fn change<F>(
        &self,
        what: &str,
        on: &str,
        operation: impl FnOnce(Authenticated) -> F,
    ) -> Result<Value, PageError>
    where
        F: Future<Output = Answer>,
    {
        if !self.may(OperatorRole::Operator) {
            return Err(PageError::Forbidden(OperatorRole::Operator));
        }
        let caller = Authenticated::of_operator(&self.visitor, &self.person, |_| true);
        act::perform(self, what, on, async { act::body_of(operation(caller).await?).await }).await
    }

    /// Goes on with another page, which reports what was done.
    pub(crate) fn see_other(&self, to: &str, toast: Toast) -> Response {
        see_other(to, Some(&toast), self.is_https())
    }
}
