//! The world: users, receivers, clocks, crashes, and one step after another.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::clock::{Moment, Timestamp};
use domain::delivery::{Order, Phase};
use domain::event::Seq;

use super::Checked;
use super::coverage::{Coverage, Reached};
use super::ledger::{Flight, Ledger};
use super::pace::Paced;
use super::positions::Telling;
use super::random::Random;
use super::receiver::Receiver;
use super::shell::{Notice, Shell};
use super::store::{JobKey, Store, StreamKey};

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
    pub(crate) next_job: JobKey,
    /// What was sent under the streams' rates.
    pub(crate) paced: BTreeMap<StreamKey, Paced>,
    /// What each snapshot has to tell of, and has.
    pub(crate) tellings: BTreeMap<StreamKey, Telling>,
    /// How long the log is kept.
    pub(crate) retention: Duration,
    /// Commits may fail.
    pub(crate) faulty: bool,
    pub(crate) coverage: Coverage,
    trace: Option<VecDeque<String>>,
}

impl World {
    pub(crate) fn new(seed: u64, trace: Option<VecDeque<String>>) -> Self {
        let store = Store { head: Seq(1), ..Store::default() };
        let mut random = Random::new(seed);
        let retention = Duration::from_secs(random.pick(&[30, 300, 3600]));
        Self {
            random,
            now: Moment { wall: Timestamp::from_millis(1_700_000_000_000), steady: Duration::from_secs(1) },
            shell: Shell::start(Seq(1)),
            store,
            ledgers: BTreeMap::new(),
            receivers: BTreeMap::new(),
            next_key: 1,
            next_job: 1,
            paced: BTreeMap::new(),
            tellings: BTreeMap::new(),
            retention,
            faulty: true,
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

    /// Takes notice of settings, and of the log up to its end or, if it has grown meanwhile, a part of that.
    pub(crate) fn sync(&mut self, whole: bool) {
        let (known, end) = (self.shell.known, self.store.end());
        let behind = usize::try_from(end.0.saturating_sub(known.0)).unwrap_or(0);
        let target = if whole { end } else { Seq(known.0 + self.random.below(behind + 1) as u64) };
        for (key, notices) in self.shell.sync(&self.store, self.now, target) {
            self.note(|| format!("stream {key} is made known: {notices:?}"));
            for notice in notices {
                self.told(key, notice);
            }
        }
    }

    fn told(&mut self, key: StreamKey, notice: Notice) {
        let (running, ledger) = (self.shell.streams.get(&key), self.ledgers.get_mut(&key));
        let Some(ledger) = ledger else { return };
        match notice {
            Notice::Removed => {
                self.ledgers.remove(&key);
            }
            Notice::Restored(ordering) => {
                self.paced.remove(&key);
                ledger.restored(&self.store.streams[&key], ordering);
            }
            Notice::Moved { to, frontier } => {
                if ledger.moved(to, frontier) {
                    self.coverage.reached(Reached::MovedInFlight);
                }
            }
            Notice::Reordered(ordering) => {
                let flying = !ledger.in_flight().is_empty();
                ledger.reordered(ordering);
                self.coverage.reached(if flying { Reached::ReorderedInFlight } else { Reached::Reordered });
            }
            Notice::Enabled => ledger.enabled(),
            Notice::Disabled => {
                if let Some(running) = running {
                    ledger.disabled(&running.core.position());
                }
            }
        }
    }

    /// Starts the next stream whose settings were read; true if there was one.
    pub(crate) fn add_next(&mut self) -> bool {
        let waiting = !self.shell.adding.is_empty();
        match self.shell.add_next(&self.store) {
            Some((key, Some(ordering))) => {
                self.note(|| format!("stream {key} starts"));
                self.told(key, Notice::Restored(ordering));
            }
            Some((_, None)) => self.coverage.reached(Reached::MovedWhileAdded),
            None => {}
        }
        waiting
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

    /// A stream that is behind takes what it has read, or begins to read.
    pub(crate) fn read_on(&mut self, key: StreamKey, most: usize) -> bool {
        if self.shell.take_chunk(key, self.now, &mut self.coverage) {
            let frontier = self.shell.streams.get(&key).map(|running| running.core.frontier());
            let joined = self.shell.head.contains(key);
            self.note(|| format!("stream {key} has read on to {frontier:?}; at the head: {joined}"));
            return true;
        }
        self.shell.begin_reading(key, &self.store, most)
    }

    pub(crate) fn answer_load(&mut self, key: StreamKey) -> bool {
        let which = self.random.below(8);
        let answered = self.shell.answer_load(key, &self.store, self.now, which, &mut self.coverage);
        let some = answered.is_some();
        if let Some(seqs) = answered {
            self.note(|| format!("stream {key}: loaded {seqs:?}"));
        }
        some
    }

    pub(crate) fn redeliveries(&mut self, key: StreamKey) -> Result<bool, String> {
        let Some(taken) = self.shell.redeliveries(key, &self.store) else { return Ok(false) };
        if let Some(ledger) = self.ledgers.get_mut(&key) {
            ledger.offered(&taken).map_err(|why| format!("stream {key}: {why}"))?;
        }
        if !taken.is_empty() {
            self.note(|| format!("stream {key}: redeliveries taken up {taken:?}"));
        }
        Ok(true)
    }

    /// A step of withdrawing what nobody asks for any more; true if it was the second, which tells the core.
    pub(crate) fn withdraw(&mut self, key: StreamKey) -> bool {
        let Some(seqs) = self.shell.withdraw(key, &self.store) else { return false };
        if let Some(ledger) = self.ledgers.get_mut(&key) {
            let idle = ledger.withdrawn(&seqs);
            self.coverage.add(Reached::Withdrawn, idle as u64);
        }
        self.note(|| format!("stream {key}: withdrawn {seqs:?}"));
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
                    let redelivery = payload.redelivery;
                    let flight = Flight { ticket, seq, attempt, redelivery, forgotten: false };
                    ledger.sent(flight).map_err(|why| format!("stream {key}: {why}"))?;
                    self.coverage.reached(if attempt == 1 { Reached::Send } else { Reached::Retry });
                    if payload.redelivery && running.core.phase() == Phase::Disabled {
                        self.coverage.reached(Reached::RedeliveryWhileDisabled);
                    }
                    sends.push(flight);
                }
            }
        }
        let paced = self.paced.entry(key).or_default();
        paced.sent(running.policy().rate, now.steady, sends.len()).map_err(|why| format!("stream {key}: {why}"))?;
        if running.core.held() > running.core.in_flight() && paced.is_exhausted(now.steady) {
            self.coverage.reached(Reached::HeldByRate);
        }
        let (limit, flying) = (running.policy().limits.in_flight_max, ledger.in_flight());
        beside_share(&sends, flying.iter().filter(|flight| flight.redelivery).count(), limit)
            .map_err(|why| format!("stream {key}: {why}"))?;
        if !sends.is_empty() && ledger.unsaved() > running.policy().limits.unsaved_max {
            return Err(format!("stream {key}: it sends, and a crash may repeat {} deliveries", ledger.unsaved()));
        }
        if some {
            self.note(|| format!("stream {key}: load {loads:?}, send {}", flights(&sends)));
        }
        self.check_bounds(key)?;
        Ok(some)
    }
}

/// New events are not held up: what is delivered beside the log, of which `beside` are in flight with these, has its
/// share of `limit` requests, and a smaller one while something with the log waits to be sent.
fn beside_share(sends: &[Flight], mut beside: usize, limit: usize) -> Checked {
    if sends.is_empty() {
        return Ok(());
    }
    let idle = (limit - (limit / 4).max(1).min(limit)).max(1);
    let with_log = sends.iter().rposition(|flight| !flight.redelivery);
    for (index, _) in sends.iter().enumerate().rev().filter(|(_, flight)| flight.redelivery) {
        let waits = with_log.is_some_and(|last| index < last);
        let share = if waits { (limit / 8).max(1) } else { idle };
        if beside > share {
            return Err(format!(
                "{beside} of {limit} requests are beside the log, more than {share}: {}",
                flights(sends)
            ));
        }
        beside -= 1;
    }
    Ok(())
}

pub(crate) fn flights(flights: &[Flight]) -> String {
    let text = |flight: &Flight| {
        let again = if flight.redelivery { "redelivery, " } else { "" };
        format!("{:?} ({again}attempt {})", flight.seq, flight.attempt)
    };
    flights.iter().map(text).collect::<Vec<_>>().join(", ")
}
