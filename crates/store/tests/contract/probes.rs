//! Probing streams that were disabled because they kept failing.

use domain::catalog::EventType;
use domain::change::Revision;
use domain::delivery::{Cause, DisableReason, RowChange};
use domain::event::Seq;
use domain::ids::StreamId;
use domain::recovery::Recovery;
use domain::redelivery::STARTED_BY_SERVER;
use domain::stream::{EventStream, StreamStatus};
use store::{Log, ProbeStanding, ProbedStream, Probes, Redeliveries, State};

use crate::backend::{Backend, House};
use crate::checkpoints::{failed, moved, saved, with_rows};
use crate::samples::{self, at, attempt, changed, created};

/// A stream whose owner wants it probed, with three events.
async fn wanted<B: Backend>(backend: &B) -> (House<'_, B>, EventStream) {
    let house = House::open(backend).await;
    let mut stream = samples::stream(1);
    stream.options.delivery.recover = Recovery::Probe;
    house.commit(created(&stream)).await.unwrap();
    house.append(3).await;
    (house, stream)
}

/// Such a stream, disabled after these rows with these positions open.
async fn disabled<'a, B: Backend>(
    backend: &'a B,
    rows: Vec<RowChange>,
    open: &[u64],
) -> (House<'a, B>, EventStream, ProbedStream) {
    let (house, mut stream) = wanted(backend).await;
    let mut progress = moved(stream.id, 4, open);
    progress.progress.rows = rows;
    progress.progress.disable = Some(DisableReason::FailuresInRow);
    house.store.checkpoint_save(saved(4, vec![progress])).await.unwrap();
    stream.status = StreamStatus::Disabled;
    let probed = ProbedStream { stream: stream.id, revision: Revision(2) };
    (house, stream, probed)
}

async fn waiting<B: Backend>(house: &House<'_, B>, id: StreamId) -> Vec<(u64, Cause)> {
    let found = house.store.redeliveries_waiting(id, Seq::ZERO, 100).await.unwrap();
    found.into_iter().map(|each| (each.seq.0, each.cause)).collect()
}

/// Nothing is probed, and what was begun before leads to nothing.
async fn assert_not_probed<B: Backend>(house: &House<'_, B>, probed: ProbedStream) {
    assert_eq!(house.store.streams_probed().await.unwrap(), []);
    assert_eq!(house.store.probe_begin(probed, at(2000)).await.unwrap(), None);
    let before = house.state(probed.stream).await;
    assert!(!house.store.stream_recover(probed, 5000, at(2000)).await.unwrap());
    assert_eq!(house.state(probed.stream).await, before);
    assert_eq!(waiting(house, probed.stream).await, []);
}

pub(crate) async fn a_probe_is_a_job_of_one_failed_delivery_and_its_success_enables_the_stream<B: Backend>(
    backend: &B,
) {
    let (house, stream, probed) = disabled(backend, (1..=3).map(failed).collect(), &[]).await;
    let id = stream.id;
    house.append(4).await;
    assert_eq!(house.store.streams_probed().await.unwrap(), [probed]);
    let first = house.store.probe_begin(probed, at(1100)).await.unwrap().unwrap();
    assert_eq!(waiting(&house, id).await, [(3, Cause::Failed)]);
    let job = house.store.job_get(house.tenant, id, first).await.unwrap().unwrap();
    assert_eq!((job.start.started_by.as_str(), job.total), (STARTED_BY_SERVER, Some(1)));
    let house = house.reopen().await;
    assert_eq!(house.store.probe_begin(probed, at(1200)).await.unwrap(), Some(first), "one at a time");
    assert_eq!(house.store.probe_standing(first).await.unwrap(), ProbeStanding::UnderWay);
    let again = RowChange::FailedAgain { seq: Seq(3), attempts: vec![attempt(1200)], redelivery: true };
    house.store.checkpoint_save(saved(4, vec![with_rows(id, 4, vec![again])])).await.unwrap();
    assert_eq!(house.store.probe_standing(first).await.unwrap(), ProbeStanding::NotDelivered);
    assert_eq!(house.store.failure_count(house.tenant, id).await.unwrap(), 3);
    let second = house.store.probe_begin(probed, at(1300)).await.unwrap().unwrap();
    assert_ne!(second, first);
    let taken = RowChange::Recovered { seq: Seq(3) };
    house.store.checkpoint_save(saved(4, vec![with_rows(id, 4, vec![taken])])).await.unwrap();
    assert_eq!(house.store.probe_standing(second).await.unwrap(), ProbeStanding::Delivered);

    assert!(!house.store.stream_recover(probed, 2, at(1400)).await.unwrap(), "two are outstanding");
    assert_eq!(house.state(id).await.stream.status, StreamStatus::Disabled);
    let mut heads = house.store.heads();
    heads.mark_unchanged();
    assert!(house.store.stream_recover(probed, 3, at(1500)).await.unwrap());
    assert!(heads.has_changed().unwrap(), "delivery hears of it");
    let state = house.state(id).await;
    let expected = EventStream { status: StreamStatus::Enabled, updated_at: at(1500), ..stream };
    assert_eq!((&state.stream, state.generation), (&expected, 2));
    assert!(state.spans.matches(Seq(4), EventType::UserCreated), "it gets what it has missed");
    assert_eq!(house.restored(id).await.position.frontier, Seq(4));
    assert_not_probed(&house, probed).await;
}

