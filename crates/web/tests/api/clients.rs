//! `/api/v2/clients` and `/api/v2/resource-servers`

use axum::body::Body;
use axum::http::Request;
use domain::change::{Expect, Write};
use domain::ids::ClientId;
use domain::scope::SCOPES;
use serde_json::{Value, json};
use store::State;

use crate::server::{AUDIENCE, CLIENT_ID, CLIENT_SECRET, Server, invalid_body, invalid_query};
use crate::tenants::Two;

#[tokio::test]
async fn post_and_get_clients_store_what_a_client_of_the_contract_sends() {
    let server = Server::start().await;
    let body = json!({
        "name": "cli", "description": "d", "app_type": "non_interactive", "oidc_conformant": true,
        "jwt_configuration": {"alg": "RS256"}, "grant_types": ["client_credentials"],
        "client_metadata": {"team": "crm"}, "something_new": [1, {"x": null}],
    });
    let made = server.call_with("POST", "/api/v2/clients", &body).await.expect(201);
    let id = made["client_id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 32);
    assert_eq!(made["client_secret"].as_str().unwrap().len(), 64);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&made[name], value);
    }
    assert_eq!(server.call("GET", &format!("/api/v2/clients/{id}")).await.expect(200), made);
}

#[tokio::test]
async fn patch_clients_merges_and_the_secret_stays() {
    let server = Server::start().await;
    let (id, secret) = server.create_client("before").await;
    let path = format!("/api/v2/clients/{id}");
    let metadata = json!({"client_metadata": {"a": "1", "b": "2"}, "x": 1});
    server.call_with("PATCH", &path, &metadata).await.expect(200);
    let changes = json!({"name": "after", "client_metadata": {"a": null}, "x": null});
    let changed = server.call_with("PATCH", &path, &changes).await.expect(200);
    assert_eq!(changed["name"], "after");
    assert_eq!(changed["client_metadata"], json!({"b": "2"}));
    assert!(changed.get("x").is_none());
    assert_eq!(changed["client_secret"], secret);
    let grant = json!({"client_id": id, "audience": AUDIENCE, "scope": []});
    server.call_with("POST", "/api/v2/client-grants", &grant).await.expect(201);
    server.token_of(&id, &secret).await;
}

#[tokio::test]
async fn post_clients_rotate_secret_replaces_the_old_one() {
    let server = Server::start().await;
    let path = format!("/api/v2/clients/{CLIENT_ID}/rotate-secret");
    let rotated = server.call("POST", &path).await.expect(200);
    server.token_of(CLIENT_ID, rotated["client_secret"].as_str().unwrap()).await;
    let old = json!({"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
        "audience": AUDIENCE});
    server.ask_token(&old).await.expect(401);
    server.call("POST", "/api/v2/clients/unknown/rotate-secret").await.expect(404);
}

