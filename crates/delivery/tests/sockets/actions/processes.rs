//! The processes: how many there are, what is shared, what becomes of one that is killed.

use std::time::Duration;

use delivery::actions::ActionSettings;
use domain::delivery::{FailureKind, Outcome};
use domain::ids::ActionId;

use super::world::*;

#[tokio::test]
async fn a_process_that_is_killed_is_a_failed_attempt_and_the_next_one_runs() {
    let (runtime, marker) = marked(action_settings());
    let runs = runtime.runs_of(action_id());
    let waiting = handler("console.log('begun'); await new Promise((go) => setTimeout(go, 5000))");
    let (outcome, ()) = tokio::join!(runs.run(&waiting, MESSAGE.as_bytes()), async {
        let pid = process_of(&marker).await;
        until(|| limit(pid, "Max open files").as_deref() == Some("3")).await;
        kill(pid);
    });
    let failure = failed(outcome);
    assert_eq!(failure.kind, FailureKind::Thrown);
    assert_eq!(failure.message, "the action's process broke down: it was killed (signal 9)");
    let next = runs.run(&handler(""), MESSAGE.as_bytes()).await;
    assert!(matches!(next, Outcome::Delivered { .. }), "{next:?}");

    // One that is killed while it waits is not noticed at all.
    kill(process_of(&marker).await);
    until(|| processes_of(&marker).is_empty()).await;
    let next = runs.run(&handler(""), MESSAGE.as_bytes()).await;
    assert!(matches!(next, Outcome::Delivered { .. }), "{next:?}");
}

#[tokio::test]
async fn a_process_that_was_stopped_is_killed_when_the_time_is_up() {
    let (runtime, marker) = marked(hasty());
    let runs = runtime.runs_of(action_id());
    let waiting = handler("await new Promise((go) => setTimeout(go, 1000))");
    let (outcome, ()) = tokio::join!(runs.run(&waiting, MESSAGE.as_bytes()), async {
        let pid = process_of(&marker).await;
        until(|| limit(pid, "Max open files").as_deref() == Some("3")).await;
        assert!(std::process::Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap().success());
    });
    assert_eq!(failed(outcome).kind, FailureKind::Timeout);
    until(|| processes_of(&marker).is_empty()).await;
}

#[tokio::test]
async fn what_is_thrown_is_tried_again_and_what_cannot_run_is_not() {
    let runtime = runtime_with(hasty());
    let kind = async |action| failed(runtime.runs_of(action_id()).run(&action, MESSAGE.as_bytes()).await).kind;
    assert_eq!(kind(handler("throw new Error('x')")).await, FailureKind::Thrown);
    assert_eq!(kind(handler("api.message.fail('x')")).await, FailureKind::Thrown);
    assert_eq!(kind(handler("while (true) {}")).await, FailureKind::Timeout);
    assert_eq!(kind(code("syntax error")).await, FailureKind::Refused);
    assert_eq!(kind(code("exports.another = 1")).await, FailureKind::Refused);
    let nowhere = runtime_with(ActionSettings { program: "/nowhere/at-all".into(), ..hasty() });
    let outcome = nowhere.runs_of(action_id()).run(&handler(""), MESSAGE.as_bytes()).await;
    assert_eq!(failed(outcome).kind, FailureKind::Unreachable);
}

#[tokio::test]
async fn processes_are_not_shared_and_not_kept_for_nobody() {
    let (runtime, marker) = marked(action_settings());
    let (one, two) = (runtime.runs_of(action_id()), runtime.runs_of(action_id()));
    for runs in [&one, &two] {
        for _ in 0..3 {
            runs.run(&handler(""), MESSAGE.as_bytes()).await;
        }
    }
    assert_eq!(processes_of(&marker).len(), 2);
    drop(two);
    until(|| processes_of(&marker).len() == 1).await;
    drop(one);
    until(|| processes_of(&marker).is_empty()).await;
    // One that was tried out leaves none either.
    run(&runtime, &handler("")).await;
    until(|| processes_of(&marker).is_empty()).await;
}

#[tokio::test]
async fn processes_that_wait_too_long_end() {
    let (runtime, marker) = marked(ActionSettings { idle_for_max: Duration::ZERO, ..action_settings() });
    let runs = runtime.runs_of(action_id());
    runs.run(&handler(""), MESSAGE.as_bytes()).await;
    assert_eq!(processes_of(&marker).len(), 1);
    runtime.end_idle();
    until(|| processes_of(&marker).is_empty()).await;
}

#[tokio::test]
async fn one_streams_loops_leave_room_for_another() {
    let settings = ActionSettings { processes_max: 3, processes_per_stream_max: 2, ..hasty() };
    let (runtime, marker) = marked(settings);
    let (looping, good) = (runtime.runs_of(action_id()), runtime.runs_of(action_id()));
    let endless = handler("while (true) {}");
    let loops = async {
        tokio::join!(
            looping.run(&endless, MESSAGE.as_bytes()),
            looping.run(&endless, MESSAGE.as_bytes()),
            looping.run(&endless, MESSAGE.as_bytes()),
        )
    };
    let others = async {
        until(|| processes_of(&marker).len() == 2).await;
        for _ in 0..5 {
            let outcome = good.run(&handler(""), MESSAGE.as_bytes()).await;
            assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
        }
        // All of that while the first two go round and round.
        assert_eq!(processes_of(&marker).len(), 3);
    };
    tokio::select! {
        biased;
        () = others => {}
        _ = loops => panic!("the loops ended first"),
    }
}

