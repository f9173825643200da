//! What verifiers of tokens look up (management-api.md 2.3).

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::keys::PublicKey;
use crate::tenants::ForTenant;
use crate::wire::answer;

#[derive(Serialize)]
struct KeySet<'a> {
    keys: Vec<&'a PublicKey>,
}

#[derive(Serialize)]
struct Configuration<'a> {
    issuer: &'a str,
    token_endpoint: String,
    jwks_uri: String,
    grant_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
}

/// `GET /.well-known/jwks.json`
pub(crate) async fn jwks(ForTenant(served): ForTenant) -> Response {
    answer::json(StatusCode::OK, &KeySet { keys: served.keys().public() })
}

/// `GET /.well-known/openid-configuration`
pub(crate) async fn configuration(ForTenant(served): ForTenant) -> Response {
    let issuer = served.public_url.issuer();
    let configuration = Configuration {
        issuer,
        token_endpoint: format!("{issuer}oauth/token"),
        jwks_uri: format!("{issuer}.well-known/jwks.json"),
        grant_types_supported: ["client_credentials"],
        token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
        response_types_supported: ["token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
    };
    answer::json(StatusCode::OK, &configuration)
}
