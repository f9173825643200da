//! The headers that clients wait by, and limiting (management-api.md 1.3).

use std::time::Duration;

use domain::rate_limit::RateLimit;

use crate::server::{JSON, Reply, START, Server, error_with_code, settings};

/// What the headers say: how many at once, how many are left, and after how many seconds to come again.
fn headers(reply: &Reply) -> (u32, u32, i64) {
    let number = |name: &str| reply.header(name).unwrap_or_else(|| panic!("{name} is missing")).parse().unwrap();
    let reset: i64 = number("x-ratelimit-reset");
    let small = |name| u32::try_from(number(name)).unwrap();
    (small("x-ratelimit-limit"), small("x-ratelimit-remaining"), reset - START / 1000)
}

#[tokio::test]
async fn the_headers_are_on_every_answer_of_the_api() {
    let server = Server::start().await;
    for (reply, status) in [
        (server.call("GET", "/api/v2/event-streams").await, 200),
        (server.call("DELETE", "/api/v2/event-streams/est_5RTZiB9C532j383njbXibB").await, 204),
        (server.call("GET", "/api/v2/event-streams/est_x").await, 400),
        (server.call_as("none", "GET", "/api/v2/event-streams").await, 401),
        (server.call("GET", "/api/v2/event-streams/est_5RTZiB9C532j383njbXibB").await, 404),
        (server.call("GET", "/api/v2/nothing").await, 404),
        (server.call("PUT", "/api/v2/event-streams").await, 405),
    ] {
        assert_eq!(reply.status.as_u16(), status);
        let (limit, remaining, reset) = headers(&reply);
        assert_eq!((limit, remaining), (1000, 1000), "there is no limit");
        assert_eq!(reset, 1, "it is near");
    }
    let reply = server.call("GET", "/healthz").await;
    assert!(reply.header("x-ratelimit-limit").is_none(), "that is not the API");
}

#[tokio::test]
async fn too_many_requests_are_refused_before_anything_else_is_looked_at() {
    let limit = RateLimit { per_s: 1, burst: 3 };
    let server = Server::start_with(web::Settings { rate_limit: Some(limit), ..settings() }).await;
    for left in [2, 1, 0] {
        assert_eq!(headers(&server.call("GET", "/api/v2/event-streams").await), (3, left, 1));
    }
    let refused = server.call_as("none", "GET", "/api/v2/nothing").await;
    assert_eq!((headers(&refused), refused.header("retry-after")), ((3, 0, 1), Some("1")));
    assert_eq!(refused.header("content-type"), Some(JSON));
    assert_eq!(
        refused.expect(429),
        error_with_code(429, "Too Many Requests", "Global limit has been reached", "too_many_requests")
    );
    server.clock.advance(Duration::from_secs(1));
    server.call("GET", "/api/v2/event-streams").await.expect(200);
    server.call("GET", "/api/v2/event-streams").await.expect(429);
}
