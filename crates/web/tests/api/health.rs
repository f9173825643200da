//! Alive and ready.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_server_with_its_store_is_alive_and_ready() {
    let server = Server::start().await;
    let get = async |path: &str| server.send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(get("/healthz").await.expect(200), json!({"status": "alive"}));
    assert_eq!(get("/readyz").await.expect(200), json!({"status": "ready"}));
}
