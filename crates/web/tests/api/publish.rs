//! `POST /api/v2/events`: events that somebody else raised.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::server::{
    BATCH_BYTES_MAX, BODY_BYTES_MAX, CLIENT_SECRET, Reply, Server, error, error_with_code, invalid_body, load,
    open_store, settings,
};

const PATH: &str = "/api/v2/events";
const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

impl Server {
    async fn publish_as(&self, content_type: &str, body: impl Into<Body>) -> Reply {
        let request = Request::post(PATH)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", content_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Publishes one event; answers its id.
    async fn publish(&self, event: &Value) -> String {
        let answer = self.publish_as(ONE, event.to_string()).await.expect(202);
        let id = answer["id"].as_str().unwrap().to_owned();
        assert_eq!(answer, json!({ "id": id }));
        id
    }

    /// Publishes a batch; answers the ids.
    async fn publish_batch(&self, events: &Value) -> Vec<String> {
        let answer = self.publish_as(BATCH, events.to_string()).await.expect(202);
        let ids: Vec<String> = serde_json::from_value(answer["ids"].clone()).unwrap();
        assert_eq!(answer, json!({ "ids": ids }));
        ids
    }

    async fn log_length(&self) -> usize {
        self.events().await.len()
    }
}

/// An event about a user of its own.
fn event(id: &str) -> Value {
    json!({
        "specversion": "1.0", "type": "user.created", "source": "urn:crm", "id": id,
        "time": "2026-01-16T08:00:00Z", "data": {"object": {"user_id": format!("crm|{id}")}},
    })
}

/// The event with one member more or another one; without it, if it is null.
fn with(mut event: Value, member: &str, value: Value) -> Value {
    let members = event.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(member)
    } else {
        members.insert(member.to_owned(), value)
    };
    event
}

#[tokio::test]
async fn one_event_is_logged_as_its_producer_gave_it() {
    let server = Server::start().await;
    let data = r#"{ "object": {"user_id": "crm|1", "n": 1.10, "s": "\u00e4\/"},
        "context": {"tenant": {"id": "t"}}, "more": null }"#;
    let body = format!(
        r#"{{"id": "42", "data": {data}, "subject": "ignored", "dataschema": "urn:x", "datacontenttype": "application/json",
            "traceparent": "00-1", "a0tenant": "evil", "a0stream": "evil", "comexample": 7, "source": "/crm/\u0041?x=\"1\"",
            "time": "2026-01-16T09:50:33.9556+01:00", "type": "user.updated", "specversion": "1.0", "data_base64": null}}"#
    );
    for content_type in [ONE, "application/json", "Application/CloudEvents+JSON; charset=utf-8"] {
        let id = server.publish_as(content_type, body.clone()).await.expect(202)["id"].as_str().unwrap().to_owned();
        let events = server.events().await;
        assert_eq!(events.len(), 1);
        let logged = &events[0].event;
        assert_eq!((logged.id.to_string(), logged.subject.as_str()), (id.clone(), "user:crm|1"));
        assert_eq!(logged.event_type.name(), Some("user.updated"));
        let expected = format!(
            r#"{{"specversion":"1.0","type":"user.updated","source":"/crm/A?x=\"1\"","id":"{id}","time":"2026-01-16T08:50:33.955Z","data":{data},"a0tenant":"default"}}"#
        );
        assert_eq!(std::str::from_utf8(&logged.body).unwrap(), expected);
    }
}

#[tokio::test]
async fn an_event_without_a_time_happened_now_and_all_are_logged_as_of_now() {
    let server = Server::start().await;
    server.publish(&with(event("1"), "time", Value::Null)).await;
    server.publish(&with(event("2"), "time", json!("1999-12-31T23:59:59Z"))).await;
    let (events, bodies) = (server.events().await, server.event_bodies().await);
    assert_eq!(bodies[0]["time"], "2026-01-16T08:50:33.955Z");
    assert_eq!(bodies[1]["time"], "1999-12-31T23:59:59.000Z");
    // Retention goes by when an event was taken, not by what its producer says.
    assert!(events.iter().all(|logged| logged.event.time.to_string() == "2026-01-16T08:50:33.955Z"));
    // A clock may be a little ahead, not more.
    server.publish(&with(event("3"), "time", json!("2026-01-16T08:55:33.955Z"))).await;
    let late = with(event("4"), "time", json!("2026-01-16T08:55:33.956Z"));
    assert_eq!(
        server.publish_as(ONE, late.to_string()).await.expect(400),
        invalid_body(
            "'Time is more than 300 s in the future: 2026-01-16T08:55:33.956Z' on property time (When it happened)."
        )
    );
}