/// The secret as each way to see an application answers it: by its id, in lists, by its members, and changed.
async fn secrets_answered(server: &Server, token: &str, id: &str) -> Vec<Option<Value>> {
    let path = format!("/api/v2/clients/{id}");
    let mut answers = Vec::new();
    for query in ["", "?fields=client_secret", "?fields=client_id&include_fields=false"] {
        answers.push(server.call_as(token, "GET", &format!("{path}{query}")).await.expect(200));
    }
    for query in ["", "?app_type=non_interactive"] {
        let all = server.call_as(token, "GET", &format!("/api/v2/clients{query}")).await.expect(200);
        answers.push(all.as_array().unwrap().iter().find(|each| each["client_id"] == *id).unwrap().clone());
    }
    // A change that has an effect, and the same again, which has none.
    for _ in 0..2 {
        let request = Request::patch(&path).header("authorization", format!("Bearer {token}"));
        answers.push(server.send(request.body(Body::from(r#"{"seen":true}"#)).unwrap()).await.expect(200));
    }
    answers.into_iter().map(|answer| answer.get("client_secret").cloned()).collect()
}

#[tokio::test]
async fn the_secret_is_read_with_read_client_keys_only() {
    let server = Server::start().await;
    let may_read = server.token_with(&["read:clients", "update:clients", "read:client_keys"]).await;
    let may_not = server.token_with(&["read:clients", "update:clients", "update:client_keys"]).await;
    for (token, is_answered) in [(may_read, true), (may_not, false)] {
        let (id, secret) = server.create_client("seen").await;
        let expected = is_answered.then(|| json!(secret));
        assert_eq!(secrets_answered(&server, &token, &id).await, vec![expected; 7]);
    }
    // By itself it opens nothing.
    let keys_only = server.token_with(&["read:client_keys"]).await;
    for path in ["/api/v2/clients".to_owned(), format!("/api/v2/clients/{CLIENT_ID}")] {
        server.call_as(&keys_only, "GET", &path).await.expect(403);
    }
    // Who makes or rotates one is answered its secret without.
    let may_make = server.token_with(&["create:clients", "update:client_keys"]).await;
    let request = Request::post("/api/v2/clients").header("authorization", format!("Bearer {may_make}"));
    let made = server.send(request.body(Body::from(r#"{"name":"made"}"#)).unwrap()).await.expect(201);
    let rotate = format!("/api/v2/clients/{}/rotate-secret", made["client_id"].as_str().unwrap());
    let rotated = server.call_as(&may_make, "POST", &rotate).await.expect(200);
    assert!(made["client_secret"].is_string() && rotated["client_secret"].is_string());
}

#[tokio::test]
async fn a_rotated_secret_is_read_instead_of_the_former() {
    let server = Server::start().await;
    let (id, former) = server.create_client("rotated").await;
    let path = format!("/api/v2/clients/{id}");
    let rotated = server.call("POST", &format!("{path}/rotate-secret")).await.expect(200);
    assert_ne!(rotated["client_secret"], former);
    assert_eq!(server.call("GET", &path).await.expect(200), rotated);
}

#[tokio::test]
async fn an_applications_secret_is_read_by_its_own_tenant_only() {
    let two = Two::start().await;
    let made = two.other("POST", "/api/v2/clients", &json!({"name": "theirs"})).await.expect(201);
    let path = format!("/api/v2/clients/{}", made["client_id"].as_str().unwrap());
    let rotate = format!("{path}/rotate-secret");
    let listed = two.own("GET", "/api/v2/clients", &Value::Null).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["client_id"], &listed[0]["client_secret"]), (&json!(CLIENT_ID), &json!(CLIENT_SECRET)));
    for (method, path, body) in
        [("GET", &path, Value::Null), ("PATCH", &path, json!({"x": 1})), ("POST", &rotate, Value::Null)]
    {
        two.own(method, path, &body).await.expect(404);
    }
    assert_eq!(two.other("GET", &path, &Value::Null).await.expect(200), made, "nothing was changed either");
}

#[tokio::test]
async fn of_which_only_a_hash_was_kept_no_secret_is_read_until_it_is_rotated() {
    let server = Server::start().await;
    let (id, secret) = server.create_client("old").await;
    let grant = json!({"client_id": id, "audience": AUDIENCE, "scope": []});
    server.call_with("POST", "/api/v2/client-grants", &grant).await.expect(201);
    let tenant = server.store.tenant_ensure("default").await.unwrap().id;
    let mut stored = server.store.client_get(tenant, &ClientId::from_text(id.as_str())).await.unwrap().unwrap();
    stored.value.secret.kept = None;
    let write = Write::ClientPut(Expect::At(stored.revision), stored.value);
    server.store.change_commit(tenant, write.into()).await.unwrap();
    assert_eq!(secrets_answered(&server, &server.token, &id).await, vec![None; 7]);
    server.token_of(&id, &secret).await;
    let rotated = server.call("POST", &format!("/api/v2/clients/{id}/rotate-secret")).await.expect(200);
    let expected = Some(rotated["client_secret"].clone());
    assert_eq!(secrets_answered(&server, &server.token, &id).await, vec![expected; 7]);
}

#[tokio::test]
async fn delete_clients_takes_tokens_and_grants() {
    let server = Server::start().await;
    let (id, secret) = server.create_client("gone").await;
    let grant = json!({"client_id": id, "audience": AUDIENCE, "scope": []});
    let grant = server.call_with("POST", "/api/v2/client-grants", &grant).await.expect(201);
    server.call("DELETE", &format!("/api/v2/clients/{id}")).await.expect(204);
    server.call("GET", &format!("/api/v2/clients/{id}")).await.expect(404);
    server.call("GET", &format!("/api/v2/client-grants/{}", grant["id"].as_str().unwrap())).await.expect(404);
    let body = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret,
        "audience": AUDIENCE});
    server.ask_token(&body).await.expect(401);
    server.call("DELETE", &format!("/api/v2/clients/{id}")).await.expect(404);
}

#[tokio::test]
async fn get_clients_pages_and_filters() {
    let server = Server::start().await;
    for name in ["a", "b", "c"] {
        server.create_client(name).await;
    }
    let spa = json!({"name": "spa", "app_type": "spa"});
    server.call_with("POST", "/api/v2/clients", &spa).await.expect(201);
    let names = async |query: &str| {
        let page = server.call("GET", &format!("/api/v2/clients?fields=name&{query}")).await.expect(200);
        let clients = if page.is_array() { page } else { page["clients"].clone() };
        clients.as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["Bootstrap", "a", "b", "c", "spa"]);
    assert_eq!(names("page=1&per_page=2").await, ["b", "c"]);
    assert_eq!(names("app_type=spa").await, ["spa"]);
    assert_eq!(names("app_type=spa,non_interactive&page=2&per_page=2").await, ["spa"]);
    assert_eq!(names("is_global=false").await.len(), 5);
    assert!(names("is_global=true").await.is_empty());
    let page = server.call("GET", "/api/v2/clients?include_totals=true&per_page=1&page=1").await.expect(200);
    assert_eq!((&page["start"], &page["limit"], &page["total"]), (&json!(1), &json!(1), &json!(5)));
    let filtered = server.call("GET", "/api/v2/clients?include_totals=true&app_type=spa").await.expect(200);
    assert_eq!(filtered["total"], 1);
    assert_eq!(
        server.call("GET", "/api/v2/clients?per_page=101").await.expect(400),
        invalid_query("'Value 101 is greater than maximum 100' on property per_page (Number of results per page).")
    );
}

#[tokio::test]
async fn what_the_server_knows_is_checked() {
    let server = Server::start().await;
    let cases = [
        (json!({}), "'Missing required property: name'."),
        (json!({"name": "a", "client_secret": "hush"}), "'Additional properties not allowed: client_secret'."),
        (
            json!({"name": "a", "grant_types": "x"}),
            "'Expected type array but found type string' on property grant_types (List of grant types supported for \
             this application).",
        ),
        (
            json!({"name": "a", "client_metadata": {"x": 1}}),
            "'Expected values of type string' on property client_metadata (Metadata associated with the client).",
        ),
    ];
    for (body, message) in cases {
        assert_eq!(server.call_with("POST", "/api/v2/clients", &body).await.expect(400), invalid_body(message));
    }
}

#[tokio::test]
async fn the_management_api_is_the_one_api() {
    let server = Server::start().await;
    let all = server.call("GET", "/api/v2/resource-servers").await.expect(200);
    let api = &all[0];
    assert_eq!(api["name"], "Auth0 Management API");
    assert_eq!(api["identifier"], AUDIENCE);
    assert_eq!((&api["is_system"], &api["token_lifetime"]), (&json!(true), &json!(86_400)));
    assert_eq!(api["scopes"].as_array().unwrap().len(), SCOPES.len());
    let id = api["id"].as_str().unwrap();
    assert_eq!(id.len(), 24);
    let encoded = "https%3A%2F%2Facme.example%3A8443%2Fapi%2Fv2%2F";
    for key in [id, encoded] {
        assert_eq!(&server.call("GET", &format!("/api/v2/resource-servers/{key}")).await.expect(200), api);
    }
    let page = server.call("GET", "/api/v2/resource-servers?include_totals=true").await.expect(200);
    assert_eq!((&page["total"], &page["resource_servers"][0]), (&json!(1), api));
    assert_eq!(server.call("GET", "/api/v2/resource-servers?page=1").await.expect(200), json!([]));
}
