//! The Management API as any client may use it.

mod error;

use std::net::IpAddr;
use std::time::Duration;

use domain::secret::Secret;
use reqwest::{Certificate, Method, Response, StatusCode, Url};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::connection::{Connection, Credentials};
use crate::document::Document;
use crate::messages::Messages;
use crate::palette::Style;

pub use error::ClientError;

const USER_AGENT: &str = concat!("headwater-cli/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may be silent within an answer.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// An answer that has been read, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

/// A token that an application got just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuedToken {
    /// The token.
    pub(crate) token: Secret,
    /// How long it holds.
    pub(crate) lifetime: Duration,
}

/// A client of one server.
#[derive(Debug)]
pub struct ManagementClient {
    http: reqwest::Client,
    base: Url,
    credentials: Credentials,
    token: Mutex<Option<Secret>>,
    shown_by: Option<Messages>,
}

impl ManagementClient {
    /// A client with these settings; nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Settings`] if the URL or the certificates cannot be read.
    pub fn new(connection: Connection) -> Result<Self, ClientError> {
        let url = &connection.url;
        let expected = |_| ClientError::Settings(format!("expected a URL like https://host, found {url}"));
        let base = Url::parse(url).map_err(expected)?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(ClientError::Settings(format!("expected http:// or https://, found {url}")));
        }
        let http = http_client(&base, connection.extra_ca.as_deref(), USER_AGENT)?;
        Ok(Self { http, base, credentials: connection.credentials, token: Mutex::new(None), shown_by: None })
    }

    /// The same, which shows each call: method, address and status, never a header or a body.
    #[must_use]
    pub(crate) fn shown_by(self, messages: Messages) -> Self {
        Self { shown_by: Some(messages), ..self }
    }

    /// The access token: the one that was kept, or one that is fetched with the first call.
    ///
    /// # Errors
    /// As for any call.
    pub async fn token(&self) -> Result<Secret, ClientError> {
        let mut held = self.token.lock().await;
        if let Some(token) = &*held {
            return Ok(token.clone());
        }
        let token = match &self.credentials {
            Credentials::Token(token) => token.clone(),
            Credentials::Kept(application) => match application.token() {
                Some(token) => token,
                None => self.fetch().await?,
            },
            Credentials::Application { .. } => self.fetch().await?,
        };
        Ok(held.insert(token).clone())
    }

    /// Another token than the one that the server has refused; `None` if there can be none. Of several calls that it
    /// refused, one fetches it.
    async fn token_after(&self, refused: &Secret) -> Result<Option<Secret>, ClientError> {
        if matches!(self.credentials, Credentials::Token(_)) {
            return Ok(None);
        }
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| *token != refused) {
            return Ok(Some(token.clone()));
        }
        let token = self.fetch().await?;
        *held = Some(token.clone());
        Ok(Some(token))
    }

    /// Fetches a token, and keeps it for the next command where that is possible.
    async fn fetch(&self) -> Result<Secret, ClientError> {
        let issued = self.issued().await?;
        if let Credentials::Kept(application) = &self.credentials {
            application.keep_token(&issued.token, issued.lifetime);
        }
        Ok(issued.token)
    }

    /// A new token for the application.
    ///
    /// # Errors
    /// As for any call; [`ClientError::Settings`] if there is no application.
    pub(crate) async fn issued(&self) -> Result<IssuedToken, ClientError> {
        let (client_id, client_secret) = match &self.credentials {
            Credentials::Token(_) => return Err(ClientError::Settings("a token cannot be renewed".into())),
            Credentials::Application { client_id, client_secret } => (client_id.as_str(), client_secret.clone()),
            Credentials::Kept(application) => {
                (application.client_id(), application.secret().await.map_err(ClientError::Settings)?)
            }
        };
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret.expose(),
            "audience": self.audience()?,
        });
        let request = self.http.post(self.join("/oauth/token")?).json(&body);
        let reply = self.read(self.send(request).await?).await?.accepted()?;
        let answer: Value = serde_json::from_str(&reply.body)
            .map_err(|_| ClientError::Unexpected("/oauth/token did not answer with JSON".into()))?;
        match answer["access_token"].as_str() {
            Some(token) => {
                let lifetime = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or_default());
                Ok(IssuedToken { token: Secret::new(token), lifetime })
            }
            None => Err(ClientError::Unexpected("/oauth/token answered without access_token".into())),
        }
    }

    /// The identifier of the Management API, which tokens and grants are for.
    ///
    /// # Errors
    /// [`ClientError::Settings`]
    pub(crate) fn audience(&self) -> Result<String, ClientError> {
        Ok(self.join("/api/v2/")?.to_string())
    }

    /// Calls `/api/v2/PATH` and answers when the head of the answer is there, whatever its status. A token that the
    /// server does not take (any more) is renewed once.
    ///
    /// # Errors
    /// As [`ManagementClient::token`], and if the server cannot be reached.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<Response, ClientError> {
        let mut url = self.join(&format!("/api/v2/{}", path.trim_start_matches('/')))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = |token: &Secret| {
            let request = self.http.request(method.clone(), url.clone()).bearer_auth(token.expose());
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        let token = self.token().await?;
        let response = self.send(request(&token)).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        match self.token_after(&token).await? {
            Some(token) => self.send(request(&token)).await,
            None => Ok(response),
        }
    }

    /// Calls `/api/v2/PATH` and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// As [`ManagementClient::open`].
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply, ClientError> {
        self.read(self.open(method, path, &[], body).await?).await
    }

    /// Calls `/api/v2/PATH` and answers the document.
    ///
    /// # Errors
    /// As for any call, and if the server refuses.
    pub async fn document(
        &self,
        method: Method,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<Document, ClientError> {
        let reply = self.read(self.open(method, path, query, body).await?).await?.accepted()?;
        Document::parse(&reply.body)
    }

    /// Reads something.
    ///
    /// # Errors
    /// As for any call, and if the server refuses.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.call(Method::GET, path, None).await?.accepted()?.json()
    }

    /// Creates something, or asks for something to be done.
    ///
    /// # Errors
    /// As for any call, and if the server refuses.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.call(Method::POST, path, Some(body)).await?.accepted()?.json()
    }

    /// Changes something.
    ///
    /// # Errors
    /// As for any call, and if the server refuses.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.call(Method::PATCH, path, Some(body)).await?.accepted()?.json()
    }

    /// Removes something.
    ///
    /// # Errors
    /// As for any call, and if the server refuses.
    pub async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.call(Method::DELETE, path, None).await?.accepted().map(|_| ())
    }

    /// Reads an answer to its end.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] if the connection breaks.
    pub async fn read(&self, response: Response) -> Result<Reply, ClientError> {
        let status = response.status().as_u16();
        let body = response.text().await.map_err(|error| self.unreachable(&error))?;
        Ok(Reply { status, body })
    }

    /// The error for a connection that could not be made or broke.
    pub fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        // The first cause says what happened; those around it only what was being done.
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let reason = cause.to_string();
        ClientError::Unreachable { url: self.base.as_str().trim_end_matches('/').to_owned(), reason }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, ClientError> {
        let request = request.build().map_err(|error| self.unreachable(&error))?;
        let call = self.shown_by.map(|messages| (messages, format!("{} {}", request.method(), request.url())));
        let answer = self.http.execute(request).await.map_err(|error| self.unreachable(&error));
        if let Some((messages, call)) = call {
            let ended = answer.as_ref().map_or_else(ToString::to_string, |answer| answer.status().to_string());
            messages.line(&messages.palette().paint(Style::Quiet, &format!("{call} -> {ended}")));
        }
        answer
    }

    fn join(&self, path: &str) -> Result<Url, ClientError> {
        self.base.join(path).map_err(|error| ClientError::Settings(format!("{path} is not a path: {error}")))
    }
}

