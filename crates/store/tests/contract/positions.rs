//! Where streams start, and how they are moved: by place, by their owner, by what they have missed.

use domain::catalog::EventType;
use domain::change::{Change, Revision, Write};
use domain::delivery::{Ordering, Parked, Position, RowChange};
use domain::event::{Event, Seq};
use domain::ids::StreamId;
use domain::place::{Place, Resume, StartFrom};
use domain::stream::{EventStream, StreamStatus};
use domain::subscription::Interest;
use store::{Log, Moved, PlaceError, Seek, SeekMode, State, StoreError, StreamProgress};

use crate::backend::{Backend, House};
use crate::checkpoints::{failed, moved, saved, with_rows};
use crate::samples::{at, attempt, changed, created, event, raised, stream};

fn started(stream: &EventStream, place: Place) -> Change {
    Write::StreamStart(Box::new(stream.clone()), StartFrom::Place(place)).into()
}

fn resumed(revision: u64, stream: &EventStream, resume: Resume) -> Change {
    Write::StreamResume(Revision(revision), Box::new(stream.clone()), resume).into()
}

fn parked(seq: u64) -> RowChange {
    RowChange::Parked(Parked { seq: Seq(seq), subject: seq, due: at(9), attempts: vec![attempt(1)] })
}

/// The positions at which a stream wants users that are created.
async fn wanted<B: Backend>(house: &House<'_, B>, id: StreamId) -> Vec<u64> {
    let spans = house.state(id).await.spans;
    (0..house.end().0 + 3).filter(|seq| spans.matches(Seq(*seq), EventType::UserCreated)).collect()
}

async fn seek<B: Backend>(house: &House<'_, B>, id: StreamId, to: Place) -> Moved {
    house.store.stream_seek(house.tenant, id, to, SeekMode::Apply).await.unwrap().unwrap()
}

pub(crate) async fn a_stream_starts_where_it_is_told<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.commit(started(&stream(9), Place::Beginning)).await.unwrap();
    assert_eq!(house.restored(stream(9).id).await.position, Position::at(Seq(1)), "the log is empty");
    house.store.checkpoint_save(saved(1, vec![moved(stream(9).id, 99, &[])])).await.unwrap();
    house.append(10).await;
    house.store.retention_pass(at(4), 100).await.unwrap();
    let places = [
        (Place::Beginning, 4),
        (Place::Now, 11),
        (Place::Time(at(-5)), 4),
        (Place::Time(at(4)), 4),
        (Place::Time(at(7)), 7),
        (Place::Time(at(10)), 10),
        (Place::Time(at(11)), 11),
        (Place::Position(Seq(4)), 4),
        (Place::Position(Seq(8)), 8),
        (Place::Position(Seq(11)), 11),
    ];
    for (number, (place, from)) in (10..).zip(places) {
        let stream = stream(number);
        house.commit(started(&stream, place)).await.unwrap();
        assert_eq!(house.restored(stream.id).await.position, Position::at(Seq(from)), "{place:?}");
        assert_eq!(wanted(&house, stream.id).await, (from..14).collect::<Vec<_>>(), "{place:?}");
    }
    for (seq, why) in [(3, PlaceError::Expired), (0, PlaceError::Expired), (12, PlaceError::Ahead)] {
        let refused = house.commit(started(&stream(30), Place::Position(Seq(seq)))).await;
        assert!(matches!(refused, Err(StoreError::Place(found)) if found == why), "{refused:?}");
    }
    assert_eq!(house.store.stream_get(house.tenant, stream(30).id).await.unwrap(), None);
    // Disabled, it has yet to deliver what was there when it was created, and misses what comes.
    let mut quiet = stream(31);
    quiet.status = StreamStatus::Disabled;
    house.commit(started(&quiet, Place::Position(Seq(8)))).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(wanted(&house, quiet.id).await, [8, 9, 10]);
    assert_eq!(house.state(quiet.id).await.spans.current(), Interest::Missed);
}

pub(crate) async fn a_time_is_found_however_many_events_there_are<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    // Several at the same time, and pauses between.
    let times = |number: u64| at(i64::try_from(number / 3 * 10).unwrap());
    for number in 1..=100 {
        house.commit(raised(vec![Event { time: times(number), ..event(number) }])).await.unwrap();
    }
    house.stream(1).await;
    for millis in 0..350 {
        let expected = (1..=100).find(|number| times(*number) >= at(millis)).unwrap_or(101);
        let found = house.store.stream_seek(house.tenant, stream(1).id, Place::Time(at(millis)), SeekMode::DryRun);
        assert_eq!(found.await.unwrap().unwrap().to, Seq(expected), "{millis}");
    }
}

