//! Client grants (management-api.md 6.7).

use domain::account::ClientGrant;
use domain::ids::{ClientId, GrantId};
use serde::Serialize;

use super::reader::{Field, Invalid, ObjectReader, Part, Text};

const CLIENT_ID: Text = Text::new("client_id", "ID of the client").length(1, 64);
const AUDIENCE: Text = Text::new("audience", "The audience (API identifier) of this client grant").length(1, 600);
const SCOPE_FIELD: Field = Field::new("scope", "Scopes allowed for this client grant");
const SCOPE: Text = Text::new(SCOPE_FIELD.name, SCOPE_FIELD.about).length(1, 280);
const SUBJECT_TYPE: Field = Field::new("subject_type", "The type of application access the client grant allows");

/// The only kind of grant: an application acts for itself.
const CLIENT_SUBJECT: &str = "client";

/// A grant to create.
#[derive(Debug)]
pub(crate) struct NewGrant {
    /// The application.
    pub client_id: ClientId,
    /// The API.
    pub audience: String,
    /// The permissions.
    pub scope: Vec<String>,
}

/// Reads the body of a creation.
pub(crate) fn read_new(mut body: ObjectReader) -> Result<NewGrant, Invalid> {
    let client_id = ClientId::from_text(body.text_required(&CLIENT_ID)?);
    let audience = body.text_required(&AUDIENCE)?;
    let scope = body.texts(&SCOPE)?.ok_or_else(|| body.missing(SCOPE_FIELD))?;
    body.word(SUBJECT_TYPE, |word| (word == CLIENT_SUBJECT).then_some(()))?;
    body.finish()?;
    Ok(NewGrant { client_id, audience, scope })
}

/// Reads the body of a change: the whole new list of permissions, if there is one.
pub(crate) fn read_changes(mut body: ObjectReader) -> Result<Option<Vec<String>>, Invalid> {
    let scope = body.texts(&SCOPE)?;
    body.finish()?;
    Ok(scope)
}

/// Checks that every scope is one that the API has.
pub(crate) fn check_scope(scope: &[String], is_known: impl Fn(&str) -> bool) -> Result<(), Invalid> {
    match scope.iter().position(|scope| !is_known(scope)) {
        None => Ok(()),
        Some(index) => {
            let reason = format!("Object didn't pass validation for format scope: {}", scope[index]);
            let place = format!("{}[{index}]", SCOPE_FIELD.name);
            Err(Invalid::new(Part::Payload, &reason, &place, SCOPE_FIELD.about))
        }
    }
}

/// A grant as it is answered.
#[derive(Serialize)]
pub(crate) struct GrantAnswer {
    id: GrantId,
    client_id: ClientId,
    audience: String,
    scope: Vec<String>,
    subject_type: &'static str,
}

impl From<ClientGrant> for GrantAnswer {
    fn from(grant: ClientGrant) -> Self {
        let ClientGrant { id, client_id, audience, scope } = grant;
        Self { id, client_id, audience, scope, subject_type: CLIENT_SUBJECT }
    }
}
