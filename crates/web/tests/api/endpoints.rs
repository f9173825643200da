//! The table of endpoints is what is served: other tests walk it.

use std::collections::BTreeSet;

use axum::http::StatusCode;

use crate::server::Server;

/// The path with something in the place of what varies.
pub(crate) fn filled(path: &str) -> String {
    let filled = path.split('/').map(|segment| if segment.starts_with('{') { "x" } else { segment });
    filled.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_endpoint_of_the_table_is_served_once() {
    let server = Server::start().await;
    let endpoints = web::endpoints();
    assert_eq!(endpoints.iter().collect::<BTreeSet<_>>().len(), endpoints.len());
    for endpoint in &endpoints {
        let reply = server.call_as("none", endpoint.method, &filled(endpoint.path)).await;
        let served = reply.status != StatusCode::METHOD_NOT_ALLOWED && reply.status != StatusCode::NOT_FOUND;
        assert!(served, "{endpoint:?}: {}", reply.status);
    }
}

#[tokio::test]
async fn nothing_of_the_management_api_is_answered_without_a_token() {
    let server = Server::start().await;
    let is_open = |path: &str| path == crate::described::PATH || !path.starts_with("/api/v2/");
    for endpoint in web::endpoints().iter().filter(|endpoint| !is_open(endpoint.path)) {
        let reply = server.call_as("none", endpoint.method, &filled(endpoint.path)).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{endpoint:?}");
    }
}
