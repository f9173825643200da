//! Cookies. Those that only the server reads are closed to scripts; on HTTPS their names begin so that browsers take
//! them from this very host only.

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// A cookie of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// Who is signed in.
    Session,
    /// What the next page reports.
    Toast,
    /// Light or dark.
    Theme,
    /// The time zone of the browser, which its script writes.
    Zone,
}

impl Cookie {
    const fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-headwater_session",
            (Self::Session, false) => "headwater_session",
            (Self::Toast, true) => "__Host-headwater_toast",
            (Self::Toast, false) => "headwater_toast",
            (Self::Theme, _) => "headwater_theme",
            (Self::Zone, _) => "headwater_zone",
        }
    }

    /// What a request says.
    pub(super) fn read(self, headers: &HeaderMap, is_https: bool) -> Option<String> {
        let name = self.name(is_https);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(given, _)| *given == name)?;
        percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    }

    /// Has the browser keep it; without a `lifetime`, until it is closed.
    pub(super) fn set(self, headers: &mut HeaderMap, is_https: bool, value: &str, lifetime: Option<Duration>) {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        let mut cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax", self.name(is_https));
        if is_https {
            cookie.push_str("; Secure");
        }
        if let Some(lifetime) = lifetime {
            let _ = write!(cookie, "; Max-Age={}", lifetime.as_secs());
        }
        let cookie = HeaderValue::try_from(cookie).expect("what is not a letter or a digit is escaped");
        headers.append(SET_COOKIE, cookie);
    }

    /// Has the browser forget it.
    pub(super) fn clear(self, headers: &mut HeaderMap, is_https: bool) {
        self.set(headers, is_https, "", Some(Duration::ZERO));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read() {
        let mut answer = HeaderMap::new();
        Cookie::Toast.set(&mut answer, true, "ok|Done; \"twice\"|é", Some(Duration::from_secs(60)));
        let line = answer[SET_COOKIE].to_str().unwrap();
        assert!(line.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"), "{line}");
        let mut request = HeaderMap::new();
        request.insert(COOKIE, format!("a=b; {}", line.split(';').next().unwrap()).parse().unwrap());
        assert_eq!(Cookie::Toast.read(&request, true).as_deref(), Some("ok|Done; \"twice\"|é"));
        assert_eq!(Cookie::Toast.read(&request, false), None, "on HTTPS it has another name");
        assert_eq!(Cookie::Session.read(&request, true), None);
    }
}
