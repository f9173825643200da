mod beside;
mod filtered;
mod pace;
mod reorder;
mod saving;
mod schedule;
mod seek;

use super::*;
use crate::clock::Timestamp;
use crate::delivery::{Cause, Limits, Redelivery};

fn core(ordering: Ordering, open: &[u64], parked: &[u64]) -> StreamCore<u64> {
    let limits = Limits { window_events_max: 2, ..Limits::default() };
    let policy = Policy { ordering, limits, ..Policy::default() };
    let position = Position { frontier: Seq(10), open: open.iter().copied().map(Seq).collect() };
    let row = |seq: &u64| Parked { seq: Seq(*seq), subject: *seq, due: Timestamp::default(), attempts: Vec::new() };
    let parked = parked.iter().map(row).collect();
    let saved = Saved { position, failures_in_row: 0, failed: vec![Seq(1)], parked, ..Saved::default() };
    StreamCore::restore(policy, Phase::Enabled, saved)
}

fn orders(core: &mut StreamCore<u64>) -> Vec<Order<u64>> {
    let mut orders = Vec::new();
    core.orders(Moment::default(), &mut orders);
    orders
}

fn sent(core: &mut StreamCore<u64>) -> Vec<Seq> {
    let sent = |order| if let Order::Send { seq, .. } = order { Some(seq) } else { None };
    orders(core).into_iter().filter_map(sent).collect()
}

const DELIVERED: Outcome = Outcome::Delivered { duration: Duration::ZERO };

fn failed() -> Outcome {
    failed_by(FailureKind::Status { status: 500, retry_after: None })
}

fn refused() -> Outcome {
    failed_by(FailureKind::Refused)
}

fn throttled() -> Outcome {
    failed_by(FailureKind::Status { status: 429, retry_after: Some(Duration::from_secs(60)) })
}

fn failed_by(kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure::new(kind, "", Duration::ZERO))
}

/// A core with room that stands at 10, with nothing open.
fn roomy(ordering: Ordering) -> StreamCore<u64> {
    let limits = Limits { window_events_max: 100, ..Limits::default() };
    let policy = Policy { ordering, limits, ..Policy::default() };
    StreamCore::restore(policy, Phase::Enabled, Saved { position: Position::at(Seq(10)), ..Saved::default() })
}

/// Feeds events at the positions, each about the subject beside it.
fn feed(core: &mut StreamCore<u64>, events: &[(u64, u64)]) {
    for (seq, subject) in events {
        assert_eq!(core.feed(Moment::default(), Seq(*seq), *subject, 1, *seq), Feed::Taken);
    }
}

/// What is sent now, with the tickets.
fn flights(core: &mut StreamCore<u64>) -> Vec<(u64, Ticket)> {
    flights_at(core, Moment::default())
}

fn flights_at(core: &mut StreamCore<u64>, now: Moment) -> Vec<(u64, Ticket)> {
    let mut orders = Vec::new();
    core.orders(now, &mut orders);
    let flight = |order| if let Order::Send { seq, ticket, .. } = order { Some((seq.0, ticket)) } else { None };
    orders.into_iter().filter_map(flight).collect()
}

fn seqs(flights: &[(u64, Ticket)]) -> Vec<u64> {
    flights.iter().map(|(seq, _)| *seq).collect()
}

fn end(core: &mut StreamCore<u64>, ticket: Ticket, outcome: Outcome) {
    core.attempt_ended(Moment::default(), ticket, outcome);
}

fn later(seconds: u64) -> Moment {
    Moment { wall: Timestamp::default().plus(Duration::from_secs(seconds)), steady: Duration::from_secs(seconds) }
}

#[test]
fn what_is_fetched_is_taken_up_in_its_order() {
    let now = Moment::default();
    let mut core = core(Ordering::Subject, &[3, 5], &[]);
    core.redeliver(&Redelivery { seq: Seq(1), subject: 9, cause: Cause::Failed }, 1, 1);
    assert_eq!(orders(&mut core)[0], Order::Load(vec![Seq(3)]));
    core.attempt_ended(now, Ticket(0), Outcome::Delivered { duration: Duration::ZERO });
    assert_eq!(orders(&mut core), [Order::Load(vec![Seq(5)])]);
    core.loaded(now, Seq(5), Some((7, 1, 5)));
    assert_eq!(sent(&mut core), []);
    core.loaded(now, Seq(3), Some((7, 1, 3)));
    assert_eq!(sent(&mut core), [Seq(3)]);
}

#[test]
fn what_is_being_fetched_has_its_room_in_the_window() {
    let now = Moment::default();
    let mut core = core(Ordering::Subject, &[], &[3, 4]);
    assert_eq!(orders(&mut core), [Order::Load(vec![Seq(3), Seq(4)])]);
    assert_eq!(core.feed(now, Seq(10), 7, 1, 10), Feed::Full);
    core.loaded(now, Seq(3), Some((3, 1, 3)));
    core.loaded(now, Seq(4), Some((4, 1, 4)));
    assert_eq!(core.held(), 2);
}

#[test]
fn a_parked_event_that_is_due_asks_for_no_turn_while_the_window_is_full() {
    let mut core = core(Ordering::Subject, &[], &[3, 4, 5]);
    assert_eq!(orders(&mut core), [Order::Load(vec![Seq(3), Seq(4)])]);
    assert_eq!(core.next_wait(Moment::default()), None);
}
