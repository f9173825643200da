//! `headwater apps list`

use clap::Args;

use super::app::{APPS, App, shown};
use crate::command::Run;
use crate::document::Document;
use crate::exit::Failure;
use crate::output::{ListFormat, Listing};
use crate::session::Session;

const NUMBER_MAX: i64 = 1000;
const NUMBER: u16 = 100;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater apps list
  headwater apps ls --csv > apps.csv
  headwater apps ls --reveal-secrets --json")]
pub(super) struct ListCommand {
    /// How many.
    #[arg(short, long, default_value_t = NUMBER, value_parser = clap::value_parser!(u16).range(1..=NUMBER_MAX))]
    number: u16,
    /// Shows their secrets.
    #[arg(short, long)]
    reveal_secrets: bool,
    #[command(flatten)]
    format: ListFormat,
}

impl Run for ListCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let apps = APPS.list(session, &[], self.number.into()).await?;
        let documents: Vec<Document> = apps.iter().map(|app| shown(app, self.reveal_secrets)).collect();
        let columns = ["Client ID", "Name", "Type", "Client Secret"];
        let cells = |app| {
            let app = App(app);
            let text = |member| app.0.member(member).to_owned();
            let mut cells = vec![text("client_id"), text("name"), app.type_label()];
            cells.extend(self.reveal_secrets.then(|| app.secret()));
            cells
        };
        let listing = Listing {
            resource: APPS.many,
            hint: APPS.hint,
            columns: if self.reveal_secrets { &columns } else { &columns[..3] },
            rows: apps.iter().map(cells).collect(),
            documents: &documents,
        };
        session.show_list(self.format.format(session), &listing)
    }
}
