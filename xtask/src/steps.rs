//! The steps of `cargo xtask test`, in order.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::clients;
use crate::compatibility::{self, Client};
use crate::machine::{self, NODE_MIN};
use crate::report::{Line, Report, Verdict};
use crate::walls;

const TEST: &str = "test";
/// The published schema of the events, where the contract lies beside the repository.
const EVENTS_SCHEMA: &str = "../shared/contract/events-schema.json";
/// How long the demo may take, built.
const DEMO_MAX: Duration = Duration::from_secs(15);

/// A step either ends well with a note, or says why it could not run; an `Err` is a failure.
enum Ended {
    Well(String),
    Skipped(String),
}

struct Step {
    name: &'static str,
    run: fn(&Machine) -> Result<Ended>,
}

const STEPS: &[Step] = &[
    Step { name: "packages", run: packages },
    Step { name: "npm", run: npm },
    Step { name: "python", run: python },
    Step { name: "go", run: go },
    Step { name: "walls", run: walls_hold },
    Step { name: "fmt", run: fmt },
    Step { name: "clippy", run: clippy },
    Step { name: "doc", run: doc },
    Step { name: TEST, run: tests },
    Step { name: "compatibility", run: compatibility_holds },
    Step { name: "release", run: release },
    Step { name: "demo", run: demo },
    Step { name: "deny", run: deny },
];

/// The steps' names, in order.
pub(crate) fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// Runs all steps, or those named; true if none failed.
pub(crate) fn test(root: &Path, only: &[&str]) -> Result<bool> {
    if let Some(unknown) = only.iter().find(|name| !names().contains(name)) {
        bail!("there is no step {unknown}; the steps are: {}", names().join(" "));
    }
    let machine = Machine { root: root.to_owned() };
    let mut report = Report::default();
    for step in STEPS.iter().filter(|step| only.is_empty() || only.contains(&step.name)) {
        println!("\n-- {} {}", step.name, "-".repeat(68_usize.saturating_sub(step.name.len())));
        let begun = now();
        let verdict = match (step.run)(&machine) {
            Ok(Ended::Well(note)) => Verdict::Passed(note),
            Ok(Ended::Skipped(why)) => Verdict::Skipped(why),
            Err(error) => Verdict::Failed(format!("{error:#}")),
        };
        if let Verdict::Failed(why) | Verdict::Skipped(why) = &verdict {
            println!("{}: {why}", step.name);
        }
        report.lines.push(Line { step: step.name, took: begun.elapsed(), verdict });
        if step.name == TEST {
            let gap = |why| Line { step: "part of test", took: Duration::ZERO, verdict: Verdict::Skipped(why) };
            report.lines.extend(machine.gaps().into_iter().map(gap));
        }
    }
    println!("{}", report.render());
    Ok(report.good())
}

/// Plays `seeds` schedules of the simulation, as fast as the machine can.
pub(crate) fn simulate(root: &Path, seeds: u64) -> Result<()> {
    let machine = Machine { root: root.to_owned() };
    let mut command = machine.cargo(&["test", "--release", "--package", "domain", "--test", "simulation"]);
    command.args(["--", "--nocapture"]).env("HEADWATER_SIMULATION_SEEDS", seeds.to_string());
    succeed(command)
}

/// Starts receivers of the worst kind, for any sender.
pub(crate) fn hostile(root: &Path, options: &[&str]) -> Result<()> {
    let machine = Machine { root: root.to_owned() };
    let mut command =
        machine.cargo(&["run", "--quiet", "--package", "delivery", "--example", "hostile_receivers", "--"]);
    command.args(options);
    succeed(command)
}

/// Builds the server and the benchmark, and runs it. One after the other: together, the server would be built with
/// what only the benchmark needs of their libraries.
pub(crate) fn bench(root: &Path, options: &[&str]) -> Result<()> {
    let machine = Machine { root: root.to_owned() };
    if let Err(error) = machine::valgrind_ensure() {
        println!("allocations will not be counted: {error:#}");
    }
    succeed(machine.cargo(&["build", "--release", "--package", "headwater"]))?;
    let mut command = machine.cargo(&["run", "--release", "--package", "bench", "--"]);
    command.args(options);
    succeed(command)
}

#[expect(clippy::disallowed_methods, reason = "a chore measures itself")]
fn now() -> Instant {
    Instant::now()
}

