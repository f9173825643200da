//! The way to a stream's receiver and the key that it is encrypted to: options in the member `headwater`.

use domain::ids::StreamId;
use domain::stream::EventStream;
use domain::transport::Transport;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use store::State;

use crate::server::{Server, settings};

const STREAMS: &str = "/api/v2/event-streams";

struct Pair {
    certificate: String,
    key: String,
}

/// A certificate that is valid in the years from `from` up to `until`, and its key.
fn pair((from, until): (i32, i32)) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["headwater.example".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

fn valid() -> Pair {
    pair((2000, 2100))
}

fn authority() -> String {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap().pem()
}

fn jwk() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "kid": "one",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
    })
}

fn body(headwater: &Value) -> Value {
    json!({
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "a-token"}}},
        "headwater": headwater,
    })
}

async fn create(server: &Server, headwater: &Value) -> Value {
    server.call_with("POST", STREAMS, &body(headwater)).await.expect(201)
}

fn path_of(stream: &Value) -> String {
    format!("{STREAMS}/{}", stream["id"].as_str().unwrap())
}

async fn patch(server: &Server, stream: &Value, headwater: Value) -> Value {
    server.call_with("PATCH", &path_of(stream), &json!({ "headwater": headwater })).await.expect(200)
}

async fn stored(server: &Server, stream: &Value) -> EventStream {
    let tenant = server.store.tenant_ensure("default").await.unwrap().id;
    let id = StreamId::parse(stream["id"].as_str().unwrap()).unwrap();
    server.store.stream_get(tenant, id).await.unwrap().unwrap().value
}

async fn transport(server: &Server, stream: &Value) -> Transport {
    stored(server, stream).await.options.delivery.transport
}

#[tokio::test]
async fn keys_and_passwords_are_kept_and_never_answered() {
    let server = Server::start().await;
    let Pair { certificate, key } = valid();
    let ca = authority();
    let given = json!({
        "tls": {"client_certificate": certificate, "client_key": key, "ca": ca},
        "http2": true,
        "proxy": "http://jane:s3cret-pw@proxy.example:3128",
        "encryption": {"jwk": jwk()},
    });
    let answered = json!({
        "tls": {"client_certificate": certificate, "ca": ca},
        "http2": true,
        "proxy": "http://jane@proxy.example:3128",
        "encryption": {"jwk": jwk()},
    });
    let made = create(&server, &given).await;
    assert_eq!(made["headwater"], answered);
    for answer in [server.call("GET", &path_of(&made)), server.call("GET", STREAMS)] {
        let answer = answer.await.expect(200).to_string();
        assert!(!answer.contains("s3cret-pw") && !answer.contains("PRIVATE KEY"), "{answer}");
    }
    let before = stored(&server, &made).await;
    assert_eq!(before.options.delivery.transport.proxy.as_ref().unwrap().credentials().unwrap().username, "jane");
    // What was answered can be given back, and loses nothing.
    assert_eq!(patch(&server, &made, answered).await["headwater"], made["headwater"]);
    assert_eq!(stored(&server, &made).await, before);
    let defaults = json!({"tls": null, "http2": null, "proxy": null, "encryption": null});
    assert_eq!(patch(&server, &made, defaults).await.get("headwater"), None);
    assert_eq!(transport(&server, &made).await, Transport::default());
    assert_eq!(create(&server, &json!({"tls": {}, "http2": false})).await.get("headwater"), None);
}

#[tokio::test]
async fn a_key_that_is_left_out_stays_only_with_its_certificate() {
    let server = Server::start().await;
    let (one, other) = (valid(), valid());
    let made = create(&server, &json!({"tls": {"client_certificate": one.certificate, "client_key": one.key}})).await;
    let changed = json!({"headwater": {"tls": {"client_certificate": other.certificate}}});
    let refused = server.call_with("PATCH", &path_of(&made), &changed).await.expect(400);
    let expected = "Payload validation error: 'The key does not belong to the client certificate' on property \
                    headwater.tls.client_key (";
    assert!(refused["message"].as_str().unwrap().starts_with(expected), "{refused}");
    let both = json!({"tls": {"client_certificate": other.certificate, "client_key": other.key}});
    patch(&server, &made, both).await;
    assert_eq!(transport(&server, &made).await.tls.client.unwrap().key.pem().expose(), other.key);
}

