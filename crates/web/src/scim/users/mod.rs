//! Users: `/scim/v2/connections/{connection_id}/Users`.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod replace;

use domain::change::{Versioned, scim_user_update};
use domain::scim::{ScimDocument, ScimFault, ScimUser, ScimUserId};
use domain::user::User;
use serde_json::{Value, json};

use super::answer::{self, meta_of};
use super::call::ScimCall;
use super::error::{ScimAnswer, ScimError};
use super::list::Attributes;
use crate::call::CHANGE_TRIES_MAX;
use crate::wire::reader::Field;

pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const ENTERPRISE_SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ID: Field = Field::new("id", "The id of the user.");
const MISSING: ScimError = ScimError::NotFound("the user");

/// The SCIM user that the path names.
async fn stored(call: &ScimCall) -> Result<Versioned<ScimUser>, ScimError> {
    let id = ScimUserId::from_text(call.segment(ID));
    call.state().scim_user_get(call.tenant(), &call.connection.id, &id).await?.ok_or(MISSING)
}

/// The user that it is: none, if that has become an identity of another.
async fn user_of(call: &ScimCall, scim_user: &ScimUser) -> Result<Versioned<User>, ScimError> {
    call.state().user_get(call.tenant(), &scim_user.user_id).await?.ok_or(MISSING)
}

/// A user as its provider gets it back: what the provider said, and what the server adds.
fn resource(call: &ScimCall, stored: &Versioned<ScimUser>) -> Value {
    let user = &stored.value;
    let extensions = user.document.keys().filter(|name| name.starts_with("urn:")).map(String::as_str);
    let schemas: Vec<&str> = std::iter::once(SCHEMA).chain(extensions).collect();
    let location = call.location(&format!("Users/{}", user.id));
    let mut resource = user.document.clone();
    resource.insert("schemas".to_owned(), json!(schemas));
    resource.insert("id".to_owned(), json!(user.id.as_str()));
    let meta = meta_of("User", &location, stored.revision, user.created_at, user.updated_at);
    resource.insert("meta".to_owned(), meta);
    resource.entry("active").or_insert(Value::Bool(true));
    Value::Object(resource)
}

fn answered(call: &ScimCall, status: axum::http::StatusCode, stored: &Versioned<ScimUser>) -> axum::response::Response {
    let shown = Attributes::read(&call.query()).apply(resource(call, stored));
    answer::resource(status, &shown)
}

/// Gives a user the document that `change` makes of the one that is there, which raises `user.updated` if it makes
/// another user of it.
async fn update(call: &ScimCall, change: impl Fn(&ScimDocument) -> Result<ScimDocument, ScimFault>) -> ScimAnswer {
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(call).await?;
        call.check_version(&found)?;
        let user = user_of(call, &found.value).await?;
        let document = change(&found.value.document)?;
        let mapping = &call.configuration.mapping;
        let Some((updated, change)) = scim_user_update(&found, &user, document, mapping, &call.origin())? else {
            return Ok(answered(call, axum::http::StatusCode::OK, &found));
        };
        if call.commit(change).await? {
            let revision = domain::change::Revision(found.revision.0 + 1);
            let updated = Versioned { revision, value: updated };
            return Ok(answered(call, axum::http::StatusCode::OK, &updated));
        }
    }
    Err(ScimError::Contended)
}
