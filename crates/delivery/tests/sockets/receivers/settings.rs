//! What the owner of a stream says about its requests: headers, time, signatures; and the offset that each carries.

use std::time::Duration;

use domain::delivery::FailureKind;
use domain::delivery_settings::{DeliverySettings, StaticHeaders};
use domain::destination::Authorization;
use domain::encryption::{Encryption, EncryptionKey};
use domain::event::Seq;
use domain::secret::Secret;
use domain::signing::{HmacSecret, Signing};

use super::fixture::{
    AMPLE, Receiver, SHORT, assert_delivered, bearer, deliver, delivered_body, delivery, destination_with, failure,
    offsets, options, outbound, settings,
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];

/// The value of a header of a request.
fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

async fn request_of(delivery: DeliverySettings, authorization: Authorization) -> String {
    let mut receiver = Receiver::answering(OK).await;
    let destination = destination_with(&outbound(settings(AMPLE)), &receiver.url(), authorization, options(delivery));
    assert_delivered(&deliver(&*destination).await);
    receiver.next_request().await
}

fn signed() -> DeliverySettings {
    let secrets = SECRETS.map(|text| HmacSecret::parse(text).unwrap()).to_vec();
    DeliverySettings { signing: Some(Signing::HmacSha256(secrets)), ..DeliverySettings::default() }
}

#[tokio::test]
async fn static_headers_are_on_every_request() {
    let headers = [("X-Team", "crm"), ("x-empty", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = StaticHeaders::new(headers.into()).unwrap();
    let request = request_of(DeliverySettings { headers, ..DeliverySettings::default() }, bearer()).await;
    assert_eq!(header(&request, "x-team"), Some("crm"));
    assert_eq!(request.matches("x-empty: \r\n").count(), 1, "{request}");
    assert_eq!(header(&request, "authorization"), Some("Bearer s3cret-token"));
}

#[tokio::test]
async fn each_request_carries_the_offset_after_its_event() {
    let request = request_of(DeliverySettings::default(), bearer()).await;
    let offset = header(&request, "headwater-offset").unwrap();
    assert_eq!(offsets().read(offset), Ok(delivery().event.seq.next()));
    assert_eq!(offset, offsets().after_event(Seq(1)));
    // Whoever authorizes by a header of that name keeps it.
    let own = Authorization::CustomHeader { header_key: "Headwater-Offset".into(), header_value: Secret::new("mine") };
    let request = request_of(DeliverySettings::default(), own).await;
    assert_eq!(header(&request, "headwater-offset"), Some("mine"));
}

#[tokio::test]
async fn an_attempt_ends_with_the_streams_own_time() {
    let receiver = Receiver::start(|mut conversation| async move {
        conversation.request().await;
        std::future::pending().await
    })
    .await;
    let own = DeliverySettings { timeout: Some(SHORT), ..DeliverySettings::default() };
    let destination = destination_with(&outbound(settings(AMPLE)), &receiver.url(), bearer(), options(own));
    let failed = failure(deliver(&*destination).await);
    assert_eq!(failed.kind, FailureKind::Timeout);
    assert!(failed.message.contains("300ms") || failed.message.contains("0.3"), "{}", failed.message);
    // It may also be longer than the server's.
    let own = DeliverySettings { timeout: Some(Duration::from_secs(60)), ..DeliverySettings::default() };
    let patient = Receiver::start(|mut conversation| async move {
        conversation.request().await;
        tokio::time::sleep(SHORT * 2).await;
        conversation.write(OK).await;
    })
    .await;
    let destination = destination_with(&outbound(settings(SHORT)), &patient.url(), bearer(), options(own));
    assert_delivered(&deliver(&*destination).await);
}

#[tokio::test]
async fn every_secret_signs_what_is_sent() {
    let request = request_of(signed(), bearer()).await;
    let body = request.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(body, delivered_body());
    let id = header(&request, "webhook-id").unwrap();
    assert_eq!(id, delivery().event.event.id.to_string());
    let timestamp: i64 = header(&request, "webhook-timestamp").unwrap().parse().unwrap();
    let signatures: Vec<&str> = header(&request, "webhook-signature").unwrap().split(' ').collect();
    let expected = SECRETS
        .map(|secret| standardwebhooks::Webhook::new(secret).unwrap().sign(id, timestamp, body.as_bytes()).unwrap());
    assert_eq!(signatures, expected);
    assert_eq!(header(&request_of(DeliverySettings::default(), bearer()).await, "webhook-signature"), None);
}

#[tokio::test]
async fn a_transformed_payload_is_signed_as_it_is_sent() {
    let mut receiver = Receiver::answering(OK).await;
    let destination = destination_with(&outbound(settings(AMPLE)), &receiver.url(), bearer(), options(signed()));
    let mut transformed = delivery();
    transformed.payload = Some(r#"{"small":true}"#.into());
    assert_delivered(&destination.deliver(transformed).await);
    let request = receiver.next_request().await;
    let signature = header(&request, "webhook-signature").unwrap().split(' ').next().unwrap();
    let (id, timestamp) = (header(&request, "webhook-id").unwrap(), header(&request, "webhook-timestamp").unwrap());
    let webhook = standardwebhooks::Webhook::new(SECRETS[0]).unwrap();
    assert_eq!(signature, webhook.sign(id, timestamp.parse().unwrap(), br#"{"small":true}"#).unwrap());
}

#[tokio::test]
async fn an_encrypted_payload_is_signed_as_it_is_sent() {
    // The point of the example in RFC 7518, appendix C.
    let jwk = serde_json::json!({
        "kty": "EC", "crv": "P-256", "kid": "one",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
    });
    let key = EncryptionKey::from_jwk(jwk.as_object().unwrap()).unwrap();
    let request =
        request_of(DeliverySettings { encryption: Some(Encryption::Key(Box::new(key))), ..signed() }, bearer());
    let request = request.await;
    let body = request.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(header(&request, "content-type"), Some("application/jose"));
    let (id, timestamp) = (header(&request, "webhook-id").unwrap(), header(&request, "webhook-timestamp").unwrap());
    let webhook = standardwebhooks::Webhook::new(SECRETS[1]).unwrap();
    let expected = webhook.sign(id, timestamp.parse().unwrap(), body.as_bytes()).unwrap();
    assert_eq!(header(&request, "webhook-signature").unwrap().split(' ').nth(1), Some(expected.as_str()));
}
