//! Where event streams start, how they are moved, and the ordering: the extensions `headwater` and `seek`.

use std::time::Duration;

use domain::catalog::EventType;
use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use serde_json::{Value, json};
use store::{Log, Offsets, State, StreamState, StreamsVersion, TenantKeys};

use crate::server::{Server, SystemEntropy, error_with_code, invalid_body};

const STREAMS: &str = "/api/v2/event-streams";

fn body(headwater: Value) -> Value {
    let mut body = json!({
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "t"}}},
    });
    if !headwater.is_null() {
        body["headwater"] = headwater;
    }
    body
}

async fn create(server: &Server, headwater: Value) -> Value {
    server.call_with("POST", STREAMS, &body(headwater)).await.expect(201)
}

fn path_of(stream: &Value) -> String {
    format!("{STREAMS}/{}", stream["id"].as_str().unwrap())
}

async fn state_of(server: &Server, stream: &Value) -> StreamState {
    let id = StreamId::parse(stream["id"].as_str().unwrap()).unwrap();
    let all = server.store.streams_changed(StreamsVersion::default()).await.unwrap().changed;
    all.into_iter().find(|state| state.stream.id == id).unwrap()
}

/// From which position on a stream wants users that are created, and where it stands.
async fn starts_at(server: &Server, stream: &Value) -> (u64, u64) {
    let state = state_of(server, stream).await;
    let wanted = (0..100).find(|seq| state.spans.matches(Seq(*seq), EventType::UserCreated)).unwrap();
    let stands = server.store.stream_restore(state.stream.id).await.unwrap().unwrap().position;
    (wanted, stands.cursor().0)
}

/// Creates users a second apart; answers the times at which they were.
async fn users(server: &Server, count: u64) -> Vec<String> {
    let mut times = Vec::new();
    for _ in 0..count {
        server.clock.advance(Duration::from_secs(1));
        let name = format!("u{}@example.com", server.store.heads().borrow().log.0);
        let user = json!({"connection": "Username-Password-Authentication", "email": name, "password": "Tr0ub4dor&3x"});
        let made = server.call_with("POST", "/api/v2/users", &user).await.expect(201);
        times.push(made["created_at"].as_str().unwrap().to_owned());
    }
    times
}

/// Makes and reads the tenant's offsets, as the server does.
async fn offsets(server: &Server) -> Offsets {
    let tenant = server.store.tenant_ensure("default").await.unwrap().id;
    Offsets::new(&server.store.offset_key(tenant))
}

async fn offset(server: &Server, seq: u64) -> String {
    offsets(server).await.of_place(Seq(seq), &SystemEntropy)
}

/// Moves a stream; the offsets of the answer as the positions that they are.
async fn seek(server: &Server, stream: &Value, body: &Value) -> Value {
    let mut moved = server.call_with("POST", &format!("{}/headwater/seek", path_of(stream)), body).await.expect(200);
    let offsets = offsets(server).await;
    for member in ["from_offset", "to_offset"] {
        moved[member] = offsets.read(moved[member].as_str().unwrap()).unwrap().0.into();
    }
    moved
}

#[tokio::test]
async fn the_extension_is_answered_only_where_it_is_not_the_default() {
    let server = Server::start().await;
    for headwater in [json!({}), json!({"ordering": "subject"}), json!({"start_from": "now"})] {
        assert_eq!(create(&server, headwater).await.get("headwater"), None);
    }
    let made = create(&server, json!({"ordering": "strict", "start_from": "beginning"})).await;
    assert_eq!(made["headwater"], json!({"ordering": "strict"}));
    let path = path_of(&made);
    assert_eq!(server.call("GET", &path).await.expect(200), made);
    let patch = async |body: Value| server.call_with("PATCH", &path, &body).await.expect(200);
    assert_eq!(patch(json!({"headwater": {"ordering": "none"}})).await["headwater"], json!({"ordering": "none"}));
    assert_eq!(patch(json!({"headwater": {}, "name": "crm"})).await["headwater"], json!({"ordering": "none"}));
    let listed = server.call("GET", STREAMS).await.expect(200);
    let with: Vec<_> =
        listed["eventStreams"].as_array().unwrap().iter().filter_map(|each| each.get("headwater")).collect();
    assert_eq!(with, [&json!({"ordering": "none"})]);
    assert_eq!(patch(json!({"headwater": {"ordering": "subject"}})).await.get("headwater"), None);
}

