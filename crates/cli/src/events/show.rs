//! `headwater events show`

use clap::Args;

use super::stream::{self, Stream};
use crate::command::Run;
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater events show                                # asks which one, on a terminal
  headwater events show est_…
  headwater events show est_… --json")]
pub(super) struct ShowCommand {
    /// The event stream's id.
    id: Option<String>,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for ShowCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let id = stream::id(session, self.id).await?;
        let document = stream::read(session, &id).await?;
        session.show_one(self.format.format(session), "eventStream", &Stream(&document).rows(), &document)
    }
}
