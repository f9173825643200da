//! `headwater api`: any call of the Management API.

use std::io::{IsTerminal, Read, Write};

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::client::{ManagementClient, Reply};
use crate::command::Run;
use crate::exit::Failure;
use crate::json;
use crate::session::Session;

/// Calls the Management API and prints the answer.
#[derive(Args, Clone, Debug)]
#[command(override_usage = "headwater api [METHOD] PATH [OPTIONS]")]
#[command(after_help = "Examples:
  headwater api event-streams
  headwater api post users -d '{\"connection\": \"Username-Password-Authentication\", \"email\": \"jane@example.com\", \"password\": \"correct horse 1\"}'
  headwater api get users -q per_page=5 -q include_totals=true
  headwater api delete event-streams/est_… --force")]
pub struct ApiCommand {
    /// [METHOD] PATH, the path as it follows /api/v2/. One word alone is GET, or POST with --data.
    #[arg(required = true, num_args = 1..=2, value_name = "METHOD PATH")]
    call: Vec<String>,
    /// The body, JSON; `-` reads it from standard input, as post, put and patch without it do from a pipe.
    #[arg(short, long, value_name = "JSON")]
    data: Option<String>,
    /// A query parameter; may be repeated.
    #[arg(short, long, value_name = "KEY=VALUE")]
    query: Vec<String>,
    /// Deletes without asking.
    #[arg(long)]
    force: bool,
}

/// A call as the command line means it.
#[derive(Debug, PartialEq)]
struct Call {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    data: Data,
}

#[derive(Debug, PartialEq)]
enum Data {
    None,
    FromStandardInput,
    FromPipe,
    Given(Value),
}

impl Run for ApiCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let force = self.force;
        let call = self.parsed().map_err(Failure::usage)?;
        if call.method == Method::DELETE && !session.asking().is_meant(force).await? {
            return Ok(());
        }
        let body = call.data.read().map_err(Failure::usage)?;
        let client = session.client().await?;
        let response = client.open(call.method, &call.path, &call.query, body.as_ref()).await?;
        if response.status().is_success() && is_event_stream(&response) {
            return print_as_it_comes(client, response).await;
        }
        let reply = client.read(response).await?;
        if reply.status >= 400 {
            return Err(refused(reply));
        }
        if !reply.body.is_empty() {
            session.write_line(&json::indent(&reply.body).unwrap_or(reply.body));
        }
        Ok(())
    }
}

/// The answer as it came, and what to do about it.
fn refused(reply: Reply) -> Failure {
    let failure = Failure::refused(format!("API request failed: {}", reply.body.trim()));
    match reply.accepted().err().and_then(|error| error.next_step()) {
        Some(next_step) => failure.hint(next_step),
        None => failure,
    }
}

impl ApiCommand {
    fn parsed(self) -> Result<Call, String> {
        let data = match self.data.as_deref() {
            None => Data::None,
            Some("-") => Data::FromStandardInput,
            Some(text) => Data::Given(json_of(text)?),
        };
        let (method, path) = match self.call.as_slice() {
            [path] if data == Data::None => (Method::GET, path),
            [path] => (Method::POST, path),
            [method, path] => (method_of(method)?, path),
            _ => return Err("expected [METHOD] PATH".into()),
        };
        let takes_body = matches!(method, Method::POST | Method::PUT | Method::PATCH);
        let data = if data == Data::None && takes_body { Data::FromPipe } else { data };
        let pair = |text: &String| {
            let (key, value) =
                text.split_once('=').ok_or_else(|| format!("--query: expected KEY=VALUE, found {text}"))?;
            Ok((key.to_owned(), value.to_owned()))
        };
        let query = self.query.iter().map(pair).collect::<Result<_, String>>()?;
        Ok(Call { method, path: path.trim_start_matches("/api/v2/").to_owned(), query, data })
    }
}

impl Data {
    fn read(self) -> Result<Option<Value>, String> {
        match self {
            Self::None => Ok(None),
            Self::Given(value) => Ok(Some(value)),
            Self::FromPipe if std::io::stdin().is_terminal() => Ok(None),
            Self::FromPipe | Self::FromStandardInput => {
                let mut text = String::new();
                let read = std::io::stdin().read_to_string(&mut text);
                read.map_err(|error| format!("standard input cannot be read: {error}"))?;
                if text.trim().is_empty() { Ok(None) } else { json_of(&text).map(Some) }
            }
        }
    }
}

fn json_of(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("--data: expected JSON: {error}"))
}

fn method_of(word: &str) -> Result<Method, String> {
    match word.to_ascii_lowercase().as_str() {
        "get" => Ok(Method::GET),
        "post" => Ok(Method::POST),
        "put" => Ok(Method::PUT),
        "patch" => Ok(Method::PATCH),
        "delete" => Ok(Method::DELETE),
        _ => Err(format!("expected get, post, put, patch or delete, found {word}")),
    }
}

fn is_event_stream(response: &reqwest::Response) -> bool {
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("text/event-stream"))
}

async fn print_as_it_comes(client: &ManagementClient, mut response: reqwest::Response) -> Result<(), Failure> {
    let mut output = std::io::stdout();
    while let Some(chunk) = response.chunk().await.map_err(|error| client.unreachable(&error))? {
        if output.write_all(&chunk).and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        command: ApiCommand,
    }

    fn parsed(words: &[&str]) -> Result<Call, String> {
        let line = std::iter::once("api").chain(words.iter().copied());
        Line::try_parse_from(line).map_err(|error| error.to_string())?.command.parsed()
    }

    #[test]
    fn the_method_may_be_left_out() {
        assert_eq!(parsed(&["users"]).unwrap().method, Method::GET);
        let call = parsed(&["/api/v2/users", "-d", "{\"a\":1}"]).unwrap();
        assert_eq!((call.method, call.path.as_str(), call.data), (Method::POST, "users", Data::Given(json!({"a": 1}))));
        let call = parsed(&["PaTcH", "users/1", "-q", "a=b=c", "-q", "a=d"]).unwrap();
        assert_eq!(call.method, Method::PATCH);
        assert_eq!(call.query, [("a".into(), "b=c".into()), ("a".into(), "d".into())]);
        assert_eq!(call.data, Data::FromPipe);
    }

    #[test]
    fn wrong_command_lines_say_what_was_expected() {
        assert!(parsed(&["fetch", "users"]).unwrap_err().contains("expected get"));
        assert!(parsed(&["users", "-q", "page"]).unwrap_err().contains("KEY=VALUE"));
        assert!(parsed(&["users", "-d", "{"]).unwrap_err().contains("--data: expected JSON"));
        assert!(parsed(&["get", "users", "more"]).is_err());
        assert!(parsed(&[]).is_err());
    }
}
