//! `/api/v2/connections`

use domain::connection::DATABASE_CONNECTION;
use serde_json::{Value, json};
use store::{Connections, State};

use crate::schema;
use crate::server::{CLIENT_ID, Server, error_with_code, invalid_body, invalid_query};

const CONNECTIONS: &str = "/api/v2/connections";

pub(crate) async fn create(server: &Server, body: &Value) -> Value {
    server.call_with("POST", CONNECTIONS, body).await.expect(201)
}

pub(crate) fn path_of(connection: &Value) -> String {
    format!("{CONNECTIONS}/{}", connection["id"].as_str().unwrap())
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|connection| connection["name"].as_str().unwrap()).collect()
}

fn okta(name: &str) -> Value {
    json!({"name": name, "strategy": "okta", "options": {"client_id": "c", "client_secret": "hush", "x": 1}})
}

#[tokio::test]
async fn post_connections_answers_201_and_raises_connection_created() {
    let server = Server::start().await;
    let body = json!({"name": "test-conn873", "display_name": "Test Connection 71", "strategy": "ad",
        "enabled_clients": [CLIENT_ID]});
    let made = create(&server, &body).await;
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("con_") && id.len() == 20, "{id}");
    let expected = json!({
        "id": id, "options": {}, "strategy": "ad", "name": "test-conn873", "is_domain_connection": false,
        "authentication": {"active": true}, "connected_accounts": {"active": false},
        "display_name": "Test Connection 71", "enabled_clients": [CLIENT_ID], "realms": ["test-conn873"],
    });
    assert_eq!(made, expected);
    assert_eq!(server.call("GET", &path_of(&made)).await.expect(200), expected);
    let events = server.event_bodies().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "connection.created");
    assert_eq!(events[0]["data"]["object"]["id"], id);
    assert_eq!(events[0]["data"].get("previous_object"), None);
    schema::check(&events);
}

#[tokio::test]
async fn every_member_is_kept_and_answered() {
    let server = Server::start().await;
    let clients = [server.create_client("a").await.0, server.create_client("b").await.0];
    let body = json!({
        "name": "all", "strategy": "google-oauth2", "display_name": "All", "enabled_clients": clients,
        "options": {"client_id": "c", "scope": ["email"]}, "realms": ["x", "y"], "is_domain_connection": true,
        "show_as_button": false, "metadata": {"k": "v"}, "authentication": {"active": false},
        "connected_accounts": {"active": true, "cross_app_access": false},
    });
    let made = create(&server, &body).await;
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!(server.call("GET", &path_of(&made)).await.expect(200), made);
    assert_eq!(server.event_bodies().await, Vec::<Value>::new(), "a social connection raises nothing");
}

#[tokio::test]
async fn patch_connections_replaces_members_and_raises_connection_updated() {
    let server = Server::start().await;
    let made = create(&server, &okta("corp")).await;
    let path = path_of(&made);
    let patch = json!({"options": {"client_id": "d", "scope": "openid"}, "metadata": {"team": "a"},
        "show_as_button": true});
    let changed = server.call_with("PATCH", &path, &patch).await.expect(200);
    assert_eq!(changed["options"], json!({"client_id": "d", "scope": "openid"}), "x has gone");
    assert_eq!(changed["metadata"], json!({"team": "a"}));
    assert_eq!(server.call("GET", &path).await.expect(200), changed);
    // Nothing changes, nothing is raised.
    assert_eq!(server.call_with("PATCH", &path, &patch).await.expect(200), changed);
    let events = server.event_bodies().await;
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["connection.created", "connection.updated"]);
    assert_eq!(events[1]["data"]["object"]["options"], json!({"client_id": "d", "scope": "openid"}));
    assert_eq!(events[1]["data"]["previous_object"], events[0]["data"]["object"]);
    schema::check(&events);
    let subjects: Vec<_> = server.events().await.iter().map(|event| event.event.subject.clone()).collect();
    assert_eq!(subjects[0], subjects[1]);
}

