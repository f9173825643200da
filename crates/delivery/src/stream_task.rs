//! One stream's task: it obeys the stream's core. What it starts runs in a set of its own, so a receiver
//! that hangs holds up nobody else.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::delivery::{Feed, Order, Outcome, Phase, Redelivery, Ticket};
use domain::event::{LoggedEvent, Seq};
use store::{LogChunk, ReadLimit, StoreError};
use tokio::task::JoinSet;

use crate::catch_up;
use crate::destinations::{Delivery, Destination};
use crate::live_stream::{LiveState, LiveStream};
use crate::shared::{PAUSE_AFTER_ERROR, Shared, sleep};

/// Bytes of bodies read at once by a stream that is behind, at most.
const READ_BYTES: usize = 1024 * 1024;

/// Events looked at in one read by a stream that is behind; most may not be for it.
const READ_EVENTS: usize = 1024;

/// Redeliveries fetched at once.
const REDELIVERIES_FETCHED: u32 = 256;

/// What something that the task started came to.
enum Done {
    Attempt(Ticket, Outcome),
    Loaded(Vec<Seq>, Vec<Arc<LoggedEvent>>),
    /// The chunk, and the count of moves when it was begun: a stream that was moved since does not want it.
    Read(u64, LogChunk),
    Redeliveries {
        saves: u64,
        found: Vec<(Redelivery, Arc<LoggedEvent>)>,
        all: bool,
        /// Some were passed over because the store has not heard yet that they have ended.
        unsaved: bool,
    },
    /// Redeliveries that nobody wants any more.
    Withdrawn(Vec<Seq>),
}

pub(crate) struct StreamTask {
    shared: Arc<Shared>,
    stream: Arc<LiveStream>,
    work: JoinSet<Done>,
    orders: Vec<Order<Arc<LoggedEvent>>>,
    reading: bool,
    fetching: bool,
}

impl StreamTask {
    pub(crate) fn new(shared: Arc<Shared>, stream: Arc<LiveStream>) -> Self {
        Self { shared, stream, work: JoinSet::new(), orders: Vec::new(), reading: false, fetching: false }
    }

    pub(crate) async fn run(mut self) {
        let stopping = self.shared.stopping.clone();
        let stream = Arc::clone(&self.stream);
        loop {
            let wait = if stopping.is_cancelled() {
                if stream.state().core.in_flight() == 0 {
                    return;
                }
                None
            } else {
                self.turn()
            };
            tokio::select! {
                Some(done) = self.work.join_next() => {
                    self.ended(done);
                }
                () = stream.wake.notified() => {}
                () = sleep(wait) => {}
                () = stream.removed.cancelled() => return,
                () = stopping.cancelled(), if !stopping.is_cancelled() => {}
            }
        }
    }

    /// Starts what is to be done now; answers after how long there may be more although nothing happens.
    fn turn(&mut self) -> Option<Duration> {
        let now = self.shared.clock.now();
        let mut state = self.stream.state();
        let state = &mut *state;
        state.core.orders(now, &mut self.orders);
        state.window.hold(state.core.held_bytes());
        let destination = &state.destination;
        for order in self.orders.drain(..) {
            match order {
                Order::Send { ticket, attempt, payload, .. } => {
                    self.work.spawn(send(
                        Arc::clone(destination),
                        ticket,
                        Delivery { event: payload, attempt, payload: None },
                    ));
                }
                Order::Load(seqs) => {
                    self.work.spawn(load(Arc::clone(&self.shared), seqs));
                }
            }
        }
        if state.core.save_due() {
            self.shared.save_due.notify_one();
        }
        if !self.reading && wants_to_read(state) {
            self.reading = true;
            let frontier = state.core.frontier();
            let wanted = state.spans.next_wanted(frontier);
            let bytes = READ_BYTES.min(state.window.room());
            self.work.spawn(read(Arc::clone(&self.shared), state.seeks, (frontier, wanted), bytes));
        }
        if !self.fetching
            && state.core.redelivery_room() > 0
            && self.stream.redeliveries_waiting.swap(false, Ordering::AcqRel)
        {
            self.fetching = true;
            self.work.spawn(fetch(Arc::clone(&self.shared), Arc::clone(&self.stream), state.saves));
        }
        // What is being fetched was wanted when that was begun: it is asked about once it is there.
        if !self.fetching && self.stream.withdrawn.swap(false, Ordering::AcqRel) {
            let seqs = state.core.redelivering();
            if !seqs.is_empty() {
                self.work.spawn(withdrawn(Arc::clone(&self.shared), Arc::clone(&self.stream), seqs));
            }
        }
        state.core.next_wait(now)
    }

    /// Tells the core what has ended: this, and whatever else has by now.
    fn ended(&mut self, first: Result<Done, tokio::task::JoinError>) {
        let mut next = Some(first);
        while let Some(done) = next {
            match done {
                Ok(done) => self.tell(done),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {}
            }
            next = self.work.try_join_next();
        }
        self.shared.mark_dirty(&self.stream);
    }

    fn tell(&mut self, done: Done) {
        let now = self.shared.clock.now();
        match done {
            Done::Attempt(ticket, outcome) => self.stream.state().core.attempt_ended(now, ticket, outcome),
            Done::Loaded(seqs, events) => {
                let mut state = self.stream.state();
                let mut events = events.into_iter().peekable();
                for seq in seqs {
                    let found = events.next_if(|event| event.seq == seq);
                    let found = found.map(|event| (event.event.subject.fingerprint(), event.event.body.len(), event));
                    state.core.loaded(now, seq, found);
                }
            }
            Done::Read(seeks, chunk) => {
                self.reading = false;
                self.take_chunk(seeks, &chunk);
            }
            Done::Redeliveries { saves, found, all, unsaved } => {
                self.fetching = false;
                self.take_redeliveries(saves, found, all);
                if unsaved {
                    self.look_again();
                }
            }
            Done::Withdrawn(seqs) => {
                self.stream.state().core.withdraw(&seqs);
                // Their job may have been resumed since the store was asked: then they were passed over meanwhile.
                self.look_again();
            }
        }
    }

