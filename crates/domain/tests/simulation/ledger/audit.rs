//! What holds over the whole of a stream.

use domain::event::Seq;

use super::super::Checked;
use super::super::store::StoredStream;
use super::{Expected, Ledger, Pending};

impl Ledger {
    /// A restart at this moment would lose nothing: whatever the store claims to be settled is.
    pub(crate) fn audit(&self, stored: &StoredStream, head: Seq) -> Checked {
        let frontier = stored.frontier(head);
        for seq in self.unsettled.range(..frontier) {
            let open = stored.position.open.binary_search(seq).is_ok();
            if !open && !stored.parked.contains_key(seq) {
                return Err(format!(
                    "{seq:?} is lost: the store is at {frontier:?} (at head: {}), has {:?} open and no row of it",
                    stored.at_head, stored.position.open
                ));
            }
        }
        let settled = |seq: &&Seq| {
            let owed = self.events.get(*seq).is_none_or(|expected| !expected.expired);
            owed && !self.unsettled.contains(*seq)
        };
        if let Some(seq) = stored.position.open.iter().chain(stored.parked.keys()).find(settled) {
            return Err(format!("the store holds {seq:?} as open although it is settled"));
        }
        let failed = |(_, expected): &(&Seq, &Expected)| expected.saved.failed;
        let ours: Vec<_> = self.events.iter().filter(failed).map(|(seq, each)| (*seq, each.requested)).collect();
        let theirs: Vec<_> = stored.failures.iter().map(|(seq, requested)| (*seq, *requested)).collect();
        if ours != theirs {
            return Err(format!("failed deliveries are {ours:?} but the store holds {theirs:?}"));
        }
        self.audit_beside(stored)
    }

    /// At the end: nothing has to be delivered any more, and what was wanted has arrived or stands as failed.
    pub(crate) fn settled(&self) -> Checked {
        let pending = |each: &Expected| each.now.pending != Pending::No || each.saved.pending != Pending::No;
        let owed = self.events.iter().find(|(_, expected)| pending(expected) && !expected.expired);
        match owed {
            None => Ok(()),
            Some((seq, expected)) => Err(format!("{seq:?} is still owed at the end: {expected:?}")),
        }
    }
}
