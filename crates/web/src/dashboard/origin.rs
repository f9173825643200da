//! Whether a form comes from a page of this server. Browsers say so themselves, and no page can make them say it.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser says that a request comes from a page of this server, whose own address is `own`.
pub(super) fn is_same(headers: &HeaderMap, own: &str) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(&SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    match (text(&ORIGIN), text(&HOST)) {
        (Some(origin), _) if origin.eq_ignore_ascii_case(own) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_page_is_seen() {
        let asked = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            is_same(&headers.collect(), "https://acme.example")
        };
        assert!(asked(&[("sec-fetch-site", "same-origin")]));
        assert!(!asked(&[("sec-fetch-site", "same-site"), ("origin", "https://acme.example")]));
        assert!(!asked(&[("sec-fetch-site", "cross-site")]) && !asked(&[("sec-fetch-site", "none")]));
        assert!(asked(&[("origin", "https://acme.example")]));
        assert!(asked(&[("origin", "http://127.0.0.1:4400"), ("host", "127.0.0.1:4400")]));
        assert!(!asked(&[("origin", "https://evil.example"), ("host", "acme.example")]));
        assert!(!asked(&[("origin", "null"), ("host", "acme.example")]) && !asked(&[]));
    }
}
