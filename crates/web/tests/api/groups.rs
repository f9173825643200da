//! `/api/v2/groups`

use std::time::Duration;

use serde_json::{Value, json};

use crate::schema;
use crate::scim::{Provider, scim, types};
use crate::scim_groups::group;
use crate::server::{error_with_code, invalid_query};

const GROUPS: &str = "/api/v2/groups";

/// A provider with three groups; answers their ids.
async fn start() -> (Provider, Vec<String>) {
    let provider = Provider::start("okta").await;
    let (jane, jo) = (provider.user("jane").await, provider.user("jo").await);
    let mut ids = Vec::new();
    for (name, members) in [("Admins", vec![&jane, &jo]), ("Support", vec![]), ("Sales", vec![])] {
        let made = scim(provider.call_with("POST", "Groups", &group(name, &members)).await, 201);
        ids.push(made["id"].as_str().unwrap().to_owned());
        provider.server.clock.advance(Duration::from_millis(1));
    }
    (provider, ids)
}

fn names(list: &Value) -> Vec<&str> {
    list["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn get_groups_lists_by_checkpoint_and_by_filter() {
    let (provider, ids) = start().await;
    let get = async |query: &str| provider.server.call("GET", &format!("{GROUPS}{query}")).await.expect(200);
    let all = get("").await;
    assert_eq!(names(&all), ["Admins", "Support", "Sales"]);
    let expected = json!({
        "id": ids[0], "name": "Admins", "external_id": "ext-Admins", "connection_id": provider.connection,
        "tenant_name": "default", "created_at": "2026-01-16T08:50:33.955Z", "updated_at": "2026-01-16T08:50:33.955Z",
    });
    assert_eq!(all["groups"][0], expected);
    assert_eq!(all.get("next"), None);
    let first = get("?take=2").await;
    assert_eq!(names(&first), ["Admins", "Support"]);
    let rest = get(&format!("?take=2&from={}", first["next"].as_str().unwrap())).await;
    assert_eq!((names(&rest), rest.get("next")), (vec!["Sales"], None));
    for (query, expected) in [
        ("?name=admins".to_owned(), vec!["Admins"]),
        ("?external_id=ext-Sales".to_owned(), vec!["Sales"]),
        ("?search=S".to_owned(), vec!["Admins", "Support", "Sales"]),
        ("?search=ext-s".to_owned(), vec!["Support", "Sales"]),
        (format!("?connection_id={}&search=sup", provider.connection), vec!["Support"]),
        ("?connection_id=con_x".to_owned(), vec![]),
    ] {
        assert_eq!(names(&get(&query).await), expected, "{query}");
    }
    assert_eq!(get("?fields=name&take=1").await["groups"], json!([{"name": "Admins"}]));
    let one = provider.server.call("GET", &format!("{GROUPS}/{}", ids[0])).await.expect(200);
    assert_eq!(one, expected);
    let fault = provider.server.call("GET", &format!("{GROUPS}?take=101")).await.expect(400);
    let message = "'Value 101 is greater than maximum 100' on property take (Number of results per page).";
    assert_eq!(fault, invalid_query(message));
}

#[tokio::test]
async fn get_groups_members_lists_users() {
    let (provider, ids) = start().await;
    let path = format!("{GROUPS}/{}/members", ids[0]);
    let first = provider.server.call("GET", &format!("{path}?take=1")).await.expect(200);
    let member = json!({"id": "okta|corp|ext-jane", "member_type": "user", "type": "connection",
        "connection_id": provider.connection, "created_at": "2026-01-16T08:50:33.955Z"});
    assert_eq!(first["members"], json!([member]));
    let next = first["next"].as_str().unwrap();
    let rest = provider.server.call("GET", &format!("{path}?take=1&from={next}&fields=id")).await.expect(200);
    assert_eq!(rest, json!({"members": [{"id": "okta|corp|ext-jo"}]}));
}

#[tokio::test]
async fn delete_groups_answers_204_and_raises_group_deleted() {
    let (provider, ids) = start().await;
    let before = provider.server.event_bodies().await.len();
    let path = format!("{GROUPS}/{}", ids[0]);
    assert_eq!(provider.server.call("DELETE", &path).await.expect(204), Value::Null);
    let missing = error_with_code(404, "Not Found", "The group does not exist.", "inexistent_group");
    for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("GET", format!("{path}/members"))] {
        assert_eq!(provider.server.call(method, &path).await.expect(404), missing);
    }
    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["group.deleted"]);
    schema::check(&events);
    let malformed = provider.server.call("GET", &format!("{GROUPS}/grp_0")).await.expect(400);
    assert_eq!(malformed["errorCode"], "invalid_uri");
}
