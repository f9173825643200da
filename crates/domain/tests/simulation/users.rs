//! What users do: events, streams, settings, redeliveries.

use std::time::Duration;

use domain::catalog::EventType;
use domain::delivery::{Jitter, Limits, Ordering, Policy, Schedule};
use domain::event::Seq;
use domain::ids::{RegisteredTypeId, TenantId};
use domain::rate_limit::RateLimit;
use domain::stream::StreamStatus;

use super::Checked;
use super::coverage::Reached;
use super::random::Random;
use super::receiver::Receiver;
use super::store::{Event, StreamKey, User};
use super::world::World;

const TYPES: [EventType; 4] = [EventType::UserCreated, EventType::UserUpdated, EventType::UserDeleted, REGISTERED];

/// A type that a tenant has registered.
const REGISTERED: EventType = EventType::Registered(RegisteredTypeId(7));

/// Streams at most.
const STREAMS_MAX: usize = 5;

/// Users at most, so that events about one of them are near one another.
const USERS_MAX: usize = 5;

/// The number of what is no user; users have smaller ones.
const THING: u64 = 1_000_000;

fn any_tenant(random: &mut Random) -> TenantId {
    TenantId(if random.percent(85) { 1 } else { 2 })
}

pub(crate) fn append(world: &mut World) -> Checked {
    for _ in 0..world.random.between(1, 4) {
        let from = world.store.end();
        append_one(world);
        if world.store.read(from, world.store.end()).iter().any(|event| event.only.is_some()) {
            world.coverage.reached(Reached::SnapshotToldEarly);
        }
        world.appended(from)?;
    }
    Ok(())
}

fn append_one(world: &mut World) {
    let (at, gap) = (world.now.wall, u64::from(world.random.percent(10)));
    let numbers: Vec<u64> = world.store.users.keys().copied().collect();
    let create = numbers.is_empty() || (numbers.len() < USERS_MAX && world.random.percent(20));
    if world.random.percent(10) {
        let (seq, tenant) = (Seq(world.store.end().0 + gap), any_tenant(&mut world.random));
        let (event_type, subject) = (REGISTERED, THING);
        world.store.log.push(Event { seq, tenant, event_type, subject, at, revision: 0, only: None, is_test: false });
    } else if create {
        world.store.last_user += 1;
        let (number, tenant) = (world.store.last_user, any_tenant(&mut world.random));
        world.store.users.insert(number, User { tenant, revision: 0 });
        world.store.user_change(number, EventType::UserCreated, at, gap);
    } else {
        let number = world.random.pick(&numbers);
        let deleted = world.random.percent(5);
        let event_type = if deleted { EventType::UserDeleted } else { EventType::UserUpdated };
        world.store.user_change(number, event_type, at, gap);
    }
}

pub(crate) fn any_types(random: &mut Random) -> Vec<EventType> {
    let types: Vec<EventType> = TYPES.into_iter().filter(|_| random.percent(65)).collect();
    if types.is_empty() { TYPES.into_iter().collect() } else { types }
}

fn any_ordering(random: &mut Random) -> Ordering {
    random.pick(&[Ordering::Subject, Ordering::Subject, Ordering::None, Ordering::Strict])
}

fn any_schedule(random: &mut Random) -> Schedule {
    let waits: &[u64] = random.pick::<&[u64]>(&[&[1, 2, 4], &[1, 60], &[1], &[2, 30, 600], &[], &[5, 300, 1800, 7200]]);
    Schedule {
        waits: waits.iter().copied().map(Duration::from_secs).collect(),
        retry_after_max: Duration::from_secs(random.pick(&[60, 600])),
        jitter: Jitter { percent: random.pick(&[0, 0, 20, 100]), salt: random.below(1000) as u64 },
    }
}

fn any_rate(random: &mut Random) -> Option<RateLimit> {
    let per_s = [None, None, Some((1, 1)), Some((2, 1)), Some((20, 2)), Some((100, 10))];
    random.pick(&per_s).map(|(per_s, burst)| RateLimit { per_s, burst })
}

fn any_policy(random: &mut Random) -> Policy {
    let limits = Limits {
        in_flight_max: random.between(1, 8),
        in_flight_start: random.between(1, 8),
        window_events_max: random.between(4, 16),
        window_bytes_max: random.pick(&[500, 10_000]),
        wait_in_window_max: Duration::from_secs(random.pick(&[2, 10])),
        parked_max: random.between(3, 8),
        redeliveries_max: random.between(1, 6),
        unsaved_max: random.between(4, 16),
    };
    Policy {
        ordering: any_ordering(random),
        schedule: any_schedule(random),
        limits,
        rate: any_rate(random),
        failures_in_row_max: u32::try_from(random.between(5, 20)).expect("it is small"),
        failures_outstanding_max: u32::try_from(random.between(5, 40)).expect("it is small"),
    }
}

