//! `/oauth/token` and discovery.

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::server::{AUDIENCE, CLIENT_ID, CLIENT_SECRET, JSON, Reply, START, Server};

async fn ask_form(server: &Server, authorization: Option<&str>, form: &[(&str, &str)]) -> Reply {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    server.send(request.body(Body::from(body)).unwrap()).await
}

fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

fn request() -> Value {
    json!({
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "audience": AUDIENCE,
    })
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn post_oauth_token_says_what_the_contract_wants() {
    let server = Server::start().await;
    let reply = server.ask_token(&request()).await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("content-type"), Some(JSON));
    let issued = reply.expect(200);
    assert_eq!(issued["expires_in"], 86_400);
    assert_eq!(issued["token_type"], "Bearer");
    let token = issued["access_token"].as_str().unwrap();
    let header = part(token, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    assert_eq!(
        part(token, 1),
        json!({
            "iss": "https://acme.example:8443/",
            "sub": "bootstrap-client@clients",
            "aud": "https://acme.example:8443/api/v2/",
            "iat": START / 1000,
            "exp": START / 1000 + 86_400,
            "gty": "client-credentials",
            "azp": "bootstrap-client",
            "scope": issued["scope"],
        })
    );
}

async fn published(server: &Server, name: &str) -> Value {
    let path = format!("/.well-known/{name}");
    server.send(Request::get(path).body(Body::empty()).unwrap()).await.expect(200)
}

#[tokio::test]
async fn get_well_known_openid_configuration_says_where_tokens_come_from() {
    let configuration = published(&Server::start().await, "openid-configuration").await;
    assert_eq!(configuration["issuer"], "https://acme.example:8443/");
    assert_eq!(configuration["token_endpoint"], "https://acme.example:8443/oauth/token");
    assert_eq!(configuration["jwks_uri"], "https://acme.example:8443/.well-known/jwks.json");
    assert_eq!(configuration["grant_types_supported"], json!(["client_credentials"]));
}

#[tokio::test]
async fn get_well_known_jwks_json_lets_anybody_verify_a_token() {
    let server = Server::start().await;
    let set = published(&server, "jwks.json").await;
    let key = &set["keys"][0];
    assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
    assert_eq!(part(&server.token, 0)["kid"], key["kid"]);
    assert_eq!(key.as_object().unwrap().len(), 6, "only public members");
    let decoding = DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&["https://acme.example:8443/"]);
    jsonwebtoken::decode::<Value>(&server.token, &decoding, &validation).unwrap();
}

#[tokio::test]
async fn every_way_to_name_the_client_is_taken() {
    let server = Server::start().await;
    let common = [("grant_type", "client_credentials"), ("audience", AUDIENCE)];
    let with = |more: &[(&'static str, &'static str)]| [&common[..], more].concat();
    let basic = basic(CLIENT_ID, CLIENT_SECRET);
    let (id, secret) = (("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET));
    for (authorization, form) in [
        (None, with(&[id, secret])),
        (Some(&*basic), with(&[])),
        (Some(&*basic), with(&[id])),
        (Some(&*basic), with(&[id, secret])),
    ] {
        let issued = ask_form(&server, authorization, &form).await.expect(200);
        let token = issued["access_token"].as_str().unwrap();
        server.call_as(token, "GET", "/api/v2/users").await.expect(200);
    }
}

#[tokio::test]
async fn a_scope_narrows_the_grant() {
    let server = Server::start().await;
    let mut body = request();
    body["scope"] = "read:users read:unicorns".into();
    let issued = server.ask_token(&body).await.expect(200);
    assert_eq!(issued["scope"], "read:users");
    let token = issued["access_token"].as_str().unwrap();
    server.call_as(token, "GET", "/api/v2/users").await.expect(200);
    server.call_as(token, "GET", "/api/v2/clients").await.expect(403);
}

/// Changes of a good request; status, code and description of the answer.
type Case<'a> = (Vec<(&'a str, Value)>, u16, &'a str, &'a str);

#[tokio::test]
async fn refusals_have_the_shapes_of_the_contract() {
    let server = Server::start().await;
    let (ungranted, its_secret) = server.create_client("without a grant").await;
    let limited = json!({"name": "limited", "grant_types": ["authorization_code"]});
    let limited = server.call_with("POST", "/api/v2/clients", &limited).await.expect(201);
    let no_grant = format!(
        "Client \"{ungranted}\" is not authorized to access resource server \"{AUDIENCE}\". \
         You need to create a \"client-grant\" associated to this API."
    );
    let cases: Vec<Case<'_>> = vec![
        (vec![("client_secret", json!("wrong"))], 401, "access_denied", "Unauthorized"),
        (vec![("client_id", json!("unknown"))], 401, "access_denied", "Unauthorized"),
        (vec![("client_secret", Value::Null)], 401, "access_denied", "Unauthorized"),
        (vec![("client_id", json!(ungranted)), ("client_secret", json!(its_secret))], 403, "access_denied", &no_grant),
        (
            vec![("audience", json!("https://acme.us.auth0.com/api/v3/"))],
            403,
            "access_denied",
            "Service not enabled within domain: https://acme.us.auth0.com/api/v3/",
        ),
        (
            vec![("client_id", limited["client_id"].clone()), ("client_secret", limited["client_secret"].clone())],
            403,
            "unauthorized_client",
            "Grant type 'client_credentials' not allowed for the client.",
        ),
        (vec![("grant_type", json!("password"))], 400, "unsupported_grant_type", "Unsupported grant type: password"),
        (vec![("grant_type", Value::Null)], 400, "invalid_request", "Missing required parameter: grant_type"),
        (vec![("client_id", Value::Null)], 400, "invalid_request", "Missing required parameter: client_id"),
        (vec![("audience", Value::Null)], 400, "invalid_request", "Missing required parameter: audience"),
        (vec![("client_secret", json!(["hush"]))], 400, "invalid_request", "A parameter is not a string."),
    ];
    for (changes, status, code, description) in cases {
        let mut body = request();
        for (name, value) in changes {
            body[name] = value;
        }
        let reply = server.ask_token(&body).await;
        assert_eq!(reply.header("www-authenticate"), (status == 401).then_some("Basic"));
        assert_eq!(reply.expect(status), json!({"error": code, "error_description": description}));
    }
    let reply = ask_form(&server, Some("Basic !"), &[("grant_type", "client_credentials")]).await;
    assert_eq!(reply.expect(400)["error"], "invalid_request");
}

#[tokio::test]
async fn secrets_of_applications_are_in_no_file_in_plain() {
    let server = Server::start().await;
    let (_, secret) = server.create_client("hashed").await;
    assert_eq!(secret.len(), 64);
    drop(server.router);
    drop(server.store);
    let mut looked_at = 0;
    for entry in std::fs::read_dir(server.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            looked_at += bytes.len();
            for text in [secret.as_str(), CLIENT_SECRET] {
                assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{path:?}");
            }
        }
    }
    assert!(looked_at > 0);
}
