//! `headwater apps`: one operation a file, and a line in each of the two lists here.

mod app;
mod create;
mod delete;
mod grant;
mod list;
mod rotate_secret;
mod settings;
mod show;
mod update;

use clap::{Args, Subcommand};

use crate::command::Run;
use crate::exit::Failure;
use crate::session::Session;

/// Applications.
#[derive(Args, Debug)]
pub struct AppsCommand {
    #[command(subcommand)]
    operation: Operation,
}

#[derive(Subcommand, Debug)]
enum Operation {
    /// Creates an application, and grants it what --scopes says.
    Create(create::CreateCommand),
    /// Lists the applications.
    #[command(visible_alias = "ls")]
    List(list::ListCommand),
    /// Shows an application.
    Show(show::ShowCommand),
    /// Changes an application, or what it is granted.
    Update(update::UpdateCommand),
    /// Gives an application a new secret; the former one holds no more.
    RotateSecret(rotate_secret::RotateSecretCommand),
    /// Deletes applications.
    #[command(visible_alias = "rm")]
    Delete(delete::DeleteCommand),
}

impl Run for AppsCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        match self.operation {
            Operation::Create(command) => command.run(session).await,
            Operation::List(command) => command.run(session).await,
            Operation::Show(command) => command.run(session).await,
            Operation::Update(command) => command.run(session).await,
            Operation::RotateSecret(command) => command.run(session).await,
            Operation::Delete(command) => command.run(session).await,
        }
    }
}