#[tokio::test]
async fn delete_connections_answers_202_with_the_time_and_raises_connection_deleted() {
    let server = Server::start().await;
    let made = create(&server, &okta("corp")).await;
    let path = path_of(&made);
    let gone = server.call("DELETE", &path).await.expect(202);
    assert_eq!(gone, json!({"deleted_at": "2026-01-16T08:50:33.955Z"}));
    let missing = error_with_code(404, "Not Found", "The connection does not exist", "inexistent_connection");
    for method in ["GET", "DELETE"] {
        assert_eq!(server.call(method, &path).await.expect(404), missing);
    }
    assert_eq!(server.call_with("PATCH", &path, &json!({})).await.expect(404), missing);
    let events = server.event_bodies().await;
    assert_eq!(events[1]["type"], "connection.deleted");
    assert_eq!(events[1]["data"]["object"], events[0]["data"]["object"]);
    schema::check(&events);
    create(&server, &okta("corp")).await;
}

#[tokio::test]
async fn each_of_the_eight_enterprise_strategies_raises_events_that_fit_their_schema() {
    let server = Server::start().await;
    let metadata = json!({"issuer": "https://i", "authorization_endpoint": "https://a", "jwks_uri": "https://j",
        "id_token_signing_alg_values_supported": ["RS256"], "unlisted": 1});
    let cases = [
        (
            "oidc",
            json!({"client_id": "c", "client_secret": "hush", "oidc_metadata": metadata, "type": "front_channel"}),
        ),
        ("okta", json!({"client_id": "c", "client_secret": "hush", "domain": "x.okta.com"})),
        (
            "samlp",
            json!({"signInEndpoint": "https://s", "signingCert": "c", "signing_key": {"key": "hush"},
            "upstream_params": {"login_hint": {"alias": "login_hint"}}, "fieldsMap": {"email": "mail"}}),
        ),
        ("pingfederate", json!({"pingFederateBaseUrl": "https://p", "idpinitiated": {"enabled": true, "x": 1}})),
        ("adfs", json!({"adfs_server": "https://s", "domain_aliases": ["corp.example"]})),
        ("ad", json!({"ips": null, "brute_force_protection": true, "admin_password": "hush"})),
        (
            "google-apps",
            json!({"client_id": "c", "client_secret": "hush", "scope": ["email"], "domain": "d",
            "admin_access_token": "hush"}),
        ),
        (
            "waad",
            json!({"client_id": "c", "client_secret": "hush", "waad_protocol": "openid-connect",
            "app_secret": "hush"}),
        ),
    ];
    for (strategy, options) in cases {
        let body = json!({"name": format!("a-{strategy}"), "strategy": strategy, "options": options,
            "show_as_button": true, "display_name": "D", "metadata": {"k": "v"},
            "connected_accounts": {"active": true, "cross_app_access": true}});
        let made = create(&server, &body).await;
        let path = path_of(&made);
        server.call_with("PATCH", &path, &json!({"display_name": "E"})).await.expect(200);
        server.call("DELETE", &path).await.expect(202);
    }
    let events = server.event_bodies().await;
    assert_eq!(events.len(), 24);
    schema::check(&events);
    for event in &events {
        assert!(!event.to_string().contains("hush"), "{event}");
        assert!(event["data"]["object"]["options"].is_object(), "{event}");
    }
}

#[tokio::test]
async fn other_strategies_raise_nothing() {
    let server = Server::start().await;
    for strategy in ["auth0", "email", "sms", "google-oauth2", "office365", "custom"] {
        let made = create(&server, &json!({"name": format!("a-{strategy}"), "strategy": strategy})).await;
        server.call_with("PATCH", &path_of(&made), &json!({"display_name": "E"})).await.expect(200);
        server.call("DELETE", &path_of(&made)).await.expect(202);
    }
    assert_eq!(server.event_bodies().await, Vec::<Value>::new());
}

#[tokio::test]
async fn secrets_are_never_answered_and_stay_when_they_are_left_out() {
    let server = Server::start().await;
    let made = create(&server, &okta("corp")).await;
    assert_eq!(made["options"], json!({"client_id": "c", "x": 1}));
    let path = path_of(&made);
    server.call_with("PATCH", &path, &json!({"options": {"client_id": "d"}})).await.expect(200);
    let tenant = server.store.tenant_ensure("default").await.unwrap().id;
    let kept = server.store.connection_by_name(tenant, "corp").await.unwrap().unwrap().value;
    assert_eq!(Value::Object(kept.options.expose().clone()), json!({"client_id": "d", "client_secret": "hush"}));
    let list = server.call("GET", CONNECTIONS).await;
    assert!(!list.text().contains("hush"));
    let fault = json!({"options": {"client_id": 5, "client_secret": "hush"}});
    let reply = server.call_with("PATCH", &path, &fault).await;
    assert!(!reply.text().contains("hush"));
    reply.expect(400);
    drop(server.router);
    drop(server.store);
    for entry in std::fs::read_dir(server.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"\"hush\""));
    }
}

