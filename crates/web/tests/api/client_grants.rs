//! `/api/v2/client-grants`

use serde_json::{Value, json};

use crate::server::{AUDIENCE, CLIENT_ID, Server, error_with_code, invalid_body};

#[tokio::test]
async fn post_get_patch_and_delete_client_grants_give_and_take_scopes() {
    let server = Server::start().await;
    let (client_id, secret) = server.create_client("granted").await;
    let body = json!({"client_id": client_id, "audience": AUDIENCE, "scope": ["read:users"]});
    let made = server.call_with("POST", "/api/v2/client-grants", &body).await.expect(201);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("cgr_") && id.len() == 20);
    assert_eq!(
        made,
        json!({"id": id, "client_id": client_id, "audience": AUDIENCE, "scope": ["read:users"],
            "subject_type": "client"})
    );
    let path = format!("/api/v2/client-grants/{id}");
    assert_eq!(server.call("GET", &path).await.expect(200), made);
    let token = server.token_of(&client_id, &secret).await;
    server.call_as(&token, "GET", "/api/v2/users").await.expect(200);

    let changed = server.call_with("PATCH", &path, &json!({"scope": ["read:clients"]})).await.expect(200);
    assert_eq!(changed["scope"], json!(["read:clients"]));
    let token = server.token_of(&client_id, &secret).await;
    server.call_as(&token, "GET", "/api/v2/users").await.expect(403);

    server.call("DELETE", &path).await.expect(204);
    server.call("GET", &path).await.expect(404);
}

#[tokio::test]
async fn refusals() {
    let server = Server::start().await;
    let (client_id, _) = server.create_client("refused").await;
    let with = |changes: Value| {
        let mut body = json!({"client_id": client_id, "audience": AUDIENCE, "scope": ["read:users"]});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    let post = async |body: Value| server.call_with("POST", "/api/v2/client-grants", &body).await;
    assert_eq!(
        post(with(json!({"scope": ["read:users", "read:unicorns"]}))).await.expect(400),
        invalid_body(
            "'Object didn't pass validation for format scope: read:unicorns' on property scope[1] (Scopes allowed \
             for this client grant)."
        )
    );
    assert_eq!(
        post(with(json!({"scope": ["read:users", "read:users"]}))).await.expect(400),
        invalid_body(
            "'Array items are not unique (indexes 0 and 1)' on property scope (Scopes allowed for this client grant)."
        )
    );
    assert_eq!(post(with(json!({"client_id": "unknown"}))).await.expect(404)["errorCode"], "inexistent_client");
    assert_eq!(
        post(with(json!({"audience": "https://other/"}))).await.expect(404)["errorCode"],
        "inexistent_resource_server"
    );
    post(with(json!({}))).await.expect(201);
    assert_eq!(
        post(with(json!({}))).await.expect(409),
        error_with_code(409, "Conflict", "A client grant for this client and API already exists.", "resource_conflict")
    );
}

#[tokio::test]
async fn get_client_grants_filters_and_pages_in_both_ways() {
    let server = Server::start().await;
    let mut clients = vec![CLIENT_ID.to_owned()];
    for name in ["a", "b"] {
        let (client_id, _) = server.create_client(name).await;
        let body = json!({"client_id": client_id, "audience": AUDIENCE, "scope": []});
        server.call_with("POST", "/api/v2/client-grants", &body).await.expect(201);
        clients.push(client_id);
    }
    let list = async |query: &str| server.call("GET", &format!("/api/v2/client-grants?{query}")).await.expect(200);
    let ids = |grants: &Value| {
        let grants = grants.as_array().unwrap().iter();
        grants.map(|grant| grant["client_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&list("").await), clients);
    assert_eq!(ids(&list(&format!("client_id={}", clients[1])).await), clients[1..2]);
    assert_eq!(list("audience=https%3A%2F%2Fother%2F").await, json!([]));
    let page = list("page=1&per_page=2&include_totals=true").await;
    assert_eq!((ids(&page["client_grants"]), &page["total"]), (clients[2..].to_vec(), &json!(3)));

    let first = list("take=2").await;
    assert_eq!(ids(&first["client_grants"]), clients[..2]);
    let last = list(&format!("take=2&from={}", first["next"].as_str().unwrap())).await;
    assert_eq!(ids(&last["client_grants"]), clients[2..]);
    assert!(last.get("next").is_none());
}
