//! `/api/v2/organizations`: each operation, and the event that it raises, in the shape that the contract closes.

use std::time::Duration;

use serde_json::{Value, json};
use store::Connections;

use crate::schema;
use crate::server::{Server, error, error_with_code, invalid_body};

const DATABASE: &str = "Username-Password-Authentication";

/// A server with an organization, a user and a role.
struct World {
    server: Server,
    organization: String,
    user: String,
    role: String,
    connection: String,
}

async fn made(server: &Server, path: &str, body: Value, status: u16, id: &str) -> String {
    let made = server.call_with("POST", &format!("/api/v2/{path}"), &body).await.expect(status);
    made[id].as_str().unwrap().to_owned()
}

async fn user(server: &Server, name: &str) -> String {
    let body = json!({"connection": DATABASE, "email": format!("{name}@example.com"), "password": "I have a password"});
    made(server, "users", body, 201, "user_id").await
}

impl World {
    async fn new() -> Self {
        let server = Server::start().await;
        let organization = made(&server, "organizations", json!({"name": "acme"}), 201, "id").await;
        let user = user(&server, "jane").await;
        let role = made(&server, "roles", json!({"name": "admin"}), 200, "id").await;
        let tenant = store::State::tenant_ensure(&*server.store, "default").await.unwrap().id;
        let connection = server.store.connection_by_name(tenant, DATABASE).await.unwrap().unwrap().value.id;
        Self { server, organization, user, role, connection: connection.to_string() }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v2/organizations/{}{rest}", self.organization)
    }

    fn roles_path(&self) -> String {
        self.path(&format!("/members/{}/roles", self.user.replace('|', "%7C")))
    }

    async fn with(&self, method: &str, rest: &str, body: Value) -> crate::server::Reply {
        self.server.call_with(method, &self.path(rest), &body).await
    }

    async fn join(&self) {
        self.with("POST", "/members", json!({"members": [self.user]})).await.expect(204);
    }

    /// The type and data of the events that have been raised since the world was made, without their context. Each
    /// fits its schema.
    async fn raised(&self) -> Vec<(String, Value)> {
        let events = self.server.event_bodies().await;
        schema::check(&events);
        let data = |mut event: Value| {
            let data = event["data"].as_object_mut().unwrap();
            assert!(data.remove("context").is_some_and(|context| context["client"]["name"] == "Bootstrap"));
            (event["type"].as_str().unwrap().to_owned(), event["data"].take())
        };
        events.into_iter().map(data).skip(2).collect()
    }
}

fn raised(event_type: &str, object: Value) -> (String, Value) {
    (event_type.to_owned(), json!({ "object": object }))
}

#[tokio::test]
async fn post_and_get_organizations_raise_organization_created() {
    let world = World::new().await;
    let body = json!({
        "name": "test-organization796", "display_name": "Test Organization", "metadata": {"plan": "gold"},
        "branding": {"logo_url": "https://example.com/logo.gif", "colors": {"primary": "#00AAff", "page_background": "#fff"}},
    });
    let answered = world.server.call_with("POST", "/api/v2/organizations", &body).await.expect(201);
    let id = answered["id"].as_str().unwrap();
    assert!(id.starts_with("org_") && id.len() == 20);
    let mut expected = body.clone();
    expected["id"] = id.into();
    assert_eq!(answered, expected);
    assert_eq!(world.server.call("GET", &format!("/api/v2/organizations/{id}")).await.expect(200), expected);
    let by_name = "/api/v2/organizations/name/test-organization796";
    assert_eq!(world.server.call("GET", by_name).await.expect(200), expected);
    assert_eq!(world.raised().await, [raised("organization.created", expected)]);
    assert_eq!(
        world.server.call_with("POST", "/api/v2/organizations", &body).await.expect(409),
        error_with_code(409, "Conflict", "An organization with this name already exists", "organization_conflict")
    );
    assert_eq!(world.raised().await.len(), 1);
}

