//! `headwater orgs members`

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::org::ORGS;
use crate::command::Run;
use crate::entity::pages;
use crate::exit::Failure;
use crate::output::{ListFormat, Listing};
use crate::session::Session;
use crate::users::USERS;

const NUMBER_MAX: i64 = 1000;
const NUMBER: u16 = 50;
/// How many the server takes at once.
const MEMBERS_AT_ONCE_MAX: usize = 10;

#[derive(Args, Debug)]
pub(super) struct MembersCommand {
    #[command(subcommand)]
    operation: Operation,
}

#[derive(Subcommand, Debug)]
enum Operation {
    /// Lists the members of an organization.
    #[command(visible_alias = "ls")]
    List(ListCommand),
    /// Makes users members of an organization.
    Add(AddCommand),
    /// Ends the membership of users.
    #[command(visible_alias = "rm")]
    Remove(RemoveCommand),
}

impl Run for MembersCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        match self.operation {
            Operation::List(command) => command.run(session).await,
            Operation::Add(command) => command.run(session).await,
            Operation::Remove(command) => command.run(session).await,
        }
    }
}

#[derive(Args, Debug)]
struct ListCommand {
    /// The organization's id.
    id: Option<String>,
    /// How many.
    #[arg(short, long, default_value_t = NUMBER, value_parser = clap::value_parser!(u16).range(1..=NUMBER_MAX))]
    number: u16,
    #[command(flatten)]
    format: ListFormat,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater orgs members add org_… 'auth0|1' 'auth0|2'")]
struct AddCommand {
    /// The organization's id.
    id: Option<String>,
    /// The users' ids.
    users: Vec<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater orgs members remove org_… 'auth0|1' --force")]
struct RemoveCommand {
    /// The organization's id.
    id: Option<String>,
    /// The users' ids.
    users: Vec<String>,
    /// Removes without asking.
    #[arg(long)]
    force: bool,
}

impl Run for ListCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let id = ORGS.id(session, self.id).await?;
        let listed = pages(session.client().await?, &path(&id), "members", &[], self.number.into()).await;
        let doing = format!("failed to list members of organization with ID {id:?}");
        let members = listed.map_err(|failure| failure.while_doing(&doing))?;
        let listing = Listing {
            resource: "organization members",
            hint: "Use 'headwater orgs members add' to add one",
            columns: &["ID", "Name", "Email", "Picture URL"],
            rows: members
                .iter()
                .map(|each| ["user_id", "name", "email", "picture"].map(|member| each.member(member).to_owned()).into())
                .collect(),
            documents: &members,
        };
        session.show_list(self.format.format(session), &listing)
    }
}

impl Run for AddCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let id = ORGS.id(session, self.id).await?;
        let users = USERS.ids(session, self.users).await?;
        let doing = format!("failed to add members to organization with ID {id:?}");
        change(session, Method::POST, &id, &users).await.map_err(|failure| failure.while_doing(&doing))?;
        session.messages().info(&format!("{} added to {id}.", counted(users.len())));
        Ok(())
    }
}

impl Run for RemoveCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let id = ORGS.id(session, self.id).await?;
        let users = USERS.ids(session, self.users).await?;
        if !session.asking().is_meant(self.force).await? {
            return Ok(());
        }
        let doing = format!("failed to remove members from organization with ID {id:?}");
        change(session, Method::DELETE, &id, &users).await.map_err(|failure| failure.while_doing(&doing))?;
        session.messages().info(&format!("{} removed from {id}.", counted(users.len())));
        Ok(())
    }
}

async fn change(session: &Session, method: Method, id: &str, users: &[String]) -> Result<(), Failure> {
    let client = session.client().await?;
    for some in users.chunks(MEMBERS_AT_ONCE_MAX) {
        let body = json!({ "members": some });
        client.document(method.clone(), &path(id), &[], Some(&body)).await?;
    }
    Ok(())
}

fn path(id: &str) -> String {
    format!("{}/members", ORGS.path_of(id))
}

fn counted(members: usize) -> String {
    if members == 1 { "1 member".to_owned() } else { format!("{members} members") }
}