#[tokio::test]
async fn faults_name_the_member() {
    let server = Server::start().await;
    let cases = [
        (json!({"strategy": "ad"}), "'Missing required property: name'."),
        (json!({"name": "a"}), "'Missing required property: strategy'."),
        (
            json!({"name": "a", "strategy": "Okta"}),
            "'No enum match for: Okta' on property strategy (The identity provider identifier for the connection).",
        ),
        (
            json!({"name": "a--b", "strategy": "ad"}),
            "'String 'a--b' does not match pattern ^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$' on property name (The \
             name of the connection. Must start and end with an alphanumeric character and can only contain \
             alphanumeric characters and '-').",
        ),
        (json!({"name": "a", "strategy": "ad", "shoe": 1}), "'Additional properties not allowed: shoe'."),
        (
            json!({"name": "a", "strategy": "okta", "options": {"domain": "x"}}),
            "'Missing required property: client_id' on property options (The connection's options, which its strategy \
             decides on).",
        ),
        (
            json!({"name": "a", "strategy": "samlp", "options": {"idpinitiated": {"enabled": "yes"}}}),
            "'Expected type boolean' on property options.idpinitiated.enabled (The connection's options, which its \
             strategy decides on).",
        ),
        (
            json!({"name": "a", "strategy": "ad", "metadata": {"k": 1}}),
            "'Expected values of type string with at most 255 chars' on property metadata (Up to 10 texts of up to \
             255 characters).",
        ),
        (
            json!({"name": "a", "strategy": "ad", "authentication": {}}),
            "'Missing required property: active' on property authentication (Whether users may log in with the \
             connection).",
        ),
    ];
    for (body, message) in cases {
        let reply = server.call_with("POST", CONNECTIONS, &body).await;
        assert_eq!(reply.expect(400), invalid_body(message), "{body}");
    }
    let made = create(&server, &okta("corp")).await;
    let renamed = server.call_with("PATCH", &path_of(&made), &json!({"name": "other"})).await;
    assert_eq!(renamed.expect(400), invalid_body("'Additional properties not allowed: name'."));
    let message = "A connection with the same name already exists";
    let taken = error_with_code(409, "Conflict", message, "resource_conflict");
    assert_eq!(server.call_with("POST", CONNECTIONS, &okta("corp")).await.expect(409), taken);
}

#[tokio::test]
async fn get_connections_lists_by_number_by_checkpoint_and_by_filter() {
    let server = Server::start().await;
    for (name, strategy) in [("mail", "email"), ("text", "sms"), ("corp", "ad")] {
        server.clock.advance(std::time::Duration::from_millis(1));
        create(&server, &json!({"name": name, "strategy": strategy})).await;
    }
    let get = async |query: &str| server.call("GET", &format!("{CONNECTIONS}{query}")).await.expect(200);
    assert_eq!(names(&get("").await), [DATABASE_CONNECTION, "mail", "text", "corp"]);
    assert_eq!(names(&get("?per_page=2&page=1").await), ["text", "corp"]);
    assert_eq!(names(&get("?strategy=auth0&strategy=sms").await), [DATABASE_CONNECTION, "text"]);
    assert_eq!(names(&get("?strategy[0]=auth0&strategy%5B1%5D=email").await), [DATABASE_CONNECTION, "mail"]);
    assert_eq!(names(&get("?name=corp").await), ["corp"]);
    let totals = get("?include_totals=true&per_page=1&page=1").await;
    assert_eq!((&totals["start"], &totals["limit"], &totals["total"]), (&json!(1), &json!(1), &json!(4)));
    assert_eq!(names(&totals["connections"]), ["mail"]);
    let fields = get("?fields=name,strategy&name=corp").await;
    assert_eq!(fields, json!([{"name": "corp", "strategy": "ad"}]));
    let fields =
        get("?take=1&fields=id,options,realms,authentication,connected_accounts,enabled_clients&include_fields=false")
            .await;
    assert_eq!(
        fields["connections"],
        json!([{"name": DATABASE_CONNECTION, "strategy": "auth0", "is_domain_connection": false}])
    );

    let first = get("?take=3").await;
    assert_eq!(names(&first["connections"]), [DATABASE_CONNECTION, "mail", "text"]);
    let next = first["next"].as_str().unwrap();
    let rest = get(&format!("?take=3&from={next}")).await;
    assert_eq!(names(&rest["connections"]), ["corp"]);
    assert_eq!(rest.get("next"), None);
    let unknown = server.call("GET", &format!("{CONNECTIONS}?strategy=x")).await.expect(400);
    let message = "'No enum match for: x' on property strategy (Provide strategies to only retrieve connections with \
                   such strategies).";
    assert_eq!(unknown, invalid_query(message));
}

