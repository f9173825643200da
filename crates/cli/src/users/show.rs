//! `headwater users show`

use clap::Args;

use super::user::{USERS, User};
use crate::command::Run;
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater users show                                 # asks which one, on a terminal
  headwater users show 'auth0|…' --json")]
pub(super) struct ShowCommand {
    /// The user's id.
    id: Option<String>,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for ShowCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let id = USERS.id(session, self.id).await?;
        let user = USERS.read(session, &id).await?;
        session.show_one(self.format.format(session), "user", &User(&user).rows(User(&user).known_by()), &user)
    }
}
