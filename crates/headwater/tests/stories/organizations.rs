//! A company as its receiver hears of it: an organization with its members and their roles through the Management API, and
//! the groups of its identity provider through SCIM.

use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::server::Server;

const TYPES: &[&str] = &[
    "organization.created",
    "organization.connection.added",
    "organization.member.added",
    "organization.member.role.assigned",
    "organization.group.role.assigned",
    "organization.group.role.deleted",
    "organization.deleted",
    "group.created",
    "group.member.added",
    "group.role.assigned",
    "group.member.deleted",
    "group.deleted",
];

/// Makes something, and answers its id.
async fn made(server: &Server, path: &str, body: Value) -> String {
    let (status, made) = server.call("POST", path, Some(body)).await;
    assert!((200..300).contains(&status), "{path}: {status} {made}");
    ["id", "token", "connection_id"].iter().find_map(|name| made[name].as_str()).unwrap_or_default().to_owned()
}

/// A call as the identity provider of the connection makes it.
async fn provision(server: &Server, token: &str, method: &str, path: &str, body: Option<Value>) -> Value {
    let http = reqwest::Client::new();
    let mut request =
        http.request(method.parse().unwrap(), format!("{}/scim/v2/{path}", server.url)).bearer_auth(token);
    if let Some(body) = body {
        request = request.header("content-type", "application/scim+json").body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{method} {path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_hears_of_an_organization_its_members_and_its_groups_in_order() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    server.create_stream(&format!("http://{}/in", receiver.address), TYPES).await;

    let connection = made(&server, "connections", json!({"name": "corp", "strategy": "okta"})).await;
    let configuration = format!("connections/{connection}/scim-configuration");
    made(&server, &configuration, json!({})).await;
    let token = made(&server, &format!("{configuration}/tokens"), json!({})).await;
    let at = format!("connections/{connection}");
    let user = json!({"userName": "jane@corp.example", "externalId": "7"});
    let user = provision(&server, &token, "POST", &format!("{at}/Users"), Some(user)).await["id"].clone();
    let group = json!({"displayName": "Admins", "members": [{"value": user}]});
    let group = provision(&server, &token, "POST", &format!("{at}/Groups"), Some(group)).await["id"].clone();
    let group = group.as_str().unwrap();

    let organization = made(&server, "organizations", json!({"name": "acme"})).await;
    let role = made(&server, "roles", json!({"name": "reader"})).await;
    let inside = format!("organizations/{organization}");
    made(&server, &format!("{inside}/enabled_connections"), json!({"connection_id": connection})).await;
    made(&server, &format!("{inside}/members"), json!({"members": ["okta|corp|7"]})).await;
    made(&server, &format!("{inside}/members/okta%7Ccorp%7C7/roles"), json!({"roles": [role]})).await;
    made(&server, &format!("{inside}/groups/{group}/roles"), json!({"roles": [role]})).await;
    made(&server, &format!("groups/{group}/roles"), json!({"roles": [role]})).await;

    let leaving = json!({"Operations": [{"op": "remove", "path": format!("members[value eq {user}]")}]});
    provision(&server, &token, "PATCH", &format!("{at}/Groups/{group}"), Some(leaving)).await;
    let body = Some(json!({"roles": [role]}));
    assert_eq!(server.call("DELETE", &format!("{inside}/groups/{group}/roles"), body).await.0, 204);
    provision(&server, &token, "DELETE", &format!("{at}/Groups/{group}"), None).await;
    assert_eq!(server.call("DELETE", &inside, None).await.0, 204);

    receiver.wait_for(TYPES.len()).await;
    let events = receiver.bodies();
    let of = |start: &str| -> Vec<String> {
        let types = events.iter().map(|event| event["type"].as_str().unwrap().to_owned());
        types.filter(|name| name.starts_with(start)).collect()
    };
    assert_eq!(
        of("organization."),
        [
            "organization.created",
            "organization.connection.added",
            "organization.member.added",
            "organization.member.role.assigned",
            "organization.group.role.assigned",
            "organization.group.role.deleted",
            "organization.deleted",
        ],
        "what happens in an organization arrives as it happened"
    );
    assert_eq!(
        of("group."),
        ["group.created", "group.member.added", "group.role.assigned", "group.member.deleted", "group.deleted"]
    );
    let joined = events.iter().find(|event| event["type"] == "group.member.added").unwrap();
    assert_eq!(joined["data"]["object"]["member"], json!({"member_type": "user", "id": "okta|corp|7"}));
}
