//! What is not saved is bounded, and said to be due before the bound is reached.

use super::*;

/// A core whose crash may repeat four deliveries.
fn careful() -> StreamCore<u64> {
    let limits = Limits { unsaved_max: 4, ..Limits::default() };
    let policy = Policy { ordering: Ordering::None, limits, ..Policy::default() };
    let mut core =
        StreamCore::restore(policy, Phase::Enabled, Saved { position: Position::at(Seq(10)), ..Saved::default() });
    feed(&mut core, &(10..40).map(|seq| (seq, seq)).collect::<Vec<_>>());
    core
}

fn deliver(core: &mut StreamCore<u64>, flights: &[(u64, Ticket)]) {
    for (_, ticket) in flights {
        end(core, *ticket, DELIVERED);
    }
}

#[test]
fn no_more_is_sent_than_a_crash_may_repeat() {
    let mut core = careful();
    let first = flights(&mut core);
    assert_eq!(seqs(&first), [10, 11, 12, 13]);
    deliver(&mut core, &first[..3]);
    assert!(flights(&mut core).is_empty(), "three are not saved and one is in flight");
    let progress = core.take_progress().unwrap();
    assert_eq!((progress.position.cursor(), flights(&mut core).len()), (Seq(13), 0), "taken is not saved");
    core.progress_saved();
    assert_eq!(seqs(&flights(&mut core)), [14, 15, 16]);
}

#[test]
fn half_of_that_is_to_be_saved_at_once() {
    let mut core = careful();
    let first = flights(&mut core);
    deliver(&mut core, &first[..1]);
    assert!(!core.save_due());
    deliver(&mut core, &first[1..2]);
    assert!(core.save_due());
    core.take_progress();
    assert!(!core.save_due(), "it is being saved");
    core.progress_saved();
    assert!(!core.save_due());
    end(&mut core, first[2].1, refused());
    assert!(core.take_progress().is_some_and(|progress| progress.rows.len() == 1));
}

#[test]
fn an_attempt_that_is_made_again_is_nothing_to_save() {
    let mut core = careful();
    for (_, ticket) in flights(&mut core) {
        end(&mut core, ticket, failed());
    }
    assert!(!core.save_due());
    assert_eq!(seqs(&flights(&mut core)), [14, 15, 16, 17], "others go on meanwhile");
}