#[tokio::test]
async fn a_key_set_is_named_by_its_address() {
    let server = Server::start().await;
    let set = json!({"encryption": {"jwks_url": "https://keys.example/jwks.json", "kid": "two"}});
    assert_eq!(create(&server, &set).await["headwater"], set);
    let plain = json!({"encryption": {"jwks_url": "http://keys.example/jwks.json"}});
    server.call_with("POST", STREAMS, &body(&plain)).await.expect(400);
    let lenient = Server::start_with(web::Settings { http_destinations_allowed: true, ..settings() }).await;
    assert_eq!(create(&lenient, &plain).await["headwater"], plain);
}

#[tokio::test]
async fn what_cannot_be_honoured_is_refused_with_the_reason() {
    let server = Server::start().await;
    let (one, other) = (valid(), valid());
    let (expired, early) = (pair((2000, 2001)), pair((2090, 2100)));
    let client = |pair: &Pair| json!({"tls": {"client_certificate": pair.certificate, "client_key": pair.key}});
    let unusable = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let mut private = jwk();
    private["d"] = json!("AAAA");
    let key_text =
        "Expected one PEM block with an unencrypted private key: PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY";
    let proxy_text =
        "Expected a proxy such as http://proxy.example.com:3128 or http://user:password@proxy.example.com:3128";
    for (headwater, reason, place) in [
        (
            client(&Pair { certificate: one.certificate.clone(), key: other.key.clone() }),
            "The key does not belong to the client certificate",
            "tls.client_key",
        ),
        (
            client(&Pair { certificate: one.certificate.clone(), key: unusable.to_owned() }),
            "The key cannot be used: expected an RSA, ECDSA or Ed25519 key",
            "tls.client_key",
        ),
        (client(&Pair { certificate: one.certificate.clone(), key: "hello".to_owned() }), key_text, "tls.client_key"),
        (
            client(&Pair { certificate: one.key.clone(), key: one.key.clone() }),
            "Expected one or more PEM blocks of the type CERTIFICATE",
            "tls.client_certificate",
        ),
        (
            client(&expired),
            "The certificate cannot be used: it has expired at 2001-01-01T00:00:00.000Z",
            "tls.client_certificate",
        ),
        (
            client(&early),
            "The certificate cannot be used: it is not valid before 2090-01-01T00:00:00.000Z",
            "tls.client_certificate",
        ),
        (
            json!({"tls": {"client_certificate": one.certificate}}),
            "Missing required property: client_key",
            "tls.client_key",
        ),
        (
            json!({"tls": {"client_key": one.key}}),
            "Missing required property: client_certificate",
            "tls.client_certificate",
        ),
        (json!({"tls": {"ca": "hello"}}), "Expected one or more PEM blocks of the type CERTIFICATE", "tls.ca"),
        (json!({"tls": {"cert": "x"}}), "Additional properties not allowed: cert", "tls.cert"),
        (json!({"http2": "yes"}), "Expected type boolean but found type string", "http2"),
        (json!({"proxy": "socks5://jane:s3cret-pw@proxy.example"}), proxy_text, "proxy"),
        (json!({"proxy": "http://jane:s3cret-pw@proxy.example/\r\nx: y"}), proxy_text, "proxy"),
        (
            json!({"proxy": "http://jane:s3cret-pw%0d%0ax@proxy.example"}),
            "Expected a username without a colon, and no control characters in username and password",
            "proxy",
        ),
        (
            json!({"proxy": "http://jane@proxy.example"}),
            "Expected the password with the username: http://user:password@proxy.example.com:3128",
            "proxy",
        ),
        (json!({"encryption": {}}), "Missing required property: jwk", "encryption.jwk"),
        (
            json!({"encryption": {"jwk": jwk(), "jwks_url": "https://keys.example/"}}),
            "Give jwk or jwks_url, not both",
            "encryption.jwk",
        ),
        (
            json!({"encryption": {"jwk": private}}),
            "Expected a public key; this one has the private member d, which nobody else should see",
            "encryption.jwk",
        ),
        (json!({"encryption": {"jwk": {"kty": "OKP"}}}), "Expected kty RSA or EC", "encryption.jwk"),
        (
            json!({"encryption": {"jwks_url": "https://user:s3cret-pw@keys.example/"}}),
            "User information is not allowed in the URL; use webhook_authorization",
            "encryption.jwks_url",
        ),
        (
            json!({"encryption": {"jwk": jwk(), "kid": "two"}}),
            "Additional properties not allowed: kid",
            "encryption.kid",
        ),
    ] {
        let refused = server.call_with("POST", STREAMS, &body(&headwater)).await.expect(400);
        let message = refused["message"].as_str().unwrap();
        let expected = format!("Payload validation error: '{reason}' on property headwater.{place} (");
        assert!(message.starts_with(&expected), "{headwater}: {message}\nexpected {expected}");
        assert!(!message.contains("s3cret-pw") && !message.contains("AAAA"), "{message}");
    }
}

