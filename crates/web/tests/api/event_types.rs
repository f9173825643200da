//! Event types that a tenant registers (an extension): what is said of them, and what they let through.

use axum::body::Body;
use axum::http::Request;
use domain::catalog::EventType;
use serde_json::{Value, json};

use crate::server::{Server, error_with_code, invalid_body};

const TYPES: &str = "/api/v2/headwater/event-types";
const NAME: &str = "com.example.invoice.paid";

fn invoice() -> Value {
    json!({
        "name": NAME, "description": "An invoice was paid.",
        "schema": {
            "type": "object", "required": ["object"],
            "properties": {"object": {"type": "object", "required": ["number"], "properties": {
                "number": {"type": "string", "pattern": "^I-[0-9]+$"}, "cents": {"type": "integer"}}}}},
        "example": {"object": {"number": "I-1", "cents": 990}},
    })
}

async fn register(server: &Server, definition: &Value) -> Value {
    server.call_with("POST", TYPES, definition).await.expect(201)
}

fn event(id: &str, data: &Value) -> Value {
    json!({"specversion": "1.0", "type": NAME, "source": "urn:billing", "id": id, "data": data})
}

async fn publish(server: &Server, events: &Value) -> crate::server::Reply {
    let content_type = if events.is_array() { "application/cloudevents-batch+json" } else { "application/json" };
    let request = Request::post("/api/v2/events")
        .header("authorization", format!("Bearer {}", server.token))
        .header("content-type", content_type);
    server.send(request.body(Body::from(events.to_string())).unwrap()).await
}

fn stream_to(types: &[&str]) -> Value {
    let subscriptions: Vec<_> = types.iter().map(|name| json!({"event_type": name})).collect();
    json!({
        "subscriptions": subscriptions,
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "t"}}},
    })
}

