//! `headwater users list`

use clap::Args;

use super::user::{USERS, show_users};
use crate::command::Run;
use crate::exit::Failure;
use crate::output::ListFormat;
use crate::session::Session;

/// How many are listed at most: the API pages no further.
pub(super) const NUMBER_MAX: i64 = 1000;
/// How many are listed unless somebody says.
pub(super) const NUMBER: u16 = 50;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater users list
  headwater users ls -n 500 --csv > users.csv")]
pub(super) struct ListCommand {
    /// How many.
    #[arg(short, long, default_value_t = NUMBER, value_parser = clap::value_parser!(u16).range(1..=NUMBER_MAX))]
    number: u16,
    #[command(flatten)]
    format: ListFormat,
}

impl Run for ListCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let users = USERS.list(session, &[], self.number.into()).await?;
        show_users(session, self.format.format(session), &users)
    }
}
