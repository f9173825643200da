//! Users whom their identity provider keeps up to date with SCIM.

use super::{Change, Expect, Origin, Revision, Versioned, Write};
use crate::catalog::EventType;
use crate::erasure::subject_of;
use crate::ids::ConnectionId;
use crate::scim::{ScimConfiguration, ScimDocument, ScimFault, ScimMapping, ScimToken, ScimTokenId, ScimUser};
use crate::user::User;

/// A write about users whom SCIM keeps up to date, or how.
#[derive(Clone, Debug, PartialEq)]
pub enum ScimWrite {
    /// Creates or changes how a connection is provisioned.
    ConfigurationPut(Expect, Box<ScimConfiguration>),
    /// Has a connection provisioned no longer, and forgets its tokens.
    ConfigurationDelete(Revision, ConnectionId),
    /// Adds a token.
    TokenAdd(Box<ScimToken>),
    /// Removes a token.
    TokenDelete(ConnectionId, ScimTokenId),
    /// Creates or changes a user as SCIM has it. It goes with the user that it is.
    UserPut(Expect, Box<ScimUser>),
}

impl From<ScimWrite> for Write {
    fn from(write: ScimWrite) -> Self {
        Self::Scim(write)
    }
}

impl From<ScimWrite> for Change {
    fn from(write: ScimWrite) -> Self {
        Write::Scim(write).into()
    }
}

/// A new user raises `user.created`.
pub fn scim_user_create(scim_user: ScimUser, user: User, origin: &Origin<'_>) -> Change {
    let mut change = super::user_create(user, origin);
    change.writes.push(ScimWrite::UserPut(Expect::Absent, Box::new(scim_user)).into());
    change
}

/// A changed document raises `user.updated`, with the whole former object, if the mapping makes another user of it. A
/// document that is the same is no change.
///
/// # Errors
/// [`ScimFault`] if the document lacks something.
pub fn scim_user_update(
    stored: &Versioned<ScimUser>,
    user: &Versioned<User>,
    document: ScimDocument,
    mapping: &ScimMapping,
    origin: &Origin<'_>,
) -> Result<Option<(ScimUser, Change)>, ScimFault> {
    let scim_user = stored.value.with_document(document, origin.now)?;
    if scim_user.document == stored.value.document {
        return Ok(None);
    }
    let write = ScimWrite::UserPut(Expect::At(stored.revision), Box::new(scim_user.clone()));
    let mut change = Change::from(write);
    let mut updated = user.value.clone();
    mapping.apply(&scim_user.document, &mut updated);
    if updated != user.value {
        updated.updated_at = origin.now;
        let subject = subject_of(&updated.user_id);
        change.events.push(origin.event(EventType::UserUpdated, subject, &updated, Some(&user.value)));
        change.writes.push(Write::UserPut(Expect::At(user.revision), Box::new(updated)));
    }
    Ok(Some((scim_user, change)))
}