/// The machine and the checkout on it.
struct Machine {
    root: PathBuf,
}

impl Machine {
    fn cargo(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "cargo says so which cargo to call")]
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// The parts of the step `test` that cannot run here: a story that is not switched on looks like a
    /// passed one, so it is reported.
    fn gaps(&self) -> Vec<String> {
        let node = self
            .node_lacks()
            .map(|why| format!("stories of the Node SDK, the deploy tool and receivers on Node.js: {why}"));
        let python = clients::PYTHON_SDK.python(&self.root).is_none();
        let python = python.then(|| "stories of the Python SDK: it is not installed (step python)".to_owned());
        let asked = clients::SCHEMATHESIS.python(&self.root).is_none();
        let asked =
            asked.then(|| "whatever the description allows: schemathesis is not installed (step python)".to_owned());
        let aws = clients::MOTO.python(&self.root).is_none();
        let aws = aws.then(|| "streams to EventBridge: moto is not installed (step python)".to_owned());
        let cli = clients::go_program(&clients::AUTH0_CLI).is_none();
        let cli = cli.then(|| "stories of the auth0 CLI: it could not be built (step go)".to_owned());
        let terraform = clients::terraform_lacks();
        let terraform = terraform.map(|why| format!("stories of the Terraform provider: {why}"));
        let fastapi = clients::PYTHON_RECEIVER.python(&self.root).is_none();
        let fastapi = fastapi.then(|| "the receiver in Python: FastAPI is not installed (step python)".to_owned());
        let receiver = clients::go_receiver().is_none();
        let receiver = receiver.then(|| "the receiver in Go: it could not be built (step go)".to_owned());
        let curl = (!machine::has("curl")).then(|| "stories of curl: it is not installed".to_owned());
        let postgresql = machine::postgresql_bin().is_none() || !machine::has("psql") || !machine::has("python3");
        let postgresql =
            postgresql.then(|| "the outbox of PostgreSQL: its server, psql or Python is not installed".to_owned());
        let faketime =
            (!machine::has(machine::FAKETIME)).then(|| "stories of clocks that jump: no faketime".to_owned());
        let mounts = (!machine::may_mount()).then(|| "stories of file systems: none may be mounted here".to_owned());
        let schema = self.schema().is_none();
        let schema = schema.then(|| format!("events against their schema: {EVENTS_SCHEMA} is not there"));
        [node, python, asked, aws, cli, terraform, fastapi, receiver, curl, postgresql, faketime, mounts, schema]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The official clients, and which of them can be played here.
    fn clients(&self) -> Vec<Client> {
        let python = clients::PYTHON_SDK.python(&self.root).is_none();
        let cli = clients::go_program(&clients::AUTH0_CLI).is_none();
        let text = |lacks: bool, why: &str| lacks.then(|| why.to_owned());
        vec![
            Client {
                name: "Node SDK, npm `auth0`",
                stories: &[
                    "the_node_sdk_plays_the_main_job",
                    "the_node_sdk_uses_every_event_stream_operation",
                    "the_node_sdk_subscribes_to_events",
                ],
                lacks: self.node_lacks(),
            },
            Client {
                name: "Python SDK, PyPI `auth0-python`",
                stories: &[
                    "the_python_sdk_plays_the_main_job",
                    "the_python_sdk_uses_every_event_stream_operation",
                    "the_python_sdk_subscribes_to_events",
                ],
                lacks: text(python, "it is not installed"),
            },
            Client {
                name: "deploy tool, npm `auth0-deploy-cli`, for event streams",
                stories: &["the_deploy_tool_exports_and_imports_event_streams"],
                lacks: self.node_lacks(),
            },
            Client {
                name: "`auth0` CLI, Go module",
                stories: &["the_auth0_cli_uses_every_event_streams_subcommand"],
                lacks: text(cli, "it could not be built; its part is written"),
            },
            Client {
                name: "Terraform provider, Go module",
                stories: &["the_terraform_provider_keeps_an_event_stream"],
                lacks: clients::terraform_lacks().map(|why| format!("{why}; its part is written")),
            },
        ]
    }

    /// Why the stories that Node.js plays cannot run here, if they cannot.
    fn node_lacks(&self) -> Option<String> {
        if machine::node_bin(&self.root).is_none() {
            return Some(format!("there is no Node.js {}.{} or newer", NODE_MIN.0, NODE_MIN.1));
        }
        (!clients::npm_installed(&self.root)).then(|| "the npm packages are not installed (step npm)".into())
    }

    fn schema(&self) -> Option<PathBuf> {
        self.root.join(EVENTS_SCHEMA).canonicalize().ok()
    }
}

