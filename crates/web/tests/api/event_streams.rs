//! `/api/v2/event-streams`

use std::time::Duration;

use domain::destination::{Authorization, Destination};
use domain::ids::StreamId;
use serde_json::{Value, json};
use store::State;

use crate::server::{Server, error_with_code, invalid_body, invalid_query, settings};

const STREAMS: &str = "/api/v2/event-streams";

fn webhook(authorization: Value) -> Value {
    json!({"type": "webhook", "configuration": {
        "webhook_endpoint": "https://hooks.example.com/in", "webhook_authorization": authorization}})
}

fn bearer() -> Value {
    webhook(json!({"method": "bearer", "token": "initial-token"}))
}

async fn create(server: &Server, body: &Value) -> Value {
    server.call_with("POST", STREAMS, body).await.expect(201)
}

fn path_of(stream: &Value) -> String {
    format!("{STREAMS}/{}", stream["id"].as_str().unwrap())
}

async fn authorization_of(server: &Server, stream: &Value) -> Authorization {
    let tenant = server.store.tenant_ensure("default").await.unwrap();
    let id = StreamId::parse(stream["id"].as_str().unwrap()).unwrap();
    let stored = server.store.stream_get(tenant.id, id).await.unwrap().unwrap().value;
    let Destination::Webhook(webhook) = stored.destination else { panic!("a webhook") };
    webhook.authorization
}

#[tokio::test]
async fn post_and_get_event_streams_answer_as_recorded() {
    let server = Server::start().await;
    let body = json!({
        "status": "enabled", "name": "failing-webhook-test-stream",
        "subscriptions": [{"event_type": "user.created"}, {"event_type": "user.updated"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_authorization": {"method": "bearer", "token": "123456789"},
            "webhook_endpoint": "https://hooks.example.com/w/failing"}},
    });
    let reply = server.call_with("POST", STREAMS, &body).await;
    let text = reply.text().to_owned();
    let made = reply.expect(201);
    let id = made["id"].as_str().unwrap();
    // The order of the members is the contract's too.
    assert_eq!(
        text,
        format!(
            r#"{{"id":"{id}","status":"enabled","name":"failing-webhook-test-stream","subscriptions":[{{"event_type":"user.created"}},{{"event_type":"user.updated"}}],"created_at":"2026-01-16T08:50:33.955Z","updated_at":"2026-01-16T08:50:33.955Z","destination":{{"type":"webhook","configuration":{{"webhook_endpoint":"https://hooks.example.com/w/failing","webhook_authorization":{{"method":"bearer"}}}}}}}}"#
        )
    );
    assert_eq!(server.call("GET", &path_of(&made)).await.expect(200), made);
}

#[tokio::test]
async fn the_three_authorizations_are_kept_and_their_secrets_never_shown() {
    let server = Server::start().await;
    let cases = [
        (json!({"method": "bearer", "token": "hush"}), json!({"method": "bearer"})),
        (
            json!({"method": "basic", "username": "admin", "password": "hush"}),
            json!({"method": "basic", "username": "admin"}),
        ),
        (
            json!({"method": "custom_header", "header_key": "X-Webhook-Secret", "header_value": "hush"}),
            json!({"method": "custom_header", "header_key": "X-Webhook-Secret"}),
        ),
    ];
    for (given, shown) in cases {
        let made = create(&server, &json!({"destination": webhook(given)})).await;
        assert_eq!(made["destination"]["configuration"]["webhook_authorization"], shown);
        assert_eq!(authorization_of(&server, &made).await.secret().expose(), "hush");
        assert!(made.get("name").is_none());
        assert_eq!(made["subscriptions"], json!([]));
    }
    assert!(!server.call("GET", STREAMS).await.text().contains("hush"));
}

