//! `/api/v2/roles`, and the roles of users in the tenant: none of it raises an event.

use serde_json::{Value, json};

use crate::server::{Server, error, invalid_body};

const DATABASE: &str = "Username-Password-Authentication";

/// A new user's id, as a path has it and as bodies do.
async fn user(server: &Server, name: &str) -> (String, String) {
    let body = json!({"connection": DATABASE, "email": format!("{name}@example.com"), "password": "I have a password"});
    let made = server.call_with("POST", "/api/v2/users", &body).await.expect(201);
    let id = made["user_id"].as_str().unwrap().to_owned();
    (id.replace('|', "%7C"), id)
}

/// A new role's id.
async fn role(server: &Server, name: &str) -> String {
    let made = server.call_with("POST", "/api/v2/roles", &json!({ "name": name })).await.expect(200);
    made["id"].as_str().unwrap().to_owned()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn post_get_patch_and_delete_roles_answer_200() {
    let server = Server::start().await;
    let body = json!({"name": "test-role", "description": "Test Role"});
    let made = server.call_with("POST", "/api/v2/roles", &body).await.expect(200);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("rol_") && id.len() == 20);
    assert_eq!(made, json!({"id": id, "name": "test-role", "description": "Test Role"}));
    let path = format!("/api/v2/roles/{id}");
    assert_eq!(server.call("GET", &path).await.expect(200), made);
    let changed = server.call_with("PATCH", &path, &json!({"description": "Other"})).await.expect(200);
    assert_eq!(changed, json!({"id": id, "name": "test-role", "description": "Other"}));
    assert_eq!(server.call_with("PATCH", &path, &json!({"description": "Other"})).await.expect(200), changed);
    assert_eq!(server.call("DELETE", &path).await.expect(200), json!({}));
    let unknown = error(404, "Not Found", "The role does not exist.");
    assert_eq!(server.call("GET", &path).await.expect(404), unknown);
    assert_eq!(server.call_with("PATCH", &path, &json!({})).await.expect(404), unknown);
    assert_eq!(server.call("DELETE", &path).await.expect(404), unknown);
    assert!(server.events().await.is_empty());
}

