//! What AWS gets.

use domain::ids::StreamId;
use serde_json::{Value, json};

use super::fixture::{
    ACCESS_KEY, BUS_ARN, PARTNER_SOURCE, SECRET_KEY, SOURCE, aws, body_of, bus, deliver, deliver_at_once, destination,
    endpoint, entries_of, event, header, numbered, taken,
};
use crate::receivers::fixture::{AMPLE, assert_delivered, assert_failed};
use delivery::destinations::EventBridgeMode;
use domain::delivery::FailureKind;

#[tokio::test]
async fn an_event_is_put_to_the_bus_of_the_streams_account_and_region() {
    let mut endpoint = endpoint(taken).await;
    let destination = destination(&aws(&endpoint), bus(None), 9, AMPLE);
    assert_delivered(&deliver(&destination, numbered(7)).await);
    let request = endpoint.next_request().await;
    assert_eq!(header(&request, "x-amz-target"), "AWSEvents.PutEvents");
    let authorization = header(&request, "authorization");
    assert!(authorization.contains(&format!("Credential={ACCESS_KEY}/")), "{authorization}");
    assert!(authorization.contains("/eu-west-1/events/aws4_request"), "{authorization}");
    assert!(!request.contains(SECRET_KEY), "{request}");
    let body = body_of(&request);
    let entry = &body["Entries"][0];
    assert_eq!(
        (&entry["Source"], &entry["DetailType"], &entry["EventBusName"]),
        (&json!(SOURCE), &json!("user.created"), &json!(BUS_ARN))
    );
    // The time that the event itself states.
    assert!((entry["Time"].as_f64().unwrap() - 1_768_553_433.955).abs() < 0.001, "{entry}");
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(
        detail,
        json!({"specversion": "1.0", "type": "user.created", "time": "2026-01-16T08:50:33.955Z", "n": 7,
            "a0stream": StreamId::from_number(9).to_string()})
    );
}

#[tokio::test]
async fn a_partner_puts_to_the_streams_own_source() {
    let mut endpoint = endpoint(taken).await;
    let destination = destination(&aws(&endpoint), EventBridgeMode::Partner, 9, AMPLE);
    assert_delivered(&deliver(&destination, numbered(7)).await);
    let request = endpoint.next_request().await;
    assert_eq!(header(&request, "x-amz-target"), "AWSEvents.PutPartnerEvents");
    let entry = &entries_of(&request)[0];
    assert_eq!((&entry["Source"], &entry["DetailType"]), (&json!(PARTNER_SOURCE), &json!("user.created")));
    assert!(entry.get("EventBusName").is_none(), "{entry}");
}

#[tokio::test]
async fn events_that_go_at_once_share_requests() {
    let mut endpoint = endpoint(taken).await;
    let destination = destination(&aws(&endpoint), bus(None), 9, AMPLE);
    for outcome in deliver_at_once(&destination, 25).await {
        assert_delivered(&outcome);
    }
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let entries = entries_of(&endpoint.next_request().await);
        sizes.push(entries.len());
        let number = |entry: &Value| {
            let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            detail["n"].as_u64().unwrap()
        };
        seen.extend(entries.iter().map(number));
    }
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10]);
    seen.sort_unstable();
    assert_eq!(seen, (1..=25).collect::<Vec<_>>());
    assert!(endpoint.nothing_arrived());
    // One that comes alone is not kept waiting for others.
    assert_delivered(&deliver(&destination, numbered(26)).await);
    assert_eq!(entries_of(&endpoint.next_request().await).len(), 1);
}

#[tokio::test]
async fn requests_are_no_larger_than_aws_takes() {
    let mut endpoint = endpoint(taken).await;
    let destination = destination(&aws(&endpoint), bus(None), 9, AMPLE);
    let large =
        |bytes: usize| format!(r#"{{"specversion":"1.0","type":"user.created","pad":"{}"}}"#, "x".repeat(bytes));
    let (first, second) = (event(1, &large(600 * 1024)), event(2, &large(600 * 1024)));
    let (one, other) = tokio::join!(deliver(&destination, first), deliver(&destination, second));
    assert_delivered(&one);
    assert_delivered(&other);
    assert_eq!(entries_of(&endpoint.next_request().await).len(), 1);
    assert_eq!(entries_of(&endpoint.next_request().await).len(), 1);
    let too_large = event(3, &large(1024 * 1024));
    let suffix = format!(",\"a0stream\":\"{}\"", StreamId::from_number(9));
    let size = 14 + SOURCE.len() + "user.created".len() + too_large.event.event.body.len() + suffix.len();
    assert_failed(
        deliver(&destination, too_large).await,
        FailureKind::Refused,
        &format!("the event is too large for EventBridge: {size} bytes, and it takes 1048575"),
    );
    assert!(endpoint.nothing_arrived());
}
