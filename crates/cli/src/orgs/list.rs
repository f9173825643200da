//! `headwater orgs list`

use clap::Args;

use super::org::ORGS;
use crate::command::Run;
use crate::exit::Failure;
use crate::output::{ListFormat, Listing};
use crate::session::Session;

const NUMBER_MAX: i64 = 1000;
const NUMBER: u16 = 50;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater orgs list
  headwater orgs ls --json")]
pub(super) struct ListCommand {
    /// How many.
    #[arg(short, long, default_value_t = NUMBER, value_parser = clap::value_parser!(u16).range(1..=NUMBER_MAX))]
    number: u16,
    #[command(flatten)]
    format: ListFormat,
}

impl Run for ListCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let orgs = ORGS.list(session, &[], self.number.into()).await?;
        let listing = Listing {
            resource: ORGS.many,
            hint: ORGS.hint,
            columns: &["ID", "Name", "Display Name"],
            rows: orgs
                .iter()
                .map(|org| ["id", "name", "display_name"].map(|member| org.member(member).to_owned()).to_vec())
                .collect(),
            documents: &orgs,
        };
        session.show_list(self.format.format(session), &listing)
    }
}