#[tokio::test]
async fn a_client_certificate_goes_with_https_only() {
    let server = Server::start_with(web::Settings { http_destinations_allowed: true, ..settings() }).await;
    let Pair { certificate, key } = valid();
    let made = create(&server, &json!({"tls": {"client_certificate": certificate, "client_key": key}})).await;
    let mut destination = body(&json!({}))["destination"].take();
    destination["configuration"]["webhook_endpoint"] = json!("http://hooks.example.com/in");
    let change = json!({ "destination": destination });
    let refused = server.call_with("PATCH", &path_of(&made), &change).await.expect(400);
    let expected = "Payload validation error: 'A client certificate goes with https endpoints only' on property \
                    headwater.tls (";
    assert!(refused["message"].as_str().unwrap().starts_with(expected), "{refused}");
}

/// What a PATCH with this endpoint and without the secret is answered.
async fn moved_to(server: &Server, stream: &Value, endpoint: &str, more: &Value) -> crate::server::Reply {
    let mut destination = body(&json!({}))["destination"].take();
    destination["configuration"]["webhook_endpoint"] = json!(endpoint);
    destination["configuration"]["webhook_authorization"] = json!({"method": "bearer"});
    let authorization = destination["configuration"]["webhook_authorization"].as_object_mut().unwrap();
    authorization.extend(more.as_object().unwrap().clone());
    server.call_with("PATCH", &path_of(stream), &json!({ "destination": destination })).await
}

#[tokio::test]
async fn a_secret_is_bound_to_its_origin_where_the_operator_says_so() {
    let elsewhere =
        ["http://hooks.example.com/in", "https://hooks.example.org/in", "https://hooks.example.com:8443/in"];
    let here = ["https://hooks.example.com/elsewhere?x=1", "https://HOOKS.example.com:443/in"];
    let lenient = web::Settings { http_destinations_allowed: true, ..settings() };
    let bound = Server::start_with(web::Settings { secrets_bound_to_origin: true, ..lenient.clone() }).await;
    let stream = create(&bound, &json!({})).await;
    for endpoint in elsewhere {
        let refused = moved_to(&bound, &stream, endpoint, &json!({})).await.expect(400);
        let message = refused["message"].as_str().unwrap();
        let expected = "Payload validation error: 'Missing required property: token; this server keeps a secret for \
                        https://hooks.example.com only, and has to be given it again for http";
        assert!(message.starts_with(expected), "{message}");
    }
    for endpoint in here {
        moved_to(&bound, &stream, endpoint, &json!({})).await.expect(200);
    }
    moved_to(&bound, &stream, elsewhere[1], &json!({"token": "a-token-for-it"})).await.expect(200);
    // The contract keeps it.
    let usual = Server::start_with(lenient).await;
    let stream = create(&usual, &json!({})).await;
    for endpoint in elsewhere {
        moved_to(&usual, &stream, endpoint, &json!({})).await.expect(200);
    }
}
