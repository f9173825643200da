//! The description of what is served: that it is whole and sound. That answers are as described is looked at with
//! every answer that a test gets (`described.rs`).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::catalog::EventType;
use domain::scope::{SCOPES, is_known};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{PublicUrl, Settings};

use crate::described::{PATH, description};
use crate::endpoints::filled;
use crate::server::{CLIENT_SECRET, Server, TestClock, load, open_store, settings};

/// Each operation of the description: method, path, and what is said of it.
fn operations(description: &Value) -> Vec<(String, &str, &Value)> {
    let paths = description["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(|(method, said)| (method.to_ascii_uppercase(), path.as_str(), said))
        })
        .collect()
}

fn references<'d>(value: &'d Value, found: &mut Vec<&'d str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// The scopes of an operation, in one of the two kinds of tokens.
fn scopes<'d>(operation: &'d Value, kind: &str) -> Vec<&'d str> {
    let ways = operation["security"].as_array().unwrap().iter();
    ways.filter_map(|way| way[kind][0].as_str()).collect()
}

#[tokio::test]
async fn every_endpoint_is_described_and_nothing_else() {
    let server = Server::start().await;
    let described: BTreeSet<_> = operations(description(&server.router).await)
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let served: BTreeSet<_> =
        web::endpoints().into_iter().map(|endpoint| format!("{} {}", endpoint.method, endpoint.path)).collect();
    let missing: Vec<_> = served.difference(&described).collect();
    let superfluous: Vec<_> = described.difference(&served).collect();
    assert!(missing.is_empty(), "served, but not described in crates/web/src/openapi/areas: {missing:#?}");
    assert!(superfluous.is_empty(), "described, but not served: {superfluous:#?}");
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_component_is_used() {
    let server = Server::start().await;
    let description = description(&server.router).await;
    let mut found = Vec::new();
    references(description, &mut found);
    for reference in &found {
        assert!(description.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    let used: BTreeSet<_> = found.into_iter().collect();
    for kind in ["schemas", "parameters"] {
        for name in description["components"][kind].as_object().unwrap().keys() {
            // The twin stands for it where every answer can be cut down.
            let names = [format!("#/components/{kind}/{name}"), format!("#/components/{kind}/Selected{name}")];
            assert!(names.iter().any(|name| used.contains(name.as_str())), "nothing refers to {kind}/{name}");
        }
    }
}

#[tokio::test]
async fn every_schema_is_one() {
    let server = Server::start().await;
    let schemas = &description(&server.router).await["components"]["schemas"];
    for name in schemas.as_object().unwrap().keys() {
        let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": {"schemas": schemas}});
        let made = jsonschema::options().build(&schema);
        assert!(made.is_ok(), "{name}: {:?}", made.err());
        assert!(jsonschema::meta::is_valid(&schemas[name]), "{name}");
    }
}

#[tokio::test]
async fn operations_have_names_of_their_own_and_known_scopes() {
    let server = Server::start().await;
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(description(&server.router).await) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        let unknown: Vec<_> = scopes(operation, "bearer").into_iter().filter(|scope| !is_known(scope)).collect();
        assert!(unknown.is_empty(), "{method} {path}: {unknown:?}");
    }
}

/// What handlers ask for, they say when they refuse.
#[tokio::test]
async fn the_scopes_are_those_that_are_asked_for() {
    let server = Server::start().await;
    let token = server.token_with(&[]).await;
    for (method, path, operation) in operations(description(&server.router).await) {
        let described = scopes(operation, "bearer");
        if described.is_empty() {
            continue;
        }
        let refused = server.call_as(&token, &method, &filled(path)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}");
        let message = format!("Insufficient scope, expected any of: {}", described.join(","));
        assert_eq!(refused.json()["message"], json!(message), "{method} {path}");
    }
}

#[tokio::test]
async fn what_scim_tokens_must_allow_is_what_is_asked_for() {
    let server = Server::start().await;
    let connection = json!({"name": "corp", "strategy": "okta"});
    let connection = server.call_with("POST", "/api/v2/connections", &connection).await.expect(201);
    let id = connection["id"].as_str().unwrap();
    let configuration = format!("/api/v2/connections/{id}/scim-configuration");
    server.call("POST", &configuration).await.expect(201);
    let token = async |scope: &str| {
        let body = json!({"scopes": [scope]});
        let made = server.call_with("POST", &format!("{configuration}/tokens"), &body).await.expect(201);
        made["token"].as_str().unwrap().to_owned()
    };
    let (of_users, of_groups) = (token("get:users").await, token("get:groups").await);
    let mut seen = 0;
    for (method, path, operation) in operations(description(&server.router).await) {
        let [scope] = scopes(operation, "scim")[..] else { continue };
        let other = if scope == "get:users" { &of_groups } else { &of_users };
        let place = filled(&path.replace("{connection_id}", id));
        let refused = server.call_as(other, &method, &place).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}");
        assert_eq!(refused.json()["detail"], json!(format!("the token does not allow {scope}")), "{method} {path}");
        seen += 1;
    }
    assert!(seen > 0);
}

/// Without a token an operation that asks for one is refused, and one that asks for none is not.
#[tokio::test]
async fn what_needs_no_token_is_described_so() {
    let server = Server::start().await;
    for (method, path, operation) in operations(description(&server.router).await) {
        let open = operation["security"].as_array().unwrap().is_empty();
        let reply = server.call_as("none", &method, &filled(path)).await;
        assert_eq!(reply.status == StatusCode::UNAUTHORIZED, !open, "{method} {path}");
    }
}

#[tokio::test]
async fn the_catalogue_and_the_scopes_are_in_it() {
    let server = Server::start().await;
    let schemas = &description(&server.router).await["components"]["schemas"];
    let types: Vec<_> = EventType::ALL.iter().map(|event_type| event_type.name().unwrap()).collect();
    assert_eq!(schemas["CatalogueEventType"]["enum"], json!(types));
    let scopes: Vec<_> = SCOPES.iter().map(|(name, _)| *name).collect();
    assert_eq!(schemas["Scope"]["enum"], json!(scopes));
}

#[tokio::test]
async fn it_names_the_server_by_its_public_url() {
    let settings = Settings { public_url: PublicUrl::parse("https://other.example").unwrap(), ..settings() };
    let folder = tempfile::tempdir().unwrap();
    let router = load(&open_store(&folder), &Arc::new(TestClock::started()), CLIENT_SECRET, settings).await;
    let answer = router.oneshot(Request::get(PATH).body(Body::empty()).unwrap()).await.unwrap();
    let described: Value = serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(described["servers"], json!([{"url": "https://other.example"}]));
    assert_eq!(described["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// Which tests show it, is written from their run (`cargo xtask compatibility`).
#[tokio::test]
async fn the_page_of_compatibility_lists_what_is_described() {
    let server = Server::start().await;
    let row = |(method, path, said): (String, &str, &Value)| {
        let mark = if said["x-headwater-extension"] == true { "extension" } else { "" };
        format!("| `{method} {path}` | {} | {mark} |", said["summary"].as_str().unwrap())
    };
    let described: BTreeSet<_> = operations(description(&server.router).await).into_iter().map(row).collect();
    let page = include_str!("../../../../docs/compatibility.md");
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `") && line.contains(" /")).collect();
    let is_listed = |row: &&String| rows.iter().any(|line| line.starts_with(row.as_str()));
    let missing: Vec<_> = described.iter().filter(|row| !is_listed(row)).collect();
    let is_described = |line: &&&str| described.iter().any(|row| line.starts_with(row.as_str()));
    let superfluous: Vec<_> = rows.iter().filter(|line| !is_described(line)).collect();
    assert!(missing.is_empty() && superfluous.is_empty(), "add {missing:#?}, remove {superfluous:#?}");
}
