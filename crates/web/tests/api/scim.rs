//! A connection that is provisioned with SCIM: its configuration, its tokens, and calls as its provider makes them.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::connections;
use crate::server::{Reply, Server, error_with_code, invalid_body};

pub(crate) const SCIM_JSON: &str = "application/scim+json; charset=utf-8";

/// A server, and the identity provider of one of its connections.
pub(crate) struct Provider {
    pub(crate) server: Server,
    pub(crate) connection: String,
    token: String,
}

impl Provider {
    /// Of a connection of this strategy that is called `corp`.
    pub(crate) async fn start(strategy: &str) -> Self {
        let server = Server::start().await;
        let body = json!({"name": "corp", "strategy": strategy});
        let made = connections::create(&server, &body).await;
        let path = format!("{}/scim-configuration", connections::path_of(&made));
        server.call("POST", &path).await.expect(201);
        let token = server.call("POST", &format!("{path}/tokens")).await.expect(201);
        let connection = made["id"].as_str().unwrap().to_owned();
        Self { server, connection, token: token["token"].as_str().unwrap().to_owned() }
    }

    /// The path of the connection's SCIM configuration.
    pub(crate) fn configuration(&self) -> String {
        format!("/api/v2/connections/{}/scim-configuration", self.connection)
    }

    pub(crate) async fn call_as(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2/connections/{}/{path}", self.connection))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/scim+json")
            .header("user-agent", "provider/1")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
        self.server.send(request.unwrap()).await
    }

    /// A call without a body.
    pub(crate) async fn call(&self, method: &str, path: &str) -> Reply {
        self.call_as(&self.token, method, path, None).await
    }

    /// A call with a body, answered as expected.
    #[track_caller]
    pub(crate) fn call_with<'a>(
        &'a self,
        method: &'a str,
        path: &'a str,
        body: &'a Value,
    ) -> impl Future<Output = Reply> + 'a {
        self.call_as(&self.token, method, path, Some(body))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        scim(self.call("GET", path).await, 200)
    }

    /// Another token, with these scopes.
    pub(crate) async fn token_with(&self, scopes: &[&str]) -> String {
        let path = format!("{}/tokens", self.configuration());
        let made = self.server.call_with("POST", &path, &json!({ "scopes": scopes })).await.expect(201);
        made["token"].as_str().unwrap().to_owned()
    }

    /// Creates a user; answers the resource.
    pub(crate) async fn user(&self, name: &str) -> Value {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("{name}@corp.example"),
            "externalId": format!("ext-{name}"), "active": true,
            "emails": [{"value": format!("{name}@corp.example"), "type": "work", "primary": true}],
        });
        scim(self.call_with("POST", "Users", &body).await, 201)
    }

    /// Types and objects of the events from the log's position `from` on.
    pub(crate) async fn events_from(&self, from: usize) -> Vec<Value> {
        self.server.event_bodies().await.split_off(from)
    }
}

/// The body of a SCIM answer, after the status and the content type have been checked.
#[track_caller]
pub(crate) fn scim(reply: Reply, status: u16) -> Value {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some(SCIM_JSON));
    reply.json()
}

/// Checks that a SCIM answer is an error.
#[track_caller]
pub(crate) fn scim_error(reply: Reply, status: u16, scim_type: Option<&str>) -> String {
    let body = scim(reply, status);
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(body["status"], status.to_string());
    assert_eq!(body.get("scimType").and_then(Value::as_str), scim_type, "{body}");
    body["detail"].as_str().unwrap().to_owned()
}

pub(crate) fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn post_get_patch_and_delete_connections_scim_configuration() {
    let server = Server::start().await;
    let made = connections::create(&server, &json!({"name": "corp", "strategy": "samlp"})).await;
    let path = format!("{}/scim-configuration", connections::path_of(&made));
    let missing =
        error_with_code(404, "Not Found", "The SCIM configuration does not exist", "inexistent_scim_configuration");
    assert_eq!(server.call("GET", &path).await.expect(404), missing);
    let default = server.call("GET", &format!("{path}/default-mapping")).await.expect(200);
    assert!(default["mapping"].as_array().unwrap().contains(&json!({"auth0": "username", "scim": "userName"})));
    let created = server.call("POST", &path).await.expect(201);
    let expected = json!({
        "connection_id": made["id"], "connection_name": "corp", "strategy": "samlp", "tenant_name": "default",
        "user_id_attribute": "userName", "mapping": default["mapping"],
        "created_at": "2026-01-16T08:50:33.955Z", "updated_on": "2026-01-16T08:50:33.955Z",
    });
    assert_eq!(created, expected);
    assert_eq!(server.call("GET", &path).await.expect(200), expected);
    assert_eq!(server.call("POST", &path).await.expect(409)["errorCode"], "resource_conflict");
    server.clock.advance(Duration::from_secs(1));
    let patch = json!({"user_id_attribute": "externalId", "mapping": [{"auth0": "name", "scim": "displayName"}]});
    let changed = server.call_with("PATCH", &path, &patch).await.expect(200);
    assert_eq!((&changed["user_id_attribute"], &changed["mapping"]), (&patch["user_id_attribute"], &patch["mapping"]));
    assert_eq!(changed["updated_on"], "2026-01-16T08:50:34.955Z");
    assert_eq!(server.call("DELETE", &path).await.expect(204), Value::Null);
    assert_eq!(server.call("GET", &path).await.expect(404), missing);
    server.call_with("POST", &path, &patch).await.expect(201);
}

