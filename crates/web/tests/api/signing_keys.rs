//! New keys to sign tokens with, and tokens of the former ones.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::TenantName;
use serde_json::Value;
use store::Retire;
use web::{App, PublicUrl, TenantSettings};

use crate::server::{CLIENT_ID, CLIENT_SECRET, Server, load_app, settings};

const DAY: Duration = Duration::from_secs(86_400);
/// Keys stay a little longer than their tokens.
const LATER: Duration = Duration::from_secs(5 * 60);

/// Starts it again on the same store, in the hands of the test.
async fn again(server: Server) -> (Server, Arc<App>) {
    let app = load_app(&server.store, &server.clock, CLIENT_SECRET, settings()).await;
    (Server { router: web::router(Arc::clone(&app)), ..server }, app)
}

async fn start() -> (Server, Arc<App>) {
    again(Server::start().await).await
}

fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

async fn published(server: &Server) -> Vec<String> {
    let set = server.send(Request::get("/.well-known/jwks.json").body(Body::empty()).unwrap()).await.expect(200);
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn status(server: &Server, token: &str) -> u16 {
    server.call_as(token, "GET", "/api/v2/users").await.status.as_u16()
}

#[tokio::test]
async fn a_former_key_is_published_until_its_tokens_have_expired() {
    let (server, app) = start().await;
    let former = kid(&server.token);
    let rotated = app.signing_keys_rotate(None, Retire::WhenExpired).await.unwrap();
    assert_eq!(rotated[0].retiring.len(), 1);
    let token = server.token_of(CLIENT_ID, CLIENT_SECRET).await;
    assert_eq!(kid(&token), rotated[0].key_id);
    assert_eq!(published(&server).await, [rotated[0].key_id.clone(), former.clone()]);
    assert_eq!((status(&server, &token).await, status(&server, &server.token).await), (200, 200));
    // A restart changes nothing of that.
    let (server, app) = again(server).await;
    assert_eq!((status(&server, &token).await, status(&server, &server.token).await), (200, 200));
    server.clock.advance(DAY + LATER - Duration::from_millis(1));
    app.signing_keys_upkeep(None).await.unwrap();
    assert_eq!(published(&server).await.len(), 2);
    server.clock.advance(Duration::from_millis(1));
    app.signing_keys_upkeep(None).await.unwrap();
    assert_eq!(published(&server).await, [rotated[0].key_id.clone()]);
}

#[tokio::test]
async fn at_once_no_token_of_a_former_key_holds_any_more() {
    let (server, app) = start().await;
    assert_eq!(status(&server, &server.token).await, 200, "and is remembered");
    app.signing_keys_rotate(None, Retire::AtOnce).await.unwrap();
    assert_eq!(status(&server, &server.token).await, 401);
    assert_eq!(published(&server).await.len(), 1);
    let token = server.token_of(CLIENT_ID, CLIENT_SECRET).await;
    assert_eq!(status(&server, &token).await, 200);
}

#[tokio::test]
async fn a_key_that_is_too_old_is_followed_by_another() {
    let (server, app) = start().await;
    let first = published(&server).await;
    server.clock.advance(89 * DAY);
    app.signing_keys_upkeep(Some(90 * DAY)).await.unwrap();
    assert_eq!(published(&server).await, first);
    server.clock.advance(DAY);
    app.signing_keys_upkeep(None).await.unwrap();
    assert_eq!(published(&server).await, first);
    app.signing_keys_upkeep(Some(90 * DAY)).await.unwrap();
    let second = published(&server).await;
    assert_eq!((second.len(), &second[1]), (2, &first[0]));
    app.signing_keys_upkeep(Some(90 * DAY)).await.unwrap();
    assert_eq!(published(&server).await, second);
}

#[tokio::test]
async fn each_tenant_has_keys_of_its_own() {
    let globex = TenantSettings {
        name: TenantName::parse("globex").unwrap(),
        public_url: PublicUrl::parse("https://globex.example").unwrap(),
        application: None,
    };
    let settings = web::Settings { tenants: vec![globex], ..settings() };
    let server = Server::start().await;
    let app = load_app(&server.store, &server.clock, CLIENT_SECRET, settings).await;
    let server = Server { router: web::router(Arc::clone(&app)), ..server };
    let first = published(&server).await;
    let rotated = app.signing_keys_rotate(Some("globex"), Retire::AtOnce).await.unwrap();
    assert_eq!(rotated.iter().map(|each| &*each.tenant).collect::<Vec<_>>(), ["globex"]);
    assert_eq!(published(&server).await, first);
    assert_eq!(status(&server, &server.token).await, 200);
    let error = app.signing_keys_rotate(Some("initech"), Retire::AtOnce).await.unwrap_err();
    assert_eq!(error.to_string(), "no tenant initech is served; there are default, globex");
    assert_eq!(app.signing_keys_rotate(None, Retire::WhenExpired).await.unwrap().len(), 2);
}
