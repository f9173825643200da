//! Streams: their settings, the history of their subscriptions, and how delivery hears of them.

use domain::catalog::EventType;
use domain::certificate::{Certificates, PrivateKey};
use domain::change::{Revision, Write};
use domain::delivery::{AlertState, Health, Ordering, Position};
use domain::delivery_settings::{Delays, DeliverySettings, Retry, StaticHeaders};
use domain::destination::{
    ActionDestination, AwsAccountId, AwsRegion, Destination, Endpoint, EventBridge, PartnerEventSource,
};
use domain::encryption::{Encryption, EncryptionKey};
use domain::event::Seq;
use domain::expression::{Filter, Transform};
use domain::proxy::Proxy;
use domain::recovery::Recovery;
use domain::stream::{StreamOptions, StreamStatus};
use domain::subscription::Interest;
use domain::transport::{ClientIdentity, Tls, Transport};
use store::{Conflict, Log, RestoredStream, State, StoreError, StreamsVersion};

use crate::actions::action;
use crate::backend::{Backend, House};
use crate::checkpoints::{moved, saved};
use crate::samples::{at, changed, created, stream};

pub(crate) async fn a_stream_is_kept_whole<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut nameless = stream(2);
    nameless.name = None;
    let mut another = stream(3);
    (another.name, another.status) = (None, StreamStatus::Disabled);
    let (mut bridged, mut acting) = (stream(4), stream(5));
    bridged.destination = Destination::EventBridge(EventBridge {
        account: AwsAccountId::parse("123456789012").unwrap(),
        region: AwsRegion::from_name("eu-west-1").unwrap(),
        partner_event_source: PartnerEventSource::from_stored("aws.partner/auth0.com/acme-1/auth0.events"),
    });
    acting.destination = Destination::Action(ActionDestination { action_id: action(1).id });
    house.create_action(&action(1)).await;
    house.deploy(&action(1)).await;
    for stream in [&stream(1), &nameless, &another, &bridged, &acting] {
        house.commit(created(stream)).await.unwrap();
    }
    let mut later = stream(1);
    later.name = Some("renamed".to_owned());
    later.subscriptions = vec![EventType::GroupDeleted, EventType::UserCreated];
    later.updated_at = at(50);
    house.commit(changed(1, &later)).await.unwrap();
    let house = house.reopen().await;
    for (revision, stream) in [(2, later), (1, nameless), (1, another), (1, bridged), (1, acting)] {
        let read = house.store.stream_get(house.tenant, stream.id).await.unwrap().unwrap();
        assert_eq!((read.revision, &read.value), (Revision(revision), &stream));
        assert_eq!(house.state(stream.id).await.stream, stream);
    }
    assert_eq!(house.store.stream_get(house.tenant, stream(9).id).await.unwrap(), None);
}

/// Options of which none is at its default; secrets are in `secrets.rs`.
fn options() -> StreamOptions {
    let count = |number| std::num::NonZeroU32::new(number);
    let headers = [("X-Team".to_owned(), "crm".to_owned())];
    StreamOptions {
        ordering: Ordering::Strict,
        delivery: DeliverySettings {
            timeout: Some(std::time::Duration::from_secs(5)),
            retry: Retry::Delays(Delays::new(vec![1, 60, 3600]).unwrap()),
            in_flight_max: count(3),
            rate_per_s: count(10),
            headers: StaticHeaders::new(headers.into()).unwrap(),
            signing: None,
            filter: Some(Filter::parse("event.type != 'user.deleted'").unwrap()),
            transform: Some(Transform::parse("{'id': event.id}").unwrap()),
            transport: Transport {
                tls: Tls {
                    client: Some(ClientIdentity {
                        certificate: Certificates::parse(CERTIFICATE).unwrap(),
                        key: PrivateKey::parse(KEY).unwrap(),
                    }),
                    ca: Some(Certificates::parse(CERTIFICATE).unwrap()),
                },
                http2: true,
                proxy: Some(Proxy::parse("http://jane:s3cret@proxy.example:3128", None).unwrap()),
            },
            encryption: Some(Encryption::KeySet {
                url: Endpoint::parse("https://keys.example/jwks", false).unwrap(),
                kid: Some("one".to_owned()),
            }),
            recover: Recovery::Probe,
        },
    }
}

