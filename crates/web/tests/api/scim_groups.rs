//! `/scim/v2/connections/{id}/Groups`

use serde_json::{Value, json};

use crate::schema;
use crate::scim::{Provider, scim, scim_error, types};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

pub(crate) fn group(name: &str, members: &[&Value]) -> Value {
    let members: Vec<Value> = members.iter().map(|user| json!({"value": user["id"]})).collect();
    json!({"schemas": [GROUP], "displayName": name, "externalId": format!("ext-{name}"), "members": members})
}

fn patch(operations: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

fn path_of(resource: &Value) -> String {
    format!("Groups/{}", resource["id"].as_str().unwrap())
}

/// The names of the members in a resource, sorted.
fn members(resource: &Value) -> Vec<&str> {
    let members = resource["members"].as_array().unwrap();
    let mut names: Vec<&str> = members.iter().map(|member| member["display"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

/// The users whom events about members are about.
fn users(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["data"]["object"]["member"]["id"].as_str()).collect()
}

#[tokio::test]
async fn a_scim_group_post_raises_group_created_and_group_member_added() {
    let provider = Provider::start("okta").await;
    let (jane, jo) = (provider.user("jane").await, provider.user("jo").await);
    let before = provider.server.event_bodies().await.len();
    let made = scim(provider.call_with("POST", "Groups", &group("Admins", &[&jane, &jo, &jane])).await, 201);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("grp_") && id.len() == 26, "{id}");
    assert_eq!((&made["displayName"], &made["externalId"]), (&json!("Admins"), &json!("ext-Admins")));
    assert_eq!(made["meta"]["resourceType"], "Group");
    assert_eq!(members(&made), ["jane@corp.example", "jo@corp.example"]);
    let as_member = json!({"value": jane["id"], "$ref": jane["meta"]["location"], "display": "jane@corp.example",
        "type": "User"});
    assert!(made["members"].as_array().unwrap().contains(&as_member), "{made}");
    assert_eq!(provider.get(&path_of(&made)).await, made);

    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["group.created", "group.member.added", "group.member.added"]);
    let at = "2026-01-16T08:50:33.955Z";
    let created = json!({"id": id, "name": "Admins", "external_id": "ext-Admins", "created_at": at,
        "type": "connection", "connection_id": provider.connection});
    assert_eq!(events[0]["data"]["object"], created);
    let reference = json!({"id": id, "external_id": "ext-Admins", "type": "connection",
        "connection_id": provider.connection});
    for event in &events[1..] {
        let member = json!({"member_type": "user", "id": event["data"]["object"]["member"]["id"]});
        assert_eq!(event["data"]["object"], json!({"group": reference, "member": member}));
    }
    let mut added = users(&events);
    added.sort_unstable();
    assert_eq!(added, ["okta|corp|ext-jane", "okta|corp|ext-jo"]);
    schema::check(&events);
    // One lane, so that nobody hears of a member before the group.
    let logged = provider.server.events().await.split_off(before);
    assert!(logged.iter().all(|event| event.event.subject == logged[0].event.subject));
}

#[tokio::test]
async fn a_scim_group_patch_as_entra_id_sends_it_raises_an_event_for_each_member() {
    let provider = Provider::start("waad").await;
    let (jane, jo) = (provider.user("jane").await, provider.user("jo").await);
    let made = scim(provider.call_with("POST", "Groups", &group("Admins", &[&jane])).await, 201);
    let before = provider.server.event_bodies().await.len();
    let path = path_of(&made);
    let add = patch(json!([{"op": "Add", "path": "members", "value": [{"value": jo["id"]}, {"value": jane["id"]}]}]));
    let changed = scim(provider.call_with("PATCH", &path, &add).await, 200);
    assert_eq!(members(&changed), ["jane@corp.example", "jo@corp.example"]);
    let filter = format!("members[value eq \"{}\"]", jane["id"].as_str().unwrap());
    let remove = patch(json!([{"op": "Remove", "path": filter}]));
    for _ in 0..2 {
        let changed = scim(provider.call_with("PATCH", &path, &remove).await, 200);
        assert_eq!(members(&changed), ["jo@corp.example"]);
    }
    let listed = patch(json!([{"op": "Remove", "path": "members", "value": [{"value": jo["id"]}]}]));
    assert_eq!(members(&scim(provider.call_with("PATCH", &path, &listed).await, 200)), Vec::<&str>::new());
    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["group.member.added", "group.member.deleted", "group.member.deleted"]);
    assert_eq!(users(&events), ["waad|corp|ext-jo", "waad|corp|ext-jane", "waad|corp|ext-jo"]);
    schema::check(&events);
}

