//! Secrets come back whole and are not shown.

use domain::account::Client;
use domain::action::Action;
use domain::change::{Expect, ResourceServerWrite, Write};
use domain::connection::Connection;
use domain::destination::{Authorization, Destination};
use domain::ids::ResourceServerId;
use domain::resource_server::{ResourceServer, SigningAlgorithm};
use domain::secret::Secret;
use domain::signing::{Ed25519Key, HmacSecret, Signing};
use domain::stream::EventStream;
use store::{Connections, Log, Page, ResourceServers, Retire, SigningKey, State, StreamsVersion, TenantKeys};

use crate::actions::action;
use crate::backend::{Backend, House};
use crate::samples::{at, changed, client, created, enterprise_connection, stream};

/// What must be found nowhere but in the values themselves.
pub(crate) const MARK: &str = "s3cr3t-and-long-enough-not-to-occur-by-chance";

/// The same of a secret to sign with, which is base64.
pub(crate) const SIGNING_MARK: &str = "s1gnS3cr3tLongEnoughNotByChance0";

/// Signs with a symmetric secret, or with a private key; both have the mark.
fn signing(number: u64) -> Signing {
    if number == 1 {
        let secrets = [SIGNING_MARK.to_owned(), format!("{SIGNING_MARK}AAAA")];
        return Signing::HmacSha256(
            secrets.iter().map(|text| HmacSecret::parse(&format!("whsec_{text}")).unwrap()).collect(),
        );
    }
    let text = format!("whsk_{SIGNING_MARK}{}=", "A".repeat(11));
    Signing::Ed25519(vec![Ed25519Key::parse(&text, |seed| seed.map(|byte| byte ^ 0xff)).unwrap()])
}

fn secret(what: &str) -> Secret {
    Secret::new(format!("{MARK}-{what}"))
}

/// A stream for each way to prove where a request comes from, each with a secret.
pub(crate) fn streams_with_secrets() -> Vec<EventStream> {
    let authorizations = [
        Authorization::Bearer { token: secret("token") },
        Authorization::Basic { username: "ada".to_owned(), password: secret("password") },
        Authorization::CustomHeader { header_key: "x-key".to_owned(), header_value: secret("value") },
    ];
    let with = |(number, authorization): (u64, Authorization)| {
        let mut stream = stream(number);
        let Destination::Webhook(webhook) = &mut stream.destination else { panic!("a webhook") };
        webhook.authorization = authorization;
        stream.options.delivery.signing = (number < 3).then(|| signing(number));
        stream
    };
    (1..).zip(authorizations).map(with).collect()
}

pub(crate) fn signing_key() -> SigningKey {
    SigningKey { key_id: "k1".to_owned(), private_key: secret("key"), created_at: at(0), retires_at: None }
}

pub(crate) fn connection_with_secret() -> Connection {
    enterprise_connection(1, "corp", secret("client-secret").expose())
}

/// An application with its secret.
pub(crate) fn client_with_secret() -> Client {
    let mut client = client(1);
    client.secret.kept = Some(secret("of-an-application"));
    client
}

/// An API whose tokens are signed with a secret that it shares.
fn resource_server_with_secret() -> ResourceServer {
    let id = ResourceServerId::from_text("r1");
    let server = ResourceServer::new(id, "https://api.example".to_owned(), 86_400);
    ResourceServer { signing_alg: SigningAlgorithm::Hs256, signing_secret: Some(secret("shared")), ..server }
}

/// An action with a secret.
fn action_with_secret() -> Action {
    let mut action = action(1);
    action.draft.secrets[0].value = secret("of-an-action");
    action
}

/// That everything that [`fill`] put into a store is read as it was.
pub(crate) async fn check_filled<B: Backend>(house: &House<'_, B>) {
    assert_eq!(house.store.stream_page(house.tenant, None, 3).await.unwrap(), streams_with_secrets());
    let keys = house.store.signing_keys(house.tenant).await.unwrap();
    assert_eq!(keys[0].private_key, signing_key().private_key);
    let connection = house.store.connection_by_name(house.tenant, "corp").await.unwrap().unwrap();
    assert_eq!(connection.value, connection_with_secret());
    let client = house.store.client_get(house.tenant, &client_with_secret().id).await.unwrap().unwrap();
    assert_eq!(client.value, client_with_secret());
    let server = house.store.resource_server_get(house.tenant, "r1").await.unwrap().unwrap();
    assert_eq!(server.value, resource_server_with_secret());
    let action = house.action(&action_with_secret()).await.value;
    assert!(action.all_changes_deployed());
    assert_eq!(action.draft, action_with_secret().draft);
}

/// Puts every kind of secret into a store, and changes one of them.
pub(crate) async fn fill<B: Backend>(house: &House<'_, B>) {
    for stream in streams_with_secrets() {
        house.commit(created(&stream)).await.unwrap();
    }
    house.commit(changed(1, &streams_with_secrets()[0])).await.unwrap();
    house.store.signing_key_add(house.tenant, signing_key(), Retire::WhenExpired).await.unwrap();
    house.commit(Write::ConnectionPut(Expect::Absent, connection_with_secret())).await.unwrap();
    house.commit(Write::ClientPut(Expect::Absent, client_with_secret())).await.unwrap();
    let server = ResourceServerWrite::Put(Expect::Absent, Box::new(resource_server_with_secret()));
    house.commit(Write::ResourceServer(server)).await.unwrap();
    house.create_action(&action_with_secret()).await;
    house.deploy(&action_with_secret()).await;
}

pub(crate) async fn secrets_come_back_and_are_not_shown<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    fill(&house).await;
    let house = house.reopen().await;
    let streams = house.store.stream_page(house.tenant, None, 9).await.unwrap();
    assert_eq!(streams, streams_with_secrets());
    check_filled(&house).await;
    let keys = house.store.signing_keys(house.tenant).await.unwrap();
    let connection = house.store.connection_by_name(house.tenant, "corp").await.unwrap().unwrap();
    let changed = house.store.streams_changed(StreamsVersion::default()).await.unwrap();
    assert_eq!(changed.changed.len(), 3);
    let shown = [
        format!("{streams:?}"),
        format!("{keys:?}"),
        format!("{connection:?}"),
        format!("{:?}", house.store.client_page(house.tenant, Page { offset: 0, limit: 9 }).await.unwrap()),
        format!("{:?}", Write::ClientPut(Expect::Absent, client_with_secret())),
        format!("{changed:?}"),
        format!("{:?}", created(&streams[0])),
        format!("{:?}", crate::backend::keyring()),
    ];
    for text in shown {
        assert!(!text.contains(MARK) && !text.contains(SIGNING_MARK), "{text}");
    }
    assert!(!format!("{:?}", client(1)).contains(client(1).secret.hash.as_str()));
}