fn succeed(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} could not be started", shown(&command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(&command));
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = command.get_args().map(|word| word.to_string_lossy());
    std::iter::once(name.to_string_lossy()).chain(words).collect::<Vec<_>>().join(" ")
}

fn packages(_: &Machine) -> Result<Ended> {
    match machine::packages_install() {
        Ok(note) => Ok(Ended::Well(note)),
        Err(why) => Ok(Ended::Skipped(format!("{why:#}"))),
    }
}

fn npm(machine: &Machine) -> Result<Ended> {
    if !machine::has("npm") {
        return Ok(Ended::Skipped("npm is not installed".into()));
    }
    let node = machine::node_ensure(&machine.root)?;
    let packages = clients::npm_install(&machine.root)?;
    Ok(Ended::Well(format!("{node}, packages {packages}")))
}

fn python(machine: &Machine) -> Result<Ended> {
    if !machine::has("python3") {
        return Ok(Ended::Skipped("python3 is not installed".into()));
    }
    clients::python_install(&machine.root).map(Ended::Well)
}

/// What is not on the machine or cannot be reached is a gap, not a failure: the issue of a client is its own.
fn go(machine: &Machine) -> Result<Ended> {
    let Some(go) = machine::go() else { return Ok(Ended::Skipped("Go is not installed".into())) };
    clients::go_receiver_build(&go, &machine.root)?;
    match clients::go_install(&go) {
        Ok(note) => Ok(Ended::Well(note)),
        Err(why) => Ok(Ended::Skipped(format!("{why:#}"))),
    }
}

fn walls_hold(machine: &Machine) -> Result<Ended> {
    let findings = walls::check(&machine.root)?;
    println!("{findings}");
    Ok(Ended::Well(findings.lines().last().unwrap_or_default().to_owned()))
}

fn component(machine: &Machine, subcommand: &str, component: &str) -> Result<()> {
    let there = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if there(&mut machine.cargo(&[subcommand, "--version"])) {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["component", "add", component]).current_dir(&machine.root);
    succeed(rustup).with_context(|| format!("the toolchain has no {component}"))
}

fn fmt(machine: &Machine) -> Result<Ended> {
    component(machine, "fmt", "rustfmt")?;
    succeed(machine.cargo(&["fmt", "--all", "--check"]))?;
    Ok(Ended::Well(String::new()))
}

