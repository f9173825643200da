//! What the next page reports, after a form was sent. It travels in a cookie, so that a reload reports nothing twice.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::cookies::Cookie;

/// How long a report waits for its page.
const WAITS_MAX: Duration = Duration::from_secs(60);
/// The longest text of a report: cookies are small.
const CHARS_MAX: usize = 400;

/// A short report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toast {
    /// `ok` or `bad`.
    pub tone: &'static str,
    /// What happened.
    pub title: String,
    /// What else there is to say.
    pub text: String,
}

impl Toast {
    /// That something was done.
    pub(crate) fn done(title: impl Into<String>) -> Self {
        Self { tone: "ok", title: title.into(), text: String::new() }
    }

    /// That something was not done.
    pub(crate) fn failed(title: impl Into<String>) -> Self {
        Self { tone: "bad", title: title.into(), text: String::new() }
    }

    /// With a sentence more.
    #[must_use]
    pub(crate) fn saying(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    fn written(&self) -> String {
        let cut = |text: &str| text.replace('\n', " ").chars().take(CHARS_MAX).collect::<String>();
        format!("{}\n{}\n{}", self.tone, cut(&self.title), cut(&self.text))
    }

    /// The report that a cookie holds.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '\n');
        let tone = if parts.next()? == "ok" { "ok" } else { "bad" };
        Some(Self { tone, title: parts.next()?.to_owned(), text: parts.next()?.to_owned() })
    }
}

/// Goes on with another page of this server, which may report something.
pub(super) fn see_other(to: &str, toast: Option<&Toast>, is_https: bool) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, to);
    if let Some(toast) = toast {
        Cookie::Toast.set(response.headers_mut(), is_https, &toast.written(), Some(WAITS_MAX));
    }
    response
}

/// A path of this server that somebody named, or else `/`: never another server's address.
pub(super) fn local_path(text: &str) -> &str {
    let is_local = text.starts_with('/')
        && !text.starts_with("//")
        && !text.starts_with("/\\")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_local { text } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_travels_as_text() {
        let toast = Toast::done("User created").saying("auth0|1");
        assert_eq!(Toast::read(&toast.written()), Some(toast));
        assert_eq!(Toast::read("x"), None);
    }

    #[test]
    fn nobody_is_sent_to_another_server() {
        for text in ["https://evil.example", "//evil.example", "/\\evil.example", "", "x", "/a\nb", "/a\\..\\b"] {
            assert_eq!(local_path(text), "/", "{text}");
        }
        assert_eq!(local_path("/streams?status=failing"), "/streams?status=failing");
    }
}
