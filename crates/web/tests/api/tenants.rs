//! Several tenants on one server: each has its own, and none hears of another.

use axum::body::Body;
use axum::http::Request;
use domain::account::TenantName;
use domain::secret::Secret;
use serde_json::{Value, json};
use web::{Bootstrap, PublicUrl, Settings, TenantSettings};

use crate::server::{CLIENT_ID, CLIENT_SECRET, Reply, Server, error_with_code, settings};

const HOST: &str = "acme.example:8443";
const OTHER_HOST: &str = "globex.example:8443";
const OTHER_CLIENT: &str = "bootstrap-of-globex";
/// It is in every name of the other tenant's things, and in no answer to anybody else.
const MARK: &str = "zorp";

/// A server with two tenants, and a token of each.
pub(crate) struct Two {
    server: Server,
    other_token: String,
}

/// A thing of the other tenant: its id, and one of the same form that nobody has.
#[derive(Clone)]
struct Foreign {
    id: String,
    unknown: String,
}

impl Two {
    pub(crate) async fn start() -> Self {
        Self::start_with(settings()).await
    }

    async fn start_with(mut settings: Settings) -> Self {
        let application = Bootstrap { client_id: OTHER_CLIENT.to_owned(), client_secret: Secret::new(CLIENT_SECRET) };
        let globex = TenantSettings {
            name: TenantName::parse("globex").unwrap(),
            public_url: PublicUrl::parse(&format!("https://{OTHER_HOST}")).unwrap(),
            application: Some(application),
        };
        settings.tenants = vec![globex];
        let server = Server::start_with(settings).await;
        let mut two = Self { server, other_token: String::new() };
        let issued = two.ask_token(OTHER_HOST, OTHER_CLIENT, OTHER_HOST).await.expect(200);
        two.other_token = issued["access_token"].as_str().unwrap().to_owned();
        two
    }

    async fn ask(&self, host: &str, token: &str, method: &str, path: &str, body: &Value) -> Reply {
        let content_type = if body.is_array() { "application/cloudevents-batch+json" } else { "application/json" };
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", content_type);
        self.server.send(request.body(body).unwrap()).await
    }

    /// As the default tenant.
    pub(crate) async fn own(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.ask(HOST, &self.server.token, method, path, body).await
    }

    /// As the other tenant.
    pub(crate) async fn other(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.ask(OTHER_HOST, &self.other_token, method, path, body).await
    }

    async fn ask_token(&self, host: &str, client_id: &str, audience_host: &str) -> Reply {
        let body = json!({
            "grant_type": "client_credentials", "client_id": client_id, "client_secret": CLIENT_SECRET,
            "audience": format!("https://{audience_host}/api/v2/"),
        });
        self.ask(host, "", "POST", "/oauth/token", &body).await
    }

