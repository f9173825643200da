//! `GET /api/v2/users` with a search, and `GET /api/v2/users-by-email`

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Server, invalid_query};

const DATABASE: &str = "Username-Password-Authentication";

async fn people(server: &Server) {
    for (name, plan) in [("jane", "gold"), ("joe", "silver"), ("Jim", "gold"), ("ann", "none")] {
        let body = json!({
            "connection": DATABASE, "email": format!("{name}@example.com"), "password": "I have a password",
            "name": format!("{name} Doe"), "app_metadata": {"plan": plan}, "blocked": name == "joe",
        });
        server.call_with("POST", "/api/v2/users", &body).await.expect(201);
        server.clock.advance(Duration::from_secs(60));
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn nicknames(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|user| user["nickname"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn users_are_found_by_what_they_are() {
    let server = Server::start().await;
    people(&server).await;
    for (q, expected) in [
        (r#"email:"JANE@example.com""#, &["jane"][..]),
        (r#"email:"jane@example.com" AND blocked:true"#, &[]),
        ("email:j*", &["jane", "joe", "jim"]),
        ("app_metadata.plan:gold", &["jane", "jim"]),
        ("app_metadata.plan:gold AND NOT name:jim*", &["jane"]),
        ("(blocked:true OR name:ann*) AND email:*example.com", &["joe", "ann"]),
        ("identities.provider:auth0", &["jane", "joe", "jim", "ann"]),
        ("created_at:[2026-01-16T08:52:00Z TO *]", &["jim", "ann"]),
        ("nobody", &[]),
    ] {
        let found = server.call("GET", &format!("/api/v2/users?q={}&search_engine=v3", encoded(q))).await.expect(200);
        assert_eq!(nicknames(&found), expected, "{q}");
    }
}

#[tokio::test]
async fn what_is_found_is_sorted_paged_counted_and_selected() {
    let server = Server::start().await;
    people(&server).await;
    let list = async |query: &str| server.call("GET", &format!("/api/v2/users?{query}")).await.expect(200);
    assert_eq!(nicknames(&list("sort=nickname:1").await), ["ann", "jane", "jim", "joe"]);
    assert_eq!(nicknames(&list("sort=created_at:-1&per_page=2").await), ["ann", "jim"]);
    assert_eq!(nicknames(&list("sort=app_metadata.plan:1").await), ["jane", "jim", "ann", "joe"]);
    assert_eq!(nicknames(&list("sort=email:1&q=email:j*&page=1&per_page=2").await), ["joe"]);
    assert_eq!(
        list("q=app_metadata.plan:gold&per_page=1&page=1&include_totals=true&fields=nickname").await,
        json!({"start": 1, "limit": 1, "length": 1, "total": 2, "users": [{"nickname": "jim"}]})
    );
    assert_eq!(list("q=email:%22joe@example.com%22&include_totals=true").await["total"], 1);
    assert_eq!(list(&format!("connection={DATABASE}&include_totals=true")).await["total"], 4);
    assert_eq!(list("connection=other").await, json!([]));
    assert_eq!(list("primary_order=false&q=").await.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn faults_say_what_was_expected_and_where() {
    let server = Server::start().await;
    let about_q = "on property q (Query in Lucene query string syntax).";
    for (query, message) in [
        ("q=a:b+c:d", format!("'Expected AND or OR between terms at character 5 of the query' {about_q}")),
        ("q=%28a:b", format!("'Expected a closing parenthesis at character 5 of the query' {about_q}")),
        (
            "q=a&search_engine=v1",
            "'No enum match for: v1' on property search_engine (The version of the search engine; v3 is the one there \
             is)."
                .to_owned(),
        ),
        (
            "sort=email",
            "'Object didn't pass validation for format sort: email' on property sort (Field to sort by, and the order: \
             field:1 or field:-1)."
                .to_owned(),
        ),
    ] {
        assert_eq!(server.call("GET", &format!("/api/v2/users?{query}")).await.expect(400), invalid_query(&message));
    }
    let far = server.call("GET", "/api/v2/users?q=a&page=10&per_page=100").await.expect(400);
    assert_eq!(far["message"], "You can only page through the first 1000 records.");
}

#[tokio::test]
async fn get_users_by_email_finds_them_in_every_connection() {
    let server = Server::start().await;
    people(&server).await;
    let find = async |query: &str| server.call("GET", &format!("/api/v2/users-by-email?{query}")).await;
    assert_eq!(nicknames(&find("email=JIM%40example.com").await.expect(200)), ["jim"]);
    let selected = find("email=joe%40example.com&fields=nickname").await.expect(200);
    assert_eq!(selected, json!([{"nickname": "joe"}]));
    assert_eq!(find("email=x%40example.com").await.expect(200), json!([]));
    let missing = "'Missing required property: email' on property email (Email address to search for).";
    assert_eq!(find("").await.expect(400), invalid_query(missing));
    let token = server.token_with(&["read:clients"]).await;
    server.call_as(&token, "GET", "/api/v2/users-by-email?email=x").await.expect(403);
}
