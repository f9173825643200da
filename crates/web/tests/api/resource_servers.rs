//! `/api/v2/resource-servers`, and tokens for other APIs than the Management API

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::server::{AUDIENCE, CLIENT_ID, CLIENT_SECRET, Server, error_with_code, invalid_body};

const API: &str = "https://api.example.com/";
const PATH: &str = "/api/v2/resource-servers/https%3A%2F%2Fapi.example.com%2F";

async fn create(server: &Server, changes: Value) -> Value {
    let mut body = json!({"name": "Test API", "identifier": API, "scopes": [
        {"value": "create:resource", "description": "Create Resource"}, {"value": "read:resource"}]});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    server.call_with("POST", "/api/v2/resource-servers", &body).await.expect(201)
}

async fn token(server: &Server, audience: &str) -> crate::server::Reply {
    let body = json!({"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
        "audience": audience});
    server.ask_token(&body).await
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn post_get_patch_and_delete_resource_servers() {
    let server = Server::start().await;
    let made = create(
        &server,
        json!({"token_lifetime": 7200, "enforce_policies": false,
        "token_dialect": "access_token", "token_lifetime_for_web": 3600}),
    )
    .await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(id.len(), 24);
    let mut expected = json!({
        "id": id, "name": "Test API", "identifier": API,
        "scopes": [{"value": "create:resource", "description": "Create Resource"}, {"value": "read:resource"}],
        "signing_alg": "RS256", "allow_offline_access": false, "token_lifetime": 7200, "token_lifetime_for_web": 3600,
        "skip_consent_for_verifiable_first_party_clients": false, "enforce_policies": false,
        "token_dialect": "access_token",
    });
    assert_eq!(made, expected);
    assert_eq!(server.call("GET", PATH).await.expect(200), expected);
    let by_id = format!("/api/v2/resource-servers/{id}");
    expected["token_lifetime"] = 60.into();
    assert_eq!(server.call_with("PATCH", &by_id, &json!({"token_lifetime": 60})).await.expect(200), expected);
    assert_eq!(server.call("GET", &by_id).await.expect(200), expected);
    let list = server.call("GET", "/api/v2/resource-servers?include_totals=true").await.expect(200);
    assert_eq!((&list["total"], &list["resource_servers"][0]["is_system"]), (&json!(2), &json!(true)));
    assert_eq!(list["resource_servers"][1], expected);
    let second = server.call("GET", "/api/v2/resource-servers?page=1&per_page=1").await.expect(200);
    assert_eq!(second, json!([expected]));
    for _ in 0..2 {
        server.call("DELETE", &by_id).await.expect(204);
    }
    assert_eq!(server.call("GET", PATH).await.expect(404)["errorCode"], "inexistent_resource_server");
    assert_eq!(
        server.call_with("PATCH", PATH, &json!({})).await.expect(404)["errorCode"],
        "inexistent_resource_server"
    );
}

#[tokio::test]
async fn a_token_for_another_api_has_its_audience_lifetime_and_scopes() {
    let server = Server::start().await;
    let unknown = token(&server, API).await.expect(403);
    assert_eq!(unknown["error_description"], format!("Service not enabled within domain: {API}"));
    create(&server, json!({"token_lifetime": 600})).await;
    assert_eq!(token(&server, API).await.expect(403)["error"], "access_denied");
    let mut grant = json!({"client_id": CLIENT_ID, "audience": API, "scope": ["read:resource", "read:users"]});
    assert_eq!(
        server.call_with("POST", "/api/v2/client-grants", &grant).await.expect(400),
        invalid_body(
            "'Object didn't pass validation for format scope: read:users' on property scope[1] (Scopes allowed for \
             this client grant)."
        )
    );
    grant["scope"] = json!(["read:resource"]);
    let granted = server.call_with("POST", "/api/v2/client-grants", &grant).await.expect(201);
    let path = format!("/api/v2/client-grants/{}", granted["id"].as_str().unwrap());
    server.call_with("PATCH", &path, &json!({"scope": ["read:users"]})).await.expect(400);
    let issued = token(&server, API).await.expect(200);
    assert_eq!((&issued["expires_in"], &issued["scope"]), (&json!(600), &json!("read:resource")));
    let access_token = issued["access_token"].as_str().unwrap();
    let claims = part(access_token, 1);
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!(API), &json!("read:resource")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    assert_eq!(part(access_token, 0)["alg"], "RS256");
    let refused = server.call_as(access_token, "GET", "/api/v2/users").await.expect(401);
    assert_eq!(refused["message"], "Invalid token", "it is not for the Management API");
    server.call("DELETE", PATH).await.expect(204);
    server.call("GET", &path).await.expect(404);
}

#[tokio::test]
async fn an_api_that_shares_a_secret_gets_tokens_signed_with_it() {
    let server = Server::start().await;
    let made = create(&server, json!({"signing_alg": "HS256"})).await;
    let secret = made["signing_secret"].as_str().unwrap();
    assert_eq!(server.call("GET", PATH).await.expect(200), made);
    let list = server.call("GET", "/api/v2/resource-servers").await.expect(200);
    assert!(list[1].get("signing_secret").is_none());
    let grant = json!({"client_id": CLIENT_ID, "audience": API, "scope": []});
    server.call_with("POST", "/api/v2/client-grants", &grant).await.expect(201);
    let issued = token(&server, API).await.expect(200);
    let (signed, signature) = issued["access_token"].as_str().unwrap().rsplit_once('.').unwrap();
    assert_eq!(part(signed, 0), json!({"alg": "HS256", "typ": "JWT"}));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let secret = secret.to_owned();
    let back = server.call_with("PATCH", PATH, &json!({"signing_alg": "RS256"})).await.expect(200);
    assert!(back.get("signing_secret").is_none());
    drop((server.router, server.store));
    for entry in std::fs::read_dir(server.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "sealed at rest");
    }
}

