//! `headwater apps show`

use clap::Args;

use super::app::{APPS, show};
use crate::command::Run;
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater apps show                                  # asks which one, on a terminal
  headwater apps show CLIENT_ID --reveal-secrets")]
pub(super) struct ShowCommand {
    /// The application's client id.
    id: Option<String>,
    /// Shows its secret.
    #[arg(short, long)]
    reveal_secrets: bool,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for ShowCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let id = APPS.id(session, self.id).await?;
        let app = APPS.read(session, &id).await?;
        show(session, self.format.format(session), "application", &app, self.reveal_secrets, None)
    }
}