    /// Takes what was read behind the head, and joins the head where it has been reached.
    fn take_chunk(&self, seeks: u64, chunk: &LogChunk) {
        let now = self.shared.clock.now();
        let mut head = self.shared.head();
        let mut state = self.stream.state();
        if state.at_head || state.seeks != seeks || state.core.phase() == Phase::Disabled {
            return;
        }
        let is_for = |logged: &&Arc<LoggedEvent>| logged.tenant == self.stream.tenant && logged.is_for(self.stream.id);
        for logged in chunk.events.iter().filter(is_for) {
            if logged.seq < state.core.frontier() {
                continue;
            }
            if state.offer(now, logged) == Feed::Full {
                state.core.advance(logged.seq);
                return;
            }
        }
        state.core.advance(chunk.next);
        let frontier = state.core.frontier();
        let types = state.spans.wanted_from(frontier);
        if head.join(self.stream.id, frontier, self.stream.tenant, types) {
            state.set_at_head(true);
        }
    }

    /// Looks for redeliveries once more, when the store knows of those that have ended.
    fn look_again(&self) {
        let mut state = self.stream.state();
        if state.core.redeliveries_unsaved() {
            state.look_after_saving = true;
        } else {
            self.stream.redeliveries_waiting.store(true, Ordering::Release);
        }
    }

    fn take_redeliveries(&self, saves: u64, found: Vec<(Redelivery, Arc<LoggedEvent>)>, all: bool) {
        let mut state = self.stream.state();
        let mut more = !all;
        for (redelivery, event) in found {
            if state.saves != saves || state.core.redelivery_room() == 0 {
                // What was found may have been saved as done meanwhile: look again.
                more = true;
                break;
            }
            state.core.redeliver(&redelivery, event.event.body.len(), event);
        }
        if more {
            self.stream.redeliveries_waiting.store(true, Ordering::Release);
        }
    }
}

/// A stream behind the head reads on once half of its window is free, so that it reads in large pieces.
fn wants_to_read(state: &LiveState) -> bool {
    let room = state.core.room();
    !state.at_head && room > 0 && room >= state.core.held() && state.window.is_half_free()
}

async fn send(destination: Arc<dyn Destination>, ticket: Ticket, delivery: Delivery) -> Done {
    Done::Attempt(ticket, destination.deliver(delivery).await)
}

/// Asks the store until it answers.
async fn insist<T, F: Future<Output = Result<T, StoreError>>>(ask: impl Fn() -> F) -> T {
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the log cannot be read; trying again");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

async fn load(shared: Arc<Shared>, seqs: Vec<Seq>) -> Done {
    let mut sorted = seqs.clone();
    sorted.sort_unstable();
    let events = insist(|| shared.log.log_get(&sorted)).await;
    Done::Loaded(sorted, events)
}

/// Reads from `frontier` up to the head, passing over what nobody wants before `wanted`.
async fn read(shared: Arc<Shared>, seeks: u64, (frontier, wanted): (Seq, Option<Seq>), bytes: usize) -> Done {
    let until = shared.head().frontier();
    let from = wanted.unwrap_or(until).min(until).max(frontier);
    if from >= until {
        return Done::Read(seeks, LogChunk { events: Vec::new(), next: from });
    }
    let events = catch_up::events_allowed(&shared, from, until, READ_EVENTS).await;
    let limit = ReadLimit { events, bytes };
    Done::Read(seeks, insist(|| shared.log.log_read(from, until, limit)).await)
}

async fn fetch(shared: Arc<Shared>, stream: Arc<LiveStream>, saves: u64) -> Done {
    let mut found = Vec::new();
    let mut after = Seq::ZERO;
    let mut unsaved = false;
    loop {
        let page = insist(|| shared.log.redeliveries_waiting(stream.id, after, REDELIVERIES_FETCHED)).await;
        let all = page.len() < usize::try_from(REDELIVERIES_FETCHED).unwrap_or(usize::MAX);
        after = page.last().map_or(after, |last| last.seq);
        let room = {
            let state = stream.state();
            unsaved |= page.iter().any(|each| state.core.has_redelivered(each.seq));
            found.extend(page.into_iter().filter(|each| !state.core.is_redelivering(each.seq)));
            state.core.redelivery_room()
        };
        if all || found.len() >= room {
            let all = all && found.len() <= room;
            found.truncate(room);
            let seqs: Vec<Seq> = found.iter().map(|each| each.seq).collect();
            let events = insist(|| shared.log.log_get(&seqs)).await;
            return Done::Redeliveries { saves, found: pair(found, events), all, unsaved };
        }
    }
}

async fn withdrawn(shared: Arc<Shared>, stream: Arc<LiveStream>, seqs: Vec<Seq>) -> Done {
    Done::Withdrawn(insist(|| shared.log.redeliveries_withdrawn(stream.id, seqs.clone())).await)
}

/// Each redelivery with its event; both are in order, and an event may have been removed.
fn pair(found: Vec<Redelivery>, events: Vec<Arc<LoggedEvent>>) -> Vec<(Redelivery, Arc<LoggedEvent>)> {
    let mut events = events.into_iter().peekable();
    found
        .into_iter()
        .filter_map(|redelivery| {
            let event = events.next_if(|event| event.seq == redelivery.seq)?;
            Some((redelivery, event))
        })
        .collect()
}