    /// Makes one of each thing for the other tenant.
    async fn foreign(&self) -> Vec<Foreign> {
        let made = async |path: &str, body: Value, id: &str| {
            let made = self.other("POST", path, &body).await;
            assert!(made.status.is_success(), "{path}: {}", made.text());
            made.json()[id].as_str().unwrap().to_owned()
        };
        let user = user_body(&format!("{MARK}@example.com"));
        let user = made("/api/v2/users", user, "user_id").await;
        let client = made("/api/v2/clients", json!({"name": MARK}), "client_id").await;
        let grant = json!({"client_id": client, "audience": format!("https://{OTHER_HOST}/api/v2/"), "scope": []});
        let grant = made("/api/v2/client-grants", grant, "id").await;
        let stream = made("/api/v2/event-streams", stream_body(MARK), "id").await;
        let event_type = format!("com.{MARK}.happened");
        let definition = json!({"name": event_type, "schema": {}});
        let event_type = made("/api/v2/headwater/event-types", definition, "name").await;
        let published = self.other("POST", "/api/v2/events", &event_of(&format!("{MARK}|1"))).await.expect(202);
        let event = published["id"].as_str().unwrap().to_owned();
        let mut all = vec![
            Foreign { unknown: "auth0|000000000000000000000000".to_owned(), id: user },
            Foreign { unknown: "0".repeat(32), id: client },
            Foreign { unknown: "cgr_0000000000000000".to_owned(), id: grant },
            Foreign { unknown: "est_1111111111111111111111".to_owned(), id: stream },
            Foreign { unknown: "com.example.unknown".to_owned(), id: event_type },
            Foreign { unknown: "evt_1111111111111111111111".to_owned(), id: event },
        ];
        // A deployed action, and its version.
        let action =
            json!({"name": MARK, "supported_triggers": [{"id": "event-stream"}], "code": MARK, "deploy": true});
        let action = made("/api/v2/actions/actions", action, "id").await;
        let versions = format!("/api/v2/actions/actions/{action}/versions");
        let versions = self.other("GET", &versions, &Value::Null).await.expect(200);
        let version = versions["versions"][0]["id"].as_str().unwrap().to_owned();
        all.push(Foreign { unknown: "00000000-0000-4000-8000-000000000000".to_owned(), id: action });
        all.push(Foreign { unknown: "00000000-0000-4000-8000-000000000001".to_owned(), id: version });
        // Some are found by their names too.
        let name = format!("{MARK}-org");
        all.push(Foreign { unknown: name.replace(MARK, "none"), id: name.clone() });
        for (path, body, unknown) in [
            (
                "/api/v2/connections",
                json!({"name": format!("{MARK}-con"), "strategy": "samlp"}),
                "con_0000000000000000",
            ),
            ("/api/v2/organizations", json!({ "name": name }), "org_0000000000000000"),
            ("/api/v2/roles", json!({"name": format!("{MARK}-role")}), "rol_0000000000000000"),
            ("/api/v2/resource-servers", json!({"identifier": format!("urn:{MARK}")}), "000000000000000000000000"),
        ] {
            if web::endpoints().iter().any(|endpoint| endpoint.method == "POST" && endpoint.path == path) {
                all.push(Foreign { unknown: unknown.to_owned(), id: made(path, body, "id").await });
            }
        }
        all
    }
}

fn user_body(email: &str) -> Value {
    json!({"connection": "Username-Password-Authentication", "email": email, "password": "Tr0ub4dor&3x"})
}

fn stream_body(name: &str) -> Value {
    json!({
        "name": name, "subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": format!("https://{name}.example.com/in"),
            "webhook_authorization": {"method": "bearer", "token": "t"}}},
    })
}

fn event_of(user: &str) -> Value {
    json!({
        "specversion": "1.0", "type": "user.created", "source": "urn:crm", "id": "1",
        "data": {"object": {"user_id": user}},
    })
}

/// What is asked for with a method of a path, so that it is not refused before anything is looked up.
fn body_for(method: &str, path: &str) -> Value {
    match (method, path) {
        ("GET" | "DELETE", _) => Value::Null,
        ("POST", "/api/v2/event-streams/{id}/headwater/seek") => json!({"to": "now", "dry_run": true}),
        ("POST", "/api/v2/event-streams/{id}/headwater/dry-run") => json!({"event_type": "user.created"}),
        ("POST", "/api/v2/actions/actions/{id}/test") => json!({"payload": {}}),
        ("POST", "/api/v2/organizations/{id}/members") => json!({"members": ["auth0|000000000000000000000000"]}),
        ("POST", "/api/v2/event-streams/{id}/test") => json!({"event_type": "user.created"}),
        ("PATCH", "/api/v2/event-streams/{id}/headwater/redeliveries/{redelivery_id}") => json!({"status": "paused"}),
        _ => json!({}),
    }
}

/// All ways to fill the braces of a path with ids, `of` each thing.
fn filled(path: &str, things: &[Foreign], of: fn(&Foreign) -> &str) -> Vec<String> {
    let mut paths = vec![String::new()];
    for segment in path.split('/').skip(1) {
        let choices: Vec<String> = match segment.starts_with('{') {
            true => things.iter().map(|thing| of(thing).replace('|', "%7C")).collect(),
            false => vec![segment.to_owned()],
        };
        paths = paths.iter().flat_map(|path| choices.iter().map(move |choice| format!("{path}/{choice}"))).collect();
    }
    paths
}

