use super::*;
use crate::rate_limit::RateLimit;

fn paced(per_s: u32, burst: u32) -> StreamCore<u64> {
    let mut core = roomy(Ordering::None);
    let policy = Policy { rate: Some(RateLimit { per_s, burst }), ..core.policy.clone() };
    core.set_policy(policy);
    core
}

fn at(millis: u64) -> Moment {
    Moment { wall: Timestamp::from_millis(0), steady: Duration::from_millis(millis) }
}

fn events(count: u64) -> Vec<(u64, u64)> {
    (10..10 + count).map(|seq| (seq, seq)).collect()
}

#[test]
fn a_rate_holds_back_what_there_is_and_says_until_when() {
    let mut core = paced(10, 2);
    feed(&mut core, &events(5));
    assert_eq!(seqs(&flights_at(&mut core, at(0))), [10, 11]);
    assert_eq!(core.next_wait(at(0)), Some(Duration::from_millis(100)));
    assert_eq!(seqs(&flights_at(&mut core, at(99))), [0; 0]);
    assert_eq!(seqs(&flights_at(&mut core, at(100))), [12]);
    assert_eq!(seqs(&flights_at(&mut core, at(1000))), [13, 14]);
    // With nothing to send, nothing is waited for.
    assert_eq!((flights_at(&mut core, at(5000)), core.next_wait(at(5000))), (Vec::new(), None));
}

#[test]
fn what_is_tried_again_and_what_is_delivered_beside_the_log_count_too() {
    let mut core = paced(1, 1);
    feed(&mut core, &events(1));
    let first = flights_at(&mut core, at(0));
    core.attempt_ended(at(0), first[0].1, failed());
    core.redeliver(&Redelivery { seq: Seq(1), subject: 9, cause: Cause::OutOfTurn }, 1, 1);
    assert_eq!(seqs(&flights_at(&mut core, at(1000))).len(), 1);
    assert_eq!(seqs(&flights_at(&mut core, at(1999))), [0; 0]);
    assert_eq!(seqs(&flights_at(&mut core, at(2001))).len(), 1);
}

#[test]
fn another_rate_holds_at_once_and_without_one_all_goes() {
    let mut core = paced(1, 1);
    feed(&mut core, &events(8));
    assert_eq!(seqs(&flights_at(&mut core, at(0))), [10]);
    core.set_policy(Policy { rate: Some(RateLimit { per_s: 100, burst: 2 }), ..core.policy.clone() });
    assert_eq!(seqs(&flights_at(&mut core, at(10))), [11]);
    core.set_policy(Policy { rate: None, ..core.policy.clone() });
    assert_eq!(seqs(&flights_at(&mut core, at(10))).len(), 6);
    assert_eq!(core.next_wait(at(10)), None);
}

#[test]
fn fewer_requests_in_flight_hold_at_once() {
    let mut core = roomy(Ordering::None);
    feed(&mut core, &events(8));
    assert_eq!(flights(&mut core).len(), 8);
    feed(&mut core, &[(18, 18)]);
    let limits = Limits { in_flight_max: 2, ..core.policy.limits };
    core.set_policy(Policy { limits, ..core.policy.clone() });
    for ticket in 0..7 {
        assert_eq!(flights(&mut core), []);
        end(&mut core, Ticket(ticket), DELIVERED);
    }
    assert_eq!(seqs(&flights(&mut core)), [18]);
}