#[tokio::test]
async fn faults_name_the_member() {
    let server = Server::start().await;
    let authorization = "destination.configuration.webhook_authorization";
    let cases: Vec<(Value, String)> = vec![
        (json!({}), "'Missing required property: destination'.".to_owned()),
        (json!({"destination": bearer(), "x": 1}), "'Additional properties not allowed: x'.".to_owned()),
        (
            json!({"destination": bearer(), "headwater": {"x": 1}}),
            "'Additional properties not allowed: x' on property headwater.x (What this server offers beyond the \
             contract)."
                .to_owned(),
        ),
        (
            json!({"destination": bearer(), "name": ""}),
            "'String is too short (0 chars), minimum 1' on property name (Name of the event stream).".to_owned(),
        ),
        (
            json!({"destination": bearer(), "name": "x".repeat(129)}),
            "'String is too long (129 chars), maximum 128' on property name (Name of the event stream).".to_owned(),
        ),
        (
            json!({"destination": bearer(), "status": "paused"}),
            "'No enum match for: paused' on property status (Indicates whether the event stream is actively \
             forwarding events)."
                .to_owned(),
        ),
        (
            json!({"destination": bearer(), "subscriptions": []}),
            "'Array is too short (0), minimum 1' on property subscriptions (List of event types subscribed to in \
             this stream)."
                .to_owned(),
        ),
        (
            json!({"destination": bearer(), "subscriptions": [{"event_type": "user.born"}]}),
            "'No enum match for: user.born' on property subscriptions[0].event_type (One of the event types that \
             this server knows)."
                .to_owned(),
        ),
        (
            json!({"destination": bearer(), "subscriptions": [{"event_type": "user.created", "x": 1}]}),
            "'Additional properties not allowed: x' on property subscriptions[0] (List of event types subscribed to \
             in this stream)."
                .to_owned(),
        ),
        (
            json!({"destination": {"type": "kinesis", "configuration": {}}}),
            "'No enum match for: kinesis' on property destination.type (Type of the destination: webhook, \
             eventbridge or action)."
                .to_owned(),
        ),
        (
            json!({"destination": {"type": "webhook"}}),
            "'Missing required property: configuration' on property destination (Where the events are delivered to)."
                .to_owned(),
        ),
        (
            json!({"destination": {"type": "webhook", "configuration": {
                "webhook_endpoint": "http://hooks.example.com/", "webhook_authorization": {"method": "bearer"}}}}),
            "'String does not match pattern ^https://.*' on property destination.configuration.webhook_endpoint \
             (Target HTTP endpoint URL)."
                .to_owned(),
        ),
        (
            json!({"destination": webhook(json!({"method": "bearer"}))}),
            format!(
                "'Missing required property: token' on property {authorization} (HTTP authorization of the webhook)."
            ),
        ),
        (
            json!({"destination": webhook(json!({"method": "bearer", "token": "t", "username": "u"}))}),
            format!(
                "'Additional properties not allowed: username' on property {authorization} (HTTP authorization of the \
                 webhook)."
            ),
        ),
        (
            json!({"destination": webhook(json!({"method": "basic", "username": "a:b", "password": "p"}))}),
            format!("'String 'a:b' does not match pattern ^[^:]+$' on property {authorization}.username (Username)."),
        ),
        (
            json!({"destination": webhook(
                json!({"method": "custom_header", "header_key": "Content-Type", "header_value": "v"}))}),
            format!(
                "'The header Content-Type is set by the server' on property {authorization}.header_key (HTTP header name)."
            ),
        ),
    ];
    for (body, message) in cases {
        assert_eq!(server.call_with("POST", STREAMS, &body).await.expect(400), invalid_body(&message), "{body}");
    }
    assert_eq!(server.call("GET", STREAMS).await.expect(200), json!({"eventStreams": []}));
}

#[tokio::test]
async fn secrets_are_not_repeated_in_messages() {
    let server = Server::start().await;
    for authorization in [
        json!({"method": "bearer", "token": ["hush"]}),
        json!({"method": "bearer", "token": "hush\n"}),
        json!({"method": "basic", "username": "u", "password": "hush\u{7f}"}),
        json!({"method": "basic", "username": "u", "password": "hush".repeat(2000)}),
        json!({"method": "custom_header", "header_key": "x-key", "header_value": " hush"}),
    ] {
        let reply = server.call_with("POST", STREAMS, &json!({"destination": webhook(authorization)})).await;
        assert_eq!(reply.status, 400);
        assert!(!reply.text().contains("hush"), "{}", reply.text());
    }
}

#[tokio::test]
async fn http_endpoints_are_the_operators_choice() {
    let server = Server::start_with(web::Settings { http_destinations_allowed: true, ..settings() }).await;
    let mut destination = bearer();
    destination["configuration"]["webhook_endpoint"] = "http://localhost:9000/in".into();
    let made = create(&server, &json!({"destination": destination})).await;
    assert_eq!(made["destination"]["configuration"]["webhook_endpoint"], "http://localhost:9000/in");
}

#[tokio::test]
async fn names_are_unique() {
    let server = Server::start().await;
    let body = json!({"name": "crm", "destination": bearer()});
    create(&server, &body).await;
    let expected = error_with_code(409, "Conflict", "Event stream name already in use.", "event_stream_conflict");
    assert_eq!(server.call_with("POST", STREAMS, &body).await.expect(409), expected);
    let other = create(&server, &json!({"name": "CRM", "destination": bearer()})).await;
    assert_eq!(server.call_with("PATCH", &path_of(&other), &json!({"name": "crm"})).await.expect(409), expected);
}

