//! `headwater orgs update`

use clap::Args;
use serde_json::Value;

use super::org::{ORGS, rows};
use super::settings::Settings;
use crate::command::Run;
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater orgs update org_… -d 'Acme Inc.'
  headwater orgs update org_… -a '#0059d6'")]
pub(super) struct UpdateCommand {
    /// The organization's id.
    id: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for UpdateCommand {
    async fn run(mut self, session: &Session) -> Result<(), Failure> {
        let id = ORGS.id(session, self.id).await?;
        let former = ORGS.read(session, &id).await?;
        let mut changes = self.settings.members(former.value())?;
        if changes.is_empty() {
            let flag = "--display";
            let name = session.asking().text_or(None, flag, "Display name", former.member("display_name")).await?;
            self.settings.display_name = Some(name);
            changes = self.settings.members(former.value())?;
        }
        let org = ORGS.update(session, &id, &Value::Object(changes)).await?;
        session.show_one(self.format.format(session), "organization updated", &rows(&org), &org)
    }
}
