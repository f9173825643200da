//! `/api/v2/users/{id}/identities`: linking users, and separating them again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::schema;
use crate::server::{Server, error_with_code, invalid_body};

const DATABASE: &str = "Username-Password-Authentication";

/// Every event in the log; each fits its schema.
async fn valid_events(server: &Server) -> Vec<Value> {
    let events = server.event_bodies().await;
    schema::check(&events);
    events
}

async fn user(server: &Server, name: &str) -> Value {
    let body = json!({"connection": DATABASE, "email": format!("{name}@example.com"), "username": name,
        "password": "I have a password", "given_name": name, "user_metadata": {"of": name}});
    server.call_with("POST", "/api/v2/users", &body).await.expect(201)
}

fn path_of(user: &Value) -> String {
    format!("/api/v2/users/{}", user["user_id"].as_str().unwrap().replace('|', "%7C"))
}

fn local_id(user: &Value) -> &str {
    user["identities"][0]["user_id"].as_str().unwrap()
}

/// How the second user is an identity of another.
fn linked(user: &Value) -> Value {
    let mut identity = user["identities"][0].clone();
    let mut profile = json!({});
    for member in ["email", "email_verified", "name", "nickname", "picture", "username", "given_name"] {
        profile[member] = user[member].clone();
    }
    identity["profileData"] = profile;
    identity
}

async fn link(server: &Server, primary: &Value, secondary: &Value) -> Value {
    let body = json!({"provider": "auth0", "user_id": local_id(secondary)});
    server.call_with("POST", &format!("{}/identities", path_of(primary)), &body).await.expect(201)
}

#[tokio::test]
async fn post_users_identities_updates_the_one_and_deletes_the_other() {
    let server = Server::start().await;
    let (jane, joe) = (user(&server, "jane").await, user(&server, "joe").await);
    server.clock.advance(Duration::from_secs(60));
    let identities = link(&server, &jane, &joe).await;
    assert_eq!(identities, json!([jane["identities"][0], linked(&joe)]));
    let mut expected = jane.clone();
    expected["identities"] = identities;
    expected["updated_at"] = "2026-01-16T08:51:33.955Z".into();
    assert_eq!(server.call("GET", &path_of(&jane)).await.expect(200), expected);
    server.call("GET", &path_of(&joe)).await.expect(404);
    let events = valid_events(&server).await;
    assert_eq!(events.len(), 4);
    assert_eq!((&events[2]["type"], &events[3]["type"]), (&json!("user.updated"), &json!("user.deleted")));
    assert_eq!(events[2]["data"]["object"], expected);
    assert_eq!(events[2]["data"]["previous_object"], jane);
    let mut gone = joe.clone();
    gone["deleted_at"] = "2026-01-16T08:51:33.955Z".into();
    assert_eq!(events[3]["data"]["object"], gone);
    let list = server.call("GET", "/api/v2/users?include_totals=true").await.expect(200);
    assert_eq!((&list["total"], &list["users"]), (&json!(1), &json!([expected])));
    assert_eq!(server.call("GET", "/api/v2/users-by-email?email=joe@example.com").await.expect(200), json!([]));
}