#[tokio::test]
async fn organization_created_with_connections() {
    let world = World::new().await;
    let connections = json!([{"connection_id": world.connection, "assign_membership_on_login": true}]);
    let mut body = json!({"name": "other", "enabled_connections": connections});
    let answered = world.server.call_with("POST", "/api/v2/organizations", &body).await.expect(201);
    let organization = json!({"id": answered["id"], "name": "other"});
    let added = json!({"organization": organization, "connection": {"id": world.connection},
        "assign_membership_on_login": true, "show_as_button": true, "is_enabled": true});
    let expected = [raised("organization.created", organization), raised("organization.connection.added", added)];
    assert_eq!(world.raised().await, expected);

    body["name"] = "third".into();
    let token = world.server.token_with(&["create:organizations"]).await;
    let request = axum::http::Request::post("/api/v2/organizations").header("authorization", format!("Bearer {token}"));
    let refused = world.server.send(request.body(body.to_string().into()).unwrap()).await.expect(403);
    assert_eq!(refused["message"], "Insufficient scope, expected any of: create:organization_connections");
    body["enabled_connections"][0]["connection_id"] = "con_unknown".into();
    assert_eq!(
        world.server.call_with("POST", "/api/v2/organizations", &body).await.expect(404),
        error(404, "Not Found", "No connection found by that id")
    );
    assert_eq!(world.raised().await.len(), 2, "a refused one leaves nothing");
    world.server.call("GET", "/api/v2/organizations/name/third").await.expect(404);
}

#[tokio::test]
async fn organization_updated() {
    let world = World::new().await;
    let first = json!({"display_name": "Acme", "metadata": {"a": "1", "b": "2"}});
    world.with("PATCH", "", first).await.expect(200);
    world.server.clock.advance(Duration::from_secs(1));
    let change = json!({"name": "acme-2", "metadata": {"c": "3"}});
    let answered = world.with("PATCH", "", change.clone()).await.expect(200);
    let id = &world.organization;
    let expected = json!({"id": id, "name": "acme-2", "display_name": "Acme", "metadata": {"c": "3"}});
    assert_eq!(answered, expected, "metadata is replaced whole");
    assert_eq!(world.with("PATCH", "", change).await.expect(200), expected);
    let events = world.raised().await;
    assert_eq!(events.len(), 2, "a change without effect raises nothing");
    let former = json!({"id": id, "name": "acme", "display_name": "Acme", "metadata": {"a": "1", "b": "2"}});
    assert_eq!(events[1], ("organization.updated".into(), json!({"object": expected, "previous_object": former})));
    made(&world.server, "organizations", json!({"name": "other"}), 201, "id").await;
    let taken = world.with("PATCH", "", json!({"name": "other"})).await.expect(409);
    assert_eq!(taken["errorCode"], "organization_conflict");
}

#[tokio::test]
async fn organization_deleted() {
    let world = World::new().await;
    let branding = json!({"display_name": "Acme", "branding": {"logo_url": "https://example.com/a.png"}});
    world.with("PATCH", "", branding).await.expect(200);
    world.join().await;
    world.with("POST", "/enabled_connections", json!({"connection_id": world.connection})).await.expect(201);
    let before = world.raised().await.len();
    world.server.call("DELETE", &world.path("")).await.expect(204);
    let deleted = json!({"id": world.organization, "name": "acme", "display_name": "Acme"});
    assert_eq!(world.raised().await[before..], [raised("organization.deleted", deleted)], "nothing for what was in it");
    let gone = error(404, "Not Found", "No organization found by that id or name");
    for (method, rest) in
        [("GET", ""), ("DELETE", ""), ("GET", "/members"), ("GET", "/enabled_connections"), ("GET", "/connections")]
    {
        assert_eq!(world.server.call(method, &world.path(rest)).await.expect(404), gone);
    }
    assert_eq!(world.with("PATCH", "", json!({})).await.expect(404), gone);
    assert_eq!(world.with("POST", "/members", json!({"members": [world.user]})).await.expect(404), gone);
    // The name is free, and what was in the former one is not in the new one.
    world.server.call_with("POST", "/api/v2/organizations", &json!({"name": "acme"})).await.expect(201);
}

