//! Linking users: one becomes an identity of another, and can become a user of their own again.

use super::users::{deleted, user_subject};
use super::{Change, Expect, Origin, Revision, Versioned, Write};
use crate::catalog::EventType;
use crate::ids::UserId;
use crate::user::User;

/// A write about who is an identity of whom.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityWrite {
    /// Removes a user at this revision, who is an identity of the second user now. The id and the addresses stay taken,
    /// also those of the identities that the removed one had.
    Link(Revision, UserId, UserId),
    /// Gives the id and the addresses of the first, who is an identity of the second user, free again.
    Unlink(UserId, UserId),
}

impl From<IdentityWrite> for Write {
    fn from(write: IdentityWrite) -> Self {
        Self::Identity(write)
    }
}

/// Makes `secondary` an identity of `primary`: it raises `user.updated` of the one, with the whole former object, and
/// `user.deleted` of the other. Answers the primary user as they are then.
pub fn identity_link(primary: &Versioned<User>, secondary: &Versioned<User>, origin: &Origin<'_>) -> (User, Change) {
    let mut user = primary.value.linked(&secondary.value);
    user.updated_at = origin.now;
    let updated = origin.event(EventType::UserUpdated, user_subject(&user), &user, Some(&primary.value));
    let deleted = deleted(&secondary.value, origin);
    let secondary_id = secondary.value.user_id.clone();
    let writes = vec![
        Write::UserPut(Expect::At(primary.revision), Box::new(user.clone())),
        IdentityWrite::Link(secondary.revision, secondary_id, user.user_id.clone()).into(),
    ];
    (user, Change { writes, events: vec![updated, deleted] })
}

/// Makes an identity that is not the primary one a user of their own: it raises `user.updated` of the user whose it was,
/// with the whole former object, and `user.created` of the other. Answers the former as they are then; `None` if there is
/// no such identity.
pub fn identity_unlink(
    stored: &Versioned<User>,
    provider: &str,
    local_id: &str,
    origin: &Origin<'_>,
) -> Option<(User, Change)> {
    let (mut user, separate) = stored.value.unlinked(provider, local_id, origin.now)?;
    user.updated_at = origin.now;
    let updated = origin.event(EventType::UserUpdated, user_subject(&user), &user, Some(&stored.value));
    let created = origin.event(EventType::UserCreated, user_subject(&separate), &separate, None::<&User>);
    let writes = vec![
        Write::UserPut(Expect::At(stored.revision), Box::new(user.clone())),
        IdentityWrite::Unlink(separate.user_id.clone(), user.user_id.clone()).into(),
        Write::UserPut(Expect::Absent, Box::new(separate)),
    ];
    Some((user, Change { writes, events: vec![updated, created] }))
}
