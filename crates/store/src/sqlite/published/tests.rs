use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::sqlite::rows::run;

/// Positions of a run in these tests.
const RUN: u64 = 64;

/// The key of the event `number`, as evenly distributed as a digest.
fn key(number: u64) -> PublishKey {
    let mix = |mut number: u64| {
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(number ^ (number >> 31))
    };
    let number = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    PublishKey::from_number(mix(number) << 64 | mix(!number))
}

/// A log and what is known of it, as the writer holds them.
struct World {
    connection: Connection,
    published: Published,
    /// The end of what is committed, and of what is being written.
    committed: u64,
    end: u64,
}

impl World {
    fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../../migrations/sqlite/0001_start.sql")).unwrap();
        let published = Published::load_with(&connection, RUN).unwrap();
        Self { connection, published, committed: 1, end: 1 }
    }

    fn execute(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    fn append(&mut self, key: Option<PublishKey>) {
        let values = params![self.end, key.map(key_bytes)];
        let sql = "INSERT INTO log VALUES (?1, 1, 'e', 'user.created', 's', 0, ?2, NULL, x'')";
        run(&self.connection, sql, values).unwrap();
        if let Some(key) = key {
            self.published.add(Seq(self.end), key);
        }
        self.end += 1;
    }

    /// Publishes the event `number` in the transaction that is open; `false` if it was there already.
    fn publish(&mut self, number: u64) -> bool {
        let is_new = !self.published.contains(&self.connection, key(number)).unwrap();
        if is_new {
            self.append(Some(key(number)));
        }
        is_new
    }

    /// A change in a savepoint, which is refused or not.
    fn change(&mut self, numbers: &[u64], is_kept: bool) {
        let before = self.end;
        self.execute("SAVEPOINT change");
        for number in numbers {
            self.publish(*number);
        }
        if !is_kept {
            self.end = before;
            self.published.forget_from(Seq(before));
            self.execute("ROLLBACK TO change");
        }
        self.execute("RELEASE change");
    }

    fn commit(&mut self) {
        self.execute("COMMIT");
        self.committed = self.end;
        self.published.close_runs(&self.connection, Seq(self.end)).unwrap();
    }

    fn lose(&mut self) {
        self.execute("ROLLBACK");
        self.end = self.committed;
        self.published.forget_from(Seq(self.committed));
    }

    /// A group of one change each.
    fn group(&mut self, numbers: impl IntoIterator<Item = u64>) -> usize {
        self.execute("BEGIN");
        let new = numbers.into_iter().filter(|number| self.publish(*number)).count();
        self.commit();
        new
    }

    fn restart(&mut self) {
        self.published = Published::load_with(&self.connection, RUN).unwrap();
    }

    /// Removes the log up to `last`.
    fn retain_after(&mut self, last: u64) {
        self.execute("BEGIN");
        run(&self.connection, "DELETE FROM log WHERE seq <= ?1", params![last]).unwrap();
        runs::remove_below(&self.connection, (last + 1) / RUN).unwrap();
        self.commit();
    }

    fn knows(&self, number: u64) -> bool {
        self.published.contains(&self.connection, key(number)).unwrap()
    }

    fn count(&self, sql: &str) -> u64 {
        self.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn an_event_is_new_once_within_a_group_across_groups_and_across_runs() {
    let mut world = World::new();
    assert_eq!(world.group([1, 2, 1, 2, 3]), 3);
    assert_eq!(world.group([3, 2, 1, 4]), 1);
    assert_eq!(world.group(0..10 * RUN), usize::try_from(10 * RUN).unwrap() - 4);
    assert_eq!(world.published.open_run, 10);
    assert_eq!(world.group((0..10 * RUN).rev()), 0);
    assert_eq!(world.group([10 * RUN]), 1);
    assert_eq!(world.count("SELECT count(*) FROM log"), 10 * RUN + 1);
}

#[test]
fn a_restart_forgets_nothing_wherever_it_comes() {
    let mut world = World::new();
    for number in 0..3 * RUN + 5 {
        assert_eq!(world.group([number]), 1);
        world.restart();
        assert!(world.knows(number) && world.knows(0) && !world.knows(number + 1));
    }
    assert_eq!(world.group(0..3 * RUN + 6), 1);
}

#[test]
fn a_restart_before_the_run_was_written_is_made_up_for() {
    let mut world = World::new();
    world.execute("BEGIN");
    for number in 0..2 * RUN + 7 {
        world.publish(number);
    }
    world.execute("COMMIT");
    world.committed = world.end;
    world.restart();
    assert_eq!(world.published.in_order.len() as u64, 2 * RUN + 7);
    assert_eq!(world.group(0..2 * RUN + 8), 1);
    assert_eq!(world.published.open_run, 2);
    world.restart();
    assert_eq!(world.group(0..2 * RUN + 8), 0);
}

#[test]
fn what_is_refused_or_lost_may_be_published_again() {
    let mut world = World::new();
    world.group([1]);
    world.execute("BEGIN");
    world.change(&[2], true);
    world.change(&[3, 4, 1], false);
    assert!(world.knows(2) && !world.knows(3) && !world.knows(4) && world.knows(1));
    world.change(&[4], true);
    world.commit();
    assert!(world.knows(1) && world.knows(2) && !world.knows(3) && world.knows(4));
    world.execute("BEGIN");
    world.change(&[3, 5], true);
    world.change(&[6], false);
    world.lose();
    assert!(!world.knows(3) && !world.knows(5) && !world.knows(6) && world.knows(4));
    assert_eq!(world.group(1..7), 3);
}

#[test]
fn a_run_that_cannot_be_written_stays_in_memory_until_it_can() {
    let mut world = World::new();
    world.group(0..RUN - 2);
    world.execute("ALTER TABLE published_keys RENAME TO gone; BEGIN");
    for number in RUN - 2..RUN + 3 {
        world.publish(number);
    }
    world.execute("COMMIT");
    world.committed = world.end;
    assert!(world.published.close_runs(&world.connection, Seq(world.end)).is_err());
    assert!((0..RUN + 3).all(|number| world.knows(number)));
    assert_eq!(world.count("SELECT count(*) FROM published_runs"), 0, "half a run is none");
    world.execute("ALTER TABLE gone RENAME TO published_keys");
    assert_eq!(world.group(0..RUN + 4), 1);
    assert_eq!((world.published.open_run, world.published.in_order.len()), (1, 5));
    assert!((0..RUN + 4).all(|number| world.knows(number)));
}

#[test]
fn memory_holds_one_run_and_two_bytes_for_each_event_of_the_others() {
    let mut world = World::new();
    for group in 0..700 {
        world.group(group * 20..(group + 1) * 20);
        assert!(world.published.in_order.len() as u64 <= RUN);
        assert_eq!(world.published.in_order.len(), world.published.recent.len());
    }
    let runs = 14_000 / RUN;
    assert_eq!(world.published.open_run, runs);
    assert_eq!(world.published.filters.bytes() as u64, runs.next_multiple_of(64) * RUN * 2);
}

#[test]
fn events_that_nobody_published_make_empty_runs() {
    let mut world = World::new();
    world.execute("BEGIN");
    for _ in 0..5 * RUN {
        world.append(None);
    }
    world.publish(1);
    world.commit();
    assert_eq!(world.count("SELECT count(*) FROM published_runs WHERE filter IS NULL"), 5);
    assert_eq!((world.published.open_run, world.published.filters.bytes()), (5, 0));
    world.restart();
    // Only what comes after the runs is read when the store is opened.
    assert_eq!((world.published.open_run, world.published.in_order.len()), (5, 1));
    assert!(world.knows(1));
}

#[test]
fn retention_takes_the_runs_with_their_events() {
    let mut world = World::new();
    world.group(0..200 * RUN);
    let before = world.published.filters.bytes();
    world.retain_after(150 * RUN - 2);
    assert_eq!(world.count("SELECT min(run) FROM published_runs"), 149, "a run with one event left stays");
    world.retain_after(150 * RUN + 9);
    assert_eq!(world.count("SELECT min(run) FROM published_runs"), 150);
    assert_eq!(world.count("SELECT min(place) / 1024 FROM published_keys"), 150);
    // An event at position p has the number p - 1.
    assert!(!world.knows(0) && !world.knows(150 * RUN - 2), "their runs are gone");
    assert!((150 * RUN + 9..200 * RUN).all(|number| world.knows(number)));
    assert_eq!(world.group([7]), 1, "what the log has forgotten may come again");
    world.restart();
    assert!(world.knows(7) && !world.knows(8) && world.knows(199 * RUN));
    // The memory follows with the next run.
    world.group(1000 * RUN..1001 * RUN);
    assert!(world.published.filters.bytes() < before);
    // Everything but the newest goes.
    world.retain_after(world.end - 2);
    world.restart();
    assert_eq!(world.count("SELECT count(*) FROM log"), 1);
    assert!(world.knows(1001 * RUN - 1) && !world.knows(199 * RUN));
}

#[test]
fn what_cannot_be_read_is_named() {
    let mut world = World::new();
    world.group(0..RUN);
    world.execute("UPDATE published_keys SET keys = substr(keys, 2)");
    let told = world.published.contains(&world.connection, key(1)).unwrap_err();
    assert!(matches!(told, StoreError::Corrupt { table: "published_keys", column: "keys", .. }), "{told}");
    world.execute("UPDATE published_runs SET filter = x'00'");
    let told = Published::load_with(&world.connection, RUN).err();
    assert!(matches!(told, Some(StoreError::Corrupt { table: "published_runs", .. })), "{told:?}");
    world.execute("DELETE FROM published_runs; UPDATE log SET published = x'00'");
    let told = Published::load_with(&world.connection, RUN).err();
    assert!(matches!(told, Some(StoreError::Corrupt { table: "log", .. })), "{told:?}");
}

/// Random numbers that are the same each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (key(self.0).number() % u128::from(most)) as u64
    }
}