#[tokio::test]
async fn scim_configuration_faults_name_the_member() {
    let server = Server::start().await;
    let database = connections::create(&server, &json!({"name": "db", "strategy": "auth0"})).await;
    let path = format!("{}/scim-configuration", connections::path_of(&database));
    assert_eq!(server.call("POST", &path).await.expect(400)["errorCode"], "operation_not_supported");
    let made = connections::create(&server, &json!({"name": "corp", "strategy": "okta"})).await;
    let path = format!("{}/scim-configuration", connections::path_of(&made));
    for (body, message) in [
        (
            json!({"mapping": [{"auth0": "user_id", "scim": "userName"}]}),
            "'Object didn't pass validation for format user-member: user_id' on property mapping[0].auth0 (The field \
             location in the auth0 schema).",
        ),
        (
            json!({"mapping": [{"auth0": "name", "scim": "a b"}]}),
            "'Object didn't pass validation for format scim-path: a b' on property mapping[0].scim (The field \
             location in the SCIM schema).",
        ),
        (json!({"x": 1}), "'Additional properties not allowed: x'."),
    ] {
        assert_eq!(server.call_with("POST", &path, &body).await.expect(400), invalid_body(message));
    }
    server.call("POST", &path).await.expect(201);
    let tokens = format!("{path}/tokens");
    for (body, message) in [
        (
            json!({"scopes": ["get:user"]}),
            "'Object didn't pass validation for format scim-scope: get:user' on property scopes[0] (The scopes of the \
             SCIM token).",
        ),
        (
            json!({"token_lifetime": 5}),
            "'Expected an integer from 900 to 3162240000' on property token_lifetime (Lifetime of the token in \
             seconds, at least 900).",
        ),
    ] {
        assert_eq!(server.call_with("POST", &tokens, &body).await.expect(400), invalid_body(message));
    }
}

#[tokio::test]
async fn post_get_and_delete_connections_scim_configuration_tokens() {
    let provider = Provider::start("okta").await;
    let server = &provider.server;
    let path = format!("{}/tokens", provider.configuration());
    let body = json!({"scopes": ["get:users"], "token_lifetime": 900});
    let made = server.call_with("POST", &path, &body).await.expect(201);
    assert_eq!(made["scopes"], json!(["get:users"]));
    assert_eq!(made["valid_until"], "2026-01-16T09:05:33.955Z");
    let (id, token) = (made["token_id"].as_str().unwrap(), made["token"].as_str().unwrap());
    scim(provider.call_as(token, "GET", "Users", None).await, 200);
    let list = server.call("GET", &path).await;
    assert!(!list.text().contains(token));
    let list = list.expect(200);
    assert_eq!(list.as_array().unwrap().len(), 2);
    // Both were made in the same millisecond, so either may come first.
    let (listed, first): (Vec<_>, Vec<_>) = list.as_array().unwrap().iter().partition(|each| each["token_id"] == id);
    assert_eq!(first[0]["scopes"].as_array().unwrap().len(), 10, "a token of which nothing is said allows everything");
    let listed = listed[0];
    assert_eq!(listed["last_used_at"], "2026-01-16T08:50:33.955Z");
    assert_eq!(listed.get("token"), None);

    server.clock.advance(Duration::from_secs(901));
    scim_error(provider.call_as(token, "GET", "Users", None).await, 401, None);
    let other = provider.token_with(&["get:users"]).await;
    let list = server.call("GET", &path).await.expect(200);
    let other_id = list[2]["token_id"].as_str().unwrap();
    assert_eq!(server.call("DELETE", &format!("{path}/{other_id}")).await.expect(204), Value::Null);
    scim_error(provider.call_as(&other, "GET", "Users", None).await, 401, None);
    assert_eq!(
        server.call("DELETE", &format!("{path}/{other_id}")).await.expect(404)["errorCode"],
        "inexistent_scim_token"
    );
    for _ in 0..8 {
        provider.token_with(&["get:users"]).await;
    }
    assert_eq!(server.call("POST", &path).await.expect(409)["errorCode"], "too_many_scim_tokens");
}

#[tokio::test]
async fn only_hashes_of_scim_tokens_are_kept() {
    let provider = Provider::start("okta").await;
    let token = provider.token.clone();
    let Server { router, store, folder, .. } = provider.server;
    drop(router);
    drop(store);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
    }
}

