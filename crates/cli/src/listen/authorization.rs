//! How a receiver knows the sender, as the command line writes it: `bearer:TOKEN`, `basic:USER:PASSWORD`,
//! `header:NAME:VALUE`.

use domain::destination::Authorization;
use domain::secret::Secret;
use reqwest::header::{HeaderName, HeaderValue};

/// Reads it.
///
/// # Errors
/// What was expected. What was given is not repeated: it is a secret.
pub(super) fn parse(text: &str) -> Result<Authorization, String> {
    let expected = || "expected bearer:TOKEN, basic:USER:PASSWORD or header:NAME:VALUE".to_owned();
    let (method, rest) = text.split_once(':').ok_or_else(expected)?;
    let authorization = match (method, rest.split_once(':')) {
        ("bearer", _) => Authorization::Bearer { token: Secret::new(rest) },
        ("basic", Some((username, password))) => {
            Authorization::Basic { username: username.to_owned(), password: Secret::new(password) }
        }
        ("header", Some((name, value))) => Authorization::CustomHeader {
            header_key: name.trim().to_owned(),
            header_value: Secret::new(value.trim_start()),
        },
        _ => return Err(expected()),
    };
    if authorization.secret().expose().is_empty() || header_of(&authorization).is_none() {
        return Err(format!("{}, of characters that a header can carry", expected()));
    }
    Ok(authorization)
}

/// The header that carries it; `None` if it cannot be sent.
pub(super) fn header_of(authorization: &Authorization) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = authorization.header();
    let mut value = HeaderValue::from_bytes(value.expose().as_bytes()).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let (name, value) = header_of(&parse(text).unwrap()).unwrap();
        assert!(value.is_sensitive());
        format!("{name}: {}", value.to_str().unwrap())
    }

    #[test]
    fn the_three_methods_of_a_webhook() {
        assert_eq!(shown("bearer:a:b"), "authorization: Bearer a:b");
        assert_eq!(shown("basic:jane:pa:ss"), "authorization: Basic amFuZTpwYTpzcw==");
        assert_eq!(shown("header:X-Key: s3cret"), "x-key: s3cret");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for text in [
            "hunter2",
            "bearer:",
            "digest:hunter2",
            "basic:hunter2",
            "header:hunter2",
            "header:a b:hunter2",
            "bearer:hunter2\n",
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains("expected") && !message.contains("hunter2"), "{text}: {message}");
        }
    }
}
