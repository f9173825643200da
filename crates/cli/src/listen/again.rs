//! `--event`: forwards single events once more.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::ids::EventId;

use super::delivering::Deliveries;
use super::forwarding::Forwarder;
use super::lanes::Lanes;
use super::report::Report;
use crate::client::ManagementClient;
use crate::events_api::{Reconnects, Signal, Start, StreamedEvent, Subscription, Wish};
use crate::exit::Failure;
use crate::session::Session;

/// By how much the clock that made an id may have been off.
const CLOCK_SLACK: Duration = Duration::from_secs(60);
/// After the server has said that it has looked at everything: how long nothing comes until that was the end.
const QUIET: Duration = Duration::from_secs(1);

/// Finds events in the log, and forwards them.
pub(super) async fn forward_again(
    session: &Session,
    forwarder: Arc<Forwarder>,
    mut report: Report<'_>,
    ids: &[EventId],
) -> Result<(), Failure> {
    let mut interrupted = pin!(session.interrupts().next());
    let work = async {
        let events = find(session, ids).await?;
        let missing: Vec<String> = missing(ids, &events).map(ToString::to_string).collect();
        for id in &missing {
            session.messages().warning(&format!("{id} is not in the log, or not any more"));
        }
        forward(forwarder, &mut report, events).await;
        report.name_failed();
        match (missing.len(), report.failed()) {
            (0, 0) => Ok(()),
            (0, failed) => Err(Failure::refused(format!("{failed} of {} events have failed", ids.len()))),
            (missing, _) => Err(Failure::refused(format!("{missing} of {} events were not found", ids.len()))),
        }
    };
    tokio::select! {
        biased;
        () = &mut interrupted => Err(Failure::interrupted()),
        done = work => done,
    }
}

async fn forward(forwarder: Arc<Forwarder>, report: &mut Report<'_>, events: Vec<StreamedEvent>) {
    let (mut lanes, mut deliveries) = (Lanes::default(), Deliveries::new(forwarder));
    events.into_iter().for_each(|event| lanes.push(event));
    while lanes.open() > 0 {
        while deliveries.have_room() {
            let Some((ticket, event)) = lanes.next() else { break };
            deliveries.begin(ticket, event);
        }
        let Some(made) = deliveries.next().await else { return };
        report.made(&made);
        if made.follows.is_end() {
            lanes.settle(made.ticket);
        }
    }
}

fn missing<'a>(ids: &'a [EventId], found: &[StreamedEvent]) -> impl Iterator<Item = &'a EventId> {
    let found: BTreeSet<String> = found.iter().map(|event| event.id.clone()).collect();
    ids.iter().filter(move |id| !found.contains(&id.to_string()))
}

/// Finds events by their ids, which say when they were made; and where that is not so, everywhere.
async fn find(session: &Session, ids: &[EventId]) -> Result<Vec<StreamedEvent>, Failure> {
    let client = session.client().await?;
    let progress = session.spinner("looking for the events");
    let now = session.surroundings().clock.now().wall;
    let first = ids.iter().map(|id| id.stated_time()).min().unwrap_or(now);
    let found = search(session, client, ids, Start::at(first.minus(CLOCK_SLACK)), now).await?;
    if missing(ids, &found).next().is_none() {
        return Ok(found);
    }
    progress.say("looking for the events in the whole log");
    search(session, client, ids, Start::oldest(), now).await
}

/// Reads from `start` on, until all are found or the log ends.
async fn search(
    session: &Session,
    client: &ManagementClient,
    ids: &[EventId],
    start: Start,
    now: Timestamp,
) -> Result<Vec<StreamedEvent>, Failure> {
    let wanted: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    let mut found: Vec<StreamedEvent> = Vec::new();
    let wish = Wish { types: Vec::new(), start, reconnects: Reconnects::Always };
    let mut subscription = Subscription::new(client, wish, &*session.surroundings().entropy);
    let mut is_at_end = false;
    while found.len() < wanted.len() {
        let told = match is_at_end {
            false => subscription.next().await,
            true => match tokio::time::timeout(QUIET, subscription.next()).await {
                Ok(told) => told,
                Err(_) => break,
            },
        };
        is_at_end = false;
        match told {
            None => break,
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(Signal::Progress(_))) => is_at_end = true,
            Some(Ok(Signal::Event(event))) => {
                let is_newer = event.time.is_some_and(|time| time > now.plus(CLOCK_SLACK));
                if wanted.contains(&event.id) && found.iter().all(|each| each.id != event.id) {
                    found.push(event);
                } else if is_newer {
                    break;
                }
            }
            Some(Ok(_)) => {}
        }
    }
    Ok(found)
}
