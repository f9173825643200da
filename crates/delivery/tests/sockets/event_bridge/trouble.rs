//! What becomes of an event when AWS does not take it.

use domain::delivery::{FailureKind, Outcome};
use serde_json::json;
use tokio::task::JoinSet;

use super::fixture::{
    answer, aws, bus, deliver, deliver_at_once, destination, endpoint, entries_of, error, numbered, taken,
};
use crate::receivers::fixture::{AMPLE, Receiver, SHORT, assert_delivered, assert_failed, assert_timed_out, failure};

fn status(status: u16) -> FailureKind {
    FailureKind::Status { status, retry_after: None }
}

fn kinds(outcomes: Vec<Outcome>) -> Vec<Option<FailureKind>> {
    let kind = |outcome| match outcome {
        Outcome::Failed(failure) => Some(failure.kind),
        _ => None,
    };
    outcomes.into_iter().map(kind).collect()
}

#[tokio::test]
async fn each_entry_has_an_outcome_of_its_own() {
    let endpoint = endpoint(|_| {
        let entries = json!([
            {"EventId": "1"},
            {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"},
            {"ErrorCode": "InternalFailure", "ErrorMessage": "an internal error"},
            {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."},
            {"EventId": "5"},
        ]);
        answer(200, &json!({"FailedEntryCount": 3, "Entries": entries}).to_string())
    })
    .await;
    let destination = destination(&aws(&endpoint), bus(None), 9, AMPLE);
    let outcomes = deliver_at_once(&destination, 5).await;
    let refused = failure(outcomes[3].clone());
    assert_eq!(refused.message, "MalformedDetail: Detail is malformed.");
    assert_eq!(kinds(outcomes), [None, Some(status(429)), Some(status(500)), Some(FailureKind::Refused), None]);
}

#[tokio::test]
async fn what_can_pass_is_tried_again_and_what_cannot_fails_at_once() {
    let denied = "User: arn:aws:iam::1:user/x is not authorized to perform: events:PutEvents";
    for (http, code, message, kind) in [
        (400, "ThrottlingException", "Rate exceeded", status(429)),
        (429, "TooManyRequestsException", "Slow down", status(429)),
        (500, "InternalException", "It is us", status(500)),
        (503, "ServiceUnavailable", "Later", status(503)),
        (400, "ExpiredTokenException", "The security token is expired", FailureKind::Unreachable),
        (400, "AccessDeniedException", denied, FailureKind::Refused),
        (400, "ResourceNotFoundException", "Event bus crm does not exist.", FailureKind::Refused),
        (400, "NotAuthorizedForSourceException", "Not authorized for the source.", FailureKind::Refused),
        (400, "ValidationException", "1 validation error detected", FailureKind::Refused),
        (403, "UnrecognizedClientException", "The security token is invalid.", FailureKind::Refused),
    ] {
        let mut endpoint = endpoint(move |_| error(http, code, message)).await;
        let destination = destination(&aws(&endpoint), bus(None), 9, AMPLE);
        assert_failed(deliver(&destination, numbered(1)).await, kind, &format!("{code}: {message}"));
        // The core tries again, not the SDK.
        endpoint.next_request().await;
        assert!(endpoint.nothing_arrived(), "{code}");
    }
}

#[tokio::test]
async fn one_bad_entry_does_not_take_the_others_of_its_request_along() {
    let endpoint = endpoint(|request| {
        let entries = entries_of(request);
        if entries.iter().any(|entry| entry["Detail"].as_str().unwrap().contains("\"n\":3")) {
            error(400, "ValidationException", "Total size of the entries in the request is over the limit.")
        } else {
            taken(request)
        }
    })
    .await;
    let destination = destination(&aws(&endpoint), bus(None), 9, AMPLE);
    let outcomes = kinds(deliver_at_once(&destination, 5).await);
    assert_eq!(outcomes, [None, None, Some(FailureKind::Refused), None, None]);
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_holds_up_its_own_stream_only() {
    let hanging = Receiver::start(|mut conversation| async move { conversation.until_closed().await }).await;
    let answering = endpoint(taken).await;
    let (stuck, going) =
        (destination(&aws(&hanging), bus(None), 1, SHORT), destination(&aws(&answering), bus(None), 2, AMPLE));
    let (timed_out, delivered) = tokio::join!(deliver(&stuck, numbered(1)), deliver(&going, numbered(2)));
    assert_delivered(&delivered);
    assert_timed_out(timed_out, "AWS did not answer within the time of an attempt");
}

#[tokio::test]
async fn streams_of_one_account_do_not_wait_for_each_other() {
    // Both streams share a client; the endpoint answers about the second one only.
    let endpoint = Receiver::start(|mut conversation| async move {
        while let Some(request) = conversation.request().await {
            if request.contains("\\\"n\\\":1,") {
                return conversation.until_closed().await;
            }
            conversation.write(&taken(&request)).await;
        }
    })
    .await;
    let aws = aws(&endpoint);
    let (stuck, going) = (destination(&aws, bus(None), 1, AMPLE), destination(&aws, bus(None), 2, AMPLE));
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { deliver(&stuck, numbered(1)).await });
    for number in 2..30 {
        assert_delivered(&deliver(&going, numbered(number * 10)).await);
    }
    assert!(waiting.try_join_next().is_none());
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_or_talks_nonsense_is_unreachable() {
    let gone = endpoint(taken).await;
    let (aws_gone, port) = (aws(&gone), gone.address.port());
    drop(gone);
    let failed = failure(deliver(&destination(&aws_gone, bus(None), 1, AMPLE), numbered(1)).await);
    assert_eq!(failed.kind, FailureKind::Unreachable, "port {port}: {failed:?}");
    for nonsense in [answer(200, "<html>"), answer(200, "{\"Entries\": []}"), "HTTP/1.1 2".to_owned()] {
        let endpoint = Receiver::answering_once(nonsense.clone()).await;
        let failed = failure(deliver(&destination(&aws(&endpoint), bus(None), 1, AMPLE), numbered(1)).await);
        assert_eq!(failed.kind, FailureKind::Unreachable, "{nonsense}: {failed:?}");
    }
}
