//! The delivery core under seeded schedules: faults, crashes between any two steps, clock jumps, edits.
//!
//! A model of the store and of the shell plays them on one thread with a clock of its own; everything in a
//! schedule follows from its seed. Checked are the invariants 3 (at least once, few duplicates), 6 (bounds),
//! 7 (order) and 8 (shutting down loses nothing) of the delivery engine, the counters that disable a stream, and that
//! what redelivery jobs ask for ends as it is counted. A failing seed prints the command that plays it again.
//!
//! `HEADWATER_SIMULATION_SEEDS` says how many seeds to play, `HEADWATER_SIMULATION_SEED` plays one and prints
//! everything that happens. Read `schedule.rs` first; `shell.rs` and `store.rs` model what surrounds the core,
//! `ledger.rs` knows what has to come of it.

mod attempts;
mod checks;
mod coverage;
mod end;
mod jobs;
mod ledger;
mod pace;
mod positions;
mod random;
mod receiver;
mod saving;
mod schedule;
mod shell;
mod store;
mod users;
mod world;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use coverage::Coverage;
use world::World;

/// What a step or a check answers: a violation is a sentence.
pub(crate) type Checked = Result<(), String>;

const SEEDS: u64 = 3000;

/// The last steps that a failing seed shows.
const TRACE_LINES: usize = 40;

fn number(variable: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration but the environment")]
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} has to be a number, not {text:?}")))
}

/// Plays one seed; a panic of the core is a violation too.
fn play(seed: u64, trace: bool) -> (World, Checked) {
    let mut world = World::new(seed, trace.then(VecDeque::new));
    let played = catch_unwind(AssertUnwindSafe(|| schedule::play(&mut world)));
    let checked = played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(format!("panicked: {text}"))
    });
    (world, checked)
}

fn report(seed: u64, violation: &str) -> String {
    let (world, _) = play(seed, true);
    let trace = world.into_trace();
    let last: Vec<String> = trace.into_iter().rev().take(TRACE_LINES).collect();
    let steps: String = last.iter().rev().map(|line| format!("  {line}\n")).collect();
    format!(
        "seed {seed}: {violation}\nthe last steps:\n{steps}play it again with\n  \
         HEADWATER_SIMULATION_SEED={seed} cargo test -p domain --test simulation -- --nocapture\n"
    )
}

/// Plays the seeds `from`, `from + step` … below `until`, up to the first violation.
fn play_some(from: u64, until: u64, step: usize) -> (Coverage, Option<(u64, String)>) {
    let mut coverage = Coverage::new();
    for seed in (from..until).step_by(step) {
        let (world, checked) = play(seed, false);
        coverage.merge(&world.coverage);
        if let Err(violation) = checked {
            return (coverage, Some((seed, violation)));
        }
    }
    (coverage, None)
}

#[test]
fn the_invariants_hold_under_any_schedule() {
    if let Some(seed) = number("HEADWATER_SIMULATION_SEED") {
        let (world, checked) = play(seed, true);
        for line in world.into_trace() {
            println!("{line}");
        }
        checked.unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        return;
    }
    let seeds = number("HEADWATER_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut coverage, mut violations) = (Coverage::new(), Vec::new());
    std::thread::scope(|scope| {
        let play_from = |from| scope.spawn(move || play_some(from, seeds, threads));
        let players: Vec<_> = (0..threads as u64).map(play_from).collect();
        for player in players {
            let (reached, violation) = player.join().expect("a player catches panics");
            coverage.merge(&reached);
            violations.extend(violation);
        }
    });
    if let Some((seed, violation)) = violations.into_iter().min() {
        panic!("{}", report(seed, &violation));
    }
    println!("{seeds} seeds reached:\n{}", coverage.lines());
    assert!(seeds < SEEDS || coverage.unreached() == 0, "the schedules do not reach everything any more");
}

#[test]
fn a_seed_plays_the_same_schedule_every_time() {
    for seed in 0..20 {
        let (first, second) = (play(seed, true).0.into_trace(), play(seed, true).0.into_trace());
        assert_eq!(first, second, "seed {seed}");
    }
}