#[tokio::test]
async fn a_scim_group_patch_as_okta_sends_it_raises_group_updated() {
    let provider = Provider::start("okta").await;
    let jane = provider.user("jane").await;
    let made = scim(provider.call_with("POST", "Groups", &group("Admins", &[])).await, 201);
    let before = provider.server.event_bodies().await.len();
    provider.server.clock.advance(std::time::Duration::from_secs(1));
    let operations = json!([
        {"op": "replace", "value": {"id": made["id"], "displayName": "Owners"}},
        {"op": "replace", "path": "members", "value": [{"value": jane["id"], "display": "Jane"}]},
    ]);
    let changed = scim(provider.call_with("PATCH", &path_of(&made), &patch(operations)).await, 200);
    assert_eq!((&changed["displayName"], members(&changed)), (&json!("Owners"), vec!["jane@corp.example"]));
    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["group.updated", "group.member.added"]);
    let (object, previous) = (&events[0]["data"]["object"], &events[0]["data"]["previous_object"]);
    assert_eq!((&object["name"], &previous["name"]), (&json!("Owners"), &json!("Admins")));
    assert_eq!(object["updated_at"], "2026-01-16T08:50:34.955Z");
    assert_eq!(previous["updated_at"], "2026-01-16T08:50:33.955Z");
    schema::check(&events);
    // Nothing changes, nothing is raised.
    let same = patch(json!([{"op": "replace", "value": {"displayName": "Owners"}}]));
    assert_eq!(scim(provider.call_with("PATCH", &path_of(&made), &same).await, 200), changed);
    assert_eq!(provider.events_from(before).await.len(), 2);
}

#[tokio::test]
async fn a_scim_group_put_raises_events_for_the_difference() {
    let provider = Provider::start("okta").await;
    let (a, b, c) = (provider.user("a").await, provider.user("b").await, provider.user("c").await);
    let made = scim(provider.call_with("POST", "Groups", &group("Admins", &[&a, &b])).await, 201);
    let before = provider.server.event_bodies().await.len();
    let replaced = scim(provider.call_with("PUT", &path_of(&made), &group("Admins", &[&b, &c])).await, 200);
    assert_eq!(members(&replaced), ["b@corp.example", "c@corp.example"]);
    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["group.member.deleted", "group.member.added"]);
    assert_eq!(users(&events), ["okta|corp|ext-a", "okta|corp|ext-c"]);
    let body = json!({"schemas": [GROUP], "displayName": "Empty"});
    let emptied = scim(provider.call_with("PUT", &path_of(&made), &body).await, 200);
    assert_eq!((members(&emptied), emptied.get("externalId")), (vec![], None));
    let events = provider.events_from(before + 2).await;
    assert_eq!(types(&events), ["group.updated", "group.member.deleted", "group.member.deleted"]);
    assert_eq!(events[0]["data"]["object"].get("external_id"), None);
    schema::check(&events);
}

#[tokio::test]
async fn a_scim_group_delete_raises_group_deleted_and_nothing_for_its_members() {
    let provider = Provider::start("okta").await;
    let jane = provider.user("jane").await;
    let made = scim(provider.call_with("POST", "Groups", &group("Admins", &[&jane])).await, 201);
    let before = provider.server.event_bodies().await.len();
    assert_eq!(provider.call("DELETE", &path_of(&made)).await.status.as_u16(), 204);
    for method in ["GET", "DELETE"] {
        scim_error(provider.call(method, &path_of(&made)).await, 404, None);
    }
    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["group.deleted"]);
    let object = &events[0]["data"]["object"];
    assert_eq!((object.get("deleted_at"), &object["updated_at"]), (None, &json!("2026-01-16T08:50:33.955Z")));
    schema::check(&events);
    scim(provider.call_with("POST", "Groups", &group("Admins", &[])).await, 201);
}

#[tokio::test]
async fn a_deleted_user_leaves_groups_without_further_events() {
    let provider = Provider::start("okta").await;
    let (jane, jo) = (provider.user("jane").await, provider.user("jo").await);
    let made = scim(provider.call_with("POST", "Groups", &group("Admins", &[&jane, &jo])).await, 201);
    let before = provider.server.event_bodies().await.len();
    provider.call("DELETE", &format!("Users/{}", jane["id"].as_str().unwrap())).await;
    assert_eq!(members(&provider.get(&path_of(&made)).await), ["jo@corp.example"]);
    assert_eq!(types(&provider.events_from(before).await), ["user.deleted"]);
}