#[tokio::test]
async fn faults_of_the_extension_name_their_path() {
    let server = Server::start().await;
    let made = create(&server, Value::Null).await;
    let unknown = |name: &str| {
        format!(
            "'Additional properties not allowed: {name}' on property headwater.{name} (What this server offers beyond \
             the contract)."
        )
    };
    let ordering = "(Which events wait for one another: subject, none or strict).";
    let start = "(Where a new stream starts: now, beginning, snapshot, an RFC 3339 time, or an offset that the server \
                 gave).";
    let resume = "(What a stream that is enabled again gets of what it missed: now, position, or an RFC 3339 time).";
    let on_create = [
        (json!({"x": 1}), unknown("x")),
        (json!({"resume": "now"}), unknown("resume")),
        (json!({"ordering": "fifo"}), format!("'No enum match for: fifo' on property headwater.ordering {ordering}")),
        (
            json!({"start_from": "yesterday"}),
            format!(
                "'Object didn't pass validation for format start_from: yesterday' on property headwater.start_from \
                 {start}"
            ),
        ),
        (
            json!({"start_from": 7}),
            format!("'Expected type string but found type integer' on property headwater.start_from {start}"),
        ),
    ];
    for (headwater, message) in on_create {
        let refused = server.call_with("POST", STREAMS, &body(headwater)).await.expect(400);
        assert_eq!(refused, invalid_body(&message));
    }
    let wrong = server.call_with("POST", STREAMS, &json!({"headwater": [], "destination": {}})).await.expect(400);
    assert!(wrong["message"].as_str().unwrap().contains("destination"), "{wrong}");
    let on_patch = [
        (json!({"headwater": {"start_from": "now"}}), unknown("start_from")),
        (
            json!({"headwater": {"resume": "position"}}),
            format!(
                "'It goes with the status enabled; give that too, or leave it out' on property headwater.resume {resume}"
            ),
        ),
        (
            json!({"status": "enabled", "headwater": {"resume": "beginning"}}),
            format!(
                "'Object didn't pass validation for format resume: beginning' on property headwater.resume {resume}"
            ),
        ),
    ];
    for (patch, message) in on_patch {
        let refused = server.call_with("PATCH", &path_of(&made), &patch).await.expect(400);
        assert_eq!(refused, invalid_body(&message));
    }
    let mut disabled = body(json!({"start_from": "snapshot"}));
    disabled["status"] = "disabled".into();
    let refused = server.call_with("POST", STREAMS, &disabled).await.expect(400);
    assert!(refused["message"].as_str().unwrap().contains("A snapshot goes to an enabled stream"), "{refused}");
}

#[tokio::test]
async fn a_stream_starts_where_it_is_told() {
    let server = Server::start().await;
    let first = server.store.heads().borrow().log.0;
    let times = users(&server, 5).await;
    assert_eq!(starts_at(&server, &create(&server, Value::Null).await).await, (first + 5, first + 5));
    for (start, from) in [
        (json!("now"), first + 5),
        (json!("beginning"), first),
        (json!(times[2]), first + 2),
        (json!("1999-12-31T23:59:60+01:00"), first),
        (json!(offset(&server, first + 3).await), first + 3),
    ] {
        let made = create(&server, json!({"start_from": start})).await;
        assert_eq!(starts_at(&server, &made).await, (from, from), "{start}");
    }
}