/// An answer in which ids of both kinds read the same.
fn answer_of(reply: &Reply, things: &[Foreign]) -> (u16, String) {
    let mut text = reply.text().to_owned();
    for thing in things {
        text = text.replace(&thing.id, "ID").replace(&thing.unknown, "ID");
    }
    (reply.status.as_u16(), text)
}

#[tokio::test]
async fn of_another_tenants_things_every_endpoint_says_what_it_says_of_nothing() {
    let two = Two::start().await;
    let things = two.foreign().await;
    let before = inventory(&two, &things).await;
    let mut walked = 0;
    for endpoint in web::endpoints().iter().filter(|endpoint| endpoint.path.contains('{')) {
        let body = body_for(endpoint.method, endpoint.path);
        let foreign = filled(endpoint.path, &things, |thing| &thing.id);
        let unknown = filled(endpoint.path, &things, |thing| &thing.unknown);
        for (foreign, unknown) in foreign.iter().zip(&unknown) {
            let told = two.own(endpoint.method, foreign, &body).await;
            let expected = two.own(endpoint.method, unknown, &body).await;
            assert_eq!(answer_of(&told, &things), answer_of(&expected, &things), "{} {foreign}", endpoint.method);
            assert!(!answer_of(&told, &things).1.contains(MARK), "{} {foreign}", endpoint.method);
            walked += 1;
        }
    }
    assert!(walked > 100, "{walked}");
    assert_eq!(inventory(&two, &things).await, before, "nothing of the other tenant has changed");
}

/// Everything that the other tenant reads of its own things, and the length of the log.
async fn inventory(two: &Two, things: &[Foreign]) -> Vec<(String, u16, String)> {
    let mut found = vec![("log".to_owned(), 0, two.server.events().await.len().to_string())];
    for endpoint in web::endpoints().iter().filter(|endpoint| endpoint.method == "GET") {
        if endpoint.path.matches('{').count() == 1 {
            for path in filled(endpoint.path, things, |thing| &thing.id) {
                let reply = two.other("GET", &path, &Value::Null).await;
                found.push((path, reply.status.as_u16(), reply.text().to_owned()));
            }
        }
    }
    assert!(found.iter().filter(|(_, status, _)| *status == 200).count() >= 5, "{found:?}");
    found
}

#[tokio::test]
async fn no_list_has_anything_of_another_tenant() {
    let two = Two::start().await;
    two.foreign().await;
    // What is read as it comes has tests of its own.
    let endless = |path: &str| path == "/api/v2/events";
    let lists = web::endpoints()
        .into_iter()
        .filter(|endpoint| endpoint.method == "GET" && !endpoint.path.contains('{') && !endless(endpoint.path));
    let mut marked = 0;
    for endpoint in lists {
        let query = if endpoint.path == "/api/v2/users-by-email" { "email=zorp@example.com" } else { "" };
        let path = format!("{}?{query}", endpoint.path);
        let own = two.own("GET", &path, &Value::Null).await;
        assert!(own.status.is_success(), "{endpoint:?}: {}", own.text());
        for foreign in [MARK, "globex", OTHER_CLIENT] {
            assert!(!own.text().contains(foreign), "{endpoint:?}: {}", own.text());
        }
        marked += usize::from(two.other("GET", &path, &Value::Null).await.text().contains(MARK));
        for totals in ["include_totals=true", "take=1"] {
            let own = two.own("GET", &format!("{path}&{totals}"), &Value::Null).await;
            assert!(!own.text().contains(MARK), "{endpoint:?}: {}", own.text());
        }
    }
    assert!(marked >= 4, "the other tenant sees its own");
    let users = two.own("GET", "/api/v2/users?include_totals=true", &Value::Null).await.expect(200);
    assert_eq!(users["total"], 0);
}

