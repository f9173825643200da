//! The connection that a new user comes from.

use reqwest::Method;

use crate::asking::Choice;
use crate::client::ManagementClient;
use crate::document::Document;
use crate::entity::pair;
use crate::exit::{Failure, WhileDoing};
use crate::path::segment;
use crate::session::Session;

/// The strategies of connections that users can be created in.
const STRATEGIES: [&str; 3] = ["auth0", "email", "sms"];
const CONNECTIONS_MAX: usize = 100;
const FLAG: &str = "--connection-name";

/// What a user of the connection has to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demands {
    /// An address that links are sent to.
    Email,
    /// A number that codes are sent to.
    PhoneNumber,
    /// An address and a password, perhaps a name to sign in with.
    EmailAndPassword {
        /// Whether it has to have a name to sign in with.
        username: bool,
    },
}

impl Demands {
    fn of(connection: &Document) -> Self {
        match connection.member("strategy") {
            "email" => Self::Email,
            "sms" => Self::PhoneNumber,
            _ => Self::EmailAndPassword {
                username: connection.value()["options"]["requires_username"].as_bool().unwrap_or(false),
            },
        }
    }
}

/// The connection that was named, or one that is picked. One that no application may use is none: its users could
/// never sign in.
pub(super) async fn chosen(session: &Session, given: Option<String>) -> Result<(String, Demands), Failure> {
    let client = session.client().await?;
    let usable = usable(client).await.map_err(|failure| failure.while_doing("failed to list connections"))?;
    let name = match given {
        Some(name) => name,
        None => picked(session, &usable).await?,
    };
    let named = client.document(Method::GET, "connections", &pair("name", &name), None).await;
    let named = named.while_doing(&format!("failed to find connection with name {name:?}"))?.elements()?;
    let Some(connection) = named.first() else {
        let known = if usable.is_empty() { String::new() } else { format!("; there are: {}", usable.join(", ")) };
        return Err(Failure::refused(format!("failed to find connection with name {name:?}{known}")));
    };
    if STRATEGIES.contains(&connection.member("strategy")) && !usable.contains(&name) {
        return Err(Failure::refused(format!(
            "failed to continue due to the connection with name {name:?} being disabled, enable an application on this connection and try again"
        ))
        .hint(format!(
            "headwater api patch connections/{}/clients -d '[{{\"client_id\": \"…\", \"status\": true}}]'",
            connection.member("id"),
        )));
    }
    Ok((name, Demands::of(connection)))
}

/// The names of the connections that users can be created in.
async fn usable(client: &ManagementClient) -> Result<Vec<String>, Failure> {
    let strategies = STRATEGIES.iter().enumerate();
    let mut query: Vec<_> = strategies.flat_map(|(index, name)| pair(&format!("strategy[{index}]"), name)).collect();
    query.extend(pair("per_page", CONNECTIONS_MAX));
    query.extend(pair("include_totals", true));
    let connections = client.document(Method::GET, "connections", &query, None).await?;
    let mut names = Vec::new();
    for connection in connections.part("connections").elements()? {
        let path = format!("connections/{}/clients", segment(connection.member("id")));
        let enabled = client.document(Method::GET, &path, &[], None).await?;
        if !enabled.part("clients").elements()?.is_empty() {
            names.push(connection.member("name").to_owned());
        }
    }
    Ok(names)
}

/// Where nothing can be asked, the only one is meant.
async fn picked(session: &Session, usable: &[String]) -> Result<String, Failure> {
    match usable {
        [] => Err(Failure::refused("no connection has an enabled application")
            .hint("create one with `headwater api post connections`, and name an application in its enabled_clients")),
        [only] if !session.asking().is_possible() => Ok(only.clone()),
        several => {
            let choices = several.iter().map(|name| Choice::of(name)).collect();
            session.asking().choice(None, FLAG, "Connection", choices).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connection_demands() {
        let demands = |text| Demands::of(&Document::parse(text).unwrap());
        assert_eq!(demands(r#"{"strategy":"email"}"#), Demands::Email);
        assert_eq!(demands(r#"{"strategy":"sms"}"#), Demands::PhoneNumber);
        let database = r#"{"strategy":"auth0","options":{"requires_username":true}}"#;
        assert_eq!(demands(database), Demands::EmailAndPassword { username: true });
        assert_eq!(demands(r#"{"strategy":"okta"}"#), Demands::EmailAndPassword { username: false });
    }
}
