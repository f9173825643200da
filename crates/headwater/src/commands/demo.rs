//! `headwater demo`: the main job, once, over the public API.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cli::{Connection, Credentials, ManagementClient};
use domain::clock::Entropy;
use domain::ids::random_text;
use domain::secret::Secret;
use serde_json::{Value, json};

use super::dev::LOOPBACK;
use crate::config::{Application, Config};
use crate::entropy::SystemEntropy;
use crate::environment::Environment;
use crate::lifecycle::{Server, Signals};
use crate::receiver::{Received, Receiver};
use crate::terminal::{Style, Terminal};

/// How long any one thing may take to happen.
const STEP_MAX: Duration = Duration::from_secs(4);
/// How long everything may take.
const WHOLE_MAX: Duration = Duration::from_secs(14);
/// How often an answer is asked for again while it is awaited.
const ASK_EVERY: Duration = Duration::from_millis(20);

pub(super) async fn run(environment: &Environment) -> Result<()> {
    let mut signals = Signals::new()?;
    tokio::select! {
        played = tokio::time::timeout(WHOLE_MAX, Box::pin(play(environment))) => {
            played.unwrap_or_else(|_| bail!("the demo did not end within {} s", WHOLE_MAX.as_secs()))
        }
        name = signals.next() => bail!("ended by {name}"),
    }
}

/// The stage: a server with a receiver, and a client that knows only the server's public API.
struct Stage {
    terminal: Terminal,
    receiver: Receiver,
    client: ManagementClient,
}

async fn play(environment: &Environment) -> Result<()> {
    let terminal = Terminal::new(environment);
    let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
    let application = application(&SystemEntropy);
    let config = config(folder.path(), &application)?;
    let receiver = Receiver::start(([127, 0, 0, 1], 0).into()).await?;
    let server = Server::start(&config).await?;
    let url = server.public_url().as_str().to_owned();
    terminal
        .line(&terminal.styled(Style::Heading, "Headwater, the main job: a change in the tenant reaches a webhook"));
    terminal.line(&format!("    server    {url} (temporary data folder)"));
    terminal.line(&format!("    receiver  {}", receiver.url()));
    let credentials =
        Credentials::Application { client_id: application.client_id, client_secret: application.client_secret };
    let client = ManagementClient::new(Connection { url, credentials, extra_ca: None })?;
    let mut stage = Stage { terminal, receiver, client };
    let played = stage.acts().await;
    // Whatever happened, the server ends in good order.
    let stopped = server.stop().await;
    played.and(stopped)?;
    close(terminal);
    Ok(())
}

fn application(entropy: &dyn Entropy) -> Application {
    Application { client_id: random_text(entropy, 32), client_secret: Secret::new(random_text(entropy, 48)) }
}

/// Nothing of the surroundings matters here: no file, no variable.
fn config(folder: &std::path::Path, application: &Application) -> Result<Config> {
    let flags = [
        ("listen", "127.0.0.1:0".to_owned()),
        ("data_dir", folder.display().to_string()),
        ("allow_http", "true".to_owned()),
        ("allow_destinations", LOOPBACK.to_owned()),
        ("shutdown_timeout", "2s".to_owned()),
    ];
    let flags = flags.map(|(key, value)| (key.to_owned(), value));
    let mut config = Config::load(None, &Environment::default(), &flags)?;
    config.bootstrap = Some(application.clone());
    Ok(config)
}

impl Stage {
    async fn acts(&mut self) -> Result<()> {
        self.terminal.heading("1. A token, by client credentials");
        self.client.token().await?;
        self.said("POST /oauth/token", "an access token with every scope");

        self.terminal.heading("2. An event stream to the receiver's webhook");
        let stream = self.stream_create().await?;
        self.said("POST /api/v2/event-streams", &stream);

        self.terminal.heading("3. A user is created, and the receiver gets the event");
        let user = self.user_create("jane@example.com").await?;
        self.said("POST /api/v2/users", &user);
        let request = self.arrival("the event of the new user").await?;
        ensure!(request.answered < 300, "the receiver was expected to accept the first event");
        self.terminal.line("");
        self.terminal.request(&request);

        self.terminal.heading("4. The receiver refuses the next one (4xx: tried once, kept as a failed delivery)");
        self.receiver.refuse_next(1);
        let user = self.user_create("john@example.com").await?;
        self.said("POST /api/v2/users", &user);
        let refused = event_id(&self.arrival("the event of the second user").await?)?;
        let failures = self.failures_when("a failed delivery", &stream, |list| !list.is_empty()).await?;
        self.said(&format!("GET /api/v2/event-streams/{stream}/deliveries"), &format!("{} failed", failures.len()));
        let failed = &failures[0];
        ensure!(failed["id"] == refused.as_str(), "the failed delivery is not of the event that was refused");
        self.show_failure(failed);

        self.terminal.heading("5. It is delivered again");
        self.client.post(&format!("event-streams/{stream}/redeliver/{refused}"), &json!({})).await?;
        self.said(&format!("POST /api/v2/event-streams/{stream}/redeliver/{refused}"), "accepted");
        let again = self.arrival("the redelivered event").await?;
        ensure!(event_id(&again)? == refused, "the receiver got another event than the one that was redelivered");
        self.said("the receiver got", &format!("{refused} and answered {}", again.answered));
        self.failures_when("an empty list of failures", &stream, <[Value]>::is_empty).await?;
        self.said(&format!("GET /api/v2/event-streams/{stream}/deliveries"), "none failed");
        Ok(())
    }

