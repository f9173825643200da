//! The log: one order, no gaps for readers (invariant 2), the same from memory as from the disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use domain::event::{LoggedEvent, Seq};
use store::{Heads, Log, ReadLimit, State};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::backend::{Backend, House, bounded, read_between};
use crate::samples::{self, event, raised, user, user_created};

const WRITERS: u64 = 64;

pub(crate) async fn concurrent_changes_each_stand_alone<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let together = Arc::new(Barrier::new(usize::try_from(WRITERS).unwrap()));
    let mut tasks = JoinSet::new();
    for number in 1..=WRITERS {
        let (store, tenant, together) = (Arc::clone(&house.store), house.tenant, Arc::clone(&together));
        tasks.spawn(async move {
            together.wait().await;
            store.change_commit(tenant, user_created(user(number), number)).await.unwrap();
            // Whoever was answered reads what it wrote.
            let read = store.user_get(tenant, &user(number).user_id).await.unwrap();
            assert_eq!(read.map(|read| read.value), Some(user(number)));
        });
    }
    bounded(tasks.join_all()).await;
    let events = house.events().await;
    assert!(events.iter().map(|logged| logged.seq.0).eq(1..=WRITERS));
    let bodies: BTreeMap<_, _> = events.iter().map(|logged| (logged.event.id, logged.event.clone())).collect();
    for number in 1..=WRITERS {
        let expected = user_created(user(number), number).events.remove(0);
        assert_eq!(bodies.get(&expected.id), Some(&expected));
    }
    assert_eq!(house.store.user_count(house.tenant).await.unwrap(), WRITERS);
}

/// Follows the log by its wake signal until it has read `count` events.
async fn follow<S: Log>(store: Arc<S>, count: usize) -> Vec<Arc<LoggedEvent>> {
    let (mut heads, mut from, mut read) = (store.heads(), Seq(1), Vec::new());
    while read.len() < count {
        let until = heads.wait_for(|heads| heads.log > from).await.unwrap().log;
        read.extend(read_between(&*store, from, until).await);
        from = until;
    }
    read
}

/// Polls beyond the end that is published, which must not pass over what is being written.
async fn poll<S: Log>(store: Arc<S>, count: usize) -> Vec<Arc<LoggedEvent>> {
    let (mut from, mut read) = (Seq(1), Vec::new());
    while read.len() < count {
        let limit = ReadLimit { events: 5, bytes: usize::MAX };
        let chunk = store.log_read(from, Seq(1_000_000), limit).await.unwrap();
        from = chunk.next;
        read.extend(chunk.events);
        tokio::task::yield_now().await;
    }
    read
}

pub(crate) async fn a_follower_sees_every_event_once_and_in_order<B: Backend>(backend: &B) {
    const EACH: u64 = 20;
    let house = House::open(backend).await;
    let all = usize::try_from(WRITERS * EACH).unwrap();
    let mut followers = JoinSet::new();
    for _ in 0..4 {
        followers.spawn(follow(Arc::clone(&house.store), all));
    }
    followers.spawn(poll(Arc::clone(&house.store), all));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, tenant) = (Arc::clone(&house.store), house.tenant);
        writers.spawn(async move {
            for number in 0..EACH {
                let before = store.heads().borrow().log;
                let event = event(1 + writer * EACH + number);
                let id = event.id;
                store.change_commit(tenant, raised(vec![event])).await.unwrap();
                // Answered means readable, at a position after all that was answered before it was asked for.
                let after = store.heads().borrow().log;
                let new = read_between(&*store, before, after).await;
                assert_eq!(new.iter().filter(|logged| logged.event.id == id).count(), 1);
            }
        });
    }
    bounded(writers.join_all()).await;
    let expected = house.events().await;
    assert!(expected.iter().map(|logged| logged.seq.0).eq(1..=WRITERS * EACH));
    for read in bounded(followers.join_all()).await {
        assert!(read == expected, "a follower has read something else than what is in the log");
    }
}

