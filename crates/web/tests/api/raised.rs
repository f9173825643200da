//! Each of the 25 event types, raised by each change that raises it (event-types.md): a test a way, named after the type
//! and the operation. The page of compatibility lists them.

use serde_json::{Value, json};

use crate::schema;
use crate::scim::Provider;
use crate::scim_groups::group;
use crate::server::Server;

const DATABASE: &str = "Username-Password-Authentication";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The types whose events tell what was before.
const WITH_PREVIOUS: &[&str] =
    &["user.updated", "organization.updated", "organization.connection.updated", "group.updated", "connection.updated"];

/// Calls, and what they raise.
struct World {
    provider: Provider,
}

/// What one call answered, and the events that it raised.
struct Raised {
    answered: Value,
    events: Vec<Value>,
}

impl Raised {
    /// The object of the one event of this type.
    #[track_caller]
    fn told(&self, event_type: &str) -> &Value {
        let mut found = self.events.iter().filter(|event| event["type"] == event_type);
        let event = found.next().unwrap_or_else(|| panic!("no {event_type} among {:#?}", self.events));
        assert!(found.next().is_none(), "{event_type} is raised once");
        let data = &event["data"];
        assert_eq!(data.get("previous_object").is_some(), WITH_PREVIOUS.contains(&event_type), "{event_type}");
        assert_eq!(data["context"]["tenant"]["id"], "default");
        &data["object"]
    }

    /// Nothing else was raised.
    #[track_caller]
    fn only(&self, event_type: &str) -> &Value {
        assert_eq!(self.events.len(), 1, "{:#?}", self.events);
        self.told(event_type)
    }

    fn id(&self) -> &str {
        self.answered["id"].as_str().unwrap()
    }
}

impl World {
    async fn start() -> Self {
        Self { provider: Provider::start("okta").await }
    }

    fn server(&self) -> &Server {
        &self.provider.server
    }

    /// Makes a change through the Management API, or, where the path begins with `Users` or `Groups`, as the identity
    /// provider does. Each event that it raises fits its schema.
    async fn change(&self, method: &str, path: &str, body: Value) -> Raised {
        let before = self.server().event_bodies().await.len();
        let path = path.replace('|', "%7C");
        let reply = if path.starts_with("Users") || path.starts_with("Groups") {
            self.provider.call_with(method, &path, &body).await
        } else {
            self.server().call_with(method, &format!("/api/v2/{path}"), &body).await
        };
        assert!(reply.status.is_success(), "{method} {path}: {}", reply.text());
        let answered = if reply.body.is_empty() { Value::Null } else { reply.json() };
        let events = self.provider.events_from(before).await;
        schema::check(&events);
        Raised { answered, events }
    }

    /// Makes something, and answers its id.
    async fn made(&self, path: &str, body: Value) -> String {
        let raised = self.change("POST", path, body).await;
        let id = raised.answered.get("user_id").unwrap_or(&raised.answered["id"]);
        id.as_str().unwrap().to_owned()
    }

    async fn user(&self, name: &str) -> String {
        self.made("users", user(name)).await
    }

    async fn organization(&self) -> String {
        self.made("organizations", json!({"name": "acme"})).await
    }

    async fn role(&self) -> String {
        self.made("roles", json!({"name": "reader"})).await
    }

    async fn group(&self, members: &[&Value]) -> String {
        self.made("Groups", group("Admins", members)).await
    }

    async fn connection(&self) -> String {
        self.made("connections", json!({"name": "other", "strategy": "oidc", "options": {"client_id": "c"}})).await
    }
}

fn user(name: &str) -> Value {
    json!({"connection": DATABASE, "email": format!("{name}@example.com"), "password": "I have a password"})
}

