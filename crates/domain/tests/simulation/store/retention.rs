//! Removing what is older than the log is kept.

use domain::clock::Timestamp;
use domain::event::Seq;

use super::{Store, StreamKey};

/// What a pass has removed: everything below `oldest`, and the failed deliveries of these streams with it.
pub(crate) struct Removed {
    pub(crate) oldest: Seq,
    pub(crate) failures: Vec<StreamKey>,
}

impl Store {
    /// The lowest position that an enabled stream has still to deliver.
    fn lowest_needed(&self) -> Option<Seq> {
        let enabled = self.streams.values().filter(|stored| stored.is_enabled());
        let needed = |stored: &super::StoredStream| {
            let parked = stored.parked.keys().next().copied();
            parked.into_iter().chain([stored.cursor(self.head)]).min()
        };
        enabled.filter_map(needed).min()
    }

    /// Removes a stretch from the beginning of the log, up to the first event that is not old enough.
    pub(crate) fn retention_pass(&mut self, before: Timestamp, most: usize) -> Option<Removed> {
        let (needed, newest) = (self.lowest_needed(), self.log.last()?.seq);
        let removable = |event: &&super::Event| {
            needed.is_none_or(|needed| event.seq < needed) && event.seq < newest && event.at < before
        };
        let count = self.log.iter().take(most).take_while(removable).count();
        let last = self.log[..count].last()?.seq;
        self.log.drain(..count);
        let oldest = last.next();
        let mut failures = Vec::new();
        for (key, stored) in &mut self.streams {
            let kept = stored.failures.split_off(&oldest);
            if !std::mem::replace(&mut stored.failures, kept).is_empty() {
                failures.push(*key);
            }
            stored.parked = stored.parked.split_off(&oldest);
            stored.asked.expire(oldest);
        }
        Some(Removed { oldest, failures })
    }
}
