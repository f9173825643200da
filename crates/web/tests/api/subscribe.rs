//! `GET /api/v2/events`: what is asked for and what is told (management-api.md 4).

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::clock::Timestamp;
use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use serde_json::{Value, json};
use store::{Log, Offsets, State, TenantKeys};

use crate::reading::{GREETING, Message, PATH};
use crate::server::{Server, error_with_code, invalid_query, readers};

impl Server {
    async fn tenant(&self) -> TenantId {
        self.store.tenant_ensure(domain::account::DEFAULT_TENANT).await.unwrap().id
    }

    async fn create_user(&self, name: &str) {
        let user = json!({"connection": "Username-Password-Authentication", "email": format!("{name}@example.com"),
            "password": "Tr0ub4dor&3x"});
        self.call_with("POST", "/api/v2/users", &user).await.expect(201);
    }
}

#[tokio::test]
async fn a_reader_is_greeted_and_gets_what_comes() {
    let server = Server::start().await;
    server.create_user("before").await;
    let mut reading = server.subscribe("").await;
    assert_eq!(reading.headers["content-type"], "text/event-stream");
    assert_eq!(reading.headers["cache-control"], "no-cache");
    for expected in GREETING {
        assert_eq!(reading.frame().await.unwrap(), expected);
    }
    // Whoever starts now learns at once where that is.
    let told = reading.message().await.unwrap();
    let now = told.id.clone();
    assert_eq!(server.position(&now).await, 2);
    assert_eq!(told, Message { event: "offset-only".to_owned(), id: now.clone(), data: json!({ "offset": now }) });
    server.create_user("jane").await;
    let message = reading.message().await.unwrap();
    assert_eq!((message.event.as_str(), &message.id), ("user.created", &server.offset(3).await));
    let mut expected = server.event_bodies().await[1].clone();
    expected["a0stream"] = json!(StreamId::of_events_api(server.tenant().await).to_string());
    assert_eq!(message.data, json!({"offset": message.id, "event": expected}));
    // Every reader is told the same.
    let mut again = server.subscribe(&format!("?from={now}")).await;
    assert_eq!(again.message().await.unwrap(), message);
}

