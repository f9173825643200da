//! Changes of roles and of who has them. They raise nothing: the roles of a user in the tenant are no event of the
//! contract.

use super::{Change, Expect, Revision, Write};
use crate::ids::{RoleId, UserId};
use crate::role::Role;

/// A write about roles.
#[derive(Clone, Debug, PartialEq)]
pub enum RoleWrite {
    /// Creates or changes a role.
    Put(Expect, Role),
    /// Removes a role, and takes it from everybody who has it.
    Delete(Revision, RoleId),
    /// Gives a user a role; one who has it keeps it.
    Assign(UserId, RoleId),
    /// Takes a role from a user, if they have it.
    Unassign(UserId, RoleId),
}

impl From<RoleWrite> for Write {
    fn from(write: RoleWrite) -> Self {
        Self::Role(write)
    }
}

impl From<RoleWrite> for Change {
    fn from(write: RoleWrite) -> Self {
        Write::Role(write).into()
    }
}

/// What a caller wants changed of a role; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct RolePatch {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
}

/// Gives users roles.
pub fn roles_assign(pairs: impl IntoIterator<Item = (UserId, RoleId)>) -> Change {
    let writes = pairs.into_iter().map(|(user, role)| RoleWrite::Assign(user, role).into());
    Change { writes: writes.collect(), events: Vec::new() }
}

/// Takes roles from users.
pub fn roles_unassign(pairs: impl IntoIterator<Item = (UserId, RoleId)>) -> Change {
    let writes = pairs.into_iter().map(|(user, role)| RoleWrite::Unassign(user, role).into());
    Change { writes: writes.collect(), events: Vec::new() }
}
