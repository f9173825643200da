//! `headwater receive`: a ready receiver, for a program that is not written yet.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use domain::destination::Authorization;
use domain::secret::Secret;
use receiver::{Check, Reception, Taken, Told, Users, VerificationKey};
use serde_json::json;
use tokio::net::TcpListener;

use crate::clock::SystemClock;
use crate::environment::Environment;
use crate::lifecycle::Signals;
use crate::terminal::{Style, Terminal};

/// How long requests that have begun may take after the end.
const LEFTOVERS_MAX: Duration = Duration::from_secs(5);
/// The width of the column of types.
const TYPE: usize = 32;
/// The width of the column of users.
const USER: usize = 34;

/// A ready receiver: checks who sends, discards duplicates and what is stale, and keeps a table of users current.
#[derive(Args)]
#[command(after_help = "Examples:
  headwater receive --port 3000 --token secret --sqlite users.db
  headwater receive --signing-secret whsec_… --postgres postgres://user@host/database
  headwater listen --forward-to http://localhost:3000/ --auth bearer:secret      in another terminal

It answers 204 once the event is stored, 401 where authorization or signature is not right, 400 to what is no event,
and 503 while the database is away. Without --sqlite and --postgres the table is in memory.")]
pub(crate) struct ReceiveCommand {
    /// The port; 0 takes one that is free.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The address; 0.0.0.0 is reached from everywhere.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The bearer token that the sender has to have.
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["basic", "header"])]
    token: Option<String>,
    /// The name and the password that the sender has to have.
    #[arg(long, value_name = "USER:PASSWORD", conflicts_with = "header")]
    basic: Option<String>,
    /// The header that the sender has to send.
    #[arg(long, value_name = "NAME:VALUE")]
    header: Option<String>,
    /// What signatures are checked with: whsec_…, or whpk_… for ed25519; may be repeated while secrets change.
    #[arg(long, value_name = "whsec_…")]
    signing_secret: Vec<String>,
    /// Keeps the table in this file of SQLite's.
    #[arg(long, value_name = "FILE", conflicts_with = "postgres")]
    sqlite: Option<PathBuf>,
    /// Keeps the table in this PostgreSQL database.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Shows each request as JSON on one line.
    #[arg(long)]
    json: bool,
}

impl ReceiveCommand {
    pub(super) async fn run(self, environment: &Environment) -> Result<()> {
        let terminal = Terminal::new(environment);
        let check = self.check()?;
        let takes_everything = check.takes_everything();
        let users = self.users().await?;
        let mut signals = Signals::new()?;
        let address = SocketAddr::new(self.host, self.port);
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("{address} cannot be listened on; choose another --port"))?;
        let address = listener.local_addr().context("the receiver has no address")?;
        eprintln!("Receiving at http://{address}/. Press Ctrl+C to end.");
        if takes_everything {
            eprintln!("warning: whoever reaches it is believed; ask for a --token or a --signing-secret");
        }
        let watch = Watch { terminal, json: self.json };
        let reception = Reception::new(check, users, Arc::new(SystemClock::new()));
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let serving = receiver::serve(listener, reception, move |told| watch.show(told), async move {
            // An end that is not told is an end as well.
            let _ = ended.await;
        });
        let mut serving = std::pin::pin!(serving);
        tokio::select! {
            served = &mut serving => return served.context("the receiver's socket broke"),
            _ = signals.next() => drop(end),
        }
        match tokio::time::timeout(LEFTOVERS_MAX, serving).await {
            Ok(served) => served.context("the receiver's socket broke"),
            Err(_) => Ok(()),
        }
    }

    fn check(&self) -> Result<Check> {
        let pair = |text: &str, flag: &str| {
            let pair = text.split_once(':').map(|(one, other)| (one.to_owned(), Secret::new(other)));
            pair.ok_or_else(|| anyhow!("{flag}: expected two parts with a colon between"))
        };
        let authorization = match (&self.token, &self.basic, &self.header) {
            (Some(token), ..) => Some(Authorization::Bearer { token: Secret::new(token) }),
            (None, Some(text), _) => {
                let (username, password) = pair(text, "--basic")?;
                Some(Authorization::Basic { username, password })
            }
            (None, None, Some(text)) => {
                let (header_key, value) = pair(text, "--header")?;
                Some(Authorization::CustomHeader { header_key, header_value: Secret::new(value.expose().trim_start()) })
            }
            (None, None, None) => None,
        };
        if authorization.as_ref().is_some_and(|given| given.secret().expose().is_empty()) {
            return Err(anyhow!("an empty secret is none; leave the flag out to take everything"));
        }
        let key = |text: &String| VerificationKey::parse(text).map_err(|error| anyhow!("--signing-secret: {error}"));
        let keys = self.signing_secret.iter().map(key).collect::<Result<_>>()?;
        Check::new(authorization.as_ref(), keys).map_err(|error| anyhow!(error))
    }

    async fn users(&self) -> Result<Users> {
        match (&self.sqlite, &self.postgres) {
            (Some(path), _) => Users::in_file(path).with_context(|| format!("--sqlite {}", path.display())),
            // The URL may have a password in it.
            (None, Some(url)) => Users::in_postgres(url).await.context("--postgres"),
            (None, None) => Users::in_memory().context("a table in memory"),
        }
    }
}

