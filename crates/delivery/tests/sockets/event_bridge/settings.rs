//! What a stream's owner decides: how long an attempt takes, what passes, and in which form. And whom the server trusts.

use domain::delivery::{FailureKind, Outcome};
use domain::delivery_settings::DeliverySettings;
use domain::expression::{Filter, Transform};
use domain::ids::StreamId;
use serde_json::{Value, json};

use super::fixture::{
    ACCESS_KEY, SECRET_KEY, aws, aws_at, bus, deliver, deliver_at_once, destination, destination_with, endpoint,
    endpoint_behind, entries_of, header, numbered, taken,
};
use crate::receivers::authority::Authority;
use crate::receivers::fixture::{AMPLE, Receiver, SHORT, assert_delivered, assert_failed, assert_timed_out, failure};

fn shaped(filter: &str, transform: &str) -> DeliverySettings {
    DeliverySettings {
        filter: Some(Filter::parse(filter).unwrap()),
        transform: Some(Transform::parse(transform).unwrap()),
        ..DeliverySettings::default()
    }
}

#[tokio::test]
async fn a_streams_own_time_limit_holds() {
    let hanging = Receiver::start(|mut conversation| async move { conversation.until_closed().await }).await;
    let patient = destination(&aws(&hanging), bus(None), 1, AMPLE);
    let settings = DeliverySettings { timeout: Some(SHORT), ..DeliverySettings::default() };
    let hasty = destination_with(&aws(&hanging), bus(None), 2, AMPLE, settings);
    tokio::select! {
        outcome = deliver(&hasty, numbered(1)) => {
            assert_timed_out(outcome, "AWS did not answer within the time of an attempt");
        }
        outcome = deliver(&patient, numbered(2)) => panic!("the server's own limit is longer: {outcome:?}"),
    }
}

#[tokio::test]
async fn only_what_passes_is_put_in_the_form_that_was_asked_for() {
    let mut endpoint = endpoint(taken).await;
    let settings = shaped("event.n > 3", r#"{"number": event.n, "stream": event.a0stream}"#);
    let destination = destination_with(&aws(&endpoint), bus(None), 9, AMPLE, settings);
    let outcomes = deliver_at_once(&destination, 5).await;
    assert_eq!(outcomes[..3], [Outcome::FilteredOut, Outcome::FilteredOut, Outcome::FilteredOut]);
    outcomes[3..].iter().for_each(assert_delivered);
    let request = endpoint.next_request().await;
    let mut entries = entries_of(&request);
    entries.sort_by_key(|entry| entry["Detail"].to_string());
    for (entry, number) in entries.iter().zip([4, 5]) {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        assert_eq!(detail, json!({"number": number, "stream": StreamId::from_number(9).to_string()}));
        assert_eq!(entry["DetailType"], "user.created", "what it is about stays");
    }
    assert_eq!(entries.len(), 2, "what does not pass takes no place in a request");
    assert!(endpoint.nothing_arrived());
}

#[tokio::test]
async fn a_transformation_to_something_else_than_an_object_fails_at_once() {
    let mut endpoint = endpoint(taken).await;
    let destination = destination_with(&aws(&endpoint), bus(None), 9, AMPLE, shaped("true", "[event.n]"));
    assert_failed(
        deliver(&destination, numbered(1)).await,
        FailureKind::Refused,
        "EventBridge takes JSON objects only; the transformation makes something else",
    );
    assert!(endpoint.nothing_arrived());
}

#[tokio::test]
async fn an_endpoint_of_a_private_authority_is_trusted_where_the_operator_does() {
    let authority = Authority::new();
    let mut endpoint = endpoint_behind(Some(authority.acceptor("localhost", &[], None)), taken).await;
    let url = format!("https://localhost:{}", endpoint.address.port());
    let stranger = Some(Authority::new().pem());
    for roots in [None, stranger] {
        let failed = failure(deliver(&destination(&aws_at(&url, roots), bus(None), 1, AMPLE), numbered(1)).await);
        assert_eq!(failed.kind, FailureKind::Unreachable);
        assert!(failed.message.contains("certificate"), "{}", failed.message);
    }
    assert!(endpoint.nothing_arrived());
    let trusting = aws_at(&url, Some(authority.pem()));
    assert_delivered(&deliver(&destination(&trusting, bus(None), 1, AMPLE), numbered(1)).await);
    let request = endpoint.next_request().await;
    assert!(header(&request, "authorization").contains(&format!("Credential={ACCESS_KEY}/")), "{request}");
    assert!(!request.contains(SECRET_KEY), "{request}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new();
    let mut endpoint = endpoint_behind(Some(authority.acceptor("elsewhere.example", &[], None)), taken).await;
    let aws = aws_at(&format!("https://localhost:{}", endpoint.address.port()), Some(authority.pem()));
    let failed = failure(deliver(&destination(&aws, bus(None), 1, AMPLE), numbered(1)).await);
    assert_eq!(failed.kind, FailureKind::Unreachable, "{}", failed.message);
    assert!(endpoint.nothing_arrived());
}
