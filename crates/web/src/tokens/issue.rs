//! `POST /oauth/token` (management-api.md 2.1, 2.2).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use domain::account::{CLIENT_CREDENTIALS, Client, ClientGrant};
use domain::secret::Secret;
use serde::Serialize;
use store::Page;

use super::credentials::TokenRequest;
use super::keys::{Claims, sign_shared};
use crate::error::TokenError;
use crate::payload::Payload;
use crate::state::App;
use crate::tenants::{ForTenant, ServedTenant};
use crate::wire::answer;

#[derive(Serialize)]
struct Issued {
    access_token: String,
    scope: String,
    expires_in: u64,
    token_type: &'static str,
}

/// Issues an access token for client credentials.
pub(crate) async fn issue(
    State(app): State<Arc<App>>,
    ForTenant(served): ForTenant,
    headers: HeaderMap,
    payload: Payload,
) -> Result<Response, TokenError> {
    let request = TokenRequest::read(&headers, &payload.bytes().await?)?;
    let client = authenticate(&app, &served, &request).await?;
    if !client.may_use_grant_type(CLIENT_CREDENTIALS) {
        return Err(TokenError::GrantTypeNotAllowed);
    }
    let api = api_of(&app, &served, &request.audience).await?;
    let grant = grant_of(&app, &served, &client, &request.audience).await?;
    let issued = sign(&app, &served, &client, &api, narrowed(&grant, request.scope.as_deref()));
    let mut response = answer::json(StatusCode::OK, &issued);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn authenticate(app: &App, served: &ServedTenant, request: &TokenRequest) -> Result<Client, TokenError> {
    let client = app.state.client_get(served.id(), &request.client_id).await?.map(|client| client.value);
    let hash = client.as_ref().map(|client| client.secret.hash.clone());
    let matches = app.hasher.matches(hash, request.client_secret.clone()).await?;
    client.filter(|_| matches).ok_or(TokenError::Unauthorized)
}

/// What tokens for an API are like.
struct Api<'a> {
    audience: &'a str,
    lifetime: u64,
    /// The secret that they are signed with, if not with our own key.
    secret: Option<Secret>,
}

async fn api_of<'a>(app: &App, served: &ServedTenant, audience: &'a str) -> Result<Api<'a>, TokenError> {
    let stored = app.state.resource_server_get(served.id(), audience).await?;
    match stored.map(|stored| stored.value).filter(|server| server.identifier == audience) {
        Some(server) => Ok(Api { audience, lifetime: server.token_lifetime, secret: server.signing_secret }),
        None if audience == served.audience() => {
            Ok(Api { audience, lifetime: app.settings.token_lifetime.as_secs(), secret: None })
        }
        None => Err(TokenError::UnknownAudience(audience.to_owned())),
    }
}

async fn grant_of(
    app: &App,
    served: &ServedTenant,
    client: &Client,
    audience: &str,
) -> Result<ClientGrant, TokenError> {
    let only = Page { offset: 0, limit: 1 };
    let grant = app.state.grant_page(served.id(), Some(&client.id), Some(audience), only).await?.pop();
    grant.ok_or_else(|| TokenError::NoGrant { client_id: client.id.to_string(), audience: audience.to_owned() })
}

/// The granted permissions, or those of them that are wanted.
fn narrowed(grant: &ClientGrant, wanted: Option<&str>) -> String {
    let is_wanted = |scope: &&String| wanted.is_none_or(|wanted| wanted.split_ascii_whitespace().any(|w| w == *scope));
    grant.scope.iter().filter(is_wanted).map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn sign(app: &App, served: &ServedTenant, client: &Client, api: &Api<'_>, scope: String) -> Issued {
    let issued_at = app.now().as_secs();
    let lifetime = api.lifetime;
    let claims = Claims {
        iss: served.public_url.issuer(),
        sub: format!("{}@clients", client.id),
        aud: api.audience,
        iat: issued_at,
        exp: issued_at.saturating_add_unsigned(lifetime),
        scope: &scope,
        gty: "client-credentials",
        azp: client.id.as_str(),
    };
    let access_token = match &api.secret {
        None => served.keys().sign(&claims),
        Some(secret) => sign_shared(&claims, secret),
    };
    Issued { access_token, scope, expires_in: lifetime, token_type: "Bearer" }
}
