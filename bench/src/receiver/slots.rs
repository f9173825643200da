//! What the receiver does and knows, slot by slot.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::handle::{Count, Missing};
use super::{Mode, Records};
use crate::bodies::{NUMBER_DIGITS, NUMBER_MARK, SENT_DIGITS, SENT_MARK, number_after};
use crate::clock::now_ns;

/// How many slots there are: `/0` to `/255`; any other path is slot 0.
const SLOTS: usize = 256;

/// All slots.
pub(super) struct Slots {
    slots: Vec<Slot>,
    requests: AtomicU64,
    bytes: AtomicU64,
    first_ns: AtomicU64,
    /// Which bodies are looked into: what follows is known of those only.
    records: AtomicU8,
    recorded: Mutex<Recorded>,
}

/// One slot.
pub(super) struct Slot {
    mode: watch::Sender<Mode>,
    requests: AtomicU64,
    last_ns: AtomicU64,
}

#[derive(Default)]
struct Recorded {
    /// Microseconds from sending to receiving, of slot 0.
    latencies_us: Vec<u32>,
    /// By the number of an event: when it first came, and how often.
    numbers: HashMap<u64, (u64, u32)>,
}

impl Default for Slots {
    fn default() -> Self {
        let slot = |_| Slot { mode: watch::Sender::default(), requests: AtomicU64::new(0), last_ns: AtomicU64::new(0) };
        Self {
            slots: (0..SLOTS).map(slot).collect(),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            first_ns: AtomicU64::new(0),
            records: AtomicU8::new(Records::Nothing as u8),
            recorded: Mutex::default(),
        }
    }
}

impl Slot {
    /// The mode, as soon as it is not to hold.
    pub(super) async fn settled_mode(&self) -> Mode {
        let mode = *self.mode.borrow();
        if mode != Mode::Hold {
            return mode;
        }
        let mut modes = self.mode.subscribe();
        modes.wait_for(|mode| *mode != Mode::Hold).await.map_or(Mode::Normal, |mode| *mode)
    }
}

impl Slots {
    /// The slot with this path.
    pub(super) fn slot(&self, path: &[u8]) -> &Slot {
        let number = path.strip_prefix(b"/").and_then(|digits| std::str::from_utf8(digits).ok());
        let number: Option<usize> = number.and_then(|text| text.parse().ok());
        number.and_then(|number| self.slots.get(number)).unwrap_or(&self.slots[0])
    }

    pub(super) fn count(&self, slot: &Slot, body: &[u8]) {
        let now_ns = now_ns();
        slot.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        slot.last_ns.fetch_max(now_ns, Ordering::Relaxed);
        let records = self.records.load(Ordering::Relaxed);
        let is_first = std::ptr::eq(slot, &raw const self.slots[0]);
        if is_first && records != Records::Nothing as u8 {
            self.record_latency(body, now_ns);
        }
        if records == Records::Numbers as u8 {
            self.record_number(body, now_ns);
        }
        // Last, so that whoever sees the count sees the rest.
        if self.requests.fetch_add(1, Ordering::Release) == 0 {
            self.first_ns.store(now_ns, Ordering::Relaxed);
        }
    }

    fn record_latency(&self, body: &[u8], now_ns: u64) {
        if let Some(sent_ns) = number_after(body, SENT_MARK, SENT_DIGITS) {
            let microseconds = now_ns.saturating_sub(sent_ns) / 1000;
            self.recorded().latencies_us.push(u32::try_from(microseconds).unwrap_or(u32::MAX));
        }
    }

    fn record_number(&self, body: &[u8], now_ns: u64) {
        if let Some(number) = number_after(body, NUMBER_MARK, NUMBER_DIGITS) {
            self.recorded().numbers.entry(number).or_insert((now_ns, 0)).1 += 1;
        }
    }

    fn recorded(&self) -> std::sync::MutexGuard<'_, Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was counted and recorded, and records this from now on.
    pub(super) fn reset(&self, records: Records) {
        *self.recorded() = Recorded::default();
        self.records.store(records as u8, Ordering::Relaxed);
        for slot in &self.slots {
            slot.requests.store(0, Ordering::Relaxed);
            slot.last_ns.store(0, Ordering::Relaxed);
        }
        for figure in [&self.bytes, &self.first_ns, &self.requests] {
            figure.store(0, Ordering::Relaxed);
        }
    }

    /// Sets the mode of these slots.
    pub(super) fn set_mode(&self, first: usize, count: usize, mode: Mode) {
        for slot in self.slots.iter().skip(first).take(count) {
            slot.mode.send_replace(mode);
        }
    }

    pub(super) fn totals(&self) -> Count {
        let requests = self.requests.load(Ordering::Acquire);
        let figure = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let slots_last_ns: Vec<_> = self.slots.iter().map(|slot| figure(&slot.last_ns)).collect();
        Count {
            requests,
            bytes: figure(&self.bytes),
            first_ns: figure(&self.first_ns),
            last_ns: slots_last_ns.iter().copied().max().unwrap_or(0),
            slots: self.slots.iter().map(|slot| figure(&slot.requests)).collect(),
            slots_last_ns,
        }
    }

    pub(super) fn latencies_us(&self) -> Vec<u32> {
        self.recorded().latencies_us.clone()
    }

    /// How the events with the numbers of these bits fare.
    pub(super) fn missing(&self, bits: &[u8]) -> Missing {
        let recorded = self.recorded();
        let wanted = (0..bits.len() as u64 * 8).filter(|number| is_set(bits, *number));
        let mut missing = Missing::default();
        for number in wanted {
            match recorded.numbers.get(&number) {
                Some((first_ns, _)) => missing.last_ns = missing.last_ns.max(*first_ns),
                None => missing.missing += 1,
            }
        }
        missing.received = recorded.numbers.len() as u64;
        missing.repeated = recorded.numbers.values().map(|(_, times)| u64::from(times - 1)).sum();
        missing
    }
}

fn is_set(bits: &[u8], number: u64) -> bool {
    let byte = usize::try_from(number / 8).ok().and_then(|at| bits.get(at)).copied().unwrap_or(0);
    byte & (1 << (number % 8)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bodies::{Kind, Template};

    #[test]
    fn what_was_lost_and_what_came_twice() {
        let slots = Slots::default();
        slots.reset(Records::Numbers);
        let template = Template::new(Kind::Event);
        for number in [1, 2, 2] {
            slots.count(slots.slot(b"/0"), &template.body(number));
        }
        let missing = slots.missing(&[0b0000_1110]);
        assert_eq!((missing.missing, missing.received, missing.repeated), (1, 2, 1));
        assert_eq!(slots.latencies_us().len(), 3);
        assert_eq!(slots.totals().requests, 3);
    }

    #[tokio::test]
    async fn a_held_slot_goes_on_with_the_next_mode() {
        let slots = Slots::default();
        slots.set_mode(7, 1, Mode::Hold);
        assert_eq!(slots.slot(b"/6").settled_mode().await, Mode::Normal);
        let held = slots.slot(b"/7").settled_mode();
        let released = async { slots.set_mode(7, 1, Mode::Fail(500)) };
        assert_eq!(tokio::join!(held, released).0, Mode::Fail(500));
    }
}
