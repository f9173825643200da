//! A user to link, as callers name one (management-api.md 6.1).

use domain::ids::ConnectionId;

use super::reader::{Field, Invalid, ObjectReader, Text};

const PROVIDER: Text =
    Text::new("provider", "Identity provider of the secondary user account being linked.").length(1, 128);
const USER_ID_FIELD: Field = Field::new("user_id", "User id of the secondary user account being linked.");
const USER_ID: Text = Text::new(USER_ID_FIELD.name, USER_ID_FIELD.about).length(1, 300);
const CONNECTION_ID: Text =
    Text::new("connection_id", "Connection id of the secondary user account being linked.").length(1, 50);

const LINK_WITH: Field = Field::new("link_with", "JWT for the secondary account being linked.");

/// A user to link.
#[derive(Debug)]
pub(crate) struct NewLink {
    /// The first part of the id.
    pub provider: String,
    /// The rest of it.
    pub user_id: String,
    /// The connection that the user must be of, if the caller names one.
    pub connection_id: Option<ConnectionId>,
}

/// Reads the body.
pub(crate) fn read_link(mut body: ObjectReader) -> Result<NewLink, Invalid> {
    if body.value(LINK_WITH).is_some() {
        return Err(
            body.fault_at(LINK_WITH, "No users sign in here, so there are no such tokens: give provider and user_id")
        );
    }
    let provider = body.text_required(&PROVIDER)?;
    let user_id = body.text_or_number(&USER_ID)?.ok_or_else(|| body.missing(USER_ID_FIELD))?;
    let connection_id = body.text(&CONNECTION_ID)?.map(ConnectionId::from_text);
    body.finish()?;
    Ok(NewLink { provider, user_id, connection_id })
}