const CERTIFICATE: &str = include_str!("../../../domain/src/certificate/example.pem");
/// As far as the store is concerned, it is one.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

fn given_key() -> Encryption {
    let jwk = r#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","kid":"two"}"#;
    Encryption::Key(Box::new(EncryptionKey::from_jwk(&serde_json::from_str(jwk).unwrap()).unwrap()))
}

pub(crate) async fn options_are_kept_whole_and_go_back_to_their_defaults<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut stream = stream(1);
    stream.options = options();
    house.commit(created(&stream)).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.state(stream.id).await.stream, stream);
    for (revision, retry) in [(1, Retry::Patient), (2, Retry::Delays(Delays::new(Vec::new()).unwrap()))] {
        stream.options = StreamOptions::default();
        stream.options.delivery.retry = retry;
        stream.options.delivery.transport.proxy = Some(Proxy::parse("http://proxy.example:3128", None).unwrap());
        stream.options.delivery.encryption = Some(given_key());
        house.commit(changed(revision, &stream)).await.unwrap();
        assert_eq!(house.state(stream.id).await.stream, stream);
    }
}

pub(crate) async fn a_page_starts_after_a_stream_even_a_deleted_one<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for number in 1..=5 {
        house.stream(number).await;
    }
    house.commit(Write::StreamDelete(Revision(1), stream(3).id)).await.unwrap();
    let page = async |after: Option<u64>, take| {
        let after = after.map(|number| stream(number).id);
        house.store.stream_page(house.tenant, after, take).await.unwrap()
    };
    assert_eq!(page(None, 2).await, [stream(1), stream(2)]);
    assert_eq!(page(Some(2), 9).await, [stream(4), stream(5)]);
    assert_eq!(page(Some(3), 1).await, [stream(4)]);
    assert_eq!(page(Some(5), 9).await, []);
}

pub(crate) async fn a_name_is_taken_once<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.stream(1).await;
    house.stream(2).await;
    let mut renamed = stream(2);
    renamed.name = stream(1).name;
    let taken = house.commit(changed(1, &renamed)).await;
    assert!(matches!(taken, Err(StoreError::Conflict(Conflict::StreamName))), "{taken:?}");
    let kept = house.store.stream_get(house.tenant, stream(2).id).await.unwrap().unwrap();
    assert_eq!((kept.revision, kept.value), (Revision(1), stream(2)));
    house.commit(Write::StreamDelete(Revision(1), stream(1).id)).await.unwrap();
    house.commit(changed(1, &renamed)).await.unwrap();
    assert!(matches!(house.commit(changed(1, &renamed)).await, Err(StoreError::Stale)));
}

pub(crate) async fn delivery_hears_of_changed_and_removed_streams<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut version = StreamsVersion::default();
    let mut hear = async || {
        let heard = house.store.streams_changed(version).await.unwrap();
        assert!(heard.version >= version, "a version never goes back");
        assert_eq!(heard.version, house.store.heads().borrow().streams, "and is the one that readers are woken with");
        version = heard.version;
        let changed: Vec<_> = heard.changed.iter().map(|state| state.stream.id).collect();
        (changed, heard.removed)
    };
    let id = |number| stream(number).id;
    assert_eq!(hear().await, (vec![], vec![]));
    house.stream(1).await;
    house.stream(2).await;
    assert_eq!(hear().await, (vec![id(1), id(2)], vec![]));
    assert_eq!(hear().await, (vec![], vec![]));
    let mut quiet = stream(1);
    quiet.status = StreamStatus::Disabled;
    house.commit(changed(1, &quiet)).await.unwrap();
    assert_eq!(hear().await, (vec![id(1)], vec![]));
    // The one that was changed last goes: its version must not be given again.
    house.commit(Write::StreamDelete(Revision(2), id(1))).await.unwrap();
    assert_eq!(hear().await, (vec![], vec![id(1)]));
    house.stream(3).await;
    house.commit(Write::StreamDelete(Revision(1), id(3))).await.unwrap();
    assert_eq!(hear().await, (vec![], vec![id(3)]));
    assert_eq!(hear().await, (vec![], vec![]));
    house.stream(4).await;
    assert_eq!(hear().await, (vec![id(4)], vec![]));
    let house = house.reopen().await;
    let all = house.store.streams_changed(StreamsVersion::default()).await.unwrap();
    assert_eq!(all.changed.iter().map(|state| state.stream.id).collect::<Vec<_>>(), [id(2), id(4)]);
    assert_eq!(all.version, house.store.heads().borrow().streams);
}

