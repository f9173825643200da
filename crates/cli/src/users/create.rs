//! `headwater users create`

use clap::Args;
use serde_json::{Map, Value, json};

use super::connection::{self, Demands};
use super::user::{KnownBy, USERS, User};
use crate::command::Run;
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater users create                               # asks, on a terminal
  headwater users create -n 'Jane Doe' -e jane@example.com -c Username-Password-Authentication
  headwater users create -c email -e jane@example.com
  headwater users create -c sms -m +15550100 --json")]
pub(super) struct CreateCommand {
    /// The user's full name.
    #[arg(short, long)]
    name: Option<String>,
    /// The e-mail address.
    #[arg(short, long)]
    email: Option<String>,
    /// The password, for connections that have one.
    #[arg(short, long)]
    password: Option<String>,
    /// The name to sign in with, for connections that ask for one.
    #[arg(short, long)]
    username: Option<String>,
    /// The phone number, for connections that send codes to it.
    #[arg(short = 'm', long)]
    phone_number: Option<String>,
    /// The name of the connection.
    #[arg(short, long)]
    connection_name: Option<String>,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for CreateCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let format = self.format.format(session);
        let (connection, demands) = connection::chosen(session, self.connection_name.clone()).await?;
        let mut body = self.asked(session, demands).await?;
        body.insert("connection".into(), Value::String(connection));
        let user = USERS.create(session, &Value::Object(body)).await?;
        let known_by = match demands {
            Demands::PhoneNumber => KnownBy::PhoneNumber,
            Demands::EmailAndPassword { username: true } => KnownBy::EmailAndUsername,
            Demands::Email | Demands::EmailAndPassword { username: false } => KnownBy::Email,
        };
        session.show_one(format, "user created", &User(&user).rows(known_by), &user)
    }
}

impl CreateCommand {
    /// What was given, and what the connection demands beside it.
    async fn asked(self, session: &Session, demands: Demands) -> Result<Map<String, Value>, Failure> {
        let asking = session.asking();
        let mut body = Map::new();
        let mut put = |name: &str, value: String| drop(body.insert(name.to_owned(), json!(value)));
        match demands {
            Demands::Email => put("email", asking.text(self.email, "--email", "Email").await?),
            Demands::PhoneNumber => {
                put("phone_number", asking.text(self.phone_number, "--phone-number", "Phone number").await?);
            }
            Demands::EmailAndPassword { username } => {
                if !asking.is_possible() && (self.email.is_none() || self.password.is_none()) {
                    return Err(Failure::usage("required flag email or password not set"));
                }
                put("email", asking.text(self.email, "--email", "Email").await?);
                put("password", asking.hidden(self.password, "--password", "Password").await?);
                if username {
                    put("username", asking.text(self.username, "--username", "Username").await?);
                }
            }
        }
        if let Some(name) = self.name {
            put("name", name);
        }
        if demands == Demands::PhoneNumber {
            // The code that signs somebody in is the proof.
            body.insert("phone_verified".into(), json!(true));
        }
        Ok(body)
    }
}
