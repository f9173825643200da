//! The shapes of errors, against the samples of the contract.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::Request;
use bytes::Bytes;
use hyper::body::Frame;
use serde_json::json;

use crate::server::{BODY_BYTES_MAX, JSON, Server, error, error_with_code};

#[tokio::test]
async fn without_a_token() {
    let server = Server::start().await;
    for authorization in [None, Some("Basic YTpi"), Some("x")] {
        let mut request = Request::get("/api/v2/event-streams");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let reply = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        assert_eq!(reply.expect(401), error(401, "Unauthorized", "Missing authentication"));
    }
}

#[tokio::test]
async fn with_a_token_that_is_none() {
    let server = Server::start().await;
    for token in ["", "x", "a.b.c", &"x".repeat(20_000)] {
        assert_eq!(
            server.call_as(token, "GET", "/api/v2/event-streams").await.expect(401),
            json!({
                "statusCode": 401, "error": "Unauthorized", "message": "Invalid token",
                "attributes": {"error": "Invalid token"},
            }),
        );
    }
}

#[tokio::test]
async fn with_a_token_of_somebody_else() {
    let (ours, theirs) = (Server::start().await, Server::start().await);
    let message = "Invalid signature received for JSON Web Token validation";
    let expected =
        json!({"statusCode": 401, "error": "Unauthorized", "message": message, "attributes": {"error": message}});
    assert_eq!(ours.call_as(&theirs.token, "GET", "/api/v2/event-streams").await.expect(401), expected);
    // Our own token with another signature.
    let (signed, signature) = ours.token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    assert_eq!(ours.call_as(&forged, "GET", "/api/v2/event-streams").await.expect(401), expected);
}

#[tokio::test]
async fn with_an_expired_token_whether_it_was_seen_before_or_not() {
    let server = Server::start().await;
    let fresh = server.token_with(&["read:event_streams"]).await;
    server.call("GET", "/api/v2/event-streams").await.expect(200);
    server.clock.advance(Duration::from_secs(86_401));
    for token in [&server.token, &fresh] {
        let message = "Expired token received for JSON Web Token validation";
        assert_eq!(
            server.call_as(token, "GET", "/api/v2/event-streams").await.expect(401),
            json!({"statusCode": 401, "error": "Unauthorized", "message": message, "attributes": {"error": message}}),
        );
    }
}

#[tokio::test]
async fn without_the_scope() {
    let server = Server::start().await;
    let token = server.token_with(&["read:users"]).await;
    let stream = "/api/v2/event-streams/est_5RTZiB9C532j383njbXibB";
    let event = "evt_q273LFcsfrNovuzswy8qBz";
    let cases = [
        ("GET", "/api/v2/event-streams".to_owned(), "read:event_streams"),
        ("POST", "/api/v2/event-streams".to_owned(), "create:event_streams"),
        ("GET", stream.to_owned(), "read:event_streams"),
        ("PATCH", stream.to_owned(), "update:event_streams"),
        ("DELETE", stream.to_owned(), "delete:event_streams"),
        ("GET", format!("{stream}/deliveries"), "read:event_streams,read:event_deliveries"),
        ("GET", format!("{stream}/deliveries/{event}"), "read:event_deliveries"),
        ("POST", format!("{stream}/redeliver/{event}"), "update:event_deliveries"),
        ("POST", "/api/v2/users".to_owned(), "create:users"),
        ("PATCH", "/api/v2/users/x".to_owned(), "update:users,update:users_app_metadata"),
        ("DELETE", "/api/v2/users/x".to_owned(), "delete:users"),
        ("GET", "/api/v2/clients".to_owned(), "read:clients"),
        ("POST", "/api/v2/clients".to_owned(), "create:clients"),
        ("GET", "/api/v2/clients/x".to_owned(), "read:clients"),
        ("PATCH", "/api/v2/clients/x".to_owned(), "update:clients"),
        ("DELETE", "/api/v2/clients/x".to_owned(), "delete:clients"),
        ("POST", "/api/v2/clients/x/rotate-secret".to_owned(), "update:client_keys"),
        ("GET", "/api/v2/client-grants".to_owned(), "read:client_grants"),
        ("POST", "/api/v2/client-grants".to_owned(), "create:client_grants"),
        ("GET", "/api/v2/client-grants/x".to_owned(), "read:client_grants"),
        ("PATCH", "/api/v2/client-grants/x".to_owned(), "update:client_grants"),
        ("DELETE", "/api/v2/client-grants/x".to_owned(), "delete:client_grants"),
        ("GET", "/api/v2/resource-servers".to_owned(), "read:resource_servers"),
        ("GET", "/api/v2/resource-servers/x".to_owned(), "read:resource_servers"),
    ];
    for (method, path, scopes) in cases {
        let message = format!("Insufficient scope, expected any of: {scopes}");
        assert_eq!(
            server.call_as(&token, method, &path).await.expect(403),
            error_with_code(403, "Forbidden", &message, "insufficient_scope"),
            "{method} {path}"
        );
    }
    for path in ["/api/v2/users", "/api/v2/users/x"] {
        let other = server.token_with(&["read:clients"]).await;
        let message = "Insufficient scope, expected any of: read:users";
        assert_eq!(
            server.call_as(&other, "GET", path).await.expect(403),
            error_with_code(403, "Forbidden", message, "insufficient_scope")
        );
    }
}

