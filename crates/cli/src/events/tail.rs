//! `headwater events tail`: a live view of what happens, and of what a stream fails to deliver.

mod failures;

use std::pin::pin;
use std::time::Duration;

use clap::Args;
use domain::ids::StreamId;

use crate::command::Run;
use crate::events_api::{
    Reconnects, Signal, Start, StreamedEvent, Subscription, Wish, span, style_of, time_of_day, types,
};
use crate::exit::Failure;
use crate::palette::Style;
use crate::progress::Progress;
use crate::session::Session;
use failures::{FailedDelivery, Failures};

/// The widths of the columns of types and subjects.
const TYPE: usize = 32;
const SUBJECT: usize = 34;
/// How often failed deliveries are looked for, and the view is renewed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater events tail
  headwater events tail --type user.created,user.updated --since 1h
  headwater events tail --stream est_…           what it subscribes to, and what it fails to deliver

It needs the scope read:events; with --stream read:event_streams and read:event_deliveries too.")]
pub(super) struct TailCommand {
    /// Only events of these types; may be repeated, or a list with commas.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    /// Only the types that this event stream subscribes to; its failed deliveries are shown too.
    #[arg(long, value_name = "EVENT_STREAM_ID", value_parser = stream_id)]
    stream: Option<StreamId>,
    /// Begins with the events of so much time ago, such as 30m or 1h.
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    since: Option<Duration>,
}

fn stream_id(text: &str) -> Result<StreamId, String> {
    StreamId::parse(text).map_err(|_| "expected the id of an event stream, such as est_38ANnv8pQhqsZrX2VFbftv".into())
}

impl Run for TailCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        types::check(session, "--type", &self.types).await?;
        let failures = match self.stream {
            None => None,
            Some(id) => Some(Failures::of(session.client().await?, id).await?),
        };
        let subscribed = || failures.as_ref().map(|failures| failures.subscriptions().to_vec()).unwrap_or_default();
        let now = session.surroundings().clock.now().wall;
        let wish = Wish {
            types: if self.types.is_empty() { subscribed() } else { self.types },
            start: self.since.map_or(Start::Now, |since| Start::at(now.minus(since))),
            reconnects: Reconnects::Always,
        };
        let subscription = Subscription::new(session.client().await?, wish, &*session.surroundings().entropy);
        session.interrupts().take_over();
        let progress = session.spinner("connecting");
        View { session, progress, events: 0, standing: Standing::Connecting, was_connected: false }
            .follow(subscription, failures)
            .await
    }
}

/// How the connection stands.
enum Standing {
    Connecting,
    Live,
    Lost(String),
}

/// What is on the terminal: lines, and below them how things stand.
struct View<'a> {
    session: &'a Session,
    progress: Progress,
    events: u64,
    standing: Standing,
    was_connected: bool,
}

impl View<'_> {
    async fn follow(
        mut self,
        mut subscription: Subscription<'_>,
        mut failures: Option<Failures<'_>>,
    ) -> Result<(), Failure> {
        let mut interrupted = pin!(self.session.interrupts().next());
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut interrupted => return Ok(()),
                told = subscription.next() => match told {
                    None => return Ok(()),
                    Some(Err(error)) => return Err(error.into()),
                    Some(Ok(signal)) => self.signal(signal),
                },
                _ = look.tick() => {
                    if let Some(failures) = &mut failures {
                        match failures.news().await {
                            Ok(failed) => failed.iter().for_each(|delivery| self.failed(delivery)),
                            Err(error) => self.standing = Standing::Lost(error.to_string()),
                        }
                    }
                }
            }
            self.progress.say(&self.status(failures.as_ref()));
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Connected => {
                self.standing = Standing::Live;
                if !std::mem::replace(&mut self.was_connected, true) {
                    let tenant = self.session.tenant().unwrap_or_default();
                    self.note(Style::Quiet, &format!("Watching the events of {tenant}. Press Ctrl+C to end."));
                }
            }
            Signal::Progress(_) => {}
            Signal::Event(event) => {
                self.events += 1;
                self.event(&event);
            }
            Signal::Problem { code, message } => self.note(Style::Bad, &format!("error  {code}  {message}")),
            Signal::Lost { reason, wait } => {
                self.note(
                    Style::Quiet,
                    &format!("· connection lost, reconnecting in {:.1}s ({reason})", wait.as_secs_f32()),
                );
                self.standing = Standing::Lost(reason);
            }
            Signal::Ended(_) => {}
        }
    }

    fn event(&self, event: &StreamedEvent) {
        let padded = format!("{:TYPE$}", event.event_type);
        let name = style_of(&event.event_type).map(|style| self.session.palette().paint(style, &padded));
        let subject = event.subject().map(|subject| subject.to_string()).unwrap_or_default();
        self.line(&format!("{}  {subject:SUBJECT$}  {}", name.unwrap_or(padded), event.id));
    }

    fn failed(&self, delivery: &FailedDelivery) {
        let words = self.session.palette().paint(Style::Bad, &format!("{:TYPE$}", "delivery failed"));
        let attempts = format!("{} attempts: {}", delivery.attempts, delivery.reason);
        self.line(&format!("{words}  {:SUBJECT$}  {}  {attempts}", delivery.event_type, delivery.id));
    }

    fn line(&self, text: &str) {
        let line = format!("{}  {text}", time_of_day(self.session));
        self.progress.aside(|| self.session.write_line(&line));
    }

    fn note(&self, style: Style, text: &str) {
        let messages = self.session.messages();
        self.progress.aside(|| messages.line(&messages.palette().paint(style, text)));
    }

    /// How things stand, on one line.
    fn status(&self, failures: Option<&Failures<'_>>) -> String {
        let standing = match &self.standing {
            Standing::Connecting => "connecting".to_owned(),
            Standing::Live => "live".to_owned(),
            Standing::Lost(reason) => format!("not connected: {reason}"),
        };
        let stream = failures.map(|failures| format!(", {}", failures.standing())).unwrap_or_default();
        format!("{standing}, {} events{stream}", self.events)
    }
}