pub(crate) async fn a_new_stream_starts_at_the_end_of_the_log<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.append(4).await;
    let stream = house.stream(1).await;
    house.append(2).await;
    let house = house.reopen().await;
    let expected = RestoredStream {
        position: Position::at(Seq(5)),
        health: Health::default(),
        alert_state: AlertState::default(),
        failed: Vec::new(),
        parked: Vec::new(),
        seeks: 0,
    };
    assert_eq!(house.restored(stream.id).await, expected);
    let state = house.state(stream.id).await;
    assert_eq!((state.tenant, state.generation), (house.tenant, 0));
    assert!(!state.spans.matches(Seq(4), EventType::UserCreated));
    assert!(state.spans.matches(Seq(5), EventType::UserCreated));
    assert!(!state.spans.matches(Seq(5), EventType::UserUpdated));
}

pub(crate) async fn subscriptions_have_a_history<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut stream = house.stream(1).await;
    house.append(3).await;
    // Disabled from 4 on, enabled again from 6 on, with another subscription from 8 on.
    stream.status = StreamStatus::Disabled;
    house.commit(changed(1, &stream)).await.unwrap();
    assert_eq!(house.state(stream.id).await.generation, 1);
    assert_eq!(house.state(stream.id).await.spans.current(), Interest::Missed);
    house.append(2).await;
    stream.status = StreamStatus::Enabled;
    house.commit(changed(2, &stream)).await.unwrap();
    assert_eq!(house.state(stream.id).await.generation, 2);
    house.append(2).await;
    stream.subscriptions = vec![EventType::UserUpdated];
    house.commit(changed(3, &stream)).await.unwrap();

    let house = house.reopen().await;
    let state = house.state(stream.id).await;
    assert_eq!(state.generation, 2, "a new subscription neither enables nor disables");
    let wanted = |event_type| (1..=9).filter(|seq| state.spans.matches(Seq(*seq), event_type)).collect::<Vec<_>>();
    assert_eq!(wanted(EventType::UserCreated), [1, 2, 3, 6, 7]);
    assert_eq!(wanted(EventType::UserUpdated), [8, 9]);
    assert_eq!(state.spans.missed().collect::<Vec<_>>(), [(Seq(4), Some(Seq(6)))]);
    // What the stream has passed is forgotten at its next change, but not what it has missed.
    house.store.checkpoint_save(saved(8, vec![moved(stream.id, 8, &[])])).await.unwrap();
    stream.subscriptions = vec![EventType::UserDeleted];
    house.commit(changed(4, &stream)).await.unwrap();
    let spans = house.state(stream.id).await.spans;
    assert_eq!(spans.missed().collect::<Vec<_>>(), [(Seq(4), Some(Seq(6)))]);
    assert!(!spans.matches(Seq(3), EventType::UserCreated));
    assert!(spans.matches(Seq(8), EventType::UserDeleted));
}

pub(crate) async fn a_tenant_has_no_more_streams_than_it_may<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let limited = |number: u64| {
        let mut change = created(&stream(number));
        change.writes.insert(0, Write::StreamsBelow(3));
        change
    };
    // All at once: none slips through between counting and creating.
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=10 {
        let (store, tenant, change) = (std::sync::Arc::clone(&house.store), house.tenant, limited(number));
        tasks.spawn(async move { store.change_commit(tenant, change).await });
    }
    let answers = crate::backend::bounded(tasks.join_all()).await;
    let full = answers.iter().filter(|answer| matches!(answer, Err(StoreError::Conflict(Conflict::StreamsFull))));
    assert_eq!((answers.iter().filter(|answer| answer.is_ok()).count(), full.count()), (3, 7), "{answers:?}");
    // Those of one tenant are no other's.
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    house.store.change_commit(other, limited(11)).await.unwrap();
}
