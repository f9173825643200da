//! `/api/v2/users`

use std::time::Duration;

use serde_json::{Value, json};
use store::Log;

use crate::server::{CLIENT_ID, Server, error, error_with_code, invalid_body, invalid_query};

const DATABASE: &str = "Username-Password-Authentication";

fn jane() -> Value {
    json!({"connection": DATABASE, "email": "jane@example.com", "username": "jane",
        "password": "I have a password and its a secret"})
}

async fn create(server: &Server, email: &str) -> Value {
    let body = json!({"connection": DATABASE, "email": email, "password": "I have a password"});
    server.call_with("POST", "/api/v2/users", &body).await.expect(201)
}

fn path_of(user: &Value) -> String {
    format!("/api/v2/users/{}", user["user_id"].as_str().unwrap().replace('|', "%7C"))
}

#[tokio::test]
async fn post_and_get_users_answer_the_user_and_raise_user_created() {
    let server = Server::start().await;
    let made = server.call_with("POST", "/api/v2/users", &jane()).await.expect(201);
    let local_id = made["user_id"].as_str().unwrap().strip_prefix("auth0|").unwrap().to_owned();
    assert_eq!(local_id.len(), 24);
    let expected = json!({
        "created_at": "2026-01-16T08:50:33.955Z",
        "email": "jane@example.com",
        "email_verified": false,
        "identities": [{"connection": DATABASE, "user_id": local_id, "provider": "auth0", "isSocial": false}],
        "name": "jane@example.com",
        "nickname": "jane",
        "picture": "https://s.gravatar.com/avatar/9e26471d35a78862c17e467d87cddedf?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fja.png",
        "updated_at": "2026-01-16T08:50:33.955Z",
        "user_id": format!("auth0|{local_id}"),
        "username": "jane",
    });
    assert_eq!(made, expected);
    assert_eq!(server.call("GET", &path_of(&made)).await.expect(200), expected);
    let events = server.event_bodies().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "user.created");
    assert_eq!(events[0]["source"], "urn:auth0:acme.example");
    assert_eq!(events[0]["a0tenant"], "default");
    assert_eq!(
        events[0]["data"],
        json!({"object": expected, "context": {
            "tenant": {"id": "default"},
            "client": {"id": CLIENT_ID, "name": "Bootstrap", "metadata": {}},
            "request": {"geo": {}, "hostname": "acme.example", "ip": "192.0.2.7", "method": "POST",
                "user_agent": "test/1"},
        }})
    );
}

#[tokio::test]
async fn a_password_is_checked_and_dropped() {
    let server = Server::start().await;
    let mut body = jane();
    for (password, status) in [("short", 400), ("password123", 400), ("zebra crossing", 201)] {
        body["password"] = password.into();
        let reply = server.call_with("POST", "/api/v2/users", &body).await;
        if status == 400 {
            assert_eq!(reply.expect(400), error(400, "Bad Request", "PasswordStrengthError: Password is too weak"));
        } else {
            assert!(!reply.text().contains("zebra"));
            let made = reply.expect(201);
            let weak = json!({"password": "qwerty123"});
            server.call_with("PATCH", &path_of(&made), &weak).await.expect(400);
            let strong = json!({"password": "giraffe crossing"});
            server.call_with("PATCH", &path_of(&made), &strong).await.expect(200);
        }
    }
    let logged = server.event_bodies().await;
    assert_eq!(logged.len(), 1, "a new password is no change of what is kept");
    drop(server.router);
    drop(server.store);
    for entry in std::fs::read_dir(server.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"crossing"));
    }
}

