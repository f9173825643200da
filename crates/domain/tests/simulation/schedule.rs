//! The schedule of a seed: random steps, then an end in which everything gets well (`end.rs`).

use std::time::Duration;

use super::Checked;
use super::coverage::Reached;
use super::end::{end, round};
use super::jobs;
use super::ledger::Ledger;
use super::receiver::Receiver;
use super::users::{any_stored, append, create, delete, edit_policy, edit_types, request_redelivery, toggle_status};
use super::world::World;

#[derive(Clone, Copy, Debug)]
enum Step {
    Append,
    Sync,
    AddNext,
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
    MoveStream,
    TellNext,
    Forget,
    RequestRedelivery,
    Redeliveries,
    Withdraw,
    Job,
    GoOn,
    TestEvent,
    Round,
}

/// How often each step comes, before a seed makes some of them rare or frequent.
const STEPS: [(Step, usize); 31] = [
    (Step::Append, 60),
    (Step::Sync, 40),
    (Step::AddNext, 40),
    (Step::HandOut, 60),
    (Step::ReadOn, 90),
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
    (Step::EditPolicy, 6),
    (Step::Create, 3),
    (Step::Delete, 1),
    (Step::MoveStream, 8),
    (Step::TellNext, 15),
    (Step::Forget, 4),
    (Step::RequestRedelivery, 20),
    (Step::Redeliveries, 20),
    (Step::Withdraw, 10),
    (Step::Job, 8),
    (Step::GoOn, 15),
    (Step::TestEvent, 3),
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
        if world.shell.unanswered && world.random.percent(10) {
            world.crash()?;
        }
    }
    end(world)
}

fn play_step(world: &mut World, step: Step) -> Checked {
    match step {
        Step::Append => append(world)?,
        Step::Sync => {
            let whole = world.random.percent(50);
            world.sync(whole);
        }
        Step::AddNext => {
            world.add_next();
        }
        Step::HandOut => {
            let most = world.random.between(1, 8);
            world.hand_out(most);
        }
        Step::ReadOn | Step::Collect | Step::AnswerLoad | Step::Redeliveries | Step::Withdraw | Step::GoOn => {
            let most = world.random.between(1, 8);
            if let Some(key) = world.any_stream() {
                match step {
                    Step::ReadOn => world.read_on(key, most),
                    Step::Collect => world.collect(key)?,
                    Step::AnswerLoad => world.answer_load(key),
                    Step::Withdraw => world.withdraw(key),
                    Step::GoOn => jobs::step(world, key),
                    _ => world.redeliveries(key)?,
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
                let step = world.random.pick(&[
                    Step::Append,
                    Step::ToggleStatus,
                    Step::EditTypes,
                    Step::MoveStream,
                    Step::EditPolicy,
                    Step::Job,
                ]);
                play_step(world, step)?;
            }
            world.sync(true);
        }
        Step::ShutDown => {
            world.shut_down()?;
            world.sync(true);
        }
        Step::ToggleStatus => toggle_status(world),
        Step::EditTypes => edit_types(world),
        Step::EditPolicy => edit_policy(world),
        Step::Create => create(world),
        Step::Delete => delete(world),
        Step::MoveStream => {
            if let Some(key) = any_stored(world) {
                world.move_stream(key);
            }
        }
        Step::TellNext => {
            let most = world.random.between(1, 3);
            world.tell_next(most)?;
        }
        Step::Forget => {
            let most = world.random.between(1, 20);
            world.forget(most);
        }
        Step::RequestRedelivery => request_redelivery(world),
        Step::Job => jobs::begin_or_change(world),
        Step::TestEvent => jobs::test_event(world),
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
