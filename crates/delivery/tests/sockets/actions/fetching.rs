//! `fetch` against real receivers: it goes out under the policy and the limits of webhooks.

use std::time::Duration;

use delivery::actions::{ActionRuntime, ActionSettings};
use delivery::outbound::OutboundSettings;

use super::world::*;
use crate::receivers::fixture::{AMPLE, Receiver, outbound, settings};

const OK: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-one: 1\r\ncontent-length: 11\r\n\r\n{\"n\":[1,2]}";

/// A receiver for requests that need not have a body.
async fn receiver(answer: impl Into<String>) -> Receiver {
    let answer = answer.into();
    Receiver::start(move |mut conversation| {
        let answer = answer.clone();
        async move {
            conversation.request().await;
            conversation.write(&answer).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_request_and_its_answer() {
    let mut receiver = receiver(OK).await;
    let body = format!(
        "const answer = await fetch('{}', {{ method: 'post', headers: {{ 'X-Key': event.secrets.TOKEN, 'content-type': 'application/json' }}, body: JSON.stringify({{ a: 'ü' }}) }});
         console.log(answer.status, answer.ok, answer.statusText, answer.headers.get('X-One'), (await answer.json()).n[1], answer.bodyUsed, answer.redirected);
         try {{ await answer.text() }} catch (error) {{ console.log(error.message) }}",
        receiver.url()
    );
    assert_eq!(output(&body).await, "200 true OK 1 2 true false\nthe body has been read already");
    let request = receiver.next_request().await;
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-key: s3cret-value\r\n") && request.contains("user-agent: headwater/"), "{request}");
    assert!(request.ends_with("{\"a\":\"ü\"}"), "{request}");
}

#[tokio::test]
async fn bytes_and_forms_and_several_at_once() {
    let mut receiver = receiver(OK).await;
    let url = receiver.url();
    let body = format!(
        "const [one, two] = await Promise.all([
             fetch(new Request('{url}', {{ method: 'PUT', body: new Uint8Array([0, 65]) }})),
             fetch('{url}', {{ method: 'PUT', body: new URLSearchParams({{ a: '1 2' }}) }}),
         ]);
         console.log((await one.arrayBuffer()).byteLength, (await two.text()).length);"
    );
    assert_eq!(output(&body).await, "11 11");
    let mut requests = [receiver.next_request().await, receiver.next_request().await];
    requests.sort_by_key(String::len);
    assert!(requests[0].ends_with("\r\n\r\n\0A"), "{requests:?}");
    assert!(
        requests[1].contains("application/x-www-form-urlencoded") && requests[1].ends_with("a=1+2"),
        "{requests:?}"
    );
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_not_reached() {
    // Nothing is allowed but the public internet.
    let public = ActionRuntime::new(action_settings(), &outbound(OutboundSettings::default())).unwrap();
    let receiver = receiver(OK).await;
    let loopback = receiver.address;
    let urls = [
        format!("http://{loopback}/"),
        format!("http://localhost:{}/", loopback.port()),
        format!("http://[::ffff:127.0.0.1]:{}/", loopback.port()),
        format!("http://2130706433:{}/", loopback.port()),
        format!("http://0x7f.1:{}/", loopback.port()),
        format!("http://0177.0.0.1:{}/", loopback.port()),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[fd00:ec2::254]/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://192.168.1.1/".to_owned(),
        "http://[::1]/".to_owned(),
        "http://0.0.0.0/".to_owned(),
    ];
    for url in urls {
        let action = handler(&format!("await fetch('{url}')"));
        let error = run(&public, &action).await.error.unwrap();
        assert!(error.starts_with("TypeError: fetch failed: ") && error.contains("is not allowed"), "{url}: {error}");
    }
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn a_redirect_is_followed_under_the_same_policy() {
    let metadata =
        receiver("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n").await;
    let fetching = |url: &str, more: &str| {
        format!("const answer = await fetch('{url}', {{ {more} }}); console.log(answer.status, answer.redirected)")
    };
    let error = error(&fetching(&metadata.url(), "")).await;
    assert!(error.contains("169.254.169.254 is not allowed"), "{error}");
    assert_eq!(output(&fetching(&metadata.url(), "redirect: 'manual'")).await, "302 false");
    let refused = super::world::error(&fetching(&metadata.url(), "redirect: 'error'")).await;
    assert!(refused.contains("it was answered by a redirect"), "{refused}");

    let mut target = receiver(OK).await;
    let leading = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url());
    let first = receiver(leading).await;
    let with_key = "method: 'PUT', body: 'x', headers: { authorization: 'Bearer s3cret-value', 'x-key': 'k' }";
    assert_eq!(output(&fetching(&first.url(), with_key)).await, "200 true");
    let request = target.next_request().await;
    assert!(!request.contains("s3cret") && !request.contains("x-key"), "{request}");

    let other =
        Receiver::answering("HTTP/1.1 307 Temporary Redirect\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n").await;
    let circle = super::world::error(&fetching(&other.url(), "method: 'PUT', body: 'x'")).await;
    assert!(circle.contains("more than 5 redirects"), "{circle}");
}

#[tokio::test]
async fn what_cannot_be_fetched_says_why() {
    let fails = async |call: &str| error(&format!("await {call}")).await;
    assert!(fails("fetch('file:///etc/passwd')").await.contains("file: is not available"));
    assert!(fails("fetch('nowhere')").await.contains("Invalid URL"));
    assert!(fails("fetch('data:text/plain,x')").await.contains("data: is not available"));
    assert!(fails("fetch('https://u:p@h.example/')").await.contains("user information"));
    assert!(
        fails("fetch('https://h.example/', { headers: { host: 'x' } })")
            .await
            .contains("the header host is set by the server itself")
    );
    assert!(fails("fetch('https://h.example/', { headers: { 'a b': 'x' } })").await.contains("is no header name"));
    assert!(fails("fetch('https://h.example/', { headers: { a: 'x\\r\\nb: y' } })").await.contains("no line breaks"));
    assert!(fails("fetch('https://h.example/', { method: 'CONNECT' })").await.contains("is not available"));
    assert!(fails("fetch('https://h.example/', { body: 'x' })").await.contains("GET has no body"));
    let strict = runtime_with(ActionSettings { http_allowed: false, ..action_settings() });
    let plain = run(&strict, &handler("await fetch('http://h.example/')")).await.error.unwrap();
    assert!(plain.contains("http:// is not allowed"), "{plain}");
}

#[tokio::test]
async fn bodies_and_requests_are_bounded() {
    let large = |bytes: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{}", "x".repeat(bytes));
    let limits =
        ActionSettings { answer_bytes_max: 50_000, request_bytes_max: 1000, requests_max: 2, ..action_settings() };
    let runtime = runtime_with(limits);
    let fails = async |body: String| run(&runtime, &handler(&body)).await.error.unwrap_or_default();
    let put = |url: &str| format!("fetch('{url}', {{ method: 'PUT', body: 'x' }})");

    let fits = receiver(large(49_000)).await;
    assert_eq!(fails(format!("if ((await (await {}).text()).length !== 49000) throw 1", put(&fits.url()))).await, "");
    let too_long = receiver(large(60_000)).await;
    assert!(fails(format!("await {}", put(&too_long.url()))).await.contains("the answer is longer than 50000 bytes"));
    let endless = Receiver::start(|mut conversation| async move {
        conversation.request().await;
        conversation.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        conversation.write_endlessly("5\r\nhello\r\n").await;
    })
    .await;
    assert!(fails(format!("await {}", put(&endless.url()))).await.contains("did not come to its end"));
    let cut = receiver("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nxyz").await;
    assert!(fails(format!("await {}", put(&cut.url()))).await.contains("did not come to its end"));

    let body = "await fetch('https://h.example/', { method: 'PUT', body: 'x'.repeat(1001) })";
    assert!(fails(body.to_owned()).await.contains("the body is longer than 1000 bytes"));
    let third = format!("await {0}; await {0}; await {0}", put(&fits.url()));
    assert!(fails(third).await.contains("a run makes 2 requests at most"));
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up() {
    let mut silent = Receiver::start(|mut conversation| async move {
        conversation.request().await;
        conversation.until_closed().await;
    })
    .await;
    let runtime = ActionRuntime::new(hasty(), &outbound(settings(AMPLE))).unwrap();
    let put = format!("fetch('{}', {{ method: 'PUT', body: 'x'", silent.url());
    let waited = run(&runtime, &handler(&format!("await {put} }})"))).await;
    let error = waited.error.unwrap();
    assert!(error == "the action did not end within 1.5s" || error.contains("no answer within 1.5s"), "{error}");
    // What was on its way is closed with the run.
    silent.closed().await;

    let body = format!(
        "try {{ await {put}, signal: AbortSignal.timeout(50) }}) }} catch (error) {{ console.log(error.name) }}"
    );
    let aborted = run(&runtime, &handler(&body)).await;
    assert_eq!((aborted.error.clone(), lines(&aborted)), (None, vec!["TimeoutError".to_owned()]));
    assert!(aborted.duration < Duration::from_millis(1400), "{:?}", aborted.duration);
    silent.closed().await;
}
