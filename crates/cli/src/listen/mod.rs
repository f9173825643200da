//! `headwater listen`: brings the events to a program near by, without a tunnel.
//!
//! It reads the Events API and posts each event as a stream would. `listening.rs` is the loop; `lanes.rs` says what may
//! go now, `delivering.rs` makes the attempts of one event, `forwarding.rs` sends one; `kept_place.rs` is where it goes
//! on the next time; `again.rs` forwards single events once more.

mod again;
mod authorization;
mod delivering;
mod forwarding;
mod kept_place;
mod lanes;
mod listening;
mod report;
mod signer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use domain::clock::Timestamp;
use domain::ids::EventId;
use domain::secret::Secret;
use domain::signing::HmacSecret;
use reqwest::Url;

use crate::command::Run;
use crate::events_api::{Start, span, types};
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;
use forwarding::{Forwarder, Target};
use kept_place::{KeptPlace, Route};
use listening::Listening;
use report::Report;

/// Forwards events to a program near by.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater listen --forward-to http://localhost:3000/webhook
  headwater listen --forward-to http://localhost:3000/webhook --types user.created,user.deleted --auth bearer:secret
  headwater listen --forward-to http://localhost:3000/webhook --since 1h
  headwater listen --forward-to http://localhost:3000/webhook --event evt_…      once more, and ends

It needs the scope read:events. It remembers how far it has come, and goes on from there the next time.")]
pub struct ListenCommand {
    /// Where events are posted to.
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    forward_to: Url,
    /// Only events of these types; may be repeated, or a list with commas.
    #[arg(long, visible_alias = "event-type", value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    /// How the program knows the sender: bearer:TOKEN, basic:USER:PASSWORD or header:NAME:VALUE.
    #[arg(long, value_name = "METHOD:…", value_parser = secret)]
    auth: Option<Secret>,
    /// Signs as a stream with `signing` does (Standard Webhooks), with this secret.
    #[arg(long, value_name = "whsec_…", value_parser = secret)]
    sign: Option<Secret>,
    /// Begins with the events of so much time ago, such as 30m or 1h, instead of where it stopped.
    #[arg(long, value_name = "TIME", value_parser = span::parse, conflicts_with = "from_time")]
    since: Option<Duration>,
    /// Begins with the first event that is not older than this (RFC 3339), instead of where it stopped.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from_time: Option<Timestamp>,
    /// Forwards these events once more, and ends; may be repeated, or a list with commas.
    #[arg(long, value_name = "evt_…", value_delimiter = ',', value_parser = event_id)]
    #[arg(conflicts_with_all = ["types", "since", "from_time"])]
    event: Vec<EventId>,
    #[command(flatten)]
    format: SingleFormat,
}

fn endpoint(text: &str) -> Result<Url, String> {
    let expected = || format!("expected a URL such as http://localhost:3000/webhook, found {text}");
    // `localhost:3000/webhook` says enough.
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&whole).map_err(|_| expected())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected a URL without name and password, which --auth basic:USER:PASSWORD says".into());
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(expected());
    }
    Ok(url)
}

/// It is read later: the command line's own complaints would repeat it.
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

fn event_id(text: &str) -> Result<EventId, String> {
    EventId::parse(text.trim()).map_err(|_| "expected the id of an event, such as evt_6SfwXrtm8nVcjzzNCFFH1L".into())
}

impl Run for ListenCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        types::check(session, "--types", &self.types).await?;
        let connection = session.connection()?;
        let target = self.target()?;
        let clock = Arc::clone(&session.surroundings().clock);
        let forwarder = Arc::new(Forwarder::new(&target, connection.extra_ca.as_deref(), clock)?);
        let report = Report::new(session, self.format.format(session), self.forward_to.as_str());
        session.interrupts().take_over();
        if !self.event.is_empty() {
            return again::forward_again(session, forwarder, report, &self.event).await;
        }
        let place = state_folder(session).map(|folder| {
            let (server, forward_to) = (connection.url.clone(), self.forward_to.to_string());
            KeptPlace::new(&folder, Route { server, forward_to })
        });
        if place.is_none() {
            session.messages().warning("neither XDG_STATE_HOME nor HOME is set: how far it comes is not remembered");
        }
        let now = session.surroundings().clock.now().wall;
        let start = self.since.map(|since| now.minus(since)).or(self.from_time).map(Start::at);
        Listening::new(session, forwarder, report, place, self.types).run(start).await
    }
}

impl ListenCommand {
    fn target(&self) -> Result<Target, Failure> {
        let authorization = self.auth.as_ref().map(|given| authorization::parse(given.expose()));
        let signing = self.sign.as_ref().map(|given| HmacSecret::parse(given.expose()));
        Ok(Target {
            endpoint: self.forward_to.clone(),
            authorization: authorization.transpose().map_err(|error| Failure::usage(format!("--auth: {error}")))?,
            signing: signing.transpose().map_err(|error| Failure::usage(format!("--sign: {error}")))?,
        })
    }
}

/// Where programs keep what they remember.
fn state_folder(session: &Session) -> Option<PathBuf> {
    let variable = |name| session.surroundings().variable(name).map(PathBuf::from);
    let folder = variable("XDG_STATE_HOME").filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| variable("HOME").map(|home| home.join(".local/state")));
    Some(folder?.join("headwater"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_forward_to_is_a_url_and_may_be_short() {
        assert_eq!(endpoint("localhost:3000/webhook").unwrap().as_str(), "http://localhost:3000/webhook");
        assert_eq!(endpoint("https://x.example").unwrap().as_str(), "https://x.example/");
        for text in ["", "ftp://x/", "http://", "http://a:b@x/"] {
            assert!(endpoint(text).unwrap_err().starts_with("expected a URL"), "{text}");
        }
        assert!(event_id("evt_1").is_err() && event_id(" evt_6SfwXrtm8nVcjzzNCFFH1L").is_ok());
    }
}
