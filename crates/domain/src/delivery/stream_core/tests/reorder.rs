//! Another ordering for a stream that is under way.

use super::*;

fn reorder(core: &mut StreamCore<u64>, ordering: Ordering) {
    core.set_policy(Policy { ordering, ..core.policy.clone() });
}

#[test]
fn made_strict_it_sends_nothing_new_before_everything_earlier_has_ended() {
    let mut core = roomy(Ordering::Subject);
    feed(&mut core, &[(10, 1), (11, 2), (12, 3), (13, 1)]);
    let first = flights(&mut core);
    assert_eq!(seqs(&first), [10, 11, 12]);
    end(&mut core, first[1].1, failed());
    reorder(&mut core, Ordering::Strict);
    feed(&mut core, &[(14, 4)]);
    // 11 waits to be tried again, 10 and 12 are in flight.
    assert_eq!(flights_at(&mut core, later(2)), [], "its time has come, but not its turn");
    end(&mut core, first[2].1, DELIVERED);
    assert_eq!(flights_at(&mut core, later(2)), []);
    end(&mut core, first[0].1, DELIVERED);
    for expected in [11, 13, 14] {
        let next = flights_at(&mut core, later(2));
        assert_eq!(seqs(&next), [expected]);
        end(&mut core, next[0].1, DELIVERED);
    }
    assert_eq!(core.position(), Position::at(Seq(15)));
}

#[test]
fn what_waits_to_be_tried_again_keeps_its_time_in_another_lane() {
    let mut core = roomy(Ordering::None);
    feed(&mut core, &[(10, 1), (11, 1)]);
    let first = flights(&mut core);
    end(&mut core, first[0].1, failed());
    reorder(&mut core, Ordering::Subject);
    end(&mut core, first[1].1, DELIVERED);
    assert_eq!(flights(&mut core), [], "it is its turn, but not its time");
    assert_eq!(seqs(&flights_at(&mut core, later(2))), [10]);
}

#[test]
fn without_an_ordering_nothing_waits_for_its_turn_any_more() {
    let mut core = roomy(Ordering::Strict);
    feed(&mut core, &[(10, 1), (11, 1), (12, 1)]);
    assert_eq!(seqs(&flights(&mut core)), [10]);
    reorder(&mut core, Ordering::None);
    assert_eq!(seqs(&flights(&mut core)), [11, 12]);
}

#[test]
fn what_is_parked_holds_back_by_the_ordering_that_holds_now() {
    let mut core = roomy(Ordering::Subject);
    feed(&mut core, &[(10, 1)]);
    let first = flights(&mut core);
    end(&mut core, first[0].1, throttled());
    feed(&mut core, &[(11, 2)]);
    let second = flights(&mut core);
    assert_eq!(seqs(&second), [11]);
    reorder(&mut core, Ordering::Strict);
    feed(&mut core, &[(12, 2)]);
    assert_eq!(core.parked(), 2, "it waits behind the parked one");
    end(&mut core, second[0].1, DELIVERED);
    reorder(&mut core, Ordering::None);
    feed(&mut core, &[(13, 1)]);
    assert_eq!(seqs(&flights(&mut core)), [13]);
}

#[test]
fn parking_in_a_lane_of_its_own_past_leaves_alone_what_is_in_flight() {
    let mut core = roomy(Ordering::Subject);
    feed(&mut core, &[(10, 1), (11, 2), (12, 3), (13, 3)]);
    let first = flights(&mut core);
    assert_eq!(seqs(&first), [10, 11, 12]);
    reorder(&mut core, Ordering::Strict);
    end(&mut core, first[0].1, throttled());
    assert_eq!((core.in_flight(), core.parked()), (2, 2), "13 is parked behind 10");
    end(&mut core, first[1].1, DELIVERED);
    end(&mut core, first[2].1, DELIVERED);
    assert_eq!((core.in_flight(), core.held()), (0, 0));
    assert_eq!(core.position(), Position::at(Seq(14)));
}

#[test]
fn what_was_in_flight_out_of_order_is_tried_again_in_order() {
    let mut core = roomy(Ordering::None);
    feed(&mut core, &[(10, 1), (11, 1), (12, 1)]);
    let first = flights(&mut core);
    assert_eq!(seqs(&first), [10, 11, 12]);
    reorder(&mut core, Ordering::Subject);
    end(&mut core, first[2].1, failed());
    end(&mut core, first[1].1, failed());
    assert_eq!(flights_at(&mut core, later(2)), [], "10 is still in flight");
    end(&mut core, first[0].1, failed());
    for expected in [10, 11, 12] {
        let next = flights_at(&mut core, later(2));
        assert_eq!(seqs(&next), [expected]);
        end(&mut core, next[0].1, DELIVERED);
    }
}
