//! Checkpoints: where streams stand, and the rows that their positions have passed.

use domain::change::{Revision, Write};
use domain::delivery::{Alerts, Cycles, DisableReason, Health, Parked, Position, Progress, RowChange};
use domain::event::Seq;
use domain::ids::StreamId;
use domain::redelivery::DeliveryFilter;
use domain::stream::StreamStatus;
use store::{Checkpoint, Log, Redeliveries, State, StreamProgress};

use crate::backend::{Backend, House};
use crate::samples::{at, attempt, changed, start, stream};

/// A stream that stands at `frontier`, with these positions open, behind the head.
pub(crate) fn moved(stream: StreamId, frontier: u64, open: &[u64]) -> StreamProgress {
    let position = Position { frontier: Seq(frontier), open: open.iter().copied().map(Seq).collect() };
    let progress = Progress {
        position,
        health: Health::default(),
        rows: Vec::new(),
        cycles: Cycles::default(),
        disable: None,
        alerts: Alerts::default(),
    };
    StreamProgress { stream, generation: 0, seeks: 0, at_head: false, progress, queue: None }
}

/// A stream that stands at `frontier` and reports these rows.
pub(crate) fn with_rows(stream: StreamId, frontier: u64, rows: Vec<RowChange>) -> StreamProgress {
    let mut moved = moved(stream, frontier, &[]);
    moved.progress.rows = rows;
    moved
}

pub(crate) fn saved(head: u64, streams: Vec<StreamProgress>) -> Checkpoint {
    Checkpoint { at: at(1000), head: Seq(head), streams, logged: Vec::new() }
}

pub(crate) fn failed(seq: u64) -> RowChange {
    let millis = i64::try_from(seq).unwrap();
    RowChange::Failed { seq: Seq(seq), at: at(500 + millis), attempts: vec![attempt(millis), attempt(millis + 1)] }
}

fn parked(seq: u64, due: i64) -> Parked {
    // A fingerprint that uses the highest bit.
    Parked { seq: Seq(seq), subject: u64::MAX - seq, due: at(due), attempts: vec![attempt(due - 1)] }
}

pub(crate) async fn positions_survive<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.stream(1).await;
    house.stream(2).await;
    house.stream(3).await;
    house.append(20).await;
    let mut first = moved(stream(1).id, 15, &[3, 4, 11]);
    first.progress.health = Health { in_row: 42, outstanding: 0 };
    let far: Vec<u64> = (0..500).map(|number| 7 + number * 300).collect();
    let second = moved(stream(2).id, 200_000, &far);
    house.store.checkpoint_save(saved(18, vec![first.clone(), second.clone()])).await.unwrap();
    let house = house.reopen().await;
    let restored = house.restored(stream(1).id).await;
    assert_eq!((&restored.position, restored.health), (&first.progress.position, first.progress.health));
    assert_eq!(restored.position.cursor(), Seq(3));
    assert_eq!(house.restored(stream(2).id).await.position, second.progress.position);
    assert_eq!(house.restored(stream(3).id).await.position, Position::at(Seq(1)), "it did not move");
    assert_eq!(house.store.stream_restore(stream(9).id).await.unwrap(), None);
}

pub(crate) async fn a_stream_at_the_head_moves_with_it<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for number in 1..=3 {
        house.stream(number).await;
    }
    house.append(30).await;
    let at_head =
        |number, frontier, open: &[u64]| StreamProgress { at_head: true, ..moved(stream(number).id, frontier, open) };
    let checkpoint = saved(10, vec![at_head(1, 10, &[4]), at_head(2, 12, &[]), moved(stream(3).id, 6, &[])]);
    house.store.checkpoint_save(checkpoint).await.unwrap();
    let positions = async |house: &House<'_, B>| {
        let mut frontiers = Vec::new();
        for number in 1..=3 {
            frontiers.push(house.restored(stream(number).id).await.position.frontier.0);
        }
        frontiers
    };
    assert_eq!(positions(&house).await, [10, 12, 6]);
    // The head goes on; the streams, to which nothing applied, are not mentioned.
    house.store.checkpoint_save(saved(25, Vec::new())).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(positions(&house).await, [25, 25, 6]);
    assert_eq!(house.restored(stream(1).id).await.position.open, [Seq(4)]);
    // One falls behind, and a late checkpoint does not take the head back.
    house.store.checkpoint_save(saved(20, vec![moved(stream(2).id, 21, &[])])).await.unwrap();
    assert_eq!(positions(&house).await, [25, 21, 6]);
    house.store.checkpoint_save(saved(28, Vec::new())).await.unwrap();
    assert_eq!(positions(&house).await, [28, 21, 6]);
}

