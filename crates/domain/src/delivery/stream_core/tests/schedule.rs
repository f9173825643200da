//! Moves and orderings in random schedules: nothing that was asked for is left out, nothing overtakes.

use std::collections::BTreeMap;

use super::*;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % limit
    }
}

const EVENTS: u64 = 60;

/// Rounds of the end, in which everything succeeds, at most.
const ROUNDS_MAX: usize = 5000;

const fn subject(seq: u64) -> u64 {
    seq * 7 / 5 % 3
}

/// A stream over a log of which it wants everything, and what is known of it from outside.
struct World {
    seed: u64,
    random: Random,
    core: StreamCore<u64>,
    now: Moment,
    flights: BTreeMap<Ticket, u64>,
    loads: Vec<Vec<Seq>>,
    /// The positions that have to end yet.
    owed: BTreeSet<u64>,
    /// Positions whose last delivery failed for good.
    failed: BTreeSet<u64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let limits = Limits { window_events_max: 8, in_flight_max: 5, in_flight_start: 5, ..Limits::default() };
        let policy = Policy { limits, failures_in_row_max: u32::MAX, ..Policy::default() };
        let position = Position::at(Seq(1));
        let core = StreamCore::restore(policy, Phase::Enabled, Saved { position, ..Saved::default() });
        Self {
            seed,
            random: Random(seed),
            core,
            now: Moment::default(),
            flights: BTreeMap::new(),
            loads: Vec::new(),
            owed: (1..=EVENTS).collect(),
            failed: BTreeSet::new(),
        }
    }

    fn read_on(&mut self) {
        let seq = self.core.frontier().0;
        if seq <= EVENTS {
            self.core.feed(self.now, Seq(seq), subject(seq), 1, seq);
        }
    }

    fn seek(&mut self) {
        let to = 1 + self.random.below(EVENTS + 1);
        let frontier = self.core.frontier().0;
        self.core.seek(Seq(to));
        self.owed.retain(|seq| *seq < frontier.min(to));
        self.owed.extend(to..=EVENTS);
    }

    fn reorder(&mut self) {
        let ordering =
            [Ordering::Subject, Ordering::None, Ordering::Strict][usize::try_from(self.random.below(3)).unwrap()];
        self.core.set_policy(Policy { ordering, ..self.core.policy.clone() });
    }

    fn overlap(&self, one: u64, other: u64) -> bool {
        match self.core.policy.ordering {
            Ordering::Subject => subject(one) == subject(other),
            Ordering::None => one == other,
            Ordering::Strict => true,
        }
    }

    fn collect(&mut self) {
        let mut orders = Vec::new();
        self.core.orders(self.now, &mut orders);
        for order in orders {
            match order {
                Order::Load(seqs) => self.loads.push(seqs),
                Order::Send { ticket, seq: Seq(seq), .. } => {
                    let other = self.flights.values().find(|other| self.overlap(seq, **other));
                    assert_eq!(other, None, "seed {}: {seq} is sent beside it", self.seed);
                    let ordered = self.core.policy.ordering != Ordering::None;
                    let earlier = self.owed.range(..seq).find(|earlier| ordered && self.overlap(seq, **earlier));
                    assert_eq!(earlier, None, "seed {}: {seq} is sent before it", self.seed);
                    self.flights.insert(ticket, seq);
                }
            }
        }
    }

    fn load(&mut self) {
        if let Some(seqs) = self.loads.pop() {
            for seq in seqs {
                self.core.loaded(self.now, seq, Some((subject(seq.0), 1, seq.0)));
            }
        }
    }

    fn end(&mut self, outcomes: u64) {
        let Some((&ticket, &seq)) = self.flights.iter().nth(usize::try_from(self.random.below(5)).unwrap()) else {
            return;
        };
        self.flights.remove(&ticket);
        let forgotten = self.core.entries[&ticket].origin == Origin::Forgotten;
        let outcome = [DELIVERED, failed(), throttled(), refused()]
            [usize::try_from(self.random.below(outcomes)).unwrap()]
        .clone();
        let before = self.core.held() + self.core.parked();
        self.core.attempt_ended(self.now, ticket, outcome.clone());
        let ended = !self.core.entries.contains_key(&ticket) && self.core.parked.get(Seq(seq)).is_none();
        assert!(self.core.held() + self.core.parked() <= before);
        if ended && !forgotten {
            self.owed.remove(&seq);
            if outcome == DELIVERED {
                self.failed.remove(&seq)
            } else {
                self.failed.insert(seq)
            };
        }
    }

    fn pass(&mut self) {
        let span = Duration::from_secs([1, 5, 70][usize::try_from(self.random.below(3)).unwrap()]);
        self.now = Moment { wall: self.now.wall.plus(span), steady: self.now.steady + span };
    }

    fn play(&mut self) {
        for _ in 0..600 {
            match self.random.below(40) {
                0..10 => self.read_on(),
                10..22 => self.collect(),
                22..26 => self.load(),
                26..36 => self.end(4),
                36 => self.seek(),
                37 => self.reorder(),
                38 => drop(self.core.take_progress()),
                _ => self.pass(),
            }
        }
        for _ in 0..ROUNDS_MAX {
            if self.owed.is_empty() && self.flights.is_empty() && self.core.frontier().0 > EVENTS {
                return;
            }
            self.read_on();
            self.collect();
            self.load();
            self.end(1);
            self.core.take_progress();
            self.pass();
        }
    }
}

#[test]
fn nothing_is_left_out_and_nothing_overtakes() {
    for seed in 0..1500 {
        let mut world = World::new(seed);
        world.play();
        let core = &world.core;
        assert_eq!(world.owed, BTreeSet::new(), "seed {seed}");
        assert_eq!(core.position(), Position::at(Seq(EVENTS + 1)), "seed {seed}");
        assert_eq!((core.held(), core.parked(), core.in_flight(), core.bytes), (0, 0, 0, 0), "seed {seed}");
        assert!(core.lanes.is_empty() && core.unordered.is_empty() && core.timers.is_empty(), "seed {seed}");
        let failed: BTreeSet<u64> = core.failed.iter().map(|seq| seq.0).collect();
        assert_eq!(failed, world.failed, "seed {seed}");
        assert_eq!(core.health().outstanding, u32::try_from(failed.len()).unwrap());
    }
}