fn operations(operations: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

fn local_id(user_id: &str) -> &str {
    user_id.split_once('|').unwrap().1
}

#[tokio::test]
async fn user_created_is_raised_by_post_users() {
    let world = World::start().await;
    let raised = world.change("POST", "users", user("jane")).await;
    assert_eq!(raised.only("user.created"), &raised.answered);
}

#[tokio::test]
async fn user_created_is_raised_by_post_scim_users() {
    let world = World::start().await;
    let body = json!({"schemas": [USER], "userName": "jane@corp.example", "externalId": "7"});
    let raised = world.change("POST", "Users", body).await;
    assert_eq!(raised.only("user.created")["identities"][0]["provider"], "okta");
}

#[tokio::test]
async fn user_created_is_raised_by_delete_users_identities() {
    let world = World::start().await;
    let (jane, joe) = (world.user("jane").await, world.user("joe").await);
    let link = json!({"provider": "auth0", "user_id": local_id(&joe)});
    world.change("POST", &format!("users/{jane}/identities"), link).await;
    let path = format!("users/{jane}/identities/auth0/{}", local_id(&joe));
    let raised = world.change("DELETE", &path, Value::Null).await;
    assert_eq!(raised.told("user.created")["user_id"], joe);
}

#[tokio::test]
async fn user_updated_is_raised_by_patch_users() {
    let world = World::start().await;
    let jane = world.user("jane").await;
    let raised = world.change("PATCH", &format!("users/{jane}"), json!({"nickname": "jay"})).await;
    assert_eq!(raised.only("user.updated"), &raised.answered);
    assert_eq!(raised.events[0]["data"]["previous_object"]["nickname"], "jane");
}

#[tokio::test]
async fn user_updated_is_raised_by_post_users_identities() {
    let world = World::start().await;
    let (jane, joe) = (world.user("jane").await, world.user("joe").await);
    let link = json!({"provider": "auth0", "user_id": local_id(&joe)});
    let raised = world.change("POST", &format!("users/{jane}/identities"), link).await;
    assert_eq!(raised.told("user.updated")["identities"], raised.answered);
}

#[tokio::test]
async fn user_updated_is_raised_by_delete_users_identities() {
    let world = World::start().await;
    let (jane, joe) = (world.user("jane").await, world.user("joe").await);
    let link = json!({"provider": "auth0", "user_id": local_id(&joe)});
    world.change("POST", &format!("users/{jane}/identities"), link).await;
    let path = format!("users/{jane}/identities/auth0/{}", local_id(&joe));
    let raised = world.change("DELETE", &path, Value::Null).await;
    assert_eq!(raised.told("user.updated")["identities"], raised.answered);
}

#[tokio::test]
async fn user_updated_is_raised_by_put_scim_users() {
    let world = World::start().await;
    let jane = world.provider.user("jane").await;
    let body = json!({"schemas": [USER], "userName": jane["userName"], "name": {"givenName": "Jane"}});
    let raised = world.change("PUT", &format!("Users/{}", jane["id"].as_str().unwrap()), body).await;
    assert_eq!(raised.only("user.updated")["given_name"], "Jane");
}

#[tokio::test]
async fn user_updated_is_raised_by_patch_scim_users() {
    let world = World::start().await;
    let jane = world.provider.user("jane").await;
    let body = operations(json!([{"op": "replace", "path": "active", "value": false}]));
    let raised = world.change("PATCH", &format!("Users/{}", jane["id"].as_str().unwrap()), body).await;
    assert_eq!(raised.only("user.updated")["blocked"], true);
}

#[tokio::test]
async fn user_deleted_is_raised_by_delete_users() {
    let world = World::start().await;
    let jane = world.user("jane").await;
    let raised = world.change("DELETE", &format!("users/{jane}"), Value::Null).await;
    let object = raised.only("user.deleted");
    assert_eq!((&object["user_id"], object["deleted_at"].is_string()), (&json!(jane), true));
}

#[tokio::test]
async fn user_deleted_is_raised_by_delete_scim_users() {
    let world = World::start().await;
    let jane = world.provider.user("jane").await;
    let path = format!("Users/{}", jane["id"].as_str().unwrap());
    let raised = world.change("DELETE", &path, Value::Null).await;
    assert_eq!(raised.only("user.deleted")["email"], "jane@corp.example");
}

#[tokio::test]
async fn user_deleted_is_raised_by_post_users_identities() {
    let world = World::start().await;
    let (jane, joe) = (world.user("jane").await, world.user("joe").await);
    let link = json!({"provider": "auth0", "user_id": local_id(&joe)});
    let raised = world.change("POST", &format!("users/{jane}/identities"), link).await;
    assert_eq!(raised.told("user.deleted")["user_id"], joe);
}

#[tokio::test]
async fn organization_created_is_raised_by_post_organizations() {
    let world = World::start().await;
    let raised = world.change("POST", "organizations", json!({"name": "acme", "display_name": "Acme"})).await;
    assert_eq!(raised.only("organization.created"), &raised.answered);
}

#[tokio::test]
async fn organization_updated_is_raised_by_patch_organizations() {
    let world = World::start().await;
    let id = world.organization().await;
    let raised = world.change("PATCH", &format!("organizations/{id}"), json!({"display_name": "Acme"})).await;
    assert_eq!(raised.only("organization.updated"), &raised.answered);
}

#[tokio::test]
async fn organization_deleted_is_raised_by_delete_organizations() {
    let world = World::start().await;
    let id = world.organization().await;
    let raised = world.change("DELETE", &format!("organizations/{id}"), Value::Null).await;
    assert_eq!(raised.only("organization.deleted")["id"], id);
}

#[tokio::test]
async fn organization_member_added_is_raised_by_post_organizations_members() {
    let world = World::start().await;
    let (organization, jane) = (world.organization().await, world.user("jane").await);
    let path = format!("organizations/{organization}/members");
    let raised = world.change("POST", &path, json!({"members": [jane]})).await;
    let object = raised.only("organization.member.added");
    assert_eq!((&object["organization"]["id"], &object["user"]["user_id"]), (&json!(organization), &json!(jane)));
}

#[tokio::test]
async fn organization_member_deleted_is_raised_by_delete_organizations_members() {
    let world = World::start().await;
    let (organization, jane) = (world.organization().await, world.user("jane").await);
    let path = format!("organizations/{organization}/members");
    world.change("POST", &path, json!({"members": [jane]})).await;
    let raised = world.change("DELETE", &path, json!({"members": [jane]})).await;
    assert_eq!(raised.only("organization.member.deleted")["user"]["user_id"], jane);
}

/// A member of an organization, a role, and the path of the member's roles.
async fn member(world: &World) -> (String, String) {
    let (organization, jane, role) = (world.organization().await, world.user("jane").await, world.role().await);
    world.change("POST", &format!("organizations/{organization}/members"), json!({"members": [jane]})).await;
    (role, format!("organizations/{organization}/members/{jane}/roles"))
}

#[tokio::test]
async fn organization_member_role_assigned_is_raised_by_post_organizations_members_roles() {
    let world = World::start().await;
    let (role, path) = member(&world).await;
    let raised = world.change("POST", &path, json!({"roles": [role]})).await;
    let expected = json!({"id": role, "name": "reader"});
    assert_eq!(raised.only("organization.member.role.assigned")["role"], expected);
}

#[tokio::test]
async fn organization_member_role_deleted_is_raised_by_delete_organizations_members_roles() {
    let world = World::start().await;
    let (role, path) = member(&world).await;
    world.change("POST", &path, json!({"roles": [role]})).await;
    let raised = world.change("DELETE", &path, json!({"roles": [role]})).await;
    assert_eq!(raised.only("organization.member.role.deleted")["role"]["id"], role);
}

/// Adds a connection to an organization, changes that and takes it away, at one of the two paths.
async fn connection_in_organization(name: &str, change: Value) -> [Raised; 3] {
    let world = World::start().await;
    let (path, connection) =
        (format!("organizations/{}/{name}", world.organization().await), world.provider.connection.clone());
    let added = world.change("POST", &path, json!({"connection_id": connection})).await;
    let one = format!("{path}/{connection}");
    let changed = world.change("PATCH", &one, change).await;
    [added, changed, world.change("DELETE", &one, Value::Null).await]
}

#[tokio::test]
async fn organization_connection_added_is_raised_by_post_organizations_enabled_connections() {
    let [raised, ..] = connection_in_organization("enabled_connections", json!({"show_as_button": false})).await;
    assert_eq!(raised.only("organization.connection.added")["connection"]["id"], raised.answered["connection_id"]);
}

#[tokio::test]
async fn organization_connection_added_is_raised_by_post_organizations_connections() {
    let [raised, ..] = connection_in_organization("connections", json!({"is_enabled": false})).await;
    assert_eq!(raised.only("organization.connection.added")["connection"]["id"], raised.answered["connection_id"]);
}

#[tokio::test]
async fn organization_connection_updated_is_raised_by_patch_organizations_enabled_connections() {
    let [_, raised, _] = connection_in_organization("enabled_connections", json!({"show_as_button": false})).await;
    assert_eq!(raised.only("organization.connection.updated")["show_as_button"], false);
}

#[tokio::test]
async fn organization_connection_updated_is_raised_by_patch_organizations_connections() {
    let change = json!({"organization_access_level": "full"});
    let [_, raised, _] = connection_in_organization("connections", change).await;
    assert_eq!(raised.only("organization.connection.updated")["organization_access_level"], "full");
}

#[tokio::test]
async fn organization_connection_removed_is_raised_by_delete_organizations_enabled_connections() {
    let [added, _, raised] = connection_in_organization("enabled_connections", json!({"show_as_button": false})).await;
    assert_eq!(raised.only("organization.connection.removed")["connection"]["id"], added.answered["connection_id"]);
}

#[tokio::test]
async fn organization_connection_removed_is_raised_by_delete_organizations_connections() {
    let [added, _, raised] = connection_in_organization("connections", json!({"is_enabled": false})).await;
    assert_eq!(raised.only("organization.connection.removed")["connection"]["id"], added.answered["connection_id"]);
}

#[tokio::test]
async fn group_created_is_raised_by_post_scim_groups() {
    let world = World::start().await;
    let raised = world.change("POST", "Groups", group("Admins", &[])).await;
    let object = raised.only("group.created");
    assert_eq!((&object["id"], &object["name"]), (&json!(raised.id()), &json!("Admins")));
}

#[tokio::test]
async fn group_updated_is_raised_by_put_scim_groups() {
    let world = World::start().await;
    let id = world.group(&[]).await;
    let body = json!({"schemas": [GROUP], "displayName": "Support"});
    let raised = world.change("PUT", &format!("Groups/{id}"), body).await;
    assert_eq!(raised.only("group.updated")["name"], "Support");
}

#[tokio::test]
async fn group_updated_is_raised_by_patch_scim_groups() {
    let world = World::start().await;
    let id = world.group(&[]).await;
    let body = operations(json!([{"op": "replace", "path": "externalId", "value": "9"}]));
    let raised = world.change("PATCH", &format!("Groups/{id}"), body).await;
    assert_eq!(raised.only("group.updated")["external_id"], "9");
}

#[tokio::test]
async fn group_deleted_is_raised_by_delete_scim_groups() {
    let world = World::start().await;
    let id = world.group(&[]).await;
    let raised = world.change("DELETE", &format!("Groups/{id}"), Value::Null).await;
    assert_eq!(raised.only("group.deleted")["id"], id);
}

#[tokio::test]
async fn group_deleted_is_raised_by_delete_groups() {
    let world = World::start().await;
    let id = world.group(&[]).await;
    let raised = world.change("DELETE", &format!("groups/{id}"), Value::Null).await;
    assert_eq!(raised.only("group.deleted")["id"], id);
}

#[tokio::test]
async fn group_member_added_is_raised_by_post_scim_groups() {
    let world = World::start().await;
    let jane = world.provider.user("jane").await;
    let raised = world.change("POST", "Groups", group("Admins", &[&jane])).await;
    assert_eq!(raised.told("group.member.added")["group"]["id"], raised.id());
}

#[tokio::test]
async fn group_member_added_is_raised_by_put_scim_groups() {
    let world = World::start().await;
    let (jane, id) = (world.provider.user("jane").await, world.group(&[]).await);
    let raised = world.change("PUT", &format!("Groups/{id}"), group("Admins", &[&jane])).await;
    assert_eq!(raised.only("group.member.added")["member"]["member_type"], "user");
}

#[tokio::test]
async fn group_member_added_is_raised_by_patch_scim_groups() {
    let world = World::start().await;
    let (jane, id) = (world.provider.user("jane").await, world.group(&[]).await);
    let body = operations(json!([{"op": "add", "path": "members", "value": [{"value": jane["id"]}]}]));
    let raised = world.change("PATCH", &format!("Groups/{id}"), body).await;
    assert_eq!(raised.only("group.member.added")["group"]["id"], id);
}

#[tokio::test]
async fn group_member_deleted_is_raised_by_put_scim_groups() {
    let world = World::start().await;
    let jane = world.provider.user("jane").await;
    let id = world.group(&[&jane]).await;
    let raised = world.change("PUT", &format!("Groups/{id}"), group("Admins", &[])).await;
    assert_eq!(raised.only("group.member.deleted")["group"]["id"], id);
}

#[tokio::test]
async fn group_member_deleted_is_raised_by_patch_scim_groups() {
    let world = World::start().await;
    let jane = world.provider.user("jane").await;
    let id = world.group(&[&jane]).await;
    let path = format!("members[value eq {}]", jane["id"]);
    let raised =
        world.change("PATCH", &format!("Groups/{id}"), operations(json!([{"op": "remove", "path": path}]))).await;
    assert_eq!(raised.only("group.member.deleted")["group"]["id"], id);
}

#[tokio::test]
async fn group_role_assigned_is_raised_by_post_groups_roles() {
    let world = World::start().await;
    let (id, role) = (world.group(&[]).await, world.role().await);
    let raised = world.change("POST", &format!("groups/{id}/roles"), json!({"roles": [role]})).await;
    assert_eq!(raised.only("group.role.assigned")["role"], json!({"id": role, "name": "reader"}));
}

#[tokio::test]
async fn group_role_assigned_is_raised_by_post_roles_groups() {
    let world = World::start().await;
    let (id, role) = (world.group(&[]).await, world.role().await);
    let raised = world.change("POST", &format!("roles/{role}/groups"), json!({"groups": [id]})).await;
    assert_eq!(raised.only("group.role.assigned")["group"]["id"], id);
}

#[tokio::test]
async fn group_role_deleted_is_raised_by_delete_groups_roles() {
    let world = World::start().await;
    let (id, role) = (world.group(&[]).await, world.role().await);
    let path = format!("groups/{id}/roles");
    world.change("POST", &path, json!({"roles": [role]})).await;
    let raised = world.change("DELETE", &path, json!({"roles": [role]})).await;
    assert_eq!(raised.only("group.role.deleted")["role"]["id"], role);
}

#[tokio::test]
async fn group_role_deleted_is_raised_by_delete_roles_groups() {
    let world = World::start().await;
    let (id, role) = (world.group(&[]).await, world.role().await);
    let path = format!("roles/{role}/groups");
    world.change("POST", &path, json!({"groups": [id]})).await;
    let raised = world.change("DELETE", &path, json!({"groups": [id]})).await;
    assert_eq!(raised.only("group.role.deleted")["group"]["id"], id);
}

/// Gives a group a role in an organization and takes it away.
async fn role_in_organization() -> (String, Raised, Raised) {
    let world = World::start().await;
    let (organization, id, role) = (world.organization().await, world.group(&[]).await, world.role().await);
    let path = format!("organizations/{organization}/groups/{id}/roles");
    let assigned = world.change("POST", &path, json!({"roles": [role]})).await;
    let deleted = world.change("DELETE", &path, json!({"roles": [role]})).await;
    (role, assigned, deleted)
}

#[tokio::test]
async fn organization_group_role_assigned_is_raised_by_post_organizations_groups_roles() {
    let (role, raised, _) = role_in_organization().await;
    assert_eq!(raised.only("organization.group.role.assigned")["role"]["id"], role);
}

#[tokio::test]
async fn organization_group_role_deleted_is_raised_by_delete_organizations_groups_roles() {
    let (role, _, raised) = role_in_organization().await;
    assert_eq!(raised.only("organization.group.role.deleted")["role"]["id"], role);
}

#[tokio::test]
async fn connection_created_is_raised_by_post_connections() {
    let world = World::start().await;
    let body = json!({"name": "other", "strategy": "samlp"});
    let raised = world.change("POST", "connections", body).await;
    assert_eq!(raised.only("connection.created")["id"], raised.id());
}

#[tokio::test]
async fn connection_updated_is_raised_by_patch_connections() {
    let world = World::start().await;
    let id = world.connection().await;
    let raised = world.change("PATCH", &format!("connections/{id}"), json!({"display_name": "Other"})).await;
    assert_eq!(raised.only("connection.updated")["display_name"], "Other");
}

#[tokio::test]
async fn connection_updated_is_raised_by_patch_connections_clients() {
    let world = World::start().await;
    let id = world.connection().await;
    let body = json!([{"client_id": crate::server::CLIENT_ID, "status": true}]);
    let raised = world.change("PATCH", &format!("connections/{id}/clients"), body).await;
    assert_eq!(raised.only("connection.updated")["enabled_clients"], json!([crate::server::CLIENT_ID]));
}

#[tokio::test]
async fn connection_deleted_is_raised_by_delete_connections() {
    let world = World::start().await;
    let id = world.connection().await;
    let raised = world.change("DELETE", &format!("connections/{id}"), Value::Null).await;
    assert_eq!(raised.only("connection.deleted")["id"], id);
}