#[tokio::test]
async fn of_the_path() {
    let server = Server::start().await;
    let message = "Path validation error: 'Object didn't pass validation for format event-stream-id: \
                   est_invalid_id_1234567890' on property id (Unique identifier for the event stream).";
    let path = "/api/v2/event-streams/est_invalid_id_1234567890";
    for method in ["GET", "DELETE"] {
        assert_eq!(
            server.call(method, path).await.expect(400),
            error_with_code(400, "Bad Request", message, "invalid_uri")
        );
    }
    // The path is looked at before the body.
    assert_eq!(server.raw("PATCH", path, "{").await.expect(400)["errorCode"], "invalid_uri");
    assert_eq!(server.call("GET", "/api/v2/users/%FF").await.expect(400)["errorCode"], "invalid_uri");
}

#[tokio::test]
async fn of_what_is_not_there() {
    let server = Server::start().await;
    let cases = [
        ("/api/v2/event-streams/est_5RTZiB9C532j383njbXibB", "The requested stream does not exist.", None),
        ("/api/v2/users/auth0%7C63d17c4ba030f2d4279f2c54", "The user does not exist.", Some("inexistent_user")),
        ("/api/v2/clients/unknown", "The client does not exist", Some("inexistent_client")),
        ("/api/v2/client-grants/cgr_1", "The grant does not exist.", Some("inexistent_client_grant")),
        ("/api/v2/resource-servers/1", "The resource server does not exist", Some("inexistent_resource_server")),
        ("/api/v2/unknown", "Not Found", None),
        ("/unknown", "Not Found", None),
    ];
    for (path, message, code) in cases {
        let mut expected = error(404, "Not Found", message);
        if let Some(code) = code {
            expected["errorCode"] = code.into();
        }
        assert_eq!(server.call("GET", path).await.expect(404), expected, "{path}");
    }
}

#[tokio::test]
async fn of_the_method() {
    let server = Server::start().await;
    for (method, path) in [("PUT", "/api/v2/users"), ("GET", "/oauth/token"), ("DELETE", "/healthz")] {
        let reply = server.call(method, path).await;
        assert!(reply.header("allow").is_some_and(|allow| !allow.is_empty()));
        assert_eq!(reply.expect(405), error(405, "Method Not Allowed", "The method is not allowed for this path."));
    }
}

#[tokio::test]
async fn of_the_body() {
    let server = Server::start().await;
    for body in ["", "{", "not json", "{\"name\": \"\u{1}\"}"] {
        assert_eq!(
            server.raw("POST", "/api/v2/event-streams", body).await.expect(400),
            error_with_code(400, "Bad Request", "Invalid request payload JSON format", "invalid_body")
        );
    }
    assert_eq!(
        server.raw("POST", "/api/v2/event-streams", "[]").await.expect(400)["message"],
        "Payload validation error: 'Expected type object but found type array'."
    );
}

#[tokio::test]
async fn of_a_body_that_is_too_large() {
    let server = Server::start().await;
    let expected = error(413, "Payload Too Large", "Payload content length greater than maximum allowed: 65536");
    let large = " ".repeat(BODY_BYTES_MAX + 1);
    assert_eq!(server.raw("POST", "/api/v2/users", large.clone()).await.expect(413), expected);
    // Without a length that was said beforehand, it is refused while it is read.
    let unsized_body = Body::new(Unsized(Body::from(large)));
    assert_eq!(server.raw("POST", "/api/v2/users", unsized_body).await.expect(413), expected);
    // Who may not send a body is told that first.
    let token = server.token_with(&["read:users"]).await;
    let request = Request::post("/api/v2/users").header("authorization", format!("Bearer {token}"));
    let reply = server.send(request.body(Body::from(" ".repeat(BODY_BYTES_MAX + 1))).unwrap()).await;
    assert_eq!(reply.status, 403);
}

/// A body that does not say how long it is.
struct Unsized(Body);

impl HttpBody for Unsized {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }
}

#[tokio::test]
async fn every_answer_is_json_even_an_empty_one() {
    let server = Server::start().await;
    let reply = server.call("DELETE", "/api/v2/event-streams/est_5RTZiB9C532j383njbXibB").await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type"), reply.body.len()), (204, Some(JSON), 0));
}