pub(crate) async fn a_stream_is_probed_only_as_long_as_it_is_disabled_for_failures_and_its_owner_wants_that<
    B: Backend,
>(
    backend: &B,
) {
    let (house, mut stream) = wanted(backend).await;
    let id = stream.id;
    let at_revision = |revision| ProbedStream { stream: id, revision: Revision(revision) };
    let rows = (1..=3).map(failed).collect();
    house.store.checkpoint_save(saved(4, vec![with_rows(id, 4, rows)])).await.unwrap();
    assert_not_probed(&house, at_revision(1)).await;
    // Its owner disables it, and enables it again.
    stream.status = StreamStatus::Disabled;
    house.commit(changed(1, &stream)).await.unwrap();
    assert_not_probed(&house, at_revision(2)).await;
    stream.status = StreamStatus::Enabled;
    house.commit(changed(2, &stream)).await.unwrap();
    // The server disables it.
    let mut progress = moved(id, 4, &[]);
    progress.generation = 2;
    progress.progress.disable = Some(DisableReason::FailuresInRow);
    house.store.checkpoint_save(saved(4, vec![progress])).await.unwrap();
    assert_eq!(house.store.streams_probed().await.unwrap(), [at_revision(4)]);
    // With other settings it is probed anew; what was begun before counts no more.
    stream.status = StreamStatus::Disabled;
    stream.name = Some("crm".to_owned());
    house.commit(changed(4, &stream)).await.unwrap();
    assert_eq!(house.store.streams_probed().await.unwrap(), [at_revision(5)]);
    assert_eq!(house.store.probe_begin(at_revision(4), at(2000)).await.unwrap(), None);
    assert!(!house.store.stream_recover(at_revision(4), 5000, at(2000)).await.unwrap());
    stream.options.delivery.recover = Recovery::Manual;
    house.commit(changed(5, &stream)).await.unwrap();
    assert_not_probed(&house, at_revision(6)).await;
}

pub(crate) async fn where_nothing_has_failed_what_is_open_or_was_missed_is_tried<B: Backend>(backend: &B) {
    let (house, stream, probed) = disabled(backend, Vec::new(), &[2]).await;
    let job = house.store.probe_begin(probed, at(1100)).await.unwrap().unwrap();
    assert_eq!(waiting(&house, stream.id).await, [(2, Cause::OutOfTurn)]);
    // It fails, so that from now on there is a failed delivery to try with; the second time it is taken.
    let rows = vec![RowChange::TurnEnded { seq: Seq(2), delivered: false }, failed(2)];
    let checkpoint = |rows| saved(4, vec![with_rows(stream.id, 4, rows)]);
    house.store.checkpoint_save(checkpoint(rows)).await.unwrap();
    assert_eq!(house.store.probe_standing(job).await.unwrap(), ProbeStanding::NotDelivered);
    house.store.probe_begin(probed, at(1200)).await.unwrap().unwrap();
    assert_eq!(waiting(&house, stream.id).await, [(2, Cause::Failed)]);
    house.store.checkpoint_save(checkpoint(vec![RowChange::Recovered { seq: Seq(2) }])).await.unwrap();
    assert_eq!(house.store.probe_begin(probed, at(1300)).await.unwrap(), None, "there is nothing to try with");
    house.append(20).await;
    let types = stream.event_types();
    let missed =
        house.events().await.into_iter().find(|each| each.seq >= Seq(4) && types.contains(each.event.event_type));
    let missed = missed.unwrap().seq;
    let job = house.store.probe_begin(probed, at(1400)).await.unwrap().unwrap();
    assert_eq!(waiting(&house, stream.id).await, [(missed.0, Cause::OutOfTurn)]);
    let taken = RowChange::TurnEnded { seq: missed, delivered: true };
    house.store.checkpoint_save(checkpoint(vec![taken])).await.unwrap();
    assert_eq!(house.store.probe_standing(job).await.unwrap(), ProbeStanding::Delivered);
    assert!(house.store.stream_recover(probed, 5000, at(1500)).await.unwrap());
    assert!(house.state(stream.id).await.spans.matches(missed, EventType::UserCreated));
}
