//! What the `auth0` CLI and the Terraform provider send, request by request, over HTTPS: written down from their sources and
//! recordings, for where the programs themselves cannot be built. These are replays: they show that Headwater answers what
//! those clients send, not that the clients have sent it. `official.rs` plays the programs, where there are any.

mod auth0_cli;
mod terraform;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use serde_json::{Value, json};

use super::secure::SecureServer;
use crate::receiver::PATIENCE;
use crate::record;
use crate::server::{CLIENT_ID, CLIENT_SECRET};

/// How a program that is written in Go with the vendor's library speaks.
struct GoClient {
    server: SecureServer,
    http: reqwest::Client,
    user_agent: &'static str,
    /// `Auth0-Client`: what the library says of the program.
    program: String,
    /// Headers of the program's own.
    own: &'static [(&'static str, &'static str)],
    token: String,
}

/// An answer: its status, and its body, if there is one.
#[derive(Debug)]
struct Answered {
    status: u16,
    body: Value,
}

impl GoClient {
    /// Logs in by client credentials.
    async fn log_in(name: &str, user_agent: &'static str, own: &'static [(&'static str, &'static str)]) -> Self {
        let server = tokio::task::spawn_blocking(SecureServer::start).await.unwrap();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let authority = reqwest::Certificate::from_pem(&std::fs::read(&server.authority).unwrap()).unwrap();
        let http = reqwest::Client::builder().timeout(PATIENCE).tls_certs_only([authority]).build().unwrap();
        let said = json!({"name": name, "version": "1.0.0", "env": {"go": "go1.24.0"}});
        let program = URL_SAFE.encode(said.to_string());
        let mut client = Self { server, http, user_agent, program, own, token: String::new() };
        client.token = client.token_by_basic().await;
        client
    }

    /// The token request of Go's oauth2 library: HTTP Basic first, with the id in the body as well.
    async fn token_by_basic(&self) -> String {
        let basic = STANDARD.encode(format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET)));
        let audience = format!("https://{}/api/v2/", self.server.domain);
        // In the order in which Go writes a form: by name.
        let form =
            format!("audience={}&client_id={}&grant_type=client_credentials", encoded(&audience), encoded(CLIENT_ID));
        let answer = self
            .http
            .post(format!("https://{}/oauth/token", self.server.domain))
            .header(AUTHORIZATION, format!("Basic {basic}"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, "Go-http-client/1.1")
            .header(ACCEPT_ENCODING, "gzip")
            .body(form)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "Basic is enough: there is no second try with the secret in the body");
        let issued: Value = answer.json().await.unwrap();
        assert_eq!((&issued["token_type"], issued["expires_in"].is_u64()), (&json!("Bearer"), true), "{issued}");
        let token = issued["access_token"].as_str().unwrap().to_owned();
        assert_eq!(token.split('.').count(), 3, "it is a JWT");
        token
    }

    /// Calls the Management API, as the library does: its headers are on every request, with and without a body.
    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answered {
        let url = format!("https://{}/api/v2/{path}", self.server.domain);
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, self.user_agent)
            .header(ACCEPT_ENCODING, "gzip")
            .header("Auth0-Client", &self.program);
        for (name, value) in self.own {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            // Go's encoder ends with a line break.
            request = request.body(format!("{body}\n"));
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        // It waits by this header only, without end, so it must be there.
        assert!(header("x-ratelimit-reset").is_some_and(|at| at.parse::<u64>().is_ok()), "{method} {path}");
        assert_eq!(header("content-type").as_deref(), Some("application/json; charset=utf-8"), "{method} {path}");
        let text = answer.text().await.unwrap();
        let asked = path.split('?').next().unwrap();
        record::note(&["answer", method, &format!("/api/v2/{asked}"), &status.to_string()]);
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answered { status, body }
    }

    /// The body of an answer with this status.
    async fn expect(&self, status: u16, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answered = self.call(method, path, body).await;
        assert_eq!(answered.status, status, "{method} {path}: {}", answered.body);
        answered.body
    }

    async fn get(&self, path: &str) -> Value {
        self.expect(200, "GET", path, None).await
    }
}

/// As Go's `url.QueryEscape`.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
