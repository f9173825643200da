//! Redelivery of many, and the jobs that it is (management-api.md 3.10, docs/extensions.md).

use std::time::Duration;

use domain::catalog::EventType::{GroupCreated, UserCreated, UserDeleted};
use domain::delivery::{Attempt, RowChange};
use domain::event::Seq;
use serde_json::{Value, json};
use store::Log;

use crate::deliveries::Failing;
use crate::server::{CLIENT_ID, Server, error, invalid_body};

/// The events that wait to be delivered again.
async fn waiting(failing: &Failing) -> Vec<u64> {
    let found = failing.server.store.redeliveries_waiting(failing.stream, Seq::ZERO, 1000).await.unwrap();
    found.into_iter().map(|each| each.seq.0).collect()
}

async fn redeliver(failing: &Failing, body: &Value) -> Value {
    failing.server.call_with("POST", &format!("{}/redeliver", failing.path), body).await.expect(202)
}

async fn jobs(failing: &Failing) -> Vec<Value> {
    let listed = failing.server.call("GET", &format!("{}/headwater/redeliveries", failing.path)).await.expect(200);
    listed["redeliveries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn post_event_streams_redeliver_means_everything_that_failed() {
    let failing = Failing::with(&[UserCreated, UserDeleted, UserCreated]).await;
    assert_eq!(redeliver(&failing, &json!({})).await, json!({}));
    assert_eq!(waiting(&failing).await.len(), 3);
    let delivery = format!("{}/deliveries/{}", failing.path, failing.events[2].1);
    let delivery = failing.server.call("GET", &delivery).await.expect(200);
    assert_eq!(delivery["attempts"][1], json!({"status": "retrying", "timestamp": "2026-01-16T08:50:33.955Z"}));
    // What waits already is passed over, without an error; a body may be left out.
    let again = failing.server.call("POST", &format!("{}/redeliver", failing.path)).await.expect(202);
    assert_eq!((again, waiting(&failing).await.len()), (json!({}), 3));
    assert_eq!(jobs(&failing).await.len(), 2, "each is listed, although nobody asked for it");
}

#[tokio::test]
async fn filters_are_echoed_and_all_of_them_hold() {
    let failing = Failing::with(&[UserCreated, UserDeleted, UserCreated, UserCreated]).await;
    let filters = json!({
        "date_from": "2026-01-16T08:50:34Z",
        "date_to": "2026-01-16T08:50:36Z",
        "statuses": ["failed"],
        "event_types": ["user.created", "group.created"],
    });
    assert_eq!(redeliver(&failing, &filters).await, filters);
    assert_eq!(waiting(&failing).await, [failing.events[2].0.0]);
}

#[tokio::test]
async fn faults_of_a_redelivery_are_named() {
    let failing = Failing::with(&[]).await;
    let extension = "(What this server offers beyond the contract).";
    let rate = "(How many to redeliver a second at most).";
    for (body, message) in [
        (json!({"x": 1}), "'Additional properties not allowed: x'.".to_owned()),
        (
            json!({"statuses": ["failed", "delivered"]}),
            "'No enum match for: delivered' on property statuses (Filter by status).".to_owned(),
        ),
        (
            json!({"event_types": "user.created"}),
            "'Expected type array but found type string' on property event_types (Filter by event type).".to_owned(),
        ),
        (
            json!({"event_types": ["user.born"]}),
            "'No enum match for: user.born' on property event_types (Filter by event type).".to_owned(),
        ),
        (
            json!({"date_from": "2025-07-29T00:00:00.000Z"}),
            "'String is too long (24 chars), maximum 20' on property date_from (An RFC-3339 date-time for redelivery \
             start, inclusive. Does not allow sub-second precision)."
                .to_owned(),
        ),
        (
            json!({"headwater": {"x": 1}}),
            format!("'Additional properties not allowed: x' on property headwater.x {extension}"),
        ),
        (
            json!({"headwater": {"rate_per_s": 0}}),
            format!("'Value 0 is less than minimum 1' on property headwater.rate_per_s {rate}"),
        ),
        (
            json!({"headwater": {"rate_per_s": 1.5}}),
            format!("'Expected type integer but found type number' on property headwater.rate_per_s {rate}"),
        ),
    ] {
        let refused = failing.server.call_with("POST", &format!("{}/redeliver", failing.path), &body).await.expect(400);
        assert_eq!(refused, invalid_body(&message));
    }
    let unknown = "/api/v2/event-streams/est_5RTZiB9C532j383njbXibB";
    for dry_run in [false, true] {
        let body = json!({"headwater": {"dry_run": dry_run}});
        assert_eq!(
            failing.server.call_with("POST", &format!("{unknown}/redeliver"), &body).await.expect(404),
            error(404, "Not Found", "The requested stream does not exist.")
        );
    }
    failing.server.call("POST", "/api/v2/event-streams/est_x/redeliver").await.expect(400);
    let token = failing.server.token_with(&["read:event_deliveries"]).await;
    let refused = failing.server.call_as(&token, "POST", &format!("{}/redeliver", failing.path)).await.expect(403);
    assert_eq!(refused["message"], "Insufficient scope, expected any of: update:event_deliveries");
}

#[tokio::test]
async fn a_dry_run_counts_and_redelivers_nothing() {
    let failing = Failing::with(&[UserCreated, UserDeleted, UserCreated]).await;
    let body = json!({"event_types": ["user.created"], "headwater": {"dry_run": true}});
    let path = format!("{}/redeliver", failing.path);
    let counted = failing.server.call_with("POST", &path, &body).await.expect(200);
    assert_eq!(counted, json!({"event_types": ["user.created"], "headwater": {"dry_run": true, "total": 2}}));
    assert!(waiting(&failing).await.is_empty() && jobs(&failing).await.is_empty());
}

#[tokio::test]
async fn a_job_shows_how_far_it_has_come_and_who_started_it() {
    let failing = Failing::with(&[UserCreated, UserDeleted, GroupCreated]).await;
    let body = json!({"event_types": ["user.created", "user.deleted"], "headwater": {"rate_per_s": 10}});
    let job = redeliver(&failing, &body).await["headwater"].clone();
    let id = job["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("rdj_"));
    let expected = json!({
        "id": id, "event_stream_id": failing.stream, "kind": "failed", "status": "running",
        "event_types": ["user.created", "user.deleted"], "rate_per_s": 10, "total": 2, "redelivered": 0, "failed": 0,
        "waiting": 2, "started_by": CLIENT_ID, "created_at": "2026-01-16T08:50:33.955Z",
    });
    assert_eq!(job, expected);
    let attempts = vec![Attempt::retrying(domain::clock::Timestamp::from_millis(0))];
    failing
        .save(vec![
            RowChange::Recovered { seq: failing.events[0].0 },
            RowChange::FailedAgain { seq: failing.events[1].0, attempts, redelivery: true },
        ])
        .await;
    let path = format!("{}/headwater/redeliveries/{id}", failing.path);
    let ended = failing.server.call("GET", &path).await.expect(200);
    assert_eq!(
        (&ended["status"], &ended["redelivered"], &ended["failed"], &ended["waiting"], &ended["ended_at"]),
        (&json!("completed"), &json!(1), &json!(1), &json!(0), &json!("2026-01-16T08:50:33.955Z"))
    );
    failing.server.clock.advance(Duration::from_secs(1));
    let one = format!("{}/redeliver/{}", failing.path, failing.events[2].1);
    let one = failing.server.call_with("POST", &one, &json!({"headwater": {}})).await.expect(202);
    assert_eq!((&one["headwater"]["total"], &one["headwater"]["status"]), (&json!(1), &json!("running")));
    let first = format!("{}/headwater/redeliveries?take=1", failing.path);
    let first = failing.server.call("GET", &first).await.expect(200);
    assert_eq!(first["redeliveries"], json!([ended]));
    let rest = format!("{}/headwater/redeliveries?from={}", failing.path, first["next"].as_str().unwrap());
    let rest = failing.server.call("GET", &rest).await.expect(200);
    assert_eq!(rest, json!({"redeliveries": [one["headwater"]]}));
}

#[tokio::test]
async fn a_job_is_paused_resumed_and_canceled() {
    let failing = Failing::with(&[UserCreated, UserDeleted]).await;
    let job = redeliver(&failing, &json!({"headwater": {}})).await["headwater"].clone();
    let path = format!("{}/headwater/redeliveries/{}", failing.path, job["id"].as_str().unwrap());
    let set = async |status: &str| failing.server.call_with("PATCH", &path, &json!({ "status": status })).await;
    assert_eq!(set("paused").await.expect(200)["status"], "paused");
    assert!(waiting(&failing).await.is_empty());
    assert_eq!(set("running").await.expect(200)["status"], "running");
    assert_eq!(waiting(&failing).await.len(), 2);
    let canceled = set("canceled").await.expect(200);
    assert_eq!((&canceled["status"], &canceled["waiting"]), (&json!("canceled"), &json!(0)));
    assert_eq!(set("canceled").await.expect(200), canceled, "once more changes nothing");
    assert_eq!(
        set("running").await.expect(409),
        error(409, "Conflict", "The redelivery has ended and cannot be changed any more.")
    );
    let status = "on property status (What becomes of the redelivery: paused, running or canceled).";
    assert_eq!(set("completed").await.expect(400), invalid_body(&format!("'No enum match for: completed' {status}")));
    let missing = failing.server.call_with("PATCH", &path, &json!({})).await.expect(400);
    assert_eq!(missing, invalid_body("'Missing required property: status'."));
    let unknown = format!("{}/headwater/redeliveries/rdj_5RTZiB9C532j383njbXibB", failing.path);
    for reply in [
        failing.server.call("GET", &unknown).await,
        failing.server.call_with("PATCH", &unknown, &json!({"status": "paused"})).await,
    ] {
        assert_eq!(reply.expect(404), error(404, "Not Found", "The redelivery does not exist."));
    }
    failing.server.call("GET", &format!("{}/headwater/redeliveries/rdj_x", failing.path)).await.expect(400);
}

/// A stream that has missed two users.
async fn missing() -> (Server, String) {
    let server = Server::start().await;
    let body = json!({"subscriptions": [{"event_type": "user.created"}], "status": "disabled",
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "t"}}}});
    let made = server.call_with("POST", "/api/v2/event-streams", &body).await.expect(201);
    for name in ["jane", "joe"] {
        let user = json!({"connection": "Username-Password-Authentication", "email": format!("{name}@example.com"),
            "password": "Tr0ub4dor&3x"});
        server.call_with("POST", "/api/v2/users", &user).await.expect(201);
    }
    (server, format!("/api/v2/event-streams/{}", made["id"].as_str().unwrap()))
}

