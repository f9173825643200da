//! SCIM 2.0 (RFC 7643, 7644): the users and groups that an identity provider keeps up to date here.
//!
//! A SCIM user is a document that its provider decides on; `mapping.rs` says which of it becomes the user's profile.

mod document;
mod filter;
mod group;
mod mapping;
mod patch;
mod path;
mod sort;
mod token;
mod user;

use crate::clock::Timestamp;
use crate::connection::Strategy;
use crate::ids::ConnectionId;

pub use document::{ScimDocument, normalized};
pub use filter::ScimFilter;
pub use group::{GroupChanges, MemberChanges};
pub use mapping::{MappingItem, ScimMapping, Target};
pub use patch::{PatchKind, PatchOperation, patched};
pub use path::ScimPath;
pub use sort::ScimSort;
pub use token::{SCIM_SCOPES, ScimToken, ScimTokenHash, ScimTokenId};
pub use user::{ScimUser, ScimUserId};

/// What is wrong with what a provider sent: `scimType` of the answer, and what to say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimFault {
    /// RFC 7644, table 9.
    pub scim_type: &'static str,
    /// What is wrong, and what was expected.
    pub detail: String,
}

impl ScimFault {
    /// A path that cannot be read.
    pub fn path(detail: impl Into<String>) -> Self {
        Self { scim_type: "invalidPath", detail: detail.into() }
    }

    /// A filter that cannot be read, or is not supported.
    pub fn filter(detail: impl Into<String>) -> Self {
        Self { scim_type: "invalidFilter", detail: detail.into() }
    }

    /// A value that does not have its form, or is missing.
    pub fn value(detail: impl Into<String>) -> Self {
        Self { scim_type: "invalidValue", detail: detail.into() }
    }

    /// A request that does not have its form.
    pub fn syntax(detail: impl Into<String>) -> Self {
        Self { scim_type: "invalidSyntax", detail: detail.into() }
    }
}

/// How the users of a connection are provisioned.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimConfiguration {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The attribute that makes a user's id.
    pub user_id_attribute: ScimPath,
    /// Which attributes become the user's profile.
    pub mapping: ScimMapping,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The attribute that makes a user's id, unless another is chosen: what providers of this strategy know a user by.
pub fn user_id_attribute_default(strategy: Strategy) -> &'static str {
    match strategy.name() {
        "samlp" | "pingfederate" | "adfs" => "userName",
        _ => "externalId",
    }
}
