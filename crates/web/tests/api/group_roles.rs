//! The roles of groups: `/api/v2/groups/{id}/roles`, `/api/v2/roles/{id}/groups`, and the same in organizations.

use serde_json::{Value, json};

use crate::schema;
use crate::scim::{Provider, scim, types};
use crate::scim_groups::group;
use crate::server::error_with_code;

const AT: &str = "2026-01-16T08:50:33.955Z";

struct World {
    provider: Provider,
    group: String,
    other_group: String,
    roles: [String; 2],
    organization: String,
}

impl World {
    async fn start() -> Self {
        let provider = Provider::start("okta").await;
        let mut groups = Vec::new();
        for name in ["Admins", "Support"] {
            let made = scim(provider.call_with("POST", "Groups", &group(name, &[])).await, 201);
            groups.push(made["id"].as_str().unwrap().to_owned());
            provider.server.clock.advance(std::time::Duration::from_millis(1));
        }
        let server = &provider.server;
        let mut roles = Vec::new();
        for name in ["reader", "writer"] {
            let made = server.call_with("POST", "/api/v2/roles", &json!({ "name": name })).await.expect(200);
            roles.push(made["id"].as_str().unwrap().to_owned());
        }
        let made = server.call_with("POST", "/api/v2/organizations", &json!({"name": "acme"})).await.expect(201);
        let organization = made["id"].as_str().unwrap().to_owned();
        let [group, other_group] = groups.try_into().unwrap();
        Self { provider, group, other_group, roles: roles.try_into().unwrap(), organization }
    }

    async fn call(&self, method: &str, path: &str) -> Value {
        self.provider.server.call(method, &format!("/api/v2/{path}")).await.expect(200)
    }

    async fn change(&self, method: &str, path: &str, body: &Value) {
        let reply = self.provider.server.call_with(method, &format!("/api/v2/{path}"), body).await;
        assert_eq!(reply.expect(204), Value::Null);
    }

    fn reference(&self, group: &str) -> Value {
        let name = if group == self.group { "ext-Admins" } else { "ext-Support" };
        json!({"id": group, "external_id": name, "type": "connection", "connection_id": self.provider.connection})
    }

    async fn events(&self, before: usize) -> Vec<Value> {
        let events = self.provider.events_from(before).await;
        schema::check(&events);
        events
    }