#[tokio::test]
async fn faults_name_the_member() {
    let server = Server::start().await;
    let cases = [
        (json!({"email": null}), "'Expected type string but found type null' on property email (The user's email)."),
        (
            json!({"email": "jane"}),
            "'Object didn't pass validation for format email: jane' on property email (The user's email).",
        ),
        (
            json!({"username": ""}),
            "'String is too short (0 chars), minimum 1' on property username (The user's username).",
        ),
        (
            json!({"phone_number": "12"}),
            r"'String '12' does not match pattern ^\+[0-9]{1,15}$' on property phone_number (The user's phone number).",
        ),
        (
            json!({"nickname": "x".repeat(301)}),
            "'String is too long (301 chars), maximum 300' on property nickname (The user's nickname).",
        ),
        (
            json!({"blocked": "yes"}),
            "'Expected type boolean but found type string' on property blocked (Whether this user was blocked by an \
             administrator).",
        ),
        (
            json!({"user_metadata": []}),
            "'Expected type object but found type array' on property user_metadata (Data that the user has \
             read/write access to).",
        ),
        (json!({"shoe_size": 42}), "'Additional properties not allowed: shoe_size'."),
        (
            json!({"password": 12_345_678}),
            "'Expected type string but found type integer' on property password (Password of this user).",
        ),
    ];
    for (changes, message) in cases {
        let mut body = jane();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(server.call_with("POST", "/api/v2/users", &body).await.expect(400), invalid_body(message));
    }
    for missing in ["connection", "email", "password"] {
        let mut body = jane();
        body.as_object_mut().unwrap().remove(missing);
        let message = format!("'Missing required property: {missing}'.");
        assert_eq!(server.call_with("POST", "/api/v2/users", &body).await.expect(400), invalid_body(&message));
    }
    let mut body = jane();
    body["connection"] = "nowhere".into();
    assert_eq!(
        server.call_with("POST", "/api/v2/users", &body).await.expect(400),
        error_with_code(400, "Bad Request", "The connection does not exist.", "inexistent_connection")
    );
    assert!(server.event_bodies().await.is_empty());
}

#[tokio::test]
async fn a_second_user_with_the_same_address_is_refused_without_an_event() {
    let server = Server::start().await;
    server.call_with("POST", "/api/v2/users", &jane()).await.expect(201);
    let mut again = jane();
    again["email"] = "JANE@example.com".into();
    again["username"] = "other".into();
    assert_eq!(
        server.call_with("POST", "/api/v2/users", &again).await.expect(409),
        error_with_code(409, "Conflict", "The user already exists.", "auth0_idp_error")
    );
    assert_eq!(server.event_bodies().await.len(), 1);
}

#[tokio::test]
async fn patch_users_merges_and_raises_user_updated_with_the_former_user() {
    let server = Server::start().await;
    let made = create(&server, "jane@example.com").await;
    let path = path_of(&made);
    server.clock.advance(Duration::from_secs(60));
    let changes = json!({"nickname": "jj", "user_metadata": {"a": 1}, "connection": DATABASE});
    let changed = server.call_with("PATCH", &path, &changes).await.expect(200);
    assert_eq!((&changed["nickname"], &changed["user_metadata"]), (&json!("jj"), &json!({"a": 1})));
    assert_eq!(changed["updated_at"], "2026-01-16T08:51:33.955Z");
    assert_eq!(server.call_with("PATCH", &path, &changes).await.expect(200), changed);
    let events = server.event_bodies().await;
    assert_eq!(events.len(), 2, "a change without effect raises nothing");
    assert_eq!(events[1]["type"], "user.updated");
    assert_eq!(events[1]["data"]["object"], changed);
    assert_eq!(events[1]["data"]["previous_object"], made);
    assert_eq!(events[1]["data"]["context"]["request"]["method"], "PATCH");
    let refused = server.call_with("PATCH", &path, &json!({"connection": "other"})).await.expect(400);
    assert_eq!(refused["errorCode"], "inexistent_connection");
    let unknown = server.call_with("PATCH", "/api/v2/users/auth0%7Cx", &changes).await.expect(404);
    assert_eq!(unknown["errorCode"], "inexistent_user");
}

#[tokio::test]
async fn changes_at_once_are_all_kept() {
    let server = Server::start().await;
    let path = path_of(&create(&server, "jane@example.com").await);
    let patch = async |key: &str| {
        let changes = json!({"user_metadata": {key: true}});
        server.call_with("PATCH", &path, &changes).await.expect(200);
    };
    tokio::join!(patch("a"), patch("b"), patch("c"));
    let user = server.call("GET", &path).await.expect(200);
    assert_eq!(user["user_metadata"], json!({"a": true, "b": true, "c": true}));
    assert_eq!(server.event_bodies().await.len(), 4);
}

