//! What a page can fail with, and the page that says so. A handler answers the error; `serving.rs` knows who looks, and
//! renders it.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::ACCEPT;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use domain::operator::OperatorRole;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use store::StoreError;

use super::layout::{Gate, Layout, Section, page_with};
use super::serving;
use super::toast::see_other;
use super::visitor::Visitor;
use crate::error::{ApiError, Missing};
use crate::state::App;
use crate::wire::reader::Invalid;

/// What a page answers.
pub(crate) type PageAnswer = Result<Response, PageError>;

/// What a page can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// Nobody is signed in; whoever is then comes back to `to`.
    #[error("nobody is signed in")]
    SignedOut { to: Option<String> },
    /// The operator's role does not allow it.
    #[error("the role {0} is needed")]
    Forbidden(OperatorRole),
    /// A form that comes from somewhere else, or from a session that has ended.
    #[error("the form is not of this session")]
    Forged,
    /// Something that is no form.
    #[error("the body is no form")]
    NotAForm,
    /// There is no such page.
    #[error("there is no such page")]
    NotFound,
    /// The page is there, but not for this method.
    #[error("the page is not for this method")]
    MethodNotAllowed,
    /// Too much of this is going on.
    #[error("too many at once")]
    TooMany,
    /// What the API would answer.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

impl From<Invalid> for PageError {
    fn from(invalid: Invalid) -> Self {
        Self::Api(invalid.into())
    }
}

/// An error on its way to `serving.rs`.
#[derive(Clone)]
pub(super) struct Fault(Arc<Mutex<Option<PageError>>>);

impl Fault {
    pub(super) fn take(&self) -> Option<PageError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.describe().0.into_response();
        response.extensions_mut().insert(Fault(Arc::new(Mutex::new(Some(self)))));
        response
    }
}

impl PageError {
    /// Status, and a sentence.
    pub(super) fn describe(&self) -> (StatusCode, Cow<'static, str>) {
        let said = |status, text: &'static str| (status, Cow::Borrowed(text));
        match self {
            Self::SignedOut { .. } => said(StatusCode::UNAUTHORIZED, "You are not signed in."),
            Self::Forbidden(role) => {
                let text =
                    format!("Your role does not allow this. It needs the role {role}; an owner can give it to you.");
                (StatusCode::FORBIDDEN, Cow::Owned(text))
            }
            Self::Forged => said(
                StatusCode::FORBIDDEN,
                "This form does not come from your present session, so nothing was changed. Go back, reload the page, \
                 and send it again.",
            ),
            Self::NotAForm => said(StatusCode::UNSUPPORTED_MEDIA_TYPE, "This page takes forms only."),
            Self::NotFound => {
                said(StatusCode::NOT_FOUND, "There is no page here. Check the address, or begin at the streams.")
            }
            Self::MethodNotAllowed => {
                said(StatusCode::METHOD_NOT_ALLOWED, "This address only takes what a form sends to it.")
            }
            Self::TooMany => said(StatusCode::TOO_MANY_REQUESTS, "There are too many at once. Try again in a minute."),
            Self::Api(error) => {
                let (status, text, _) = error.describe();
                (status, text)
            }
        }
    }

    /// The page that says it to whoever looks.
    pub(super) fn page(self, visitor: &Visitor) -> Response {
        if let Self::SignedOut { to } = &self {
            let query = to
                .as_deref()
                .filter(|to| *to != "/")
                .map(|to| format!("?to={}", utf8_percent_encode(to, NON_ALPHANUMERIC)));
            return see_other(&format!("/sign-in{}", query.unwrap_or_default()), None, visitor.is_https());
        }
        if let Self::Api(error) = &self {
            error.log();
        }
        let (status, text) = self.describe();
        let title = title_of(status);
        match Layout::of_visitor(visitor, Section::Elsewhere) {
            Some(layout) => page_with(status, &ErrorPage { layout, title, text: &text, status: status.as_u16() }),
            None => page_with(status, &ErrorGate { gate: Gate::of(visitor), title, text: &text }),
        }
    }
}

/// The page of a fault when not even who looks can be found out.
pub(super) fn bare(error: StoreError) -> Response {
    let error = ApiError::from(error);
    error.log();
    let (status, text, _) = error.describe();
    page_with(status, &ErrorGate { gate: Gate::bare(), title: title_of(status), text: &text })
}

const fn title_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::SERVICE_UNAVAILABLE => "Not now",
        StatusCode::INTERNAL_SERVER_ERROR => "Headwater failed",
        _ => "This did not work",
    }
}

#[derive(Template)]
#[template(path = "dashboard/error.html")]
struct ErrorPage<'a> {
    layout: Layout,
    title: &'a str,
    text: &'a str,
    status: u16,
}

#[derive(Template)]
#[template(path = "dashboard/error_gate.html")]
struct ErrorGate<'a> {
    gate: Gate,
    title: &'a str,
    text: &'a str,
}

/// What nobody serves: a page for people, the API's answer for everybody else.
pub(crate) async fn path_unknown(State(app): State<Arc<App>>, request: Request) -> Response {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if is_of_the_api(request.uri()) || !accept.contains("text/html") {
        return ApiError::NotFound(Missing::Endpoint).into_response();
    }
    serving::fault(&app, request, PageError::NotFound).await
}

fn is_of_the_api(uri: &Uri) -> bool {
    ["/api/", "/scim/", "/oauth/", "/.well-known/"].iter().any(|prefix| uri.path().starts_with(prefix))
}

/// Known pages, wrong method.
pub(super) async fn method_not_allowed() -> PageAnswer {
    Err(PageError::MethodNotAllowed)
}