#[tokio::test]
async fn a_token_opens_its_own_connection_and_what_its_scopes_allow() {
    let provider = Provider::start("okta").await;
    for token in ["", "x", "scim_unknown"] {
        scim_error(provider.call_as(token, "GET", "Users", None).await, 401, None);
    }
    // Neither a token of the Management API, nor one of another connection.
    scim_error(provider.call_as(&provider.server.token, "GET", "Users", None).await, 401, None);
    let other = connections::create(&provider.server, &json!({"name": "other", "strategy": "okta"})).await;
    let path = format!("{}/scim-configuration", connections::path_of(&other));
    provider.server.call("POST", &path).await.expect(201);
    let others = provider.server.call("POST", &format!("{path}/tokens")).await.expect(201);
    scim_error(provider.call_as(others["token"].as_str().unwrap(), "GET", "Users", None).await, 401, None);
    for (scope, method, path) in [
        ("get:users", "GET", "Users"),
        ("get:users", "GET", "Users/1"),
        ("post:users", "POST", "Users"),
        ("put:users", "PUT", "Users/1"),
        ("patch:users", "PATCH", "Users/1"),
        ("delete:users", "DELETE", "Users/1"),
        ("get:groups", "GET", "Groups"),
        ("get:groups", "GET", "Groups/1"),
        ("post:groups", "POST", "Groups"),
        ("put:groups", "PUT", "Groups/1"),
        ("patch:groups", "PATCH", "Groups/1"),
        ("delete:groups", "DELETE", "Groups/1"),
    ] {
        let without = domain::scim::SCIM_SCOPES.iter().copied().filter(|each| *each != scope).collect::<Vec<_>>();
        let path_of_tokens = format!("{}/tokens", provider.configuration());
        let made = provider.server.call_with("POST", &path_of_tokens, &json!({ "scopes": without })).await.expect(201);
        let detail = scim_error(provider.call_as(made["token"].as_str().unwrap(), method, path, None).await, 403, None);
        assert_eq!(detail, format!("the token does not allow {scope}"));
        let id = made["token_id"].as_str().unwrap();
        provider.server.call("DELETE", &format!("{path_of_tokens}/{id}")).await.expect(204);
    }
    // Deleting the configuration ends its tokens.
    provider.server.call("DELETE", &provider.configuration()).await.expect(204);
    scim_error(provider.call("GET", "Users").await, 401, None);
}

#[tokio::test]
async fn the_provider_is_told_what_the_server_does() {
    let provider = Provider::start("waad").await;
    let config = provider.get("ServiceProviderConfig").await;
    assert_eq!((&config["patch"]["supported"], &config["bulk"]["supported"]), (&json!(true), &json!(false)));
    assert_eq!(config["filter"], json!({"supported": true, "maxResults": 200}));
    assert_eq!(config["sort"], json!({"supported": true}));
    scim_error(provider.call("GET", "Me").await, 501, None);
    let types = provider.get("ResourceTypes").await;
    assert_eq!(types["totalResults"], 2);
    assert_eq!(types["Resources"][1], provider.get("ResourceTypes/Group").await);
    assert_eq!(types["Resources"][0]["endpoint"], "/Users");
    let schemas = provider.get("Schemas").await;
    assert_eq!(schemas["totalResults"], 3);
    let group = provider.get("Schemas/urn:ietf:params:scim:schemas:core:2.0:Group").await;
    assert_eq!(schemas["Resources"][2], group);
    assert_eq!(group["attributes"][2]["subAttributes"][0]["name"], "value");
    scim_error(provider.call("GET", "Schemas/x").await, 404, None);
}

#[tokio::test]
async fn scim_scopes() {
    let provider = Provider::start("okta").await;
    let token = provider.server.token_with(&["read:users"]).await;
    let path = provider.configuration();
    for (method, path, scope) in [
        ("GET", path.clone(), "read:scim_config"),
        ("GET", format!("{path}/default-mapping"), "read:scim_config"),
        ("POST", path.clone(), "create:scim_config"),
        ("PATCH", path.clone(), "update:scim_config"),
        ("DELETE", path.clone(), "delete:scim_config"),
        ("GET", format!("{path}/tokens"), "read:scim_token"),
        ("POST", format!("{path}/tokens"), "create:scim_token"),
        ("DELETE", format!("{path}/tokens/x"), "delete:scim_token"),
        ("GET", "/api/v2/groups".to_owned(), "read:groups"),
        ("GET", "/api/v2/groups/x".to_owned(), "read:groups"),
        ("DELETE", "/api/v2/groups/x".to_owned(), "delete:groups"),
        ("GET", "/api/v2/groups/x/members".to_owned(), "read:group_members"),
    ] {
        let refused = provider.server.call_as(&token, method, &path).await.expect(403);
        let message = format!("Insufficient scope, expected any of: {scope}");
        assert_eq!(refused, error_with_code(403, "Forbidden", &message, "insufficient_scope"));
    }
}