pub(crate) async fn options_are_kept<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut stream = stream(1);
    stream.options.ordering = Ordering::Strict;
    house.commit(created(&stream)).await.unwrap();
    assert_eq!(house.state(stream.id).await.stream, stream);
    stream.options.ordering = Ordering::None;
    house.commit(changed(1, &stream)).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.state(stream.id).await.stream, stream);
}

pub(crate) async fn a_stream_is_moved_back_and_forward<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    house.append(20).await;
    let mut progress = with_rows(id, 15, vec![failed(2), parked(3), parked(12), failed(13)]);
    progress.progress.position.open = [4, 11].map(Seq).to_vec();
    progress.at_head = true;
    house.store.checkpoint_save(saved(15, vec![progress])).await.unwrap();
    let before = (house.restored(id).await, house.state(id).await);
    let mut heads = house.store.heads();
    heads.mark_unchanged();
    let asked = house.store.stream_seek(house.tenant, id, Place::Position(Seq(11)), SeekMode::DryRun).await;
    let expected = Moved { from: Seq(4), to: Seq(11), events: 10, counted_below: None };
    assert_eq!(asked.unwrap(), Some(expected));
    assert_eq!((house.restored(id).await, house.state(id).await), before, "asking changes nothing");
    assert!(!heads.has_changed().unwrap());

    assert_eq!(seek(&house, id, Place::Position(Seq(11))).await, expected);
    assert!(heads.has_changed().unwrap(), "delivery hears of it");
    let house = house.reopen().await;
    let restored = house.restored(id).await;
    assert_eq!(restored.position, Position { frontier: Seq(11), open: vec![Seq(4)] });
    assert_eq!(restored.parked.iter().map(|row| row.seq.0).collect::<Vec<_>>(), [3]);
    assert_eq!(restored.failed, [Seq(2), Seq(13)], "failed deliveries stay");
    assert_eq!(house.state(id).await.seek, Seek { count: 1, to: Seq(11) });

    assert_eq!(seek(&house, id, Place::Now).await, Moved { from: Seq(4), to: Seq(21), events: 0, counted_below: None });
    assert_eq!(house.restored(id).await.position, Position { frontier: Seq(21), open: vec![Seq(4)] });
    assert_eq!(house.state(id).await.seek, Seek { count: 2, to: Seq(21) });
    assert_eq!(seek(&house, id, Place::Beginning).await.to, Seq(1));
    assert_eq!(house.restored(id).await.position, Position::at(Seq(1)));
    let unknown = house.store.stream_seek(house.tenant, stream(9).id, Place::Now, SeekMode::Apply).await;
    assert_eq!(unknown.unwrap(), None);
    let ahead = house.store.stream_seek(house.tenant, id, Place::Position(Seq(99)), SeekMode::Apply).await;
    assert!(matches!(ahead, Err(StoreError::Place(PlaceError::Ahead))), "{ahead:?}");
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    assert_eq!(house.store.stream_seek(other, id, Place::Now, SeekMode::Apply).await.unwrap(), None);
}

pub(crate) async fn a_moved_stream_wants_what_it_subscribes_to_now<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut stream = house.stream(1).await;
    stream.subscriptions = vec![EventType::UserUpdated];
    house.append(5).await;
    house.commit(changed(1, &stream)).await.unwrap();
    house.append(5).await;
    stream.status = StreamStatus::Disabled;
    house.commit(changed(2, &stream)).await.unwrap();
    house.append(5).await;
    stream.subscriptions = vec![EventType::UserCreated];
    stream.status = StreamStatus::Enabled;
    house.commit(changed(3, &stream)).await.unwrap();
    assert_eq!(wanted(&house, stream.id).await, [1, 2, 3, 4, 5, 16, 17, 18]);
    assert_eq!(seek(&house, stream.id, Place::Position(Seq(8))).await.events, 8);
    assert_eq!(wanted(&house, stream.id).await, (8..19).collect::<Vec<_>>());
    // Disabled, it will deliver what lies between there and now; what comes, it misses.
    stream.status = StreamStatus::Disabled;
    house.commit(changed(4, &stream)).await.unwrap();
    assert_eq!(seek(&house, stream.id, Place::Position(Seq(12))).await.events, 4);
    house.append(3).await;
    assert_eq!(
        wanted(&house, stream.id).await.into_iter().filter(|seq| *seq >= 12).collect::<Vec<_>>(),
        [12, 13, 14, 15]
    );
    stream.status = StreamStatus::Enabled;
    house.commit(changed(5, &stream)).await.unwrap();
    house.append(1).await;
    let wanted = wanted(&house, stream.id).await;
    assert_eq!(wanted.into_iter().filter(|seq| *seq >= 14).collect::<Vec<_>>(), [14, 15, 19, 20, 21, 22]);
}