#[tokio::test]
async fn post_organizations_members_raises_organization_member_added() {
    let world = World::new().await;
    let other = user(&world.server, "joe").await;
    world.join().await;
    let both = json!({"members": [world.user, other]});
    world.with("POST", "/members", both).await.expect(204);
    let organization = json!({"id": world.organization, "name": "acme"});
    let added = |user: &str| {
        let object = json!({"organization": organization, "user": {"user_id": user}});
        raised("organization.member.added", object)
    };
    let events = world.raised().await;
    assert_eq!(events[1..], [added(&world.user), added(&other)], "who is a member already raises nothing");
    let unknown = json!({"members": [other, "auth0|nobody"]});
    assert_eq!(world.with("POST", "/members", unknown).await.expect(404)["errorCode"], "inexistent_user");
    assert_eq!(world.raised().await.len(), 3);
    let logged = world.server.events().await;
    let lane = format!("organization:{}", world.organization);
    assert_eq!(logged.iter().filter(|event| event.event.subject.as_str() == lane).count(), 3, "one lane");
}

#[tokio::test]
async fn organization_member_deleted() {
    let world = World::new().await;
    world.join().await;
    world.server.call_with("POST", &world.roles_path(), &json!({"roles": [world.role]})).await.expect(204);
    let body = json!({"members": [world.user, "auth0|nobody"]});
    for _ in 0..2 {
        world.with("DELETE", "/members", body.clone()).await.expect(204);
    }
    let object = json!({"organization": {"id": world.organization, "name": "acme"}, "user": {"user_id": world.user}});
    let events = world.raised().await;
    assert_eq!(events[2..], [raised("organization.member.deleted", object)], "once, and nothing for the roles");
    world.server.call("GET", &world.roles_path()).await.expect(404);
    world.join().await;
    assert_eq!(world.server.call("GET", &world.roles_path()).await.expect(200), json!([]), "the roles went along");
}

#[tokio::test]
async fn get_post_and_delete_organizations_members_roles_raise_an_event_for_each_role() {
    let world = World::new().await;
    let path = world.roles_path();
    let assign = async |roles: Value| world.server.call_with("POST", &path, &json!({ "roles": roles })).await;
    let outsider = error(404, "Not Found", "The user is not a member of the organization.");
    assert_eq!(assign(json!([world.role])).await.expect(404), outsider);
    world.join().await;
    let editor = made(&world.server, "roles", json!({"name": "editor"}), 200, "id").await;
    assign(json!([world.role])).await.expect(204);
    assign(json!([world.role, editor])).await.expect(204);
    let page = world.server.call("GET", &format!("{path}?per_page=1&include_totals=true")).await.expect(200);
    assert_eq!((&page["roles"][0]["name"], &page["total"]), (&json!("admin"), &json!(2)));
    assert_eq!(assign(json!(["rol_unknown"])).await.expect(404)["message"], "The role does not exist.");
    for _ in 0..2 {
        world.server.call_with("DELETE", &path, &json!({"roles": [world.role, "rol_unknown"]})).await.expect(204);
    }
    let object = |id: &str, name: &str| {
        json!({"organization": {"id": world.organization}, "user": {"user_id": world.user},
            "role": {"id": id, "name": name}})
    };
    let (admin, editor) = (object(&world.role, "admin"), object(&editor, "editor"));
    let assigned = "organization.member.role.assigned";
    let expected =
        [raised(assigned, admin.clone()), raised(assigned, editor), raised("organization.member.role.deleted", admin)];
    assert_eq!(world.raised().await[1..], expected);
}

