//! Statistics (management-api.md 3.11).

use std::time::Duration;

use domain::clock::Timestamp;
use domain::delivery::{Alerts, Cycles, Health, Position, Progress};
use domain::ids::StreamId;
use serde_json::{Value, json};
use store::{Checkpoint, Log, StreamProgress};

use crate::server::{START, Server, error, invalid_query};

async fn stream(server: &Server) -> String {
    let body = json!({"name": "crm", "destination": {"type": "webhook", "configuration": {
        "webhook_endpoint": "https://hooks.example.com/in",
        "webhook_authorization": {"method": "bearer", "token": "t"}}}});
    let made = server.call_with("POST", "/api/v2/event-streams", &body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// Notes deliveries that have ended so long before now.
async fn ended(server: &Server, stream: &str, before: Duration, delivered: u64, failed: u64) {
    let mut cycles = Cycles { failed, ..Cycles::default() };
    (0..delivered).for_each(|_| cycles.count_delivered(Duration::from_millis(5)));
    let head = server.store.heads().borrow().log;
    let health = Health::default();
    let progress = Progress {
        position: Position::at(head),
        health,
        rows: Vec::new(),
        cycles,
        disable: None,
        alerts: Alerts::default(),
    };
    let stream = StreamId::parse(stream).unwrap();
    let streams = vec![StreamProgress { stream, generation: 0, seeks: 0, at_head: true, progress, queue: None }];
    let at = Timestamp::from_millis(START).minus(before);
    server.store.checkpoint_save(Checkpoint { at, head, streams, logged: Vec::new() }).await.unwrap();
}

async fn stats(server: &Server, stream: &str, query: &str) -> Value {
    server.call("GET", &format!("/api/v2/event-streams/{stream}/stats?{query}")).await.expect(200)
}

#[tokio::test]
async fn get_event_streams_stats_counts_deliveries_by_the_day() {
    let server = Server::start().await;
    let stream = stream(&server).await;
    ended(&server, &stream, Duration::ZERO, 3, 1).await;
    ended(&server, &stream, Duration::from_secs(60), 2, 0).await;
    ended(&server, &stream, Duration::from_hours(24), 0, 4).await;
    ended(&server, &stream, Duration::from_hours(24 * 20), 50, 50).await;
    let days: Vec<String> = (2..=16).map(|day| format!("2026-01-{day:02}T00:00:00.000Z")).collect();
    let mut delivered = vec![0; 15];
    let mut failed = delivered.clone();
    (delivered[14], failed[14], failed[13]) = (5, 1, 4);
    let expected = json!({
        "id": stream,
        "name": "crm",
        "window": {
            "date_from": "2026-01-02T08:00:00.000Z",
            "date_to": "2026-01-16T09:00:00.000Z",
            "bucket_interval": {"scale_factor": 86400},
        },
        "buckets": days,
        "metrics": [
            {"name": "auth0.event_streams.successful_deliveries", "window_total": 5, "type": "sum", "data": delivered},
            {"name": "auth0.event_streams.failed_deliveries", "window_total": 5, "type": "sum", "data": failed},
        ],
    });
    assert_eq!(stats(&server, &stream, "").await, expected);
}

#[tokio::test]
async fn a_short_window_is_counted_by_the_hour() {
    let server = Server::start().await;
    let stream = stream(&server).await;
    ended(&server, &stream, Duration::ZERO, 3, 1).await;
    ended(&server, &stream, Duration::from_hours(1), 2, 0).await;
    let window = "date_from=2026-01-16T07:00:00Z&date_to=2026-01-16T09:00:00Z";
    let counted = stats(&server, &stream, window).await;
    assert_eq!(counted["window"]["bucket_interval"], json!({"scale_factor": 3600}));
    assert_eq!(counted["buckets"], json!(["2026-01-16T07:00:00.000Z", "2026-01-16T08:00:00.000Z"]));
    assert_eq!(counted["metrics"][0]["data"], json!([2, 3]));
    assert_eq!(counted["metrics"][1]["window_total"], 1);
}

#[tokio::test]
async fn faults_of_a_window_are_named() {
    let server = Server::start().await;
    let stream = stream(&server).await;
    let path = format!("/api/v2/event-streams/{stream}/stats");
    for (query, message) in [
        (
            "date_from=yesterday",
            "'Object didn't pass validation for format date-time: yesterday' on property date_from (An RFC-3339 date-time: the beginning of the window).",
        ),
        (
            "date_from=2026-01-02T00:00:00Z&date_to=2026-01-01T00:00:00Z",
            "'The window ends before it begins' on property date_from (An RFC-3339 date-time: the beginning of the window).",
        ),
        (
            "date_from=2020-01-01T00:00:00Z",
            "'The window is too wide, maximum 400 days' on property date_from (An RFC-3339 date-time: the beginning of the window).",
        ),
    ] {
        let reply = server.call("GET", &format!("{path}?{query}")).await;
        assert_eq!(reply.expect(400), invalid_query(message));
    }
    assert_eq!(
        server.call("GET", "/api/v2/event-streams/est_5RTZiB9C532j383njbXibB/stats").await.expect(404),
        error(404, "Not Found", "The requested stream does not exist.")
    );
    server.call("GET", "/api/v2/event-streams/est_x/stats").await.expect(400);
    let token = server.token_with(&["read:users"]).await;
    let refused = server.call_as(&token, "GET", &path).await.expect(403);
    assert_eq!(refused["message"], "Insufficient scope, expected any of: read:event_streams,read:event_deliveries");
}
