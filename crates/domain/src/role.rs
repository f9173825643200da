//! A role: what users, members of organizations and groups can be given.

use serde::{Deserialize, Serialize};

use crate::ids::RoleId;

/// A role. Its shape is that of the API's answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// `rol_…`
    pub id: RoleId,
    /// What people call it; not unique.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
