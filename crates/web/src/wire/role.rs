//! Roles as callers give them (management-api.md 6.4). They are answered as the domain writes them.

use domain::change::RolePatch;
use domain::ids::{RoleId, UserId};
use domain::user::User;
use serde::Serialize;
use serde_json::{Map, Value};

use super::reader::{Field, Invalid, ObjectReader, Text};

const NAME: Text = Text::new("name", "Name of the role.").length(1, 300);
const DESCRIPTION: Text = Text::new("description", "Description of the role.").length(1, 1000);
const TYPE: Field = Field::new("type", "Whose role it is; this server has roles of the tenant only.");
const ROLES: Text = Text::new("roles", "List of roles IDs.").length(1, 50);
const USERS: Text = Text::new("users", "user_id's of the users to assign the role to.").length(1, 300);

/// Roles in one call at most.
const ROLES_MAX: usize = 50;
/// Users in one call at most.
const USERS_MAX: usize = 1000;

/// A role to create.
#[derive(Debug)]
pub(crate) struct NewRole {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// Reads the body of a creation.
pub(crate) fn read_new(mut body: ObjectReader) -> Result<NewRole, Invalid> {
    let name = body.text_required(&NAME)?;
    let description = body.text(&DESCRIPTION)?;
    body.word(TYPE, |word| (word == "tenant").then_some(()))?;
    body.finish()?;
    Ok(NewRole { name, description })
}

/// Reads the body of a change.
pub(crate) fn read_changes(mut body: ObjectReader) -> Result<RolePatch, Invalid> {
    let patch = RolePatch { name: body.text(&NAME)?, description: body.text(&DESCRIPTION)? };
    body.finish()?;
    Ok(patch)
}

/// Reads a body that names roles.
pub(crate) fn read_roles(mut body: ObjectReader) -> Result<Vec<RoleId>, Invalid> {
    let roles = body.texts_required(&ROLES, 1, ROLES_MAX)?;
    body.finish()?;
    Ok(roles.into_iter().map(RoleId::from_text).collect())
}

/// Reads a body that names users.
pub(crate) fn read_users(mut body: ObjectReader) -> Result<Vec<UserId>, Invalid> {
    let users = body.texts_required(&USERS, 1, USERS_MAX)?;
    body.finish()?;
    Ok(users.into_iter().map(UserId::from_text).collect())
}

/// A user as lists of who has something answer them.
#[derive(Serialize)]
pub(crate) struct UserSummary {
    user_id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

impl From<User> for UserSummary {
    fn from(user: User) -> Self {
        let User { user_id, picture, name, email, .. } = user;
        Self { user_id, picture, name, email }
    }
}

impl UserSummary {
    /// Its members, to add to and to select from.
    pub(crate) fn into_object(self) -> Map<String, Value> {
        let texts = [("picture", self.picture), ("name", self.name), ("email", self.email)];
        let mut object = Map::new();
        object.insert("user_id".to_owned(), self.user_id.as_str().into());
        object.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
        object
    }
}
