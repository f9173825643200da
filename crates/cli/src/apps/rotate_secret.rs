//! `headwater apps rotate-secret`

use clap::Args;
use reqwest::Method;

use super::app::{APPS, App, shown};
use crate::command::Run;
use crate::exit::{Failure, WhileDoing};
use crate::output::{Format, SingleFormat};
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater apps rotate-secret CLIENT_ID --reveal-secrets
  headwater apps rotate-secret CLIENT_ID -r --force --json")]
pub(super) struct RotateSecretCommand {
    /// The application's client id.
    id: Option<String>,
    /// Rotates without asking.
    #[arg(long)]
    force: bool,
    /// Shows the new secret.
    #[arg(short, long)]
    reveal_secrets: bool,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for RotateSecretCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let id = APPS.id(session, self.id).await?;
        if !session.asking().is_meant(self.force).await? {
            return Ok(());
        }
        let client = session.client().await?;
        let path = format!("{}/rotate-secret", APPS.path_of(&id));
        let rotated = client.document(Method::POST, &path, &[], None).await;
        let app = rotated.while_doing(&format!("failed to rotate the secret of application with ID {id:?}"))?;
        let mut rows = vec![("CLIENT ID", app.member("client_id").to_owned()), ("NAME", app.member("name").to_owned())];
        rows.extend(self.reveal_secrets.then(|| ("CLIENT SECRET", App(&app).secret())));
        let format = self.format.format(session);
        session.show_one(format, "application secret rotated", &rows, &shown(&app, self.reveal_secrets))?;
        if format == Format::Text && !self.reveal_secrets {
            session.messages().info(&format!("Its secret: headwater apps show {id} --reveal-secrets"));
        }
        Ok(())
    }
}