#[tokio::test]
async fn what_another_tenant_has_is_neither_taken_nor_to_be_had_by_naming_it() {
    let two = Two::start().await;
    let things = two.foreign().await;
    // The same names are free.
    let own = |path: &'static str, body: Value| {
        let two = &two;
        async move { two.own("POST", path, &body).await.expect(201) }
    };
    own("/api/v2/users", user_body(&format!("{MARK}@example.com"))).await;
    own("/api/v2/event-streams", stream_body(MARK)).await;
    own("/api/v2/headwater/event-types", json!({"name": things[4].id, "schema": {}})).await;
    // The same source and id are another event here.
    let published = two.own("POST", "/api/v2/events", &event_of("own|1")).await.expect(202);
    assert_ne!(published["id"], json!(things[5].id));
    // An action of another tenant is no destination here.
    let stream = |action: &str| json!({"destination": {"type": "action", "configuration": {"action_id": action}}});
    let (foreign, unknown) = (
        two.own("POST", "/api/v2/event-streams", &stream(&things[6].id)).await,
        two.own("POST", "/api/v2/event-streams", &stream(&things[6].unknown)).await,
    );
    assert_eq!(answer_of(&foreign, &things), answer_of(&unknown, &things));
    assert_eq!(foreign.status, 400);
    // An application of another tenant gets no grant here.
    let grant =
        |client_id: &str| json!({"client_id": client_id, "audience": format!("https://{HOST}/api/v2/"), "scope": []});
    let (foreign, unknown) = (
        two.own("POST", "/api/v2/client-grants", &grant(&things[1].id)).await,
        two.own("POST", "/api/v2/client-grants", &grant(&things[1].unknown)).await,
    );
    assert!(foreign.status.is_client_error());
    assert_eq!(answer_of(&foreign, &things), answer_of(&unknown, &things));
}

#[tokio::test]
async fn each_tenant_is_found_by_its_host_and_others_go_to_the_default() {
    let two = Two::start().await;
    for (host, domain) in [
        (OTHER_HOST, OTHER_HOST),
        ("GLOBEX.example:8443", OTHER_HOST),
        ("globex.example", OTHER_HOST),
        ("globex.example:9999", OTHER_HOST),
        (HOST, HOST),
        ("nobody.example", HOST),
        ("globex.example.evil.example", HOST),
        ("", HOST),
    ] {
        let found = two.ask(host, "", "GET", "/.well-known/openid-configuration", &Value::Null).await.expect(200);
        assert_eq!(found["issuer"], format!("https://{domain}/"), "{host}");
    }
    // A target that names a host goes before the header.
    let target = format!("https://{OTHER_HOST}/.well-known/openid-configuration");
    let found = two.ask(HOST, "", "GET", &target, &Value::Null).await.expect(200);
    assert_eq!(found["issuer"], format!("https://{OTHER_HOST}/"));
    let keys = async |host| two.ask(host, "", "GET", "/.well-known/jwks.json", &Value::Null).await.expect(200);
    assert_ne!(keys(HOST).await["keys"][0]["kid"], keys(OTHER_HOST).await["keys"][0]["kid"]);
}

#[tokio::test]
async fn a_token_of_one_tenant_is_none_at_another() {
    let two = Two::start().await;
    let users = "/api/v2/users";
    // Each has been used where it is good, so both have been checked.
    two.own("GET", users, &Value::Null).await.expect(200);
    two.other("GET", users, &Value::Null).await.expect(200);
    for (host, token) in [(HOST, &two.other_token), (OTHER_HOST, &two.server.token)] {
        let refused = two.ask(host, token, "GET", users, &Value::Null).await.expect(401);
        assert_eq!(refused["message"], "Invalid signature received for JSON Web Token validation");
    }
    // Nor is a token to be had at one for the other, nor by an application of the other.
    assert_eq!(two.ask_token(HOST, CLIENT_ID, OTHER_HOST).await.status, 403);
    assert_eq!(two.ask_token(HOST, OTHER_CLIENT, HOST).await.status, 401);
    assert_eq!(two.ask_token(OTHER_HOST, CLIENT_ID, OTHER_HOST).await.status, 401);
}

