//! `headwater events list`

use clap::Args;

use super::stream::{self, EMPTY_HINT, Stream};
use crate::command::Run;
use crate::exit::Failure;
use crate::output::{ListFormat, Listing};
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater events list
  headwater events ls --json
  headwater events ls --csv > streams.csv")]
pub(super) struct ListCommand {
    #[command(flatten)]
    format: ListFormat,
}

impl Run for ListCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let streams = stream::all(session.client().await?)
            .await
            .map_err(|error| Failure::from(error).while_doing("failed to list event streams"))?;
        let listing = Listing {
            resource: "event streams",
            hint: EMPTY_HINT,
            columns: &["ID", "Name", "Type", "Status", "Subscriptions", "Configuration"],
            rows: streams.iter().map(|document| Stream(document).cells().to_vec()).collect(),
            documents: &streams,
        };
        session.show_list(self.format.format(session), &listing)
    }
}
