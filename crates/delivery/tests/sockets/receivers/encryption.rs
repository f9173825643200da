//! Encrypted deliveries: which key is used, and that nothing goes out in clear where there is none.
//! Whether receivers can open them is shown by libraries of others: `headwater/tests/stories/clients/official.rs`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use delivery::destinations::Destination;
use delivery::outbound::{Outbound, OutboundSettings};
use domain::delivery::{FailureKind, Outcome};
use domain::delivery_settings::DeliverySettings;
use domain::destination::Endpoint;
use domain::encryption::{Encryption, EncryptionKey};
use serde_json::{Value, json};

use super::fixture::{
    AMPLE, Receiver, SHORT, TestClock, assert_delivered, assert_failed, bearer, deliver, destination_with, failure,
    options, settings,
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const FRESH: Duration = Duration::from_secs(60);
const AGE_MAX: Duration = Duration::from_secs(600);
/// For so long a failure stands for others.
const A_MOMENT: Duration = Duration::from_secs(1);

/// The point of the example in RFC 7518, appendix C.
fn jwk(kid: &str) -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "kid": kid,
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
    })
}

/// The answer that is a set of these keys.
fn set(kids: &[&str]) -> String {
    let body = json!({"keys": kids.iter().map(|kid| jwk(kid)).collect::<Vec<_>>()}).to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

struct World {
    hook: Receiver,
    keys: Receiver,
    answer: Arc<Mutex<String>>,
    clock: Arc<TestClock>,
    destination: Arc<dyn Destination>,
}

impl World {
    async fn new(answer: String, kid: Option<&str>) -> Self {
        let answer = Arc::new(Mutex::new(answer));
        let answering = Arc::clone(&answer);
        let keys = Receiver::start(move |mut conversation| {
            let answer = Arc::clone(&answering);
            async move {
                while conversation.request().await.is_some() {
                    let answer = answer.lock().unwrap().clone();
                    if !conversation.write(&answer).await {
                        return;
                    }
                }
            }
        })
        .await;
        let hook = Receiver::answering(OK).await;
        let clock = TestClock::new();
        let limits = OutboundSettings { key_set_fresh_for: FRESH, key_set_age_max: AGE_MAX, ..settings(AMPLE) };
        let outbound = Outbound::new(limits, clock.clone()).unwrap();
        let url = format!("http://{}/jwks.json", keys.address);
        let destination = encrypting(&outbound, &hook, key_set(&url, kid));
        Self { hook, keys, answer, clock, destination }
    }

    /// From now on the set is this; a failure before it does not count any more.
    fn publish(&self, answer: impl Into<String>) {
        *self.answer.lock().unwrap() = answer.into();
        self.clock.skip(A_MOMENT);
    }

    async fn deliver(&self) -> Outcome {
        deliver(&*self.destination).await
    }

    /// The name of the key that the next delivery is encrypted to.
    async fn kid(&mut self) -> String {
        assert_delivered(&self.deliver().await);
        let (header, _) = encrypted(&self.hook.next_request().await);
        header["kid"].as_str().unwrap().to_owned()
    }

    fn nothing_arrived(&mut self) -> bool {
        self.hook.nothing_arrived()
    }
}

fn key_set(url: &str, kid: Option<&str>) -> Encryption {
    Encryption::KeySet { url: Endpoint::parse(url, true).unwrap(), kid: kid.map(str::to_owned) }
}

fn encrypting(outbound: &Outbound, hook: &Receiver, encryption: Encryption) -> Arc<dyn Destination> {
    let options = options(DeliverySettings { encryption: Some(encryption), ..DeliverySettings::default() });
    destination_with(outbound, &hook.url(), bearer(), options)
}

/// The protected header of an encrypted request, and the head around it. Nothing of the event is to be seen.
fn encrypted(request: &str) -> (Value, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\ncontent-type: application/jose\r\n"), "{head}");
    assert!(!request.contains("specversion") && !request.contains("acme"), "{request}");
    let parts: Vec<_> = body.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    assert_eq!(parts.len(), 5);
    assert!(!parts.concat().windows(11).any(|window| window == b"specversion"));
    (serde_json::from_slice(&parts[0]).unwrap(), head.to_owned())
}

#[tokio::test]
async fn a_given_key_is_encrypted_to() {
    let mut hook = Receiver::answering(OK).await;
    let outbound = Outbound::new(settings(AMPLE), TestClock::new()).unwrap();
    let key = EncryptionKey::from_jwk(jwk("one").as_object().unwrap()).unwrap();
    let destination = encrypting(&outbound, &hook, Encryption::Key(Box::new(key)));
    assert_delivered(&deliver(&*destination).await);
    let (header, head) = encrypted(&hook.next_request().await);
    assert_eq!(
        (&header["alg"], &header["enc"], &header["cty"], &header["kid"]),
        (&json!("ECDH-ES+A256KW"), &json!("A256GCM"), &json!("application/json"), &json!("one"))
    );
    assert!(head.contains("\r\nauthorization: Bearer s3cret-token"), "the rest of the request is as ever: {head}");
}

#[tokio::test]
async fn a_key_that_is_none_is_not_sent_without() {
    let hook = Receiver::answering(OK).await;
    let outbound = Outbound::new(settings(AMPLE), TestClock::new()).unwrap();
    let mut off_the_curve = jwk("one");
    off_the_curve["y"] = off_the_curve["x"].clone();
    let key = EncryptionKey::from_jwk(off_the_curve.as_object().unwrap()).unwrap();
    let outcome = deliver(&*encrypting(&outbound, &hook, Encryption::Key(Box::new(key)))).await;
    let message = "the key to encrypt to cannot be used: its numbers are not those of a public key";
    assert_failed(outcome, FailureKind::Refused, message);
    assert_eq!(hook.accepted(), 0);
}

#[tokio::test]
async fn a_key_set_is_read_once_and_again_when_it_is_no_longer_fresh() {
    let mut world = World::new(set(&["one"]), None).await;
    for _ in 0..3 {
        assert_eq!(world.kid().await, "one");
    }
    let asked = world.keys.next_request().await;
    assert!(asked.starts_with("GET /jwks.json HTTP/1.1\r\n"), "{asked}");
    assert!(!asked.contains("authorization") && !asked.contains("s3cret"), "{asked}");
    assert!(world.keys.nothing_arrived());
    world.publish(set(&["two", "one"]));
    world.clock.skip(FRESH);
    assert_eq!(world.kid().await, "two");
}

#[tokio::test]
async fn deliveries_that_start_together_read_the_set_once() {
    let world = World::new(set(&["one"]), None).await;
    let mut deliveries = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let destination = Arc::clone(&world.destination);
        deliveries.spawn(async move { assert_delivered(&deliver(&*destination).await) });
    }
    deliveries.join_all().await;
    assert_eq!(world.keys.accepted(), 1);
}