#[tokio::test]
async fn get_and_patch_connections_clients_switch_applications_and_raise_connection_updated() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(server.create_client(name).await.0);
    }
    ids.sort_unstable();
    let [a, b, c] = <[String; 3]>::try_from(ids).unwrap();
    let made = create(&server, &json!({"name": "corp", "strategy": "ad", "enabled_clients": [c, a]})).await;
    let path = format!("{}/clients", path_of(&made));
    let first = server.call("GET", &format!("{path}?take=1")).await.expect(200);
    assert_eq!(first["clients"], json!([{"client_id": a}]));
    let next = first["next"].as_str().unwrap();
    let rest = server.call("GET", &format!("{path}?take=1&from={next}")).await.expect(200);
    assert_eq!(rest, json!({"clients": [{"client_id": c}]}));
    let switched = json!([{"client_id": a, "status": false}, {"client_id": b, "status": true},
        {"client_id": c, "status": true}]);
    for _ in 0..2 {
        assert_eq!(server.call_with("PATCH", &path, &switched).await.expect(204), Value::Null);
    }
    let all = server.call("GET", &path).await.expect(200);
    assert_eq!(all, json!({"clients": [{"client_id": b}, {"client_id": c}]}));
    let events = server.event_bodies().await;
    assert_eq!(events.len(), 2, "the second time it was no change");
    assert_eq!(events[1]["type"], "connection.updated");
    assert_eq!(events[1]["data"]["object"]["enabled_clients"], json!([c, b]));
    assert_eq!(events[1]["data"]["previous_object"]["enabled_clients"], json!([c, a]));
    schema::check(&events);
    for (body, message) in [
        (json!([]), "'Array is too short (0), minimum 1'."),
        (json!({}), "'Expected type array but found type object'."),
        (json!([{"client_id": "a"}]), "'Missing required property: status' on property [0]."),
        (json!(vec![json!({"client_id": "a", "status": true}); 51]), "'Array is too long (51), maximum 50'."),
    ] {
        assert_eq!(server.call_with("PATCH", &path, &body).await.expect(400), invalid_body(message));
    }
}

#[tokio::test]
async fn connections_scopes() {
    let server = Server::start().await;
    let made = create(&server, &okta("corp")).await;
    let path = path_of(&made);
    let clients = format!("{path}/clients");
    let token = server.token_with(&["read:users"]).await;
    for (method, path, scope) in [
        ("GET", CONNECTIONS, "read:connections"),
        ("GET", &path, "read:connections"),
        ("GET", &clients, "read:connections"),
        ("POST", CONNECTIONS, "create:connections"),
        ("PATCH", &path, "update:connections"),
        ("PATCH", &clients, "update:connections"),
        ("DELETE", &path, "delete:connections"),
    ] {
        let refused = server.call_as(&token, method, path).await.expect(403);
        let message = format!("Insufficient scope, expected any of: {scope}");
        assert_eq!(refused, error_with_code(403, "Forbidden", &message, "insufficient_scope"));
    }
}

/// The calls of `auth0 users create` (cli.md): it looks for a connection with an application that may use it.
#[tokio::test]
async fn the_calls_of_the_cli_that_creates_a_user() {
    let server = Server::start().await;
    let query = "strategy[0]=auth0&strategy[1]=email&strategy[2]=sms&per_page=100&include_totals=true";
    let found = server.call("GET", &format!("{CONNECTIONS}?{query}")).await.expect(200);
    assert_eq!(names(&found["connections"]), [DATABASE_CONNECTION]);
    let clients = server.call("GET", &format!("{}/clients", path_of(&found["connections"][0]))).await.expect(200);
    assert_eq!(clients, json!({"clients": [{"client_id": CLIENT_ID}]}));
    let query = format!("?include_totals=true&name={DATABASE_CONNECTION}&per_page=50");
    let named = server.call("GET", &format!("{CONNECTIONS}{query}")).await.expect(200);
    assert_eq!(named["total"], 1);
    let body = json!({"connection": DATABASE_CONNECTION, "email": "jane@example.com", "password": "zebra crossing"});
    server.call_with("POST", "/api/v2/users", &body).await.expect(201);
}