#[tokio::test]
async fn a_deleted_connection_takes_its_groups_along_and_leaves_its_users() {
    let provider = Provider::start("okta").await;
    let jane = provider.user("jane").await;
    scim(provider.call_with("POST", "Groups", &group("Admins", &[&jane])).await, 201);
    let before = provider.server.event_bodies().await.len();
    provider.server.call("DELETE", &format!("/api/v2/connections/{}", provider.connection)).await.expect(202);
    assert_eq!(provider.server.call("GET", "/api/v2/groups").await.expect(200), json!({"groups": []}));
    provider.server.call("GET", "/api/v2/users/okta%7Ccorp%7Cext-jane").await.expect(200);
    assert_eq!(types(&provider.events_from(before).await), ["connection.deleted"]);
    scim_error(provider.call("GET", "Users").await, 401, None);
}

#[tokio::test]
async fn get_scim_groups_lists_and_finds() {
    let provider = Provider::start("okta").await;
    let jane = provider.user("jane").await;
    let first = scim(provider.call_with("POST", "Groups", &group("A", &[&jane])).await, 201);
    provider.server.clock.advance(std::time::Duration::from_millis(1));
    let second = scim(provider.call_with("POST", "Groups", &group("B", &[])).await, 201);
    let all = provider.get("Groups").await;
    assert_eq!((&all["totalResults"], &all["Resources"]), (&json!(2), &json!([first, second])));
    let page = provider.get("Groups?startIndex=2&count=5").await;
    assert_eq!((&page["totalResults"], &page["Resources"]), (&json!(2), &json!([second])));
    let id = second["id"].as_str().unwrap();
    for filter in ["displayName eq \"b\"", "externalId eq \"ext-B\"", &format!("id eq \"{id}\"")] {
        let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let list = provider.get(&format!("Groups?filter={query}&excludedAttributes=members")).await;
        assert_eq!(list["totalResults"], 1, "{filter}");
        assert_eq!((&list["Resources"][0]["id"], list["Resources"][0].get("members")), (&json!(id), None));
    }
    assert_eq!(provider.get("Groups?filter=id%20eq%20%22x%22").await["totalResults"], 0);
    // As Entra ID asks whether somebody is a member, and as others look for groups.
    let (group, member) = (first["id"].as_str().unwrap(), jane["id"].as_str().unwrap());
    for (filter, expected) in [
        (format!("id eq \"{group}\" and members eq \"{member}\""), 1),
        (format!("id eq \"{id}\" and members eq \"{member}\""), 0),
        (format!("members[value eq \"{member}\"]"), 1),
        ("displayName sw \"a\" or externalId sw \"ext-\"".to_owned(), 2),
        ("not (members pr)".to_owned(), 1),
    ] {
        let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let list = provider.get(&format!("Groups?filter={query}")).await;
        assert_eq!(list["totalResults"], expected, "{filter}");
    }
    let sorted = provider.get("Groups?sortBy=displayName&sortOrder=descending").await;
    assert_eq!(sorted["Resources"], json!([second, first]));
}

#[tokio::test]
async fn scim_group_faults() {
    let provider = Provider::start("okta").await;
    let made = scim(provider.call_with("POST", "Groups", &group("Admins", &[])).await, 201);
    let before = provider.server.event_bodies().await.len();
    let taken = scim_error(provider.call_with("POST", "Groups", &group("ADMINS", &[])).await, 409, Some("uniqueness"));
    assert_eq!(taken, "displayName is taken by another group of this connection");
    for (body, detail) in [
        (json!({}), "displayName is required"),
        (json!({"displayName": ""}), "displayName must be a text of 1 to 255 characters"),
        (
            json!({"displayName": "x", "members": [{"value": "nobody"}]}),
            "there is no user of this connection with the id nobody, so none can be a member",
        ),
        (
            json!({"displayName": "x", "members": [{"value": made["id"], "type": "Group"}]}),
            "members[0] is a group: only users can be members",
        ),
    ] {
        for (method, path) in [("POST", "Groups".to_owned()), ("PUT", path_of(&made))] {
            let said = scim_error(provider.call_with(method, &path, &body).await, 400, Some("invalidValue"));
            assert_eq!(said, detail);
        }
    }
    assert_eq!(provider.events_from(before).await, Vec::<Value>::new());
    let other = crate::connections::create(&provider.server, &json!({"name": "other", "strategy": "okta"})).await;
    let path = format!("/scim/v2/connections/{}/{}", other["id"].as_str().unwrap(), path_of(&made));
    let reply = provider.server.call("GET", &path).await;
    scim_error(reply, 401, None);
}
