//! `headwater apps delete`

use clap::Args;

use super::app::APPS;
use crate::command::Run;
use crate::exit::Failure;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater apps delete CLIENT_ID
  headwater apps rm CLIENT_ID_1 CLIENT_ID_2 --force")]
pub(super) struct DeleteCommand {
    /// The applications' client ids.
    ids: Vec<String>,
    /// Deletes without asking.
    #[arg(long)]
    force: bool,
}

impl Run for DeleteCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        APPS.delete(session, self.ids, self.force, &[]).await
    }
}