#[tokio::test]
async fn who_was_linked_keeps_the_id_and_the_addresses_taken() {
    let server = Server::start().await;
    let (jane, joe) = (user(&server, "jane").await, user(&server, "joe").await);
    link(&server, &jane, &joe).await;
    let body = |changes: Value| {
        let mut body = json!({"connection": DATABASE, "email": "new@example.com", "password": "I have a password"});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    for taken in [json!({"email": "joe@example.com"}), json!({"username": "joe"}), json!({"user_id": local_id(&joe)})] {
        let refused = server.call_with("POST", "/api/v2/users", &body(taken)).await.expect(409);
        assert_eq!(refused["errorCode"], "auth0_idp_error");
    }
    server.call("DELETE", &path_of(&jane)).await.expect(204);
    server.call_with("POST", "/api/v2/users", &body(json!({"email": "joe@example.com"}))).await.expect(201);
}

#[tokio::test]
async fn delete_users_identities_makes_a_user_of_the_identity_again() {
    let server = Server::start().await;
    let (jane, joe) = (user(&server, "jane").await, user(&server, "joe").await);
    link(&server, &jane, &joe).await;
    let before = server.call("GET", &path_of(&jane)).await.expect(200);
    server.clock.advance(Duration::from_secs(60));
    let path = format!("{}/identities/auth0/{}", path_of(&jane), local_id(&joe));
    assert_eq!(server.call("DELETE", &path).await.expect(200), jane["identities"]);
    let mut expected = joe.clone();
    expected.as_object_mut().unwrap().remove("user_metadata");
    for member in ["created_at", "updated_at"] {
        expected[member] = "2026-01-16T08:51:33.955Z".into();
    }
    assert_eq!(server.call("GET", &path_of(&joe)).await.expect(200), expected);
    let after = server.call("GET", &path_of(&jane)).await.expect(200);
    let events = valid_events(&server).await;
    assert_eq!((&events[4]["type"], &events[5]["type"]), (&json!("user.updated"), &json!("user.created")));
    assert_eq!((&events[4]["data"]["object"], &events[4]["data"]["previous_object"]), (&after, &before));
    assert_eq!(events[5]["data"]["object"], expected);
    let unknown = server.call("DELETE", &path).await.expect(404);
    assert_eq!(unknown["errorCode"], "inexistent_identity");
}

#[tokio::test]
async fn a_linked_users_identities_come_along_and_each_can_be_separated() {
    let server = Server::start().await;
    let (jane, joe, jim) = (user(&server, "jane").await, user(&server, "joe").await, user(&server, "jim").await);
    link(&server, &joe, &jim).await;
    let identities = link(&server, &jane, &joe).await;
    assert_eq!(identities, json!([jane["identities"][0], linked(&joe), linked(&jim)]));
    for gone in [&joe, &jim] {
        server.call("DELETE", &format!("{}/identities/auth0/{}", path_of(&jane), local_id(gone))).await.expect(200);
        server.call("GET", &path_of(gone)).await.expect(200);
    }
    valid_events(&server).await;
}

#[tokio::test]
async fn what_belongs_to_the_secondary_goes_with_it() {
    let server = Server::start().await;
    let (jane, joe) = (user(&server, "jane").await, user(&server, "joe").await);
    let made = server.call_with("POST", "/api/v2/roles", &json!({"name": "admin"})).await.expect(200);
    let role = made["id"].as_str().unwrap();
    server.call_with("POST", &format!("{}/roles", path_of(&joe)), &json!({"roles": [role]})).await.expect(204);
    link(&server, &jane, &joe).await;
    let users = format!("/api/v2/roles/{role}/users");
    assert_eq!(server.call("GET", &users).await.expect(200), json!([]));
    let local = local_id(&joe);
    server.call("DELETE", &format!("{}/identities/auth0/{local}", path_of(&jane))).await.expect(200);
    assert_eq!(server.call("GET", &users).await.expect(200), json!([]));
}

#[tokio::test]
async fn refusals_leave_everything_as_it_was() {
    let server = Server::start().await;
    let (jane, joe) = (user(&server, "jane").await, user(&server, "joe").await);
    let path = format!("{}/identities", path_of(&jane));
    let post = async |body: Value| server.call_with("POST", &path, &body).await;
    let with = |id: &str| json!({"provider": "auth0", "user_id": id});
    assert_eq!(
        post(with(local_id(&jane))).await.expect(400),
        error_with_code(400, "Bad Request", "Main identity and the new one are the same.", "operation_not_supported")
    );
    assert_eq!(post(with("nobody")).await.expect(404)["errorCode"], "inexistent_user");
    assert_eq!(
        post(json!({"provider": "auth0"})).await.expect(400),
        invalid_body("'Missing required property: user_id'.")
    );
    assert_eq!(
        post(json!({"link_with": "ey"})).await.expect(400),
        invalid_body(
            "'No users sign in here, so there are no such tokens: give provider and user_id' on property link_with (JWT \
             for the secondary account being linked)."
        )
    );
    let mut elsewhere = with(local_id(&joe));
    elsewhere["connection_id"] = "con_unknown".into();
    assert_eq!(post(elsewhere).await.expect(400)["errorCode"], "inexistent_connection");
    let primary = format!("{path}/auth0/{}", local_id(&jane));
    assert_eq!(server.call("DELETE", &primary).await.expect(400)["errorCode"], "operation_not_supported");
    assert_eq!(server.event_bodies().await.len(), 2);
    assert_eq!(server.call("GET", &path_of(&joe)).await.expect(200), joe);
    // The whole id is taken too.
    post(with(joe["user_id"].as_str().unwrap())).await.expect(201);
}

#[tokio::test]
async fn erasing_a_user_erases_who_was_linked_too() {
    let server = Server::start().await;
    let (jane, joe) = (user(&server, "jane").await, user(&server, "joe").await);
    link(&server, &jane, &joe).await;
    server.call("DELETE", &format!("{}?headwater.erase=true", path_of(&jane))).await.expect(204);
    while store::Log::erasure_step(&*server.store, 100).await.unwrap().more {}
    let events = valid_events(&server).await;
    assert_eq!(events.len(), 5);
    for event in events {
        let text = event.to_string();
        assert!(!text.contains("@example.com") && !text.contains("given_name"), "{text}");
    }
}
