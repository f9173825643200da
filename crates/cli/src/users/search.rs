//! `headwater users search`

use clap::Args;

use super::list::{NUMBER, NUMBER_MAX};
use super::user::{USERS, show_users};
use crate::command::Run;
use crate::entity::{pages, pair};
use crate::exit::Failure;
use crate::output::ListFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater users search -q 'email:\"jane@example.com\"'
  headwater users search -q 'name:Ja* AND blocked:true' -s created_at:-1 -n 10")]
pub(super) struct SearchCommand {
    /// What is looked for: `field:value` and `field:\"some words\"`, with AND, OR, NOT and * at the end.
    #[arg(short, long)]
    query: Option<String>,
    /// The order: a field, and 1 or -1.
    #[arg(short, long, value_name = "FIELD:1|-1")]
    sort: Option<String>,
    /// How many.
    #[arg(short, long, default_value_t = NUMBER, value_parser = clap::value_parser!(u16).range(1..=NUMBER_MAX))]
    number: u16,
    #[command(flatten)]
    format: ListFormat,
}

impl Run for SearchCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let wanted = session.asking().text(self.query, "--query", "Query").await?;
        let mut query = Vec::from(pair("q", wanted));
        query.extend(pair("search_engine", "v3"));
        if let Some(sort) = &self.sort {
            query.extend(pair("sort", sort));
        }
        let found = pages(session.client().await?, USERS.path, USERS.path, &query, self.number.into()).await;
        let users = found.map_err(|failure| failure.while_doing("failed to search for users"))?;
        show_users(session, self.format.format(session), &users)
    }
}
