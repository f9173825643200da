//! Events that a stream's filter does not let pass.

use super::*;

#[test]
fn what_does_not_pass_is_done_with_and_counts_for_nothing() {
    let mut core = roomy(Ordering::None);
    feed(&mut core, &[(10, 1), (11, 2), (12, 3)]);
    let sent = flights(&mut core);
    end(&mut core, sent[0].1, refused());
    end(&mut core, sent[1].1, Outcome::FilteredOut);
    let progress = core.take_progress().unwrap();
    assert_eq!((progress.cycles.delivered, progress.cycles.failed), (0, 1));
    assert_eq!(progress.health.in_row, 1, "the row of failures is neither longer nor broken");
    assert_eq!(progress.position.cursor(), Seq(12), "only the third is still open");
}

#[test]
fn a_failed_delivery_that_no_longer_passes_is_no_failure_any_more() {
    let mut core = roomy(Ordering::None);
    feed(&mut core, &[(10, 1)]);
    let first = flights(&mut core);
    end(&mut core, first[0].1, refused());
    core.redeliver(&Redelivery { seq: Seq(10), subject: 1, cause: Cause::Failed }, 1, 10);
    let again = flights(&mut core);
    end(&mut core, again[0].1, Outcome::FilteredOut);
    let progress = core.take_progress().unwrap();
    assert!(progress.rows.contains(&RowChange::Recovered { seq: Seq(10) }));
    assert_eq!(progress.health.outstanding, 0);
}
