//! Moving a stream.

use super::*;

#[test]
fn moved_back_it_forgets_what_it_will_read_again_and_keeps_the_rest() {
    let mut core = roomy(Ordering::Subject);
    // Two subjects; of each, one is in flight and one waits.
    feed(&mut core, &[(10, 1), (11, 2), (12, 1), (13, 2)]);
    let first = flights(&mut core);
    assert_eq!(seqs(&first), [10, 11]);
    core.seek(Seq(11));
    assert_eq!(core.position(), Position { frontier: Seq(11), open: vec![Seq(10)] });
    // Read again, the event whose former attempt is still under way waits for its end.
    feed(&mut core, &[(11, 2), (12, 1), (13, 2)]);
    assert_eq!(flights(&mut core), []);
    end(&mut core, first[1].1, failed());
    assert_eq!(core.health(), Health::default(), "what became of it counts for nothing");
    let again = flights(&mut core);
    assert_eq!(seqs(&again), [11]);
    end(&mut core, first[0].1, DELIVERED);
    end(&mut core, again[0].1, DELIVERED);
    assert_eq!(core.position(), Position { frontier: Seq(14), open: vec![Seq(12), Seq(13)] });
    let rest = flights(&mut core);
    assert_eq!(seqs(&rest), [12, 13]);
    end(&mut core, first[1].1, DELIVERED);
    for (_, ticket) in rest {
        end(&mut core, ticket, DELIVERED);
    }
    assert_eq!((core.position(), core.in_flight(), core.held()), (Position::at(Seq(14)), 0, 0));
}

#[test]
fn moved_forward_it_passes_over_what_it_has_not_taken_up() {
    let mut core = roomy(Ordering::Subject);
    feed(&mut core, &[(10, 1), (11, 1)]);
    core.seek(Seq(50));
    assert_eq!(core.position(), Position { frontier: Seq(50), open: vec![Seq(10), Seq(11)] });
    feed(&mut core, &[(30, 2), (50, 2)]);
    let first = flights(&mut core);
    assert_eq!(seqs(&first), [10, 50], "30 has been passed over");
    end(&mut core, first[0].1, DELIVERED);
    assert_eq!(seqs(&flights(&mut core)), [11]);
}

#[test]
fn no_event_is_in_flight_twice_after_moving_back_whatever_the_ordering() {
    for ordering in [Ordering::Subject, Ordering::None, Ordering::Strict] {
        let mut core = roomy(ordering);
        feed(&mut core, &[(10, 1)]);
        let first = flights(&mut core);
        core.seek(Seq(10));
        feed(&mut core, &[(10, 1)]);
        assert_eq!(flights(&mut core), [], "{ordering:?}");
        end(&mut core, first[0].1, DELIVERED);
        let again = flights(&mut core);
        assert_eq!(seqs(&again), [10], "{ordering:?}");
        end(&mut core, again[0].1, DELIVERED);
        assert_eq!(core.position(), Position::at(Seq(11)));
    }
}

#[test]
fn moved_back_it_drops_the_parked_events_that_it_will_read_again() {
    let mut core = roomy(Ordering::Subject);
    feed(&mut core, &[(10, 1), (11, 2), (12, 2)]);
    for (_, ticket) in flights(&mut core) {
        end(&mut core, ticket, throttled());
    }
    assert_eq!(core.parked(), 3, "the second about a subject waits behind the first");
    core.seek(Seq(11));
    assert_eq!(core.parked(), 1);
    let rows = core.take_progress().unwrap().rows;
    assert!(matches!(&rows[0], RowChange::Parked(row) if row.seq == Seq(10)));
    let dropped = [11, 12].map(|seq| RowChange::Unparked { seq: Seq(seq) });
    assert_eq!(rows[1..], dropped, "what the store has dropped is not written again");
    feed(&mut core, &[(11, 2), (12, 2), (13, 1)]);
    let again = flights(&mut core);
    assert_eq!(seqs(&again), [11], "what was parked below still holds back its subject");
    // Its time comes; its event is fetched.
    let mut orders = Vec::new();
    core.orders(later(61), &mut orders);
    assert!(orders.contains(&Order::Load(vec![Seq(10)])), "{orders:?}");
}

#[test]
fn an_answer_to_a_load_from_before_the_move_is_no_answer() {
    let mut core = roomy(Ordering::Subject);
    let position = Position { frontier: Seq(10), open: vec![Seq(5), Seq(8)] };
    core = StreamCore::restore(core.policy.clone(), Phase::Enabled, Saved { position, ..Saved::default() });
    assert_eq!(orders(&mut core), [Order::Load(vec![Seq(5), Seq(8)])]);
    core.seek(Seq(7));
    core.loaded(Moment::default(), Seq(5), Some((1, 1, 5)));
    core.loaded(Moment::default(), Seq(8), Some((1, 1, 8)));
    assert_eq!(core.position(), Position { frontier: Seq(7), open: vec![Seq(5)] });
    feed(&mut core, &[(8, 1)]);
    assert_eq!(seqs(&flights(&mut core)), [5], "8 waits behind it");
}

#[test]
fn a_failed_delivery_that_is_read_again_is_settled_or_has_more_attempts() {
    let mut core = roomy(Ordering::Subject);
    feed(&mut core, &[(10, 1), (11, 2)]);
    for (_, ticket) in flights(&mut core) {
        end(&mut core, ticket, refused());
    }
    assert_eq!(core.health(), Health { in_row: 2, outstanding: 2 });
    assert_eq!(core.take_progress().unwrap().rows.len(), 2);
    core.seek(Seq(10));
    feed(&mut core, &[(10, 1), (11, 2)]);
    let again = flights(&mut core);
    end(&mut core, again[0].1, DELIVERED);
    end(&mut core, again[1].1, refused());
    assert_eq!(core.health(), Health { in_row: 1, outstanding: 1 });
    let rows = core.take_progress().unwrap().rows;
    assert_eq!(rows[0], RowChange::Recovered { seq: Seq(10) });
    assert!(
        matches!(&rows[1..], [RowChange::FailedAgain { seq: Seq(11), attempts, redelivery: false }] if attempts.len() == 1)
    );
    // What was delivered meanwhile is not redelivered, although somebody asks for it.
    core.redeliver(&Redelivery { seq: Seq(10), subject: 1, cause: Cause::Failed }, 1, 10);
    assert_eq!(core.held(), 0);
    core.failures_expired(Seq(12));
    assert_eq!(core.health().outstanding, 0);
}

#[test]
fn a_disabled_stream_is_moved_and_goes_on_there() {
    let mut core = roomy(Ordering::Subject);
    feed(&mut core, &[(10, 1), (11, 2), (12, 3)]);
    let first = flights(&mut core);
    end(&mut core, first[0].1, DELIVERED);
    core.disable(Moment::default());
    core.seek(Seq(12));
    end(&mut core, first[2].1, failed());
    assert_eq!(core.position(), Position { frontier: Seq(12), open: vec![Seq(11)] });
    core.enable();
    end(&mut core, first[1].1, DELIVERED);
    feed(&mut core, &[(12, 3)]);
    assert_eq!(seqs(&flights(&mut core)), [12]);
    assert_eq!(core.position(), Position { frontier: Seq(13), open: vec![Seq(12)] });
}
