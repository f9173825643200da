//! `PATCH …/Groups/{id}`

use domain::scim::GroupChanges;

use super::update;
use crate::payload::Payload;
use crate::scim::call::ScimCaller;
use crate::scim::error::ScimAnswer;
use crate::scim::request;

/// Changes a group's name, external id or members.
pub(crate) async fn patch(caller: ScimCaller, payload: Payload) -> ScimAnswer {
    let call = caller.authorise("patch:groups")?;
    let changes = GroupChanges::of_operations(request::operations(payload).await?)?;
    update(&call, &changes).await
}
