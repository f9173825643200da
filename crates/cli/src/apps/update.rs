//! `headwater apps update`

use clap::Args;
use serde_json::Value;

use super::app::{APPS, show};
use super::grant;
use super::settings::{Settings, scopes};
use crate::command::Run;
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater apps update CLIENT_ID --name 'Nightly import'
  headwater apps update CLIENT_ID --scopes 'read:users read:events'")]
pub(super) struct UpdateCommand {
    /// The application's client id.
    id: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// The scopes of the Management API that it is granted from now on, instead of those before.
    #[arg(long)]
    scopes: Option<String>,
    /// Shows its secret.
    #[arg(short, long)]
    reveal_secrets: bool,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for UpdateCommand {
    async fn run(mut self, session: &Session) -> Result<(), Failure> {
        let id = APPS.id(session, self.id.take()).await?;
        let mut changes = self.settings.members()?;
        let granted = self.scopes.as_deref().map(scopes);
        if changes.is_empty() && granted.is_none() {
            if !session.asking().is_possible() {
                return Err(Failure::usage("nothing is to be changed").hint("--help lists what can be"));
            }
            let former = APPS.read(session, &id).await?;
            let name = session.asking().text_or(None, "--name", "Name", former.member("name")).await?;
            changes.insert("name".into(), Value::String(name));
        }
        let app = if changes.is_empty() {
            APPS.read(session, &id).await?
        } else {
            APPS.update(session, &id, &Value::Object(changes)).await?
        };
        if let Some(scopes) = &granted {
            grant::set(session, &id, scopes).await?;
        }
        let format = self.format.format(session);
        show(session, format, "application updated", &app, self.reveal_secrets, granted.as_deref())
    }
}
