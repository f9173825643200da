//! `fetch`: requests of actions, sent by the server under the same policy as webhooks.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::destination::HEADERS_RESERVED;
use domain::transport::Transport;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use url::Url;

use super::frames::{Answer, AnswerHead, Fetch, Redirect};
use crate::outbound::{Answer as HttpAnswer, Outbound};

/// So many redirects are followed one after another.
const REDIRECTS_MAX: usize = 5;

/// The only reserved header that a request may bring: what its body is.
const SETTABLE: &str = "content-type";

/// Sends requests of actions.
#[derive(Clone)]
pub(super) struct Fetcher {
    pub(super) outbound: Outbound,
    pub(super) http_allowed: bool,
    pub(super) answer_bytes_max: usize,
}

/// A request on its way.
struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Fetcher {
    /// Sends a request; what keeps it from being sent or answered is an answer too.
    pub(super) async fn fetch(&self, fetch: Fetch) -> Answer {
        let redirect = fetch.head.redirect;
        let fetched = match read(fetch) {
            Ok(request) => self.follow(request, redirect).await,
            Err(message) => Err(message),
        };
        fetched.unwrap_or_else(Answer::Refused)
    }

    async fn follow(&self, mut request: Request, redirect: Redirect) -> Result<Answer, String> {
        let mut followed = 0;
        loop {
            let answer = self.send(&request).await?;
            let target = target(&request.url, &answer);
            match (redirect, target) {
                (Redirect::Error, Some(_)) => return Err("it was answered by a redirect".to_owned()),
                (Redirect::Follow, Some(_)) if followed == REDIRECTS_MAX => {
                    return Err(format!("there were more than {REDIRECTS_MAX} redirects"));
                }
                (Redirect::Follow, Some(target)) => {
                    followed += 1;
                    request = request.redirected(target, answer.status);
                }
                _ => return Ok(answered(&request, answer, followed > 0)),
            }
        }
    }

    /// Each request is checked for itself, also one that a redirect leads to.
    async fn send(&self, request: &Request) -> Result<HttpAnswer, String> {
        match request.url.scheme() {
            "https" => {}
            "http" if self.http_allowed => {}
            "http" => return Err("http:// is not allowed; use https:// (HEADWATER_ALLOW_HTTP can allow it)".to_owned()),
            other => return Err(format!("{other}: is not available; use https://")),
        }
        if !request.url.username().is_empty() || request.url.password().is_some() {
            return Err("the URL has user information; use the authorization header".to_owned());
        }
        let (method, headers) = (request.method.clone(), request.headers.clone());
        let client = self.outbound.fetching_client(method, &request.url, headers, &Transport::default());
        let client = client.map_err(|error| error.to_string())?;
        let answer = client.send([request.body.clone(), Bytes::new()], &[], Duration::ZERO).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.complete {
            return Ok(answer);
        }
        Err(if answer.body.len() >= self.answer_bytes_max {
            format!("the answer is longer than {} bytes", self.answer_bytes_max)
        } else {
            "the answer did not come to its end".to_owned()
        })
    }
}

impl Request {
    /// The request that follows a redirect, as browsers make it.
    fn redirected(mut self, target: Url, status: StatusCode) -> Self {
        if target.origin() != self.url.origin() {
            // Any other could be a credential.
            let harmless = [header::ACCEPT, header::ACCEPT_LANGUAGE, header::CONTENT_TYPE];
            let kept = harmless.map(|name| (self.headers.get(&name).cloned(), name));
            self.headers = kept.into_iter().filter_map(|(value, name)| Some((name, value?))).collect();
        }
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(header::CONTENT_TYPE);
        }
        self.url = target;
        self
    }
}

fn read(fetch: Fetch) -> Result<Request, String> {
    let method =
        Method::from_bytes(fetch.head.method.as_bytes()).map_err(|_| "the method cannot be sent".to_owned())?;
    if [Method::CONNECT, Method::TRACE].contains(&method) {
        return Err(format!("the method {method} is not available"));
    }
    let url = Url::parse(&fetch.head.url).map_err(|_| "the URL cannot be read".to_owned())?;
    let mut headers = HeaderMap::new();
    for (name, value) in &fetch.head.headers {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("the header {name:?} cannot be sent"))?;
        if name != SETTABLE && HEADERS_RESERVED.contains(&name.as_str()) {
            return Err(format!("the header {name} is set by the server itself"));
        }
        let value =
            HeaderValue::from_str(value).map_err(|_| format!("the value of the header {name} cannot be sent"))?;
        headers.append(name, value);
    }
    let body = fetch.body.map(|body| STANDARD.decode(body)).transpose();
    let body = body.map_err(|_| "the body cannot be read".to_owned())?.unwrap_or_default();
    Ok(Request { method, url, headers, body: body.into() })
}

/// Where a redirect leads.
fn target(from: &Url, answer: &HttpAnswer) -> Option<Url> {
    let redirects = matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers.get(header::LOCATION).filter(|_| redirects)?;
    from.join(location.to_str().ok()?).ok()
}

fn answered(request: &Request, answer: HttpAnswer, redirected: bool) -> Answer {
    let headers = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    Answer::Fetched {
        head: AnswerHead {
            status: answer.status.as_u16(),
            status_text: answer.status.canonical_reason().unwrap_or_default().to_owned(),
            headers: headers.collect(),
            url: request.url.to_string(),
            redirected,
        },
        body: STANDARD.encode(&answer.body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer s3cret"));
        headers.insert("x-api-key", HeaderValue::from_static("s3cret"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Request { method, url: "https://a.example/x".parse().unwrap(), headers, body: Bytes::from_static(b"body") }
    }

    #[test]
    fn a_redirect_takes_no_credentials_elsewhere() {
        let same =
            request(Method::POST).redirected("https://a.example/y".parse().unwrap(), StatusCode::TEMPORARY_REDIRECT);
        assert!(same.headers.contains_key(header::AUTHORIZATION) && !same.body.is_empty());
        for elsewhere in ["https://b.example/y", "http://a.example/y", "https://a.example:8443/y"] {
            let other = request(Method::POST).redirected(elsewhere.parse().unwrap(), StatusCode::PERMANENT_REDIRECT);
            assert_eq!(other.headers.keys().collect::<Vec<_>>(), [header::CONTENT_TYPE], "{elsewhere}");
        }
    }

    #[test]
    fn what_becomes_of_the_method() {
        let after = |method, status| request(method).redirected("https://a.example/y".parse().unwrap(), status).method;
        assert_eq!(after(Method::POST, StatusCode::FOUND), Method::GET);
        assert_eq!(after(Method::PUT, StatusCode::FOUND), Method::PUT);
        assert_eq!(after(Method::PUT, StatusCode::SEE_OTHER), Method::GET);
        assert_eq!(after(Method::HEAD, StatusCode::SEE_OTHER), Method::HEAD);
    }
}
