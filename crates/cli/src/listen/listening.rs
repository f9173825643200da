//! The loop: reads events, lets those go that may, and remembers how far it has come.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Moment, Timestamp};

use super::delivering::{Deliveries, Made};
use super::forwarding::Forwarder;
use super::kept_place::KeptPlace;
use super::lanes::Lanes;
use super::report::Report;
use crate::client::ManagementClient;
use crate::events_api::{Reconnects, Signal, Start, StreamedEvent, SubscribeError, Subscription, Wish, span};
use crate::exit::Failure;
use crate::session::Session;

/// How often it is looked whether the place has moved and has to be saved.
const SAVE_EVERY: Duration = Duration::from_millis(200);
/// How long what is under way may take after the end.
const LEFTOVERS_MAX: Duration = Duration::from_secs(2);

/// A command that forwards what comes.
pub(super) struct Listening<'a> {
    session: &'a Session,
    report: Report<'a>,
    place: Option<KeptPlace>,
    types: Vec<String>,
    lanes: Lanes,
    deliveries: Deliveries,
    settled_to: Option<String>,
    started: Moment,
    /// How many events are older than the command; `None` once that has been said.
    missed: Option<u64>,
    was_connected: bool,
    was_saved: bool,
}

/// Why reading has stopped.
enum Stop {
    /// Ctrl+C.
    Interrupted,
    /// It cannot go on, not even from elsewhere.
    ForGood(Failure),
    /// It can go on with the oldest event.
    FromOldest(String),
}

impl<'a> Listening<'a> {
    pub(super) fn new(
        session: &'a Session,
        forwarder: Arc<Forwarder>,
        report: Report<'a>,
        place: Option<KeptPlace>,
        types: Vec<String>,
    ) -> Self {
        Self {
            session,
            report,
            place,
            types,
            lanes: Lanes::default(),
            deliveries: Deliveries::new(forwarder),
            settled_to: None,
            started: session.surroundings().clock.now(),
            missed: None,
            was_connected: false,
            was_saved: false,
        }
    }

    /// Forwards what comes from `given` on, or from where it stopped the last time, until Ctrl+C.
    pub(super) async fn run(mut self, given: Option<Start>) -> Result<(), Failure> {
        let session = self.session;
        let client = session.client().await?;
        let mut start = match given {
            Some(start) => start,
            None => self.kept_start()?,
        };
        self.missed = (start != Start::Now).then_some(0);
        let mut interrupted = pin!(session.interrupts().next());
        let ended = loop {
            let stop = tokio::select! {
                biased;
                () = &mut interrupted => Stop::Interrupted,
                stop = self.follow(client, start) => stop,
            };
            match stop {
                Stop::Interrupted => break Ok(()),
                Stop::ForGood(failure) => break Err(failure),
                Stop::FromOldest(why) => {
                    self.session.messages().warning(&format!(
                        "{why} It goes on with the oldest event that the server still has; what came between is not forwarded."
                    ));
                    start = Start::oldest();
                    self.missed.get_or_insert(0);
                }
            }
        };
        // A second Ctrl+C, or the time, ends what is still under way.
        let _ = tokio::time::timeout(LEFTOVERS_MAX, async {
            tokio::select! {
                () = session.interrupts().next() => {}
                () = self.finish() => {}
            }
        })
        .await;
        self.save();
        if self.was_connected {
            let duration = self.session.surroundings().clock.now().steady.saturating_sub(self.started.steady);
            self.report.summary(duration, self.lanes.open());
        }
        ended
    }

    /// Where it stopped the last time, or now.
    fn kept_start(&mut self) -> Result<Start, Failure> {
        let Some(place) = &mut self.place else { return Ok(Start::Now) };
        let kept = place.load().map_err(|error| {
            Failure::refused(format!("{} cannot be read: {error}", place.path().display()))
                .hint("remove it to begin with what happens from now on, or say --since")
        })?;
        let Some(kept) = kept else { return Ok(Start::Now) };
        let off = self.started.wall.since(kept.saved_at);
        self.report.note(&format!("going on from where it stopped {} ago", span::shown(off)));
        Ok(Start::After(kept.offset))
    }