#[tokio::test]
async fn get_post_patch_and_delete_organizations_enabled_connections_raise_an_event_each() {
    let world = World::new().await;
    let id = &world.connection;
    let body = json!({"connection_id": id, "assign_membership_on_login": true, "show_as_button": true});
    let answered = world.with("POST", "/enabled_connections", body.clone()).await.expect(201);
    let wire = |assign: bool, show: bool| {
        json!({"connection_id": id, "assign_membership_on_login": assign, "show_as_button": show,
            "connection": {"name": DATABASE, "strategy": "auth0"}})
    };
    assert_eq!(answered, wire(true, true));
    let again = world.with("POST", "/enabled_connections", body).await.expect(409);
    assert_eq!(again["errorCode"], "organization_conflict");
    let one = format!("/enabled_connections/{id}");
    let off = json!({"assign_membership_on_login": false, "show_as_button": false});
    for _ in 0..2 {
        assert_eq!(world.with("PATCH", &one, off.clone()).await.expect(200), wire(false, false));
    }
    assert_eq!(world.server.call("GET", &world.path(&one)).await.expect(200), wire(false, false));
    world.server.call("DELETE", &world.path(&one)).await.expect(204);
    let unknown = error(404, "Not Found", "No connection found by that id");
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(world.with(method, &one, json!({})).await.expect(404), unknown);
    }
    let nowhere = json!({"connection_id": "con_unknown"});
    assert_eq!(world.with("POST", "/enabled_connections", nowhere).await.expect(404), unknown);

    let organization = json!({"id": world.organization, "name": "acme"});
    let object = |assign: bool, show: bool| {
        json!({"organization": organization, "connection": {"id": id}, "assign_membership_on_login": assign,
            "show_as_button": show, "is_enabled": true})
    };
    let updated = json!({"object": object(false, false), "previous_object": object(true, true)});
    let removed = json!({"organization": organization, "connection": {"id": id}});
    let expected = [
        raised("organization.connection.added", object(true, true)),
        ("organization.connection.updated".into(), updated),
        raised("organization.connection.removed", removed),
    ];
    assert_eq!(world.raised().await, expected);
}

#[tokio::test]
async fn get_post_patch_and_delete_organizations_connections_have_more_settings_and_raise_the_same_events() {
    let world = World::new().await;
    let id = &world.connection;
    let body = json!({"connection_id": id, "organization_connection_name": "acme-db", "is_signup_enabled": true,
        "organization_access_level": "limited", "is_enabled": false});
    let answered = world.with("POST", "/connections", body).await.expect(201);
    let mut expected = json!({"organization_connection_name": "acme-db", "connection_id": id,
        "assign_membership_on_login": false, "show_as_button": true, "is_signup_enabled": true,
        "organization_access_level": "limited", "is_enabled": false,
        "connection": {"name": DATABASE, "strategy": "auth0"}});
    assert_eq!(answered, expected);
    let list = async |rest: &str| world.server.call("GET", &world.path(rest)).await.expect(200);
    assert_eq!(list("/connections").await, json!([expected]));
    assert_eq!(list("/connections?is_enabled=false").await, json!([expected]));
    assert_eq!(list("/connections?is_enabled=true").await, json!([]));
    assert_eq!(list("/enabled_connections").await, json!([]), "it is not enabled");
    world.server.call("GET", &world.path(&format!("/enabled_connections/{id}"))).await.expect(404);
    let one = format!("/connections/{id}");
    expected["is_enabled"] = true.into();
    assert_eq!(world.with("PATCH", &one, json!({"is_enabled": true})).await.expect(200), expected);
    assert_eq!(list(&one).await, expected);
    assert_eq!(list("/enabled_connections").await.as_array().unwrap().len(), 1);
    assert_eq!(list("/enabled_connections?take=1").await["enabled_connections"].as_array().unwrap().len(), 1);
    let level = world.with("PATCH", &one, json!({"organization_access_level": "all"})).await.expect(400);
    assert!(level["message"].as_str().unwrap().contains("'No enum match for: all' on property"));
    world.server.call("DELETE", &world.path(&one)).await.expect(204);
    let events = world.raised().await;
    let types: Vec<_> = events.iter().map(|(event_type, _)| event_type.as_str()).collect();
    assert_eq!(
        types,
        ["organization.connection.added", "organization.connection.updated", "organization.connection.removed"]
    );
    let object = json!({"organization": {"id": world.organization, "name": "acme"}, "connection": {"id": id},
        "assign_membership_on_login": false, "show_as_button": true, "is_signup_enabled": true,
        "organization_access_level": "limited", "is_enabled": false});
    assert_eq!(events[0].1["object"], object);
}