#[tokio::test]
async fn the_same_event_is_one_event() {
    let server = Server::start().await;
    let id = server.publish(&event("1")).await;
    assert_eq!((id.len(), &id[..4]), (26, "evt_"));
    // What else it says does not matter: source and id tell.
    let again = with(event("1"), "type", json!("user.deleted"));
    assert_eq!(server.publish(&again).await, id);
    assert_eq!(server.publish_batch(&json!([event("1"), event("1")])).await, [id.as_str(), id.as_str()]);
    assert_eq!(server.log_length().await, 1);
    let other = server.publish(&with(event("1"), "source", json!("urn:other"))).await;
    let ids = server.publish_batch(&json!([event("2"), event("1"), event("3"), event("2")])).await;
    assert!(ids[1] == id && ids[0] == ids[3] && ids[0] != ids[2] && other != id);
    let logged: Vec<_> = server.events().await.iter().map(|logged| logged.event.id.to_string()).collect();
    assert_eq!(logged, [&id, &other, &ids[0], &ids[2]].map(String::as_str));
}

#[tokio::test]
async fn an_id_in_the_contracts_form_is_kept() {
    let server = Server::start().await;
    let own = "evt_q273LFcsfrNovuzswy8qBz";
    assert_eq!(server.publish(&event(own)).await, own);
    assert_eq!(server.publish(&event(own)).await, own);
    assert_eq!(server.log_length().await, 1);
    // It is the source's own: another source may use the same.
    assert_eq!(server.publish(&with(event(own), "source", json!("urn:other"))).await, own);
    assert_eq!(server.log_length().await, 2);
    assert_ne!(server.publish(&event("evt_0273LFcsfrNovuzswy8qBz")).await, "evt_0273LFcsfrNovuzswy8qBz");
}