#[tokio::test]
async fn patch_event_streams_replaces_what_it_names() {
    let server = Server::start().await;
    let made = create(
        &server,
        &json!({"name": "a", "subscriptions": [{"event_type": "user.created"}], "destination": bearer()}),
    )
    .await;
    let path = path_of(&made);
    assert_eq!(server.call_with("PATCH", &path, &json!({})).await.expect(200), made);
    server.clock.advance(Duration::from_secs(1));
    let changes = json!({
        "name": "b", "status": "disabled",
        "subscriptions": [{"event_type": "user.updated"}, {"event_type": "user.updated"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/other",
            "webhook_authorization": {"method": "basic", "username": "admin", "password": "securepass"}}},
    });
    let changed = server.call_with("PATCH", &path, &changes).await.expect(200);
    assert_eq!(
        changed,
        json!({
            "id": made["id"], "status": "disabled", "name": "b",
            "subscriptions": [{"event_type": "user.updated"}],
            "created_at": "2026-01-16T08:50:33.955Z", "updated_at": "2026-01-16T08:50:34.955Z",
            "destination": {"type": "webhook", "configuration": {
                "webhook_endpoint": "https://hooks.example.com/other",
                "webhook_authorization": {"method": "basic", "username": "admin"}}},
        })
    );
    assert_eq!(server.call("GET", &path).await.expect(200), changed);
}

#[tokio::test]
async fn a_secret_is_kept_while_the_method_stays() {
    let server = Server::start().await;
    let made = create(&server, &json!({"destination": bearer()})).await;
    let path = path_of(&made);
    let patch = async |authorization: Value| {
        server.call_with("PATCH", &path, &json!({"destination": webhook(authorization)})).await
    };
    patch(json!({"method": "bearer"})).await.expect(200);
    assert_eq!(authorization_of(&server, &made).await.secret().expose(), "initial-token");
    patch(json!({"method": "bearer", "token": "next-token"})).await.expect(200);
    assert_eq!(authorization_of(&server, &made).await.secret().expose(), "next-token");
    assert_eq!(
        patch(json!({"method": "basic", "username": "u"})).await.expect(400),
        invalid_body(
            "'Missing required property: password' on property destination.configuration.webhook_authorization (HTTP \
             authorization of the webhook)."
        )
    );
    patch(json!({"method": "basic", "username": "u", "password": "p"})).await.expect(200);
    patch(json!({"method": "basic", "username": "v"})).await.expect(200);
    let Authorization::Basic { username, password } = authorization_of(&server, &made).await else { panic!("basic") };
    assert_eq!((username.as_str(), password.expose()), ("v", "p"));
    patch(json!({"method": "custom_header", "header_key": "x"})).await.expect(400);
}

#[tokio::test]
async fn get_event_streams_goes_on_where_it_ended() {
    let server = Server::start().await;
    let mut names = Vec::new();
    for number in 0..5 {
        server.clock.advance(Duration::from_millis(5));
        let name = format!("stream-{number}");
        create(&server, &json!({"name": name, "destination": bearer()})).await;
        names.push(name);
    }
    let (mut found, mut query) = (Vec::new(), "take=2".to_owned());
    for page in 1.. {
        let answer = server.call("GET", &format!("{STREAMS}?{query}")).await.expect(200);
        let streams = answer["eventStreams"].as_array().unwrap();
        found.extend(streams.iter().map(|stream| stream["name"].as_str().unwrap().to_owned()));
        match answer.get("next") {
            Some(next) => query = format!("take=2&from={}", next.as_str().unwrap()),
            None => {
                assert_eq!(page, 3);
                break;
            }
        }
    }
    assert_eq!(found, names);
    for (query, reason, name, about) in [
        ("take=0", "Value 0 is less than minimum 1", "take", "Number of results per page"),
        ("take=101", "Value 101 is greater than maximum 100", "take", "Number of results per page"),
    ] {
        assert_eq!(
            server.call("GET", &format!("{STREAMS}?{query}")).await.expect(400),
            invalid_query(&format!("'{reason}' on property {name} ({about})."))
        );
    }
    let malformed = server.call("GET", &format!("{STREAMS}?from=est_x")).await.expect(400);
    assert_eq!(malformed["errorCode"], "invalid_query_string");
}

#[tokio::test]
async fn delete_event_streams_answers_204() {
    let server = Server::start().await;
    let path = path_of(&create(&server, &json!({"destination": bearer()})).await);
    for _ in 0..2 {
        server.call("DELETE", &path).await.expect(204);
    }
    server.call("GET", &path).await.expect(404);
    server.call_with("PATCH", &path, &json!({})).await.expect(404);
}
