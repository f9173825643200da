//! What arrives on the wire.

use domain::delivery::FailureKind;
use domain::destination::Authorization;
use domain::secret::Secret;

use super::fixture::{
    AMPLE, Receiver, assert_delivered, bearer, deliver, delivered_body, delivery, destination, failure, offsets,
    outbound, settings,
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// The lines of the request's head, sorted, and its body.
async fn sent(authorization: Authorization, path: &str) -> (Vec<String>, String) {
    let mut receiver = Receiver::answering(OK).await;
    let url = format!("http://{}{path}", receiver.address);
    assert_delivered(&deliver(&*destination(&outbound(settings(AMPLE)), &url, authorization)).await);
    let request = receiver.next_request().await.replace(&receiver.address.to_string(), "ADDRESS");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.split("\r\n").map(str::to_owned).collect();
    lines[1..].sort();
    (lines, body.to_owned())
}

fn expected(first: &str, credential: &str) -> Vec<String> {
    let mut lines = vec![
        first.to_owned(),
        credential.to_owned(),
        "accept-encoding: identity".to_owned(),
        format!("content-length: {}", delivered_body().len()),
        "content-type: application/json".to_owned(),
        format!("headwater-offset: {}", offsets().after_event(delivery().event.seq)),
        "host: ADDRESS".to_owned(),
        format!("user-agent: headwater/{}", env!("CARGO_PKG_VERSION")),
    ];
    lines[1..].sort();
    lines
}

#[tokio::test]
async fn bearer_requests_are_exact() {
    let (head, body) = sent(bearer(), "/in/box?x=1&y=%20#fragment").await;
    assert_eq!(head, expected("POST /in/box?x=1&y=%20 HTTP/1.1", "authorization: Bearer s3cret-token"));
    assert_eq!(body, delivered_body());
}

#[tokio::test]
async fn basic_requests_are_exact() {
    let basic = Authorization::Basic { username: "jane".into(), password: Secret::new("pässword:x") };
    let (head, _) = sent(basic, "").await;
    assert_eq!(head, expected("POST / HTTP/1.1", "authorization: Basic amFuZTpww6Rzc3dvcmQ6eA=="));
}

#[tokio::test]
async fn custom_header_requests_are_exact() {
    let custom = Authorization::CustomHeader { header_key: "X-Api-Key".into(), header_value: Secret::new("k e y") };
    let (head, _) = sent(custom, "/").await;
    assert_eq!(head, expected("POST / HTTP/1.1", "x-api-key: k e y"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_without_a_connection() {
    let receiver = Receiver::answering(OK).await;
    let outbound = outbound(settings(AMPLE));
    let custom = |key: &str, value: &str| Authorization::CustomHeader {
        header_key: key.into(),
        header_value: Secret::new(value),
    };
    for (authorization, message) in [
        (
            Authorization::Bearer { token: Secret::new("top-secret\r\nx: y") },
            "the bearer token cannot be sent: it contains control characters or line breaks",
        ),
        (
            custom("X-Key", "top-secret\n"),
            "the value of the header \"X-Key\" cannot be sent: it contains control characters or line breaks",
        ),
        (custom("Content-Length", "3"), "the header content-length is set by the server itself"),
        (custom("not a name", "x"), "the header name \"not a name\" cannot be sent"),
    ] {
        let failure = failure(deliver(&*destination(&outbound, &receiver.url(), authorization)).await);
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Refused, message));
    }
    assert_eq!(receiver.accepted(), 0);
}