pub(crate) fn create(world: &mut World) {
    if world.store.streams.len() >= STREAMS_MAX {
        return;
    }
    let key = world.next_key;
    world.next_key += 1;
    let policy = any_policy(&mut world.random);
    let types = any_types(&mut world.random);
    let tenant = any_tenant(&mut world.random);
    world.note(|| format!("stream {key} of {tenant:?} is created: {types:?}, {policy:?}"));
    let receiver = Receiver::any(&mut world.random);
    world.receivers.insert(key, receiver);
    world.start_stream(key, tenant, types, policy);
    world.coverage.reached(Reached::StreamCreated);
}

pub(crate) fn any_stored(world: &mut World) -> Option<StreamKey> {
    let keys: Vec<StreamKey> = world.store.streams.keys().copied().collect();
    (!keys.is_empty()).then(|| world.random.pick(&keys))
}

pub(crate) fn delete(world: &mut World) {
    if let Some(key) = any_stored(world).filter(|_| world.store.streams.len() > 1) {
        world.store.streams.remove(&key);
        world.store.snapshots.remove(&key);
        world.tellings.remove(&key);
        world.note(|| format!("stream {key} is deleted"));
        world.coverage.reached(Reached::StreamDeleted);
    }
}

/// Disables a stream that is enabled, and enables one that is not.
pub(crate) fn toggle_status(world: &mut World) {
    let Some(key) = any_stored(world) else { return };
    let stored = &world.store.streams[&key];
    let may_enable = stored.may_enable();
    if stored.is_enabled() {
        world.store.change(key, |settings| settings.stream.status = StreamStatus::Disabled);
        world.coverage.reached(Reached::UserDisable);
        world.note(|| format!("stream {key} is disabled"));
    } else if may_enable {
        world.resume_stream(key);
    } else {
        world.coverage.reached(Reached::EnableRefused);
    }
}

pub(crate) fn edit_types(world: &mut World) {
    let types = any_types(&mut world.random);
    let Some(key) = any_stored(world) else { return };
    world.note(|| format!("stream {key} wants {types:?}"));
    world.store.change(key, |settings| settings.stream.subscriptions = types);
    world.coverage.reached(Reached::UserEdit);
}

/// Another schedule, and sometimes another ordering.
pub(crate) fn edit_policy(world: &mut World) {
    let schedule = any_schedule(&mut world.random);
    let ordering = world.random.percent(70).then(|| any_ordering(&mut world.random));
    let rate = world.random.percent(50).then(|| any_rate(&mut world.random));
    let in_flight_max = world.random.between(1, 8);
    let Some(key) = any_stored(world) else { return };
    world.note(|| format!("stream {key} has another schedule, ordering {ordering:?}, rate {rate:?}"));
    world.store.change(key, |settings| {
        settings.policy.schedule = schedule;
        settings.policy.rate = rate.unwrap_or(settings.policy.rate);
        settings.policy.limits.in_flight_max = in_flight_max;
        if let Some(ordering) = ordering {
            settings.policy.ordering = ordering;
            settings.stream.options.ordering = ordering;
        }
    });
}

pub(crate) fn request_redelivery(world: &mut World) {
    let Some(key) = any_stored(world) else { return };
    let Some(stored) = world.store.streams.get_mut(&key) else { return };
    let idle: Vec<Seq> = stored.failures.iter().filter(|(_, requested)| !**requested).map(|(seq, _)| *seq).collect();
    if idle.is_empty() {
        return;
    }
    let seq = world.random.pick(&idle);
    stored.failures.insert(seq, true);
    if let Some(ledger) = world.ledgers.get_mut(&key) {
        ledger.requested(seq);
    }
    world.coverage.reached(Reached::RedeliveryRequested);
    world.note(|| format!("stream {key}: redelivery of {seq:?} is requested"));
}

/// Requests every redelivery that can be; true if there was any.
pub(crate) fn request_all(world: &mut World) -> bool {
    let mut some = false;
    for (key, stored) in &mut world.store.streams {
        for (seq, requested) in &mut stored.failures {
            *requested = true;
            some = true;
            if let Some(ledger) = world.ledgers.get_mut(key) {
                ledger.requested(*seq);
            }
        }
    }
    some
}