#[tokio::test]
async fn delete_users_answers_204_and_raises_user_deleted_once() {
    let server = Server::start().await;
    let made = create(&server, "jane@example.com").await;
    let path = path_of(&made);
    for _ in 0..2 {
        server.call("DELETE", &path).await.expect(204);
    }
    server.call("GET", &path).await.expect(404);
    let events = server.event_bodies().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["type"], "user.deleted");
    assert_eq!(events[1]["data"]["object"]["user_id"], made["user_id"]);
    assert_eq!(events[1]["data"]["object"]["deleted_at"], "2026-01-16T08:50:33.955Z");
}

#[tokio::test]
async fn a_deletion_that_erases_leaves_only_what_events_must_have() {
    let server = Server::start().await;
    let other = create(&server, "joe@example.com").await;
    let made = create(&server, "jane@example.com").await;
    let path = path_of(&made);
    server.call_with("PATCH", &path, &json!({"user_metadata": {"note": "jane"}})).await.expect(200);
    for value in ["", "1", "yes", "TRUE"] {
        let fault = server.call("DELETE", &format!("{path}?headwater.erase={value}")).await.expect(400);
        let message = "'Expected type boolean but found type string' on property headwater.erase (Whether to erase \
                       the user's data from the events so far).";
        assert_eq!(fault, invalid_query(message));
    }
    let before = server.event_bodies().await;
    server.call("DELETE", &format!("{path}?headwater.erase=true")).await.expect(204);
    while server.store.erasure_step(100).await.unwrap().more {}
    let after = server.event_bodies().await;
    assert_eq!((before.len(), after.len()), (3, 4));
    assert_eq!(after[0], before[0]);
    assert_eq!(after[0]["data"]["object"], other);
    let mut object = json!({});
    for member in ["user_id", "created_at", "updated_at", "identities"] {
        object[member] = made[member].clone();
    }
    let context = json!({"tenant": {"id": "default"}});
    for (index, event_type) in [(1, "user.created"), (2, "user.updated"), (3, "user.deleted")] {
        if index == 3 {
            object["deleted_at"] = "2026-01-16T08:50:33.955Z".into();
        }
        assert_eq!(after[index]["type"], event_type);
        assert_eq!(after[index]["data"], json!({"object": object, "context": context}));
    }
    assert_eq!(after[1]["id"], before[1]["id"]);
}

#[tokio::test]
async fn who_was_deleted_before_can_still_be_erased() {
    let server = Server::start().await;
    let made = create(&server, "jane@example.com").await;
    let path = path_of(&made);
    server.call("DELETE", &format!("{path}?headwater.erase=false")).await.expect(204);
    assert_eq!(server.store.erasure_step(100).await.unwrap().events, 0);
    assert_eq!(server.event_bodies().await[1]["data"]["object"]["email"], "jane@example.com");
    server.call("DELETE", &format!("{path}?headwater.erase=true")).await.expect(204);
    assert_eq!(server.store.erasure_step(100).await.unwrap().events, 2);
    let events = server.event_bodies().await;
    assert_eq!(events.len(), 2, "the user is not deleted twice");
    assert!(events.iter().all(|event| event["data"]["object"].get("email").is_none()));
}

#[tokio::test]
async fn a_chosen_id_may_hold_anything_that_a_path_can_carry() {
    let server = Server::start().await;
    let mut body = jane();
    body["user_id"] = "a/b%c|ü".into();
    let made = server.call_with("POST", "/api/v2/users", &body).await.expect(201);
    assert_eq!(made["user_id"], "auth0|a/b%c|ü");
    assert_eq!(server.call("GET", "/api/v2/users/auth0%7Ca%2Fb%25c%7C%C3%BC").await.expect(200), made);
}

#[tokio::test]
async fn get_users_pages_and_selects_members() {
    let server = Server::start().await;
    for number in 0..3 {
        create(&server, &format!("u{number}@example.com")).await;
    }
    let list = async |query: &str| server.call("GET", &format!("/api/v2/users?{query}")).await.expect(200);
    assert_eq!(
        list("fields=email&page=1&per_page=2&include_totals=true").await,
        json!({"start": 2, "limit": 2, "length": 1, "total": 3, "users": [{"email": "u2@example.com"}]})
    );
    let without = list("fields=identities,email&include_fields=false&per_page=1").await;
    assert!(without[0].get("email").is_none() && without[0]["nickname"] == "u0");
    assert_eq!(list("").await.as_array().unwrap().len(), 3);
    let one = path_of(&list("per_page=1").await[0]);
    assert_eq!(
        server.call("GET", &format!("{one}?fields=email")).await.expect(200),
        json!({"email": "u0@example.com"})
    );
}