#[tokio::test]
async fn get_roles_lists_and_filters() {
    let server = Server::start().await;
    for name in ["Admin", "editor", "sub-admin"] {
        role(&server, name).await;
    }
    let list = async |query: &str| server.call("GET", &format!("/api/v2/roles?{query}")).await.expect(200);
    assert_eq!(names(&list("").await), ["Admin", "editor", "sub-admin"]);
    assert_eq!(names(&list("name_filter=ADMIN").await), ["Admin", "sub-admin"]);
    assert_eq!(names(&list("name_filter=%25").await), Vec::<&str>::new());
    let page = list("name_filter=admin&page=1&per_page=1&include_totals=true").await;
    assert_eq!((names(&page["roles"]), &page["start"]), (vec!["sub-admin"], &json!(1)));
    assert_eq!((&page["limit"], &page["total"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn get_post_and_delete_users_roles() {
    let server = Server::start().await;
    let (path, id) = user(&server, "jane").await;
    let (admin, editor) = (role(&server, "admin").await, role(&server, "editor").await);
    let path = format!("/api/v2/users/{path}/roles");
    let assign = json!({"roles": [admin, editor]});
    server.call_with("POST", &path, &assign).await.expect(204);
    server.call_with("POST", &path, &json!({"roles": [editor]})).await.expect(204);
    assert_eq!(names(&server.call("GET", &path).await.expect(200)), ["admin", "editor"]);
    let page = server.call("GET", &format!("{path}?per_page=1&include_totals=true")).await.expect(200);
    assert_eq!((names(&page["roles"]), &page["total"]), (vec!["admin"], &json!(2)));
    server.call_with("DELETE", &path, &json!({"roles": [admin]})).await.expect(204);
    server.call_with("DELETE", &path, &json!({"roles": [admin, "rol_unknown"]})).await.expect(204);
    assert_eq!(names(&server.call("GET", &path).await.expect(200)), ["editor"]);

    let unknown = server.call_with("POST", &path, &json!({"roles": [admin, "rol_unknown"]})).await.expect(404);
    assert_eq!(unknown, error(404, "Not Found", "The role does not exist."));
    assert_eq!(names(&server.call("GET", &path).await.expect(200)), ["editor"], "all or nothing");
    for method in ["POST", "DELETE"] {
        let nobody = server.call_with(method, "/api/v2/users/auth0%7Cx/roles", &assign).await.expect(404);
        assert_eq!(nobody["errorCode"], "inexistent_user");
    }
    server.call("DELETE", &format!("/api/v2/roles/{editor}")).await.expect(200);
    assert_eq!(server.call("GET", &path).await.expect(200), json!([]), "a role takes its assignments with it");
    assert_eq!(server.event_bodies().await.len(), 1, "only {id} was created");
}

#[tokio::test]
async fn get_and_post_roles_users() {
    let server = Server::start().await;
    let admin = role(&server, "admin").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(user(&server, name).await.1);
    }
    let path = format!("/api/v2/roles/{admin}/users");
    assert_eq!(server.call_with("POST", &path, &json!({ "users": ids })).await.expect(200), json!({}));
    let of = |list: &Value| {
        let users = list.as_array().unwrap().iter();
        users.map(|user| user["user_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = server.call("GET", &path).await.expect(200);
    assert_eq!(of(&all), ids);
    let members: Vec<_> = all[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["email", "name", "picture", "user_id"]);
    let page = server.call("GET", &format!("{path}?page=1&per_page=2&include_totals=true")).await.expect(200);
    assert_eq!((of(&page["users"]), &page["total"]), (ids[2..].to_vec(), &json!(3)));
    let first = server.call("GET", &format!("{path}?take=2")).await.expect(200);
    assert_eq!(of(&first["users"]), ids[..2]);
    let next = first["next"].as_str().unwrap();
    let last = server.call("GET", &format!("{path}?take=2&from={next}")).await.expect(200);
    assert_eq!((of(&last["users"]), last.get("next")), (ids[2..].to_vec(), None));

    server.call("DELETE", &format!("/api/v2/users/{}", ids[0].replace('|', "%7C"))).await.expect(204);
    assert_eq!(of(&server.call("GET", &path).await.expect(200)), ids[1..], "a user takes the assignments along");
    let unknown = server.call_with("POST", &path, &json!({"users": [ids[1], ids[0]]})).await.expect(404);
    assert_eq!(unknown["errorCode"], "inexistent_user");
}

#[tokio::test]
async fn faults_name_the_member() {
    let server = Server::start().await;
    let (path, _) = user(&server, "jane").await;
    let of_user = format!("/api/v2/users/{path}/roles");
    let cases = [
        ("/api/v2/roles", json!({}), "'Missing required property: name'."),
        (
            "/api/v2/roles",
            json!({"name": ""}),
            "'String is too short (0 chars), minimum 1' on property name (Name of the role).",
        ),
        ("/api/v2/roles", json!({"name": "a", "size": 1}), "'Additional properties not allowed: size'."),
        (of_user.as_str(), json!({}), "'Missing required property: roles'."),
        (&of_user, json!({"roles": []}), "'Array is too short (0), minimum 1' on property roles (List of roles IDs)."),
        (
            &of_user,
            json!({"roles": ["a", "a"]}),
            "'Array items are not unique (indexes 0 and 1)' on property roles (List of roles IDs).",
        ),
    ];
    for (path, body, message) in cases {
        assert_eq!(server.call_with("POST", path, &body).await.expect(400), invalid_body(message));
    }
}

#[tokio::test]
async fn each_operation_asks_for_its_scope() {
    let server = Server::start().await;
    let token = server.token_with(&["read:clients"]).await;
    for (method, path, scope) in [
        ("GET", "/api/v2/roles", "read:roles"),
        ("POST", "/api/v2/roles", "create:roles"),
        ("GET", "/api/v2/roles/rol_1", "read:roles"),
        ("PATCH", "/api/v2/roles/rol_1", "update:roles"),
        ("DELETE", "/api/v2/roles/rol_1", "delete:roles"),
        ("GET", "/api/v2/users/x/roles", "read:users"),
        ("POST", "/api/v2/users/x/roles", "update:users"),
        ("DELETE", "/api/v2/users/x/roles", "update:users"),
    ] {
        let refused = server.call_as(&token, method, path).await.expect(403);
        assert_eq!(refused["message"], format!("Insufficient scope, expected any of: {scope}"));
    }
}
