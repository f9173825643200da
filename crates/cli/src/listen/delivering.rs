//! The attempts of one event, as a stream makes them.

use std::sync::Arc;
use std::time::Duration;

use domain::delivery::{Next, Policy, next_step};
use domain::event::Seq;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::forwarding::{Attempt, Forwarder};
use super::lanes::Ticket;
use crate::events_api::StreamedEvent;

/// Events that are under way at once, at most.
const IN_FLIGHT_MAX: usize = 16;

/// An attempt that has been made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) ticket: Ticket,
    pub(super) event: Arc<StreamedEvent>,
    pub(super) attempt: Attempt,
    /// Which one it was, from 1.
    pub(super) number: u32,
    pub(super) follows: Follows,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// Nothing: the program has the event.
    Delivered,
    /// Another attempt, after this.
    Another(Duration),
    /// Nothing: the event has failed.
    Failed,
}

impl Follows {
    /// Whether the event has been dealt with.
    pub(super) const fn is_end(self) -> bool {
        !matches!(self, Self::Another(_))
    }
}

/// How many attempts are made of one event.
pub(super) fn attempts_max() -> usize {
    Policy::default().schedule.waits.len() + 1
}

/// The events that are under way.
pub(super) struct Deliveries {
    forwarder: Arc<Forwarder>,
    tasks: JoinSet<()>,
    under_way: usize,
    sender: mpsc::Sender<Made>,
    made: mpsc::Receiver<Made>,
}

impl Deliveries {
    pub(super) fn new(forwarder: Arc<Forwarder>) -> Self {
        let (sender, made) = mpsc::channel(IN_FLIGHT_MAX);
        Self { forwarder, tasks: JoinSet::new(), under_way: 0, sender, made }
    }

    /// Whether there is room for another one.
    pub(super) const fn have_room(&self) -> bool {
        self.under_way < IN_FLIGHT_MAX
    }

    /// Whether any are under way.
    pub(super) const fn are_under_way(&self) -> bool {
        self.under_way > 0
    }

    /// Begins to deliver an event.
    pub(super) fn begin(&mut self, ticket: Ticket, event: StreamedEvent) {
        let (forwarder, sender) = (Arc::clone(&self.forwarder), self.sender.clone());
        while self.tasks.try_join_next().is_some() {}
        self.under_way += 1;
        self.tasks.spawn(deliver(forwarder, ticket, Arc::new(event), sender));
    }

    /// The next attempt that has been made. It may be given up at any time.
    pub(super) async fn next(&mut self) -> Option<Made> {
        let made = self.made.recv().await?;
        if made.follows.is_end() {
            self.under_way -= 1;
        }
        Some(made)
    }
}

async fn deliver(forwarder: Arc<Forwarder>, ticket: Ticket, event: Arc<StreamedEvent>, made: mpsc::Sender<Made>) {
    let policy = Policy::default();
    for number in 1.. {
        let attempt = forwarder.post(&event).await;
        let follows = match &attempt.failure {
            None => Follows::Delivered,
            // The position matters for jitter only, and there is none.
            Some(failure) => match next_step(&policy, Seq(0), number, failure) {
                Next::After(wait) | Next::ParkFor(wait) => Follows::Another(wait),
                Next::GiveUp => Follows::Failed,
            },
        };
        let told = made.send(Made { ticket, event: Arc::clone(&event), attempt, number, follows }).await;
        match follows {
            Follows::Another(wait) if told.is_ok() => tokio::time::sleep(wait).await,
            _ => return,
        }
    }
}