#[tokio::test]
async fn a_type_is_registered_read_listed_changed_and_removed() {
    let server = Server::start().await;
    let made = register(&server, &invoice()).await;
    let mut expected = invoice();
    for time in ["created_at", "updated_at"] {
        expected[time] = json!("2026-01-16T08:50:33.955Z");
    }
    assert_eq!(made, expected);
    let path = format!("{TYPES}/{NAME}");
    assert_eq!(server.call("GET", &path).await.expect(200), made);
    register(&server, &json!({"name": "com.example.a", "schema": true})).await;
    let listed = server.call("GET", TYPES).await.expect(200);
    let names = |listed: &Value| -> Vec<String> {
        let registered =
            listed["eventTypes"].as_array().unwrap().iter().filter(|each| each.get("operational").is_none());
        registered.map(|each| each["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((names(&listed), listed.get("next")), (vec!["com.example.a".to_owned(), NAME.to_owned()], None));
    let first = server.call("GET", &format!("{TYPES}?take=1")).await.expect(200);
    assert_eq!(names(&first), ["com.example.a"]);
    let next = first["next"].as_str().unwrap();
    assert_eq!(names(&server.call("GET", &format!("{TYPES}?take=1&from={next}")).await.expect(200)), [NAME]);
    let changed = server.call_with("PATCH", &path, &json!({"description": "Paid.", "example": null})).await.expect(200);
    assert_eq!((&changed["description"], changed.get("example")), (&json!("Paid."), None));
    assert_eq!(changed["schema"], invoice()["schema"]);
    server.call("DELETE", &path).await.expect(204);
    let gone = error_with_code(404, "Not Found", "The event type is not registered.", "inexistent_event_type");
    for method in ["GET", "DELETE"] {
        assert_eq!(server.call(method, &path).await.expect(404), gone);
    }
    assert_eq!(server.call_with("PATCH", &path, &json!({})).await.expect(404), gone);
    // The catalogue's are not registered.
    server.call("GET", &format!("{TYPES}/user.created")).await.expect(404);
}

#[tokio::test]
async fn what_cannot_be_registered_is_refused_by_name() {
    let server = Server::start().await;
    register(&server, &invoice()).await;
    let taken = error_with_code(409, "Conflict", "The event type is already registered.", "resource_conflict");
    assert_eq!(server.call_with("POST", TYPES, &invoice()).await.expect(409), taken);
    let about_schema = "(JSON Schema of the data of such events; it refers to nothing outside of it).";
    let about_name = "(Name of the event type; it never changes).";
    let with = |member: &str, value: Value| {
        let mut definition = invoice();
        definition["name"] = json!("com.example.b");
        definition[member] = value;
        definition
    };
    for (definition, message) in [
        (json!({"schema": {}}), "'Missing required property: name'.".to_owned()),
        (json!({"name": "com.example.b"}), "'Missing required property: schema'.".to_owned()),
        (
            with("name", json!("headwater.stream.failing")),
            format!(
                "'names that begin with headwater are reserved; begin with your own domain, such as com.example' on \
                 property name {about_name}"
            ),
        ),
        (
            with("schema", json!({"type": "thing"})),
            format!("'value is not valid under any of the schemas listed in the 'anyOf' keyword' on property \
                     schema.type {about_schema}"),
        ),
        (
            with("example", json!({"object": {"number": 7}})),
            "'value is not of type \"string\"' on property example.object.number (Data of such an event, which fit the \
             schema)."
                .to_owned(),
        ),
        (with("x", json!(1)), "'Additional properties not allowed: x'.".to_owned()),
    ] {
        assert_eq!(server.call_with("POST", TYPES, &definition).await.expect(400), invalid_body(&message));
    }
    for schema in [
        json!({"$ref": "https://schemas.example.com/x.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"pattern": "("}),
        json!({"pattern": "(a)\\1"}),
        json!([]),
        json!({"description": "x".repeat(33 * 1024)}),
    ] {
        let refused = server.call_with("POST", TYPES, &with("schema", schema)).await.expect(400);
        assert!(refused["message"].as_str().unwrap().contains("on property schema"), "{refused}");
    }
    let listed = server.call("GET", TYPES).await.expect(200);
    let listed = listed["eventTypes"].as_array().unwrap();
    assert_eq!(listed.iter().filter(|each| each.get("operational").is_none()).count(), 1);
}

#[tokio::test]
async fn a_schema_that_refers_to_itself_ends() {
    let server = Server::start().await;
    for (number, schema) in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"properties": {"next": {"$ref": "#"}}}),
        json!({"pattern": "^(a+)+$"}),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("com.example.t{number}");
        let definition = json!({"name": name, "schema": schema});
        let made = server.call_with("POST", TYPES, &definition).await;
        if made.status == 201 {
            let event = json!({
                "specversion": "1.0", "type": name, "source": "urn:x", "id": "1",
                "data": if number == 3 { json!("a".repeat(4000) + "b") } else { json!({"next": {"next": {}}}) },
            });
            let status = publish(&server, &event).await.status.as_u16();
            assert!(matches!(status, 202 | 400), "{definition}: {status}");
        } else {
            assert_eq!(made.status, 400, "{definition}");
        }
    }
}

#[tokio::test]
async fn published_events_of_it_are_checked_and_logged() {
    let server = Server::start().await;
    register(&server, &invoice()).await;
    let good = json!({"object": {"number": "I-7", "cents": 100}});
    publish(&server, &event("1", &good)).await.expect(202);
    let bad = event("2", &json!({"object": {"number": "I-7", "cents": "100"}}));
    let about = "(By the schema that the event type was registered with).";
    assert_eq!(
        publish(&server, &json!([event("3", &good), bad])).await.expect(400),
        invalid_body(&format!("'value is not of type \"integer\"' on property [1].data.object.cents {about}"))
    );
    assert_eq!(
        publish(&server, &event("4", &json!([]))).await.expect(400),
        invalid_body(&format!("'value is not of type \"object\"' on property data {about}"))
    );
    let mut about_one = event("5", &good);
    about_one["subject"] = json!("I-7");
    publish(&server, &about_one).await.expect(202);
    let events = server.events().await;
    let logged: Vec<_> = events.iter().map(|logged| logged.event.subject.as_str()).collect();
    assert_eq!(logged, ["event:urn:billing 1", "subject:urn:billing I-7"]);
    assert!(events.iter().all(|logged| matches!(logged.event.event_type, EventType::Registered(_))));
    let body = &server.event_bodies().await[0];
    assert_eq!((&body["type"], &body["data"], &body["a0tenant"]), (&json!(NAME), &good, &json!("default")));
    // Another schema holds from then on.
    let path = format!("{TYPES}/{NAME}");
    server.call_with("PATCH", &path, &json!({"schema": {"type": "array"}, "example": null})).await.expect(200);
    publish(&server, &event("6", &json!([]))).await.expect(202);
    publish(&server, &event("7", &good)).await.expect(400);
}

#[tokio::test]
async fn a_type_that_is_not_registered_can_be_neither_published_nor_subscribed_to() {
    let server = Server::start().await;
    for _ in 0..2 {
        let refused = publish(&server, &event("1", &json!({}))).await.expect(400);
        assert!(
            refused["message"].as_str().unwrap().contains(&format!("'No enum match for: {NAME}' on property type"))
        );
        let refused = server.call_with("POST", "/api/v2/event-streams", &stream_to(&[NAME])).await.expect(400);
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(&format!("'No enum match for: {NAME}' on property subscriptions[0].event_type")));
        register(&server, &invoice()).await;
        server.call("DELETE", &format!("{TYPES}/{NAME}")).await.expect(204);
    }
}

#[tokio::test]
async fn streams_subscribe_to_it_and_it_stays_as_long_as_they_do() {
    let server = Server::start().await;
    register(&server, &invoice()).await;
    let made = server.call_with("POST", "/api/v2/event-streams", &stream_to(&["user.created", NAME])).await.expect(201);
    assert_eq!(made["subscriptions"], json!([{"event_type": "user.created"}, {"event_type": NAME}]));
    let stream = format!("/api/v2/event-streams/{}", made["id"].as_str().unwrap());
    assert_eq!(server.call("GET", &stream).await.expect(200), made);
    let listed = server.call("GET", "/api/v2/event-streams").await.expect(200);
    assert_eq!(listed["eventStreams"], json!([made]));
    let path = format!("{TYPES}/{NAME}");
    let subscribed = error_with_code(
        409,
        "Conflict",
        "An event stream subscribes to the event type; take it out of the subscriptions first.",
        "event_type_subscribed",
    );
    assert_eq!(server.call("DELETE", &path).await.expect(409), subscribed);
    let patch = json!({"subscriptions": [{"event_type": "user.created"}]});
    server.call_with("PATCH", &stream, &patch).await.expect(200);
    server.call("DELETE", &path).await.expect(204);
}

#[tokio::test]
async fn registering_needs_its_scopes() {
    let server = Server::start().await;
    let token = server.token_with(&["read:event_streams"]).await;
    for (method, path, scope) in [
        ("GET", TYPES.to_owned(), "read:event_types"),
        ("POST", TYPES.to_owned(), "create:event_types"),
        ("GET", format!("{TYPES}/{NAME}"), "read:event_types"),
        ("PATCH", format!("{TYPES}/{NAME}"), "update:event_types"),
        ("DELETE", format!("{TYPES}/{NAME}"), "delete:event_types"),
    ] {
        let message = format!("Insufficient scope, expected any of: {scope}");
        let refused = error_with_code(403, "Forbidden", &message, "insufficient_scope");
        assert_eq!(server.call_as(&token, method, &path).await.expect(403), refused);
    }
}

#[tokio::test]
async fn the_example_of_a_registered_type_is_its_test_event() {
    let server = Server::start().await;
    register(&server, &invoice()).await;
    let stream = server.call_with("POST", "/api/v2/event-streams", &stream_to(&[NAME])).await.expect(201);
    let path = format!("/api/v2/event-streams/{}/test", stream["id"].as_str().unwrap());
    let test = async |body: Value| server.call_with("POST", &path, &body).await;
    let sent = test(json!({"event_type": NAME})).await.expect(202);
    let event = &sent["event"];
    assert_eq!(
        (&event["type"], &event["data"], &event["a0purpose"]),
        (&json!(NAME), &invoice()["example"], &json!("test"))
    );
    let own = json!({"object": {"number": "I-7"}});
    let sent = test(json!({"event_type": NAME, "data": own})).await.expect(202);
    assert_eq!(sent["event"]["data"], own);
    test(json!({"event_type": "com.example.other"})).await.expect(400);
}
