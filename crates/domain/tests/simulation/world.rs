//! The world: users, receivers, clocks, crashes, and one step after another.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::clock::{Moment, Timestamp};
use domain::delivery::{Next, Order, Outcome, Phase, next_step};
use domain::event::Seq;

use super::Checked;
use super::coverage::{Coverage, Reached};
use super::ledger::{Flight, Ledger};
use super::random::Random;
use super::receiver::Receiver;
use super::shell::{Notice, Shell};
use super::store::{Store, StreamKey};

/// Everything that happens from one seed.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) now: Moment,
    pub(crate) store: Store,
    pub(crate) shell: Shell,
    pub(crate) ledgers: BTreeMap<StreamKey, Ledger>,
    pub(crate) receivers: BTreeMap<StreamKey, Receiver>,
    pub(crate) next_key: StreamKey,
    pub(crate) coverage: Coverage,
    trace: Option<VecDeque<String>>,
}

impl World {
    pub(crate) fn new(seed: u64, trace: Option<VecDeque<String>>) -> Self {
        let store = Store { head: Seq(1), ..Store::default() };
        Self {
            random: Random::new(seed),
            now: Moment { wall: Timestamp::from_millis(1_700_000_000_000), steady: Duration::from_secs(1) },
            shell: Shell::start(Seq(1)),
            store,
            ledgers: BTreeMap::new(),
            receivers: BTreeMap::new(),
            next_key: 1,
            coverage: Coverage::new(),
            trace,
        }
    }