#[tokio::test]
async fn what_a_disabled_stream_has_missed_is_shown_and_can_be_delivered_later() {
    let (server, path) = missing().await;
    let shown = server.call("GET", &path).await.expect(200);
    let missed = &shown["headwater"]["missed"];
    assert_eq!((missed[0]["total"].as_u64(), missed.as_array().unwrap().len()), (Some(2), 1));
    assert!(missed[0].get("to_offset").is_none(), "it goes on missing");
    // What was exported may be imported.
    let back = json!({"status": "enabled", "headwater": shown["headwater"]});
    assert_eq!(server.call_with("PATCH", &path, &back).await.expect(200)["status"], "enabled");
    let shown = server.call("GET", &path).await.expect(200);
    assert!(shown["headwater"]["missed"][0]["to_offset"].is_string());
    let redeliver = format!("{path}/redeliver");
    let counted = json!({"headwater": {"missed": true, "dry_run": true}});
    let counted = server.call_with("POST", &redeliver, &counted).await.expect(200);
    assert_eq!(counted, json!({"headwater": {"dry_run": true, "total": 2}}));
    let job = server.call_with("POST", &redeliver, &json!({"headwater": {"missed": true}})).await.expect(202);
    assert_eq!((&job["headwater"]["kind"], &job["headwater"]["total"]), (&json!("missed"), &json!(2)));
    assert_eq!(server.call("GET", &path).await.expect(200).get("headwater"), None, "the job has taken it over");
    let deliveries = server.call("GET", &format!("{path}/deliveries")).await.expect(200);
    assert_eq!(deliveries, json!({"deliveries": []}), "nothing has failed");
}
