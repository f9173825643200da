//! `headwater orgs`: one operation a file, and a line in each of the two lists here.

mod create;
mod delete;
mod list;
mod members;
mod org;
mod settings;
mod show;
mod update;

use clap::{Args, Subcommand};

use crate::command::Run;
use crate::exit::Failure;
use crate::session::Session;

/// Organizations.
#[derive(Args, Debug)]
pub struct OrgsCommand {
    #[command(subcommand)]
    operation: Operation,
}

#[derive(Subcommand, Debug)]
enum Operation {
    /// Creates an organization.
    Create(create::CreateCommand),
    /// Lists the organizations.
    #[command(visible_alias = "ls")]
    List(list::ListCommand),
    /// Shows an organization.
    Show(show::ShowCommand),
    /// Changes an organization.
    Update(update::UpdateCommand),
    /// Deletes organizations.
    #[command(visible_alias = "rm")]
    Delete(delete::DeleteCommand),
    /// The members of an organization.
    Members(members::MembersCommand),
}

impl Run for OrgsCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        match self.operation {
            Operation::Create(command) => command.run(session).await,
            Operation::List(command) => command.run(session).await,
            Operation::Show(command) => command.run(session).await,
            Operation::Update(command) => command.run(session).await,
            Operation::Delete(command) => command.run(session).await,
            Operation::Members(command) => command.run(session).await,
        }
    }
}
