//! A runtime over the test's own process, and runs in it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use delivery::actions::{ActionRuntime, ActionSettings};
use domain::action::{ActionCode, CodeCheck, TestRunReport};
use domain::delivery::{ConsoleLevel, Failure, Outcome};
use domain::ids::ActionId;
use domain::secret::Secret;

use crate::receivers::fixture::{AMPLE, PATIENCE, outbound, settings};

/// An event as an action gets it.
pub(crate) const MESSAGE: &str = r#"{"id":"evt_1","type":"user.created","source":"urn:acme","specversion":"1.0","time":"2026-01-16T08:50:33Z","data":{"object":{"user_id":"auth0|1"}}}"#;

/// Settings that the tests change where they are the subject.
pub(crate) fn action_settings() -> ActionSettings {
    let program = env!("CARGO_BIN_EXE_action-process").into();
    ActionSettings { http_allowed: true, ..ActionSettings::new(program, Vec::new()) }
}

/// The time of a run where that is the subject.
pub(crate) fn hasty() -> ActionSettings {
    ActionSettings { timeout: Duration::from_millis(1500), ..action_settings() }
}

pub(crate) fn runtime_with(actions: ActionSettings) -> ActionRuntime {
    ActionRuntime::new(actions, &outbound(settings(AMPLE))).unwrap()
}

pub(crate) fn runtime() -> ActionRuntime {
    runtime_with(action_settings())
}

pub(crate) fn code(text: &str) -> ActionCode {
    ActionCode { code: text.to_owned(), secrets: vec![("TOKEN".to_owned(), Secret::new("s3cret-value"))] }
}

/// An action whose handler is `body`.
pub(crate) fn handler(body: &str) -> ActionCode {
    code(&format!("exports.onExecuteEventStream = async (event, api) => {{ {body} }};"))
}

pub(crate) async fn run(runtime: &ActionRuntime, code: &ActionCode) -> TestRunReport {
    runtime.test(code, Bytes::from_static(MESSAGE.as_bytes())).await
}

/// Runs a handler once.
pub(crate) async fn once(body: &str) -> TestRunReport {
    run(&runtime(), &handler(body)).await
}

/// What a handler's body writes to its console, which must run without a failure.
pub(crate) async fn output(body: &str) -> String {
    let run = once(body).await;
    assert_eq!(run.error, None, "{:?}", run.console);
    lines(&run).join("\n")
}

pub(crate) fn lines(run: &TestRunReport) -> Vec<String> {
    run.console.iter().map(|line| line.text.clone()).collect()
}

/// The failure of a handler's body.
pub(crate) async fn error(body: &str) -> String {
    let run = once(body).await;
    run.error.unwrap_or_else(|| panic!("it did not fail: {:?}", run.console))
}

#[tokio::test]
async fn an_action_runs() {
    let run = once("console.log(event.message.type, event.message.data); console.warn('careful');").await;
    assert_eq!(run.error, None);
    assert_eq!(lines(&run), ["user.created { object: { user_id: \"auth0|1\" } }", "careful"]);
    assert_eq!(run.console[1].level, ConsoleLevel::Warn);
}

#[tokio::test]
async fn code_that_cannot_be_loaded_says_why_and_where() {
    let runtime = runtime();
    assert_eq!(runtime.check(&handler("")).await, CodeCheck::Runs);
    let check = async |text: &str| match runtime.check(&code(text)).await {
        CodeCheck::Fails(message) => message,
        other => panic!("{other:?}"),
    };
    let message = check("const a = 1;\nconst b = ;\n").await;
    assert!(message.starts_with("SyntaxError: ") && message.ends_with("(line 2)"), "{message}");
    assert_eq!(check("exports.other = () => {};").await, "the code does not export a function onExecuteEventStream");
    let message = check("\n\nconst axios = require('axios');").await;
    assert!(message.contains("require('axios'): packages are not available in an action"), "{message}");
    assert!(message.ends_with("(line 3)"), "{message}");
    let message = check("module.exports = {}; while (true) {}").await;
    assert_eq!(message, "the action did not end within 10s");
}

/// A runtime whose processes can be told from those of other tests.
pub(crate) fn marked(settings: ActionSettings) -> (ActionRuntime, String) {
    static MARKS: AtomicU64 = AtomicU64::new(0);
    let marker = format!("mark-{}-{}", std::process::id(), MARKS.fetch_add(1, Ordering::Relaxed));
    (runtime_with(ActionSettings { arguments: vec![marker.clone().into()], ..settings }), marker)
}

/// The processes that have this mark.
pub(crate) fn processes_of(marker: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let is_marked = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|argument| argument == marker.as_bytes())
    };
    pids.filter(is_marked).collect()
}

/// Waits until there is one, and answers it.
pub(crate) async fn process_of(marker: &str) -> u32 {
    until(|| !processes_of(marker).is_empty()).await;
    processes_of(marker)[0]
}

/// Waits for what must come to be.
pub(crate) async fn until(check: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("what was waited for happens");
}

/// The hard limit of a process.
pub(crate) fn limit(pid: u32, name: &str) -> Option<String> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().nth(1).map(str::to_owned)
}

/// Ends a process at once.
pub(crate) fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
}

/// The failure of an attempt.
#[track_caller]
pub(crate) fn failed(outcome: Outcome) -> Failure {
    crate::receivers::fixture::failure(outcome)
}

/// An action's id.
pub(crate) fn action_id() -> ActionId {
    ActionId::parse("3a1c0b52-9d3e-4d5b-8a52-6f0f6f1d2e3c").unwrap()
}