#[tokio::test]
async fn events_name_the_tenant_that_they_are_of() {
    let two = Two::start().await;
    two.own("POST", "/api/v2/users", &user_body("a@example.com")).await.expect(201);
    two.other("POST", "/api/v2/users", &user_body("a@example.com")).await.expect(201);
    let names: Vec<_> = two.server.event_bodies().await;
    let of = |body: &Value| (body["source"].clone(), body["a0tenant"].clone());
    assert_eq!(of(&names[0]), (json!("urn:auth0:acme.example"), json!("default")));
    assert_eq!(of(&names[1]), (json!("urn:auth0:globex.example"), json!("globex")));
    assert!(names[1]["data"]["context"]["tenant"].to_string().contains("globex"));
    let events = two.server.events().await;
    assert_ne!(events[0].tenant, events[1].tenant);
}

#[tokio::test]
async fn the_scopes_of_one_tenant_are_none_at_another() {
    let two = Two::start().await;
    let made = two.other("POST", "/api/v2/clients", &json!({"name": "narrow"})).await.expect(201);
    let grant = json!({
        "client_id": made["client_id"], "audience": format!("https://{OTHER_HOST}/api/v2/"), "scope": ["read:users"],
    });
    two.other("POST", "/api/v2/client-grants", &grant).await.expect(201);
    let body = json!({
        "grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"],
        "audience": format!("https://{OTHER_HOST}/api/v2/"),
    });
    let issued = two.ask(OTHER_HOST, "", "POST", "/oauth/token", &body).await.expect(200);
    let token = issued["access_token"].as_str().unwrap();
    two.ask(OTHER_HOST, token, "GET", "/api/v2/users", &Value::Null).await.expect(200);
    let message = "Insufficient scope, expected any of: read:clients";
    assert_eq!(
        two.ask(OTHER_HOST, token, "GET", "/api/v2/clients", &Value::Null).await.expect(403),
        error_with_code(403, "Forbidden", message, "insufficient_scope")
    );
    assert_eq!(two.ask(HOST, token, "GET", "/api/v2/users", &Value::Null).await.status, 401);
}

#[tokio::test]
async fn a_tenant_that_uses_up_its_streams_takes_none_of_anothers() {
    let two = Two::start_with(Settings { streams_max: Some(2), ..settings() }).await;
    let create = async |name: &str| two.own("POST", "/api/v2/event-streams", &stream_body(name)).await;
    create("a").await.expect(201);
    let second = create("b").await.expect(201);
    let message = "You have reached the maximum number of event streams for your account.";
    assert_eq!(create("c").await.expect(409), error_with_code(409, "Conflict", message, "event_stream_conflict"));
    two.other("POST", "/api/v2/event-streams", &stream_body("a")).await.expect(201);
    let path = format!("/api/v2/event-streams/{}", second["id"].as_str().unwrap());
    two.own("DELETE", &path, &Value::Null).await.expect(204);
    create("c").await.expect(201);
}

#[tokio::test]
async fn a_scim_token_of_one_tenant_is_none_at_another() {
    let two = Two::start().await;
    let connection = json!({"name": "corp", "strategy": "samlp"});
    let made = two.other("POST", "/api/v2/connections", &connection).await.expect(201);
    let configuration = format!("/api/v2/connections/{}/scim-configuration", made["id"].as_str().unwrap());
    two.other("POST", &configuration, &json!({})).await.expect(201);
    let issued = two.other("POST", &format!("{configuration}/tokens"), &json!({})).await.expect(201);
    let token = issued["token"].as_str().unwrap();
    let users = format!("/scim/v2/connections/{}/Users", made["id"].as_str().unwrap());
    let good = two.ask(OTHER_HOST, token, "GET", &users, &Value::Null).await;
    assert_eq!(good.status, 200, "{}", good.text());
    let refused = two.ask(HOST, token, "GET", &users, &Value::Null).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
}
