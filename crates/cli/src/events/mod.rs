//! `headwater events`: one operation a file, and a line in each of the two lists here.

mod list;
mod show;
mod stream;
mod subscribe;
mod tail;

use clap::{Args, Subcommand};

use crate::command::Run;
use crate::exit::Failure;
use crate::session::Session;

/// Event streams.
#[derive(Args, Debug)]
pub struct EventsCommand {
    #[command(subcommand)]
    operation: Operation,
}

#[derive(Subcommand, Debug)]
enum Operation {
    /// Lists the event streams.
    #[command(visible_alias = "ls")]
    List(list::ListCommand),
    /// Shows an event stream.
    Show(show::ShowCommand),
    /// Shows events as they happen, and says where to go on.
    Subscribe(subscribe::SubscribeCommand),
    /// A live view of what happens, and of what an event stream fails to deliver.
    Tail(tail::TailCommand),
}

impl Run for EventsCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        match self.operation {
            Operation::List(command) => command.run(session).await,
            Operation::Show(command) => command.run(session).await,
            Operation::Subscribe(command) => command.run(session).await,
            Operation::Tail(command) => command.run(session).await,
        }
    }
}
