//! Failed deliveries and their redelivery.

use axum::body::Body;
use axum::http::Request;
use domain::catalog::EventType;
use domain::change::Change;
use domain::clock::Timestamp;
use domain::delivery::{Alerts, Attempt, Cycles, Failure, FailureKind, Health, Position, Progress, RowChange};
use domain::event::{Event, Seq, Source, Subject, render_body};
use domain::ids::{EventId, StreamId};
use serde_json::{Value, json};
use std::time::Duration;
use store::{Checkpoint, Log, State, StreamProgress};
use tower::ServiceExt;
use web::Settings;

use crate::server::{
    CLIENT_SECRET, START, Server, SystemEntropy, error, error_with_code, invalid_query, load, settings,
};

pub(crate) struct Failing {
    pub(crate) server: Server,
    pub(crate) stream: StreamId,
    pub(crate) path: String,
    pub(crate) events: Vec<(Seq, EventId)>,
}

impl Failing {
    /// A stream that has failed to deliver these events.
    pub(crate) async fn with(types: &[EventType]) -> Self {
        let server = Server::start().await;
        let body = json!({"destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "t"}}}});
        let made = server.call_with("POST", "/api/v2/event-streams", &body).await.expect(201);
        let stream = StreamId::parse(made["id"].as_str().unwrap()).unwrap();
        let path = format!("/api/v2/event-streams/{stream}");
        let tenant = server.store.tenant_ensure("default").await.unwrap();
        // Each is a second older than the next.
        let events = types.iter().zip(0..).map(|(event_type, second)| event(*event_type, second)).collect();
        let change = Change { writes: Vec::new(), events };
        server.store.change_commit(tenant.id, change).await.unwrap();
        let events = server.events().await.iter().map(|logged| (logged.seq, logged.event.id)).collect();
        let failing = Self { server, stream, path, events };
        let rows = failing.events.iter().map(|(seq, _)| failed(*seq)).collect();
        failing.save(rows).await;
        failing
    }

    pub(crate) async fn save(&self, rows: Vec<RowChange>) {
        let head = self.server.store.heads().borrow().log;
        let health = Health { in_row: 0, outstanding: 0 };
        let progress = Progress {
            position: Position::at(head),
            health,
            rows,
            cycles: Cycles::default(),
            disable: None,
            alerts: Alerts::default(),
        };
        let streams =
            vec![StreamProgress { stream: self.stream, generation: 0, seeks: 0, at_head: true, progress, queue: None }];
        let at = Timestamp::from_millis(START);
        self.server.store.checkpoint_save(Checkpoint { at, head, streams, logged: Vec::new() }).await.unwrap();
    }

    async fn list(&self, query: &str) -> Value {
        self.server.call("GET", &format!("{}/deliveries?{query}", self.path)).await.expect(200)
    }
}

fn event(event_type: EventType, second: i64) -> Event {
    let time = Timestamp::from_millis(START + 1000 * second);
    let id = EventId::generate(time, &SystemEntropy);
    let source = Source::new("default", "acme.example");
    let body = render_body(&source, id, event_type, time, &json!({"object": {"user_id": "auth0|1"}}));
    Event { id, event_type, subject: Subject::new("user", "auth0|1"), time, body }
}

fn failed(seq: Seq) -> RowChange {
    let message = "the connection to hooks.example.com:443 was refused by the other side";
    let failure = Failure::new(FailureKind::Unreachable, message, Duration::from_micros(19_823));
    let at = Timestamp::from_millis(START);
    RowChange::Failed { seq, at, attempts: vec![Attempt::failed(at, failure)] }
}

fn ids(deliveries: &Value) -> Vec<String> {
    let deliveries = deliveries["deliveries"].as_array().unwrap().iter();
    deliveries.map(|delivery| delivery["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn get_event_streams_deliveries_answers_attempts_and_the_event_as_sent() {
    let failing = Failing::with(&[EventType::UserCreated]).await;
    let id = failing.events[0].1;
    let expected = json!({
        "id": id,
        "event_stream_id": failing.stream,
        "event_type": "user.created",
        "status": "failed",
        "attempts": [{
            "status": "failed",
            "error_message": "the connection to hooks.example.com:443 was re ...",
            "timestamp": "2026-01-16T08:50:33.955Z",
            "duration": 19.823,
        }],
        "event": {
            "specversion": "1.0", "type": "user.created", "source": "urn:auth0:acme.example", "id": id,
            "time": "2026-01-16T08:50:33.955Z", "data": {"object": {"user_id": "auth0|1"}},
            "a0tenant": "default", "a0stream": failing.stream,
        },
    });
    let path = format!("{}/deliveries/{id}", failing.path);
    assert_eq!(failing.server.call("GET", &path).await.expect(200), expected);
    assert_eq!(failing.list("").await, json!({"deliveries": [expected]}));
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let (created, deleted) = (EventType::UserCreated, EventType::UserDeleted);
    let failing = Failing::with(&[created, deleted, created, deleted, created]).await;
    let all: Vec<_> = failing.events.iter().map(|(_, id)| id.to_string()).collect();
    assert_eq!(ids(&failing.list("statuses=failed").await), all);
    let first = failing.list("take=2").await;
    assert_eq!(ids(&first), all[..2]);
    let next = first["next"].as_str().unwrap();
    let second = failing.list(&format!("take=3&from={next}")).await;
    assert_eq!(ids(&second), all[2..]);
    assert!(second.get("next").is_none());

    let first = failing.list("take=2&event_types=user.created%2Cuser.updated").await;
    assert_eq!(ids(&first), [all[0].clone(), all[2].clone()]);
    let from = first["next"].as_str().unwrap();
    let second = failing.list(&format!("take=2&event_types=user.created&from={from}")).await;
    assert_eq!(ids(&second), all[4..]);
    assert!(second.get("next").is_none());

    // The first event is of 08:50:33.955, and the others follow by a second.
    let dated = failing.list("date_from=2026-01-16T08:50:35Z&date_to=2026-01-16T08:50:37Z").await;
    assert_eq!(ids(&dated), all[2..4]);
    let both = failing.list("date_from=2026-01-16T08:50:35Z&event_types=user.created&statuses=failed").await;
    assert_eq!(ids(&both), [all[2].clone(), all[4].clone()]);
    // Positions are numbered for all tenants together: nothing of them is to be seen.
    let nexts = [failing.list("take=2").await, failing.list("take=2").await].map(|page| page["next"].clone());
    assert_ne!(nexts[0], nexts[1], "it looks different each time");
    let forged = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, "1");
    let path = format!("{}/deliveries?from={forged}", failing.path);
    assert_eq!(failing.server.call("GET", &path).await.status, 400);
}

#[tokio::test]
async fn filters_that_are_not_known_are_refused() {
    let failing = Failing::with(&[]).await;
    for (query, message) in [
        (
            "statuses=delivered",
            "'No enum match for: delivered' on property statuses (Comma-separated list of statuses by which to filter).",
        ),
        (
            "event_types=user.born",
            "'No enum match for: user.born' on property event_types (Comma-separated list of event types by which to filter).",
        ),
        (
            "date_from=2025-07-29",
            "'Object didn't pass validation for format date-time: 2025-07-29' on property date_from (An RFC-3339 date-time for redelivery start, inclusive. Does not allow sub-second precision).",
        ),
        (
            "date_to=2025-07-29T00:00:00.000Z",
            "'String is too long (24 chars), maximum 20' on property date_to (An RFC-3339 date-time for redelivery end, exclusive. Does not allow sub-second precision).",
        ),
        ("take=0", "'Value 0 is less than minimum 1' on property take (Number of results per page)."),
        ("take=101", "'Value 101 is greater than maximum 100' on property take (Number of results per page)."),
    ] {
        let reply = failing.server.call("GET", &format!("{}/deliveries?{query}", failing.path)).await;
        assert_eq!(reply.expect(400), invalid_query(message));
    }
}

#[tokio::test]
async fn post_event_streams_redeliver_accepts_an_event_once() {
    let failing = Failing::with(&[EventType::UserCreated]).await;
    let (_, id) = failing.events[0];
    let path = format!("{}/redeliver/{id}", failing.path);
    assert_eq!(failing.server.call("POST", &path).await.expect(202), json!({}));
    assert_eq!(
        failing.server.call_with("POST", &path, &json!({})).await.expect(409),
        error(409, "Conflict", "The event is not in a state that allows redelivery.")
    );
    let delivery = failing.server.call("GET", &format!("{}/deliveries/{id}", failing.path)).await.expect(200);
    assert_eq!(delivery["attempts"][1], json!({"status": "retrying", "timestamp": "2026-01-16T08:50:33.955Z"}));
}

#[tokio::test]
async fn what_is_not_there_or_malformed() {
    let failing = Failing::with(&[]).await;
    let server = &failing.server;
    let (stream, event) = ("est_5RTZiB9C532j383njbXibB", "evt_q273LFcsfrNovuzswy8qBz");
    for (method, verb) in [("GET", "deliveries"), ("POST", "redeliver")] {
        let path = format!("{}/{verb}/{event}", failing.path);
        assert_eq!(server.call(method, &path).await.expect(404), error(404, "Not Found", "The event does not exist."));
        let path = format!("/api/v2/event-streams/{stream}/{verb}/{event}");
        assert_eq!(
            server.call(method, &path).await.expect(404),
            error(404, "Not Found", "The requested stream does not exist.")
        );
        let path = format!("{}/{verb}/evt_x", failing.path);
        assert_eq!(
            server.call(method, &path).await.expect(400),
            error_with_code(
                400,
                "Bad Request",
                "Path validation error: 'Object didn't pass validation for format event-id: evt_x' on property \
                 event_id (Unique identifier for the event).",
                "invalid_uri"
            )
        );
    }
    server.call("GET", &format!("/api/v2/event-streams/{stream}/deliveries")).await.expect(404);
    let path = format!("{}/redeliver/{event}", failing.path);
    server.call_with("POST", &path, &json!({"x": 1})).await.expect(400);
}

#[tokio::test]
async fn a_stream_is_not_enabled_while_too_many_deliveries_are_outstanding() {
    let failing = Failing::with(&[EventType::UserCreated; 5000]).await;
    let server = &failing.server;
    server.call_with("PATCH", &failing.path, &json!({"status": "disabled"})).await.expect(200);
    let enable = json!({"status": "enabled"});
    assert_eq!(
        server.call_with("PATCH", &failing.path, &enable).await.expect(409),
        error(409, "Conflict", "The event stream has too many failed deliveries to be enabled.")
    );
    failing.save(vec![RowChange::Recovered { seq: failing.events[0].0 }]).await;
    assert_eq!(server.call_with("PATCH", &failing.path, &enable).await.expect(200)["status"], "enabled");
}

/// The operator's limit of the day decides, not the one under which the stream was disabled.
#[tokio::test]
async fn whether_a_stream_may_be_enabled_follows_the_limit_that_holds_now() {
    let failing = Failing::with(&[EventType::UserCreated; 3]).await;
    let server = &failing.server;
    server.call_with("PATCH", &failing.path, &json!({"status": "disabled"})).await.expect(200);
    let enabling_with = async |failures_outstanding_max: u32| {
        let settings = Settings { failures_outstanding_max, ..settings() };
        let router = load(&server.store, &server.clock, CLIENT_SECRET, settings).await;
        let request = Request::patch(&failing.path)
            .header("authorization", format!("Bearer {}", server.token))
            .body(Body::from(json!({"status": "enabled"}).to_string()));
        router.oneshot(request.unwrap()).await.unwrap().status().as_u16()
    };
    assert_eq!(enabling_with(3).await, 409, "lowered to what is outstanding");
    assert_eq!(enabling_with(1).await, 409);
    assert_eq!(enabling_with(4).await, 200, "raised beyond it");
}
