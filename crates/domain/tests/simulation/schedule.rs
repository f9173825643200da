//! The schedule of a seed: random steps, then an end in which everything gets well.

use std::time::Duration;

use domain::stream::StreamStatus;

use super::Checked;
use super::coverage::Reached;
use super::ledger::Ledger;
use super::receiver::Receiver;
use super::users::{append, create, delete, edit_policy, edit_types, request_all, request_redelivery, toggle_status};
use super::world::World;

/// Rounds of the end at most. Far more than any schedule needs: what has not ended then is stuck.
const ROUNDS_MAX: usize = 20_000;

#[derive(Clone, Copy, Debug)]
enum Step {
    Append,
    HandOut,
    ReadOn,
    Collect,
    AnswerLoad,
    EndAttempt,
    PassTime,
    JumpClock,
    ChangeReceiver,
    BeginSaving,
    TakeNext,
    Save,
    Crash,
    ShutDown,
    ToggleStatus,
    EditTypes,
    EditPolicy,
    Create,
    Delete,
    RequestRedelivery,
    Redeliveries,
    Round,
}

/// How often each step comes, before a seed makes some of them rare or frequent.
const STEPS: [(Step, usize); 22] = [
    (Step::Append, 60),
    (Step::HandOut, 60),
    (Step::ReadOn, 60),
    (Step::Collect, 120),
    (Step::AnswerLoad, 60),
    (Step::EndAttempt, 160),
    (Step::PassTime, 60),
    (Step::JumpClock, 2),
    (Step::ChangeReceiver, 10),
    (Step::BeginSaving, 20),
    (Step::TakeNext, 60),
    (Step::Save, 20),
    (Step::Crash, 4),
    (Step::ShutDown, 2),
    (Step::ToggleStatus, 12),
    (Step::EditTypes, 4),
    (Step::EditPolicy, 2),
    (Step::Create, 3),
    (Step::Delete, 1),
    (Step::RequestRedelivery, 20),
    (Step::Redeliveries, 20),
    (Step::Round, 30),
];

/// Plays the schedule of a world's seed.
pub(crate) fn play(world: &mut World) -> Checked {
    let mut wheel = Vec::new();
    for (step, weight) in STEPS {
        let weight = weight * world.random.pick(&[1, 4, 4, 4, 10, 20]) / 4;
        wheel.extend(std::iter::repeat_n(step, weight.max(1)));
    }
    for _ in 0..world.random.between(1, 3) {
        create(world);
    }
    for _ in 0..world.random.between(100, 900) {
        let step = world.random.pick(&wheel);
        play_step(world, step)?;
    }
    end(world)
}

fn play_step(world: &mut World, step: Step) -> Checked {
    match step {
        Step::Append => append(world),
        Step::HandOut => {
            if world.random.percent(80) {
                world.sync();
            }
            let most = world.random.between(1, 8);
            world.hand_out(most);
        }
        Step::ReadOn | Step::Collect | Step::AnswerLoad | Step::Redeliveries => {
            let most = world.random.between(1, 8);
            if let Some(key) = world.any_stream() {
                match step {
                    Step::ReadOn => world.read_on(key, most),
                    Step::Collect => world.collect(key)?,
                    Step::AnswerLoad => world.answer_load(key),
                    _ => world.redeliveries(key),
                };
            }
        }
        Step::EndAttempt => end_attempt(world)?,
        Step::PassTime => {
            let millis = world.random.pick(&[50, 300, 1000, 2000, 5000, 60_000]);
            world.pass(Duration::from_millis(millis));
        }
        Step::JumpClock => jump_clock(world),
        Step::ChangeReceiver => {
            let receiver = Receiver::any(&mut world.random);
            if let Some(key) = world.any_stream() {
                world.note(|| format!("the receiver of stream {key} is {receiver:?}"));
                world.receivers.insert(key, receiver);
            }
        }
        Step::BeginSaving => world.begin_saving(),
        Step::TakeNext => {
            world.take_next()?;
        }
        Step::Save if world.random.percent(20) => {
            world.coverage.reached(Reached::CheckpointFailed);
        }
        Step::Save => {
            world.save()?;
        }
        Step::Crash => {
            world.crash()?;
            for _ in 0..world.random.below(4) {
                let step = world.random.pick(&[Step::Append, Step::ToggleStatus, Step::EditTypes]);
                play_step(world, step)?;
            }
            world.sync();
        }
        Step::ShutDown => {
            world.shut_down()?;
            world.sync();
        }
        Step::ToggleStatus => toggle_status(world),
        Step::EditTypes => edit_types(world),
        Step::EditPolicy => edit_policy(world),
        Step::Create => create(world),
        Step::Delete => delete(world),
        Step::RequestRedelivery => request_redelivery(world),
        Step::Round => {
            round(world)?;
        }
    }
    Ok(())
}

// ---- the world --------------------------------------------------------------------------------------------

fn end_attempt(world: &mut World) -> Checked {
    let Some(key) = world.any_stream() else { return Ok(()) };
    let flights = world.ledgers.get(&key).map(Ledger::in_flight).unwrap_or_default();
    let receiver = world.receivers[&key];
    if flights.is_empty() || (receiver == Receiver::Slow && world.random.percent(70)) {
        return Ok(());
    }
    let flight = world.random.pick(&flights);
    let outcome = receiver.answer(&mut world.random);
    world.end_attempt(key, flight, outcome)
}

fn jump_clock(world: &mut World) {
    let span = Duration::from_secs(3600 * world.random.pick(&[1, 24 * 365]));
    let back = world.random.percent(50);
    world.now.wall = if back { world.now.wall.minus(span) } else { world.now.wall.plus(span) };
    world.coverage.reached(if back { Reached::WallClockBack } else { Reached::WallClockForward });
    world.note(|| format!("the wall clock jumps {}", if back { "back" } else { "forward" }));
}

// ---- the end ----------------------------------------------------------------------------------------------

/// Receivers become healthy, nothing fails any more, and the world runs until nothing is left to do. The wall
/// clock stays where it has jumped to.
fn end(world: &mut World) -> Checked {
    world.note(|| String::from("everything gets well"));
    for receiver in world.receivers.values_mut() {
        *receiver = Receiver::Healthy;
    }
    if world.random.percent(50) {
        let end = world.store.end();
        for stored in world.store.streams.values_mut() {
            if stored.status == StreamStatus::Disabled && stored.may_enable() {
                stored.set_status(StreamStatus::Enabled, end);
            }
        }
    }
    match world.random.below(4) {
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
        let busy = round(world)? | world.save_all()?;
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
fn round(world: &mut World) -> Result<bool, String> {
    world.sync();
    let mut busy = world.hand_out(8);
    for key in world.shell.streams.keys().copied().collect::<Vec<_>>() {
        busy |= world.read_on(key, 8);
        busy |= world.answer_load(key);
        busy |= world.redeliveries(key);
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
        let enabled = stored.status == StreamStatus::Enabled;
        let idle =
            core.held() == 0 && running.loads.is_empty() && !stored.failures.values().any(|requested| *requested);
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