    /// Shows a call and what came of it.
    fn said(&self, what: &str, answer: &str) {
        self.terminal.indented(&format!("{what}  {}", self.terminal.styled(Style::Good, &format!("-> {answer}"))));
    }

    async fn stream_create(&self) -> Result<String> {
        let body = json!({
            "name": "demo",
            "subscriptions": [{"event_type": "user.created"}],
            "destination": {
                "type": "webhook",
                "configuration": {
                    "webhook_endpoint": format!("{}webhook", self.receiver.url()),
                    "webhook_authorization": {"method": "bearer", "token": "a-token-for-the-receiver"},
                },
            },
        });
        let stream = self.client.post("event-streams", &body).await?;
        text(&stream, "id")
    }

    async fn user_create(&self, email: &str) -> Result<String> {
        let body = json!({
            "connection": "Username-Password-Authentication",
            "email": email,
            "password": random_text(&SystemEntropy, 24) + "-aA1",
        });
        let user = self.client.post("users", &body).await?;
        text(&user, "user_id")
    }

    async fn arrival(&mut self, what: &str) -> Result<Received> {
        let arrived = self.receiver.next_within(STEP_MAX).await;
        arrived.with_context(|| format!("{what} did not reach the receiver within {} s", STEP_MAX.as_secs()))
    }

    /// The failed deliveries of a stream, as soon as they are as awaited.
    async fn failures_when(&self, what: &str, stream: &str, good: fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let path = format!("event-streams/{stream}/deliveries");
        let asking = async || {
            let answer = self.client.get(&path).await?;
            let list = answer["deliveries"].as_array().cloned().unwrap_or_default();
            Ok::<_, anyhow::Error>(good(&list).then_some(list))
        };
        until(asking).await.with_context(|| format!("waiting for {what}"))
    }

    fn show_failure(&self, delivery: &Value) {
        let mut shown = delivery.clone();
        if let Some(members) = shown.as_object_mut() {
            members.remove("event");
        }
        let shown = serde_json::to_string_pretty(&shown).unwrap_or_default();
        self.terminal.indented(&self.terminal.styled(Style::Warning, &shown));
    }
}

/// Asks again and again until there is an answer, for a bounded time.
async fn until<T, F: Future<Output = Result<Option<T>>>>(asking: impl Fn() -> F) -> Result<T> {
    let asking = async {
        let mut pace = tokio::time::interval(ASK_EVERY);
        loop {
            pace.tick().await;
            if let Some(answer) = asking().await? {
                return Ok(answer);
            }
        }
    };
    let answered = tokio::time::timeout(STEP_MAX, asking).await;
    answered.unwrap_or_else(|_| bail!("it did not happen within {} s", STEP_MAX.as_secs()))
}

fn event_id(request: &Received) -> Result<String> {
    let event: Value = serde_json::from_str(&request.body).context("the receiver got something that is not JSON")?;
    text(&event, "id")
}

fn text(object: &Value, member: &str) -> Result<String> {
    object[member].as_str().map(ToOwned::to_owned).with_context(|| format!("{member} is missing in an answer"))
}

fn close(terminal: Terminal) {
    let program = std::env::args().next().unwrap_or_else(|| "headwater".into());
    terminal.heading("That was all; nothing of it is left on this machine. Where to go next:");
    terminal
        .line(&format!("    {program} dev      a server to play with, in ./.headwater, and a receiver that prints"));
    terminal
        .line(&format!("    {program} serve    the server for production; --print-defaults shows its configuration"));
    terminal.line("    README.md, ARCHITECTURE.md  what it is and how it works");
}