pub(crate) async fn a_checkpoint_from_before_a_move_does_not_undo_it<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    house.append(20).await;
    let seeks = |count, mut progress: StreamProgress| {
        (progress.seeks, progress.at_head) = (count, true);
        saved(20, vec![progress])
    };
    seek(&house, id, Place::Position(Seq(10))).await;
    // It was taken when the stream stood at 18; what it says of positions below the target holds.
    let mut late = with_rows(id, 18, vec![failed(3), parked(5), failed(12), parked(14)]);
    late.progress.position.open = [6, 16].map(Seq).to_vec();
    house.store.checkpoint_save(seeks(0, late.clone())).await.unwrap();
    let house = house.reopen().await;
    let restored = house.restored(id).await;
    assert_eq!(restored.position, Position { frontier: Seq(10), open: vec![Seq(6)] });
    assert_eq!(restored.parked.iter().map(|row| row.seq.0).collect::<Vec<_>>(), [5]);
    assert_eq!(restored.failed, [Seq(3), Seq(12)]);
    // One that knows of the move is saved as it is.
    house.store.checkpoint_save(seeks(1, moved(id, 12, &[6, 11]))).await.unwrap();
    let position = house.restored(id).await.position;
    assert_eq!(position, Position { frontier: Seq(20), open: vec![Seq(6), Seq(11)] }, "it was at the head");
    // Moved on, a late one does not take it back.
    seek(&house, id, Place::Position(Seq(19))).await;
    house.store.checkpoint_save(seeks(1, moved(id, 13, &[6]))).await.unwrap();
    assert_eq!(house.restored(id).await.position, Position { frontier: Seq(19), open: vec![Seq(6)] });
}

pub(crate) async fn an_enabled_stream_gets_what_it_missed_if_asked<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    // How each is resumed, from where on it gets what it missed (11 to 20), and where it had come to.
    let cases = [
        (Resume::Position, 11, 17),
        (Resume::Position, 11, 6),
        (Resume::Time(at(14)), 14, 17),
        (Resume::Time(at(3)), 11, 17),
        (Resume::Time(at(99_999)), 21, 17),
    ];
    let mut streams = Vec::new();
    for number in 1..=5 {
        streams.push(house.stream(number).await);
    }
    house.append(10).await;
    for stream in &mut streams {
        stream.status = StreamStatus::Disabled;
        house.commit(changed(1, stream)).await.unwrap();
    }
    house.append(10).await;
    for (mut stream, (resume, from, stood)) in streams.into_iter().zip(cases) {
        house.store.checkpoint_save(saved(17, vec![moved(stream.id, stood, &[4])])).await.unwrap();
        stream.status = StreamStatus::Enabled;
        assert!(matches!(house.commit(resumed(7, &stream, resume)).await, Err(StoreError::Stale)));
        assert_eq!(house.state(stream.id).await.seek, Seek::default());
        house.commit(resumed(2, &stream, resume)).await.unwrap();
        let state = house.state(stream.id).await;
        assert_eq!((state.stream.status, state.generation), (StreamStatus::Enabled, 2));
        let got: Vec<u64> = wanted(&house, stream.id).await.into_iter().filter(|seq| *seq > 10).collect();
        assert_eq!(got, (from..24).collect::<Vec<_>>(), "{resume:?}");
        let frontier = Seq(stood.min(from));
        assert_eq!(house.restored(stream.id).await.position, Position { frontier, open: vec![Seq(4)] });
        assert_eq!(state.seek, Seek { count: 1, to: frontier });
    }
}

pub(crate) async fn what_the_log_has_forgotten_is_not_resumed<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut stream = house.stream(1).await;
    stream.status = StreamStatus::Disabled;
    house.commit(changed(1, &stream)).await.unwrap();
    house.append(10).await;
    house.store.retention_pass(at(6), 100).await.unwrap();
    stream.status = StreamStatus::Enabled;
    house.commit(resumed(2, &stream, Resume::Position)).await.unwrap();
    assert_eq!(wanted(&house, stream.id).await, (6..14).collect::<Vec<_>>());
}