#[tokio::test]
async fn the_same_event_is_one_event_after_a_restart() {
    let server = Server::start().await;
    let ids = server.publish_batch(&json!([event("1"), event("2")])).await;
    let Server { router, store, clock, folder, token, .. } = server;
    drop(router);
    // Whoever still answers a request holds the store for a moment.
    drop(std::sync::Arc::into_inner(store).expect("nobody else uses the store"));
    let store = open_store(&folder);
    let router = load(&store, &clock, CLIENT_SECRET, settings()).await;
    let server = Server { router, store, clock, token, folder };
    assert_eq!(server.publish(&event("2")).await, ids[1]);
    assert_eq!(server.publish_batch(&json!([event("3"), event("1")])).await[1], ids[0]);
    assert_eq!(server.log_length().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_event_published_at_once_is_one_event() {
    let server = std::sync::Arc::new(Server::start().await);
    let mut tasks = JoinSet::new();
    for caller in 0..32 {
        let server = std::sync::Arc::clone(&server);
        tasks.spawn(async move {
            let mut ids = Vec::new();
            for number in 0..20 {
                ids.push(server.publish(&event(&((number + caller) % 20).to_string())).await);
            }
            ids.sort_unstable();
            ids
        });
    }
    let ids = tasks.join_all().await;
    assert!(ids.iter().all(|each| *each == ids[0]), "everybody is told the same ids");
    let mut logged: Vec<_> = server.events().await.iter().map(|logged| logged.event.id.to_string()).collect();
    logged.sort_unstable();
    assert_eq!(logged, ids[0]);
}

#[tokio::test]
async fn events_are_ordered_by_what_changes() {
    let server = Server::start().await;
    let organization = json!({"organization": {"id": "org_1"}, "group": {"id": "grp_1"}, "user": {"user_id": "u"},
        "member": {"id": "u"}, "role": {"id": "rol_1"}, "connection": {"id": "con_1"}, "id": "own", "user_id": "u1"});
    let cases = [
        ("user.created", "user:u1"),
        ("user.deleted", "user:u1"),
        ("organization.updated", "organization:own"),
        ("organization.member.added", "organization:org_1"),
        ("organization.member.role.assigned", "organization:org_1"),
        ("organization.connection.removed", "organization:org_1"),
        ("organization.group.role.deleted", "organization:org_1"),
        ("group.created", "group:own"),
        ("group.member.deleted", "group:grp_1"),
        ("group.role.assigned", "group:grp_1"),
        ("connection.updated", "connection:own"),
    ];
    let events: Vec<_> = cases
        .iter()
        .map(|(name, _)| with(with(event(name), "type", json!(name)), "data", json!({ "object": organization })))
        .collect();
    server.publish_batch(&json!(events)).await;
    for (logged, (name, subject)) in server.events().await.iter().zip(cases) {
        assert_eq!((logged.event.event_type.to_string().as_str(), logged.event.subject.as_str()), (name, subject));
    }
}

#[tokio::test]
async fn without_an_id_in_the_data_the_subject_tells() {
    let server = Server::start().await;
    let bare = with(event("1"), "data", json!({"object": {"id": "not a user_id"}}));
    assert_eq!(
        server.publish_as(ONE, bare.to_string()).await.expect(400),
        invalid_body("'Missing required property: user_id' on property data.object.")
    );
    server.publish(&with(bare, "subject", json!("crm|7"))).await;
    assert_eq!(server.events().await[0].event.subject.as_str(), "user:crm|7");
    let group = with(with(event("2"), "type", json!("group.member.added")), "data", json!({"object": {}}));
    let group_without_id = with(group.clone(), "data", json!({"object": {"group": {}}}));
    for (faulty, message) in [
        (&group, "'Missing required property: group' on property [1].data.object."),
        (&group_without_id, "'Missing required property: id' on property [1].data.object.group."),
    ] {
        let batch = json!([event("3"), faulty]);
        assert_eq!(server.publish_as(BATCH, batch.to_string()).await.expect(400), invalid_body(message));
    }
    server.publish(&with(group, "subject", json!("grp_1"))).await;
    assert_eq!(server.events().await[1].event.subject.as_str(), "group:grp_1");
}

/// What is wrong with an event that has `value` as `member`, or lacks it if it is null.
const TYPE_ABOUT: &str = "(What happened, one of the event types)";
const DATA_ABOUT: &str = "(What happened in detail, an object with the member object)";

fn faults() -> Vec<(&'static str, Value, String)> {
    let id_about = "(Identifies the event together with its source)";
    let long = |chars: usize| json!("x".repeat(chars));
    let wrong = |member: &str, reason: &str, about: &str| format!("'{reason}' on property @{member} {about}.");
    let deep = serde_json::from_str(&format!("{}1{}", r#"{"object":{"x":"#.repeat(60), "}}".repeat(60))).unwrap();
    vec![
        (
            "specversion",
            json!("0.3"),
            wrong(
                "specversion",
                "String '0.3' does not match pattern ^1\\.0$",
                "(Version of the CloudEvents specification)",
            ),
        ),
        ("specversion", Value::Null, "'Missing required property: specversion'@.".to_owned()),
        ("id", Value::Null, "'Missing required property: id'@.".to_owned()),
        ("id", json!(""), wrong("id", "String is too short (0 chars), minimum 1", id_about)),
        ("id", long(256), wrong("id", "String is too long (256 chars), maximum 255", id_about)),
        ("id", json!(7), wrong("id", "Expected type string but found type integer", id_about)),
        ("source", Value::Null, "'Missing required property: source'@.".to_owned()),
        (
            "source",
            long(2049),
            wrong("source", "String is too long (2049 chars), maximum 2048", "(Where the event happened)"),
        ),
        (
            "source",
            json!({"x": [1]}),
            wrong("source", "Expected type string but found type object", "(Where the event happened)"),
        ),
        ("type", Value::Null, "'Missing required property: type'@.".to_owned()),
        ("type", json!("user.exploded"), wrong("type", "No enum match for: user.exploded", TYPE_ABOUT)),
        (
            "time",
            json!("yesterday"),
            wrong("time", "Object didn't pass validation for format date-time: yesterday", "(When it happened)"),
        ),
        (
            "time",
            json!(1_700_000_000.5),
            wrong("time", "Expected type string but found type number", "(When it happened)"),
        ),
        (
            "subject",
            json!(true),
            wrong("subject", "Expected type string but found type boolean", "(What the event is about)"),
        ),
        (
            "datacontenttype",
            json!("text/xml"),
            wrong(
                "datacontenttype",
                "Object didn't pass validation for format json-media-type: text/xml",
                "(Media type of the data, which must be JSON)",
            ),
        ),
        (
            "data_base64",
            json!("AA=="),
            wrong(
                "data_base64",
                "Additional properties not allowed: data_base64",
                "(Binary data, which no event type has)",
            ),
        ),
        ("data", Value::Null, "'Missing required property: data'@.".to_owned()),
        ("data", json!([1]), wrong("data", "Expected type object but found type array", DATA_ABOUT)),
        ("data", json!({"user_id": "1"}), wrong("data", "Missing required property: object", DATA_ABOUT)),
        (
            "data",
            json!({"object": null}),
            "'Expected type object but found type null' on property @data.object.".to_owned(),
        ),
        (
            "data",
            json!({"object": {"user_id": 5}}),
            "'Expected type string but found type integer' on property @data.object.user_id.".to_owned(),
        ),
        (
            "data",
            json!({"object": {"user_id": ""}}),
            "'String is too short (0 chars), minimum 1' on property @data.object.user_id \
             (Identifies what the event is about)."
                .to_owned(),
        ),
        (
            "data",
            deep,
            wrong(
                "data",
                "Object didn't pass validation for format json: nested more than 100 deep \
            at line 1 column 751",
                DATA_ABOUT,
            ),
        ),
    ]
}

#[tokio::test]
async fn a_refused_event_is_named_by_index_and_member_and_takes_its_batch_with_it() {
    let server = Server::start().await;
    for (member, value, message) in faults() {
        let faulty = with(event("1"), member, value);
        let alone = message.replace("'@.", "'.").replace('@', "");
        assert_eq!(server.publish_as(ONE, faulty.to_string()).await.expect(400), invalid_body(&alone));
        let batch = json!([event("2"), event("3"), faulty, event("4"), faulty]);
        let in_batch = message.replace("'@.", "' on property [2].").replace('@', "[2].");
        assert_eq!(server.publish_as(BATCH, batch.to_string()).await.expect(400), invalid_body(&in_batch));
    }
    assert_eq!(server.log_length().await, 0);
}

#[tokio::test]
async fn of_bodies_that_are_no_events() {
    let server = Server::start().await;
    let not_json = error_with_code(400, "Bad Request", "Invalid request payload JSON format", "invalid_body");
    let twice = r#"{"id": "1", "id": "2"}"#;
    for content_type in [ONE, BATCH] {
        for body in ["", "{", "[{]", "{} {}", "[] x", "{\"id\": \"\u{1}\"}"] {
            assert_eq!(server.publish_as(content_type, body).await.expect(400), not_json, "{body}");
        }
        assert_eq!(server.publish_as(content_type, b"[{\"id\":\"\xff\"}]".to_vec()).await.expect(400), not_json);
    }
    assert_eq!(server.publish_as(ONE, twice).await.expect(400), not_json);
    let expected = |wanted, found| invalid_body(&format!("'Expected type {wanted} but found type {found}'."));
    for (body, found) in [("null", "null"), ("1", "integer"), ("\"x\"", "string"), ("[{}]", "array"), ("1.5", "number")]
    {
        assert_eq!(server.publish_as("application/json", body).await.expect(400), expected("object", found));
    }
    for (body, found) in [("null", "null"), ("true", "boolean"), ("\"x\"", "string"), ("{\"a\":[1]}", "object")] {
        assert_eq!(server.publish_as(BATCH, body).await.expect(400), expected("array", found));
    }
    let message = "'Expected type object but found type array' on property [1].";
    let batch = json!([event("1"), [event("2")]]).to_string();
    assert_eq!(server.publish_as(BATCH, batch).await.expect(400), invalid_body(message));
    assert_eq!(server.log_length().await, 0);
}

#[tokio::test]
async fn a_batch_is_bounded_in_events_and_in_bytes() {
    let server = Server::start().await;
    assert_eq!(server.publish_as(BATCH, "[]").await.expect(400), invalid_body("'Array is too short (0), minimum 1'."));
    let events = |count: usize| -> Value { (0..count).map(|number| event(&number.to_string())).collect() };
    assert_eq!(
        server.publish_as(BATCH, events(1003).to_string()).await.expect(400),
        invalid_body("'Array is too long (1003), maximum 1000'.")
    );
    assert_eq!(server.log_length().await, 0);
    let most = events(1000).to_string();
    assert!((BODY_BYTES_MAX..BATCH_BYTES_MAX).contains(&most.len()), "a batch has a limit of its own");
    assert_eq!(server.publish_as(BATCH, most).await.expect(202)["ids"].as_array().unwrap().len(), 1000);
    assert_eq!(server.log_length().await, 1000);
    for (content_type, max) in [(BATCH, BATCH_BYTES_MAX), (ONE, BODY_BYTES_MAX)] {
        let message = format!("Payload content length greater than maximum allowed: {max}");
        let large = " ".repeat(max + 1);
        assert_eq!(server.publish_as(content_type, large).await.expect(413), error(413, "Payload Too Large", &message));
    }
}

#[tokio::test]
async fn who_may_publish() {
    let server = Server::start().await;
    let token = server.token_with(&["read:users", "create:users"]).await;
    let message = "Insufficient scope, expected any of: create:events";
    assert_eq!(
        server.call_as(&token, "POST", PATH).await.expect(403),
        error_with_code(403, "Forbidden", message, "insufficient_scope")
    );
    assert_eq!(server.send(Request::post(PATH).body(Body::empty()).unwrap()).await.status, 401);
    let token = server.token_with(&["create:events"]).await;
    let request = Request::post(PATH).header("authorization", format!("Bearer {token}")).header("content-type", ONE);
    server.send(request.body(Body::from(event("1").to_string())).unwrap()).await.expect(202);
    server.clock.advance(Duration::from_secs(86_401));
    assert_eq!(server.call_as(&token, "POST", PATH).await.status, 401);
}