#[tokio::test]
async fn a_process_that_waits_makes_room() {
    let (runtime, marker) = marked(ActionSettings { processes_max: 1, ..action_settings() });
    let (one, two) = (runtime.runs_of(action_id()), runtime.runs_of(action_id()));
    for runs in [&one, &two, &one] {
        let outcome = runs.run(&handler(""), MESSAGE.as_bytes()).await;
        assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    }
    until(|| processes_of(&marker).len() == 1).await;
}

#[tokio::test]
async fn the_cache_outlives_runs_and_processes_and_is_the_actions_own() {
    let (runtime, marker) = marked(action_settings());
    let runs = runtime.runs_of(action_id());
    let counting =
        handler("const n = Number(api.cache.get('n')?.value ?? 0) + 1; api.cache.set('n', String(n)); throw n");
    let count = async || failed(runs.run(&counting, MESSAGE.as_bytes()).await).message;
    assert_eq!(count().await, "1");
    assert_eq!(count().await, "2");
    kill(process_of(&marker).await);
    until(|| processes_of(&marker).is_empty()).await;
    assert_eq!(count().await, "3");
    // Another stream with the same action sees it, another action does not.
    let same = runtime.runs_of(action_id()).run(&counting, MESSAGE.as_bytes()).await;
    assert_eq!(failed(same).message, "4");
    let other = runtime.runs_of(ActionId::parse("3a1c0b52-9d3e-4d5b-8a52-6f0f6f1d2e3d").unwrap());
    assert_eq!(failed(other.run(&counting, MESSAGE.as_bytes()).await).message, "1");
}

#[tokio::test]
async fn a_run_that_is_called_off_leaves_no_process() {
    let (runtime, marker) = marked(action_settings());
    let runs = runtime.runs_of(action_id());
    let endless = handler("while (true) {}");
    tokio::select! {
        outcome = runs.run(&endless, MESSAGE.as_bytes()) => panic!("{outcome:?}"),
        _ = process_of(&marker) => {}
    }
    until(|| processes_of(&marker).is_empty()).await;
}

#[tokio::test]
async fn a_process_ends_with_the_other_end_whatever_it_does() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let marker = marked(action_settings()).1;
    for code in ["exports.onExecuteEventStream = () => { while (true) {} }", "while (true) {}", ""] {
        let order = serde_json::json!({"Run": {
            "code": code,
            "secrets": [],
            "message": "{}",
            "limits": {
                "time_ms": 3_600_000, "memory_bytes": 1 << 26, "console_bytes": 100, "requests": 0, "request_bytes": 100
            },
        }})
        .to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_action-process"));
        let mut process = command.arg(&marker).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut input = process.stdin.take().unwrap();
        input.write_all(&u32::try_from(order.len()).unwrap().to_be_bytes()).unwrap();
        input.write_all(order.as_bytes()).unwrap();
        until(|| limit(process.id(), "Max open files").as_deref() == Some("3")).await;
        // As it is closed by the system when the server has been killed.
        drop(input);
        let ended = tokio::task::spawn_blocking(move || process.wait().unwrap());
        tokio::time::timeout(Duration::from_secs(10), ended).await.expect("it ends").unwrap();
    }
}

/// Should code ever take a process over, the server is what holds.
#[tokio::test]
async fn a_process_that_is_not_itself_is_a_failed_attempt() {
    let programs: [(&str, &[&str]); 6] = [
        ("/bin/true", &[]),
        // It says what it is told.
        ("/bin/cat", &[]),
        // It floods.
        ("/usr/bin/yes", &[]),
        ("/bin/cat", &["/dev/zero"]),
        ("/bin/sh", &["-c", "head -c 4 /dev/zero | tr '\\0' '\\377'; sleep 100"]),
        // It says nothing.
        ("/bin/sleep", &["100"]),
    ];
    for (program, arguments) in programs {
        let arguments = arguments.iter().map(Into::into).collect();
        let runtime = runtime_with(ActionSettings { program: program.into(), arguments, ..hasty() });
        let run = run(&runtime, &handler("")).await;
        let error = run.error.unwrap();
        let is_plain =
            error.starts_with("the action's process broke down: ") || error.starts_with("the action did not end");
        assert!(is_plain, "{program}: {error}");
        assert!(run.console.is_empty());
    }
}

#[tokio::test]
async fn whoever_tries_an_action_out_does_not_wait_in_line_for_ever() {
    let settings = ActionSettings { processes_max: 1, timeout: Duration::from_millis(100), ..action_settings() };
    let (runtime, marker) = marked(settings);
    let runs = runtime.runs_of(action_id());
    // The only place is taken again and again, by whoever was in line before.
    let endless = handler("while (true) {}");
    let crowd = async {
        let stream = async || {
            for _ in 0..1000 {
                runs.run(&endless, MESSAGE.as_bytes()).await;
            }
        };
        tokio::join!(stream(), stream(), stream())
    };
    let trying = async {
        process_of(&marker).await;
        run(&runtime, &handler("")).await
    };
    tokio::select! {
        run = trying => assert!(run.duration < Duration::from_secs(6), "{run:?}"),
        _ = crowd => unreachable!(),
    }
}
