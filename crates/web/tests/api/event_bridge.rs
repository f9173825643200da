//! `/api/v2/event-streams` with destinations of type `eventbridge`.

use std::time::Duration;

use domain::destination::AwsRegion;
use serde_json::{Value, json};

use crate::server::{Server, invalid_body};

const STREAMS: &str = "/api/v2/event-streams";

fn bridge() -> Value {
    json!({"type": "eventbridge", "configuration": {"aws_account_id": "123456789012", "aws_region": "us-east-1"}})
}

async fn create(server: &Server, body: &Value) -> Value {
    server.call_with("POST", STREAMS, body).await.expect(201)
}

fn path_of(stream: &Value) -> String {
    format!("{STREAMS}/{}", stream["id"].as_str().unwrap())
}

fn source_of(stream: &Value) -> &str {
    stream["destination"]["configuration"]["aws_partner_event_source"].as_str().unwrap()
}

#[tokio::test]
async fn a_stream_to_eventbridge_is_answered_as_recorded() {
    let server = Server::start().await;
    let body = json!({
        "name": "my-eventbridge", "subscriptions": [{"event_type": "user.created"}, {"event_type": "user.updated"}],
        "destination": bridge(),
    });
    let reply = server.call_with("POST", STREAMS, &body).await;
    let text = reply.text().to_owned();
    let made = reply.expect(201);
    let (id, source) = (made["id"].as_str().unwrap(), source_of(&made));
    assert_eq!(
        text,
        format!(
            r#"{{"id":"{id}","status":"enabled","name":"my-eventbridge","subscriptions":[{{"event_type":"user.created"}},{{"event_type":"user.updated"}}],"created_at":"2026-01-16T08:50:33.955Z","updated_at":"2026-01-16T08:50:33.955Z","destination":{{"type":"eventbridge","configuration":{{"aws_region":"us-east-1","aws_account_id":"123456789012","aws_partner_event_source":"{source}"}}}}}}"#
        )
    );
    let unique = source.strip_prefix("aws.partner/auth0.com/default-").unwrap().strip_suffix("/auth0.events").unwrap();
    let groups: Vec<_> = unique.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{unique}");
    assert_eq!(unique.as_bytes()[14], b'4', "{unique}");
    assert_eq!(server.call("GET", &path_of(&made)).await.expect(200), made);
    server.clock.advance(Duration::from_millis(5));
    let other = create(&server, &json!({"destination": bridge()})).await;
    assert_ne!(source_of(&other), source);
    assert_eq!(server.call("GET", STREAMS).await.expect(200)["eventStreams"], json!([made, other]));
}

#[tokio::test]
async fn every_region_of_the_contract_is_taken() {
    let server = Server::start().await;
    for region in AwsRegion::NAMES {
        let mut destination = bridge();
        destination["configuration"]["aws_region"] = json!(region);
        let made = create(&server, &json!({"destination": destination})).await;
        assert_eq!(made["destination"]["configuration"]["aws_region"], *region);
    }
}

#[tokio::test]
async fn faults_of_the_configuration_name_the_member() {
    let server = Server::start().await;
    let place = "destination.configuration";
    let about = "Configuration specific to the type of the destination";
    for (configuration, message) in [
        (json!({}), format!("'Missing required property: aws_account_id' on property {place} ({about}).")),
        (
            json!({"aws_account_id": "123456789012"}),
            format!("'Missing required property: aws_region' on property {place} ({about})."),
        ),
        (
            json!({"aws_account_id": "12345678901", "aws_region": "us-east-1"}),
            format!(
                "'String '12345678901' does not match pattern ^\\d{{12}}$' on property {place}.aws_account_id (AWS \
                 account that owns the event bus)."
            ),
        ),
        (
            json!({"aws_account_id": 123456789012_u64, "aws_region": "us-east-1"}),
            format!(
                "'Expected type string but found type integer' on property {place}.aws_account_id (AWS account that \
                 owns the event bus)."
            ),
        ),
        (
            json!({"aws_account_id": "123456789012", "aws_region": "cn-north-1"}),
            format!("'No enum match for: cn-north-1' on property {place}.aws_region (AWS region of the event bus)."),
        ),
        // The server makes it.
        (
            json!({"aws_account_id": "123456789012", "aws_region": "us-east-1", "aws_partner_event_source": "x"}),
            format!("'Additional properties not allowed: aws_partner_event_source' on property {place} ({about})."),
        ),
    ] {
        let body = json!({"destination": {"type": "eventbridge", "configuration": configuration}});
        assert_eq!(server.call_with("POST", STREAMS, &body).await.expect(400), invalid_body(&message), "{body}");
    }
}

#[tokio::test]
async fn settings_of_requests_go_with_webhooks_only() {
    let server = Server::start().await;
    for (member, given) in [("headers", json!({"x-team": "crm"})), ("signing", json!({"algorithm": "hmac-sha256"}))] {
        let body = json!({"destination": bridge(), "headwater": {member: given}});
        assert_eq!(
            server.call_with("POST", STREAMS, &body).await.expect(400),
            invalid_body(&format!(
                "'It goes with webhook destinations only' on property headwater.{member} (What this server offers \
                 beyond the contract)."
            ))
        );
    }
    let body = json!({"destination": bridge(), "headwater": {"timeout_s": 5, "retry": "patient", "in_flight_max": 3}});
    let made = create(&server, &body).await;
    assert_eq!(made["headwater"], body["headwater"]);
}

#[tokio::test]
async fn a_destination_of_eventbridge_never_changes_and_everything_else_does() {
    let server = Server::start().await;
    let made = create(&server, &json!({"name": "a", "destination": bridge()})).await;
    let path = path_of(&made);
    assert_eq!(
        server.call_with("PATCH", &path, &json!({"destination": bridge()})).await.expect(400),
        invalid_body(
            "'A destination of type eventbridge cannot be changed; create another stream' on property destination \
             (Where the events are delivered to)."
        )
    );
    let webhook = json!({"type": "webhook", "configuration": {
        "webhook_endpoint": "https://hooks.example.com/in", "webhook_authorization": {"method": "bearer", "token": "t"}}});
    let type_about = "(Type of the destination: webhook, eventbridge or action)";
    assert_eq!(
        server.call_with("PATCH", &path, &json!({"destination": webhook})).await.expect(400),
        invalid_body(&format!(
            "'The type of a destination cannot be changed; it is eventbridge' on property destination.type {type_about}."
        ))
    );
    let changes = json!({"name": "b", "status": "disabled", "subscriptions": [{"event_type": "user.deleted"}]});
    let changed = server.call_with("PATCH", &path, &changes).await.expect(200);
    assert_eq!(changed["destination"], made["destination"]);
    assert_eq!((&changed["name"], &changed["status"]), (&json!("b"), &json!("disabled")));

    let hooked = create(&server, &json!({"destination": webhook})).await;
    assert_eq!(
        server.call_with("PATCH", &path_of(&hooked), &json!({"destination": bridge()})).await.expect(400),
        invalid_body(&format!(
            "'The type of a destination cannot be changed; it is webhook' on property destination.type {type_about}."
        ))
    );
    server.call("DELETE", &path).await.expect(204);
    server.call("GET", &path).await.expect(404);
}