#[tokio::test]
async fn get_organizations_and_their_members_page_in_both_ways() {
    let world = World::new().await;
    let mut ids = vec![world.user.clone()];
    for name in ["joe", "jim"] {
        ids.push(user(&world.server, name).await);
        made(&world.server, "organizations", json!({ "name": name }), 201, "id").await;
    }
    world.with("POST", "/members", json!({ "members": ids })).await.expect(204);
    let get = async |path: &str| world.server.call("GET", path).await.expect(200);
    let of = |list: &Value, key: &str| {
        let list = list.as_array().unwrap().iter();
        list.map(|each| each[key].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(&get("/api/v2/organizations").await, "name"), ["acme", "joe", "jim"]);
    let page = get("/api/v2/organizations?page=1&per_page=2&include_totals=true").await;
    assert_eq!((of(&page["organizations"], "name"), &page["total"]), (vec!["jim".to_owned()], &json!(3)));
    let first = get("/api/v2/organizations?take=2").await;
    assert_eq!(of(&first["organizations"], "name"), ["acme", "joe"]);
    let next = first["next"].as_str().unwrap();
    let last = get(&format!("/api/v2/organizations?take=2&from={next}")).await;
    assert_eq!((of(&last["organizations"], "name"), last.get("next")), (vec!["jim".to_owned()], None));

    let members = world.path("/members");
    assert_eq!(of(&get(&members).await, "user_id"), ids);
    let page = get(&format!("{members}?page=2&per_page=1&include_totals=true")).await;
    assert_eq!((of(&page["members"], "user_id"), &page["total"]), (ids[2..].to_vec(), &json!(3)));
    let first = get(&format!("{members}?take=1")).await;
    let next = first["next"].as_str().unwrap();
    assert_eq!(of(&get(&format!("{members}?from={next}")).await["members"], "user_id"), ids[1..]);
    world.server.call_with("POST", &world.roles_path(), &json!({"roles": [world.role]})).await.expect(204);
    let selected = get(&format!("{members}?fields=user_id,roles&per_page=1")).await;
    assert_eq!(selected, json!([{"user_id": ids[0], "roles": [{"id": world.role, "name": "admin"}]}]));

    world.server.call("DELETE", &format!("/api/v2/users/{}", ids[1].replace('|', "%7C"))).await.expect(204);
    assert_eq!(of(&get(&members).await, "user_id"), [ids[0].clone(), ids[2].clone()]);
    let events = world.raised().await;
    assert_eq!(events.last().unwrap().0, "user.deleted", "a membership that goes with its user raises nothing");
}

#[tokio::test]
async fn faults_name_the_member() {
    let world = World::new().await;
    let many: Vec<String> = (0..11).map(|number| format!("auth0|{number}")).collect();
    let entries: serde_json::Map<String, Value> = (0..26).map(|number| (number.to_string(), "x".into())).collect();
    let name = "on property name (The name of this organization).";
    let pattern = "does not match pattern ^(?!org_)[a-z0-9]([a-z0-9-_]*[a-z0-9])?$";
    let metadata = "on property metadata (Metadata associated with the organization: at most 25 texts).";
    let cases = [
        ("", json!({}), "'Missing required property: name'.".to_owned()),
        ("", json!({"name": "org_acme"}), format!("'String 'org_acme' {pattern}' {name}")),
        ("", json!({"name": "Acme"}), format!("'String 'Acme' {pattern}' {name}")),
        ("", json!({"name": "a".repeat(51)}), format!("'String is too long (51 chars), maximum 50' {name}")),
        (
            "",
            json!({"name": "a", "metadata": {"a": 1}}),
            format!("'Expected type string for every value, but a is another' {metadata}"),
        ),
        (
            "",
            json!({"name": "a", "metadata": entries}),
            format!("'Too many properties defined (26), maximum 25' {metadata}"),
        ),
        (
            "",
            json!({"name": "a", "branding": {"colors": {"primary": "red"}}}),
            "'String 'red' does not match pattern ^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$' on property \
             branding.colors.primary (HEX Color for primary elements)."
                .to_owned(),
        ),
        (
            "/members",
            json!({ "members": many }),
            "'Array is too long (11), maximum 10' on property members (List of user IDs).".to_owned(),
        ),
        (
            "/enabled_connections",
            json!({"connection_id": "con_1", "is_enabled": true}),
            "'Additional properties not allowed: is_enabled'.".to_owned(),
        ),
    ];
    for (rest, body, message) in cases {
        let path = if rest.is_empty() { "/api/v2/organizations".to_owned() } else { world.path(rest) };
        assert_eq!(world.server.call_with("POST", &path, &body).await.expect(400), invalid_body(&message));
    }
    assert_eq!(world.raised().await, []);
}

#[tokio::test]
async fn each_operation_asks_for_its_scope() {
    let world = World::new().await;
    let token = world.server.token_with(&["read:clients"]).await;
    for (method, rest, scope) in [
        ("GET", "", "read:organizations"),
        ("PATCH", "", "update:organizations"),
        ("DELETE", "", "delete:organizations"),
        ("GET", "/members", "read:organization_members"),
        ("POST", "/members", "create:organization_members"),
        ("DELETE", "/members", "delete:organization_members"),
        ("GET", "/members/x/roles", "read:organization_member_roles"),
        ("POST", "/members/x/roles", "create:organization_member_roles"),
        ("DELETE", "/members/x/roles", "delete:organization_member_roles"),
        ("GET", "/enabled_connections", "read:organization_connections"),
        ("POST", "/enabled_connections", "create:organization_connections"),
        ("PATCH", "/enabled_connections/x", "update:organization_connections"),
        ("DELETE", "/connections/x", "delete:organization_connections"),
    ] {
        let refused = world.server.call_as(&token, method, &world.path(rest)).await.expect(403);
        assert_eq!(refused["message"], format!("Insufficient scope, expected any of: {scope}"));
    }
}

#[tokio::test]
async fn changes_at_once_are_each_made_and_told_once() {
    let world = World::new().await;
    let join = async || world.with("POST", "/members", json!({"members": [world.user]})).await.expect(204);
    let rename = async || world.with("PATCH", "", json!({"name": "acme-2"})).await.expect(200);
    tokio::join!(join(), rename(), join(), join());
    let events = world.raised().await;
    assert_eq!(events.len(), 2);
    let renamed = events.iter().position(|event| event.0 == "organization.updated").unwrap();
    let joined = events.iter().find(|event| event.0 == "organization.member.added").unwrap();
    let name = if renamed == 0 { "acme-2" } else { "acme" };
    assert_eq!(joined.1["object"]["organization"]["name"], name, "an event tells the name that held");
}

#[tokio::test]
async fn a_snapshot_tells_of_what_is_there_in_events_that_fit_their_schemas() {
    let world = World::new().await;
    world.join().await;
    world.with("POST", "/enabled_connections", json!({"connection_id": world.connection})).await.expect(201);
    world.server.call_with("POST", &world.roles_path(), &json!({"roles": [world.role]})).await.expect(204);
    let enterprise = json!({"name": "corp", "strategy": "oidc", "options": {"client_id": "abc"}});
    world.server.call_with("POST", "/api/v2/connections", &enterprise).await.expect(201);
    let before = world.server.event_bodies().await.len();
    let told = [
        "user.created",
        "connection.created",
        "organization.created",
        "organization.connection.added",
        "organization.member.added",
        "organization.member.role.assigned",
    ];
    let subscriptions: Vec<Value> = told.iter().map(|name| json!({ "event_type": name })).collect();
    let stream = json!({"subscriptions": subscriptions, "headwater": {"start_from": "snapshot"},
        "destination": {"type": "webhook", "configuration": {"webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "a-token"}}}});
    let id = made(&world.server, "event-streams", stream, 201, "id").await;
    let id = domain::ids::StreamId::parse(&id).unwrap();
    let now = domain::clock::Timestamp::from_millis(crate::server::START);
    let step = async || store::Log::snapshot_step(&*world.server.store, id, now, 2).await.unwrap();
    while step().await == store::SnapshotStep::More {}
    let events = world.server.event_bodies().await;
    schema::check(&events);
    let types: Vec<_> = events[before..].iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, told, "in an order in which they can be applied");
}