#[tokio::test]
async fn one_can_page_through_a_thousand() {
    let server = Server::start().await;
    assert_eq!(
        server.call("GET", "/api/v2/users?page=10&per_page=100").await.expect(400)["message"],
        "You can only page through the first 1000 records."
    );
    assert_eq!(server.call("GET", "/api/v2/users?page=9&per_page=100").await.expect(200), json!([]));
}

#[tokio::test]
async fn post_users_of_passwordless_connections_takes_an_address_or_a_number_and_no_password() {
    let server = Server::start().await;
    for name in ["email", "sms"] {
        server.call_with("POST", "/api/v2/connections", &json!({"name": name, "strategy": name})).await.expect(201);
    }
    let post = async |body: Value| server.call_with("POST", "/api/v2/users", &body).await;
    let by_email = post(json!({"connection": "email", "email": "Jane@example.com"})).await.expect(201);
    let id = by_email["user_id"].as_str().unwrap().strip_prefix("email|").unwrap();
    let identity = json!([{"connection": "email", "user_id": id, "provider": "email", "isSocial": false}]);
    assert_eq!((&by_email["identities"], &by_email["email"]), (&identity, &json!("jane@example.com")));
    let by_sms =
        post(json!({"connection": "sms", "phone_number": "+15551234", "phone_verified": true})).await.expect(201);
    assert!(by_sms["user_id"].as_str().unwrap().starts_with("sms|"));
    assert_eq!((&by_sms["phone_verified"], by_sms.get("email")), (&json!(true), None));
    let events = server.event_bodies().await;
    crate::schema::check(&events);
    assert_eq!(events.iter().map(|event| &event["data"]["object"]).collect::<Vec<_>>(), [&by_email, &by_sms]);
    for (body, message) in [
        (json!({"connection": "email"}), "'Missing required property: email'."),
        (json!({"connection": "sms", "email": "a@example.com"}), "'Missing required property: phone_number'."),
        (
            json!({"connection": "email", "email": "a@example.com", "password": "Tr0ub4dor&3x"}),
            "'Additional properties not allowed: password'.",
        ),
        (
            json!({"connection": "sms", "phone_number": "+15551235", "username": "jo"}),
            "'Additional properties not allowed: username'.",
        ),
    ] {
        assert_eq!(post(body).await.expect(400), invalid_body(message));
    }
    let again = post(json!({"connection": "email", "email": "jane@example.com"})).await.expect(409);
    assert_eq!(again["errorCode"], "auth0_idp_error");
    // The same address in another connection is another user.
    create(&server, "jane@example.com").await;
}

#[tokio::test]
async fn get_users_organizations_lists_them_in_the_order_in_which_the_user_joined() {
    let server = Server::start().await;
    let user = create(&server, "jane@example.com").await;
    for name in ["b", "a", "c"] {
        let made = server.call_with("POST", "/api/v2/organizations", &json!({ "name": name })).await.expect(201);
        if name != "c" {
            let path = format!("/api/v2/organizations/{}/members", made["id"].as_str().unwrap());
            server.call_with("POST", &path, &json!({"members": [user["user_id"]]})).await.expect(204);
        }
    }
    let path = format!("{}/organizations", path_of(&user));
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&server.call("GET", &path).await.expect(200)), ["b", "a"]);
    let page = server.call("GET", &format!("{path}?page=1&per_page=1&include_totals=true")).await.expect(200);
    assert_eq!((names(&page["organizations"]), &page["total"]), (vec!["a".to_owned()], &json!(2)));
    server.call("GET", "/api/v2/users/auth0%7Cnobody/organizations").await.expect(404);
    let token = server.token_with(&["read:users"]).await;
    let refused = server.call_as(&token, "GET", &path).await.expect(403);
    assert_eq!(refused["message"], "Insufficient scope, expected any of: read:organizations");
}
