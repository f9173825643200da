//! A request for a token as it arrives: a form or JSON, with the secret in the body, in a Basic header, or
//! in both at once, as Go's oauth2 library sends it (management-api.md 2.1).

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::account::CLIENT_CREDENTIALS;
use domain::ids::ClientId;
use domain::secret::Secret;
use serde_json::{Map, Value};

use crate::error::{ApiError, TokenError};

/// What is asked for, and by whom; not checked against anything yet.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    /// The application.
    pub client_id: ClientId,
    /// The secret that it gave.
    pub client_secret: Secret,
    /// The API that the token is for.
    pub audience: String,
    /// The permissions that it wants, if not all that it has.
    pub scope: Option<String>,
}

/// The parameters of a body.
struct Parameters(Map<String, Value>);

impl Parameters {
    fn of_form(body: &[u8]) -> Result<Self, TokenError> {
        let mut parameters = Map::new();
        for (name, value) in form_urlencoded::parse(body) {
            if parameters.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
                return Err(TokenError::InvalidRequest("A parameter is given twice."));
            }
        }
        Ok(Self(parameters))
    }

    fn of_json(body: &[u8]) -> Result<Self, TokenError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(parameters)) => Ok(Self(parameters)),
            Ok(_) => Err(TokenError::InvalidRequest("The body must be a JSON object.")),
            Err(_) => Err(TokenError::Api(ApiError::NotJson)),
        }
    }

    fn take(&mut self, name: &str) -> Result<Option<String>, TokenError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenError::InvalidRequest("A parameter is not a string.")),
        }
    }
}

impl TokenRequest {
    /// Reads a request.
    pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, TokenError> {
        let mut parameters = if is_form(headers) { Parameters::of_form(body)? } else { Parameters::of_json(body)? };
        match parameters.take("grant_type")? {
            None => return Err(TokenError::MissingParameter("grant_type")),
            Some(given) if given != CLIENT_CREDENTIALS => return Err(TokenError::UnsupportedGrantType(given)),
            Some(_) => {}
        }
        let of_body = (parameters.take("client_id")?, parameters.take("client_secret")?.map(Secret::new));
        let (client_id, client_secret) = match (basic(headers)?, of_body) {
            (None, (None, _)) => return Err(TokenError::MissingParameter("client_id")),
            (None, (Some(_), None)) => return Err(TokenError::Unauthorized),
            (None, (Some(id), Some(secret))) => (id, secret),
            (Some((id, secret)), (repeated_id, repeated_secret)) => {
                let differs = repeated_id.is_some_and(|repeated| repeated != id)
                    || repeated_secret.is_some_and(|repeated| repeated != secret);
                if differs {
                    return Err(TokenError::InvalidRequest("The body and the authorization header name two clients."));
                }
                (id, secret)
            }
        };
        Ok(Self {
            client_id: ClientId::from_text(client_id),
            client_secret,
            audience: parameters.take("audience")?.ok_or(TokenError::MissingParameter("audience"))?,
            scope: parameters.take("scope")?,
        })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// `Basic base64(urlencode(id):urlencode(secret))`
fn basic(headers: &HeaderMap) -> Result<Option<(String, Secret)>, TokenError> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let Some((scheme, credentials)) = header.as_bytes().split_at_checked(6) else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return Ok(None);
    }
    let malformed = || TokenError::InvalidRequest("The authorization header is not base64(id:secret).");
    let decoded = STANDARD.decode(credentials.trim_ascii()).map_err(|_| malformed())?;
    let decoded = std::str::from_utf8(&decoded).map_err(|_| malformed())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(malformed)?;
    Ok(Some((form_decoded(id), Secret::new(form_decoded(secret)))))
}

fn form_decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

    #[test]
    fn a_basic_header_is_url_decoded_and_may_be_repeated_in_the_body() {
        let basic = format!("Basic {}", STANDARD.encode("my%2Fid:p%3Ass+w%2B"));
        let headers = headers(&[FORM, ("authorization", &basic)]);
        let body = b"grant_type=client_credentials&client_id=my%2Fid&audience=a";
        let request = TokenRequest::read(&headers, body).unwrap();
        assert_eq!(request.client_id.as_str(), "my/id");
        assert_eq!(request.client_secret.expose(), "p:ss w+");
        let other = b"grant_type=client_credentials&client_id=you&audience=a";
        assert!(matches!(TokenRequest::read(&headers, other), Err(TokenError::InvalidRequest(_))));
    }

    #[test]
    fn the_first_missing_parameter_is_named() {
        let missing = |body: &[u8]| match TokenRequest::read(&headers(&[FORM]), body) {
            Err(TokenError::MissingParameter(name)) => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(b""), "grant_type");
        assert_eq!(missing(b"grant_type=client_credentials"), "client_id");
        assert_eq!(missing(b"grant_type=client_credentials&client_id=a&client_secret=b"), "audience");
    }

    #[test]
    fn a_request_prints_no_secret() {
        let body = br#"{"grant_type":"client_credentials","client_id":"a","client_secret":"hush","audience":"b"}"#;
        let request = TokenRequest::read(&HeaderMap::new(), body).unwrap();
        assert!(!format!("{request:?}").contains("hush"));
    }
}