pub(crate) async fn rows_follow_their_deliveries<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    house.append(10).await;
    let save = async |rows| house.store.checkpoint_save(saved(9, vec![with_rows(id, 9, rows)])).await.unwrap();
    let failures = async || {
        let page = house.store.failure_page(house.tenant, id, DeliveryFilter::default(), Seq::ZERO, 100).await.unwrap();
        page.into_iter().map(|failure| (failure.seq.0, failure.attempts.len())).collect::<Vec<_>>()
    };
    let is_parked = async || house.restored(id).await.parked;

    save(vec![failed(4), failed(2), RowChange::Parked(parked(5, 100)), RowChange::Parked(parked(3, 200))]).await;
    assert_eq!(failures().await, [(2, 2), (4, 2)]);
    assert_eq!(is_parked().await, [parked(3, 200), parked(5, 100)], "in order, with their attempts");
    assert_eq!(house.restored(id).await.health.outstanding, 2);
    // Parked again, later; another has been delivered; a third has failed for good.
    let again = vec![RowChange::Parked(parked(6, 1)), RowChange::Parked(parked(3, 900)), failed(5)];
    save(again).await;
    save(vec![RowChange::Unparked { seq: Seq(6) }, RowChange::Unparked { seq: Seq(77) }]).await;
    assert_eq!(is_parked().await, [parked(3, 900)]);
    assert_eq!(failures().await, [(2, 2), (4, 2), (5, 2)]);
    save(vec![
        RowChange::FailedAgain { seq: Seq(4), attempts: vec![attempt(70), attempt(71), attempt(72)], redelivery: true },
        RowChange::FailedAgain { seq: Seq(8), attempts: vec![attempt(70)], redelivery: true },
        RowChange::Recovered { seq: Seq(2) },
    ])
    .await;
    assert_eq!(failures().await, [(4, 5), (5, 2)]);
    // In the order they happened in, within one checkpoint too.
    save(vec![failed(7), RowChange::Recovered { seq: Seq(7) }, RowChange::Recovered { seq: Seq(5) }, failed(5)]).await;
    let house = house.reopen().await;
    let page = house.store.failure_page(house.tenant, id, DeliveryFilter::default(), Seq::ZERO, 100).await.unwrap();
    assert_eq!(page.iter().map(|failure| failure.seq.0).collect::<Vec<_>>(), [4, 5]);
    let times: Vec<_> = page[0].attempts.iter().map(|attempt| attempt.timestamp).collect();
    assert_eq!(times, [at(4), at(5), at(70), at(71), at(72)], "oldest first");
    assert_eq!(page[0].attempts[4], attempt(72));
    assert_eq!(house.restored(id).await.parked, [parked(3, 900)]);
}

pub(crate) async fn a_removed_stream_leaves_nothing_and_is_passed_over<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let (gone, stays) = (house.stream(1).await.id, house.stream(2).await.id);
    house.append(5).await;
    let rows = vec![failed(2), RowChange::Parked(parked(3, 100))];
    let both = vec![with_rows(gone, 5, rows.clone()), with_rows(stays, 5, rows.clone())];
    house.store.checkpoint_save(saved(5, both)).await.unwrap();
    let event = house.events().await[1].event.id;
    house.store.redelivery_request(house.tenant, gone, event, start(9)).await.unwrap();
    house.commit(Write::StreamDelete(Revision(1), gone)).await.unwrap();
    let nothing = async |house: &House<'_, B>| {
        assert_eq!(house.store.stream_restore(gone).await.unwrap(), None);
        assert_eq!(
            house.store.failure_page(house.tenant, gone, DeliveryFilter::default(), Seq::ZERO, 9).await.unwrap(),
            []
        );
        assert_eq!(house.store.failure_count(house.tenant, gone).await.unwrap(), 0);
        assert_eq!(house.store.redelivery_streams().await.unwrap(), []);
        assert_eq!(house.store.redeliveries_waiting(gone, Seq::ZERO, 9).await.unwrap(), []);
    };
    nothing(&house).await;
    // Its last checkpoint was on its way; the other stream's part of it counts.
    let mut late = with_rows(gone, 6, rows);
    late.progress.disable = Some(DisableReason::FailuresInRow);
    let late = vec![late, moved(stays, 6, &[])];
    house.store.checkpoint_save(saved(6, late)).await.unwrap();
    let house = house.reopen().await;
    nothing(&house).await;
    let restored = house.restored(stays).await;
    assert_eq!((restored.position, restored.health.outstanding), (Position::at(Seq(6)), 1));
    assert_eq!(restored.parked, [parked(3, 100)]);
}

pub(crate) async fn a_failing_stream_is_disabled_once<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut stream = house.stream(1).await;
    house.append(3).await;
    let disabling = |generation| {
        let mut moved = moved(stream.id, 4, &[2]);
        moved.generation = generation;
        moved.progress.disable = Some(DisableReason::FailuresInRow);
        saved(4, vec![moved])
    };
    let mut heads = house.store.heads();
    heads.mark_unchanged();
    house.store.checkpoint_save(disabling(0)).await.unwrap();
    assert!(heads.has_changed().unwrap(), "delivery hears of it");
    let state = house.state(stream.id).await;
    assert_eq!((state.stream.status, state.stream.updated_at), (StreamStatus::Disabled, at(1000)));
    assert_eq!(state.generation, 1);
    assert_eq!(state.spans.missed().collect::<Vec<_>>(), [(Seq(4), None)]);
    assert_eq!(house.restored(stream.id).await.position.open, [Seq(2)]);
    let read = house.store.stream_get(house.tenant, stream.id).await.unwrap().unwrap();
    assert_eq!(read.revision, Revision(2), "an update computed before is stale");

    // Its owner enables it again; what was decided about the time before does not disable it.
    stream.status = StreamStatus::Enabled;
    house.commit(changed(2, &stream)).await.unwrap();
    heads.mark_unchanged();
    house.store.checkpoint_save(disabling(0)).await.unwrap();
    house.store.checkpoint_save(disabling(1)).await.unwrap();
    let state = house.state(stream.id).await;
    assert_eq!((state.stream.status, state.generation), (StreamStatus::Enabled, 2));
    assert!(!heads.has_changed().unwrap(), "nobody is woken for nothing");
    let version = house.store.streams_changed(Default::default()).await.unwrap().version;
    assert_eq!(version, heads.borrow().streams, "a version that is published can be reached");
    house.store.checkpoint_save(disabling(2)).await.unwrap();
    assert_eq!(house.state(stream.id).await.stream.status, StreamStatus::Disabled);
}
