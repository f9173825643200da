//! The end of a schedule: everything gets well, and has to come to an end.

use std::time::Duration;

use super::Checked;
use super::jobs;
use super::ledger::Ledger;
use super::receiver::Receiver;
use super::users::request_all;
use super::world::World;

/// Rounds of the end at most. Far more than any schedule needs: what has not ended then is stuck.
const ROUNDS_MAX: usize = 20_000;

/// Receivers become healthy, nothing fails any more, and the world runs until nothing is left to do. The wall
/// clock stays where it has jumped to.
pub(crate) fn end(world: &mut World) -> Checked {
    world.note(|| String::from("everything gets well"));
    world.faulty = false;
    jobs::resume_all(world);
    for receiver in world.receivers.values_mut() {
        *receiver = Receiver::Healthy;
    }
    if world.random.percent(50) {
        for key in world.store.streams.keys().copied().collect::<Vec<_>>() {
            let stored = &world.store.streams[&key];
            if !stored.is_enabled() && stored.may_enable() {
                world.resume_stream(key);
            }
        }
    }
    match world.random.below(4) {
        _ if world.shell.unanswered => world.crash()?,
        0 => world.crash()?,
        1 => world.shut_down()?,
        _ => {}
    }
    run_until_quiet(world)?;
    if world.random.percent(50) {
        while request_all(world) {
            run_until_quiet(world)?;
        }
    }
    world.check_end()
}

fn run_until_quiet(world: &mut World) -> Checked {
    for _ in 0..ROUNDS_MAX {
        let busy = round(world)? | world.tell_next(3)? | world.save_all()?;
        if busy || world.shell.streams.values().any(|running| running.touched) {
            continue;
        }
        let wakes = world.shell.streams.values().filter_map(|running| running.wake);
        match wakes.min() {
            Some(wake) => world.pass(wake.saturating_sub(world.now.steady).max(Duration::from_millis(1))),
            None => return check_quiet(world),
        }
    }
    Err(String::from("it does not become quiet"))
}

/// What the shell can do now, except for saving; true if there was anything.
pub(crate) fn round(world: &mut World) -> Result<bool, String> {
    world.sync(true);
    let mut busy = world.add_next();
    busy |= world.hand_out(8);
    for key in world.shell.streams.keys().copied().collect::<Vec<_>>() {
        busy |= world.read_on(key, 8);
        busy |= world.answer_load(key);
        busy |= jobs::step(world, key);
        busy |= world.withdraw(key);
        busy |= world.redeliveries(key)?;
        busy |= world.collect(key)?;
        for flight in world.ledgers.get(&key).map(Ledger::in_flight).unwrap_or_default() {
            busy = true;
            let outcome = world.receivers[&key].answer(&mut world.random);
            world.end_attempt(key, flight, outcome)?;
        }
    }
    Ok(busy)
}

/// Nothing waits although nothing is left to happen.
fn check_quiet(world: &World) -> Checked {
    let end = world.store.end();
    for (key, running) in &world.shell.streams {
        let stored = &world.store.streams[key];
        let core = &running.core;
        let enabled = stored.is_enabled();
        let idle = core.held() == 0 && running.loads.is_empty() && stored.redeliveries_waiting().is_empty();
        let there = world.shell.head.contains(*key) && core.cursor() >= core.frontier() && core.parked() == 0;
        if !idle || (enabled && !there) {
            return Err(format!(
                "stream {key} is stuck: {} in memory, {} parked, at {:?} with the log at {end:?}, room for {}",
                core.held(),
                core.parked(),
                core.position(),
                core.room()
            ));
        }
    }
    if world.shell.head.frontier() < end {
        return Err(format!("the head is stuck at {:?} with the log at {end:?}", world.shell.head.frontier()));
    }
    Ok(())
}
