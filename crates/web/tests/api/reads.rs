//! Endpoints that only read what others have changed: each by its own name.

use serde_json::{Value, json};

use crate::scim::{Provider, scim};
use crate::scim_groups::group;
use crate::server::{Server, error};

async fn made(server: &Server, path: &str, body: Value) -> Value {
    let reply = server.call_with("POST", &format!("/api/v2/{path}"), &body).await;
    assert!(reply.status.is_success(), "{}", reply.text());
    reply.json()
}

async fn get(server: &Server, path: &str) -> Value {
    server.call("GET", &format!("/api/v2/{path}")).await.expect(200)
}

#[tokio::test]
async fn get_connections_answers_one_by_its_id() {
    let server = Server::start().await;
    let connection = made(&server, "connections", json!({"name": "corp", "strategy": "okta"})).await;
    let path = format!("connections/{}", connection["id"].as_str().unwrap());
    assert_eq!(get(&server, &path).await, connection);
    assert_eq!(
        get(&server, &format!("{path}?fields=name,strategy")).await,
        json!({"name": "corp", "strategy": "okta"})
    );
    let missing = server.call("GET", "/api/v2/connections/con_0000000000000000").await.expect(404);
    assert_eq!(missing["errorCode"], "inexistent_connection");
}

#[tokio::test]
async fn get_connections_scim_configuration_default_mapping_answers_what_holds_unless_another_is_chosen() {
    let provider = Provider::start("okta").await;
    let path = provider.configuration();
    let default = provider.server.call("GET", &format!("{path}/default-mapping")).await.expect(200);
    let configured = provider.server.call("GET", &path).await.expect(200);
    assert_eq!(default["mapping"], configured["mapping"]);
}

#[tokio::test]
async fn get_organizations_name_finds_one_by_its_name() {
    let server = Server::start().await;
    let organization = made(&server, "organizations", json!({"name": "acme"})).await;
    assert_eq!(get(&server, "organizations/name/acme").await, organization);
    assert_eq!(
        server.call("GET", "/api/v2/organizations/name/other").await.expect(404),
        error(404, "Not Found", "No organization found by that id or name")
    );
}

#[tokio::test]
async fn get_organizations_members_lists_them_in_the_order_in_which_they_joined() {
    let server = Server::start().await;
    let organization = made(&server, "organizations", json!({"name": "acme"})).await;
    let path = format!("organizations/{}/members", organization["id"].as_str().unwrap());
    let mut ids = Vec::new();
    for name in ["jane", "joe"] {
        let body = json!({"connection": "Username-Password-Authentication", "email": format!("{name}@example.com"),
            "password": "I have a password"});
        ids.push(made(&server, "users", body).await["user_id"].clone());
    }
    for id in ids.iter().rev() {
        server.call_with("POST", &format!("/api/v2/{path}"), &json!({"members": [id]})).await.expect(204);
    }
    let members = get(&server, &path).await;
    assert_eq!((members[0]["user_id"].clone(), members[1]["user_id"].clone()), (ids[1].clone(), ids[0].clone()));
    let first = get(&server, &format!("{path}?take=1")).await;
    assert_eq!(first["members"].as_array().unwrap().len(), 1);
    assert!(first["next"].is_string());
}

#[tokio::test]
async fn get_organizations_enabled_connections_lists_them_in_both_ways() {
    let server = Server::start().await;
    let organization = made(&server, "organizations", json!({"name": "acme"})).await;
    let path = format!("organizations/{}/enabled_connections", organization["id"].as_str().unwrap());
    for name in ["a", "b"] {
        let connection = made(&server, "connections", json!({"name": name, "strategy": "samlp"})).await;
        made(&server, &path, json!({"connection_id": connection["id"]})).await;
    }
    let all = get(&server, &path).await;
    let names: Vec<_> = all.as_array().unwrap().iter().map(|each| each["connection"]["name"].clone()).collect();
    assert_eq!(names, ["a", "b"]);
    let page = get(&server, &format!("{path}?include_totals=true&per_page=1&page=1")).await;
    assert_eq!((&page["total"], &page["enabled_connections"][0]["connection"]["name"]), (&json!(2), &json!("b")));
    let first = get(&server, &format!("{path}?take=1")).await;
    assert!(first["next"].is_string());
}

#[tokio::test]
async fn get_organizations_groups_lists_those_that_have_a_role_there() {
    let provider = Provider::start("okta").await;
    let server = &provider.server;
    let organization = made(server, "organizations", json!({"name": "acme"})).await;
    let role = made(server, "roles", json!({"name": "reader"})).await;
    let with = scim(provider.call_with("POST", "Groups", &group("With", &[])).await, 201);
    scim(provider.call_with("POST", "Groups", &group("Without", &[])).await, 201);
    let path = format!("organizations/{}/groups", organization["id"].as_str().unwrap());
    let roles = format!("/api/v2/{path}/{}/roles", with["id"].as_str().unwrap());
    server.call_with("POST", &roles, &json!({"roles": [role["id"]]})).await.expect(204);
    let listed = get(server, &path).await;
    let groups = listed["groups"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["id"], &groups[0]["name"]), (1, &with["id"], &json!("With")));
}

#[tokio::test]
async fn get_scim_groups_answers_one_with_its_members() {
    let provider = Provider::start("okta").await;
    let jane = provider.user("jane").await;
    let made = scim(provider.call_with("POST", "Groups", &group("Admins", &[&jane])).await, 201);
    let path = format!("Groups/{}", made["id"].as_str().unwrap());
    assert_eq!(provider.get(&path).await, made);
    assert_eq!(made["members"][0]["value"], jane["id"]);
    assert_eq!(provider.get(&format!("{path}?excludedAttributes=members")).await.get("members"), None);
}
