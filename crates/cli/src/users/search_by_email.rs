//! `headwater users search-by-email`

use clap::Args;
use reqwest::Method;

use super::user::show_users;
use crate::command::Run;
use crate::entity::pair;
use crate::exit::{Failure, WhileDoing};
use crate::output::ListFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater users search-by-email --email jane@example.com")]
pub(super) struct SearchByEmailCommand {
    /// The e-mail address.
    #[arg(short, long)]
    email: Option<String>,
    #[command(flatten)]
    format: ListFormat,
}

impl Run for SearchByEmailCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let email = session.asking().text(self.email, "--email", "Email").await?;
        let client = session.client().await?;
        let found = client.document(Method::GET, "users-by-email", &pair("email", email), None).await;
        let users = found.while_doing("failed to search for users")?.elements()?;
        show_users(session, self.format.format(session), &users)
    }
}