pub(crate) async fn memory_and_disk_answer_the_same<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    // More than anybody keeps in memory; the last ones are small again.
    for number in 1..=60 {
        let length = if number <= 50 { 300_000 } else { 10 };
        let body = Bytes::from(format!("\"{}\"", "x".repeat(length)));
        let large = domain::event::Event { body, ..event(number) };
        house.commit(raised(vec![large])).await.unwrap();
    }
    let limits = [(1, usize::MAX), (4, usize::MAX), (100, 1), (100, 700_000), (100, 25), (100, usize::MAX)];
    let mut before = Vec::new();
    for (events, bytes) in limits {
        for (from, until) in [(0, 61), (1, 61), (30, 31), (48, 61), (51, 61), (53, 57), (60, 61), (61, 61), (61, 70)] {
            let limit = ReadLimit { events, bytes };
            let chunk = house.store.log_read(Seq(from), Seq(until), limit).await.unwrap();
            assert!(chunk.events.len() <= events);
            assert!(chunk.events.iter().all(|logged| (from..until).contains(&logged.seq.0)));
            before.push(((from, until, limit), chunk));
        }
    }
    let all = house.events().await;
    assert!(all.iter().map(|logged| logged.seq.0).eq(1..=60));
    let house = house.reopen().await;
    for ((from, until, limit), chunk) in before {
        let again = house.store.log_read(Seq(from), Seq(until), limit).await.unwrap();
        assert!(again == chunk, "reading {from}..{until} by {limit:?} differs after reopening");
    }
    assert!(house.events().await == all);
}

pub(crate) async fn a_read_is_bounded_and_says_where_to_go_on<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.append(10).await;
    // From memory, then from the disk.
    check_reads_of_ten(&house).await;
    let house = house.reopen().await;
    check_reads_of_ten(&house).await;
    // Whoever asked for more than there was misses nothing of what comes.
    house.append(1).await;
    assert_eq!(read(&house, 11, 100, 100, usize::MAX).await, (vec![11], 12));
    assert_eq!(read(&house, 9, 100, 2, usize::MAX).await, (vec![9, 10], 11));
}

/// The positions that are read, and the one to go on from.
async fn read<B: Backend>(house: &House<'_, B>, from: u64, until: u64, events: usize, bytes: usize) -> (Vec<u64>, u64) {
    let chunk = house.store.log_read(Seq(from), Seq(until), ReadLimit { events, bytes }).await.unwrap();
    (chunk.events.iter().map(|logged| logged.seq.0).collect(), chunk.next.0)
}

async fn check_reads_of_ten<B: Backend>(house: &House<'_, B>) {
    let size = event(1).body.len();
    assert_eq!(read(house, 1, 11, 3, usize::MAX).await, (vec![1, 2, 3], 4));
    assert_eq!(read(house, 4, 6, 3, usize::MAX).await, (vec![4, 5], 6));
    assert_eq!(read(house, 1, 11, 100, size + 1).await, (vec![1, 2], 3), "the one that reaches the limit is the last");
    assert_eq!(read(house, 8, 100, 100, usize::MAX).await, (vec![8, 9, 10], 11), "never beyond what there is");
    assert_eq!(read(house, 11, 100, 100, usize::MAX).await, (vec![], 11));
}

pub(crate) async fn single_events_are_found_by_position<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let seqs = house.append(5).await;
    let all = house.events().await;
    let found = house.store.log_get(&[seqs[3], seqs[1], Seq(77)]).await.unwrap();
    assert_eq!(found.iter().map(|logged| logged.seq).collect::<Vec<_>>(), [seqs[3], seqs[1]]);
    assert_eq!((&found[0], &found[1]), (&all[3], &all[1]));
    assert!(house.store.log_get(&[]).await.unwrap().is_empty());
}

pub(crate) async fn what_is_committed_together_is_published_together<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut heads = house.store.heads();
    assert_eq!(heads.borrow_and_update().log, Seq(1));
    let mut change = samples::created(&samples::stream(1));
    change.events = vec![event(1), event(2)];
    house.commit(change).await.unwrap();
    assert!(heads.has_changed().unwrap());
    let now = *heads.borrow_and_update();
    let version = house.store.streams_changed(Default::default()).await.unwrap().version;
    assert_eq!(now, Heads { log: Seq(3), streams: version, redeliveries: 0, withdrawals: 0 });
    house.store.check().await.unwrap();
    assert!(!heads.has_changed().unwrap(), "nobody is woken for nothing");
}