fn clippy(machine: &Machine) -> Result<Ended> {
    component(machine, "clippy", "clippy")?;
    succeed(machine.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    Ok(Ended::Well(String::new()))
}

fn doc(machine: &Machine) -> Result<Ended> {
    let mut command = machine.cargo(&["doc", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    succeed(command)?;
    Ok(Ended::Well(String::new()))
}

/// All of them, with everything switched on that this machine can play.
fn tests(machine: &Machine) -> Result<Ended> {
    let with = run_tests(machine, &["test", "--workspace", "--no-fail-fast"])?;
    Ok(Ended::Well(format!("with {}", with.join(", "))))
}

/// The page of compatibility is what the tests have shown.
fn compatibility_holds(machine: &Machine) -> Result<Ended> {
    if !compatibility::is_recorded(&machine.root) {
        return Ok(Ended::Skipped("the step test has not passed, so there is no run to compare the page with".into()));
    }
    compatibility::check(&machine.root, &machine.clients()).map(Ended::Well)
}

/// Runs the tests that the page of compatibility is written from, and writes it.
pub(crate) fn compatibility(root: &Path) -> Result<()> {
    let machine = Machine { root: root.to_owned() };
    let tests = ["test", "--package", "web", "--test", "api", "--package", "headwater", "--test", "stories"];
    run_tests(&machine, &tests)?;
    compatibility::write(root, &machine.clients())
}

/// Writes the page of compatibility from the tests that ran last.
pub(crate) fn compatibility_of_last_run(root: &Path) -> Result<()> {
    if !compatibility::is_recorded(root) {
        bail!("no run of the tests has ended well here: use `cargo xtask compatibility`, or first `cargo xtask test`");
    }
    compatibility::write(root, &Machine { root: root.to_owned() }.clients())
}

/// Runs tests, which note what they show; answers what was switched on.
fn run_tests(machine: &Machine, arguments: &[&str]) -> Result<Vec<&'static str>> {
    let recorded = compatibility::begin(&machine.root)?;
    let mut command = machine.cargo(arguments);
    command.env("HEADWATER_TEST_RECORD", &recorded);
    let mut with = Vec::new();
    if machine.node_lacks().is_none() {
        command.env("HEADWATER_TEST_NODE", "1").env("PATH", machine::path_with(&machine::node_bin(&machine.root)));
        with.push("node");
    }
    if let Some(python) = clients::PYTHON_SDK.python(&machine.root) {
        command.env("HEADWATER_TEST_PYTHON", python);
        with.push("python");
    }
    if let Some(python) = clients::SCHEMATHESIS.python(&machine.root) {
        command.env("HEADWATER_TEST_SCHEMATHESIS", python);
        with.push("schemathesis");
    }
    if let Some(python) = clients::MOTO.python(&machine.root) {
        command.env("HEADWATER_TEST_MOTO", python);
        with.push("moto");
    }
    if let Some(cli) = clients::go_program(&clients::AUTH0_CLI) {
        command.env("HEADWATER_TEST_AUTH0_CLI", cli);
        with.push("auth0 CLI");
    }
    if clients::terraform_lacks().is_none()
        && let Some(provider) = clients::go_program(&clients::TERRAFORM_PROVIDER)
    {
        command.env("HEADWATER_TEST_TERRAFORM_PROVIDER", provider);
        with.push("terraform");
    }
    if let Some(python) = clients::PYTHON_RECEIVER.python(&machine.root) {
        command.env("HEADWATER_TEST_PYTHON_RECEIVER", python);
        with.push("receiver in Python");
    }
    if let Some(receiver) = clients::go_receiver() {
        command.env("HEADWATER_TEST_GO_RECEIVER", receiver);
        with.push("receiver in Go");
    }
    if machine::has("curl") {
        command.env("HEADWATER_TEST_CURL", "1");
        with.push("curl");
    }
    if let Some(bin) = machine::postgresql_bin().filter(|_| machine::has("psql") && machine::has("python3")) {
        command.env("HEADWATER_TEST_POSTGRESQL", bin);
        with.push("postgresql");
    }
    if machine::has(machine::FAKETIME) {
        command.env("HEADWATER_TEST_FAKETIME", "1");
        with.push("clocks");
    }
    if machine::may_mount() {
        command.env("HEADWATER_TEST_MOUNTS", "1");
        with.push("mounts");
    }
    if let Some(schema) = machine.schema() {
        command.env("HEADWATER_EVENTS_SCHEMA", schema);
        with.push("events schema");
    }
    succeed(command)?;
    compatibility::end(&recorded)?;
    Ok(with)
}

fn release(machine: &Machine) -> Result<Ended> {
    succeed(machine.cargo(&["build", "--release"]))?;
    Ok(Ended::Well(String::new()))
}

fn demo(machine: &Machine) -> Result<Ended> {
    let begun = now();
    succeed(machine.cargo(&["run", "--release", "--", "demo"]))?;
    let took = begun.elapsed();
    if took > DEMO_MAX {
        bail!("the demo took {:.1} s; it may take {} s", took.as_secs_f64(), DEMO_MAX.as_secs());
    }
    Ok(Ended::Well(String::new()))
}

fn deny(machine: &Machine) -> Result<Ended> {
    let (program, note) = match machine::has("cargo-deny") {
        true => (PathBuf::from("cargo-deny"), String::new()),
        false => machine::cargo_deny_ensure(|arguments| machine.cargo(arguments))?,
    };
    // Without a network it looks at every platform's crates, of which a build fetches only its own.
    succeed(machine.cargo(&["fetch", "--locked"]))?;
    let mut command = Command::new(program);
    command.args(["--offline", "check", "bans", "licenses", "sources"]).current_dir(&machine.root);
    succeed(command)?;
    Ok(Ended::Well(note))
}
