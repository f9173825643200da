//! `headwater users delete`

use clap::Args;

use super::user::USERS;
use crate::command::Run;
use crate::entity::pair;
use crate::exit::Failure;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater users delete 'auth0|…'
  headwater users rm 'auth0|1' 'auth0|2' --force
  headwater users rm 'auth0|1' --erase")]
pub(super) struct DeleteCommand {
    /// The users' ids.
    ids: Vec<String>,
    /// Deletes without asking.
    #[arg(long)]
    force: bool,
    /// Erases what the log of events says of them, too.
    #[arg(long)]
    erase: bool,
}

impl Run for DeleteCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let query = if self.erase { Vec::from(pair("headwater.erase", true)) } else { Vec::new() };
        USERS.delete(session, self.ids, self.force, &query).await
    }
}