#[tokio::test]
async fn of_the_management_api_only_the_lifetime_changes() {
    let server = Server::start().await;
    let id = server.call("GET", "/api/v2/resource-servers").await.expect(200)[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v2/resource-servers/{id}");
    for lifetime in [600, 900] {
        let changed = server.call_with("PATCH", &path, &json!({ "token_lifetime": lifetime })).await.expect(200);
        assert_eq!((&changed["token_lifetime"], &changed["is_system"]), (&json!(lifetime), &json!(true)));
        assert_eq!(server.call("GET", &path).await.expect(200), changed);
        let list = server.call("GET", "/api/v2/resource-servers?include_totals=true").await.expect(200);
        assert_eq!((&list["total"], &list["resource_servers"][0]), (&json!(1), &changed));
        assert_eq!(token(&server, AUDIENCE).await.expect(200)["expires_in"], lifetime);
    }
    let refusal = error_with_code(
        400,
        "Bad Request",
        "The Management API cannot be deleted, and only its token_lifetime can be changed.",
        "operation_not_supported",
    );
    assert_eq!(server.call_with("PATCH", &path, &json!({"name": "x"})).await.expect(400), refusal);
    assert_eq!(server.call("DELETE", &path).await.expect(400), refusal);
}

#[tokio::test]
async fn faults_name_the_member() {
    let server = Server::start().await;
    create(&server, json!({})).await;
    let lifetime = "on property token_lifetime (Expiration value (in seconds) for access tokens).";
    for (body, message) in [
        (json!({"name": "x"}), "'Missing required property: identifier'.".to_owned()),
        (json!({"identifier": "a", "token_lifetime": 0}), format!("'Value 0 is less than minimum 1' {lifetime}")),
        (
            json!({"identifier": "a", "token_lifetime": "1"}),
            format!("'Expected type integer but found type string' {lifetime}"),
        ),
        (
            json!({"identifier": "a", "signing_alg": "none"}),
            "'No enum match for: none' on property signing_alg (Algorithm used to sign JWTs: RS256 or HS256)."
                .to_owned(),
        ),
        (
            json!({"identifier": "a", "scopes": [{"value": "a"}, {"value": "a"}]}),
            "'Array items are not unique (indexes 0 and 1)' on property scopes (List of permissions (scopes) that \
             this API uses)."
                .to_owned(),
        ),
    ] {
        let fault = server.call_with("POST", "/api/v2/resource-servers", &body).await.expect(400);
        assert_eq!(fault, invalid_body(&message));
    }
    for taken in [API, AUDIENCE] {
        let body = json!({ "identifier": taken });
        let refused = server.call_with("POST", "/api/v2/resource-servers", &body).await.expect(409);
        assert_eq!(refused["errorCode"], "resource_conflict");
    }
}