    async fn logged(&self) -> usize {
        self.provider.server.event_bodies().await.len()
    }
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|each| each["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn get_post_and_delete_groups_roles_raise_group_role_assigned_and_deleted() {
    let world = World::start().await;
    let before = world.logged().await;
    let path = format!("groups/{}/roles", world.group);
    let [reader, writer] = &world.roles;
    world.change("POST", &path, &json!({"roles": [reader]})).await;
    world.change("POST", &path, &json!({"roles": [reader, writer]})).await;
    let listed = world.call("GET", &path).await;
    let mut sorted = [reader.as_str(), writer.as_str()];
    sorted.sort_unstable();
    assert_eq!(ids(&listed["roles"]), sorted);
    let first = world.call("GET", &format!("{path}?take=1")).await;
    let rest = world.call("GET", &format!("{path}?take=1&from={}", first["next"].as_str().unwrap())).await;
    assert_eq!((ids(&rest["roles"]), rest.get("next")), (vec![sorted[1]], None));
    for _ in 0..2 {
        world.change("DELETE", &path, &json!({"roles": [reader]})).await;
    }
    assert_eq!(ids(&world.call("GET", &path).await["roles"]), [writer.as_str()]);
    let events = world.events(before).await;
    assert_eq!(types(&events), ["group.role.assigned", "group.role.assigned", "group.role.deleted"]);
    let created_at = events[0]["time"].clone();
    let reference = world.reference(&world.group);
    assert_eq!(
        events[0]["data"]["object"],
        json!({"group": reference, "role": {"id": reader, "name": "reader"}, "created_at": created_at})
    );
    assert_eq!(
        events[2]["data"]["object"],
        json!({"group": reference, "role": {"id": reader}, "deleted_at": events[2]["time"]})
    );
    assert!(AT <= created_at.as_str().unwrap());
    // In the lane of the group.
    let logged = world.provider.server.events().await;
    let subject = format!("group:{}", world.group);
    assert!(logged[before..].iter().all(|event| event.event.subject.as_str() == subject));
}

#[tokio::test]
async fn get_post_and_delete_roles_groups_raise_group_role_assigned_and_deleted() {
    let world = World::start().await;
    let before = world.logged().await;
    let path = format!("roles/{}/groups", world.roles[0]);
    let groups = json!({"groups": [world.group, world.other_group]});
    world.change("POST", &path, &groups).await;
    let listed = world.call("GET", &path).await;
    assert_eq!(ids(&listed["groups"]), [world.group.as_str(), world.other_group.as_str()]);
    assert_eq!(listed["groups"][0]["name"], "Admins");
    world.change("DELETE", &path, &json!({"groups": [world.group]})).await;
    assert_eq!(ids(&world.call("GET", &path).await["groups"]), [world.other_group.as_str()]);
    let events = world.events(before).await;
    assert_eq!(types(&events), ["group.role.assigned", "group.role.assigned", "group.role.deleted"]);
    assert_eq!(events[1]["data"]["object"]["group"], world.reference(&world.other_group));
}

#[tokio::test]
async fn get_post_and_delete_organizations_groups_roles_raise_organization_group_role_assigned_and_deleted() {
    let world = World::start().await;
    let before = world.logged().await;
    let organization = format!("organizations/{}", world.organization);
    let path = format!("{organization}/groups/{}/roles", world.group);
    let [reader, writer] = &world.roles;
    world.change("POST", &path, &json!({"roles": [reader]})).await;
    assert_eq!(ids(&world.call("GET", &path).await["roles"]), [reader.as_str()]);
    assert_eq!(ids(&world.call("GET", &format!("{organization}/groups")).await["groups"]), [world.group.as_str()]);
    // A role in an organization is not one everywhere, and the other way round.
    let everywhere = format!("groups/{}/roles", world.group);
    assert_eq!(world.call("GET", &everywhere).await, json!({"roles": []}));
    world.change("POST", &everywhere, &json!({"roles": [reader]})).await;
    world.change("DELETE", &path, &json!({"roles": [reader, writer]})).await;
    assert_eq!(world.call("GET", &path).await, json!({"roles": []}));
    assert_eq!(world.call("GET", &format!("{organization}/groups")).await, json!({"groups": []}));
    assert_eq!(ids(&world.call("GET", &everywhere).await["roles"]), [reader.as_str()]);
    let events = world.events(before).await;
    let expected = ["organization.group.role.assigned", "group.role.assigned", "organization.group.role.deleted"];
    assert_eq!(types(&events), expected);
    let (reference, id) = (world.reference(&world.group), json!({"id": world.organization}));
    assert_eq!(
        events[0]["data"]["object"],
        json!({"organization": id, "role": {"id": reader, "name": "reader"}, "group": reference,
            "created_at": events[0]["time"]})
    );
    assert_eq!(
        events[2]["data"]["object"],
        json!({"organization": id, "role": {"id": reader}, "group": reference, "deleted_at": events[2]["time"]})
    );
    let logged = world.provider.server.events().await;
    assert_eq!(logged[before].event.subject.as_str(), format!("organization:{}", world.organization));
}

#[tokio::test]
async fn roles_of_groups_go_with_either_side_without_further_events() {
    let world = World::start().await;
    let [reader, writer] = &world.roles;
    let organization = format!("organizations/{}", world.organization);
    let everywhere = format!("groups/{}/roles", world.group);
    let within = format!("{organization}/groups/{}/roles", world.group);
    for path in [&everywhere, &within] {
        world.change("POST", path, &json!({"roles": [reader, writer]})).await;
    }
    let before = world.logged().await;
    world.call("DELETE", &format!("roles/{reader}")).await;
    for path in [&everywhere, &within] {
        assert_eq!(ids(&world.call("GET", path).await["roles"]), [writer.as_str()]);
    }
    let server = &world.provider.server;
    server.call("DELETE", &format!("/api/v2/{organization}")).await.expect(204);
    assert_eq!(ids(&world.call("GET", &everywhere).await["roles"]), [writer.as_str()]);
    server.call("DELETE", &format!("/api/v2/groups/{}", world.group)).await.expect(204);
    assert_eq!(world.call("GET", &format!("roles/{writer}/groups")).await, json!({"groups": []}));
    assert_eq!(types(&world.events(before).await), ["organization.deleted", "group.deleted"]);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let world = World::start().await;
    let server = &world.provider.server;
    let before = world.logged().await;
    let role = json!({"roles": ["rol_unknown00000000"]});
    let known = json!({"roles": [world.roles[0]]});
    let unknown_group = "grp_1111111111111111111111";
    for (path, body, message) in [
        (format!("groups/{}/roles", world.group), &role, "The role does not exist."),
        (format!("groups/{unknown_group}/roles"), &known, "The group does not exist."),
        (
            format!("organizations/org_x/groups/{}/roles", world.group),
            &known,
            "No organization found by that id or name",
        ),
        (
            format!("organizations/{}/groups/{unknown_group}/roles", world.organization),
            &known,
            "The group does not exist.",
        ),
        (format!("roles/{}/groups", world.roles[0]), &json!({"groups": [unknown_group]}), "The group does not exist."),
        ("roles/rol_x/groups".to_owned(), &json!({"groups": [world.group]}), "The role does not exist."),
    ] {
        for method in ["POST", "DELETE"] {
            let reply = server.call_with(method, &format!("/api/v2/{path}"), body).await;
            assert_eq!(reply.expect(404)["message"], message, "{method} {path}");
        }
    }
    for body in [json!({"roles": []}), json!({}), json!({"roles": ["a"], "x": 1})] {
        let reply = server.call_with("POST", &format!("/api/v2/groups/{}/roles", world.group), &body).await;
        assert_eq!(reply.expect(400)["errorCode"], "invalid_body", "{body}");
    }
    let malformed = server.call_with("POST", "/api/v2/roles/x/groups", &json!({"groups": ["x"]})).await;
    assert_eq!(malformed.expect(400)["errorCode"], "invalid_body");
    assert_eq!(world.logged().await, before);
}

#[tokio::test]
async fn group_role_scopes() {
    let world = World::start().await;
    let token = world.provider.server.token_with(&["read:users"]).await;
    for (method, path, scope) in [
        ("GET", "groups/x/roles", "read:group_roles"),
        ("POST", "groups/x/roles", "create:group_roles"),
        ("DELETE", "groups/x/roles", "delete:group_roles"),
        ("GET", "roles/x/groups", "read:group_roles"),
        ("POST", "roles/x/groups", "create:group_roles"),
        ("DELETE", "roles/x/groups", "delete:group_roles"),
        ("GET", "organizations/x/groups", "read:organization_groups"),
        ("GET", "organizations/x/groups/y/roles", "read:organization_group_roles"),
        ("POST", "organizations/x/groups/y/roles", "create:organization_group_roles"),
        ("DELETE", "organizations/x/groups/y/roles", "delete:organization_group_roles"),
    ] {
        let refused = world.provider.server.call_as(&token, method, &format!("/api/v2/{path}")).await.expect(403);
        let message = format!("Insufficient scope, expected any of: {scope}");
        assert_eq!(refused, error_with_code(403, "Forbidden", &message, "insufficient_scope"));
    }
}

#[tokio::test]
async fn a_snapshot_tells_of_groups_as_they_were_in_events_that_fit_their_schemas() {
    let world = World::start().await;
    let provider = &world.provider;
    let (jane, jo) = (provider.user("jane").await, provider.user("jo").await);
    let path = format!("Groups/{}", world.group);
    scim(provider.call_with("PUT", &path, &group("Admins", &[&jane, &jo])).await, 200);
    let roles = json!({"roles": [world.roles[0]]});
    for group in [&world.group, &world.other_group] {
        world.change("POST", &format!("groups/{group}/roles"), &roles).await;
        let path = format!("organizations/{}/groups/{group}/roles", world.organization);
        world.change("POST", &path, &roles).await;
    }
    let told = ["group.created", "group.member.added", "group.role.assigned", "organization.group.role.assigned"];
    let subscriptions: Vec<Value> = told.iter().map(|name| json!({ "event_type": name })).collect();
    let stream = json!({"subscriptions": subscriptions, "headwater": {"start_from": "snapshot"},
        "destination": {"type": "webhook", "configuration": {"webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "a-token"}}}});
    let made = provider.server.call_with("POST", "/api/v2/event-streams", &stream).await.expect(201);
    let id = domain::ids::StreamId::parse(made["id"].as_str().unwrap()).unwrap();

    // Before their turn: by a PATCH, a PUT and a DELETE of the provider, and by this API.
    let before = world.logged().await;
    let renamed = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "displayName", "value": "Bosses"}]});
    provider.call_with("PATCH", &path, &renamed).await;
    scim(provider.call_with("PUT", &path, &group("Chiefs", &[&jo])).await, 200);
    let roles_path = format!("organizations/{}/groups/{}/roles", world.organization, world.group);
    world.change("DELETE", &roles_path, &roles).await;
    let deleted = provider.call("DELETE", &format!("Groups/{}", world.other_group)).await;
    assert_eq!(deleted.status.as_u16(), 204);
    let now = domain::clock::Timestamp::from_millis(crate::server::START);
    let store = &*provider.server.store;
    while store::Log::snapshot_step(store, id, now, 1).await.unwrap() == store::SnapshotStep::More {}
    let events = world.events(before).await;
    assert_eq!(
        types(&events),
        [
            "group.created",
            "group.updated",
            "group.member.added",
            "group.updated",
            "group.member.deleted",
            "organization.group.role.assigned",
            "organization.group.role.deleted",
            "group.created",
            "group.deleted",
            "group.member.added",
            "group.role.assigned",
        ]
    );
    let object = |index: usize| &events[index]["data"]["object"];
    assert_eq!((&object(0)["name"], &object(7)["name"]), (&json!("Admins"), &json!("Support")), "as they were");
    assert_eq!(object(2)["member"], object(4)["member"]);
    let reference = json!({"id": world.group, "type": "connection", "connection_id": provider.connection});
    for index in [2, 5, 9, 10] {
        assert_eq!(object(index)["group"], reference);
    }
    assert_eq!(object(5)["organization"], json!({"id": world.organization}));
    assert_eq!(object(10)["role"], json!({"id": world.roles[0], "name": "reader"}));
}
