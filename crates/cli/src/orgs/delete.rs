//! `headwater orgs delete`

use clap::Args;

use super::org::ORGS;
use crate::command::Run;
use crate::exit::Failure;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater orgs delete org_…
  headwater orgs rm org_1 org_2 --force")]
pub(super) struct DeleteCommand {
    /// The organizations' ids.
    ids: Vec<String>,
    /// Deletes without asking.
    #[arg(long)]
    force: bool,
}

impl Run for DeleteCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        ORGS.delete(session, self.ids, self.force, &[]).await
    }
}