#[tokio::test]
async fn a_set_that_cannot_be_read_anew_serves_for_a_while_and_no_longer() {
    let mut world = World::new(set(&["one"]), None).await;
    assert_eq!(world.kid().await, "one");
    world.publish("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
    world.clock.skip(FRESH);
    assert_eq!(world.kid().await, "one");
    world.clock.skip(AGE_MAX - FRESH - Duration::from_secs(5));
    assert_eq!(world.kid().await, "one");
    world.clock.skip(Duration::from_secs(6));
    let message = "the key set could not be read: the server answered 500 Internal Server Error";
    assert_failed(world.deliver().await, FailureKind::Unreachable, message);
    assert!(world.nothing_arrived());
    world.publish(set(&["two"]));
    assert_eq!(world.kid().await, "two");
}

#[tokio::test]
async fn a_set_that_fails_is_asked_once_a_second_at_most() {
    let mut world = World::new("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_owned(), None).await;
    let message = "the key set could not be read: the server answered 503 Service Unavailable";
    for _ in 0..5 {
        assert_failed(world.deliver().await, FailureKind::Unreachable, message);
    }
    world.keys.next_request().await;
    world.clock.skip(A_MOMENT);
    assert_failed(world.deliver().await, FailureKind::Unreachable, message);
    world.keys.next_request().await;
    assert!(world.keys.nothing_arrived() && world.nothing_arrived());
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_not_used_any_more() {
    let mut world = World::new(set(&["one"]), None).await;
    assert_eq!(world.kid().await, "one");
    world.publish(set(&[]));
    world.clock.skip(FRESH);
    let message = "the key set holds no key that can be encrypted to";
    assert_failed(world.deliver().await, FailureKind::Unreachable, message);
    assert!(world.nothing_arrived());
}

#[tokio::test]
async fn a_key_that_is_named_is_waited_for() {
    let mut world = World::new(set(&["one"]), Some("two")).await;
    let message = "the key set holds no key with the kid \"two\" that can be encrypted to";
    assert_failed(world.deliver().await, FailureKind::Unreachable, message);
    assert!(world.nothing_arrived());
    world.publish(set(&["one", "two"]));
    assert_eq!(world.kid().await, "two");
}

#[tokio::test]
async fn a_key_set_that_misbehaves_is_a_failure_and_nothing_goes_out() {
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(1_000_000));
    for (answer, reason) in [
        ("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", "302 Found"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno", "it is not JSON"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "holds no key"),
        (long.as_str(), "it is too long, or broke off"),
        ("SSH-2.0-x\r\n\r\n", "not acceptable HTTP/1.1"),
    ] {
        let mut world = World::new(answer.to_owned(), None).await;
        let failure = failure(world.deliver().await);
        assert_eq!(failure.kind, FailureKind::Unreachable, "{}", failure.message);
        assert!(failure.message.contains(reason), "{}", failure.message);
        assert!(world.nothing_arrived());
    }
}

#[tokio::test]
async fn a_key_set_is_reached_under_the_same_policy() {
    let hook = Receiver::answering(OK).await;
    let keys = Receiver::answering(set(&["one"])).await;
    let allow = vec!["127.0.0.1/32".parse().unwrap()];
    let limits = OutboundSettings { allow, ..OutboundSettings::default() };
    let outbound = Outbound::new(limits, TestClock::new()).unwrap();
    let port = keys.address.port();
    for url in ["http://169.254.169.254/jwks", "http://10.0.0.5/jwks", &format!("http://[::1]:{port}/jwks")] {
        let failure = failure(deliver(&*encrypting(&outbound, &hook, key_set(url, None))).await);
        assert_eq!(failure.kind, FailureKind::Refused, "{url}: {}", failure.message);
    }
    assert_eq!((hook.accepted(), keys.accepted()), (0, 0));
}

#[tokio::test]
async fn reading_the_set_is_part_of_the_attempts_time() {
    let hook = Receiver::answering(OK).await;
    let mut keys = Receiver::start(|mut conversation| async move {
        conversation.request().await;
        conversation.until_closed().await;
    })
    .await;
    let outbound = Outbound::new(settings(SHORT), TestClock::new()).unwrap();
    let destination = encrypting(&outbound, &hook, key_set(&format!("http://{}/", keys.address), None));
    let failure = failure(deliver(&*destination).await);
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.message, "the key set could not be read: no answer within 300ms");
    assert!(failure.duration < SHORT * 10);
    keys.closed().await;
    assert_eq!(hook.accepted(), 0);
}
