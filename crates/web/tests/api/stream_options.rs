//! How a stream's events are delivered: the options in the member `headwater`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::StreamId;
use domain::secret::Secret;
use domain::signing::Signing;
use domain::stream::EventStream;
use serde_json::{Value, json};
use store::State;

use crate::server::Server;

const STREAMS: &str = "/api/v2/event-streams";

fn body(headwater: Value) -> Value {
    json!({
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "custom_header", "header_key": "X-Key", "header_value": "v"}}},
        "headwater": headwater,
    })
}

async fn create(server: &Server, headwater: Value) -> Value {
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

/// The texts that a stored stream signs with.
async fn signing_secrets(server: &Server, stream: &Value) -> Vec<String> {
    let text = |secret: &Secret| secret.expose().to_owned();
    match stored(server, stream).await.options.delivery.signing {
        None => Vec::new(),
        Some(Signing::HmacSha256(secrets)) => secrets.iter().map(|each| text(each.text())).collect(),
        Some(Signing::Ed25519(keys)) => keys.iter().map(|each| text(each.text())).collect(),
    }
}

fn symmetric(byte: u8) -> String {
    format!("whsec_{}", STANDARD.encode([byte; 24]))
}

fn all() -> Value {
    json!({
        "ordering": "none", "timeout_s": 5, "retry": {"delays_s": [1, 10, 60]}, "in_flight_max": 3, "rate_per_s": 10,
        "headers": {"X-Team": "crm"},
        "filter": "event.type.startsWith('user.')", "transform": "{'id': event.id}",
        "recover": "probe",
    })
}

#[tokio::test]
async fn options_are_answered_as_they_were_given() {
    let server = Server::start().await;
    let made = create(&server, all()).await;
    assert_eq!(made["headwater"], all());
    assert_eq!(server.call("GET", &path_of(&made)).await.expect(200), made);
    assert_eq!(create(&server, json!({"retry": "patient"})).await["headwater"], json!({"retry": "patient"}));
    for default in [
        json!({"retry": "contract"}),
        json!({"headers": {}}),
        json!({"signing": null, "timeout_s": null}),
        json!({"recover": "manual"}),
    ] {
        assert_eq!(create(&server, default).await.get("headwater"), None);
    }
}

#[tokio::test]
async fn a_change_replaces_what_is_given_and_null_is_the_default() {
    let server = Server::start().await;
    let made = create(&server, all()).await;
    let changed = patch(&server, &made, json!({"retry": "patient", "headers": {"x-b": "2"}, "rate_per_s": null})).await;
    let mut expected = all();
    expected["retry"] = json!("patient");
    expected["headers"] = json!({"x-b": "2"});
    expected.as_object_mut().unwrap().remove("rate_per_s");
    assert_eq!(changed["headwater"], expected);
    // What is not named stays, whatever else is changed.
    let renamed = server.call_with("PATCH", &path_of(&made), &json!({"name": "crm"})).await.expect(200);
    assert_eq!(renamed["headwater"], expected);
    let nothing = json!({
        "ordering": null, "timeout_s": null, "retry": null, "in_flight_max": null, "rate_per_s": null, "headers": null,
        "signing": null, "filter": null, "transform": null, "recover": null,
    });
    assert_eq!(patch(&server, &made, nothing).await.get("headwater"), None);
}

#[tokio::test]
async fn a_fault_of_an_option_names_its_path() {
    let server = Server::start().await;
    let short = format!("whsec_{}", STANDARD.encode([1; 23]));
    let long: Vec<u32> = vec![1; 21];
    for (headwater, reason, place) in [
        (json!({"timeout_s": 0}), "Value 0 is less than minimum 1", "timeout_s"),
        (json!({"timeout_s": 61}), "Value 61 is greater than maximum 60", "timeout_s"),
        (json!({"timeout_s": 1.5}), "Expected type integer but found type number", "timeout_s"),
        (json!({"retry": "never"}), "No enum match for: never", "retry"),
        (json!({"retry": 5}), "Expected type object but found type integer", "retry"),
        (json!({"retry": {}}), "Missing required property: delays_s", "retry.delays_s"),
        (json!({"retry": {"delays_s": [1, 10, 0]}}), "Value 0 is less than minimum 1", "retry.delays_s[2]"),
        (json!({"retry": {"delays_s": [1, "2"]}}), "Expected type integer but found type string", "retry.delays_s[1]"),
        (json!({"retry": {"delays_s": long}}), "Array is too long (21), maximum 20", "retry.delays_s"),
        (
            json!({"retry": {"delays_s": [259_200, 1]}}),
            "The delays take 259201 seconds together, maximum 259200",
            "retry.delays_s",
        ),
        (json!({"retry": {"delays_s": [], "x": 1}}), "Additional properties not allowed: x", "retry.x"),
        (json!({"recover": "always"}), "No enum match for: always", "recover"),
        (json!({"in_flight_max": 0}), "Value 0 is less than minimum 1", "in_flight_max"),
        (json!({"rate_per_s": 10_001}), "Value 10001 is greater than maximum 10000", "rate_per_s"),
        (json!({"headers": {"Host": "x"}}), "The header is set by the server", "headers.Host"),
        (json!({"headers": {"webhook-id": "x"}}), "The header is set by the server", "headers.webhook-id"),
        (json!({"headers": {"x-a": 1}}), "Expected type string", "headers.x-a"),
        (
            json!({"headers": {"x-a": "a\r\nb: c"}}),
            "A header value has at most 1024 printable ASCII characters, and no space at its ends",
            "headers.x-a",
        ),
        (
            json!({"headers": {"authorization": "Bearer x"}}),
            "Credentials are given in webhook_authorization, where they stay secret",
            "headers.authorization",
        ),
        (
            json!({"headers": {"x-key": "v"}}),
            "The header that webhook_authorization sets cannot be given here too",
            "headers",
        ),
        (json!({"signing": {}}), "Missing required property: algorithm", "signing.algorithm"),
        (json!({"signing": {"algorithm": "rsa"}}), "No enum match for: rsa", "signing.algorithm"),
        (
            json!({"signing": {"algorithm": "hmac-sha256", "secrets": []}}),
            "Array is too short (0), minimum 1; leave it out to have one made",
            "signing.secrets",
        ),
        (
            json!({"signing": {"algorithm": "hmac-sha256", "secrets": [symmetric(1), short]}}),
            "A secret is whsec_ and the base64 of 24 to 64 bytes",
            "signing.secrets[1]",
        ),
        (
            json!({"signing": {"algorithm": "ed25519", "secrets": [symmetric(1)]}}),
            "A private key is whsk_ and the base64 of a seed of 32 bytes, which its public key of 32 bytes may follow",
            "signing.secrets[0]",
        ),
    ] {
        let refused = server.call_with("POST", STREAMS, &body(headwater.clone())).await.expect(400);
        let message = refused["message"].as_str().unwrap();
        let expected = format!("Payload validation error: '{reason}' on property headwater.{place} (");
        assert!(message.starts_with(&expected), "{headwater}: {message}\nexpected {expected}");
        assert!(!message.contains(&short), "{message}");
    }
}

#[tokio::test]
async fn what_does_not_go_with_the_destination_is_refused_from_both_sides() {
    let server = Server::start().await;
    let made = create(&server, json!({"headers": {"X-Team": "crm"}, "signing": {"algorithm": "hmac-sha256"}})).await;
    for (key, place) in [("x-team", "headwater.headers"), ("Webhook-Id", "headwater.signing")] {
        let mut changed = body(json!({}))["destination"].take();
        changed["configuration"]["webhook_authorization"]["header_key"] = key.into();
        let change = json!({ "destination": changed });
        let refused = server.call_with("PATCH", &path_of(&made), &change).await.expect(400);
        assert!(refused["message"].as_str().unwrap().contains(&format!("on property {place} (")), "{refused}");
    }
}

#[tokio::test]
async fn a_secret_that_the_server_makes_is_shown_once() {
    let server = Server::start().await;
    for (algorithm, prefix) in [("hmac-sha256", "whsec_"), ("ed25519", "whsk_")] {
        let made = create(&server, json!({"signing": {"algorithm": algorithm}})).await;
        let shown = made["headwater"]["signing"]["secrets"][0].as_str().unwrap().to_owned();
        assert!(shown.starts_with(prefix), "{shown}");
        assert_eq!(signing_secrets(&server, &made).await, std::slice::from_ref(&shown));
        let path = path_of(&made);
        let again = json!({"headwater": {"signing": made["headwater"]["signing"].clone()}});
        let mut without = again.clone();
        without["headwater"]["signing"].as_object_mut().unwrap().remove("secrets");
        let answers = [
            server.call("GET", &path).await.expect(200),
            server.call("GET", STREAMS).await.expect(200),
            server.call_with("PATCH", &path, &again).await.expect(200),
            server.call_with("PATCH", &path, &without).await.expect(200),
            patch(&server, &made, json!({"timeout_s": 3})).await,
        ];
        for answer in answers {
            assert!(!answer.to_string().contains(prefix), "{answer}");
        }
        // Giving back what was answered, and leaving the secrets out, keeps them.
        assert_eq!(signing_secrets(&server, &made).await, std::slice::from_ref(&shown));
        let other = if algorithm == "ed25519" { "hmac-sha256" } else { "ed25519" };
        let changed = patch(&server, &made, json!({"signing": {"algorithm": other}})).await;
        let new = changed["headwater"]["signing"]["secrets"][0].as_str().unwrap().to_owned();
        assert_eq!(signing_secrets(&server, &made).await, std::slice::from_ref(&new));
        assert_ne!(new, shown);
    }
}

#[tokio::test]
async fn several_secrets_are_kept_in_order_and_public_keys_are_answered() {
    let server = Server::start().await;
    let secrets = json!([symmetric(2), symmetric(1)]);
    let made = create(&server, json!({"signing": {"algorithm": "hmac-sha256", "secrets": secrets}})).await;
    assert_eq!(made["headwater"], json!({"signing": {"algorithm": "hmac-sha256"}}));
    assert_eq!(json!(signing_secrets(&server, &made).await), secrets);
    // The first test of RFC 8032, 7.1.
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    let seed = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let public = STANDARD.encode(bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
    let secret = format!("whsk_{}", STANDARD.encode(&seed));
    let changed = patch(&server, &made, json!({"signing": {"algorithm": "ed25519", "secrets": [secret]}})).await;
    let answered = json!({"algorithm": "ed25519", "public_keys": [format!("whpk_{public}")]});
    assert_eq!(changed["headwater"]["signing"], answered);
    assert_eq!(server.call("GET", &path_of(&made)).await.expect(200)["headwater"]["signing"], answered);
}

#[tokio::test]
async fn what_was_exported_can_be_imported() {
    let server = Server::start().await;
    let mut options = all();
    options["signing"] = json!({"algorithm": "ed25519"});
    let made = create(&server, options).await;
    let before = stored(&server, &made).await;
    let mut exported = server.call("GET", &path_of(&made)).await.expect(200);
    for computed in ["id", "created_at", "updated_at"] {
        exported.as_object_mut().unwrap().remove(computed);
    }
    let imported = server.call_with("PATCH", &path_of(&made), &exported).await.expect(200);
    assert_eq!(imported["headwater"], exported["headwater"]);
    assert_eq!(stored(&server, &made).await, before, "nothing was lost, and nothing has changed");
    // On another server it is a new stream, with a key of its own.
    exported["destination"]["configuration"]["webhook_authorization"]["header_value"] = "v".into();
    let new = server.call_with("POST", STREAMS, &exported).await.expect(201);
    assert_eq!(new["headwater"]["signing"]["secrets"].as_array().unwrap().len(), 1);
}
