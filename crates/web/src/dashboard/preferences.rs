//! `POST /preferences`: light or dark, kept in a cookie of the browser.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::REFERER;
use axum::response::Response;

use super::cookies::Cookie;
use super::error::PageError;
use super::form::Form;
use super::toast::{local_path, see_other};
use super::visitor::Visitor;

/// How long a browser keeps it.
const KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system has it.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// As it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme that is written so; whatever else is the system's.
    pub(super) fn of(text: Option<&str>) -> Self {
        match text {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }
}

/// Sets the theme, and goes back to where it was set.
pub(super) async fn set(visitor: Visitor, headers: HeaderMap, form: Form) -> Result<Response, PageError> {
    let theme = Theme::of(form.text("theme"));
    let from = headers.get(REFERER).and_then(|from| from.to_str().ok()).unwrap_or_default();
    let path = from.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
    let mut response = see_other(local_path(&path), None, visitor.is_https());
    Cookie::Theme.set(response.headers_mut(), visitor.is_https(), theme.as_str(), Some(KEPT));
    Ok(response)
}
