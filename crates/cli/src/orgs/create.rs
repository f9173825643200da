//! `headwater orgs create`

use clap::Args;
use serde_json::{Value, json};

use super::org::{ORGS, rows};
use super::settings::Settings;
use crate::command::Run;
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater orgs create                                # asks, on a terminal
  headwater orgs create -n acme -d 'Acme Inc.' -m plan=gold")]
pub(super) struct CreateCommand {
    /// The name: lower case letters, digits, hyphens.
    #[arg(short, long)]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for CreateCommand {
    async fn run(mut self, session: &Session) -> Result<(), Failure> {
        let asking = session.asking();
        let was_asked = self.name.is_none();
        let name = asking.text(self.name, "--name", "Name").await?;
        if was_asked && self.settings.display_name.is_none() {
            self.settings.display_name = Some(asking.text_or(None, "--display", "Display name", &name).await?);
        }
        let mut body = self.settings.members(&Value::Null)?;
        body.insert("name".into(), json!(name));
        let org = ORGS.create(session, &Value::Object(body)).await?;
        session.show_one(self.format.format(session), "organization created", &rows(&org), &org)
    }
}
