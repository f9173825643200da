//! APIs that tokens can be for (management-api.md 6.8): the Management API, and those of the tenant. Of the Management API
//! only how long its tokens hold can be changed; that has a row of its own.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use domain::change::{Revision, Versioned};
use domain::resource_server::ResourceServer;
use store::StoreError;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::{Field, Invalid};
use crate::wire::resource_server::ManagementApi;

const ID: Field = Field::new("id", "ID or audience of the resource server.");

/// What a path names.
enum Found {
    /// The Management API as it is, and at which revision the row of what was changed of it is.
    System(ManagementApi, Option<Revision>),
    /// An API of the tenant.
    Own(Box<Versioned<ResourceServer>>),
}

fn id(call: &Call) -> Result<&str, Invalid> {
    call.segment(ID)
}

/// The API with an id or an identifier.
async fn found(call: &Call, wanted: &str) -> Result<Found, ApiError> {
    let api = &call.served.management_api;
    if wanted == api.id || wanted == api.identifier {
        let (api, changed) = management_api(call).await?;
        return Ok(Found::System(api, changed));
    }
    let own = call.state().resource_server_get(call.tenant(), wanted).await?;
    own.map(|own| Found::Own(Box::new(own))).ok_or(ApiError::NotFound(Missing::ResourceServer))
}

/// The Management API as it is, and at which revision the row of what was changed of it is.
async fn management_api(call: &Call) -> Result<(ManagementApi, Option<Revision>), StoreError> {
    let mut api = call.served.management_api.clone();
    let changed = call.state().resource_server_get(call.tenant(), &api.identifier).await?;
    if let Some(changed) = &changed {
        api.token_lifetime = changed.value.token_lifetime;
    }
    Ok((api, changed.map(|changed| changed.revision)))
}
