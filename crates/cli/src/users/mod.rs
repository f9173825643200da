//! `headwater users`: one operation a file, and a line in each of the two lists here.

mod connection;
mod create;
mod delete;
mod list;
mod search;
mod search_by_email;
mod show;
mod update;
mod user;

use clap::{Args, Subcommand};

use crate::command::Run;
use crate::exit::Failure;
use crate::session::Session;

pub(crate) use user::USERS;

/// Users.
#[derive(Args, Debug)]
pub struct UsersCommand {
    #[command(subcommand)]
    operation: Operation,
}

#[derive(Subcommand, Debug)]
enum Operation {
    /// Creates a user.
    Create(create::CreateCommand),
    /// Lists users, the oldest first.
    #[command(visible_alias = "ls")]
    List(list::ListCommand),
    /// Looks for users.
    Search(search::SearchCommand),
    /// Looks for the users who have an e-mail address.
    SearchByEmail(search_by_email::SearchByEmailCommand),
    /// Shows a user.
    Show(show::ShowCommand),
    /// Changes a user.
    Update(update::UpdateCommand),
    /// Deletes users.
    #[command(visible_alias = "rm")]
    Delete(delete::DeleteCommand),
}

impl Run for UsersCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        match self.operation {
            Operation::Create(command) => command.run(session).await,
            Operation::List(command) => command.run(session).await,
            Operation::Search(command) => command.run(session).await,
            Operation::SearchByEmail(command) => command.run(session).await,
            Operation::Show(command) => command.run(session).await,
            Operation::Update(command) => command.run(session).await,
            Operation::Delete(command) => command.run(session).await,
        }
    }
}