/// Everything at once, against what the log says: an event in the log is known, and one that never was is not.
#[test]
fn whatever_happens_the_log_is_known_exactly() {
    const NUMBERS: u64 = 900;
    for seed in 0..8 {
        let (mut world, mut dice) = (World::new(), Dice(seed << 32));
        let mut ever = BTreeSet::new();
        for _ in 0..150 {
            world.execute("BEGIN");
            for _ in 0..dice.below(6) {
                let numbers: Vec<_> = (0..dice.below(30)).map(|_| dice.below(NUMBERS)).collect();
                world.change(&numbers, dice.below(4) > 0);
                if dice.below(3) == 0 {
                    world.append(None);
                }
            }
            if dice.below(5) == 0 {
                world.lose()
            } else {
                world.commit()
            }
            ever.extend(recent_keys(&world.connection, Seq::ZERO).unwrap().into_iter().map(|(_, key)| key));
            if dice.below(10) == 0 && world.committed > 2 {
                let last = dice.below(world.committed - 2);
                world.retain_after(last);
            }
            if dice.below(10) == 0 {
                world.restart();
            }
            let mut logged: BTreeMap<PublishKey, u64> = BTreeMap::new();
            for (_, key) in recent_keys(&world.connection, Seq::ZERO).unwrap() {
                *logged.entry(key).or_default() += 1;
            }
            assert!(logged.values().all(|count| *count == 1), "seed {seed}: an event is twice in the log");
            for number in 0..NUMBERS {
                let (is_logged, was_logged) = (logged.contains_key(&key(number)), ever.contains(&key(number)));
                let known = world.knows(number);
                assert!(known || !is_logged, "seed {seed}: event {number} is in the log and not known");
                assert!(!known || was_logged, "seed {seed}: event {number} is known and never was in the log");
            }
        }
    }
}