#[tokio::test]
async fn get_events_answers_as_documented() {
    let quick = readers(8, Duration::from_secs(20), Duration::from_millis(500));
    let server = Server::start_with(quick).await;
    server.create_user("jane").await;
    let mut reading = server.subscribe(&format!("?from={}", server.offset(1).await)).await;
    let mut text = String::new();
    while let Some(frame) = reading.frame().await {
        text.push_str(&frame);
        text.push_str("\n\n");
    }
    let mut event = String::from_utf8(server.events().await[0].event.body.to_vec()).unwrap();
    assert_eq!(event.pop(), Some('}'));
    let (offset, stream) = (server.offset(2).await, StreamId::of_events_api(server.tenant().await));
    // Where it ends is a place, which looks different each time.
    let end = text.rsplit('"').nth(1).unwrap();
    assert_eq!(server.position(end).await, 2);
    let expected = format!(
        ":connected\n\nretry: 2000\n\n\
         event: user.created\nid: {offset}\n\
         data: {{\"offset\":\"{offset}\",\"event\":{event},\"a0stream\":\"{stream}\"}}}}\n\n\
         event: error\ndata: {{\"error\":{{\"code\":\"connection_timeout\",\"message\":\"The connection is closed by \
         the server. Reconnect to continue.\",\"offset\":\"{end}\"}}}}\n\n"
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn whatever_is_accepted_events_are_answered() {
    let server = Server::start().await;
    for accept in ["text/event-stream", "*/*", "application/json"] {
        let mut reading = server.subscribe_with("", &[("accept", accept)]).await;
        assert_eq!(reading.headers["content-type"], "text/event-stream");
        assert_eq!(reading.frame().await.unwrap(), ":connected");
    }
}

#[tokio::test]
async fn an_event_that_was_published_over_several_lines_is_told_on_one() {
    let server = Server::start().await;
    let mut reading = server.subscribe("").await;
    let data = "{\n  \"object\": {\r\n\t\"user_id\": \"crm|1\", \"note\": \"a\\nb\"}}";
    let event = format!(r#"{{"specversion":"1.0","type":"user.created","source":"urn:crm","id":"1","data":{data}}}"#);
    server.raw("POST", PATH, event).await.expect(202);
    let message = reading.event().await;
    assert_eq!(message.data["event"]["data"], json!({"object": {"user_id": "crm|1", "note": "a\nb"}}));
}

/// The positions of the next events, by what their offsets say.
async fn first_position(server: &Server, query: &str, headers: &[(&str, &str)]) -> u64 {
    let message = server.subscribe_with(query, headers).await.event().await;
    server.position(&message.id).await - 1
}

#[tokio::test]
async fn a_reader_starts_where_it_says() {
    let server = Server::start().await;
    for _ in 0..6 {
        server.raise("user.created", 1).await;
        server.clock.advance(Duration::from_secs(1));
    }
    let offsets = [server.offset(2).await, server.offset(4).await];
    let from = |seq: usize| format!("?from={}", offsets[seq]);
    let last = |seq: usize| [("last-event-id", offsets[seq].as_str())];
    assert_eq!(first_position(&server, &from(0), &[]).await, 2);
    assert_eq!(first_position(&server, "", &last(1)).await, 4);
    assert_eq!(first_position(&server, &from(0), &last(1)).await, 4, "the header wins");
    assert_eq!(first_position(&server, &from(0), &[("last-event-id", "")]).await, 2, "nothing received yet");
    // The first event was at 08:50:33.955, and another one each second.
    for (time, position) in [("2026-01-16T08:50:34Z", 2), ("2026-01-16T08:50:36Z", 4), ("2025-01-01T00:00:00Z", 1)] {
        assert_eq!(first_position(&server, &format!("?from_timestamp={time}"), &[]).await, position, "{time}");
    }
    assert_eq!(
        first_position(&server, "?from_timestamp=2026-01-16T08:50:34Z", &last(1)).await,
        4,
        "the header wins over a time too"
    );
    // An offset at the end is one to wait at.
    let mut waiting = server.subscribe(&format!("?from={}", server.offset(7).await)).await;
    let ids = server.raise("user.created", 1).await;
    assert_eq!(waiting.event_ids(1).await, ids);
}

const FROM: &str = "(The offset to go on from, as the server gave it)";
const HEADER: &str = "(The id of the last message that was received)";
const TIME: &str = "(An RFC 3339 time such as 2026-01-16T08:50:33Z: events that are not older)";
const TYPES: &str = "(Event type by which to filter; may be repeated)";

fn invalid_cursor(message: &str) -> Value {
    error_with_code(400, "Bad Request", message, "invalid_cursor")
}

#[tokio::test]
async fn an_offset_that_is_none_is_refused() {
    let server = Server::start().await;
    let foreign = Offsets::new(&server.store.offset_key(TenantId(99))).after_event(Seq(1));
    let beyond = server.offset(2).await;
    let ahead = "The offset lies beyond the end of the log; use one that this server gave";
    for (given, reason) in [
        ("AAAA", "Object didn't pass validation for format offset: AAAA".to_owned()),
        ("2026-01-16T08:50:33Z", "Object didn't pass validation for format offset: 2026-01-16T08:50:33Z".to_owned()),
        (&foreign, format!("Object didn't pass validation for format offset: {foreign}")),
        (&"A".repeat(1025), "String is too long (1025 chars), maximum 1024".to_owned()),
        (&beyond, ahead.to_owned()),
    ] {
        let message = format!("Query validation error: '{reason}' on property from {FROM}.");
        assert_eq!(server.refused(&format!("?from={given}"), &[]).await.expect(400), invalid_cursor(&message));
        let message = format!("Header validation error: '{reason}' on property Last-Event-ID {HEADER}.");
        let refused = server.refused("", &[("last-event-id", given)]).await;
        assert_eq!(refused.expect(400), invalid_cursor(&message));
    }
    let message =
        format!("Query validation error: 'String is too short (0 chars), minimum 1' on property from {FROM}.");
    assert_eq!(server.refused("?from=", &[]).await.expect(400), invalid_cursor(&message));
}

#[tokio::test]
async fn a_faulty_query_is_refused() {
    let server = Server::start().await;
    let offset = server.offset(1).await;
    let both = format!("?from={offset}&from_timestamp=2026-01-16T08:50:33Z");
    for (query, message) in [
        (both.as_str(), format!("'It does not go with from; give one of them' on property from_timestamp {TIME}.")),
        (
            "?from_timestamp=2026-01-16T08:50:33.955Z",
            format!("'String is too long (24 chars), maximum 20' on property from_timestamp {TIME}."),
        ),
        (
            "?from_timestamp=yesterday",
            format!(
                "'Object didn't pass validation for format date-time: yesterday' on property from_timestamp {TIME}."
            ),
        ),
        ("?from_timestamp=", format!("'String is too short (0 chars), minimum 1' on property from_timestamp {TIME}.")),
        (
            "?event_type=user.created&event_type=user.exploded",
            format!("'No enum match for: user.exploded' on property event_type {TYPES}."),
        ),
        ("?event_type=", format!("'No enum match for: ' on property event_type {TYPES}.")),
    ] {
        assert_eq!(server.refused(query, &[]).await.expect(400), invalid_query(&message), "{query}");
    }
}

#[tokio::test]
async fn a_forgotten_offset_is_gone() {
    let server = Server::start().await;
    server.raise("user.created", 5).await;
    let far = Timestamp::from_millis(i64::MAX);
    assert_eq!(server.store.retention_pass(far, 3).await.unwrap().events, 3);
    let message = "Cursor points to data no longer available in the stream.";
    let gone = error_with_code(410, "Gone", message, "cursor_expired");
    let forgotten = server.offset(3).await;
    let refused = server.refused(&format!("?from={forgotten}"), &[]).await;
    assert_eq!(refused.expect(410), gone);
    let refused = server.refused("", &[("last-event-id", &forgotten)]).await;
    assert_eq!(refused.expect(410), gone);
    // The header wins: what the query says is not gone to.
    let held = server.offset(5).await;
    assert_eq!(first_position(&server, &format!("?from={forgotten}"), &[("last-event-id", &held)]).await, 5);
    assert_eq!(first_position(&server, &format!("?from={}", server.offset(4).await), &[]).await, 4);
    // Since before the log began means from its beginning.
    assert_eq!(first_position(&server, "?from_timestamp=2020-01-01T00:00:00Z", &[]).await, 4);
}

#[tokio::test]
async fn only_the_types_that_are_asked_for_are_told() {
    let server = Server::start().await;
    let mut every = Vec::new();
    for event_type in ["user.created", "connection.updated", "group.created", "user.deleted", "user.created"] {
        every.extend(server.raise(event_type, 1).await);
    }
    let beginning = server.offset(1).await;
    for (types, expected) in [
        ("", vec![0, 1, 2, 3, 4]),
        ("&event_type=user.created", vec![0, 4]),
        ("&event_type=user.created&event_type=connection.updated", vec![0, 1, 4]),
        ("&event_type=group.created%2Cuser.deleted", vec![2, 3]),
        ("&event_type=user.deleted&event_type=user.deleted", vec![3]),
    ] {
        let mut reading = server.subscribe(&format!("?from={beginning}{types}")).await;
        let expected: Vec<_> = expected.into_iter().map(|place: usize| every[place].clone()).collect();
        assert_eq!(reading.event_ids(expected.len()).await, expected, "{types}");
    }
}

#[tokio::test]
async fn a_type_that_the_tenant_registered_is_asked_for_and_told_by_its_name() {
    let server = Server::start().await;
    let name = "com.example.invoice.paid";
    let definition = json!({"name": name, "schema": true});
    server.call_with("POST", "/api/v2/headwater/event-types", &definition).await.expect(201);
    server.raise("user.created", 1).await;
    let event = json!({
        "specversion": "1.0", "type": name, "source": "urn:billing", "id": "1", "subject": "I-1",
        "data": {"object": {"number": "I-1"}}});
    server.call_with("POST", PATH, &event).await.expect(202);
    for types in [format!("&event_type={name}"), format!("&event_type=user.deleted&event_type={name}")] {
        let mut reading = server.subscribe(&format!("?from={}{types}", server.offset(1).await)).await;
        let message = reading.event().await;
        assert_eq!((message.event.as_str(), &message.data["event"]["type"]), (name, &json!(name)));
    }
}

#[tokio::test]
async fn events_for_one_stream_and_of_other_tenants_are_not_told() {
    let server = Server::start().await;
    server.create_user("jane").await;
    let stream = json!({
        "subscriptions": [{"event_type": "user.created"}],
        "headwater": {"start_from": "snapshot"},
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "t"}}},
    });
    let stream = server.call_with("POST", "/api/v2/event-streams", &stream).await.expect(201);
    let stream = StreamId::parse(stream["id"].as_str().unwrap()).unwrap();
    server.store.snapshot_step(stream, Timestamp::from_millis(0), 100).await.unwrap();
    assert_eq!(server.events().await[1].only_stream, Some(stream));
    let other = server.store.tenant_ensure("other").await.unwrap().id;
    let event = server.events().await[0].event.clone();
    let change = domain::change::Change { writes: Vec::new(), events: vec![event] };
    server.store.change_commit(other, change).await.unwrap();
    server.create_user("joe").await;
    let mut reading = server.subscribe(&format!("?from={}", server.offset(1).await)).await;
    let events = server.events().await;
    let expected = [events[0].event.id.to_string(), events[3].event.id.to_string()];
    assert_eq!(reading.event_ids(2).await, expected);
}

#[tokio::test]
async fn who_may_subscribe() {
    let server = Server::start().await;
    let token = server.token_with(&["create:events", "read:event_streams"]).await;
    let refused = server.try_subscribe_as(&token, "", &[]).await.err().unwrap();
    let message = "Insufficient scope, expected any of: read:events";
    assert_eq!(refused.expect(403), error_with_code(403, "Forbidden", message, "insufficient_scope"));
    assert_eq!(server.send(Request::get(PATH).body(Body::empty()).unwrap()).await.status, 401);
    let token = server.token_with(&["read:events"]).await;
    assert!(server.try_subscribe_as(&token, "", &[]).await.is_ok());
}