/// Shows what becomes of each request.
struct Watch {
    terminal: Terminal,
    json: bool,
}

impl Watch {
    fn show(&self, told: &Told) {
        let line = if self.json { document(told) } else { self.line(told) };
        self.terminal.line(&line);
    }

    fn line(&self, told: &Told) -> String {
        let styled = |style, text: &str| self.terminal.styled(style, text);
        match told {
            Told::Taken { event_type, id, user_id, taken, .. } => {
                let style = match taken {
                    Taken::Applied => Style::Good,
                    Taken::Duplicate | Taken::Stale => Style::Warning,
                    Taken::Noted => Style::Quiet,
                };
                let taken = styled(style, &format!("{:9}", taken.to_string()));
                format!("204  {taken}  {event_type:TYPE$}  {user_id:USER$}  {id}")
            }
            Told::Refused { status, reason } => {
                format!("{}  {}  {reason}", status.as_u16(), styled(Style::Bad, "refused  "))
            }
        }
    }
}

fn document(told: &Told) -> String {
    match told {
        Told::Taken { event_type, id, time, user_id, taken } => json!({
            "status": told.status().as_u16(), "result": taken.to_string(), "type": event_type, "id": id, "time": time,
            "user_id": Some(user_id).filter(|id| !id.is_empty()),
        }),
        Told::Refused { status, reason } => {
            json!({"status": status.as_u16(), "result": "refused", "reason": reason})
        }
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        command: ReceiveCommand,
    }

    fn check(words: &[&str]) -> Result<Check, String> {
        let line = std::iter::once("receive").chain(words.iter().copied());
        let command = Line::try_parse_from(line).map_err(|error| error.to_string())?.command;
        command.check().map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_is_asked_for_is_read_and_never_repeated() {
        assert!(check(&[]).unwrap().takes_everything());
        for words in [
            ["--token", "hunter2"],
            ["--basic", "jane:hunter2"],
            ["--header", "X-Key: hunter2"],
            ["--signing-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        ] {
            assert!(!check(&words).unwrap().takes_everything(), "{words:?}");
        }
        for words in
            [["--basic", "hunter2"], ["--header", "hunter2"], ["--signing-secret", "hunter2"], ["--token", "hunter2\n"]]
        {
            let error = check(&words).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(check(&["--token", ""]).unwrap_err().contains("empty"));
        assert!(check(&["--token", "a", "--basic", "b:c"]).unwrap_err().contains("cannot be used with"));
        assert!(check(&["--sqlite", "a", "--postgres", "b"]).unwrap_err().contains("cannot be used with"));
    }
}