    /// What has happened, newest last, if it was recorded.
    pub(crate) fn into_trace(self) -> VecDeque<String> {
        self.trace.unwrap_or_default()
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push_back(format!("{:>9} ms  {}", self.now.steady.as_millis(), line()));
        }
    }

    pub(crate) fn pass(&mut self, span: Duration) {
        self.now.steady += span;
        self.now.wall = self.now.wall.plus(span);
    }

    pub(crate) fn any_stream(&mut self) -> Option<StreamKey> {
        let keys: Vec<StreamKey> = self.shell.streams.keys().copied().collect();
        (!keys.is_empty()).then(|| self.random.pick(&keys))
    }

    // ---- the shell's steps ------------------------------------------------------------------------------

    pub(crate) fn sync(&mut self) {
        let notices = self.shell.sync(&self.store, self.now, &mut self.coverage);
        for (key, notice) in notices {
            self.note(|| format!("stream {key} is made known: {notice:?}"));
            let (running, ledger) = (self.shell.streams.get(&key), self.ledgers.get_mut(&key));
            match (notice, running, ledger) {
                (Notice::Removed, ..) => {
                    self.ledgers.remove(&key);
                }
                (Notice::Restored, _, Some(ledger)) => ledger.restored(&self.store.streams[&key]),
                (Notice::Enabled, _, Some(ledger)) => ledger.enabled(),
                (Notice::Disabled, Some(running), Some(ledger)) => ledger.disabled(&running.core.position()),
                (..) => {}
            }
        }
    }

    pub(crate) fn hand_out(&mut self, most: usize) -> bool {
        let moved = self.shell.hand_out(&self.store, self.now, most, &mut self.coverage);
        if moved {
            self.note_head();
        }
        if moved && self.shell.saving.is_some() {
            self.coverage.reached(Reached::HeadMovedDuringCheckpoint);
        }
        moved
    }

    fn note_head(&mut self) {
        let frontier = self.shell.head.frontier();
        let there: Vec<_> = self.shell.streams.keys().filter(|key| self.shell.head.contains(**key)).copied().collect();
        self.note(|| format!("the head has come to {frontier:?}; at it: {there:?}"));
    }

    pub(crate) fn read_on(&mut self, key: StreamKey, most: usize) -> bool {
        let moved = self.shell.read_on(key, &self.store, self.now, most, &mut self.coverage);
        if let Some(frontier) = self.shell.streams.get(&key).map(|running| running.core.frontier()).filter(|_| moved) {
            let joined = self.shell.head.contains(key);
            self.note(|| format!("stream {key} has read on to {frontier:?}; at the head: {joined}"));
        }
        moved
    }

    pub(crate) fn answer_load(&mut self, key: StreamKey) -> bool {
        let which = self.random.below(8);
        let answered = self.shell.answer_load(key, &self.store, self.now, which);
        let some = answered.is_some();
        if let Some(seqs) = answered {
            self.note(|| format!("stream {key}: loaded {seqs:?}"));
        }
        some
    }

    pub(crate) fn redeliveries(&mut self, key: StreamKey) -> bool {
        let Some(offered) = self.shell.redeliveries(key, &self.store) else { return false };
        if !offered.is_empty() {
            self.note(|| format!("stream {key}: redeliveries offered {offered:?}"));
        }
        true
    }

    /// Asks a core for orders, if it may have any; true if it had.
    pub(crate) fn collect(&mut self, key: StreamKey) -> Result<bool, String> {
        let now = self.now;
        let (Some(running), Some(ledger)) = (self.shell.streams.get_mut(&key), self.ledgers.get_mut(&key)) else {
            return Ok(false);
        };
        if !running.touched && running.wake.is_none_or(|wake| wake > now.steady) {
            return Ok(false);
        }
        let mut orders = Vec::new();
        running.core.orders(now, &mut orders);
        running.touched = false;
        let wait = running.core.next_wait(now);
        running.wake = wait.map(|wait| now.steady + wait);
        if wait == Some(Duration::ZERO) {
            return Err(format!("stream {key}: it wants to be asked again at once; the shell would spin"));
        }
        let some = !orders.is_empty();
        let (mut loads, mut sends) = (Vec::new(), Vec::new());
        for order in orders {
            match order {
                Order::Load(seqs) => {
                    self.coverage.reached(Reached::Load);
                    running.loads.push(seqs.clone());
                    loads.extend(seqs);
                }
                Order::Send { ticket, seq, attempt, payload } => {
                    if payload.seq != seq {
                        return Err(format!("stream {key}: {payload:?} is sent as {seq:?}"));
                    }
                    let flight = Flight { ticket, seq, attempt, redelivery: payload.redelivery };
                    ledger.sent(flight).map_err(|why| format!("stream {key}: {why}"))?;
                    self.coverage.reached(if attempt == 1 { Reached::Send } else { Reached::Retry });
                    if payload.redelivery && running.core.phase() == Phase::Disabled {
                        self.coverage.reached(Reached::RedeliveryWhileDisabled);
                    }
                    sends.push(flight);
                }
            }
        }
        if !sends.is_empty() && ledger.rows() >= running.policy.limits.unsaved_max {
            return Err(format!("stream {key}: it sends although {} rows are not saved", ledger.rows()));
        }
        if some {
            self.note(|| format!("stream {key}: load {loads:?}, send {}", flights(&sends)));
        }
        self.check_bounds(key)?;
        Ok(some)
    }

    /// An attempt of a stream ends.
    pub(crate) fn end_attempt(&mut self, key: StreamKey, flight: Flight, outcome: Outcome) -> Checked {
        let (Some(running), Some(ledger)) = (self.shell.streams.get_mut(&key), self.ledgers.get_mut(&key)) else {
            return Ok(());
        };
        let before = running.core.phase();
        let outstanding = running.core.health().outstanding;
        let parked = running.core.parked();
        running.core.attempt_ended(self.now, flight.ticket, outcome.clone());
        running.touched = true;
        let after = running.core.phase();
        let named = |why: String| format!("stream {key}: {why}");
        match &outcome {
            Outcome::Delivered { .. } => {
                let repeat = ledger.delivered(flight.ticket).map_err(named)?;
                self.coverage.reached(if repeat { Reached::Repeat } else { Reached::Success });
                if flight.redelivery {
                    self.coverage.reached(Reached::RedeliveryRecovered);
                }
                if after != before {
                    return Err(named(String::from("a success has disabled it")));
                }
            }
            Outcome::Failed(failure) => {
                let last = next_step(&running.policy, flight.attempt, failure) == Next::GiveUp;
                let last = ledger.failed(flight.ticket, last, before == Phase::Enabled).map_err(named)?;
                let new = last && !flight.redelivery;
                let (in_row, many) = ledger.too_many(&running.policy, outstanding + u32::from(new));
                let disabled = before == Phase::Enabled && after == Phase::Disabled;
                if before == Phase::Enabled && disabled != (in_row || many) {
                    return Err(named(format!(
                        "disabled by the core: {disabled}; failures in a row at the limit: {in_row}, outstanding: {many}"
                    )));
                }
                if disabled {
                    ledger.trip();
                } else if after == Phase::Disabled {
                    ledger.set_aside(&running.core.position());
                }
                match (last, flight.redelivery) {
                    (true, true) => self.coverage.reached(Reached::RedeliveryFailed),
                    (true, false) => self.coverage.reached(Reached::FinalFailure),
                    (false, _) => {}
                }
                if running.core.parked() > parked {
                    self.coverage.reached(Reached::ParkedEvents);
                }
            }
        }
        self.note(|| format!("stream {key}: {} ended: {}", flights(&[flight]), told(&outcome)));
        self.check_health(key)?;
        self.check_bounds(key)
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { .. } => String::from("delivered"),
        Outcome::Failed(failure) => format!("{:?}", failure.kind),
    }
}

fn flights(flights: &[Flight]) -> String {
    let text = |flight: &Flight| {
        let again = if flight.redelivery { "redelivery, " } else { "" };
        format!("{:?} ({again}attempt {})", flight.seq, flight.attempt)
    };
    flights.iter().map(text).collect::<Vec<_>>().join(", ")
}