#[tokio::test]
async fn users_of_a_deleted_connection_stay() {
    let server = Server::start().await;
    let made = create(&server, &json!({"name": "db", "strategy": "auth0"})).await;
    let body = json!({"connection": "db", "email": "jane@example.com", "password": "zebra crossing"});
    let user = server.call_with("POST", "/api/v2/users", &body).await.expect(201);
    server.call("DELETE", &path_of(&made)).await.expect(202);
    let path = format!("/api/v2/users/{}", user["user_id"].as_str().unwrap().replace('|', "%7C"));
    assert_eq!(server.call("GET", &path).await.expect(200), user);
    assert_eq!(
        server.call_with("POST", "/api/v2/users", &body).await.expect(400)["errorCode"],
        "inexistent_connection"
    );
}

#[tokio::test]
async fn applications_that_there_are_not_are_refused_and_those_that_have_gone_can_be_switched_off() {
    let server = Server::start().await;
    let (gone, _) = server.create_client("gone").await;
    let made = create(&server, &json!({"name": "corp", "strategy": "ad", "enabled_clients": [gone]})).await;
    let (path, clients) = (path_of(&made), format!("{}/clients", path_of(&made)));
    let about = "on property enabled_clients[1] (The applications that may use the connection).";
    let unknown = invalid_body(&format!("'There is no application nobody' {about}"));
    let named = json!({"enabled_clients": [CLIENT_ID, "nobody"]});
    let mut new = named.clone();
    new.as_object_mut().unwrap().extend(okta("other").as_object().unwrap().clone());
    assert_eq!(server.call_with("POST", CONNECTIONS, &new).await.expect(400), unknown);
    assert_eq!(server.call_with("PATCH", &path, &named).await.expect(400), unknown);
    let switched = json!([{"client_id": "somebody", "status": false}, {"client_id": "nobody", "status": true}]);
    assert_eq!(
        server.call_with("PATCH", &clients, &switched).await.expect(400),
        invalid_body("'There is no application nobody' on property [1].client_id (The application).")
    );
    server.call("DELETE", &format!("/api/v2/clients/{gone}")).await.expect(204);
    server.call_with("PATCH", &path, &json!({"enabled_clients": [gone], "display_name": "Corp"})).await.expect(200);
    server.call_with("PATCH", &clients, &json!([{"client_id": gone, "status": false}])).await.expect(204);
    assert_eq!(server.call("GET", &clients).await.expect(200), json!({"clients": []}));
}

#[tokio::test]
async fn get_connections_finds_those_of_a_domain_alias() {
    let server = Server::start().await;
    for (name, aliases) in [("a", json!(["corp.example", "Corp.test"])), ("b", json!(["corp.test"])), ("c", json!([]))]
    {
        let options = json!({"client_id": "c", "domain_aliases": aliases});
        create(&server, &json!({"name": name, "strategy": "oidc", "options": options})).await;
        server.clock.advance(std::time::Duration::from_millis(1));
    }
    let get = async |query: &str| server.call("GET", &format!("{CONNECTIONS}?{query}")).await.expect(200);
    assert_eq!(names(&get("domain_alias=corp.example").await), ["a"]);
    assert_eq!(names(&get("domain_alias=CORP.test").await), ["a", "b"]);
    assert_eq!(names(&get("domain_alias=corp.test&strategy=okta").await), Vec::<&str>::new());
    assert_eq!(names(&get("domain_alias=other.example").await), Vec::<&str>::new());
    let page = get("domain_alias=corp.test&per_page=1&page=1&include_totals=true").await;
    assert_eq!((names(&page["connections"]), &page["total"]), (vec!["b"], &json!(2)));
    let first = get("domain_alias=corp.test&take=1").await;
    assert_eq!(names(&first["connections"]), ["a"]);
    let rest = get(&format!("domain_alias=corp.test&take=1&from={}", first["next"].as_str().unwrap())).await;
    assert_eq!((names(&rest["connections"]), rest.get("next")), (vec!["b"], None));
}
