//! `headwater users update`

use clap::Args;
use serde_json::{Map, Value};

use super::user::{USERS, User};
use crate::command::Run;
use crate::exit::Failure;
use crate::output::SingleFormat;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater users update 'auth0|…' --name 'Jane Doe'
  headwater users update 'auth0|…' --blocked
  headwater users update 'auth0|…' --blocked=false")]
pub(super) struct UpdateCommand {
    /// The user's id.
    id: Option<String>,
    /// The user's full name.
    #[arg(short, long)]
    name: Option<String>,
    /// The e-mail address.
    #[arg(short, long)]
    email: Option<String>,
    /// The password.
    #[arg(short, long)]
    password: Option<String>,
    /// The name to sign in with.
    #[arg(short, long)]
    username: Option<String>,
    /// The phone number.
    #[arg(short = 'm', long)]
    phone_number: Option<String>,
    /// Whether the user is kept from signing in.
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    blocked: Option<bool>,
    #[command(flatten)]
    format: SingleFormat,
}

impl Run for UpdateCommand {
    async fn run(mut self, session: &Session) -> Result<(), Failure> {
        let format = self.format.format(session);
        let id = USERS.id(session, self.id.take()).await?;
        let mut changes = self.changes();
        if changes.is_empty() {
            if !session.asking().is_possible() {
                return Err(Failure::usage("nothing is to be changed").hint("--help lists what can be"));
            }
            let former = USERS.read(session, &id).await?;
            let name = session.asking().text_or(None, "--name", "Name", former.member("name")).await?;
            changes.insert("name".into(), Value::String(name));
        }
        let user = USERS.update(session, &id, &Value::Object(changes)).await?;
        session.show_one(format, "user updated", &User(&user).rows(User(&user).known_by()), &user)
    }
}

impl UpdateCommand {
    fn changes(self) -> Map<String, Value> {
        let texts = [
            ("name", self.name),
            ("email", self.email),
            ("password", self.password),
            ("username", self.username),
            ("phone_number", self.phone_number),
        ];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
        let blocked = self.blocked.map(|blocked| ("blocked".to_owned(), Value::Bool(blocked)));
        texts.chain(blocked).collect()
    }
}
