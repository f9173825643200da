//! `headwater events subscribe`: the events as they happen, and where to go on.

mod output;
mod summary;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use domain::clock::Timestamp;

use crate::command::Run;
use crate::events_api::{Reconnects, Signal, Start, Subscription, Wish, types};
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::palette::Style;
use crate::session::Session;
use output::Output;
use summary::Summary;

/// How often it is said that nothing happens.
const STILL_LISTENING: Duration = Duration::from_secs(30);

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater events subscribe
  headwater events subscribe --event-type user.created,user.deleted
  headwater events subscribe --from-timestamp 2026-01-16T08:50:33Z --json-compact
  headwater events subscribe --from OFFSET --output-file events.jsonl

It needs the scope read:events. Ctrl+C ends it, and says from where to go on.")]
pub(super) struct SubscribeCommand {
    /// Goes on after the message with this offset.
    #[arg(long, value_name = "OFFSET", conflicts_with = "from_timestamp")]
    from: Option<String>,
    /// Begins with the first event that is not older than this (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    from_timestamp: Option<Timestamp>,
    /// Only events of these types; may be repeated, or a list with commas.
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    event_type: Vec<String>,
    /// Shows each event whole.
    #[arg(short, long)]
    verbose: bool,
    /// Shows the server's heartbeats.
    #[arg(long)]
    show_heartbeats: bool,
    /// Also appends each message to this file, as JSON on one line.
    #[arg(long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    /// Ends with the connection.
    #[arg(long, conflicts_with = "max_reconnects")]
    no_reconnect: bool,
    /// Gives up after so many attempts to connect in a row have failed; 0 never does.
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_reconnects: u32,
    /// Lists the event types, and ends.
    #[arg(long)]
    list_event_types: bool,
    #[command(flatten)]
    format: SingleFormat,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

impl Run for SubscribeCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        if self.list_event_types {
            session.write_line("Supported event types:");
            types::names().for_each(|name| session.write_line(&format!("  {name}")));
            return Ok(());
        }
        types::check(session, "--event-type", &self.event_type).await?;
        let mut output = Output::open(session, &self)?;
        let client = session.client().await?;
        let entropy = &*session.surroundings().entropy;
        session.interrupts().take_over();
        let ended = follow(session, &mut output, Subscription::new(client, self.wish(), entropy)).await;
        output.summary(ended.is_ok());
        ended
    }
}

impl SubscribeCommand {
    fn wish(&self) -> Wish {
        let start = match (&self.from, self.from_timestamp) {
            (Some(offset), _) => Start::After(offset.clone()),
            (None, Some(time)) => Start::at(time),
            (None, None) => Start::Now,
        };
        let reconnects = match NonZeroU32::new(self.max_reconnects) {
            _ if self.no_reconnect => Reconnects::Never,
            Some(most) => Reconnects::AtMost(most),
            None => Reconnects::Always,
        };
        Wish { types: self.event_type.clone(), start, reconnects }
    }
}

/// Shows what comes until Ctrl+C, or until there is no going on.
async fn follow(session: &Session, output: &mut Output<'_>, mut subscription: Subscription<'_>) -> Result<(), Failure> {
    let mut interrupted = pin!(session.interrupts().next());
    loop {
        let told = tokio::select! {
            biased;
            () = &mut interrupted => return Ok(()),
            told = subscription.next() => told,
        };
        match told {
            None => return Ok(()),
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(Signal::Ended(None))) => return Ok(()),
            Some(Ok(Signal::Ended(Some(reason)))) => {
                return Err(Failure::refused(format!("the connection is lost: {reason}"))
                    .hint("without --no-reconnect it connects again by itself"));
            }
            Some(Ok(Signal::Connected)) => output.connected(),
            Some(Ok(Signal::Event(event))) => output.event(&event),
            Some(Ok(Signal::Progress(offset))) => output.heartbeat(offset),
            Some(Ok(Signal::Problem { code, message })) => output.problem(&code, &message),
            Some(Ok(Signal::Lost { reason, wait })) => {
                let text = format!("· connection lost, reconnecting in {:.1}s ({reason})", wait.as_secs_f32());
                session.messages().line(&session.messages().palette().paint(Style::Quiet, &text));
            }
        }
        if !output.is_read() {
            return Ok(());
        }
    }
}
