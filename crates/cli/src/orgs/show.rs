//! `headwater orgs show`

use clap::Args;

use super::org::{ORGS, rows};
use crate::command::Run;
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater orgs show                                  # asks which one, on a terminal
  headwater orgs show org_… --json")]
pub(super) struct ShowCommand {
    /// The organization's id.
    id: Option<String>,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for ShowCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let id = ORGS.id(session, self.id).await?;
        let org = ORGS.read(session, &id).await?;
        session.show_one(self.format.format(session), "organization", &rows(&org), &org)
    }
}