    /// Reads and forwards until reading stops.
    async fn follow(&mut self, client: &ManagementClient, start: Start) -> Stop {
        let wish = Wish { types: self.types.clone(), start, reconnects: Reconnects::Always };
        let mut subscription = Subscription::new(client, wish, &*self.session.surroundings().entropy);
        let mut save = tokio::time::interval(SAVE_EVERY);
        save.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                Some(made) = self.deliveries.next() => self.made(&made),
                told = subscription.next(), if !self.lanes.are_full() => match told {
                    Some(Ok(signal)) => {
                        self.signal(signal);
                        if !self.was_saved {
                            // A kill before the first time would lose where it began.
                            self.save();
                        }
                    }
                    Some(Err(error)) => return self.stop(error),
                    None => return Stop::ForGood(Failure::refused("reading has ended")),
                },
                _ = save.tick() => self.save(),
            }
            self.begin_what_may();
        }
    }

    fn stop(&self, error: SubscribeError) -> Stop {
        match error {
            SubscribeError::Expired(_) => Stop::FromOldest("The server has forgotten what came next.".into()),
            SubscribeError::UnknownOffset(_) => Stop::FromOldest(
                "The place where it stopped is none of this server's, which is perhaps a new one.".into(),
            ),
            error => Stop::ForGood(error.into()),
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Connected if self.was_connected => self.report.note("connected again"),
            Signal::Connected => {
                self.was_connected = true;
                let tenant = self.session.tenant().unwrap_or_default();
                let target = self.report.target();
                self.session
                    .messages()
                    .line(&format!("Forwarding the events of {tenant} to {target}. Press Ctrl+C to end."));
            }
            Signal::Event(event) => {
                self.count_missed(&event);
                self.lanes.push(event);
            }
            Signal::Progress(offset) => {
                self.caught_up();
                self.lanes.progress(offset);
            }
            Signal::Problem { code, message } => self.session.messages().warning(&format!("{code}: {message}")),
            Signal::Lost { reason, wait } => {
                self.report.note(&format!("connection lost, reconnecting in {:.1}s ({reason})", wait.as_secs_f32()));
            }
            Signal::Ended(_) => {}
        }
    }

    /// Events that are older than the command are those that were missed.
    fn count_missed(&mut self, event: &StreamedEvent) {
        let is_older = event.time.is_some_and(|time: Timestamp| time < self.started.wall);
        match &mut self.missed {
            Some(missed) if is_older => *missed += 1,
            _ => self.caught_up(),
        }
    }

    fn caught_up(&mut self) {
        if let Some(missed) = self.missed.take() {
            self.report.note(&match missed {
                0 => "nothing was missed; what follows happens now".to_owned(),
                1 => "that was the one event from before; what follows happens now".to_owned(),
                _ => format!("those were {missed} events from before; what follows happens now"),
            });
        }
    }

    fn begin_what_may(&mut self) {
        while self.deliveries.have_room() {
            let Some((ticket, event)) = self.lanes.next() else { return };
            self.deliveries.begin(ticket, event);
        }
    }

    fn made(&mut self, made: &Made) {
        self.report.made(made);
        if made.follows.is_end() {
            self.lanes.settle(made.ticket);
        }
    }

    /// Waits for what is under way; nothing new begins.
    async fn finish(&mut self) {
        while self.deliveries.are_under_way() {
            match self.deliveries.next().await {
                Some(made) => self.made(&made),
                None => return,
            }
        }
    }

    /// Saves how far it has come, if it has moved.
    fn save(&mut self) {
        if let Some(offset) = self.lanes.settled_to() {
            self.settled_to = Some(offset);
        }
        let (Some(place), Some(offset)) = (&mut self.place, &self.settled_to) else { return };
        self.was_saved = true;
        if let Err(error) = place.save(offset, self.session.surroundings().clock.now().wall) {
            let path = place.path().display();
            self.session
                .messages()
                .warning(&format!("{path}: {error}; how far it comes is not remembered from here on"));
            self.place = None;
        }
    }
}
