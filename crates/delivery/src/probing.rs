//! Probing streams that were disabled because they kept failing, where their owners want that: now and then one event
//! is delivered, by a redelivery job that the server starts. Once the receiver has taken one, the stream is enabled,
//! and gets what it has missed.
//!
//! Nothing of this is saved but the jobs. After a crash, probing begins anew with the first wait, and with the probe
//! that was under way then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::{JobId, StreamId};
use store::{ProbeStanding, ProbedStream, StoreError};

use crate::shared::{PAUSE_AFTER_ERROR, Shared, sleep};

/// How often to look what has come of a probe.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long a disabled stream waits before it is probed: twice as long after each probe that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProbeWaits {
    /// Before the first probe.
    pub min: Duration,
    /// At most.
    pub max: Duration,
}

impl Default for ProbeWaits {
    fn default() -> Self {
        Self { min: Duration::from_secs(30), max: Duration::from_hours(1) }
    }
}

impl ProbeWaits {
    /// The wait after so many probes that failed.
    fn after(&self, failed: u32) -> Duration {
        self.min.saturating_mul(2_u32.saturating_pow(failed)).min(self.max.max(self.min))
    }
}

pub(crate) async fn run(shared: Arc<Shared>) {
    let mut probings = HashMap::new();
    while !shared.stopping.is_cancelled() {
        let pause = match go_on(&shared, &mut probings).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "disabled streams cannot be probed; trying again"
                );
                Some(PAUSE_AFTER_ERROR)
            }
        };
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            // It begins and ends with a change of its stream, so it is enough to hear of those.
            () = shared.probing.notified() => {}
            () = sleep(pause) => {}
        }
    }
}

/// Does what is due; answers how long there is nothing more to do.
async fn go_on(shared: &Shared, probings: &mut HashMap<StreamId, Probing>) -> Result<Option<Duration>, StoreError> {
    let waits = shared.settings.probe_waits;
    let probed = shared.log.streams_probed().await?;
    keep(probings, &probed, shared.clock.now().steady, &waits);
    for probing in probings.values_mut() {
        if shared.stopping.is_cancelled() {
            return Ok(None);
        }
        if let Err(error) = probing.go_on(shared).await {
            let stream = probing.probed.stream;
            tracing::error!(error = &error as &dyn std::error::Error, %stream, "a stream could not be probed");
            probing.wait(shared.clock.now().steady, &waits);
        }
    }
    let now = shared.clock.now().steady;
    Ok(probings.values().map(|probing| probing.pause(now)).min())
}

/// Forgets the streams that are not to be probed any more, and begins with new ones. One that was changed, or enabled
/// and disabled again, is new.
fn keep(probings: &mut HashMap<StreamId, Probing>, probed: &[ProbedStream], now: Duration, waits: &ProbeWaits) {
    probings.retain(|_, probing| probed.contains(&probing.probed));
    for each in probed {
        probings.entry(each.stream).or_insert_with(|| Probing::new(*each, now, waits));
    }
}

/// A stream that is being probed.
#[derive(Debug)]
struct Probing {
    probed: ProbedStream,
    /// Probes that have failed, one after another.
    failed: u32,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// The next probe begins then.
    Waiting(Duration),
    /// This one has not ended.
    UnderWay(JobId),
}

impl Probing {
    fn new(probed: ProbedStream, now: Duration, waits: &ProbeWaits) -> Self {
        Self { probed, failed: 0, step: Step::Waiting(now + waits.after(0)) }
    }

    fn wait(&mut self, now: Duration, waits: &ProbeWaits) {
        self.step = Step::Waiting(now + waits.after(self.failed));
    }

    /// How long there is nothing to do.
    fn pause(&self, now: Duration) -> Duration {
        match self.step {
            Step::Waiting(until) => until.saturating_sub(now),
            Step::UnderWay(_) => LOOK_EVERY,
        }
    }

    async fn go_on(&mut self, shared: &Shared) -> Result<(), StoreError> {
        let now = shared.clock.now();
        match self.step {
            Step::Waiting(until) if now.steady < until => {}
            Step::Waiting(_) => match shared.log.probe_begin(self.probed, now.wall).await? {
                Some(job) => self.step = Step::UnderWay(job),
                None => self.wait(now.steady, &shared.settings.probe_waits),
            },
            Step::UnderWay(job) => match shared.log.probe_standing(job).await? {
                ProbeStanding::UnderWay => {}
                ProbeStanding::Delivered => {
                    let outstanding_max = shared.settings.policy.failures_outstanding_max;
                    shared.log.stream_recover(self.probed, outstanding_max, now.wall).await?;
                    // Where it was not enabled, too much has failed; with each probe that is taken, that gets less.
                    self.failed = 0;
                    self.wait(now.steady, &shared.settings.probe_waits);
                }
                ProbeStanding::NotDelivered => {
                    self.failed = self.failed.saturating_add(1);
                    self.wait(now.steady, &shared.settings.probe_waits);
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::change::Revision;

    use super::*;

    const WAITS: ProbeWaits = ProbeWaits { min: Duration::from_secs(30), max: Duration::from_hours(1) };

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits = [0, 1, 2, 6, 7, 40, u32::MAX].map(|failed| WAITS.after(failed).as_secs());
        assert_eq!(waits, [30, 60, 120, 1920, 3600, 3600, 3600]);
        let short = ProbeWaits { max: Duration::from_secs(1), ..WAITS };
        assert_eq!(short.after(5), WAITS.min, "the first wait holds");
        assert_eq!(ProbeWaits::default(), WAITS);
    }

    #[test]
    fn a_stream_that_was_changed_begins_with_the_first_wait() {
        let probed =
            |number, revision| ProbedStream { stream: StreamId::from_number(number), revision: Revision(revision) };
        let seconds = Duration::from_secs;
        let mut probings = HashMap::new();
        keep(&mut probings, &[probed(1, 1), probed(2, 1)], seconds(0), &WAITS);
        for probing in probings.values_mut() {
            probing.failed = 3;
            probing.wait(seconds(0), &WAITS);
        }
        keep(&mut probings, &[probed(1, 1), probed(2, 3)], seconds(10), &WAITS);
        let pause = |number: u128| probings[&StreamId::from_number(number)].pause(seconds(10));
        assert_eq!([1, 2].map(pause), [seconds(230), seconds(30)]);
        keep(&mut probings, &[], seconds(20), &WAITS);
        assert!(probings.is_empty());
    }
}
