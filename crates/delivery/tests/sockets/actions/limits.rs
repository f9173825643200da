//! Code that takes without end: time, memory, stack, promises, timers, output, requests.

use std::time::Duration;

use delivery::actions::ActionSettings;
use domain::action::TestRunReport;

use super::world::*;

const OUT_OF_TIME: &str = "the action did not end within 1.5s";

async fn hastily(body: &str) -> TestRunReport {
    run(&runtime_with(hasty()), &handler(body)).await
}

#[tokio::test]
async fn endless_loops_are_ended() {
    let bodies = [
        "while (true) {}",
        "for (;;) { try { throw 1 } catch (e) {} finally { continue } }",
        "while (true) { try { while (true) {} } catch (e) {} }",
        "const spin = async () => { while (true) await null }; await spin();",
        "setInterval(() => {}, 0); await new Promise(() => {})",
        "await new Promise((go) => setTimeout(go, 100000000))",
        "await { then() { while (true) {} } }",
        "throw { get message() { while (true) {} }, toJSON() { while (true) {} } }",
        "[1, 2].sort(() => { while (true) {} })",
        "JSON.stringify({ toJSON() { while (true) {} } })",
        "console.log({ get a() { while (true) {} } })",
        "new Proxy({}, { get() { while (true) {} } }).x",
    ];
    for body in bodies {
        let run = hastily(body).await;
        assert_eq!(run.error.as_deref(), Some(OUT_OF_TIME), "{body}");
        assert!(run.duration < Duration::from_secs(4), "{body}: {:?}", run.duration);
    }
}

#[tokio::test]
async fn regular_expressions_that_never_end_are_ended() {
    let run = hastily("/^(a+)+$/.test('a'.repeat(40) + 'b'); /(x+x+)+y/.exec('x'.repeat(60))").await;
    assert_eq!(run.error.as_deref(), Some(OUT_OF_TIME));
}

#[tokio::test]
async fn memory_bombs_fail_alone() {
    let bodies = [
        "const all = []; while (true) all.push(new Array(100000).fill(1))",
        "let text = 'x'; while (true) text += text",
        "const all = []; while (true) all.push('x'.repeat(1000000) + all.length)",
        "const all = []; while (true) all.push(new ArrayBuffer(1e7))",
        "new Uint8Array(2 ** 31)",
        "const spin = () => Promise.resolve().then(spin); await spin();",
        "'x'.repeat(2 ** 30 - 2).split('')",
        "const all = new Map(); for (let n = 0; ; n++) all.set(n, { n })",
        "Array.from({ length: 2 ** 32 - 1 }, () => 'x')",
        "const all = []; while (true) all.push((async () => { await new Promise(() => {}) })())",
        "const all = []; while (true) all.push(new TextEncoder().encode('x'.repeat(1e6)))",
        "let deep = []; while (true) deep = [deep, 'x'.repeat(100) + Math.random()]",
        "const all = []; while (true) try { all.push(new Array(1e6).fill({})) } catch (e) { all.push(new Array(10)) }",
    ];
    let runtime = runtime_with(hasty());
    for body in bodies {
        let bombed = run(&runtime, &handler(body)).await;
        let error = bombed.error.unwrap_or_else(|| panic!("{body} did not fail"));
        let plain = error.starts_with("out of memory: a run may use 67108864 bytes")
            || error.starts_with("RangeError")
            || error.starts_with("InternalError")
            || error == OUT_OF_TIME
            || error.starts_with("the action's process broke down");
        assert!(plain, "{body}: {error}");
        assert_eq!(run(&runtime, &handler("")).await.error, None, "after {body}");
    }
}

#[tokio::test]
async fn the_stack_ends() {
    let deep = |body: &str| format!("{body} throw new Error('it ended')");
    for body in [
        "const f = () => f(); f();",
        "const f = () => [1].map(f); f();",
        "let deep = '['.repeat(1e6); JSON.parse(deep);",
        "let deep = {}; for (let n = 0; n < 1e5; n++) deep = { deep }; JSON.stringify(deep);",
        "new RegExp('('.repeat(1e5));",
        "eval('('.repeat(1e5));",
        "const p = new Proxy({}, {}); let q = p; for (let n = 0; n < 1e5; n++) q = new Proxy(q, {}); q.x;",
        "class A { get x() { return this.x } } new A().x;",
        "const o = { toString() { return '' + o } }; '' + o;",
    ] {
        let error = error(&deep(body)).await;
        assert!(!error.contains("broke down"), "{body}: {error}");
    }
}

#[tokio::test]
async fn output_is_cut_and_says_so() {
    let flood = once("for (let n = 0; n < 1e5; n++) console.log('x'.repeat(1000)); throw new Error('done')").await;
    assert_eq!(flood.error.as_deref(), Some("Error: done (line 1)"));
    let bytes: usize = flood.console.iter().map(|line| line.text.len()).sum();
    assert!((16 * 1024..17 * 1024).contains(&bytes), "{bytes}");
    assert!(flood.console.last().unwrap().text.ends_with("(the rest is not kept)"));

    let empty = once("for (let n = 0; n < 1e5; n++) console.log('')").await;
    assert!(empty.console.len() <= 1000, "{}", empty.console.len());
    let endless = hastily("while (true) console.log('x'.repeat(10000))").await;
    assert_eq!(endless.error.as_deref(), Some(OUT_OF_TIME));
}

#[tokio::test]
async fn timers_and_promises_are_bounded() {
    let error = error("while (true) setTimeout(() => {}, 1000)").await;
    assert_eq!(error, "RangeError: an action has 1000 timers at most (line 1)");
    assert_eq!(
        output("await Promise.all(Array.from({ length: 50000 }, async (_, n) => n)); console.log('done')").await,
        "done"
    );
}

#[tokio::test]
async fn the_limits_are_settings() {
    let settings = ActionSettings { memory_bytes_max: 16 * 1024 * 1024, console_bytes_max: 10, ..action_settings() };
    let run = run(&runtime_with(settings), &handler("console.log('0123456789abc'); new Uint8Array(17e6)")).await;
    assert_eq!(lines(&run), ["0123456789 … (the rest is not kept)"]);
    assert_eq!(run.error.as_deref(), Some("out of memory: a run may use 16777216 bytes"));
}
