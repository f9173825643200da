//! The `auth0` CLI 1.33: `login`, every subcommand of `event-streams` but `subscribe`, `users create` and `apps create`.

use serde_json::{Value, json};

use super::GoClient;
use crate::receiver::{Answer, PATIENCE, Receiver};

const METADATA: &[(&str, &str)] = &[("Auth0-CLI-Metadata", "eyJpc19hZ2VudCI6ZmFsc2V9")];

/// `auth0 login --domain … --client-id … --client-secret …`
async fn log_in() -> GoClient {
    GoClient::log_in("Auth0-CLI", "Auth0 CLI/1.33.0", METADATA).await
}

/// `auth0 event-streams create --name … --type webhook --subscriptions … --configuration …`
async fn create(cli: &GoClient, endpoint: &str) -> Value {
    let configuration =
        json!({"webhook_endpoint": endpoint, "webhook_authorization": {"method": "bearer", "token": "t"}});
    let body = json!({
        "name": "cli",
        "subscriptions": [{"event_type": "user.created"}, {"event_type": "user.deleted"}],
        "destination": {"type": "webhook", "configuration": configuration},
    });
    cli.expect(201, "POST", "event-streams", Some(&body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_of_the_auth0_cli_keeping_event_streams() {
    let cli = log_in().await;
    let made = create(&cli, "http://127.0.0.1:9/in").await;
    let id = made["id"].as_str().unwrap();
    let path = format!("event-streams/{id}");
    // list: the first page only, without a query.
    let listed = cli.get("event-streams").await;
    assert_eq!((&listed["eventStreams"], listed.get("next")), (&json!([made]), None));
    // show
    assert_eq!(cli.get(&path).await, made);
    for member in ["id", "name", "status"] {
        assert!(made[member].is_string(), "{member}");
    }
    assert_eq!(made["destination"]["type"], "webhook");
    // update --name: reads, then sends what was given only.
    cli.get(&path).await;
    let renamed = cli.expect(200, "PATCH", &path, Some(&json!({"name": "renamed"}))).await;
    assert_eq!((&renamed["name"], &renamed["destination"]), (&json!("renamed"), &made["destination"]));
    // update --status --configuration: the stored type comes along.
    let stored = cli.get(&path).await;
    let configuration = json!({"webhook_endpoint": "http://127.0.0.1:9/other",
        "webhook_authorization": {"method": "basic", "username": "u", "password": "p"}});
    let destination = json!({"type": stored["destination"]["type"], "configuration": configuration});
    let change = json!({"status": "disabled", "destination": destination});
    let changed = cli.expect(200, "PATCH", &path, Some(&change)).await;
    let shown = json!({"webhook_endpoint": "http://127.0.0.1:9/other",
        "webhook_authorization": {"method": "basic", "username": "u"}});
    assert_eq!((&changed["status"], &changed["destination"]["configuration"]), (&json!("disabled"), &shown));
    // stats: the window is always there, since it is dereferenced.
    let stats = cli.get(&format!("{path}/stats")).await;
    assert!(stats["window"]["bucket_interval"]["scale_factor"].is_u64(), "{stats}");
    assert_eq!(stats["metrics"].as_array().unwrap().len(), 2);
    assert_eq!(stats["buckets"].as_array().unwrap().len(), stats["metrics"][0]["data"].as_array().unwrap().len());
    cli.get(&format!("{path}/stats?date_from=2025-08-25T00%3A00%3A00Z&date_to=2025-08-26T00%3A00%3A00Z")).await;
    // delete --force, then what it prints of one that is gone.
    cli.expect(204, "DELETE", &path, None).await;
    let gone = cli.expect(404, "GET", &path, None).await;
    assert_eq!(
        (&gone["error"], &gone["message"]),
        (&json!("Not Found"), &json!("The requested stream does not exist."))
    );
    cli.expect(204, "DELETE", &path, None).await;
}

/// Waits until the API answers what `check` wants.
async fn until(cli: &GoClient, path: &str, check: impl Fn(&Value) -> bool) -> Value {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let answer = cli.get(path).await;
            if check(&answer) {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain for {path}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_of_the_auth0_cli_triggering_and_redelivering() {
    let (cli, receiver) = (log_in().await, Receiver::start().await);
    let made = create(&cli, &format!("http://{}/in", receiver.address)).await;
    let path = format!("event-streams/{}", made["id"].as_str().unwrap());
    receiver.otherwise(Answer::Status(422));
    // trigger --type --payload: the file's content becomes data.
    let mut sent = Vec::new();
    for body in [
        json!({"event_type": "user.created"}),
        json!({"event_type": "user.created", "data": {"object": {"user_id": "auth0|1"}}}),
        json!({"event_type": "user.deleted"}),
    ] {
        let triggered = cli.expect(202, "POST", &format!("{path}/test"), Some(&body)).await;
        assert_eq!(triggered["event_type"], body["event_type"]);
        sent.push(triggered["id"].as_str().unwrap().to_owned());
    }
    let count = |wanted: usize| move |answer: &Value| answer["deliveries"].as_array().unwrap().len() == wanted;
    // deliveries list, and with --type --from --to --n
    let deliveries = format!("{path}/deliveries");
    let failed = until(&cli, &format!("{deliveries}?take=50"), count(3)).await;
    assert!(failed["deliveries"].as_array().unwrap().iter().all(|delivery| delivery["status"] == "failed"));
    let query = "date_from=2025-01-01T00%3A00%3A00Z&date_to=2099-01-01T00%3A00%3A00Z\
                 &event_types=user.created%2Cuser.updated&take=10";
    assert!(count(2)(&cli.get(&format!("{deliveries}?{query}")).await));
    // deliveries show
    let shown = cli.get(&format!("{deliveries}/{}", sent[1])).await;
    assert_eq!(shown["event"]["data"], json!({"object": {"user_id": "auth0|1"}}));
    let attempt = &shown["attempts"][0];
    assert!(attempt["timestamp"].is_string() && attempt["error_message"].is_string(), "{shown}");
    assert!(attempt["duration"].is_f64(), "{shown}");
    // redeliver id a,b: one request for each, without a body; one that cannot be is told and passed over.
    receiver.otherwise(Answer::Status(204));
    cli.expect(202, "POST", &format!("{path}/redeliver/{}", sent[0]), None).await;
    let refused = cli.expect(404, "POST", &format!("{path}/redeliver/evt_1111111111111111111111"), None).await;
    assert!(refused["message"].is_string());
    until(&cli, &format!("{deliveries}?take=50"), count(2)).await;
    // redeliver-many --type --from --to
    let filters = json!({"event_types": ["user.deleted"], "date_from": "2025-01-01T00:00:00Z", "date_to": "2099-01-01T00:00:00Z"});
    cli.expect(202, "POST", &format!("{path}/redeliver"), Some(&filters)).await;
    let left = until(&cli, &format!("{deliveries}?take=50"), count(1)).await;
    assert_eq!(left["deliveries"][0]["id"], sent[1]);
    // redeliver-many without a filter
    cli.expect(202, "POST", &format!("{path}/redeliver"), Some(&json!({}))).await;
    until(&cli, &format!("{deliveries}?take=50"), count(0)).await;
    let ids: Vec<_> = receiver.bodies().into_iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    assert!(sent.iter().all(|id| ids.iter().filter(|got| *got == id).count() == 2), "once in vain, once not: {ids:?}");
    let delivered =
        |answer: &Value| answer["metrics"][0]["window_total"] == 3 && answer["metrics"][1]["window_total"] == 3;
    until(&cli, &format!("{path}/stats"), delivered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_of_the_auth0_cli_creating_users_and_applications() {
    let cli = log_in().await;
    // users create: which connections have an enabled client, then the one that was named.
    let strategies = "include_totals=true&per_page=100&strategy%5B0%5D=auth0&strategy%5B1%5D=email&strategy%5B2%5D=sms";
    let connections = cli.get(&format!("connections?{strategies}")).await;
    assert!(connections["total"].is_u64(), "{connections}");
    for connection in connections["connections"].as_array().unwrap() {
        let clients = cli.get(&format!("connections/{}/clients", connection["id"].as_str().unwrap())).await;
        assert!(!clients["clients"].as_array().unwrap().is_empty(), "it would be passed over: {connection}");
    }
    let name = "Username-Password-Authentication";
    let named = cli.get(&format!("connections?include_totals=true&name={name}&per_page=50")).await;
    assert_eq!(named["connections"][0]["name"], name);
    let user = json!({"connection": name, "email": "jane@example.com", "name": "Jane", "password": "Tr0ub4dor&3x"});
    let made = cli.expect(201, "POST", "users", Some(&user)).await;
    assert_eq!((&made["email"], &made["name"]), (&json!("jane@example.com"), &json!("Jane")));
    // apps create --type m2m
    let application = json!({
        "name": "m2m", "description": "d", "app_type": "non_interactive", "oidc_conformant": true,
        "jwt_configuration": {"alg": "RS256"}, "grant_types": ["client_credentials"], "client_metadata": {"k": "v"},
    });
    let made = cli.expect(201, "POST", "clients", Some(&application)).await;
    assert!(made["client_id"].is_string() && made["client_secret"].is_string());
    // api get: what lacks a scope is parsed from the message.
    let refused = cli.expect(400, "GET", "event-streams/est_x", None).await;
    assert_eq!(refused["errorCode"], "invalid_uri");
}