impl Reply {
    /// The reply itself if the server accepted, its message as an error otherwise.
    ///
    /// # Errors
    /// [`ClientError::Refused`]
    pub fn accepted(self) -> Result<Self, ClientError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let parsed: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let named = ["message", "error_description", "error"].iter().find_map(|key| parsed[key].as_str());
        let message = named.unwrap_or(self.body.trim()).to_owned();
        Err(ClientError::Refused { status: self.status, message, body: self.body })
    }

    /// The body as JSON; an empty one is null.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`]
    pub fn json(&self) -> Result<Value, ClientError> {
        if self.body.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.body)
            .map_err(|error| ClientError::Unexpected(format!("the answer is not JSON: {error}")))
    }
}

/// What calls are made with: no redirects, no proxy to this machine, and bounds on waiting.
pub(crate) fn http_client(
    base: &Url,
    extra_ca: Option<&[u8]>,
    user_agent: &str,
) -> Result<reqwest::Client, ClientError> {
    // Whoever was first has installed the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(SILENCE_MAX);
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    if let Some(pem) = extra_ca {
        let certificates = Certificate::from_pem_bundle(pem)
            .map_err(|error| ClientError::Settings(format!("the CA file is not PEM: {error}")))?;
        builder = builder.tls_certs_merge(certificates);
    } else if base.scheme() == "http" {
        // Nothing to verify; a bare machine may not even have a store of roots to load.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| ClientError::Settings(format!("TLS cannot be set up: {error}")))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or("");
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(url: &str) -> Connection {
        Connection { url: url.into(), credentials: Credentials::Token(Secret::new("t0ken")), extra_ca: None }
    }

    #[test]
    fn a_refusal_carries_the_servers_words() {
        let reply = |body: &str| Reply { status: 403, body: body.into() };
        let shown = |body: &str| reply(body).accepted().unwrap_err().to_string();
        assert_eq!(shown(r#"{"message":"no","statusCode":403}"#), "403 Forbidden: no");
        assert_eq!(
            shown(r#"{"error":"access_denied","error_description":"Unauthorized"}"#),
            "403 Forbidden: Unauthorized"
        );
        assert_eq!(shown("gone away\n"), "403 Forbidden: gone away");
        assert!(Reply { status: 204, body: String::new() }.accepted().unwrap().json().unwrap().is_null());
    }

    #[test]
    fn settings_that_make_no_sense() {
        for url in ["localhost:4400", "ftp://x", ""] {
            assert!(matches!(ManagementClient::new(connection(url)), Err(ClientError::Settings(_))), "{url}");
        }
        let with_ca =
            Connection { extra_ca: Some(b"-----BEGIN CERTIFICATE-----\nx".to_vec()), ..connection("https://x") };
        assert!(matches!(ManagementClient::new(with_ca), Err(ClientError::Settings(_))));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unreachable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let client = ManagementClient::new(connection(&format!("http://{address}"))).unwrap();
        let error = client.get("users").await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }));
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
