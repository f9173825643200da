//! What is delivered beside the log.

use super::*;

/// A core with these failed deliveries, in which `limit` requests are in flight at once.
fn failing(ordering: Ordering, failed: std::ops::Range<u64>, limit: usize) -> StreamCore<u64> {
    let limits = Limits { in_flight_start: limit, in_flight_max: limit, ..Limits::default() };
    let policy = Policy { ordering, limits, ..Policy::default() };
    let failed = failed.map(Seq).collect();
    let saved = Saved { position: Position::at(Seq(1000)), failed, ..Saved::default() };
    StreamCore::restore(policy, Phase::Enabled, saved)
}

fn redeliver(core: &mut StreamCore<u64>, seq: u64, subject: u64, cause: Cause) {
    core.redeliver(&Redelivery { seq: Seq(seq), subject, cause }, 1, seq);
}

#[test]
fn new_events_pass_redeliveries_that_their_receiver_keeps_waiting() {
    let mut core = failing(Ordering::Subject, 0..256, 16);
    for seq in 0..256 {
        redeliver(&mut core, seq, seq, Cause::Failed);
    }
    let hanging = flights(&mut core);
    assert_eq!(hanging.len(), 12, "a quarter stays free");
    for seq in 1000..1100 {
        feed(&mut core, &[(seq, seq)]);
        let sent = flights(&mut core);
        assert_eq!(seqs(&sent), [seq], "no redelivery takes the place of a new event");
        end(&mut core, sent[0].1, DELIVERED);
    }
}

#[test]
fn redeliveries_get_on_beside_a_backlog() {
    let mut core = failing(Ordering::None, 0..100, 1);
    feed(&mut core, &(1000..1500).map(|seq| (seq, 1)).collect::<Vec<_>>());
    for seq in 0..100 {
        redeliver(&mut core, seq, 1, Cause::Failed);
    }
    let mut redelivered = 0;
    for _ in 0..400 {
        let sent = flights(&mut core);
        redelivered += sent.iter().filter(|(seq, _)| *seq < 1000).count();
        end(&mut core, sent[0].1, DELIVERED);
    }
    assert_eq!(redelivered, 50, "one in eight");
}

#[test]
fn a_new_event_passes_redeliveries_of_its_lane_and_one_that_waits_to_be_tried_again() {
    for ordering in [Ordering::Subject, Ordering::Strict] {
        let mut core = failing(ordering, 0..50, 16);
        for seq in 0..50 {
            redeliver(&mut core, seq, 7, Cause::Failed);
        }
        let first = flights(&mut core);
        assert_eq!(seqs(&first), [0], "{ordering:?}");
        feed(&mut core, &[(1000, 7)]);
        assert_eq!(flights(&mut core), [], "never two at once");
        end(&mut core, first[0].1, failed());
        let sent = flights(&mut core);
        assert_eq!(seqs(&sent), [1000], "{ordering:?}");
        assert_eq!(flights_at(&mut core, later(1)), [], "its turn comes after that");
        end(&mut core, sent[0].1, DELIVERED);
        assert_eq!(seqs(&flights_at(&mut core, later(1))), [0], "{ordering:?}: those behind it wait for it");
    }
}

#[test]
fn a_missed_event_is_delivered_out_of_turn_or_fails_like_any_other() {
    let mut core = failing(Ordering::Subject, 0..0, 16);
    redeliver(&mut core, 5, 1, Cause::OutOfTurn);
    redeliver(&mut core, 6, 2, Cause::OutOfTurn);
    redeliver(&mut core, 7, 3, Cause::Failed);
    assert!(core.is_redelivering(Seq(5)) && !core.is_redelivering(Seq(7)), "7 has not failed");
    let sent = flights(&mut core);
    end(&mut core, sent[0].1, DELIVERED);
    end(&mut core, sent[1].1, refused());
    assert_eq!(core.health(), Health { in_row: 1, outstanding: 1 });
    let progress = core.take_progress().unwrap();
    assert_eq!(progress.rows[0], RowChange::TurnEnded { seq: Seq(5), delivered: true });
    assert_eq!(progress.rows[1], RowChange::TurnEnded { seq: Seq(6), delivered: false });
    assert!(matches!(progress.rows[2..], [RowChange::Failed { seq: Seq(6), .. }]));
    assert_eq!((progress.cycles.delivered, progress.cycles.failed), (1, 1));
    assert_eq!(core.position(), Position::at(Seq(1000)));
}

#[test]
fn what_is_withdrawn_is_not_sent_and_can_be_asked_for_again() {
    let mut core = failing(Ordering::Subject, 0..4, 2);
    for seq in 0..4 {
        redeliver(&mut core, seq, seq, Cause::Failed);
    }
    let first = flights(&mut core);
    assert_eq!(seqs(&first), [0]);
    core.withdraw(&core.redelivering());
    assert_eq!(core.redelivering(), [Seq(0)], "what is in flight ends");
    end(&mut core, first[0].1, DELIVERED);
    assert_eq!((flights(&mut core), core.held()), (vec![], 0));
    redeliver(&mut core, 0, 0, Cause::Failed);
    assert!(core.redelivering().is_empty(), "it has been delivered");
    redeliver(&mut core, 2, 2, Cause::Failed);
    assert_eq!(seqs(&flights(&mut core)), [2]);
}

#[test]
fn another_ordering_keeps_redeliveries_beside_the_log() {
    let mut core = failing(Ordering::None, 0..4, 16);
    for seq in 0..4 {
        redeliver(&mut core, seq, seq, Cause::Failed);
    }
    let first = flights(&mut core);
    assert_eq!(first.len(), 4);
    feed(&mut core, &[(1000, 1), (1001, 2)]);
    end(&mut core, first[0].1, failed());
    let policy = Policy { ordering: Ordering::Strict, ..core.policy.clone() };
    core.set_policy(policy);
    end(&mut core, first[1].1, failed());
    end(&mut core, first[2].1, DELIVERED);
    assert_eq!(flights_at(&mut core, later(2)), [], "one is still in flight");
    end(&mut core, first[3].1, DELIVERED);
    let mut sent = Vec::new();
    while let [(seq, ticket)] = flights_at(&mut core, later(2))[..] {
        sent.push(seq);
        end(&mut core, ticket, DELIVERED);
    }
    assert_eq!(sent, [1000, 1001, 0, 1]);
    assert_eq!(core.held(), 0);
}