#[tokio::test]
async fn offsets_that_nobody_can_go_to() {
    let server = Server::start().await;
    users(&server, 5).await;
    let made = create(&server, Value::Null).await;
    let gone =
        error_with_code(410, "Gone", "Cursor points to data no longer available in the stream.", "cursor_expired");
    let expired = offset(&server, 0).await;
    let ahead = offset(&server, 99).await;
    let foreign = Offsets::new(&server.store.offset_key(TenantId(4711))).of_place(Seq(1), &SystemEntropy);
    let seek = format!("{}/headwater/seek", path_of(&made));
    for (given, status) in [(&expired, 410), (&ahead, 400), (&foreign, 400)] {
        let new = body(json!({"start_from": given}));
        let answers = [
            server.call_with("POST", STREAMS, &new).await.expect(status),
            server.call_with("POST", &seek, &json!({"to": given})).await.expect(status),
            server.call_with("POST", &seek, &json!({"to": given, "dry_run": true})).await.expect(status),
        ];
        if status == 410 {
            assert!(answers.iter().all(|answer| *answer == gone), "{answers:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_is_moved_and_says_how() {
    let server = Server::start().await;
    let first = server.store.heads().borrow().log.0;
    let made = create(&server, Value::Null).await;
    let times = users(&server, 6).await;
    let (here, there, end) = (first, first + 4, first + 6);
    let asked = seek(&server, &made, &json!({"to": times[4], "dry_run": true})).await;
    assert_eq!(asked, json!({"from_offset": here, "to_offset": there, "events": 2, "dry_run": true}));
    assert_eq!(starts_at(&server, &made).await, (first, first), "nothing has changed");
    let moved = seek(&server, &made, &json!({"to": offset(&server, there).await})).await;
    assert_eq!(moved, json!({"from_offset": here, "to_offset": there, "events": 2, "dry_run": false}));
    assert_eq!(starts_at(&server, &made).await.1, first + 4);
    let moved = seek(&server, &made, &json!({"to": "now", "dry_run": false})).await;
    assert_eq!(moved, json!({"from_offset": there, "to_offset": end, "events": 0, "dry_run": false}));
    let moved = seek(&server, &made, &json!({"to": "beginning"})).await;
    assert_eq!((&moved["from_offset"], &moved["events"]), (&json!(end), &json!(6)));
    // What it does not subscribe to is not counted.
    let patch = json!({"subscriptions": [{"event_type": "user.deleted"}]});
    server.call_with("PATCH", &path_of(&made), &patch).await.expect(200);
    assert_eq!(seek(&server, &made, &json!({"to": "beginning"})).await["events"], 0);
}

#[tokio::test]
async fn a_move_is_checked_like_every_call() {
    let server = Server::start().await;
    let made = create(&server, Value::Null).await;
    let path = format!("{}/headwater/seek", path_of(&made));
    let to = "(Where the stream goes on: now, beginning, an RFC 3339 time, or an offset that the server gave).";
    for (body, message) in [
        (json!({}), "'Missing required property: to'.".to_owned()),
        (json!({"to": "now", "x": 1}), "'Additional properties not allowed: x'.".to_owned()),
        (
            json!({"to": "snapshot"}),
            format!("'Object didn't pass validation for format to: snapshot' on property to {to}"),
        ),
        (
            json!({"to": "now", "dry_run": "yes"}),
            "'Expected type boolean but found type string' on property dry_run (Whether only to say what would come \
             of it)."
                .to_owned(),
        ),
    ] {
        assert_eq!(server.call_with("POST", &path, &body).await.expect(400), invalid_body(&message));
    }
    let gone = format!("{STREAMS}/est_1111111111111111111111/headwater/seek");
    server.call_with("POST", &gone, &json!({"to": "now"})).await.expect(404);
    let reader = server.token_with(&["read:event_streams"]).await;
    assert_eq!(server.call_as(&reader, "POST", &path).await.status, 403);
    assert_eq!(server.call("GET", &path).await.status, 405);
}

#[tokio::test]
async fn an_enabled_stream_gets_what_it_missed_if_asked() {
    let server = Server::start().await;
    let first = server.store.heads().borrow().log.0;
    let wanted = async |made: &Value| {
        let state = state_of(&server, made).await;
        (first..first + 8).filter(|seq| state.spans.matches(Seq(*seq), EventType::UserCreated)).collect::<Vec<_>>()
    };
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(create(&server, Value::Null).await);
    }
    users(&server, 2).await;
    for made in &streams {
        server.call_with("PATCH", &path_of(made), &json!({"status": "disabled"})).await.expect(200);
    }
    let times = users(&server, 4).await;
    let from = |seq: u64| (first..first + 2).chain(seq..first + 8).collect::<Vec<_>>();
    for (made, (headwater, seq)) in streams.iter().zip([
        (json!({}), first + 6),
        (json!({"resume": "position"}), first + 2),
        (json!({"resume": times[2]}), first + 4),
    ]) {
        let enable = json!({"status": "enabled", "headwater": headwater});
        let enabled = server.call_with("PATCH", &path_of(made), &enable).await.expect(200);
        assert_eq!((&enabled["status"], enabled.get("headwater")), (&json!("enabled"), None));
        assert_eq!(wanted(made).await, from(seq), "{headwater}");
        // Enabled already, it has missed nothing.
        assert_eq!(server.call_with("PATCH", &path_of(made), &enable).await.expect(200), enabled);
        assert_eq!(wanted(made).await, from(seq), "{headwater}");
    }
}
