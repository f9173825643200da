//! What the server tells of streams that keep failing: events, in the transaction that saves what they tell of.

use domain::catalog::EventType;
use domain::delivery::{Alert, AlertKind, AlertState, Alerts, DisableReason, Health, LastFailure};
use domain::event::Source;
use domain::place::Place;
use domain::stream::StreamStatus;
use serde_json::{Value, json};
use store::{AlertSources, Checkpoint, Log, ReadLimit, SeekMode, State, StreamProgress, TenantLog, Wanted};

use crate::backend::{Backend, House};
use crate::checkpoints::{moved, saved};
use crate::samples::{at, changed, created, stream};

fn alert(kind: AlertKind) -> Alert {
    let reason = (kind != AlertKind::Recovered).then_some(DisableReason::FailuresInRow);
    let last_failure = LastFailure { at: at(900), message: Some("it said no".to_owned()), http_status: Some(500) };
    Alert {
        kind,
        reason,
        health: Health { in_row: 260, outstanding: 300 },
        failures_in_row_max: 500,
        failures_outstanding_max: 5000,
        last_failure: Some(last_failure),
    }
}

/// A checkpoint of a stream that tells these.
fn telling(number: u64, generation: u64, state: AlertState, kinds: &[AlertKind]) -> Checkpoint {
    let mut moved: StreamProgress = moved(stream(number).id, 4, &[]);
    moved.generation = generation;
    moved.progress.alerts = Alerts { state, raised: kinds.iter().map(|kind| alert(*kind)).collect() };
    if kinds.contains(&AlertKind::Disabled) {
        moved.progress.disable = Some(DisableReason::FailuresInRow);
    }
    saved(4, vec![moved])
}

/// The bodies of what the server has told.
async fn told<B: Backend>(house: &House<'_, B>) -> Vec<Value> {
    let events = house.events().await;
    let operational = events.iter().filter(|logged| logged.event.event_type.is_operational());
    operational.map(|logged| serde_json::from_slice(&logged.event.body).unwrap()).collect()
}

const FAILING: AlertKind = AlertKind::Failing { threshold: 50 };

pub(crate) async fn what_is_told_of_a_stream_is_in_the_log_with_what_it_tells_of<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.store.alert_source_note(house.tenant, Source::new("acme", "acme.example:8443")).await.unwrap();
    let mut named = stream(1);
    named.name = Some("crm".to_owned());
    house.commit(created(&named)).await.unwrap();
    house.store.checkpoint_save(telling(1, 0, AlertState::Half, &[FAILING])).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.restored(named.id).await.alert_state, AlertState::Half);
    let events = told(&house).await;
    assert_eq!(events.len(), 1);
    let expected = json!({
        "object": {
            "id": named.id.to_string(), "name": "crm", "status": "enabled", "reason": "failures_in_row",
            "threshold_percent": 50, "failures_in_row": 260, "failures_in_row_max": 500, "failures_outstanding": 300,
            "failures_outstanding_max": 5000,
            "last_error": {"at": "2023-11-14T22:13:20.900Z", "message": "it said no", "http_status": 500},
        },
        "context": {"tenant": {"id": crate::samples::TENANT}},
    });
    assert_eq!((&events[0]["data"], &events[0]["type"]), (&expected, &json!("headwater.stream.failing")));
    assert_eq!(
        (&events[0]["source"], &events[0]["time"]),
        (&json!("urn:auth0:acme.example"), &json!("2023-11-14T22:13:21.000Z"))
    );
}

pub(crate) async fn that_a_stream_was_disabled_is_told_if_it_was<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut stream = house.stream(1).await;
    let types = async |house: &House<'_, B>| {
        let bodies = told(house).await;
        bodies.iter().map(|body| body["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    house.store.checkpoint_save(telling(1, 0, AlertState::Watched, &[FAILING, AlertKind::Disabled])).await.unwrap();
    assert_eq!(types(&house).await, ["headwater.stream.failing", "headwater.stream.disabled"]);
    let last = told(&house).await.pop().unwrap();
    assert_eq!(last["data"]["object"]["status"], "disabled");
    // Its owner has enabled it; what was decided before does not disable it, and is not told.
    stream.status = StreamStatus::Enabled;
    house.commit(changed(2, &stream)).await.unwrap();
    house.store.checkpoint_save(telling(1, 0, AlertState::Watched, &[AlertKind::Disabled])).await.unwrap();
    assert_eq!(types(&house).await.len(), 2);
    house.store.checkpoint_save(telling(1, 2, AlertState::Calm, &[AlertKind::Recovered])).await.unwrap();
    assert_eq!(types(&house).await[2..], ["headwater.stream.recovered"]);
    // Nobody is told of a stream that has gone.
    house.store.checkpoint_save(telling(9, 0, AlertState::Half, &[FAILING])).await.unwrap();
    assert_eq!(types(&house).await.len(), 3);
}

pub(crate) async fn a_stream_gets_nothing_about_itself_and_others_do<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for number in [1, 2] {
        let mut stream = stream(number);
        stream.subscriptions = EventType::OPERATIONAL.to_vec();
        house.commit(created(&stream)).await.unwrap();
    }
    house.store.checkpoint_save(telling(1, 0, AlertState::Half, &[FAILING])).await.unwrap();
    let events = house.events().await;
    assert!(!events[0].is_for(stream(1).id) && events[0].is_for(stream(2).id));
    for (number, expected) in [(1, 0), (2, 1)] {
        let (id, to) = (stream(number).id, Place::Beginning);
        let moved = house.store.stream_seek(house.tenant, id, to, SeekMode::DryRun).await.unwrap().unwrap();
        assert_eq!(moved.events, expected, "of stream {number}");
    }
    // Readers who do not ask for them by name may know nothing of them.
    let limit = ReadLimit { events: 9, bytes: 9999 };
    for (types, expected) in [(None, 0), (Some(EventType::OPERATIONAL.iter().copied().collect()), 1)] {
        let wanted = Wanted { tenant: house.tenant, types };
        let read = house.store.tenant_events(&wanted, events[0].seq, limit).await.unwrap();
        assert_eq!(read.events.len(), expected, "of {wanted:?}");
    }
    let house = house.reopen().await;
    let wanted = Wanted { tenant: house.tenant, types: None };
    let read = house.store.tenant_events(&wanted, events[0].seq, limit).await.unwrap();
    assert_eq!(read.events.len(), 0, "from the disk neither");
}
