//! Having AWS make the partner event sources of streams, and delete those whose streams have gone, where the server
//! delivers as a partner of AWS.
//!
//! What is to be done is in the store, with the streams. So a crash costs a call that AWS answers as one too many, and a
//! server that becomes a partner catches up.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use domain::ids::StreamId;
use store::{SourceWanted, StoreError, UnsettledSource};
use tokio::task::JoinSet;

use crate::destinations::Partner;
use crate::shared::{PAUSE_AFTER_ERROR, Shared, sleep};

/// How many are read at once.
const PAGE: u32 = 100;
/// Calls that are under way at the same time.
const CALLS_MAX: usize = 8;
/// How long one waits before AWS is asked again: twice as long after each time that failed.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// At most.
const WAIT_MAX: Duration = Duration::from_mins(10);

pub(crate) async fn run(shared: Arc<Shared>) {
    let Some(partner) = shared.settings.destinations.partner() else { return };
    let mut waits = Waits::default();
    while !shared.stopping.is_cancelled() {
        let pause = tokio::select! {
            () = shared.stopping.cancelled() => return,
            gone_on = go_on(&shared, &partner, &mut waits) => gone_on.unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "partner event sources cannot be looked after; trying again");
                Some(PAUSE_AFTER_ERROR)
            }),
        };
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            // They begin and end with their streams.
            () = shared.partner_event_sources.notified() => {}
            () = sleep(pause) => {}
        }
    }
}

/// Asks AWS for everything that is due; answers how long there is nothing more to do.
async fn go_on(shared: &Arc<Shared>, partner: &Partner, waits: &mut Waits) -> Result<Option<Duration>, StoreError> {
    let (mut after, mut unsettled) = (None, HashSet::new());
    loop {
        let page = shared.log.sources_take_up(after, PAGE).await?;
        after = page.last().map(|last| last.stream);
        let is_last = page.len() < PAGE as usize;
        unsettled.extend(page.iter().map(|each| each.stream));
        let now = shared.clock.now().steady;
        let due: Vec<_> = page.into_iter().filter(|each| waits.is_due(each, now)).collect();
        for some in due.chunks(CALLS_MAX) {
            settle(shared, partner, some, waits).await?;
        }
        if is_last {
            break;
        }
    }
    waits.0.retain(|stream, _| unsettled.contains(stream));
    Ok(waits.pause(shared.clock.now().steady))
}

/// Asks AWS for these at the same time.
async fn settle(
    shared: &Arc<Shared>,
    partner: &Partner,
    sources: &[UnsettledSource],
    waits: &mut Waits,
) -> Result<(), StoreError> {
    let mut calls = JoinSet::new();
    for each in sources.iter().cloned() {
        let partner = partner.clone();
        calls.spawn(async move {
            let answered = match each.wanted {
                SourceWanted::There => partner.make(&each.source).await,
                SourceWanted::Gone => partner.delete(&each.source).await,
            };
            (each, answered)
        });
    }
    for (UnsettledSource { stream, source, wanted }, answered) in calls.join_all().await {
        let (name, doing) = (source.partner_event_source.as_str(), doing(wanted));
        match answered {
            Ok(()) => {
                tracing::info!(name, account = %source.account, "AWS has {}", doing.1);
                waits.0.remove(&stream);
                shared.log.source_settled(stream, wanted).await?;
            }
            Err(problem) => {
                let wait = waits.failed(stream, wanted, shared.clock.now().steady);
                let (account, again_in_s) = (source.account, wait.as_secs());
                tracing::warn!(name, %account, problem, again_in_s, "AWS did not {}", doing.0);
            }
        }
    }
    Ok(())
}

/// What AWS is to do, and what it has done.
const fn doing(wanted: SourceWanted) -> (&'static str, &'static str) {
    match wanted {
        SourceWanted::There => ("make a partner event source", "made a partner event source"),
        SourceWanted::Gone => ("delete a partner event source", "deleted a partner event source"),
    }
}

/// Those that AWS has not taken, and when it is asked again.
#[derive(Default)]
struct Waits(HashMap<StreamId, Wait>);

struct Wait {
    wanted: SourceWanted,
    failed: u32,
    until: Duration,
}

impl Waits {
    fn is_due(&self, source: &UnsettledSource, now: Duration) -> bool {
        self.0.get(&source.stream).is_none_or(|wait| wait.wanted != source.wanted || wait.until <= now)
    }

    /// It has failed once more; answers how long it waits now.
    fn failed(&mut self, stream: StreamId, wanted: SourceWanted, now: Duration) -> Duration {
        let failed = self.0.get(&stream).filter(|wait| wait.wanted == wanted).map_or(0, |wait| wait.failed);
        let wait = WAIT_MIN.saturating_mul(2_u32.saturating_pow(failed)).min(WAIT_MAX);
        self.0.insert(stream, Wait { wanted, failed: failed.saturating_add(1), until: now + wait });
        wait
    }

    /// How long nothing is due that has failed before.
    fn pause(&self, now: Duration) -> Option<Duration> {
        self.0.values().map(|wait| wait.until.saturating_sub(now)).min()
    }
}

#[cfg(test)]
mod tests {
    use domain::destination::{AwsAccountId, AwsRegion, EventBridge, PartnerEventSource};

    use super::*;

    #[test]
    fn waits_double_and_what_is_wanted_anew_is_due() {
        let (stream, mut waits) = (StreamId::from_number(1), Waits::default());
        let mut now = Duration::ZERO;
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600] {
            let wait = waits.failed(stream, SourceWanted::There, now);
            assert_eq!((wait.as_secs(), waits.pause(now)), (seconds, Some(wait)));
            now += wait;
        }
        waits.failed(stream, SourceWanted::There, now);
        let source = |wanted| {
            let account = AwsAccountId::parse("123456789012").unwrap();
            let region = AwsRegion::from_name("eu-west-1").unwrap();
            let partner_event_source = PartnerEventSource::from_stored("aws.partner/x");
            UnsettledSource { stream, source: EventBridge { account, region, partner_event_source }, wanted }
        };
        assert!(!waits.is_due(&source(SourceWanted::There), now));
        assert!(waits.is_due(&source(SourceWanted::There), now + WAIT_MAX));
        assert!(waits.is_due(&source(SourceWanted::Gone), now));
        assert_eq!(waits.failed(stream, SourceWanted::Gone, now), WAIT_MIN);
    }
}
