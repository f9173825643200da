//! `headwater apps create`

use clap::Args;
use serde_json::{Value, json};

use super::app::{APPS, AppType, show};
use super::grant;
use super::settings::{Settings, scopes};
use crate::asking::Choice;
use crate::command::Run;
use crate::exit::Failure;
use crate::output::{Format, SingleFormat};
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater apps create                                # asks, on a terminal
  headwater apps create --name importer --type m2m --scopes 'read:users create:users' --reveal-secrets
  headwater apps create -n reader -t m2m --scopes read:events -r --json")]
pub(super) struct CreateCommand {
    #[command(flatten)]
    settings: Settings,
    /// What it is: only m2m gets tokens from this server.
    #[arg(short = 't', long = "type", value_name = "TYPE", value_enum)]
    app_type: Option<AppType>,
    /// The scopes of the Management API that it is granted, with spaces or commas between them.
    #[arg(long)]
    scopes: Option<String>,
    /// Whether it is your own.
    #[arg(short = 'f', long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    is_first_party: Option<bool>,
    /// Shows its secret.
    #[arg(short, long)]
    reveal_secrets: bool,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for CreateCommand {
    async fn run(mut self, session: &Session) -> Result<(), Failure> {
        let app_type = self.ask(session).await?;
        let mut body = self.settings.members()?;
        body.insert("app_type".into(), json!(app_type.app_type()));
        body.insert("oidc_conformant".into(), json!(true));
        body.insert("jwt_configuration".into(), json!({"alg": "RS256"}));
        body.entry("grant_types").or_insert_with(|| json!(app_type.default_grants()));
        body.entry("client_metadata").or_insert_with(|| json!({}));
        body.extend(self.is_first_party.map(|given| ("is_first_party".to_owned(), json!(given))));
        let app = APPS.create(session, &Value::Object(body)).await?;
        let id = app.member("client_id");
        let granted = self.scopes.as_deref().map(scopes);
        let granting = match &granted {
            Some(scopes) => grant::set(session, id, scopes).await,
            None => Ok(()),
        };
        let format = self.format.format(session);
        let shown_scopes = granted.as_deref().filter(|_| granting.is_ok());
        show(session, format, "application created", &app, self.reveal_secrets, shown_scopes)?;
        if let Err(failure) = granting {
            let again = format!("the application is there; grant with `headwater apps update {id} --scopes '…'`");
            return Err(failure.hint(again));
        }
        if format == Format::Text {
            self.say_what_is_next(session, id, app_type);
        }
        Ok(())
    }
}

impl CreateCommand {
    /// Asks for what was not given and has to be known.
    async fn ask(&mut self, session: &Session) -> Result<AppType, Failure> {
        let asking = session.asking();
        self.settings.name = Some(asking.text(self.settings.name.take(), "--name", "Name").await?);
        if let Some(app_type) = self.app_type {
            return Ok(app_type);
        }
        if asking.is_possible() && self.settings.description.is_none() {
            let description = asking.text_or(None, "--description", "Description", "").await?;
            self.settings.description = Some(description).filter(|text| !text.is_empty());
        }
        let choice = |each: AppType| Choice { value: each.app_type().to_owned(), label: each.label().to_owned() };
        let mut types = AppType::ALL;
        // The one that gets tokens here comes first.
        types.reverse();
        let chosen = asking.choice(None, "--type", "Type", types.map(choice).to_vec()).await?;
        let chosen = AppType::ALL.into_iter().find(|each| each.app_type() == chosen);
        Ok(chosen.expect("a choice is one of those that were offered"))
    }

    fn say_what_is_next(&self, session: &Session, id: &str, app_type: AppType) {
        let messages = session.messages();
        if app_type == AppType::M2m && self.scopes.is_none() {
            let grant = format!("headwater apps update {id} --scopes 'read:event_streams …'");
            messages.info(&format!("It gets no tokens until it is granted scopes: {grant}"));
        }
        if !self.reveal_secrets {
            messages.info(&format!("Its secret: headwater apps show {id} --reveal-secrets"));
        }
    }
}
